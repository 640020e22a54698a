/*
 * Real containers on this machine's cgroups, whatever version they are: what a task sees, how its
 * end is told, and that nothing of it is left. Runs as root by itself, with MESOS_INIT naming
 * mesos-init.
 */
#include "tests/integration/container/world.h"
#include "agent/container/status_file.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world world; /* too big for a stack; each test opens and closes it */

/* --- how it ends --- */

TEST(a_task_that_succeeds_has_started_and_ended_with_0) {
    world_open(&world);

    struct run *run = world_run(&world, "exit 0");

    assert_true(run->started);
    assert_int_equal(run->termination.end, CONTAINER_EXITED);
    assert_int_equal(run->termination.exit_code, 0);
    assert_false(run->termination.out_of_memory);
    assert_true(run->termination.cpu_time_ns > 0);
    assert_true(run->termination.peak_memory_bytes != 0);
    assert_true(run->termination.end_ms >= run->termination.start_ms);
    world_close(&world);
}

TEST(an_exit_code_and_the_last_of_stderr_are_told) {
    world_open(&world);

    struct run *run = world_run(&world, "echo why it failed >&2; exit 7");

    assert_int_equal(run->termination.exit_code, 7);
    assert_string_equal(run->tail, "why it failed\n");
    world_close(&world);
}

TEST(a_death_by_signal_is_told_as_that) {
    world_open(&world);

    struct run *run = world_run(&world, "kill -SEGV $$");

    assert_int_equal(run->termination.end, CONTAINER_KILLED);
    assert_int_equal(run->termination.signal, SIGSEGV);
    world_close(&world);
}

TEST(too_much_memory_is_told_apart_from_other_kills_and_with_its_peak) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "exec tail /dev/zero", &run);
    spec.limits.memory_bytes = 32 << 20;

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_int_equal(run->termination.end, CONTAINER_KILLED);
    assert_int_equal(run->termination.signal, SIGKILL);
    assert_true(run->termination.out_of_memory);
    assert_in_range(run->termination.peak_memory_bytes, 24 << 20, 32 << 20);
    world_close(&world);
}

TEST(a_task_cannot_have_more_processes_than_its_limit) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(
        &world, "for i in 1 2 3 4 5 6 7 8 9 10; do cat <&9 & done; echo made them", &run);
    spec.limits.pids = 5;

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_true(run->termination.exit_code != 0);
    assert_null(strstr(world_read(run, "stdout"), "made them"));
    world_close(&world);
}

static struct run *execute(const char *const *argv) {
    struct run *run;
    struct container_spec spec = world_spec(&world, NULL, &run);
    spec.argv = argv;
    world_launch(&world, &spec);
    world_await_end(&world, run);
    return run;
}

TEST(a_command_that_is_missing_is_told_without_a_start) {
    world_open(&world);

    struct run *run = execute((const char *const[]){"/no/such/command", NULL});

    assert_false(run->started);
    assert_int_equal(run->termination.end, CONTAINER_EXEC_FAILED);
    assert_non_null(strstr(run->termination.exec_error, "No such file"));
    world_close(&world);
}

TEST(a_command_that_is_not_in_path_a_directory_or_not_executable_is_told_as_that) {
    world_open(&world);

    struct run *missing = execute((const char *const[]){"no-such-command", NULL});
    struct run *directory = execute((const char *const[]){"/etc", NULL});
    struct run *data = execute((const char *const[]){"/etc/passwd", NULL});

    assert_non_null(strstr(missing->termination.exec_error, "No such file"));
    assert_non_null(strstr(directory->termination.exec_error, "Is a directory"));
    assert_non_null(strstr(data->termination.exec_error, "Permission denied"));
    world_close(&world);
}

TEST(argv_is_found_in_path_and_arguments_arrive_whole) {
    world_open(&world);

    struct run *run = execute((const char *const[]){"printf", "%s|", "a b", "", "$HOME", NULL});

    assert_string_equal(world_read(run, "stdout"), "a b||$HOME|");
    world_close(&world);
}

TEST(a_sandbox_that_is_a_link_or_missing_is_refused_at_once) {
    struct run *run;
    struct error error = {0};
    world_open(&world);
    struct container_spec spec = world_spec(&world, "true", &run);
    assert_int_equal(rmdir(run->sandbox), 0);

    assert_false(containerizer_launch(world.containerizer, &spec, &error));
    assert_non_null(strstr(error.message, "open sandbox"));
    assert_int_equal(symlink("/etc", run->sandbox), 0);
    assert_false(containerizer_launch(world.containerizer, &spec, &error));
    world_close(&world);
}

