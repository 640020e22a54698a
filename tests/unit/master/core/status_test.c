#include "tests/unit/master/core/stage.h"

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage_forget(stage);
    return stage;
}

TEST(an_update_is_forwarded_with_its_uuid_and_its_bytes) {
    AUTO(stage_free) struct stage *stage = begin();
    struct agent_message message = {.kind = AGENT_MESSAGE_UPDATE};
    message.update.framework.text = stage_id(stage, "M-0000");
    message.update.latest_state = TASK_STATE_RUNNING;
    message.update.status = (struct task_status){.task = {TEXT("t")},
                                                 .state = TASK_STATE_RUNNING,
                                                 .has_uuid = true,
                                                 .uuid = stage_uuid(7),
                                                 .encoded = TEXT("bytes")};

    stage_tell(stage, 9, message);

    assert_heard(stage, "to 1 UPDATE t TASK_RUNNING uuid=7 encoded=bytes");
}

TEST(an_acknowledgement_goes_to_the_agent_once) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 7);

    stage_acknowledge(stage, 1, "M-S0", "t", 7);
    stage_acknowledge(stage, 1, "M-S0", "t", 7);

    assert_int_equal(stage_count(stage, "to 9 ACKNOWLEDGE t"), 1);
    assert_int_equal(stage->acknowledged.items[0].bytes[0], 7);
}

TEST(an_acknowledgement_of_another_status_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 7);

    stage_acknowledge(stage, 1, "M-S0", "t", 8);

    assert_not_heard(stage, "ACKNOWLEDGE t");
    assert_heard(stage, "note acknowledge_dropped");
}

TEST(a_uuid_that_is_not_16_bytes_is_named) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = {
        .kind = SCHEDULER_CALL_ACKNOWLEDGE,
        .acknowledge = {{stage_id(stage, "M-S0")}, {TEXT("t")}, TEXT("short")}};

    stage_call(stage, 1, call);

    assert_heard(stage, "uuid is 5 bytes, not 16");
}

TEST(an_acknowledgement_to_an_unknown_agent_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_acknowledge(stage, 1, "M-S7", "t", 7);
    stage_acknowledge(stage, 1, "", "t", 7);

    assert_int_equal(stage_count(stage, "agent not connected"), 2);
}

TEST(resources_are_free_at_the_first_terminal_state) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 7);

    struct agent_view agent;
    struct task_view task;
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(resources_is_empty(agent.used));
    assert_true(stage_find_task(stage, "t", &task));
    assert_false(task.is_completed);
}

TEST(the_newest_state_behind_an_update_frees_resources_too) {
    AUTO(stage_free) struct stage *stage = begin();
    struct agent_message message = {.kind = AGENT_MESSAGE_UPDATE};
    message.update.framework.text = stage_id(stage, "M-0000");
    message.update.latest_state = TASK_STATE_FINISHED;
    message.update.status =
        (struct task_status){.task = {TEXT("t")}, .state = TASK_STATE_RUNNING, .has_uuid = true};

    stage_tell(stage, 9, message);

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_FINISHED);
    assert_int_equal(task.status_state, TASK_STATE_RUNNING);
}

TEST(a_terminal_task_is_completed_when_it_is_acknowledged) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 7);

    stage_acknowledge(stage, 1, "M-S0", "t", 7);

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_true(task.is_completed);
}

TEST(a_completed_tasks_id_may_be_used_again) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 7);
    stage_acknowledge(stage, 1, "M-S0", "t", 7);

    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    assert_heard(stage, "RUN t");
}

TEST(a_retried_update_is_forwarded_again_and_kept_once) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 7);
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 7);

    struct task_view task;
    assert_int_equal(stage_count(stage, "to 1 UPDATE t TASK_RUNNING uuid=7"), 2);
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.status_count, 1);
}

TEST(the_history_keeps_each_change_of_state) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_STARTING, 1);
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 2);
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 3);
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FAILED, 4);

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.status_count, 3);
    assert_int_equal(task.statuses[1].uuid.bytes[0], 3);
}

TEST(an_update_that_the_table_forbids_is_noted_and_can_be_acknowledged) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 1);

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 2);
    stage_acknowledge(stage, 1, "M-S0", "t", 2);

    struct task_view task;
    assert_heard(stage, "note status_out_of_order");
    assert_heard(stage, "to 9 ACKNOWLEDGE t");
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_FINISHED);
}

TEST(a_task_that_its_agent_lost_does_not_live_again) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_LOST, 1);

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 2);

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_LOST);
}

TEST(the_update_of_an_unknown_task_is_forwarded_and_acknowledged) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "M-0000", "ghost", TASK_STATE_LOST, 3);
    stage_acknowledge(stage, 1, "M-S0", "ghost", 3);

    assert_heard(stage, "to 1 UPDATE ghost TASK_LOST uuid=3");
    assert_heard(stage, "to 9 ACKNOWLEDGE ghost");
}

TEST(the_update_of_an_unknown_framework_ends_it_on_the_agent) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "nobody", "t", TASK_STATE_RUNNING, 3);

    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK nobody");
}

TEST(an_update_from_the_wrong_agent_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 10, "i", "cpus:1");

    stage_update(stage, 10, "M-0000", "t", TASK_STATE_FAILED, 3);

    struct task_view task;
    assert_heard(stage, "the task is on agent M-S0");
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_STAGING);
}

TEST(an_update_without_ids_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_update(stage, 9, "", "t", TASK_STATE_FAILED, 3);
    stage_update(stage, 9, "M-0000", "", TASK_STATE_FAILED, 3);

    assert_int_equal(stage_count(stage, "no framework or task id"), 2);
}

TEST(completed_tasks_are_kept_up_to_a_limit) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.max_completed_tasks_per_framework = 1;
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");
    const char *const names[] = {"a", "b"};

    for (size_t i = 0; i < 2; i++) {
        stage_launch(stage, 1, names[i], "M-S0", "cpus:1");
        stage_update(stage, 9, "M-0000", names[i], TASK_STATE_FINISHED, 1);
        stage_acknowledge(stage, 1, "M-S0", names[i], 1);
    }

    struct task_view task;
    assert_false(stage_find_task(stage, "a", &task));
    assert_true(stage_find_task(stage, "b", &task));
}

TEST(messages_go_both_ways) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = {
        .kind = SCHEDULER_CALL_MESSAGE,
        .message = {{stage_id(stage, "M-S0")}, {TEXT("exec")}, TEXT("down")}};
    struct agent_message message = {.kind = AGENT_MESSAGE_FRAMEWORK_MESSAGE};
    message.framework_message.framework.text = stage_id(stage, "M-0000");
    message.framework_message.executor.text = TEXT("exec");
    message.framework_message.data = TEXT("up");

    stage_call(stage, 1, call);
    stage_tell(stage, 9, message);

    assert_heard(stage, "to 9 MESSAGE exec down");
    assert_heard(stage, "to 1 MESSAGE exec up");
}

TEST(a_message_to_an_agent_that_is_away_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = {.kind = SCHEDULER_CALL_MESSAGE,
                                  .message = {{TEXT("none")}, {TEXT("exec")}, TEXT("x")}};

    stage_call(stage, 1, call);

    assert_heard(stage, "call=MESSAGE framework=M-0000 error=\"the agent is not connected\"");
}

TEST(an_executor_is_shut_down_on_request) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = {.kind = SCHEDULER_CALL_SHUTDOWN,
                                  .shutdown = {{TEXT("exec")}, {stage_id(stage, "M-S0")}}};

    stage_call(stage, 1, call);

    assert_heard(stage, "to 9 SHUTDOWN_EXECUTOR exec");
}
