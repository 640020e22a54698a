/*
 * How long do 1,000 containers of /bin/true take, beside what the kernel takes for 1,000 bare ones
 * (groups in the same hierarchies, the same new namespaces, exec, wait, groups removed)? The bare
 * ones run one after another, and by two processes at once, since we too have two cores: the latter
 * is the floor. Also the time from launch to STARTED, one at a time. JSON on stdout; run as root.
 *
 *     containers [COUNT]
 */
#include "bare.h"
#include "support.h"

#include "agent/container/containerizer.h"
#include "common/runtime/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_DEFAULT = 1000, COUNT_LIMIT = 100000, SINGLE = 200, NOBODY = 65534 };

static const struct container_limits limits = {
    .cpu_milli = 10, .memory_bytes = 32 << 20, .pids = 100};

struct bench {
    struct loop *loop;
    struct containerizer *containerizer;
    char directory[BENCH_PATH_SIZE], root[64];
    size_t ended, failed;
    int64_t started_ns;
};

/* --- ours --- */

static void on_event(void *self, const struct container_event *event) {
    struct bench *bench = self;
    if (event->kind == CONTAINER_EVENT_STARTED) {
        bench->started_ns = bench_now_ns();
        return;
    }
    bench->ended++;
    bench->failed += event->kind == CONTAINER_EVENT_LAUNCH_FAILED ||
                     event->termination->end != CONTAINER_EXITED ||
                     event->termination->exit_code != 0;
    containerizer_forget(bench->containerizer, event->id);
}

static void launch(struct bench *bench, const char *id) {
    char sandbox[BENCH_PATH_SIZE + 64];
    struct error error = {0};
    snprintf(sandbox, sizeof(sandbox), "%s/%s", bench->directory, id);
    if (mkdir(sandbox, 0755) != 0)
        bench_fail(sandbox, strerror(errno));
    struct container_spec spec = {
        .id = text_of(id),
        .sandbox = sandbox,
        .uid = NOBODY,
        .gid = NOBODY,
        .argv = (const char *const[]){"/bin/true", NULL},
        .limits = limits,
    };
    if (!containerizer_launch(bench->containerizer, &spec, &error))
        bench_fail("launch", error.message);
}

static void settle(struct bench *bench, size_t ended) {
    while (bench->ended < ended)
        loop_turn(bench->loop, 1000);
}

static double ours_seconds(struct bench *bench, int count, double *clear_seconds) {
    char id[64];
    int64_t begin_ns = bench_now_ns();
    bench->ended = 0;
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "many-%d", i);
        launch(bench, id);
        loop_turn(bench->loop, 0);
    }
    settle(bench, (size_t)count);
    int64_t end_ns = bench_now_ns();
    while (containerizer_leaving_count(bench->containerizer) > 0)
        loop_turn(bench->loop, 10);
    *clear_seconds = (double)(bench_now_ns() - end_ns) / 1e9;
    return (double)(end_ns - begin_ns) / 1e9;
}

static int64_t launch_to_started_us(struct bench *bench, int64_t *p99_us) {
    static int64_t taken_ns[SINGLE];
    char id[64];
    for (int i = 0; i < SINGLE; i++) {
        snprintf(id, sizeof(id), "single-%d", i);
        bench->ended = 0;
        int64_t begin_ns = bench_now_ns();
        launch(bench, id);
        settle(bench, 1);
        taken_ns[i] = bench->started_ns - begin_ns;
    }
    *p99_us = bench_percentile(taken_ns, SINGLE, 99) / 1000;
    return bench_percentile(taken_ns, SINGLE, 50) / 1000;
}

static void open_containerizer(struct bench *bench) {
    char runtime[BENCH_PATH_SIZE + 16], init[BENCH_PATH_SIZE];
    struct error error = {0};
    snprintf(runtime, sizeof(runtime), "%s/runtime", bench->directory);
    bench_program("mesos-init", init);
    bench->loop = loop_new(&error);
    bench->containerizer = containerizer_new(
        &(struct containerizer_options){
            .loop = bench->loop,
            .cgroup_root = bench->root,
            .runtime_dir = runtime,
            .init_path = init,
            .on_event = on_event,
            .self = bench,
        },
        &error);
    if (bench->containerizer == NULL)
        bench_fail("containerizer", error.message);
}

int main(int argc, char **argv) {
    int count = argc > 1 ? (int)bench_number(argv[1], COUNT_LIMIT) : COUNT_DEFAULT;
    struct bench bench = {0};
    double clear;
    int64_t p99_us;
    char version[16];
    if (geteuid() != 0)
        bench_skip("containers need root");
    bench_directory_make(bench.directory);
    bench_root_name(bench.root);
    double serial = bare_seconds(bench.root, 1, count);
    double floor = bare_seconds(bench.root, BARE_WORKERS, count);

    open_containerizer(&bench);
    double ours = ours_seconds(&bench, count, &clear);
    int64_t p50_us = launch_to_started_us(&bench, &p99_us);
    while (containerizer_leaving_count(bench.containerizer) > 0)
        loop_turn(bench.loop, 10);
    snprintf(version, sizeof(version), "%s", containerizer_cgroup_version(bench.containerizer));
    containerizer_free(bench.containerizer);
    loop_free(bench.loop);

    printf("{\"benchmark\": \"containers\", \"cgroups\": \"%s\", \"containers\": %d, "
           "\"bare_one_after_another_s\": %.3f, \"bare_two_at_once_s\": %.3f, \"ours_s\": %.3f, "
           "\"ratio\": %.2f, \"budget_ratio\": 3.0, \"cgroups_gone_after_s\": %.3f, "
           "\"launch_to_started_p50_us\": %lld, \"launch_to_started_p99_us\": %lld, "
           "\"failed\": %zu, \"cgroups_left\": %zu}\n",
           version, count, serial, floor, ours, ours / floor, clear, (long long)p50_us,
           (long long)p99_us, bench.failed, bench_cgroups_count(bench.root));
    return bench.failed == 0 ? 0 : 1;
}
