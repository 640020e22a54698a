#include "tests/unit/agent/core/rig.h"

#include <signal.h>

static struct rig *with_running_task(void) {
    struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    return rig;
}

static struct rig *with_executor(void) {
    struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->command = (struct command_info){0};
    task->executor = *rig_executor(rig, "e1");
    rig_begin(rig, task);
    rig_subscribe(rig, "e1", 1);
    return rig;
}

TEST(a_task_goes_on_over_a_restart_and_nothing_is_said_twice) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    struct container_id container = rig_launched(rig);

    rig_restart_under(rig, container);
    rig_connect(rig);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig_count_updates(rig, "t1"), 0);
    rig_exited(rig, container, 7);

    assert_text_equal(rig_last_update(rig, "t1")->message, "Command exited with status 7");
}

static const struct task_report *reported(const struct rig *rig) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *sent = &rig->done.items[i - 1];
        if (sent->kind == AGENT_EFFECT_SEND_MASTER && sent->master.kind == AGENT_MESSAGE_REGISTER)
            return sent->master.register_agent.tasks;
    }
    return NULL;
}

TEST(a_task_keeps_over_a_restart_since_when_it_runs_and_when_it_was_last_heard_of) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct container_id container = rig_launched(rig);
    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 1);
    int64_t running_ns = rig_last_update(rig, "t1")->timestamp_ns;
    rig_acknowledge(rig, "t1");
    rig_advance(rig, 7000);
    rig_update(rig, "e1", 1, "t1", TASK_STATE_KILLING, 2);
    int64_t killing_ns = rig_last_update(rig, "t1")->timestamp_ns;
    rig_acknowledge(rig, "t1");

    rig_restart_under(rig, container);
    rig_subscribe(rig, "e1", 2);
    rig_connect(rig);

    assert_true(running_ns > 0 && killing_ns > running_ns);
    assert_int_equal(reported(rig)->running_since_ns, running_ns);
    assert_int_equal(reported(rig)->sent_state, TASK_STATE_KILLING);
    assert_int_equal(reported(rig)->sent_ns, killing_ns);
}

TEST(a_record_of_before_these_times_were_kept_says_that_they_are_not_known) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    struct container_id container = rig_launched(rig);
    MAP_EACH(entry, &rig->disk) {
        struct agent_record *record = map_value(entry);
        if (record->kind == AGENT_RECORD_TASK)
            record->task.running_since_ns = record->task.latest_ns = 0;
    }

    rig_restart_under(rig, container);
    rig_connect(rig);

    assert_int_equal(reported(rig)->latest_state, TASK_STATE_RUNNING);
    assert_int_equal(reported(rig)->running_since_ns, 0);
    assert_int_equal(reported(rig)->sent_ns, 0);
}

TEST(a_task_that_ended_meanwhile_is_told_with_its_status) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    struct container_id container = rig_launched(rig);

    rig_crash(rig, true);
    rig_exited(rig, container, 0);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FINISHED);
}

TEST(a_task_stored_and_never_begun_is_begun_with_the_same_container) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    struct container_id container = rig_launched(rig);

    rig_crash(rig, true);
    rig_outcome(rig, container, CONTAINER_OUTCOME_LAUNCH_FAILED, "never begun");
    rig_containers_done(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_true(container_id_equal(rig_launched(rig), container));
    rig_started(rig, container);
    rig_connect(rig);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
}

TEST(a_launch_that_fails_after_a_restart_fails_for_good) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    struct container_id container = rig_launched(rig);
    rig_crash(rig, true);
    rig_containers_done(rig);

    rig_outcome(rig, container, CONTAINER_OUTCOME_LAUNCH_FAILED, "no cgroup");
    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_text_equal(rig_last_update(rig, "t1")->message, "no cgroup");
}

TEST(a_task_killed_before_it_was_begun_is_not_begun) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    rig_kill(rig, "t1", -1);

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
}

TEST(a_task_that_was_not_stored_never_was) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig->stores_wait = true;
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.register_agent.task_count, 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
}

TEST(a_kill_goes_on_over_a_restart) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    struct container_id container = rig_launched(rig);
    rig_kill(rig, "t1", -1);

    rig_crash(rig, true);
    rig_started(rig, container);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    rig_advance(rig, 3000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(updates_come_back_in_order_with_the_same_uuid) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = rig_begin(rig, rig_task(rig, "t1"));
    struct uuid uuid = rig_last_update(rig, "t1")->uuid;
    rig_exited(rig, container, 0);

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
    assert_true(uuid_equal(rig_last_update(rig, "t1")->uuid, uuid));
    rig_acknowledge(rig, "t1");

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FINISHED);
    rig_acknowledge(rig, "t1");
    assert_int_equal(rig_disk_count(rig, "task/"), 0);
}

