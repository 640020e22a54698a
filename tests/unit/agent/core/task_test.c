#include "tests/unit/agent/core/rig.h"

#include <signal.h>

TEST(a_task_is_stored_with_its_framework_before_it_is_launched) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig->stores_wait = true;

    rig_run(rig, "f1", rig_task(rig, "t1"));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    rig_store_all(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_int_equal(rig_disk_count(rig, "task/f1/t1"), 1);
    assert_int_equal(rig_disk_count(rig, "framework/f1"), 1);
}

TEST(running_is_said_after_one_more_commit) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    uint64_t before = rig->stored;

    rig_run(rig, "f1", rig_task(rig, "t1"));
    rig->stores_wait = true;
    rig_started(rig, rig_launched(rig));
    assert_null(rig_last_update(rig, "t1"));
    rig_store_all(rig);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_RUNNING);
    assert_int_equal(rig->stored - before, 2);
}

TEST(a_task_that_exits_with_zero_is_finished) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");

    rig_exited(rig, rig_launched(rig), 0);

    const struct task_status *status = rig_last_update(rig, "t1");
    assert_int_equal(status->state, TASK_STATE_FINISHED);
    assert_int_equal(status->source, TASK_SOURCE_EXECUTOR);
    assert_true(status->has_termination && status->has_uuid);
    assert_text_equal(status->agent.text, "S0");
    assert_text_equal(status->executor.text, "t1");
}

TEST(another_exit_status_is_a_failure_that_names_it) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");

    rig_exited(rig, rig_launched(rig), 7);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
    assert_text_equal(rig_last_update(rig, "t1")->message, "Command exited with status 7");
}

TEST(a_deadly_signal_is_named_and_a_core_too) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");

    rig_signalled(rig, rig_launched(rig), SIGSEGV);

    assert_text_equal(rig_last_update(rig, "t1")->message,
                      "Command terminated with signal Segmentation fault (core dumped)");
}

TEST(out_of_memory_has_its_reason_with_limit_and_peak) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = rig_launched(rig);
    event.ended.termination = (struct termination){
        .signal = SIGKILL, .out_of_memory = true, .peak_memory_bytes = 32 << 20};

    rig_step(rig, event);

    const struct task_status *status = rig_last_update(rig, "t1");
    assert_int_equal(status->reason, TASK_REASON_CONTAINER_LIMITATION_MEMORY);
    assert_text_equal(status->message, "Memory limit exceeded: Limit: 32MB, Maximum Used: 32MB");
    assert_text_equal(status->termination.killed_by, "kernel");
}

TEST(a_command_that_cannot_be_executed_fails_with_file_and_cause) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_EXEC_FAILED,
                "execute '/no': No such file or directory");

    const struct task_status *status = rig_last_update(rig, "t1");
    assert_int_equal(status->state, TASK_STATE_FAILED);
    assert_int_equal(status->reason, TASK_REASON_CONTAINER_LAUNCH_FAILED);
    assert_text_equal(status->message, "execute '/no': No such file or directory");
    assert_int_equal(status->source, TASK_SOURCE_AGENT);
}

TEST(a_container_that_cannot_be_made_fails_its_task) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_LAUNCH_FAILED, "make cgroup: full");

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_CONTAINER_LAUNCH_FAILED);
}

TEST(an_unknown_user_means_that_the_task_never_ran) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_framework(rig, "f2")->capabilities = 1 << FRAMEWORK_PARTITION_AWARE;
    rig_run(rig, "f1", rig_task(rig, "t1"));
    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_REFUSED, "no user 'x'");
    rig_run(rig, "f2", rig_task(rig, "t2"));
    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_REFUSED, "no user 'x'");

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_LOST);
    assert_int_equal(rig_last_update(rig, "t2")->state, TASK_STATE_DROPPED);
    assert_int_equal(rig_last_update(rig, "t2")->source, TASK_SOURCE_AGENT);
}

