/*
 * A framework launches tasks through real daemons, and is told how each of them ended.
 */
#include "common/runtime/files.h"
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

static struct cluster cluster;

static struct framework *begin(void) {
    return framework_begin(&cluster, (struct framework_options){0});
}

TEST(every_way_a_task_ends_is_told_apart) {
    struct framework *framework = begin();

    framework_launch(framework, (struct wish){.id = "good", .command = "exit 0"});
    framework_launch(framework, (struct wish){.id = "seven", .command = "exit 7"});
    framework_launch(framework, (struct wish){.id = "signal", .command = "kill -SEGV $$"});
    framework_launch(framework,
                     (struct wish){.id = "memory", .command = "tail /dev/zero", .mem_mb = 32});
    framework_launch(framework, (struct wish){.id = "killed", .command = "exec sleep 1000"});
    framework_launch(
        framework,
        (struct wish){.id = "late", .command = "exec sleep 1000", .max_completion_ms = 200});
    framework_wait(framework, "killed", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_kill(framework, "killed", 1000);

    struct note good = framework_wait(framework, "good", MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(good.exit_code, 0);
    struct note seven = framework_wait(framework, "seven", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_int_equal(seven.exit_code, 7);
    struct note hit = framework_wait(framework, "signal", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_int_equal(hit.signal_number, SIGSEGV);
    struct note memory = framework_wait(framework, "memory", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_int_equal(memory.reason,
                     MESOS__V1__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY);
    assert_true(memory.oom);
    assert_in_range(memory.peak_bytes, 24 << 20, 32 << 20);
    framework_wait(framework, "killed", MESOS__V1__TASK_STATE__TASK_KILLED);
    struct note late = framework_wait(framework, "late", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_int_equal(late.reason,
                     MESOS__V1__TASK_STATUS__REASON__REASON_MAX_COMPLETION_TIME_REACHED);
    framework_end(framework);
}

TEST(what_cannot_be_executed_says_why_and_disturbs_nobody) {
    static const char *const argv[] = {"x", NULL};
    struct framework *framework = begin();
    framework_launch(framework, (struct wish){.id = "witness", .command = "exec sleep 1000"});
    framework_wait(framework, "witness", MESOS__V1__TASK_STATE__TASK_RUNNING);

    framework_launch(framework,
                     (struct wish){.id = "missing", .command = "/no/such", .arguments = argv});
    framework_launch(framework,
                     (struct wish){.id = "plain", .command = "/etc/passwd", .arguments = argv});
    framework_launch(framework,
                     (struct wish){.id = "directory", .command = "/etc", .arguments = argv});
    framework_launch(framework,
                     (struct wish){.id = "nobody", .command = "true", .user = "no-such-user"});

    struct note note = framework_wait(framework, "missing", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_non_null(strstr(note.message, "No such file or directory"));
    note = framework_wait(framework, "plain", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_string_equal(note.message, "cannot execute /etc/passwd: Permission denied");
    note = framework_wait(framework, "directory", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_string_equal(note.message, "cannot execute /etc: Is a directory");
    note = framework_wait(framework, "nobody", MESOS__V1__TASK_STATE__TASK_DROPPED);
    assert_non_null(strstr(note.message, "no-such-user"));
    assert_int_equal(framework_count(framework, "witness", MESOS__V1__TASK_STATE__TASK_RUNNING), 1);
    framework_kill(framework, "witness", 1000);
    framework_wait(framework, "witness", MESOS__V1__TASK_STATE__TASK_KILLED);
    framework_end(framework);
}

TEST(a_custom_executor_runs_its_task_and_says_so) {
    struct framework *framework = begin();

    framework_launch(framework,
                     (struct wish){.id = "hello", .executor = cluster_executor(&cluster)});

    framework_wait(framework, "hello", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_wait(framework, "hello", MESOS__V1__TASK_STATE__TASK_FINISHED);
    framework_end(framework);
}

TEST(what_the_master_refuses_is_told_by_a_status_and_runs_nowhere) {
    struct framework *framework = begin();

    framework_launch(framework, (struct wish){.id = "one", .command = "exec sleep 1000"});
    framework_wait(framework, "one", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_launch(framework, (struct wish){.id = "one", .command = "exec sleep 1000"});
    framework_launch(framework, (struct wish){.id = "a/b", .command = "true"});

    framework_wait(framework, "one", MESOS__V1__TASK_STATE__TASK_ERROR);
    struct note note = framework_wait(framework, "a/b", MESOS__V1__TASK_STATE__TASK_ERROR);
    assert_int_equal(note.reason, MESOS__V1__TASK_STATUS__REASON__REASON_TASK_INVALID);
    framework_end(framework);
}

/* A framework's directory goes with the last sandbox in it. */
static void await_empty_sandboxes(void) {
    glob_t found;
    AUTO_FD int notify = inotify_init1(IN_CLOEXEC);
    const char *sandboxes = cluster_path(&cluster, "agent0/sandboxes");
    assert_true(inotify_add_watch(notify, sandboxes, IN_DELETE) >= 0);
    if (glob(cluster_path(&cluster, "agent0/sandboxes/*"), 0, NULL, &found) == 0) {
        struct pollfd gone = {.fd = notify, .events = POLLIN};
        globfree(&found);
        assert_int_equal(poll(&gone, 1, WAIT_MS), 1);
    }
}

TEST(an_ended_sandbox_is_kept_for_its_time_and_then_removed) {
    static const char *const flags[] = {"--gc_delay=300ms", NULL};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework = framework_new(&cluster, (struct framework_options){0});
    framework_launch(framework, (struct wish){.id = "brief", .command = "echo x"});
    framework_wait(framework, "brief", MESOS__V1__TASK_STATE__TASK_FINISHED);

    await_empty_sandboxes();
    framework_end(framework);
}

/* One call of the operator API; must be taken. */
static void call_operator(const char *type, const char *field, const char *framework,
                          const char *rest) {
    char body[400];
    snprintf(body, sizeof(body), "{\"type\":\"%s\",\"%s\":{\"framework_id\":{\"value\":\"%s\"}%s}}",
             type, field, framework, rest);
    assert_in_range(raw_post(cluster.master_port, "/api/v1", "application/json", text_of(body)),
                    200, 202);
}

TEST(an_operator_kills_a_task_and_tears_a_framework_down) {
    struct framework *framework = begin();
    framework_launch(framework, (struct wish){.id = "task", .command = "exec sleep 1000"});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    call_operator("KILL_TASK", "kill_task", framework->id, ",\"task_id\":{\"value\":\"task\"}");
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_KILLED);
    call_operator("TEARDOWN", "teardown", framework->id, "");

    framework_wait_count(framework, &framework->errors, 1);
    framework_end(framework);
}

TEST(an_executor_that_cannot_be_run_or_never_registers_fails_its_task) {
    static const char *const flags[] = {"--executor_registration_timeout=300ms", NULL};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework = framework_new(&cluster, (struct framework_options){0});

    framework_launch(framework, (struct wish){.id = "missing", .executor = "/no/such/executor"});
    framework_launch(framework, (struct wish){.id = "mute", .executor = "exec sleep 1000"});

    framework_wait(framework, "missing", MESOS__V1__TASK_STATE__TASK_FAILED);
    framework_wait(framework, "mute", MESOS__V1__TASK_STATE__TASK_FAILED);
    framework_wait_count(framework, &framework->executors_lost, 2);
    framework_end(framework);
}