/* --- what a task sees --- */

TEST(a_task_has_no_capability_and_can_get_none) {
    world_open(&world);

    struct run *run =
        world_run(&world, "grep -E '^(Cap|NoNewPrivs|Uid|Gid|Groups)' /proc/self/status");

    const char *out = world_read(run, "stdout");
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    for (size_t i = 0; i < 5; i++) {
        char line[64];
        snprintf(line, sizeof(line), "%s:\t0000000000000000\n", sets[i]);
        assert_non_null(strstr(out, line));
    }
    assert_non_null(strstr(out, "NoNewPrivs:\t1"));
    assert_non_null(strstr(out, "Uid:\t65534\t65534\t65534\t65534"));
    assert_non_null(strstr(out, "Gid:\t65534\t65534\t65534\t65534"));
    assert_non_null(strstr(out, "Groups:\t \n"));
    world_close(&world);
}

TEST(a_task_of_root_has_no_capability_either_and_cannot_turn_the_kernels_switches) {
    struct run *run;
    world_open(&world);
    struct container_spec spec =
        world_spec(&world,
                   "grep CapEff /proc/self/status; echo x > /proc/sys/kernel/core_pattern; mount "
                   "-t tmpfs t /mnt; "
                   "echo 0 > /proc/1/oom_score_adj; mkdir /sys/fs/cgroup/x; :",
                   &run);
    spec.uid = spec.gid = 0;

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_non_null(strstr(world_read(run, "stdout"), "CapEff:\t0000000000000000"));
    const char *errors = world_read(run, "stderr");
    assert_non_null(strstr(errors, "core_pattern: Read-only file system"));
    assert_non_null(strstr(errors, "mount: "));
    assert_non_null(strstr(errors, "/sys/fs/cgroup/x"));
    world_close(&world);
}

TEST(nothing_of_the_agents_descriptors_is_inside) {
    world_open(&world);
    int secret = dup2(STDIN_FILENO, 200); /* not close-on-exec, as a library would leave it */

    struct run *run = world_run(&world, "ls -l /proc/self/fd; ls /proc/1/fd");

    close(secret);
    const char *out = world_read(run, "stdout");
    assert_non_null(strstr(out, "0 -> /dev/null"));
    assert_non_null(strstr(out, "1 -> pipe:"));
    assert_non_null(strstr(out, "2 -> pipe:"));
    assert_null(strstr(out, " 4 -> "));  /* 3 is the listing itself */
    assert_null(strstr(out, "200 -> ")); /* the digits alone may be of a pipe's number */
    assert_non_null(strstr(world_read(run, "stderr"), "Permission denied"));
    world_close(&world);
}

TEST(tmp_and_shm_are_private_and_the_sandbox_stays_reachable_below_tmp) {
    world_open(&world);

    struct run *run =
        world_run(&world, "ls /tmp /dev/shm; echo x > /tmp/own; echo y > /dev/shm/own; "
                          "pwd; touch \"$(pwd)/made\"; mount | grep -c 'on /tmp '");

    char expected[400];
    const char *directory = world.directory + strlen("/tmp/");
    snprintf(expected, sizeof(expected), "/dev/shm:\n\n/tmp:\n%s\n%s\n1\n", directory,
             run->sandbox);
    assert_string_equal(world_read(run, "stdout"), expected);
    assert_int_equal(world_size(run, "made"), 0);
    assert_int_equal(access("/tmp/own", F_OK), -1);
    assert_int_equal(access("/dev/shm/own", F_OK), -1);
    world_close(&world);
}

TEST(a_task_sees_its_own_processes_only_and_its_own_hostname) {
    struct run *run;
    world_open(&world);
    struct container_spec spec =
        world_spec(&world, "echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; hostname", &run);
    spec.hostname = "box";

    world_launch(&world, &spec);
    world_await_end(&world, run);

    const char *out = world_read(run, "stdout");
    assert_true(strncmp(out, "2\n", 2) == 0);
    assert_non_null(strstr(out, "\nbox\n"));
    assert_int_equal(run->termination.exit_code, 0);
    world_close(&world);
}

