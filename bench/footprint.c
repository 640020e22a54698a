/*
 * How much memory do an idle master, an idle agent and the supervisor of a container take? A master
 * and an agent of this build that have found each other, then one task that sleeps. "private" is
 * RssAnon, "in all" VmRSS of /proc/PID/status. Beside them, as the floor, what a process takes that
 * does nothing but sleep (/bin/sleep, dynamically linked).
 *
 * Needs root. JSON on stdout.
 *
 *     footprint [SECONDS to idle]
 */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_DEFAULT = 3, SECONDS_LIMIT = 3600, SETTLE_US = 200000 };
#define BUDGET_DAEMON_KB 16384
#define BUDGET_INIT_PRIVATE_KB 200
#define BUDGET_INIT_KB 1024

/* The only child of a process; 0: none yet. */
static pid_t child_of(pid_t parent) {
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file != NULL)
        fclose(file);
    return child;
}

static pid_t start_program(const char *program, const char *const *argv) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    if (pid < 0)
        bench_fail("fork", strerror(errno));
    return pid;
}

static void end_program(pid_t pid, int signal_number) {
    kill(pid, signal_number);
    waitpid(pid, NULL, 0);
}

/* Waits until the supervisor of the one task has its task: then it is set up. */
static pid_t wait_supervisor(pid_t agent) {
    for (int waited_ms = 0; waited_ms < BENCH_PATIENCE_MS; waited_ms++) {
        pid_t supervisor = child_of(agent);
        if (supervisor > 0 && child_of(supervisor) > 0)
            return supervisor;
        usleep(1000);
    }
    bench_fail("the task", "does not start");
}

int main(int argc, char **argv) {
    unsigned seconds = argc > 1 ? (unsigned)bench_number(argv[1], SECONDS_LIMIT) : SECONDS_DEFAULT;
    struct bench_cluster cluster;
    char program[BENCH_PATH_SIZE], master[64];
    bench_cluster_start(&cluster, "cpus:4;mem:4096");
    sleep(seconds);
    int64_t master_kb = bench_memory_kb(cluster.master.pid, "VmRSS");
    int64_t agent_kb = bench_memory_kb(cluster.agent.pid, "VmRSS");
    int64_t master_private_kb = bench_memory_kb(cluster.master.pid, "RssAnon");
    int64_t agent_private_kb = bench_memory_kb(cluster.agent.pid, "RssAnon");

    snprintf(master, sizeof(master), "127.0.0.1:%u", cluster.master.port);
    bench_program("mesos", program);
    pid_t run = start_program(
        program, (const char *[]){"mesos", "run", "--master", master, "--", "sleep", "1000", NULL});
    pid_t init = wait_supervisor(cluster.agent.pid);
    pid_t idle = start_program("/bin/sleep", (const char *[]){"sleep", "1000", NULL});
    usleep(SETTLE_US);
    int64_t init_kb = bench_memory_kb(init, "VmRSS");
    int64_t init_private_kb = bench_memory_kb(init, "RssAnon");
    int64_t sleep_kb = bench_memory_kb(idle, "VmRSS");
    int64_t sleep_private_kb = bench_memory_kb(idle, "RssAnon");
    end_program(idle, SIGKILL);
    end_program(run, SIGTERM);
    bench_cluster_stop(&cluster);

    printf("{\"benchmark\": \"footprint\", \"master_kb\": %lld, \"agent_kb\": %lld, "
           "\"master_private_kb\": %lld, \"agent_private_kb\": %lld, \"daemon_budget_kb\": %d, "
           "\"init_private_kb\": %lld, \"init_private_budget_kb\": %d, \"init_kb\": %lld, "
           "\"init_budget_kb\": %d, \"sleep_kb\": %lld, \"sleep_private_kb\": %lld}\n",
           (long long)master_kb, (long long)agent_kb, (long long)master_private_kb,
           (long long)agent_private_kb, BUDGET_DAEMON_KB, (long long)init_private_kb,
           BUDGET_INIT_PRIVATE_KB, (long long)init_kb, BUDGET_INIT_KB, (long long)sleep_kb,
           (long long)sleep_private_kb);
    return 0;
}
