/*
 * Where masters are looked up: what the scheduler's core does with the one that is found.
 */
#include "tests/unit/lib/core/scheduler_rig.h"

static void look_up(struct stage *stage) {
    begin(stage, (struct choices){.masters = "zk://z:2181/mesos"});
}

static void find(struct stage *stage, struct text address) {
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_MASTER_FOUND, .text = address});
}

TEST(nothing_is_dialled_before_a_master_is_found) {
    struct stage stage;
    look_up(&stage);

    assert_int_equal(stage.outbox.effects.count, 0);
    stage_feed(&stage,
               (struct driver_event){.kind = DRIVER_EVENT_FIND_FAILED, .text = TEXT("no server")});
    assert_string_equal(stage_callback(&stage, CALLBACK_CONNECT_FAILED)->message, "no server");
    find(&stage, TEXT("m:5050"));
    stage_assert_dials(&stage, "m:5050");
    end(&stage);
}

TEST(a_driver_stays_where_the_leader_is_and_goes_where_it_is_next) {
    struct stage stage;
    look_up(&stage);
    find(&stage, TEXT("m:5050"));
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    find(&stage, TEXT("m:5050"));
    assert_int_equal(stage.outbox.effects.count, 0);
    find(&stage, TEXT("n:5050"));
    assert_int_equal(stage.outbox.effects.items[0].kind, DRIVER_EFFECT_CLOSE);
    stage_assert_dials(&stage, "n:5050");
    end(&stage);
}
