#include "bare.h"

#include "support.h"

#include "agent/container/cgroups.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REMOVE_TRIES = 1000, BARE_ONE_LIMIT = 1000 };

static void run_one(struct cgroups *cgroups, const char *id) {
    static char *const arguments[] = {"true", NULL};
    static char *const environment[] = {NULL};
    struct error error = {0};
    struct cgroup_entry entry;
    if (!cgroups_make(cgroups, id, &(struct container_limits){.cpu_milli = 10}, &error) ||
        !cgroups_open_entry(cgroups, id, &entry, &error))
        bench_fail("make a group", error.message);
    struct clone_args args = {
        .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC,
        .exit_signal = SIGCHLD,
    };
    if (entry.into >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)entry.into;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0) {
        for (size_t i = 0; i < entry.procs_count; i++) {
            if (write(entry.procs[i], "0", 1) != 1)
                _exit(1);
        }
        execve("/bin/true", arguments, environment);
        _exit(1);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        bench_fail("run a bare container", strerror(errno));
    cgroup_entry_close(&entry);
    for (int i = 0; i < REMOVE_TRIES && !cgroups_remove(cgroups, id); i++)
        sched_yield();
}

static struct cgroups *open_cgroups(const char *root, int worker) {
    AUTO_FINI(buf_fini) struct buf missing = {0};
    struct error error = {0};
    char own_root[128];
    snprintf(own_root, sizeof(own_root), "%s-bare%d", root, worker);
    struct cgroups *cgroups = cgroups_new(own_root, &missing, &error);
    if (cgroups == NULL)
        bench_fail("cgroups", error.message);
    return cgroups;
}

static void run_worker(const char *root, int worker, int count) {
    struct cgroups *cgroups = open_cgroups(root, worker);
    char id[64];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "bare-%d", i);
        run_one(cgroups, id);
    }
    cgroups_remove_roots(cgroups);
    cgroups_free(cgroups);
}

double bare_seconds(const char *root, int workers, int count) {
    pid_t pids[64];
    int64_t begin_ns = bench_now_ns();
    bool failed = workers > 64;
    for (int worker = 0; worker < workers && !failed; worker++) {
        pids[worker] = fork();
        if (pids[worker] == 0) {
            run_worker(root, worker, count / workers);
            _exit(0);
        }
    }
    for (int worker = 0; worker < workers && !failed; worker++) {
        int status = -1;
        failed = waitpid(pids[worker], &status, 0) != pids[worker] || status != 0;
    }
    if (failed)
        bench_fail("bare containers", "a worker failed");
    return (double)(bench_now_ns() - begin_ns) / 1e9;
}

int64_t bare_one_us(const char *root, int count) {
    int64_t took_us[BARE_ONE_LIMIT];
    struct cgroups *cgroups = open_cgroups(root, 0);
    for (int i = 0; i < count && i < BARE_ONE_LIMIT; i++) {
        usleep(BARE_PAUSE_US);
        int64_t begin_ns = bench_now_ns();
        run_one(cgroups, "bare-one");
        took_us[i] = (bench_now_ns() - begin_ns) / 1000;
    }
    cgroups_remove_roots(cgroups);
    cgroups_free(cgroups);
    return bench_percentile(took_us, (size_t)(count < BARE_ONE_LIMIT ? count : BARE_ONE_LIMIT), 50);
}
