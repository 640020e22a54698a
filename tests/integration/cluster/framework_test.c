/*
 * The life of frameworks and of their offers at a real master: failover, its timeout, teardown,
 * reconciliation, offers that run out, an agent that falls silent.
 */
#include "tests/integration/cluster/framework.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster cluster;

static void begin(const char *const *master_flags) {
    cluster_open(&cluster);
    cluster_start_master(&cluster, master_flags);
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], " registered ");
}

static void run_sleep(struct framework *framework, const char *id) {
    framework_launch(framework, (struct wish){.id = id, .command = "exec sleep 1000"});
    framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_RUNNING);
}

/* A task that holds a pipe open until it dies; the end that hears of that. */
static int run_held(struct framework *framework, const char *id) {
    char command[500];
    const char *pipe = cluster_path(&cluster, id);
    assert_int_equal(mkfifo(pipe, 0666), 0);
    snprintf(command, sizeof(command), "exec sleep 1000 > %s", pipe);
    framework_launch(framework, (struct wish){.id = id, .command = command});
    int fd = open(pipe, O_RDONLY | O_CLOEXEC); /* waits for the task */
    assert_true(fd >= 0);
    framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    return fd;
}

static void await_death(int fd) {
    char byte;
    struct pollfd ended = {.fd = fd};
    assert_int_equal(poll(&ended, 1, WAIT_MS), 1);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

TEST(a_framework_that_fails_over_finds_its_tasks) {
    char id[128];
    begin(NULL);
    struct framework *old =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    run_sleep(old, "task");
    snprintf(id, sizeof(id), "%s", old->id);

    struct framework *young =
        framework_new(&cluster, (struct framework_options){.id = id, .failover_timeout_s = 60});
    framework_wait_count(old, &old->errors, 1);
    framework_reconcile(young, NULL);

    assert_string_equal(young->id, id);
    framework_wait(young, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_kill(young, "task", 1000);
    framework_wait(young, "task", MESOS__V1__TASK_STATE__TASK_KILLED);
    framework_abort(old);
    framework_end(young);
}

TEST(the_tasks_of_a_framework_that_does_not_come_back_end) {
    begin(NULL);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 0.3});
    int task = run_held(framework, "task");

    framework_abort(framework);

    process_wait_log(&cluster.master, "framework_removed");
    await_death(task);
    cluster_close(&cluster);
}

TEST(stopping_without_failover_ends_the_tasks) {
    begin(NULL);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    int task = run_held(framework, "task");

    framework_free(framework);

    await_death(task);
    cluster_close(&cluster);
}

TEST(reconciliation_answers_for_known_and_unknown_tasks) {
    begin(NULL);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    run_sleep(framework, "known");
    size_t from = framework_notes(framework);

    framework_reconcile(framework, "known");
    framework_reconcile(framework, "unknown");

    struct note known =
        framework_wait_from(framework, "known", MESOS__V1__TASK_STATE__TASK_RUNNING, from);
    assert_int_equal(known.reason, MESOS__V1__TASK_STATUS__REASON__REASON_RECONCILIATION);
    framework_wait(framework, "unknown", MESOS__V1__TASK_STATE__TASK_UNKNOWN);
    framework_end(framework);
}

TEST(an_offer_that_nobody_answers_is_rescinded_and_made_again) {
    static const char *const flags[] = {"--offer_timeout=200ms", NULL};
    struct held_offer first, second;
    begin(flags);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.holds_offers = true});

    framework_wait_offer(framework, &first, 0);
    framework_wait_count(framework, &framework->rescinds, 1);
    framework_wait_offer(framework, &second, 1);

    assert_string_not_equal(first.id, second.id);
    framework_end(framework);
}

TEST(a_silent_agent_is_unreachable_and_comes_back_with_its_tasks) {
    static const char *const flags[] = {"--agent_ping_timeout=150ms", "--max_agent_ping_timeouts=2",
                                        "--agent_reregister_timeout=1secs", NULL};
    begin(flags);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    run_sleep(framework, "task");

    kill(cluster.agents[0].pid, SIGSTOP);
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_UNREACHABLE);
    framework_wait_count(framework, &framework->agents_lost, 1);
    size_t from = framework_notes(framework);
    kill(cluster.agents[0].pid, SIGCONT);

    process_wait_log(&cluster.agents[0], " registered ");
    framework_reconcile(framework, "task");
    framework_wait_from(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING, from);
    framework_end(framework);
}

TEST(two_agents_share_the_work_and_one_that_goes_takes_only_its_own) {
    cluster_open(&cluster);
    cluster_start(&cluster);
    cluster_start_agent(&cluster, 1, NULL);
    process_wait_log(&cluster.agents[1], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework,
                     (struct wish){.id = "a", .command = "exec sleep 1000", .cpus_milli = 3000});
    framework_launch(framework,
                     (struct wish){.id = "b", .command = "exec sleep 1000", .cpus_milli = 3000});
    framework_wait(framework, "a", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_wait(framework, "b", MESOS__V1__TASK_STATE__TASK_RUNNING);

    framework_kill(framework, "b", 1000);
    framework_wait(framework, "b", MESOS__V1__TASK_STATE__TASK_KILLED);

    assert_int_equal(framework_count(framework, "a", MESOS__V1__TASK_STATE__TASK_RUNNING), 1);
    framework_end(framework);
}
