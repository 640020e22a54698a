/*
 * Tasks that must not be without a master, when their agent cannot see to it: it is dead, or stands
 * still. Each task holds a pipe open, so that its end is heard of without its agent.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/support/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STOP_AFTER_MS = 5000,
    ASKED_EVERY_MS = 1250,
    FIRST_MS = 1000, /* that mesos-init leaves to the agent */
    GRACE_MS = 3000,
    SLACK_MS = 2500, /* of a machine that runs other tests too */
};

#define DEAF "trap '' TERM; "

static struct cluster cluster;

/* A task and the pipe that it holds open. */
struct held {
    const char *id;
    int pipe;
};

static struct framework *begin(void) {
    return framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
}

static struct held run(struct framework *framework, const char *id, const char *first,
                       const char *stop_after) {
    static char commands[8][400];
    static unsigned next;
    char *command = commands[next++ % 8], byte;
    struct held held = {.id = id};
    const char *path = cluster_path(&cluster, id);
    assert_int_equal(mkfifo(path, 0666), 0);
    held.pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(held.pipe >= 0);
    snprintf(command, sizeof(commands[0]), "%sexec 9>%s; echo >&9; exec sleep 1000", first, path);
    framework_launch(framework,
                     (struct wish){.id = id, .command = command, .stop_after = stop_after});
    framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    struct pollfd up = {.fd = held.pipe, .events = POLLIN};
    assert_int_equal(poll(&up, 1, WAIT_MS), 1);
    assert_int_equal(read(held.pipe, &byte, 1), 1);
    return held;
}

static bool is_gone(const struct held *held, int within_ms) {
    struct pollfd end = {.fd = held->pipe, .events = POLLIN};
    return poll(&end, 1, within_ms) == 1 && (end.revents & POLLHUP) != 0;
}

/* How long it took. */
static int64_t wait_gone(const struct held *held, int64_t from_ms) {
    if (!is_gone(held, WAIT_MS))
        cluster_fail(&cluster, "task %s still runs", held->id);
    return now_ms() - from_ms;
}

/* The same, from the death of its agent. */
static int64_t kill_agent_and_wait_gone(const struct held *held) {
    int64_t from_ms = now_ms();
    process_end(&cluster.agents[0], SIGKILL);
    return wait_gone(held, from_ms);
}

static void let_go(struct held *held) {
    close(held->pipe);
}

/* Something that takes longer than a task has without a master. */
static void outlast(struct framework *framework, const char *id) {
    framework_launch(framework, (struct wish){.id = id, .command = "exec sleep 8"});
    framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_FINISHED);
}

TEST(a_dead_agent_leaves_no_task_that_must_have_a_master) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", "", "5secs");
    struct held free_one = run(framework, "free", "", NULL);

    int64_t took_ms = kill_agent_and_wait_gone(&bound);
    assert_in_range(took_ms, STOP_AFTER_MS - ASKED_EVERY_MS + FIRST_MS - SLACK_MS,
                    STOP_AFTER_MS + FIRST_MS + SLACK_MS);
    assert_false(is_gone(&free_one, 0));
    cluster_start_agent(&cluster, 0, NULL);

    framework_assert_stopped(framework, "bound");
    process_wait_log(&cluster.agents[0], " registered ");
    assert_int_equal(framework_count(framework, "bound", MESOS__V1__TASK_STATE__TASK_KILLED), 1);
    assert_int_equal(framework_count(framework, "free", MESOS__V1__TASK_STATE__TASK_KILLED), 0);
    assert_false(is_gone(&free_one, 0));
    let_go(&bound);
    let_go(&free_one);
    framework_end(framework);
}

TEST(a_task_that_does_not_listen_goes_too_and_when_its_agent_is_dead) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", DEAF, "5secs");

    int64_t took_ms = kill_agent_and_wait_gone(&bound);
    assert_in_range(took_ms, STOP_AFTER_MS - ASKED_EVERY_MS + FIRST_MS + GRACE_MS - SLACK_MS,
                    STOP_AFTER_MS + FIRST_MS + GRACE_MS + SLACK_MS);
    cluster_start_agent(&cluster, 0, NULL);

    framework_assert_stopped(framework, "bound");
    let_go(&bound);
    framework_end(framework);
}

TEST(an_agent_that_stands_still_tells_it_once_when_it_goes_on) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", "", "5secs");

    int64_t from_ms = now_ms();
    kill(cluster.agents[0].pid, SIGSTOP);
    int64_t took_ms = wait_gone(&bound, from_ms);
    assert_true(took_ms <= STOP_AFTER_MS + FIRST_MS + SLACK_MS);
    kill(cluster.agents[0].pid, SIGCONT);

    framework_assert_stopped(framework, "bound");
    framework_launch(framework, (struct wish){.id = "next", .command = "true"});
    framework_wait(framework, "next", MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(framework_count(framework, "bound", MESOS__V1__TASK_STATE__TASK_KILLED), 1);
    let_go(&bound);
    framework_end(framework);
}

TEST(an_agent_that_dies_between_sigterm_and_sigkill_is_not_needed_for_the_rest) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", DEAF, "5secs");

    kill(cluster.master.pid, SIGSTOP);
    process_wait_log(&cluster.agents[0], "task_stopped detail=\"task=bound");
    int64_t took_ms = kill_agent_and_wait_gone(&bound);
    assert_true(took_ms <= FIRST_MS + GRACE_MS + SLACK_MS);
    kill(cluster.master.pid, SIGCONT);
    cluster_start_agent(&cluster, 0, NULL);

    framework_assert_stopped(framework, "bound");
    let_go(&bound);
    framework_end(framework);
}

TEST(with_a_master_the_task_goes_on_for_as_long_as_it_likes) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", "", "5secs");

    outlast(framework, "other");

    assert_false(is_gone(&bound, 0));
    let_go(&bound);
    framework_end(framework);
}

TEST(an_agent_that_is_back_in_time_keeps_the_task) {
    struct framework *framework = begin();
    struct held bound = run(framework, "bound", "", "5secs");

    process_end(&cluster.agents[0], SIGKILL);
    cluster_start_agent(&cluster, 0, NULL);
    outlast(framework, "other");

    assert_false(is_gone(&bound, 0));
    assert_int_equal(framework_count(framework, "bound", MESOS__V1__TASK_STATE__TASK_KILLED), 0);
    let_go(&bound);
    framework_end(framework);
}