TEST(the_environment_is_what_was_given_with_a_default_path) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, NULL, &run);
    spec.argv = (const char *const[]){"env", NULL};
    spec.environment = (const char *const[]){"A=1", "B=two words", NULL};

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_string_equal(world_read(run, "stdout"),
                        "A=1\nB=two words\n"
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    world_close(&world);
}

TEST(an_environment_bigger_than_a_pipe_arrives) {
    enum { BIG = 100 * 1024 };
    struct run *run;
    char *big = mem_alloc(BIG + 1);
    memset(big, 'x', BIG);
    memcpy(big, "BIG=", 4);
    world_open(&world);
    struct container_spec spec = world_spec(&world, "echo ${#BIG}", &run);
    spec.environment = (const char *const[]){big, NULL};

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_string_equal(world_read(run, "stdout"), "102396\n");
    mem_free(big);
    world_close(&world);
}

TEST(resource_limits_are_the_tasks) {
    struct run *run;
    struct container_rlimit files = {RLIMIT_NOFILE, 40, 50};
    world_open(&world);
    struct container_spec spec = world_spec(&world, "ulimit -Sn; ulimit -Hn", &run);
    spec.rlimits = &files;
    spec.rlimit_count = 1;

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_string_equal(world_read(run, "stdout"), "40\n50\n");
    world_close(&world);
}

TEST(usage_is_told_and_limits_change_while_it_runs) {
    struct run *run;
    struct container_usage usage;
    struct container_limits limits = {.cpu_milli = 2000, .memory_bytes = 96 << 20, .pids = 50};
    world_open(&world);
    struct container_spec spec = world_spec(&world, "exec tail -f /dev/null", &run);
    world_launch(&world, &spec);
    world_await_start(&world, run);

    assert_true(containerizer_usage(world.containerizer, spec.id, &usage, NULL));
    assert_true(containerizer_update(world.containerizer, spec.id, &limits, NULL));

    assert_in_range(usage.pids, 2, 3);
    assert_in_range(usage.memory_bytes, 1, 64 << 20);
    assert_true(usage.cpu_time_ns > 0);
    assert_true(containerizer_destroy(world.containerizer, spec.id, NULL));
    world_await_end(&world, run);
    world_close(&world);
}

/* --- output --- */

TEST(output_is_complete_when_the_end_is_told) {
    world_open(&world);

    struct run *run = world_run(&world, "seq 200000");

    assert_int_equal(world_size(run, "stdout"), 1288895);
    assert_int_equal(world_size(run, "stderr"), 0);
    world_close(&world);
}

TEST(two_hundred_megabytes_of_output_are_capped_and_rotated) {
    enum { HALF = 50 << 20, ALL = 200 << 20 };
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "head -c 209715200 /dev/zero", &run);
    spec.limits.memory_bytes = 512 << 20; /* where /tmp is memory, the files are, too */

    world_launch(&world, &spec);
    world_await_end(&world, run);

    int64_t begins = (int64_t)run->termination.stdout_rotations * HALF;
    assert_int_equal(begins + world_size(run, "stdout"), ALL);
    assert_int_equal(world_size(run, "stdout.1"), HALF);
    assert_in_range(world_size(run, "stdout"), 0, HALF);
    assert_int_equal(run->termination.dropped_bytes, 0);
    world_close(&world);
}

TEST(a_full_disk_stops_the_log_and_not_the_task) {
    struct run *run;
    world_open(&world);
    struct container_spec spec =
        world_spec(&world, "head -c 3000000 /dev/zero; echo done >&2; exit 3", &run);
    assert_int_equal(mount("tmpfs", run->sandbox, "tmpfs", 0, "size=1m"), 0);

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_int_equal(run->termination.exit_code, 3);
    assert_in_range(run->termination.dropped_bytes, 1900000, 3000000);
    assert_int_equal(umount(run->sandbox), 0);
    world_close(&world);
}

TEST(a_log_that_the_task_made_a_link_leads_nowhere) {
    world_open(&world);
    struct run *run;
    struct container_spec spec = world_spec(&world, "seq 100000; ls -l", &run);
    spec.log_cap_bytes = 16384;
    char link[200], target[200];
    snprintf(target, sizeof(target), "%s/target", world.directory);
    snprintf(link, sizeof(link), "%s/stdout", run->sandbox);
    assert_int_equal(symlink(target, link), 0);

    world_launch(&world, &spec);
    world_await_end(&world, run);

    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(run->termination.exit_code, 0);
    assert_true(run->termination.dropped_bytes > 500000);
    world_close(&world);
}

