#include "tests/unit/agent/core/rig.h"

#include <signal.h>

static struct task_info *executor_task(struct rig *rig, const char *id,
                                       const struct executor_info *executor) {
    struct task_info *task = rig_task(rig, id);
    task->command = (struct command_info){0};
    task->executor = *executor;
    return task;
}

/* A rig with executor e1 subscribed on connection 1, and task t1 delivered. */
static struct rig *with_executor(void) {
    struct rig *rig = rig_registered();
    rig_begin(rig, executor_task(rig, "t1", rig_executor(rig, "e1")));
    rig_subscribe(rig, "e1", 1);
    return rig;
}

static void run_more(struct rig *rig, const char *id) {
    rig_run(rig, "f1", executor_task(rig, id, rig->executors.items[0]));
}

static void shutdown_executor(struct rig *rig) {
    struct master_message message = {.kind = MASTER_MESSAGE_SHUTDOWN_EXECUTOR};
    message.executor.framework.text = TEXT("f1");
    message.executor.executor.text = TEXT("e1");
    rig_master(rig, message);
}

TEST(tasks_wait_for_their_executor_and_come_in_order) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", executor_task(rig, "t1", rig_executor(rig, "e1")));
    run_more(rig, "t2");
    rig_started(rig, rig_launched(rig));
    assert_null(rig_last_event(rig, EXECUTOR_EVENT_LAUNCH));

    rig_subscribe(rig, "e1", 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SEND_EXECUTOR), 3);
    assert_true(rig_last_event(rig, EXECUTOR_EVENT_SUBSCRIBED) <
                rig_last_event(rig, EXECUTOR_EVENT_LAUNCH));
    assert_text_equal(rig_last_event(rig, EXECUTOR_EVENT_LAUNCH)->executor.launch, "task/t2");
}

TEST(an_executor_is_told_who_it_serves) {
    AUTO(rig_free) struct rig *rig = with_executor();
    const struct executor_event *event = &rig_last_event(rig, EXECUTOR_EVENT_SUBSCRIBED)->executor;

    assert_text_equal(event->subscribed.agent_info, "agent/S0");
    assert_text_equal(event->subscribed.executor_info, "executor/e1");
    assert_text_equal(event->subscribed.framework_info, "framework/f1");
    assert_true(container_id_equal(event->subscribed.container, rig_launched(rig)));
}

TEST(an_executors_container_grows_with_its_tasks) {
    AUTO(rig_free) struct rig *rig = with_executor();
    assert_int_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.memory_bytes, 96LL << 20);

    run_more(rig, "t2");

    assert_int_equal(rig_last(rig, AGENT_EFFECT_LIMIT)->limit.cpu_milli, 300);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_LIMIT)->limit.memory_bytes, 128LL << 20);
}

TEST(an_update_is_acknowledged_to_the_executor_when_it_is_stored) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig->stores_wait = true;

    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 7);
    assert_null(rig_last_event(rig, EXECUTOR_EVENT_ACKNOWLEDGED));
    rig_store_all(rig);

    assert_int_equal(
        rig_last_event(rig, EXECUTOR_EVENT_ACKNOWLEDGED)->executor.acknowledged.uuid.bytes[0], 7);
    assert_int_equal(rig_last_update(rig, "t1")->source, TASK_SOURCE_EXECUTOR);
    assert_text_equal(rig_last_update(rig, "t1")->executor.text, "e1");
}

TEST(a_repeated_update_is_acknowledged_again_and_not_forwarded_twice) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 7);
    rig_acknowledge(rig, "t1");
    rig_forget_effects(rig);

    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 7);

    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_ACKNOWLEDGED));
    assert_int_equal(rig_count_updates(rig, "t1"), 0);
}

TEST(an_update_of_a_stranger_goes_nowhere) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig_run(rig, "f1", rig_task(rig, "command"));

    rig_update(rig, "e1", 1, "command", TASK_STATE_FINISHED, 7);
    rig_update(rig, "e1", 1, "nothing", TASK_STATE_FINISHED, 8);

    assert_null(rig_last_update(rig, "command"));
    assert_null(rig_last_update(rig, "nothing"));
}

TEST(an_update_without_uuid_is_an_error_and_staging_the_end) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 0);
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_ERROR));
    rig_update(rig, "e1", 1, "t1", TASK_STATE_STAGING, 9);

    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_SHUTDOWN));
}

TEST(states_that_only_masters_know_are_refused) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_update(rig, "e1", 1, "t1", TASK_STATE_UNREACHABLE, 9);

    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_ERROR));
    assert_null(rig_last_update(rig, "t1"));
}

TEST(too_many_updates_of_a_task_are_refused_but_the_last_one_fits) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct agent_event event = {.kind = AGENT_EVENT_EXECUTOR_CALL, .connection = {1}};
    event.executor = (struct executor_call){
        .kind = EXECUTOR_CALL_UPDATE, .executor = {TEXT("e1")}, .framework = {TEXT("f1")}};
    event.executor.update.task.text = TEXT("t1");
    event.executor.update.state = TASK_STATE_RUNNING;
    event.executor.update.has_uuid = true;
    for (uint32_t i = 1; i <= AGENT_STREAM_UPDATES_LIMIT + 1; i++) {
        memcpy(event.executor.update.uuid.bytes + 4, &i, sizeof(i));
        rig_step(rig, event);
    }
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_ERROR));
    assert_int_equal(rig_disk_count(rig, "update/"), AGENT_STREAM_UPDATES_LIMIT);

    rig_update(rig, "e1", 1, "t1", TASK_STATE_FINISHED, 255);

    assert_int_equal(rig_disk_count(rig, "update/"), AGENT_STREAM_UPDATES_LIMIT + 1);
}

