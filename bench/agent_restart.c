/*
 * How long is an agent away that is killed and started again? A master and an agent of this build,
 * COUNT sleeping tasks in a container each; kill -9 of the agent, and the same command again:
 *
 *   serving     until its port answers
 *   registered  until the master has the agent back, which is when the agent has found every one of
 *               its containers; it is asked how many tasks run then, and all must
 *
 * Needs root. JSON on stdout; the medians and the worst of ROUNDS, from the start of the new
 * process.
 *
 *     agent_restart [COUNT] [ROUNDS]
 */
#include "support.h"

#include <mesos/scheduler.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COUNT_DEFAULT = 500,
    COUNT_LIMIT = 5000,
    ROUNDS_DEFAULT = 7,
    ROUNDS_LIMIT = 100,
    PATIENCE_MS = 120000,
    ANSWER_BYTES = 16384,
    BUDGET_MS = 1000,
};
#define AGENT_RESOURCES "cpus:1000;mem:1000000"
#define TASK_CPUS 0.01
#define TASK_MEM_MB 16

struct bench {
    struct mesos_scheduler_driver *driver;
    struct bench_cluster cluster;
    size_t count, launched, running, ended;
};

/* --- the tasks --- */

struct task {
    char id_text[32];
    Mesos__V1__TaskID id;
    Mesos__V1__TaskInfo info;
};

static struct task_parts {
    Mesos__V1__CommandInfo command;
    Mesos__V1__Value__Scalar values[2];
    Mesos__V1__Resource resources[2];
    Mesos__V1__Resource *list[2];
} parts;

static void fill_parts(void) {
    static char *const names[] = {"cpus", "mem"};
    static const double amounts[] = {TASK_CPUS, TASK_MEM_MB};
    mesos__v1__command_info__init(&parts.command);
    parts.command.value = "exec sleep 1000000";
    for (int i = 0; i < 2; i++) {
        mesos__v1__value__scalar__init(&parts.values[i]);
        parts.values[i].value = amounts[i];
        mesos__v1__resource__init(&parts.resources[i]);
        parts.resources[i].name = names[i];
        parts.resources[i].type = MESOS__V1__VALUE__TYPE__SCALAR;
        parts.resources[i].scalar = &parts.values[i];
        parts.list[i] = &parts.resources[i];
    }
}

static void fill_task(struct task *task, size_t number, const Mesos__V1__Offer *offer) {
    snprintf(task->id_text, sizeof(task->id_text), "sleep-%05zu", number);
    mesos__v1__task_id__init(&task->id);
    task->id.value = task->id_text;
    mesos__v1__task_info__init(&task->info);
    task->info.name = "sleep";
    task->info.task_id = &task->id;
    task->info.agent_id = offer->agent_id;
    task->info.command = &parts.command;
    task->info.resources = parts.list;
    task->info.n_resources = 2;
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    static struct task tasks[COUNT_LIMIT];
    static const Mesos__V1__TaskInfo *list[COUNT_LIMIT];
    struct bench *bench = user;
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    size_t from = 0;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 3600;
    for (size_t i = 0; i < bench->count && bench->launched == 0; i++) {
        fill_task(&tasks[i], i, offers[0]);
        list[i] = &tasks[i].info;
    }
    if (bench->launched == 0) {
        bench->launched = bench->count;
        mesos_scheduler_driver_launch_tasks(driver, offers[0]->id, list, bench->count, &filters);
        from = 1;
    }
    for (size_t i = from; i < count; i++)
        mesos_scheduler_driver_decline_offer(driver, offers[i]->id, &filters);
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct bench *bench = user;
    (void)driver;
    bench->running += status->state == MESOS__V1__TASK_STATE__TASK_RUNNING;
    if (status->state == MESOS__V1__TASK_STATE__TASK_RUNNING ||
        status->state == MESOS__V1__TASK_STATE__TASK_STARTING)
        return;
    fprintf(stderr, "agent_restart: %s: state %d: %s\n", status->task_id->value, (int)status->state,
            status->message != NULL ? status->message : "");
    bench_fail("tasks", "one has ended");
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    (void)user, (void)driver;
    bench_fail("the master says", message);
}

static void start_framework(struct bench *bench) {
    char address[64];
    struct mesos_scheduler_callbacks callbacks = {.size = sizeof(callbacks),
                                                  .user = bench,
                                                  .resource_offers = on_offers,
                                                  .status_update = on_update,
                                                  .error = on_error};
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
}

