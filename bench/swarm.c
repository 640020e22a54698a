/*
 * How does one master fare with a whole data centre of agents?
 *
 *   register  all agents come at once, new, to a master that knows nothing: until the last one is
 *             admitted, which is when the registry has it on the disk
 *   tasks     the same with tasks that run already; and the master's memory with all of them
 *   steady    pings of all agents, and tasks that end: a status update to the framework and its
 *             acknowledgement back each; the master's processor time
 *
 * The agents are real cores in this process, over real TCP; the master is a process. Both share the
 * machine, so processor time is printed beside the clock: `load` is that of the machine meanwhile.
 *
 *     swarm [AGENTS] [TASKS of each] [SECONDS of steady] [UPDATES a second] [HOST:PORT of a master]
 */
#include "support.h"
#include "swarm_agents.h"
#include "swarm_framework.h"

#include "common/base/mem.h"
#include "common/runtime/loop.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    AGENTS_DEFAULT = 50000,
    TASKS_DEFAULT = 10,
    SECONDS_DEFAULT = 30,
    UPDATES_DEFAULT = 1000,
    PATIENCE_MS = 120 * 1000,
    SPARE_FILES = 200,
    TICK_MS = 10,
};
#define BUDGET_REGISTER_S 10.0
#define BUDGET_MEMORY_MB 1024.0
#define BUDGET_STEADY_CORES 0.5

struct bench {
    size_t agents, tasks, seconds, updates_per_second;
    struct loop *loop;
    struct bench_daemon master;
    struct address address;
    struct swarm_framework framework;
    struct swarm *swarm;
    char directory[BENCH_PATH_SIZE];
};

struct cost {
    double wall_s, master_cpu_s, swarm_cpu_s;
};

struct watch {
    int64_t began_ns, master_ns, swarm_ns;
};

static struct watch watch_begin(const struct bench *bench) {
    pid_t pid = bench->master.pid;
    return (struct watch){bench_now_ns(), pid > 0 ? bench_cpu_ns(pid) : 0, bench_cpu_ns(0)};
}

static struct cost watch_end(const struct bench *bench, struct watch watch, int64_t ended_ns) {
    pid_t pid = bench->master.pid;
    return (struct cost){.wall_s = (double)(ended_ns - watch.began_ns) / 1e9,
                         .master_cpu_s =
                             pid > 0 ? (double)(bench_cpu_ns(pid) - watch.master_ns) / 1e9 : 0,
                         .swarm_cpu_s = (double)(bench_cpu_ns(0) - watch.swarm_ns) / 1e9};
}

static void start_master(struct bench *bench) {
    char work_dir[BENCH_PATH_SIZE + 32], port[32];
    uint16_t free_port = bench_free_port();
    bench_directory_make(bench->directory);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", bench->directory);
    snprintf(port, sizeof(port), "--port=%u", free_port);
    bench_daemon_start(&bench->master, "mesos-master", bench->directory,
                       (const char *[]){work_dir, port, NULL}, free_port, -1);
    bench->address = (struct address){.port = free_port};
    snprintf(bench->address.host, sizeof(bench->address.host), "127.0.0.1");
}

static void subscribe(struct bench *bench) {
    swarm_framework_init(&bench->framework, bench->loop);
    swarm_framework_found(&bench->framework, &bench->address);
    int64_t limit_ns = bench_now_ns() + INT64_C(1000000) * BENCH_PATIENCE_MS;
    while (!bench->framework.is_subscribed) {
        loop_turn(bench->loop, TICK_MS);
        if (bench_now_ns() > limit_ns)
            bench_fail("the framework", "is not subscribed");
    }
}

static void make_swarm(struct bench *bench) {
    struct swarm_options options = {.loop = bench->loop,
                                    .agents = bench->agents,
                                    .tasks_each = bench->tasks,
                                    .framework = buf_text(&bench->framework.id),
                                    .framework_info = buf_text(&bench->framework.info)};
    bench->swarm = swarm_new(&options);
    swarm_start(bench->swarm);
}

static struct cost register_all(struct bench *bench) {
    const struct swarm_counts *counts = swarm_counts(bench->swarm);
    struct watch watch = watch_begin(bench);
    int64_t limit_ns = watch.began_ns + INT64_C(1000000) * PATIENCE_MS;
    swarm_found(bench->swarm, &bench->address);
    while (counts->registered < bench->agents) {
        loop_turn(bench->loop, TICK_MS);
        if (bench_now_ns() > limit_ns || counts->stopped > 0)
            bench_fail("registration", "not all agents are admitted");
    }
    return watch_end(bench, watch, counts->last_registered_ns);
}

