/*
 * Where masters are looked up: what the scheduler's core does with the one that is found.
 */
#include "lib/core/scheduler.h"
#include "tests/unit/lib/core/stage.h"

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    scheduler_step(core, event, outbox);
}

static void begin(struct stage *stage) {
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "test";
    info.user = "nobody";
    struct scheduler_settings settings = {
        .masters = TEXT("zk://z:2181/mesos"), .framework = &info, .seed = 7};
    stage_init(stage, scheduler_new(&settings), step);
    stage_tell(stage, DRIVER_EVENT_START);
}

static void end(struct stage *stage) {
    scheduler_free(stage->core);
    stage_fini(stage);
}

static void find(struct stage *stage, struct text address) {
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_MASTER_FOUND, .text = address});
}

TEST(nothing_is_dialled_before_a_master_is_found) {
    struct stage stage;
    begin(&stage);

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
    begin(&stage);
    find(&stage, TEXT("m:5050"));
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    find(&stage, TEXT("m:5050"));
    assert_int_equal(stage.outbox.effects.count, 0);
    find(&stage, TEXT("n:5050"));
    assert_int_equal(stage.outbox.effects.items[0].kind, DRIVER_EFFECT_CLOSE);
    stage_assert_dials(&stage, "n:5050");
    end(&stage);
}
