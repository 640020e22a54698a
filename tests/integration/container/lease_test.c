/*
 * Containers that must not go on when nobody puts their end off: mesos-init alone sees to it.
 */
#include "tests/integration/container/world.h"
#include "tests/support/unit.h"
#include "tests/support/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The long grace is for tasks that must do something in it, on a machine that is slow. */
enum { FAR_MS = 3600 * 1000, GRACE_MS = 200, LONG_GRACE_MS = 3000, NOBODY = 65534 };
/* A second that it is given, and one for the agent. */
enum { IN_MS = 1000, OVER_MS = 2000 };

/* Says each SIGTERM, and goes on. */
#define STUBBORN(first)                                                                            \
    "trap 'echo term; echo > told' TERM; " first "; while :; do tail -f /dev/null & wait $!; done"

static struct world world;

static struct run *begin_leased(const char *shell, int64_t grace_ms) {
    struct run *run;
    struct container_spec spec = world_spec(&world, shell, &run);
    spec.stop_at_ms = boot_clock_ms() + IN_MS;
    spec.stop_grace_ms = grace_ms;
    world_launch(&world, &spec);
    return run;
}

static void put_off(const struct run *run, int64_t by_ms) {
    struct error error;
    if (!containerizer_lease(world.containerizer, text_of(run->id), boot_clock_ms() + by_ms,
                             &error))
        fail_msg("%s", error.message);
}

/* Waits for its end: it was told to end once, went on, and was killed. */
static void assert_told_once(struct run *run) {
    world_await_end(&world, run);
    assert_true(run->stopped);
    assert_int_equal(run->termination.signal, SIGKILL);
    assert_string_equal(world_read(run, "stdout"), "term\n");
}

static void kill_with(const struct run *run, int signal_number) {
    assert_true(containerizer_kill(world.containerizer, text_of(run->id), signal_number, NULL));
}

TEST(a_task_whose_time_is_over_is_ended_and_the_record_says_by_whom) {
    world_open(&world);
    int64_t from_ms = boot_clock_ms();

    struct run *run = begin_leased("tail -f /dev/null & exec tail -f /dev/null", GRACE_MS);
    world_await_end(&world, run);

    assert_true(run->started && run->stopped);
    assert_int_equal(run->termination.end, CONTAINER_KILLED);
    assert_int_equal(run->termination.signal, SIGTERM);
    assert_true(boot_clock_ms() - from_ms >= OVER_MS);
    world_close(&world);
}

TEST(a_task_that_does_not_listen_is_killed_after_its_grace) {
    world_open(&world);
    int64_t from_ms = boot_clock_ms();

    struct run *run = begin_leased("trap '' TERM; exec tail -f /dev/null", GRACE_MS);
    world_await_end(&world, run);

    assert_true(run->stopped);
    assert_int_equal(run->termination.signal, SIGKILL);
    assert_true(boot_clock_ms() - from_ms >= OVER_MS + GRACE_MS);
    world_close(&world);
}

TEST(a_task_that_ends_in_its_grace_is_told_with_its_own_code) {
    world_open(&world);

    struct run *run =
        begin_leased("trap 'echo bye; exit 5' TERM; tail -f /dev/null & wait", LONG_GRACE_MS);
    world_await_end(&world, run);

    assert_true(run->stopped);
    assert_int_equal(run->termination.exit_code, 5);
    assert_string_equal(world_read(run, "stdout"), "bye\n");
    world_close(&world);
}

TEST(a_task_whose_end_is_put_off_goes_on_and_so_does_one_that_has_none) {
    struct run *unbound;
    world_open(&world);
    struct run *renewed = begin_leased("exec tail -f /dev/null", GRACE_MS);
    put_off(renewed, FAR_MS);
    struct container_spec spec = world_spec(&world, "exec tail -f /dev/null", &unbound);
    world_launch(&world, &spec);

    struct run *later = begin_leased("exec tail -f /dev/null", GRACE_MS);
    world_await_end(&world, later); /* and with it the time that the first one had */

    assert_true(later->stopped);
    assert_false(renewed->ended || unbound->ended);
    kill_with(renewed, SIGKILL);
    kill_with(unbound, SIGKILL);
    world_await_end(&world, renewed);
    world_await_end(&world, unbound);
    assert_false(renewed->stopped || unbound->stopped);
    world_close(&world);
}

TEST(a_task_that_was_put_off_is_ended_at_the_later_time) {
    world_open(&world);
    struct run *run = begin_leased("exec tail -f /dev/null", GRACE_MS);
    int64_t from_ms = boot_clock_ms();
    put_off(run, IN_MS + 500);

    world_await_end(&world, run);

    assert_true(run->stopped);
    assert_true(boot_clock_ms() - from_ms >= OVER_MS + 500);
    world_close(&world);
}

TEST(a_task_that_was_told_to_end_is_not_told_twice) {
    world_open(&world);
    struct run *run = begin_leased(STUBBORN("echo > ready"), GRACE_MS);
    put_off(run, 2 * IN_MS);
    world_await_file(&world, run, "ready");

    kill_with(run, SIGTERM);

    assert_told_once(run);
    world_close(&world);
}