static void turn_for(struct bench *bench, double seconds) {
    int64_t end_ns = bench_now_ns() + (int64_t)(seconds * 1e9);
    while (bench_now_ns() < end_ns)
        loop_turn(bench->loop, TICK_MS);
}

static struct cost run_steady(struct bench *bench) {
    struct watch watch = watch_begin(bench);
    int64_t end_ns = watch.began_ns + (int64_t)bench->seconds * 1000000000;
    uint64_t ended = 0;
    for (int64_t now_ns = watch.began_ns; now_ns < end_ns; now_ns = bench_now_ns()) {
        double due = (double)(now_ns - watch.began_ns) / 1e9 * (double)bench->updates_per_second;
        while ((double)ended < due && swarm_end_task(bench->swarm))
            ended++;
        loop_turn(bench->loop, TICK_MS);
    }
    return watch_end(bench, watch, bench_now_ns());
}

static void print_cost(const char *name, const struct cost *cost) {
    printf("\"%s\":{\"s\":%.3f,\"master_cpu_s\":%.3f,\"swarm_cpu_s\":%.3f", name, cost->wall_s,
           cost->master_cpu_s, cost->swarm_cpu_s);
}

static void measure(struct bench *bench) {
    double load = 0;
    const struct swarm_counts *counts = swarm_counts(bench->swarm);
    struct cost registration = register_all(bench);
    turn_for(bench, 1); /* offers go out */
    double memory_mb = (double)bench_memory_kb(bench->master.pid, "VmRSS") / 1024;
    uint64_t offers = bench->framework.offers;
    swarm_framework_suppress(&bench->framework);
    uint64_t pings = counts->pings, updates = bench->framework.updates;
    struct cost steady = run_steady(bench);
    getloadavg(&load, 1);
    printf("{\"benchmark\":\"swarm\",\"agents\":%zu,\"tasks\":%zu,\"load\":%.1f,", bench->agents,
           bench->agents * bench->tasks, load);
    print_cost("register", &registration);
    printf(",\"budget_s\":%.1f},\"offers\":%llu,\"memory\":{\"mb\":%.0f,\"budget_mb\":%.0f},",
           BUDGET_REGISTER_S, (unsigned long long)offers, memory_mb, BUDGET_MEMORY_MB);
    print_cost("steady", &steady);
    printf(",\"pings\":%llu,\"updates\":%llu,\"acknowledged\":%llu,\"cores\":%.3f,"
           "\"budget_cores\":%.1f},\"lost_connections\":%llu}\n",
           (unsigned long long)(counts->pings - pings),
           (unsigned long long)(bench->framework.updates - updates),
           (unsigned long long)counts->acknowledged, steady.master_cpu_s / steady.wall_s,
           BUDGET_STEADY_CORES, (unsigned long long)counts->closed);
}

static size_t number_of(int argc, char **argv, int at, size_t preset, uint64_t limit) {
    return argc > at ? (size_t)bench_number(argv[at], limit) : preset;
}

int main(int argc, char **argv) {
    struct error error;
    struct bench bench = {
        .agents = number_of(argc, argv, 1, AGENTS_DEFAULT, SWARM_AGENTS_LIMIT),
        .tasks = number_of(argc, argv, 2, TASKS_DEFAULT, SWARM_TASKS_LIMIT),
        .seconds = number_of(argc, argv, 3, SECONDS_DEFAULT, 100000),
        .updates_per_second = number_of(argc, argv, 4, UPDATES_DEFAULT, 1000000),
        .loop = loop_new(&error),
    };
    if (bench.loop == NULL)
        bench_fail("loop", error.message);
    swarm_raise_limits(bench.agents + SPARE_FILES);
    if (argc <= 5)
        start_master(&bench);
    else if (!address_parse(text_of(argv[5]), 5050, &bench.address, &error))
        bench_fail("master", error.message);
    subscribe(&bench);
    make_swarm(&bench);
    measure(&bench);
    swarm_free(bench.swarm);
    swarm_framework_fini(&bench.framework);
    bench_daemon_stop(&bench.master);
    loop_free(bench.loop);
    return 0;
}