/* --- killing --- */

TEST(a_signal_reaches_the_task_which_may_end_in_its_own_way) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(
        &world, "trap 'echo bye; exit 5' TERM; touch ready; while :; do read x < fifo; done", &run);
    world_make_fifo(run, "fifo");
    world_launch(&world, &spec);
    world_await_file(&world, run, "ready");

    assert_true(containerizer_kill(world.containerizer, spec.id, SIGTERM, NULL));
    world_await_end(&world, run);

    assert_int_equal(run->termination.end, CONTAINER_EXITED);
    assert_int_equal(run->termination.exit_code, 5);
    assert_string_equal(world_read(run, "stdout"), "bye\n");
    world_close(&world);
}

TEST(a_task_that_ignores_sigterm_ends_by_sigkill_to_all_of_it) {
    struct run *run;
    world_open(&world);
    struct container_spec spec =
        world_spec(&world, "trap '' TERM; tail -f /dev/null & touch ready; wait; wait", &run);
    world_launch(&world, &spec);
    world_await_file(&world, run, "ready");

    assert_true(containerizer_kill(world.containerizer, spec.id, SIGTERM, NULL));
    assert_false(run->ended);
    assert_true(containerizer_destroy(world.containerizer, spec.id, NULL));
    world_await_end(&world, run);

    assert_int_equal(run->termination.end, CONTAINER_KILLED);
    assert_int_equal(run->termination.signal, SIGKILL);
    assert_false(run->termination.out_of_memory);
    assert_false(containerizer_kill(world.containerizer, spec.id, SIGTERM, NULL));
    world_close(&world);
}

TEST(what_a_task_left_in_the_background_dies_with_it_and_holds_nothing_up) {
    world_open(&world);

    struct run *run =
        world_run(&world, "setsid tail -f /dev/null & tail -f /dev/null & echo started");

    assert_int_equal(run->termination.exit_code, 0);
    assert_string_equal(world_read(run, "stdout"), "started\n");
    world_close(&world);
}

/* --- restart of the agent --- */

/* An agent of its own that launches and dies without a word. */
static void launch_and_die(const struct container_spec *spec, const struct run *run) {
    pid_t agent = fork();
    if (agent == 0) {
        world.never_stores = true;
        world_open_containerizer(&world);
        world_launch(&world, spec);
        world_await_start(&world, run);
        _exit(run->started ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(agent, &status, 0), agent);
    assert_int_equal(status, 0);
}

/* The world's own agent stops, another takes its place and dies, and its heir is to recover. */
static void leave_behind(const struct container_spec *spec, const struct run *run) {
    containerizer_free(world.containerizer);
    loop_free(world.loop);
    world.loop = loop_new(NULL);
    launch_and_die(spec, run);
    loop_free(world.loop);
    world.loop = loop_new(NULL);
    world_open_containerizer(&world);
}

TEST(a_running_container_is_found_again_by_another_agent_and_its_end_is_told) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "read x < fifo; echo got $x; exit 9", &run);
    world_make_fifo(run, "fifo");
    leave_behind(&spec, run);

    struct container_memory memory = {.id = spec.id, .sandbox = run->sandbox};
    assert_true(containerizer_recover(world.containerizer, &memory, 1, NULL));
    world_await_start(&world, run);
    assert_true(run->started && run->pid > 0);
    assert_int_equal(containerizer_remove_orphans(world.containerizer), 0);
    world_write(run, "fifo", "it\n");
    world_await_end(&world, run);

    assert_int_equal(run->termination.end, CONTAINER_EXITED);
    assert_int_equal(run->termination.exit_code, 9);
    assert_string_equal(world_read(run, "stdout"), "got it\n");
    world_close(&world);
}

TEST(a_container_whose_status_file_names_nobody_is_found_by_what_the_agent_remembers) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "read x < fifo; exit 9", &run);
    world_make_fifo(run, "fifo");
    leave_behind(&spec, run);
    struct status status;
    int directory = open(world.runtime, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(status_read(directory, spec.id.data, &status));
    struct container_memory memory = {.id = spec.id,
                                      .sandbox = run->sandbox,
                                      .pid = status.head.pid,
                                      .start_time = status.head.start_time};
    status.head.start_time ^= 1;
    status_update_head(directory, spec.id.data, &status.head);
    close(directory);

    assert_true(containerizer_recover(world.containerizer, &memory, 1, NULL));
    world_await_start(&world, run);
    world_write(run, "fifo", "it\n");
    world_await_end(&world, run);

    assert_int_equal(run->termination.end, CONTAINER_EXITED);
    assert_int_equal(run->termination.exit_code, 9);
    world_close(&world);
}

