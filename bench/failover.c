/*
 * How long does a cluster wait when its leading master goes?
 *
 * One ZooKeeper server or three, three masters, a swarm of agents with tasks that run and their
 * framework.
 *
 *   register   all agents come at once, new; the registry is in ZooKeeper
 *   kill       kill -9 of the leader: until the framework has offers again, and from the election
 *              until all agents and tasks are back
 *   hand_over  SIGTERM to the next leader: the same, from the signal on
 *
 * The moment of an election is what the new leader's log says. The framework is a process of its
 * own, so that it need not wait for the agents to be done with losing their master; it finds the
 * leader by itself. All share the machine, so processor time is printed beside the clock.
 *
 *     failover [AGENTS] [TASKS of each] [SERVERS of ZooKeeper: 1 or 3] [SESSION TIMEOUT in ms]
 */
#include "support.h"
#include "swarm_agents.h"
#include "swarm_framework.h"

#include "common/base/mem.h"
#include "common/runtime/http_client.h"
#include "common/runtime/loop.h"
#include "tests/integration/zookeeper/ensemble.h"
#include "zookeeper/shell/leader_finder.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MASTERS = 3,
    AGENTS_DEFAULT = 40000,
    TASKS_DEFAULT = 10,
    SERVERS_DEFAULT = 1,
    SESSION_DEFAULT_MS = 2000,
    PATIENCE_MS = 120 * 1000,
    SPARE_FILES = 200,
    TICK_MS = 10,
    SETTLE_MS = 2000,
};
#define BUDGET_REGISTER_S 10.0
#define BUDGET_BACK_S 2.0
#define BUDGET_HAND_OVER_S 1.0
#define MONOTONIC_S(ns) ((double)(ns) / 1e9)

/* What the framework's process tells, in memory that is shared. */
struct framework_view {
    _Atomic uint64_t subscriptions;
    _Atomic int64_t subscribed_ns, first_offers_ns;
    char id[128], info[512]; /* set before the first subscription is counted */
    size_t info_size;
};

struct bench {
    size_t agents, tasks, servers;
    int64_t session_ms;
    struct loop *loop;
    struct leader_finder *finder;
    struct bench_daemon masters[MASTERS];
    char directories[MASTERS][BENCH_PATH_SIZE];
    struct address leader; /* port 0: none for now */
    int64_t found_ns;
    struct framework_view *framework;
    pid_t framework_pid;
    struct swarm *swarm;
};

/* Before the agents where all run under a real-time policy: in a cluster each has a machine of its
 * own. */
static void put_ahead(pid_t pid, int steps) {
    struct sched_param param;
    int policy = sched_getscheduler(pid);
    if (policy == SCHED_OTHER || sched_getparam(pid, &param) != 0)
        return;
    param.sched_priority += steps;
    sched_setscheduler(pid, policy, &param);
}

static void start_masters(struct bench *bench) {
    char work_dir[BENCH_PATH_SIZE + 32], port[32], zk[400], timeout[64];
    snprintf(zk, sizeof(zk), "--zk=zk://%s/mesos", ensemble_servers());
    snprintf(timeout, sizeof(timeout), "--zk_session_timeout=%lldms", (long long)bench->session_ms);
    for (size_t i = 0; i < MASTERS; i++) {
        uint16_t free_port = bench_free_port();
        bench_directory_make(bench->directories[i]);
        snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/work", bench->directories[i]);
        snprintf(port, sizeof(port), "--port=%u", free_port);
        bench_daemon_start(&bench->masters[i], "mesos-master", bench->directories[i],
                           (const char *[]){work_dir, port, zk, timeout, NULL}, free_port, -1);
        put_ahead(bench->masters[i].pid, 1);
    }
}

static struct bench_daemon *leader(struct bench *bench) {
    for (size_t i = 0; i < MASTERS; i++)
        if (bench->masters[i].pid > 0 && bench->masters[i].port == bench->leader.port)
            return &bench->masters[i];
    bench_fail("leader", "is no master of ours");
}

static void on_trouble(void *self, struct text why) {
    (void)self;
    fprintf(stderr, "failover: zookeeper: %.*s\n", TEXT_ARGS(why));
}

static struct leader_finder *finder_start(struct loop *loop,
                                          void (*on_leader)(void *self, struct text found),
                                          void *self) {
    char url[400];
    struct error error;
    snprintf(url, sizeof(url), "zk://%s/mesos", ensemble_servers());
    struct leader_finder *finder =
        leader_finder_new(loop, text_of(url), on_leader, on_trouble, self, &error);
    if (finder == NULL)
        bench_fail("leader_finder", error.message);
    return finder;
}

static void on_leader(void *self, struct text found) {
    struct bench *bench = self;
    struct address address;
    if (!address_parse(found, 0, &address, NULL) || address_equal(&address, &bench->leader))
        return;
    bench->leader = address;
    bench->found_ns = bench_now_ns();
    if (bench->swarm != NULL)
        swarm_found(bench->swarm, &bench->leader);
}

/* --- the framework's process --- */