static void turn(struct bench *bench, int limit_ms) {
    struct pollfd fd = {.fd = mesos_scheduler_driver_fd(bench->driver), .events = POLLIN};
    poll(&fd, 1, limit_ms);
    mesos_scheduler_driver_process(bench->driver);
}

static void run_tasks(struct bench *bench) {
    int64_t patience_ns = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);
    fill_parts();
    start_framework(bench);
    while (bench->running < bench->count) {
        turn(bench, 10);
        if (bench_now_ns() > patience_ns)
            bench_fail("tasks", "they do not start");
    }
}

/* --- the agent --- */

/* What the agent wrote behind the first `from` bytes of its log. */
static bool log_has(const struct bench *bench, long from, const char *part) {
    static char text[ANSWER_BYTES];
    FILE *file = fopen(bench->cluster.agent.log, "re");
    if (file == NULL)
        return false;
    fseek(file, from, SEEK_SET);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return strstr(text, part) != NULL;
}

static long log_size(const struct bench *bench) {
    struct stat info;
    return stat(bench->cluster.agent.log, &info) == 0 ? (long)info.st_size : 0;
}

/* Of /metrics/snapshot; -1: it does not say. */
static double metric(const struct bench *bench, const char *name) {
    static const char request[] =
        "GET /metrics/snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static char answer[ANSWER_BYTES];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(bench->cluster.agent.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t size = 0;
    ssize_t got = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(fd, request, sizeof(request) - 1) < 0)
        bench_fail("metrics", "the agent does not answer");
    while (got > 0 && size < sizeof(answer) - 1) {
        got = read(fd, answer + size, sizeof(answer) - 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    answer[size] = '\0';
    const char *at = strstr(answer, name);
    return at != NULL ? strtod(at + strlen(name) + 2, NULL) : -1;
}

struct round {
    int64_t serving_us, registered_us;
};

static struct round restart(struct bench *bench) {
    struct round round;
    long before = log_size(bench);
    int64_t begin_ns = bench_now_ns();
    bench_cluster_restart_agent(&bench->cluster);
    round.serving_us = (bench_now_ns() - begin_ns) / 1000;
    while (!log_has(bench, before, " registered ")) {
        if (bench_now_ns() - begin_ns > PATIENCE_MS * INT64_C(1000000))
            bench_fail("agent", "it does not come back");
        usleep(500);
    }
    round.registered_us = (bench_now_ns() - begin_ns) / 1000;
    if ((size_t)metric(bench, "slave/tasks_running") != bench->count)
        bench_fail("tasks", "not every one is back");
    turn(bench, 0);
    return round;
}

static void end_tasks(struct bench *bench) {
    int64_t patience_ns = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);
    mesos_scheduler_driver_stop(bench->driver, false);
    mesos_scheduler_driver_free(bench->driver);
    while (metric(bench, "slave/tasks_running") + metric(bench, "slave/tasks_killing") > 0) {
        if (bench_now_ns() > patience_ns)
            bench_fail("tasks", "they do not end");
        usleep(10000);
    }
}

int main(int argc, char **argv) {
    static int64_t serving_us[ROUNDS_LIMIT], registered_us[ROUNDS_LIMIT];
    struct bench bench = {.count = COUNT_DEFAULT};
    size_t rounds = argc > 2 ? (size_t)bench_number(argv[2], ROUNDS_LIMIT) : ROUNDS_DEFAULT;
    if (argc > 1)
        bench.count = (size_t)bench_number(argv[1], COUNT_LIMIT);
    bench_cluster_start(&bench.cluster, AGENT_RESOURCES);
    run_tasks(&bench);
    for (size_t i = 0; i < rounds; i++) {
        struct round round = restart(&bench);
        serving_us[i] = round.serving_us;
        registered_us[i] = round.registered_us;
    }
    end_tasks(&bench);
    bench_cluster_stop(&bench.cluster);

    int64_t worst_us = bench_percentile(registered_us, rounds, 100);
    printf("{\"tasks\": %zu, \"rounds\": %zu, \"serving_ms\": %.1f, \"registered_ms\": %.1f, "
           "\"worst_ms\": %.1f, \"budget_ms\": %d, \"ok\": %s}\n",
           bench.count, rounds, (double)bench_percentile(serving_us, rounds, 50) / 1000,
           (double)bench_percentile(registered_us, rounds, 50) / 1000, (double)worst_us / 1000,
           BUDGET_MS, worst_us <= BUDGET_MS * INT64_C(1000) ? "true" : "false");
    return 0;
}
