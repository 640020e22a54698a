/*
 * What does a task cost from end to end? A master and an agent of this build, a framework on
 * libmesos, /bin/true as nobody in a container each:
 *
 *   many    COUNT tasks in one accept, until the last terminal update; beside it, as often, the
 *           kernel's floor: COUNT bare containers by two processes at once (bare.h)
 *   single  one task at a time, from accept to TASK_RUNNING at the framework; beside it what one
 *           commit of LMDB takes on the same disk, of which the path has at most two, and what one
 *           bare container takes
 *   steady  tasks a second when some are always on their way
 *
 * Needs root. JSON on stdout; prints the medians of ROUNDS.
 *
 *     tasks [COUNT] [ROUNDS] [SECONDS of steady]
 */
#include "bare.h"
#include "support.h"

#include <mesos/scheduler.h>

#include <errno.h>
#include <lmdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COUNT_DEFAULT = 1000,
    COUNT_LIMIT = 5000,
    ROUNDS_DEFAULT = 5,
    ROUNDS_LIMIT = 50,
    SECONDS_DEFAULT = 5,
    SECONDS_LIMIT = 600,
    SINGLE = 200,
    IN_FLIGHT = 100,
    OFFERS_LIMIT = 64,
    PATIENCE_MS = 30000,
    COMMITS = 100,
    COMMIT_BYTES = 600,
};
/* Room for COUNT_LIMIT tasks. */
#define AGENT_RESOURCES "cpus:1000;mem:1000000"
#define TASK_CPUS 0.1
#define TASK_MEM_MB 32
#define BUDGET_RATIO 3.0
#define BUDGET_RUNNING_US 3000
#define BUDGET_PER_SECOND 1500

struct bench {
    struct mesos_scheduler_driver *driver;
    struct bench_cluster cluster;
    Mesos__V1__Offer *offers[OFFERS_LIMIT];
    size_t offer_count;
    uint64_t launched, running, ended, failed;
    int64_t running_ns, ended_ns; /* of the last that did */
};

/* --- what the framework hears --- */

static void drop_offer(struct bench *bench, size_t index) {
    mesos_message_free(&bench->offers[index]->base);
    bench->offers[index] = bench->offers[--bench->offer_count];
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct bench *bench = user;
    (void)driver;
    for (size_t i = 0; i < count; i++) {
        if (bench->offer_count == OFFERS_LIMIT)
            bench_fail("offers", "too many at once");
        bench->offers[bench->offer_count++] = MESOS_COPY(offers[i]);
    }
}

static void on_rescinded(void *user, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__OfferID *id) {
    struct bench *bench = user;
    (void)driver;
    for (size_t i = 0; i < bench->offer_count; i++)
        if (strcmp(bench->offers[i]->id->value, id->value) == 0)
            drop_offer(bench, i);
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct bench *bench = user;
    (void)driver;
    if (status->state == MESOS__V1__TASK_STATE__TASK_STARTING)
        return;
    if (status->state == MESOS__V1__TASK_STATE__TASK_RUNNING) {
        bench->running++;
        bench->running_ns = bench_now_ns();
        return;
    }
    bench->ended++;
    bench->ended_ns = bench_now_ns();
    if (status->state != MESOS__V1__TASK_STATE__TASK_FINISHED && bench->failed++ == 0)
        fprintf(stderr, "tasks: %s did not finish: state %d: %s\n", status->task_id->value,
                (int)status->state, status->message != NULL ? status->message : "");
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    (void)user, (void)driver;
    bench_fail("the master says", message);
}

static void turn(struct bench *bench) {
    struct pollfd fd = {.fd = mesos_scheduler_driver_fd(bench->driver), .events = POLLIN};
    int64_t wait_ms =
        mesos_scheduler_driver_deadline_ms(bench->driver) - bench_now_ns() / 1000000 + 1;
    poll(&fd, 1, wait_ms < 0 ? 0 : wait_ms > 100 ? 100 : (int)wait_ms);
    mesos_scheduler_driver_process(bench->driver);
}

static void wait_ended(struct bench *bench) {
    int64_t patience_ns = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);
    while (bench->ended < bench->launched) {
        turn(bench);
        if (bench_now_ns() > patience_ns)
            bench_fail("tasks", "they do not end");
    }
}

/* --- what it launches --- */

/* Everything that a TaskInfo points to. */
struct task {
    char id_text[32];
    Mesos__V1__TaskID id;
    Mesos__V1__TaskInfo info;
};

struct task_parts {
    Mesos__V1__CommandInfo command;
    Mesos__V1__Value__Scalar values[2];
    Mesos__V1__Resource resources[2];
    Mesos__V1__Resource *list[2];
};