TEST(the_end_of_the_last_task_does_not_end_the_executor) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_update(rig, "e1", 1, "t1", TASK_STATE_FINISHED, 7);
    rig_acknowledge(rig, "t1");
    run_more(rig, "t2");

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_text_equal(rig_last_event(rig, EXECUTOR_EVENT_LAUNCH)->executor.launch, "task/t2");
}

TEST(tasks_fail_with_their_executor_and_the_master_hears_of_it) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_exited(rig, rig_launched(rig), 7);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_EXECUTOR_TERMINATED);
    const struct agent_message *last = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(last->kind, AGENT_MESSAGE_EXECUTOR_EXITED);
    assert_int_equal(last->executor_exited.status, 1792);
    assert_int_equal(rig_disk_count(rig, "executor/"), 0);
}

TEST(an_executor_that_never_subscribes_is_destroyed) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container =
        rig_begin(rig, executor_task(rig, "t1", rig_executor(rig, "e1")));

    rig_advance(rig, 60000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    rig_signalled(rig, container, SIGKILL);

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_EXECUTOR_REGISTRATION_TIMEOUT);
}

TEST(an_executor_that_cannot_be_launched_fails_its_tasks) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", executor_task(rig, "t1", rig_executor(rig, "e1")));

    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_EXEC_FAILED, "no such file");

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_CONTAINER_LAUNCH_FAILED);
    assert_text_equal(rig_last_update(rig, "t1")->message, "no such file");
}

TEST(a_kill_is_passed_on_with_its_grace) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_kill(rig, "t1", 1500);

    const struct executor_event *event = &rig_last_event(rig, EXECUTOR_EVENT_KILL)->executor;
    assert_text_equal(event->kill.task.text, "t1");
    assert_true(event->kill.has_grace);
    assert_int_equal(event->kill.grace_ns, 1500000000);
}

TEST(a_kill_before_delivery_ends_task_and_idle_executor) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", executor_task(rig, "t1", rig_executor(rig, "e1")));

    rig_kill(rig, "t1", -1);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_TASK_KILLED_DURING_LAUNCH);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(a_kill_that_finds_no_executor_destroys_its_container_in_the_end) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_EXECUTOR_CLOSED, .connection = {1}});

    rig_kill(rig, "t1", 1000);
    rig_advance(rig, 1000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    rig_signalled(rig, rig_launched(rig), SIGKILL);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
}

TEST(a_kill_reaches_an_executor_that_comes_back) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 7);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_EXECUTOR_CLOSED, .connection = {1}});
    rig_kill(rig, "t1", 60000);

    rig_subscribe(rig, "e1", 2);

    assert_int_equal(rig_last_event(rig, EXECUTOR_EVENT_KILL)->connection.value, 2);
}

TEST(a_shutdown_has_a_grace_and_then_the_container_goes) {
    AUTO(rig_free) struct rig *rig = with_executor();

    shutdown_executor(rig);
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_SHUTDOWN));
    rig_advance(rig, 4999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(no_task_goes_to_an_executor_that_is_being_shut_down) {
    AUTO(rig_free) struct rig *rig = with_executor();
    shutdown_executor(rig);

    run_more(rig, "t2");

    assert_int_equal(rig_last_update(rig, "t2")->state, TASK_STATE_LOST);
    assert_int_equal(rig_last_update(rig, "t2")->reason, TASK_REASON_EXECUTOR_TERMINATED);
}

TEST(messages_go_both_ways) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct master_message down = {.kind = MASTER_MESSAGE_FRAMEWORK_MESSAGE};
    down.executor.framework.text = TEXT("f1");
    down.executor.executor.text = TEXT("e1");
    down.executor.data = TEXT("hello");
    struct agent_event up = {.kind = AGENT_EVENT_EXECUTOR_CALL, .connection = {1}};
    up.executor = (struct executor_call){.kind = EXECUTOR_CALL_MESSAGE,
                                         .executor = {TEXT("e1")},
                                         .framework = {TEXT("f1")},
                                         .message = TEXT("world")};

    rig_master(rig, down);
    rig_step(rig, up);

    assert_text_equal(rig_last_event(rig, EXECUTOR_EVENT_MESSAGE)->executor.message, "hello");
    assert_text_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.framework_message.data,
                      "world");
}

TEST(an_unknown_executor_is_turned_away) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_subscribe(rig, "stranger", 5);
    rig_update(rig, "e1", 6, "t1", TASK_STATE_RUNNING, 7);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_CLOSE_EXECUTOR), 2);
    assert_null(rig_last_update(rig, "t1"));
}

TEST(a_second_subscription_closes_the_first) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_subscribe(rig, "e1", 2);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_CLOSE_EXECUTOR)->connection.value, 1);
    assert_int_equal(rig_last_event(rig, EXECUTOR_EVENT_SUBSCRIBED)->connection.value, 2);
}

TEST(a_task_that_got_lost_on_its_way_is_dropped_and_an_idle_executor_shut_down) {
    AUTO(rig_free) struct rig *rig = with_executor();

    rig_subscribe(rig, "e1", 2);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_LOST);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_AGENT_RESTARTED);
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_SHUTDOWN));
}

TEST(a_removed_framework_shuts_its_executors_down) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct master_message message = {.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK};
    message.shutdown_framework.text = TEXT("f1");

    rig_master(rig, message);
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_SHUTDOWN));
    rig_exited(rig, rig_launched(rig), 0);

    assert_null(rig_last_update(rig, "t1"));
    assert_int_equal(rig_disk_count(rig, "task/") + rig_disk_count(rig, "framework/"), 0);
}