TEST(a_container_gone_without_a_trace_fails_its_task) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_LOST, "");

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_EXECUTOR_TERMINATED);
}

TEST(a_task_that_takes_too_long_is_killed_and_fails) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->has_max_completion = true;
    task->max_completion_ns = 5000000000;
    rig_begin(rig, task);
    rig_acknowledge(rig, "t1");

    rig_advance(rig, 5001);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    rig_signalled(rig, rig_launched(rig), SIGTERM);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FAILED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_MAX_COMPLETION_TIME_REACHED);
}

TEST(the_last_acknowledgement_removes_every_record_but_the_sandbox) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    rig_exited(rig, rig_launched(rig), 0);

    rig_acknowledge(rig, "t1");

    assert_int_equal(rig_disk_count(rig, "task/") + rig_disk_count(rig, "update/") +
                         rig_disk_count(rig, "framework/"),
                     0);
    assert_int_equal(rig_disk_count(rig, "sandbox/"), 1);
}

TEST(a_container_may_be_forgotten_when_its_end_is_stored) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig->stores_wait = true;

    rig_exited(rig, rig_launched(rig), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_FORGET), 0);
    rig_store_all(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_FORGET), 1);
}

TEST(the_same_task_sent_twice_is_launched_once) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    const struct task_info *task = rig_task(rig, "t1");

    rig_run(rig, "f1", task);
    rig_run(rig, "f1", task);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_true(rig_has_note(rig, "task_ignored"));
}

TEST(an_id_that_names_no_directory_is_not_run) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->id.text = TEXT("../../etc");

    rig_run(rig, "f1", task);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig->stores.count, 0);
}

TEST(a_framework_that_cannot_be_read_gets_its_task_back) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    rig_run(rig, "nobody-knows", rig_task(rig, "t1"));

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_TASK_INVALID);
    assert_int_equal(rig_disk_count(rig, "task/"), 0);
}

TEST(what_this_agent_cannot_do_fails_and_says_so) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *docker = rig_task(rig, "docker");
    docker->container = (struct container_request){.is_set = true, .is_docker = true};
    struct task_info *fetch = rig_task(rig, "fetch");
    fetch->command.uri_count = 1;
    struct task_info *checked = rig_task(rig, "checked");
    checked->has_health_check = true;
    struct task_info *empty = rig_task(rig, "empty");
    empty->command.has_value = false;

    rig_run(rig, "f1", docker);
    rig_run(rig, "f1", fetch);
    rig_run(rig, "f1", checked);
    rig_run(rig, "f1", empty);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_text_equal(rig_last_update(rig, "docker")->message,
                      "Cannot run it: this agent has no Docker containerizer");
    assert_int_equal(rig_last_update(rig, "fetch")->state, TASK_STATE_FAILED);
    assert_non_null(rig_last_update(rig, "checked"));
    assert_text_equal(rig_last_update(rig, "empty")->message,
                      "Cannot run it: its command is empty");
}

TEST(without_any_user_nothing_is_run) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_framework(rig, "f2")->user = (struct text){0};

    rig_run(rig, "f2", rig_task(rig, "t1"));

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_LOST);
}

/* One frame has to hold all of them when a new master asks. */
TEST(tasks_whose_descriptions_no_report_could_hold_are_not_run) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    size_t size = AGENT_TASKS_BYTES_LIMIT / 2 + 1;
    char *bytes = arena_alloc(rig->arena, size);
    memset(bytes, 'x', size);
    struct task_info *first = rig_task(rig, "first"), *second = rig_task(rig, "second");
    first->encoded = (struct text){bytes, size};
    second->encoded = (struct text){bytes, size - 1};

    rig_run(rig, "f1", first);
    rig_run(rig, "f1", second);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_int_equal(rig_last_update(rig, "second")->reason, TASK_REASON_TASK_INVALID);
    rig_exited(rig, rig_launched(rig), 0);
    rig_acknowledge(rig, "first");
    rig_acknowledge(rig, "second");
    rig_run(rig, "f1", second);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
}