static void fill_parts(struct task_parts *parts) {
    static char *const names[] = {"cpus", "mem"};
    static const double amounts[] = {TASK_CPUS, TASK_MEM_MB};
    mesos__v1__command_info__init(&parts->command);
    parts->command.has_shell = true;
    parts->command.shell = false;
    parts->command.value = "/bin/true";
    for (int i = 0; i < 2; i++) {
        mesos__v1__value__scalar__init(&parts->values[i]);
        parts->values[i].value = amounts[i];
        mesos__v1__resource__init(&parts->resources[i]);
        parts->resources[i].name = names[i];
        parts->resources[i].type = MESOS__V1__VALUE__TYPE__SCALAR;
        parts->resources[i].scalar = &parts->values[i];
        parts->list[i] = &parts->resources[i];
    }
}

static void fill_task(struct bench *bench, struct task *task, struct task_parts *parts,
                      const Mesos__V1__Offer *offer) {
    snprintf(task->id_text, sizeof(task->id_text), "true-%06llu",
             (unsigned long long)bench->launched++);
    mesos__v1__task_id__init(&task->id);
    task->id.value = task->id_text;
    mesos__v1__task_info__init(&task->info);
    task->info.name = "true";
    task->info.task_id = &task->id;
    task->info.agent_id = offer->agent_id;
    task->info.command = &parts->command;
    task->info.resources = parts->list;
    task->info.n_resources = 2;
}

/* Takes all offers there are for `count` tasks; what is left over comes back at once. */
static void launch(struct bench *bench, size_t count) {
    static struct task tasks[COUNT_LIMIT];
    static const Mesos__V1__TaskInfo *list[COUNT_LIMIT];
    const Mesos__V1__OfferID *ids[OFFERS_LIMIT];
    struct task_parts parts;
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 0;
    fill_parts(&parts);
    for (size_t i = 0; i < count; i++) {
        fill_task(bench, &tasks[i], &parts, bench->offers[0]);
        list[i] = &tasks[i].info;
    }
    for (size_t i = 0; i < bench->offer_count; i++)
        ids[i] = bench->offers[i]->id;
    struct mesos_accept accept = {.size = sizeof(accept),
                                  .offer_ids = ids,
                                  .offer_count = bench->offer_count,
                                  .tasks = list,
                                  .task_count = count,
                                  .filters = &filters};
    mesos_scheduler_driver_accept_offers(bench->driver, &accept);
    while (bench->offer_count > 0)
        drop_offer(bench, 0);
}

/* How many tasks the offers at hand have room for. */
static size_t room(const struct bench *bench) {
    double cpus = 0;
    for (size_t i = 0; i < bench->offer_count; i++)
        for (size_t j = 0; j < bench->offers[i]->n_resources; j++)
            if (strcmp(bench->offers[i]->resources[j]->name, "cpus") == 0)
                cpus += bench->offers[i]->resources[j]->scalar->value;
    return (size_t)(cpus / TASK_CPUS);
}

static void wait_room(struct bench *bench, size_t count) {
    int64_t patience_ns = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);
    while (room(bench) < count) {
        turn(bench);
        if (bench_now_ns() > patience_ns)
            bench_fail("offers", "they do not come");
    }
}

/* --- the cluster --- */

static void start_framework(struct bench *bench) {
    char address[64];
    struct mesos_scheduler_callbacks callbacks = {
        .size = sizeof(callbacks),
        .user = bench,
        .resource_offers = on_offers,
        .offer_rescinded = on_rescinded,
        .status_update = on_update,
        .error = on_error,
    };
    Mesos__V1__FrameworkInfo framework = MESOS__V1__FRAMEWORK_INFO__INIT;
    framework.name = "bench";
    framework.user = "nobody";
    snprintf(address, sizeof(address), "127.0.0.1:%u", bench->cluster.master.port);
    struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = address, .framework = &framework};
    struct mesos_error error;
    bench->driver = mesos_scheduler_driver_new(&callbacks, &options, &error);
    if (bench->driver == NULL)
        bench_fail("driver", error.message);
    mesos_scheduler_driver_fd(bench->driver);
}

/* --- what is measured --- */

static int64_t many_us(struct bench *bench, size_t count) {
    wait_room(bench, count);
    int64_t begin_ns = bench_now_ns();
    launch(bench, count);
    wait_ended(bench);
    return (bench->ended_ns - begin_ns) / 1000;
}

static int64_t groups_gone_us(const struct bench *bench) {
    int64_t begin_ns = bench_now_ns();
    while (bench_cgroups_count(bench->cluster.root) > 0) {
        if (bench_now_ns() - begin_ns > PATIENCE_MS * INT64_C(1000000))
            bench_fail("cgroups", "they do not go");
        usleep(1000);
    }
    return (bench_now_ns() - begin_ns) / 1000;
}

static int64_t single_us(struct bench *bench, int64_t *p99_us) {
    static int64_t took_us[SINGLE];
    for (int i = 0; i < SINGLE; i++) {
        wait_room(bench, 1);
        int64_t begin_ns = bench_now_ns();
        launch(bench, 1);
        wait_ended(bench);
        took_us[i] = (bench->running_ns - begin_ns) / 1000;
    }
    *p99_us = bench_percentile(took_us, SINGLE, 99);
    return bench_percentile(took_us, SINGLE, 50);
}

