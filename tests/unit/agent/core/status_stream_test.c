#include "tests/unit/agent/core/rig.h"

static struct rig *with_running_task(void) {
    struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    return rig;
}

TEST(an_update_is_sent_again_after_10_30_70_and_150_seconds) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    static const int64_t waits_ms[] = {10000, 20000, 40000, 80000};

    for (size_t i = 0; i < 4; i++) {
        rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
        for (int64_t left = waits_ms[i]; left > 0; left -= 10000) {
            assert_int_equal(rig_count_updates(rig, "t1"), i + 1);
            rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
            rig_advance(rig, 10000);
        }
    }

    assert_int_equal(rig_count_updates(rig, "t1"), 5);
}

TEST(retries_are_never_more_than_ten_minutes_apart) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    for (int i = 0; i < 60 * 6; i++) {
        rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
        rig_advance(rig, 10000);
    }
    size_t before = rig_count_updates(rig, "t1");

    for (int i = 0; i < 60; i++) {
        rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
        rig_advance(rig, 10000);
    }

    assert_int_equal(rig_count_updates(rig, "t1"), before + 1);
}

TEST(the_second_update_waits_for_the_acknowledgement_of_the_first) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_exited(rig, rig_launched(rig), 0);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
    rig_acknowledge(rig, "t1");

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FINISHED);
}

TEST(an_update_tells_the_newest_state_behind_it) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_exited(rig, rig_launched(rig), 0);

    rig_advance(rig, 10000);

    const struct agent_message *message = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(message->update.status.state, TASK_STATE_RUNNING);
    assert_int_equal(message->update.latest_state, TASK_STATE_FINISHED);
}

TEST(an_acknowledgement_is_stored_before_the_next_update_goes) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_exited(rig, rig_launched(rig), 0);
    rig->stores_wait = true;

    rig_acknowledge(rig, "t1");
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
    rig_store_all(rig);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FINISHED);
    assert_int_equal(rig_disk_count(rig, "update/"), 1);
}

static const struct task_report *reported_task(const struct rig *rig) {
    for (size_t i = rig->done.count; i-- > 0;) {
        const struct agent_effect *effect = &rig->done.items[i];
        if (effect->kind == AGENT_EFFECT_SEND_MASTER &&
            effect->master.kind == AGENT_MESSAGE_REGISTER)
            return &effect->master.register_agent.tasks[0];
    }
    return NULL;
}

/* After a crash the first would be sent again, and a framework that heard of the second hears of a
 * task that runs after its end. */
TEST(an_update_whose_predecessor_is_not_yet_forgotten_on_disk_is_not_reported_as_sent) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_exited(rig, rig_launched(rig), 0);
    rig->stores_wait = true;
    rig_acknowledge(rig, "t1");
    rig_lose_master(rig);

    rig_connect(rig);

    const struct task_report *task = reported_task(rig);
    assert_non_null(task);
    assert_int_equal(task->sent_state, TASK_STATE_RUNNING);
    assert_int_equal(task->latest_state, TASK_STATE_FINISHED);
    assert_false(task->has_sent_uuid);
}

TEST(an_acknowledgement_with_another_uuid_is_ignored) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    struct master_message message = {.kind = MASTER_MESSAGE_ACKNOWLEDGE};
    message.acknowledge.framework.text = TEXT("f1");
    message.acknowledge.task.text = TEXT("t1");
    message.acknowledge.uuid.bytes[0] = 1;

    rig_master(rig, message);

    assert_true(rig_has_note(rig, "acknowledgement_ignored"));
    assert_int_equal(rig_disk_count(rig, "update/"), 1);
}

TEST(a_second_acknowledgement_is_ignored) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_acknowledge(rig, "t1");
    rig_acknowledge(rig, "t1");

    assert_true(rig_has_note(rig, "acknowledgement_ignored"));
}

TEST(streams_rest_without_a_master_and_wake_with_the_next) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_lose_master(rig);
    rig_forget_effects(rig);

    rig_advance(rig, 1000);
    assert_int_equal(rig_count_updates(rig, "t1"), 0);
    rig_connect(rig);

    assert_int_equal(rig_count_updates(rig, "t1"), 1);
}

TEST(a_task_that_ends_without_a_master_is_told_later) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_acknowledge(rig, "t1");
    rig_lose_master(rig);

    rig_exited(rig, rig_launched(rig), 3);
    rig_connect(rig);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
}

TEST(a_framework_that_comes_back_need_not_wait_for_the_retry) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    size_t before = rig_count_updates(rig, "t1");

    struct master_message message = {.kind = MASTER_MESSAGE_UPDATE_FRAMEWORK};
    message.update_framework.id = framework_id_of(TEXT("f1"));
    message.update_framework.info = rig->frameworks.items[0]->encoded;
    rig_master(rig, message);

    assert_int_equal(rig_count_updates(rig, "t1"), before + 1);
}