static void on_leader_of_framework(void *self, struct text found) {
    struct swarm_framework *framework = self;
    struct address address;
    if (address_parse(found, 0, &address, NULL) && !address_equal(&address, &framework->leader))
        swarm_framework_found(framework, &address);
}

static void publish(const struct swarm_framework *framework, struct framework_view *view) {
    if (framework->subscriptions == 1 && view->info_size == 0) {
        snprintf(view->id, sizeof(view->id), "%.*s", TEXT_ARGS(buf_text(&framework->id)));
        if (framework->info.size > sizeof(view->info))
            bench_fail("the framework", "has a long description");
        memcpy(view->info, framework->info.data, framework->info.size);
        view->info_size = framework->info.size;
    }
    atomic_store(&view->subscribed_ns, framework->subscribed_ns);
    atomic_store(&view->first_offers_ns, framework->first_offers_ns);
    atomic_store(&view->subscriptions, framework->subscriptions);
}

static _Noreturn void run_framework(struct framework_view *view) {
    struct swarm_framework framework;
    struct error error;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGTERM, SIG_DFL);
    put_ahead(0, 2);
    struct loop *loop = loop_new(&error);
    swarm_framework_init(&framework, loop);
    finder_start(loop, on_leader_of_framework, &framework);
    for (;;) {
        loop_turn(loop, -1);
        publish(&framework, view);
    }
}

static void start_framework(struct bench *bench) {
    bench->framework = mmap(NULL, sizeof(*bench->framework), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench->framework_pid = bench->framework != MAP_FAILED ? fork() : -1;
    if (bench->framework_pid < 0)
        bench_fail("the framework", "cannot be started");
    if (bench->framework_pid == 0)
        run_framework(bench->framework);
}

static void stop_framework(struct bench *bench) {
    kill(bench->framework_pid, SIGKILL);
    waitpid(bench->framework_pid, NULL, 0);
    munmap(bench->framework, sizeof(*bench->framework));
}

/* --- the rest --- */

/* When the master began to lead, on the monotonic clock; 0: it never did. */
static int64_t elected_ns(const struct bench_daemon *master) {
    char line[1024];
    int64_t elected_ms = 0;
    FILE *log = fopen(master->log, "re");
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        struct tm parts = {0};
        if (strstr(line, " master_elected ") == NULL)
            continue;
        const char *rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &parts);
        if (rest != NULL && *rest == '.')
            elected_ms = (int64_t)timegm(&parts) * 1000 + strtol(rest + 1, NULL, 10);
    }
    if (log != NULL)
        fclose(log);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec;
    return elected_ms == 0 ? 0 : bench_now_ns() - (wall_ns - elected_ms * 1000000);
}

/* A number out of the leader's metrics. */
static double metric(struct bench *bench, const char *name) {
    AUTO_FINI(http_response_fini) struct http_response response = {0};
    struct http_ask ask = {.address = bench->leader, .path = "/metrics/snapshot"};
    char quoted[128];
    struct error error;
    snprintf(quoted, sizeof(quoted), "\"%s\":", name);
    if (!http_call(&ask, &response, &error))
        bench_fail("metrics", error.message);
    const char *at = strstr(buf_string(&response.body), quoted);
    return at != NULL ? strtod(at + strlen(quoted), NULL) : -1;
}

static void turn_for(struct bench *bench, int64_t milliseconds) {
    int64_t end_ns = bench_now_ns() + milliseconds * 1000000;
    while (bench_now_ns() < end_ns)
        loop_turn(bench->loop, TICK_MS);
}

static void wait_subscribed(struct bench *bench) {
    int64_t limit_ns = bench_now_ns() + INT64_C(1000000) * BENCH_PATIENCE_MS;
    while (bench->framework->subscriptions == 0 || bench->leader.port == 0) {
        loop_turn(bench->loop, TICK_MS);
        if (bench_now_ns() > limit_ns)
            bench_fail("the framework", "is not subscribed");
    }
}

static void wait_all(struct bench *bench) {
    const struct swarm_counts *counts = swarm_counts(bench->swarm);
    int64_t limit_ns = bench_now_ns() + INT64_C(1000000) * PATIENCE_MS;
    while (counts->registered < bench->agents || bench->framework->first_offers_ns == 0) {
        loop_turn(bench->loop, TICK_MS);
        if (bench_now_ns() > limit_ns || counts->stopped > 0) {
            swarm_describe(bench->swarm, stderr);
            bench_fail("failover", bench->framework->first_offers_ns == 0
                                       ? "the framework has no offers"
                                       : "not all agents are back");
        }
    }
}

/* What a master's metrics say of what is there; the benchmark ends when something is missing. */
static void check_complete(struct bench *bench) {
    double agents = metric(bench, "master/slaves_active");
    double tasks = metric(bench, "master/tasks_active");
    if ((size_t)agents == bench->agents && (size_t)tasks == bench->agents * bench->tasks)
        return;
    fprintf(stderr, "failover: %.0f agents and %.0f tasks are back\n", agents, tasks);
    bench_fail("failover", "something is missing");
}