static double steady_per_second(struct bench *bench, double seconds) {
    int64_t begin_ns = bench_now_ns();
    uint64_t before = bench->ended;
    while (bench_now_ns() - begin_ns < (int64_t)(seconds * 1e9)) {
        size_t free = IN_FLIGHT - (size_t)(bench->launched - bench->ended);
        if (free > 0 && room(bench) >= free)
            launch(bench, free);
        turn(bench);
    }
    double rate = (double)(bench->ended - before) / ((double)(bench_now_ns() - begin_ns) / 1e9);
    wait_ended(bench);
    return rate;
}

static void check_lmdb(int code, const char *what) {
    if (code != 0)
        bench_fail(what, mdb_strerror(code));
}

/* One durable commit of a small record, opened as our storage opens it, on a machine at rest as it
 * is for a single task: in a row they would take a third. */
static int64_t commit_us(const struct bench *bench) {
    char path[600], value[COMMIT_BYTES] = {0};
    int64_t took_us[COMMITS];
    MDB_env *env;
    MDB_dbi dbi = 0;
    snprintf(path, sizeof(path), "%s/lmdb", bench->cluster.directory);
    check_lmdb(mdb_env_create(&env), "lmdb");
    check_lmdb(mdb_env_set_mapsize(env, (size_t)1 << 30), "lmdb");
    check_lmdb(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMEMINIT, 0600), path);
    for (int i = 0; i < COMMITS; i++) {
        MDB_txn *txn;
        MDB_val key = {sizeof(i), &i}, data = {sizeof(value), value};
        usleep(BARE_PAUSE_US);
        int64_t begin_ns = bench_now_ns();
        check_lmdb(mdb_txn_begin(env, NULL, 0, &txn), "begin");
        if (i == 0)
            check_lmdb(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
        check_lmdb(mdb_put(txn, dbi, &key, &data, 0), "put");
        check_lmdb(mdb_txn_commit(txn), "commit");
        took_us[i] = (bench_now_ns() - begin_ns) / 1000;
    }
    mdb_env_close(env);
    return bench_percentile(took_us, COMMITS, 50);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)bench_number(argv[1], COUNT_LIMIT) : COUNT_DEFAULT;
    size_t rounds = argc > 2 ? (size_t)bench_number(argv[2], ROUNDS_LIMIT) : ROUNDS_DEFAULT;
    double seconds =
        argc > 3 ? (double)bench_number(argv[3], SECONDS_LIMIT) : (double)SECONDS_DEFAULT;
    int64_t ours_us[ROUNDS_LIMIT], floor_us[ROUNDS_LIMIT], gone_us[ROUNDS_LIMIT], p99_us;
    static struct bench bench;
    bench_cluster_start(&bench.cluster, AGENT_RESOURCES);
    start_framework(&bench);

    for (size_t i = 0; i < rounds; i++) {
        floor_us[i] = (int64_t)(bare_seconds(bench.cluster.root, BARE_WORKERS, (int)count) * 1e6);
        ours_us[i] = many_us(&bench, count);
        gone_us[i] = groups_gone_us(&bench);
    }
    int64_t commit = commit_us(&bench);
    int64_t bare_us = bare_one_us(bench.cluster.root, SINGLE / 2);
    int64_t running_us = single_us(&bench, &p99_us);
    double steady = steady_per_second(&bench, seconds);
    int64_t left_us = groups_gone_us(&bench);
    (void)left_us;
    mesos_scheduler_driver_stop(bench.driver, false);
    mesos_scheduler_driver_join(bench.driver);
    mesos_scheduler_driver_free(bench.driver);

    double ours = (double)bench_percentile(ours_us, rounds, 50) / 1e6;
    double floor = (double)bench_percentile(floor_us, rounds, 50) / 1e6;
    printf("{\"benchmark\": \"tasks\", \"cores\": %d, \"containers\": %zu, \"rounds\": %zu, "
           "\"many_s\": %.3f, \"many_floor_s\": %.3f, \"many_ratio\": %.2f, "
           "\"many_budget_ratio\": %.1f, \"cgroups_gone_after_s\": %.3f, \"commit_p50_us\": %lld, "
           "\"bare_one_p50_us\": %lld, \"running_p50_us\": %lld, \"running_p99_us\": %lld, "
           "\"running_budget_us\": %lld, "
           "\"steady_per_s\": %.0f, \"steady_budget_per_s\": %d, \"failed\": %llu}\n",
           bench_cores(), count, rounds, ours, floor, ours / floor, BUDGET_RATIO,
           (double)bench_percentile(gone_us, rounds, 50) / 1e6, (long long)commit,
           (long long)bare_us, (long long)running_us, (long long)p99_us,
           (long long)(BUDGET_RUNNING_US + 2 * commit), steady, BUDGET_PER_SECOND,
           (unsigned long long)bench.failed);
    return bench.failed == 0 ? 0 : 1;
}