TEST(a_container_that_ended_while_no_agent_was_there_is_told_with_its_exit_code) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "exit 4", &run);
    leave_behind(&spec, run);

    struct container_memory memory = {.id = spec.id, .sandbox = run->sandbox};
    assert_true(containerizer_recover(world.containerizer, &memory, 1, NULL));
    world_await_end(&world, run);

    assert_true(run->ended);
    assert_int_equal(run->termination.end, CONTAINER_EXITED);
    assert_int_equal(run->termination.exit_code, 4);
    world_close(&world);
}

TEST(a_container_that_was_never_begun_is_told_as_that_and_can_be_begun) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "true", &run);

    struct container_memory memory = {.id = spec.id};
    assert_true(containerizer_recover(world.containerizer, &memory, 1, NULL));
    world_await_end(&world, run);

    assert_true(run->launch_failed);
    run->ended = run->launch_failed = false;
    assert_true(containerizer_launch(world.containerizer, &spec, NULL));
    world_await_end(&world, run);
    assert_true(run->ended);
    world_close(&world);
}

TEST(a_container_that_nobody_remembers_is_killed_and_removed) {
    struct run *run;
    world_open(&world);
    struct container_spec spec = world_spec(&world, "exec tail -f /dev/null", &run);
    leave_behind(&spec, run);

    assert_int_equal(containerizer_remove_orphans(world.containerizer), 1);

    world_close(&world);
}

TEST(two_agents_cannot_share_a_runtime_directory_or_a_cgroup_root) {
    struct error error = {0};
    world_open(&world);
    struct containerizer_options options = {
        .loop = world.loop,
        .cgroup_root = world.root,
        .runtime_dir = world.runtime,
        .init_path = "/bin/true",
    };

    assert_null(containerizer_new(&options, &error));
    assert_int_equal(error.code, ERROR_EXISTS);
    char other[100];
    snprintf(other, sizeof(other), "%s/other", world.directory);
    options.runtime_dir = other;
    assert_null(containerizer_new(&options, &error));
    assert_int_equal(error.code, ERROR_EXISTS);
    world_close(&world);
}

/* Runs in a process that is not root, with its own runtime directory; its status says what went
 * wrong. */
static int run_without_root(bool allow_missing) {
    struct error error = {0};
    char directory[] = "/tmp/rootless-test-XXXXXX";
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0 ||
        mkdtemp(directory) == NULL)
        return 1;
    const char *init = getenv("MESOS_INIT");
    char runtime[100];
    snprintf(runtime, sizeof(runtime), "%s/runtime", directory);
    struct containerizer *made = containerizer_new(
        &(struct containerizer_options){
            .loop = world.loop,
            .cgroup_root = "mesos-test-none",
            .runtime_dir = runtime,
            .init_path = init != NULL ? init : INIT_PATH,
            .allow_missing = allow_missing,
        },
        &error);
    rmdir(runtime);
    rmdir(directory);
    if (allow_missing)
        return made != NULL && strstr(containerizer_missing(made), "root") != NULL ? 0 : 2;
    return made == NULL && strstr(error.message, "missing here: root") != NULL ? 0 : 3;
}

TEST(without_root_the_error_says_so_and_whoever_allows_it_goes_on) {
    world_open(&world);
    for (int allow_missing = 0; allow_missing < 2; allow_missing++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(run_without_root(allow_missing != 0));
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    world_close(&world);
}

TEST(fifty_containers_at_once_all_end_and_leave_nothing) {
    world_open(&world);
    struct run *runs[50];
    for (int i = 0; i < 50; i++) {
        struct container_spec spec = world_spec(&world, "echo hello", &runs[i]);
        world_launch(&world, &spec);
    }

    for (int i = 0; i < 50; i++)
        world_await_end(&world, runs[i]);

    for (int i = 0; i < 50; i++)
        assert_string_equal(world_read(runs[i], "stdout"), "hello\n");
    world_close(&world);
}
