/*
 * How long does `mesos run -- true` take, from the shell's fork to its exit code? A master and an
 * agent of this build, one run after another. Beside it, in the same run, the floor: one bare
 * container (bare.h), and a program of ours that starts and ends (`mesos version`).
 *
 * Needs root. JSON on stdout.
 *
 *     cli_run [RUNS]
 */
#include "bare.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS_DEFAULT = 100, RUNS_LIMIT = 10000 };
#define BUDGET_US 20000

static int64_t once_us(const char *program, const char *const *argv) {
    int status;
    int64_t begin_ns = bench_now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, STDOUT_FILENO);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        bench_fail("fork", strerror(errno));
    if (status != 0)
        bench_fail(argv[1], "did not end well");
    return (bench_now_ns() - begin_ns) / 1000;
}

static int64_t median_us(const char *program, const char *const *argv, size_t runs,
                         int64_t *p99_us) {
    static int64_t took_us[RUNS_LIMIT];
    for (size_t i = 0; i < runs; i++)
        took_us[i] = once_us(program, argv);
    *p99_us = bench_percentile(took_us, runs, 99);
    return bench_percentile(took_us, runs, 50);
}

int main(int argc, char **argv) {
    size_t runs = argc > 1 ? (size_t)bench_number(argv[1], RUNS_LIMIT) : RUNS_DEFAULT;
    struct bench_cluster cluster;
    char program[BENCH_PATH_SIZE], master[64];
    int64_t p99_us, ignored;
    bench_cluster_start(&cluster, "cpus:100;mem:100000");
    bench_program("mesos", program);
    snprintf(master, sizeof(master), "127.0.0.1:%u", cluster.master.port);
    const char *const run[] = {"mesos", "run", "--master", master, "--", "true", NULL};
    const char *const version[] = {"mesos", "version", NULL};
    once_us(program, run);

    int64_t bare_us = bare_one_us(cluster.root, (int)runs);
    int64_t start_us = median_us(program, version, runs, &ignored);
    int64_t ours_us = median_us(program, run, runs, &p99_us);
    bench_cluster_stop(&cluster);

    printf("{\"benchmark\": \"cli_run\", \"runs\": %zu, \"p50_us\": %lld, \"p99_us\": %lld, "
           "\"budget_us\": %d, \"bare_container_p50_us\": %lld, \"mesos_version_p50_us\": %lld}\n",
           runs, (long long)ours_us, (long long)p99_us, BUDGET_US, (long long)bare_us,
           (long long)start_us);
    return 0;
}