TEST(more_than_the_agent_has_is_not_run) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *large = rig_task(rig, "large");
    large->resources = rig_resources(rig, 7950, 1000);
    rig_run(rig, "f1", rig_task(rig, "small"));

    rig_run(rig, "f1", large);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_int_equal(rig_last_update(rig, "large")->reason, TASK_REASON_RESOURCES_UNKNOWN);
}

TEST(an_answer_without_record_goes_with_its_acknowledgement) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *docker = rig_task(rig, "docker");
    docker->container = (struct container_request){.is_set = true, .is_docker = true};
    rig_run(rig, "f1", docker);

    rig_acknowledge(rig, "docker");
    docker->container.is_docker = false;
    rig_run(rig, "f1", docker);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
}

static struct master_message reconcile(const struct task_key *keys, size_t count) {
    struct master_message message = {.kind = MASTER_MESSAGE_RECONCILE};
    message.reconcile.tasks = keys;
    message.reconcile.task_count = count;
    return message;
}

TEST(a_task_that_the_master_knows_and_the_agent_does_not_is_lost) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    const struct task_key keys[] = {{{TEXT("f1")}, {TEXT("t1")}}, {{TEXT("f1")}, {TEXT("t2")}}};

    rig_master(rig, reconcile(keys, 2));

    const struct task_status *status = rig_last_update(rig, "t2");
    assert_int_equal(status->state, TASK_STATE_LOST);
    assert_int_equal(status->reason, TASK_REASON_RECONCILIATION);
    assert_int_equal(status->source, TASK_SOURCE_AGENT);
    assert_true(status->has_uuid);
    assert_null(rig_last_update(rig, "t1"));
}

TEST(an_unanswered_question_ends_with_its_master) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    const struct task_key key = {{TEXT("f7")}, {TEXT("t2")}};
    rig_master(rig, reconcile(&key, 1));

    rig_lose_master(rig);
    rig_forget_effects(rig);
    rig_connect(rig);

    assert_int_equal(rig_count_updates(rig, "t2"), 0);
}

static void shutdown_framework(struct rig *rig, const char *framework) {
    struct master_message message = {.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK};
    message.shutdown_framework.text = text_of(framework);
    rig_master(rig, message);
}

TEST(a_removed_framework_is_killed_and_forgotten_without_a_word) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = rig_begin(rig, rig_task(rig, "t1"));
    rig_forget_effects(rig);

    shutdown_framework(rig, "f1");
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    rig_advance(rig, 3001);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    rig_signalled(rig, container, SIGKILL);

    assert_int_equal(rig_count_updates(rig, "t1"), 0);
    assert_int_equal(rig_disk_count(rig, "task/") + rig_disk_count(rig, "framework/") +
                         rig_disk_count(rig, "update/"),
                     0);
}

TEST(what_a_removed_framework_had_is_free_at_once) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_framework(rig, "f2");
    struct task_info *large = rig_task(rig, "large"), *next = rig_task(rig, "next");
    large->resources = next->resources = rig_resources(rig, 8000, 1000);
    rig_begin(rig, large);

    shutdown_framework(rig, "f1");
    rig_run(rig, "f2", next);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
}

TEST(a_new_description_of_a_framework_is_stored) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    struct framework_info *newer = rig_framework(rig, "newer");
    struct master_message message = {.kind = MASTER_MESSAGE_UPDATE_FRAMEWORK};
    message.update_framework = (struct framework_report){{TEXT("f1")}, newer->encoded};

    rig_master(rig, message);

    const struct agent_record *record = map_get_text(&rig->disk, TEXT("framework/f1"));
    assert_text_equal(record->framework.info, "framework/newer");
}

TEST(an_unknown_container_that_starts_is_destroyed) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    rig_started(rig, container_id_of(TEXT("stranger")));

    assert_text_equal(rig_last(rig, AGENT_EFFECT_DESTROY)->signal.id.text, "stranger");
}