TEST(an_agent_that_is_back_in_the_grace_does_not_tell_the_task_again) {
    world_open(&world);
    struct run *run = begin_leased(STUBBORN(":"), LONG_GRACE_MS);
    world_await_file(&world, run, "told");

    kill_with(run, SIGTERM);

    assert_told_once(run);
    world_close(&world);
}

TEST(a_task_that_tells_itself_to_end_is_told_all_the_same) {
    world_open(&world);
    /* In vain, as long as pid 1 is still root's. */
    struct run *run = begin_leased(STUBBORN("until kill -TERM 1; do :; done"), LONG_GRACE_MS);
    world_await_end(&world, run);

    assert_true(run->stopped);
    assert_string_equal(world_read(run, "stdout"), "term\nterm\n");
    world_close(&world);
}

TEST(what_would_begin_too_late_does_not_begin) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "echo > begun", &run);
    spec.stop_at_ms = boot_clock_ms() - 1001;

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_true(run->launch_failed && run->stopped);
    assert_non_null(strstr(run->reason, "begin before its time was over"));
    assert_int_equal(world_size(run, "begun"), -1);
    world_close(&world);
}

TEST(neither_a_user_nor_root_reaches_the_file_that_has_the_time) {
    static const uid_t users[] = {NOBODY, 0};
    world_open(&world);
    for (size_t i = 0; i < 2; i++) {
        struct run *run;
        struct container_spec spec = world_spec(&world,
                                                "(true <> /proc/1/fd/6) && exit 1; "
                                                "(true < /proc/1/mem) && exit 2; echo none",
                                                &run);
        spec.uid = users[i];
        spec.stop_at_ms = boot_clock_ms() + FAR_MS;

        world_launch(&world, &spec);
        world_await_end(&world, run);

        assert_string_equal(world_read(run, "stdout"), "none\n");
    }
    world_close(&world);
}

TEST(an_end_cannot_be_put_off_when_it_has_come) {
    struct error error = {0};
    world_open(&world);
    struct run *run = begin_leased("exit 0", GRACE_MS);
    world_await_end(&world, run);

    assert_false(containerizer_lease(world.containerizer, text_of(run->id), 1, &error));

    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(run->stopped);
    world_close(&world);
}

/* --- without root --- */

enum { WORKED, NO_NAMESPACES, NOT_STOPPED, LEFT, SETUP };

static void hear(void *self, const struct container_event *event) {
    int *verdict = self;
    if (event->kind == CONTAINER_EVENT_LAUNCH_FAILED)
        *verdict = NO_NAMESPACES;
    if (event->kind == CONTAINER_EVENT_ENDED)
        *verdict = event->stopped && event->termination->signal == SIGTERM ? WORKED : NOT_STOPPED;
}

/* In a process that is not root. */
static int stop_without_root(const char *directory) {
    char sandbox[100], runtime[100];
    int verdict = -1;
    struct error error = {0};
    const char *init = getenv("MESOS_INIT");
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) /* as after an exec: its /proc is its own */
        return SETUP;
    snprintf(sandbox, sizeof(sandbox), "%s/sandbox", directory);
    snprintf(runtime, sizeof(runtime), "%s/runtime", directory);
    struct loop *loop = loop_new(NULL);
    struct containerizer_options options = {
        .loop = loop,
        .cgroup_root = "mesos-test-none",
        .runtime_dir = runtime,
        .init_path = init != NULL ? init : INIT_PATH,
        .allow_missing = true,
        .on_event = hear,
        .self = &verdict,
    };
    struct containerizer *made = containerizer_new(&options, &error);
    if (made == NULL || mkdir(sandbox, 0700) != 0)
        return SETUP;
    struct container_spec spec = {.id = TEXT("c"),
                                  .sandbox = sandbox,
                                  .uid = NOBODY,
                                  .gid = NOBODY,
                                  .shell = "exec tail -f /dev/null",
                                  .stop_at_ms = boot_clock_ms() + IN_MS,
                                  .stop_grace_ms = GRACE_MS};
    if (!containerizer_launch(made, &spec, &error))
        return NO_NAMESPACES;
    while (verdict < 0)
        loop_turn(loop, 1000);
    containerizer_forget(made, spec.id);
    while (containerizer_leaving_count(made) > 0)
        loop_turn(loop, 1000);
    containerizer_free(made);
    loop_free(loop);
    return verdict;
}

TEST(without_root_it_is_the_same) {
    char directory[] = "/var/tmp/lease-test-XXXXXX", path[100];
    int status;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chown(directory, NOBODY, NOBODY), 0);

    pid_t pid = fork();
    if (pid == 0)
        _exit(stop_without_root(directory));
    assert_int_equal(waitpid(pid, &status, 0), pid);

    static const char *const left[] = {"sandbox/stdout", "sandbox/stderr", "sandbox",
                                       "runtime/lock", "runtime"};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, left[i]);
        remove(path);
    }
    assert_int_equal(rmdir(directory), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACES) {
        print_error("SKIPPED: no user namespaces without root here\n");
        return;
    }
    assert_int_equal(status, WORKED);
}
