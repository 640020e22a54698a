/*
 * How long do 1,000 containers of /bin/true take, beside what the kernel takes for 1,000 bare ones
 * (groups in the same hierarchies, the same new namespaces, exec, wait, groups removed)? The bare
 * ones run one after another, and by two processes at once, since we too have two cores: the latter
 * is the floor. Also the time from launch to STARTED, one at a time. JSON on stdout; run as root.
 *
 *     containers [COUNT]
 */
#include "agent/container/cgroups.h"
#include "agent/container/containerizer.h"
#include "common/base/mem.h"
#include "common/runtime/loop.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_DEFAULT = 1000, COUNT_LIMIT = 100000, WORKERS = 2, SINGLE = 200, NOBODY = 65534 };

static const struct container_limits limits = {
    .cpu_milli = 10, .memory_bytes = 32 << 20, .pids = 100};

struct bench {
    struct loop *loop;
    struct containerizer *containerizer;
    char directory[64], root[64];
    size_t ended, failed;
    int64_t started_ns;
};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static _Noreturn void give_up(const char *what, const char *why) {
    fprintf(stderr, "containers: %s: %s\n", what, why);
    exit(1);
}

/* --- the floor --- */

static void run_bare(struct cgroups *cgroups, const char *id) {
    static char *const arguments[] = {"true", NULL};
    static char *const environment[] = {NULL};
    struct error error = {0};
    struct cgroup_entry entry;
    if (!cgroups_make(cgroups, id, &(struct container_limits){.cpu_milli = 10}, &error) ||
        !cgroups_open_entry(cgroups, id, &entry, &error))
        give_up("make a group", error.message);
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
        give_up("run a bare container", strerror(errno));
    cgroup_entry_close(&entry);
    for (int i = 0; i < 1000 && !cgroups_remove(cgroups, id); i++)
        sched_yield();
}

static double bare_seconds(const char *root, int workers, int count) {
    int64_t begin_ns = now_ns();
    for (int worker = 0; worker < workers; worker++) {
        if (fork() != 0)
            continue;
        AUTO_FINI(buf_fini) struct buf missing = {0};
        struct error error = {0};
        char own_root[128], id[64];
        snprintf(own_root, sizeof(own_root), "%s-bare%d", root, worker);
        struct cgroups *cgroups = cgroups_new(own_root, &missing, &error);
        if (cgroups == NULL)
            give_up("cgroups", error.message);
        for (int i = 0; i < count / workers; i++) {
            snprintf(id, sizeof(id), "bare-%d", i);
            run_bare(cgroups, id);
        }
        _exit(0);
    }
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    if (failed != 0)
        give_up("bare containers", "a worker failed");
    return (double)(now_ns() - begin_ns) / 1e9;
}

/* --- ours --- */

static void on_event(void *self, const struct container_event *event) {
    struct bench *bench = self;
    if (event->kind == CONTAINER_EVENT_STARTED) {
        bench->started_ns = now_ns();
        return;
    }
    bench->ended++;
    bench->failed += event->kind == CONTAINER_EVENT_LAUNCH_FAILED ||
                     event->termination->end != CONTAINER_EXITED ||
                     event->termination->exit_code != 0;
    containerizer_forget(bench->containerizer, event->id);
}

static void launch(struct bench *bench, const char *id) {
    char sandbox[200];
    struct error error = {0};
    snprintf(sandbox, sizeof(sandbox), "%s/%s", bench->directory, id);
    if (mkdir(sandbox, 0755) != 0)
        give_up(sandbox, strerror(errno));
    struct container_spec spec = {
        .id = text_of(id),
        .sandbox = sandbox,
        .uid = NOBODY,
        .gid = NOBODY,
        .argv = (const char *const[]){"/bin/true", NULL},
        .limits = limits,
    };
    if (!containerizer_launch(bench->containerizer, &spec, &error))
        give_up("launch", error.message);
}

static void settle(struct bench *bench, size_t ended) {
    while (bench->ended < ended)
        loop_turn(bench->loop, 1000);
}