TEST(after_a_reboot_everything_is_lost_and_nothing_is_begun) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_run(rig, "f1", rig_task(rig, "t2"));

    rig_crash(rig, false);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
    assert_text_equal(rig_last_update(rig, "t1")->message, "The machine was restarted");
    assert_int_equal(rig_last_update(rig, "t2")->state, TASK_STATE_FAILED);
}

TEST(after_a_reboot_the_new_boot_is_remembered_with_what_was_lost) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig->options.boot_id = TEXT("next boot");

    rig_crash(rig, false);

    const struct agent_record *self = map_get_text(&rig->disk, TEXT("self"));
    assert_text_equal(self->self.boot_id, "next boot");
    assert_text_equal(self->self.agent.text, "S0");
}

TEST(a_container_of_which_nothing_is_heard_is_lost) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_EXECUTOR_TERMINATED);
}

TEST(the_completion_time_is_counted_from_the_first_start) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->has_max_completion = true;
    task->max_completion_ns = 60000000000;
    struct container_id container = rig_begin(rig, task);
    rig_advance(rig, 50000);

    rig_crash(rig, true);
    rig_started(rig, container);
    rig_advance(rig, 10000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
}

TEST(a_wall_clock_that_is_set_does_not_change_the_completion_time) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig->now_ms = 1000;
    rig_register(rig);
    struct task_info *task = rig_task(rig, "t1");
    task->has_max_completion = true;
    task->max_completion_ns = 60000000000;
    struct container_id container = rig_begin(rig, task);
    rig_advance(rig, 50000);

    rig->wall_set_ms = 3600 * 1000;
    rig_crash(rig, true);
    rig_started(rig, container);
    rig_advance(rig, 9000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 0);
    rig_advance(rig, 1000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
}

TEST(executors_have_a_moment_to_come_back_before_the_agent_registers) {
    AUTO(rig_free) struct rig *rig = with_executor();
    rig_update(rig, "e1", 1, "t1", TASK_STATE_RUNNING, 7);
    struct container_id container = rig_launched(rig);

    rig_restart_under(rig, container);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 0);
    rig_subscribe(rig, "e1", 9);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
}

TEST(an_executor_is_reported_in_the_role_of_the_task_that_began_it) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct container_id container = rig_launched(rig);

    rig_restart_under(rig, container);
    rig_subscribe(rig, "e1", 9);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    const struct agent_message *report = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(report->register_agent.executor_count, 1);
    assert_text_equal(report->register_agent.executors[0].role, "analytics");
}

TEST(an_executor_that_does_not_come_back_is_destroyed) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct container_id container = rig_launched(rig);
    rig_restart_under(rig, container);

    rig_advance(rig, 2000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 1);
    rig_signalled(rig, container, SIGKILL);
    rig_connect(rig);

    assert_int_equal(rig_last_update(rig, "t1")->reason,
                     TASK_REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
}

TEST(an_executor_brings_back_what_was_not_acknowledged_to_it) {
    AUTO(rig_free) struct rig *rig = with_executor();
    struct container_id container = rig_launched(rig);
    rig_restart_under(rig, container);
    struct task_status update = {
        .task = {TEXT("t1")}, .state = TASK_STATE_RUNNING, .has_uuid = true, .uuid = {{5}}};
    struct agent_event event = {.kind = AGENT_EVENT_EXECUTOR_CALL, .connection = {3}};
    event.executor = (struct executor_call){
        .kind = EXECUTOR_CALL_SUBSCRIBE, .executor = {TEXT("e1")}, .framework = {TEXT("f1")}};
    event.executor.subscribe.tasks = rig->tasks.items[0];
    event.executor.subscribe.task_count = 1;
    event.executor.subscribe.updates = &update;
    event.executor.subscribe.update_count = 1;

    rig_step(rig, event);
    rig_connect(rig);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
    assert_int_equal(rig_last_event(rig, EXECUTOR_EVENT_ACKNOWLEDGED)->connection.value, 3);
}

TEST(a_record_that_cannot_be_read_is_named_and_removed) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig->tasks.items[0]->encoded = TEXT("changed");

    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_true(rig_has_note(rig, "record_unreadable"));
    assert_int_equal(rig_disk_count(rig, "task/"), 0);
}

TEST(sandboxes_are_found_again) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_exited(rig, rig_launched(rig), 0);
    rig_acknowledge(rig, "t1");
    struct sandbox_view view;

    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_true(
        agent_find_sandbox(rig->agent, framework_id_of(TEXT("f1")), task_id_of(TEXT("t1")), &view));
}