static void measure_register(struct bench *bench) {
    struct swarm_options options = {
        .loop = bench->loop,
        .agents = bench->agents,
        .tasks_each = bench->tasks,
        .framework = text_of(bench->framework->id),
        .framework_info = {bench->framework->info, bench->framework->info_size}};
    pid_t pid = leader(bench)->pid;
    bench->swarm = swarm_new(&options);
    swarm_start(bench->swarm);
    int64_t began_ns = bench_now_ns(), cpu_ns = bench_cpu_ns(pid);
    swarm_found(bench->swarm, &bench->leader);
    wait_all(bench);
    printf("\"register\":{\"s\":%.3f,\"master_cpu_s\":%.3f,\"budget_s\":%.1f},",
           MONOTONIC_S(swarm_counts(bench->swarm)->last_registered_ns - began_ns),
           MONOTONIC_S(bench_cpu_ns(pid) - cpu_ns), BUDGET_REGISTER_S);
    turn_for(bench, SETTLE_MS);
    check_complete(bench);
}

/* The leader goes as the signal says, and the next one takes over. */
static void measure_change(struct bench *bench, const char *name, int signal_number,
                           double budget_first_s) {
    const struct swarm_counts *counts = swarm_counts(bench->swarm);
    struct bench_daemon *old = leader(bench);
    uint64_t found = bench->framework->subscriptions;
    uint64_t all = counts->registrations + bench->agents;
    int64_t self_ns = bench_cpu_ns(0), began_ns = bench_now_ns();
    kill(old->pid, signal_number);
    while (bench->framework->subscriptions == found || counts->registrations < all) {
        loop_turn(bench->loop, TICK_MS);
        if (bench_now_ns() - began_ns > INT64_C(1000000) * PATIENCE_MS) {
            swarm_describe(bench->swarm, stderr);
            bench_fail(name, bench->framework->subscriptions == found
                                 ? "the framework has found no other leader"
                                 : "not all agents have found another leader");
        }
    }
    wait_all(bench);
    const struct bench_daemon *new = leader(bench);
    int64_t elected = elected_ns(new), back_ns = counts->last_registered_ns;
    double load = 0;
    getloadavg(&load, 1);
    printf("\"%s\":{\"elected_s\":%.3f,\"found_s\":%.3f,\"subscribed_s\":%.3f,"
           "\"first_offers_s\":%.3f,"
           "\"budget_first_offers_s\":%.1f,\"all_back_since_election_s\":%.3f,"
           "\"budget_all_back_s\":%.1f,\"master_cpu_s\":%.3f,\"swarm_cpu_s\":%.3f,\"load\":%.1f}",
           name, MONOTONIC_S(elected - began_ns), MONOTONIC_S(bench->found_ns - began_ns),
           MONOTONIC_S(bench->framework->subscribed_ns - began_ns),
           MONOTONIC_S(bench->framework->first_offers_ns - began_ns), budget_first_s,
           MONOTONIC_S(back_ns - elected), BUDGET_BACK_S, MONOTONIC_S(bench_cpu_ns(new->pid)),
           MONOTONIC_S(bench_cpu_ns(0) - self_ns), load);
    bench_daemon_stop(old);
    turn_for(bench, SETTLE_MS);
    check_complete(bench);
}

static size_t number_of(int argc, char **argv, int at, size_t preset, uint64_t limit) {
    return argc > at ? (size_t)bench_number(argv[at], limit) : preset;
}

int main(int argc, char **argv) {
    struct error error;
    struct bench bench = {
        .agents = number_of(argc, argv, 1, AGENTS_DEFAULT, SWARM_AGENTS_LIMIT),
        .tasks = number_of(argc, argv, 2, TASKS_DEFAULT, SWARM_TASKS_LIMIT),
        .servers = number_of(argc, argv, 3, SERVERS_DEFAULT, MASTERS),
        .session_ms = (int64_t)number_of(argc, argv, 4, SESSION_DEFAULT_MS, 60000),
    };
    swarm_raise_limits(bench.agents + SPARE_FILES);
    ensemble_start((int)bench.servers, NULL);
    bench.loop = loop_new(&error);
    if (bench.loop == NULL)
        bench_fail("loop", error.message);
    start_masters(&bench);
    start_framework(&bench);
    bench.finder = finder_start(bench.loop, on_leader, &bench);
    wait_subscribed(&bench);
    printf("{\"benchmark\":\"failover\",\"agents\":%zu,\"tasks\":%zu,\"zookeeper_servers\":%zu,"
           "\"session_timeout_s\":%.1f,",
           bench.agents, bench.agents * bench.tasks, bench.servers,
           (double)bench.session_ms / 1000);
    measure_register(&bench);
    measure_change(&bench, "kill", SIGKILL, (double)bench.session_ms / 1000 + 1);
    printf(",");
    measure_change(&bench, "hand_over", SIGTERM, BUDGET_HAND_OVER_S);
    printf("}\n");
    leader_finder_free(bench.finder);
    swarm_free(bench.swarm);
    stop_framework(&bench);
    loop_free(bench.loop);
    return 0;
}