static double ours_seconds(struct bench *bench, int count, double *clear_seconds) {
    char id[64];
    int64_t begin_ns = now_ns();
    bench->ended = 0;
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "many-%d", i);
        launch(bench, id);
        loop_turn(bench->loop, 0);
    }
    settle(bench, (size_t)count);
    int64_t end_ns = now_ns();
    while (containerizer_leaving_count(bench->containerizer) > 0)
        loop_turn(bench->loop, 10);
    *clear_seconds = (double)(now_ns() - end_ns) / 1e9;
    return (double)(end_ns - begin_ns) / 1e9;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t launch_to_started_us(struct bench *bench, int64_t *p99_us) {
    static int64_t taken_ns[SINGLE];
    char id[64];
    for (int i = 0; i < SINGLE; i++) {
        snprintf(id, sizeof(id), "single-%d", i);
        bench->ended = 0;
        int64_t begin_ns = now_ns();
        launch(bench, id);
        settle(bench, 1);
        taken_ns[i] = bench->started_ns - begin_ns;
    }
    qsort(taken_ns, SINGLE, sizeof(taken_ns[0]), compare);
    *p99_us = taken_ns[SINGLE * 99 / 100] / 1000;
    return taken_ns[SINGLE / 2] / 1000;
}

static void count_one(void *self, const char *id) {
    (void)id;
    ++*(int *)self;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

/* Roots of all kinds, ours and those of the bare ones, wherever there are hierarchies. */
static void remove_roots(const char *mount, const char *root) {
    char path[600];
    DIR *directory = opendir(mount);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, root, strlen(root)) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", mount, entry->d_name);
        rmdir(path);
    }
    if (directory != NULL)
        closedir(directory);
}

static void clean_up(const struct bench *bench) {
    char path[400];
    DIR *directory = opendir("/sys/fs/cgroup");
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", entry->d_name);
        if (strcmp(entry->d_name, "..") != 0)
            remove_roots(path, bench->root);
    }
    if (directory != NULL)
        closedir(directory);
    nftw(bench->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Groups of ours that are still there; only then are they cleaned up. */
static int groups_left(const struct bench *bench) {
    AUTO_FINI(buf_fini) struct buf missing = {0};
    int left = 0;
    struct cgroups *cgroups = cgroups_new(bench->root, &missing, NULL);
    if (cgroups != NULL)
        cgroups_each(cgroups, count_one, &left);
    cgroups_free(cgroups);
    clean_up(bench);
    return left;
}

int main(int argc, char **argv) {
    uint64_t count = COUNT_DEFAULT;
    struct error error = {0};
    struct bench bench = {.directory = "/tmp/containers-bench-XXXXXX"};
    if (argc > 1 && (!text_to_u64(text_of(argv[1]), &count) || count == 0 || count > COUNT_LIMIT))
        give_up("count", "must be a number from 1 to 100000");
    if (geteuid() != 0 || mkdtemp(bench.directory) == NULL || chmod(bench.directory, 0755) != 0)
        give_up("start", "must be root, with a /tmp to write in");
    snprintf(bench.root, sizeof(bench.root), "mesos-bench-%d", getpid());
    double serial = bare_seconds(bench.root, 1, (int)count);
    double floor = bare_seconds(bench.root, WORKERS, (int)count);

    char runtime[100];
    snprintf(runtime, sizeof(runtime), "%s/runtime", bench.directory);
    bench.loop = loop_new(&error);
    bench.containerizer = containerizer_new(
        &(struct containerizer_options){
            .loop = bench.loop,
            .cgroup_root = bench.root,
            .runtime_dir = runtime,
            .init_path = getenv("MESOS_INIT"),
            .on_event = on_event,
            .self = &bench,
        },
        &error);
    if (bench.containerizer == NULL)
        give_up("containerizer", error.message);
    double clear;
    int64_t p99_us;
    double ours = ours_seconds(&bench, (int)count, &clear);
    int64_t p50_us = launch_to_started_us(&bench, &p99_us);
    while (containerizer_leaving_count(bench.containerizer) > 0)
        loop_turn(bench.loop, 10);
    char version[16];
    snprintf(version, sizeof(version), "%s", containerizer_cgroup_version(bench.containerizer));
    containerizer_free(bench.containerizer);
    loop_free(bench.loop);

    printf("{\"benchmark\": \"containers\", \"cgroups\": \"%s\", \"containers\": %llu, "
           "\"bare_one_after_another_s\": %.3f, \"bare_two_at_once_s\": %.3f, \"ours_s\": %.3f, "
           "\"ratio\": %.2f, \"budget_ratio\": 3.0, \"cgroups_gone_after_s\": %.3f, "
           "\"launch_to_started_p50_us\": %lld, \"launch_to_started_p99_us\": %lld, "
           "\"failed\": %zu, \"cgroups_left\": %d}\n",
           version, (unsigned long long)count, serial, floor, ours, ours / floor, clear,
           (long long)p50_us, (long long)p99_us, bench.failed, groups_left(&bench));
    return bench.failed == 0 ? 0 : 1;
}
