/*
 * A framework for tests of failures, as its author should write one: partition-aware, asks for its
 * tasks after every return and every few seconds, launches anew what is lost for good, and ends
 * when each item has finished. What it hears it prints, a line each.
 *
 *   ha_scheduler MASTER NAME ITEMS COMMAND [FAILOVER_S [ID]]
 *
 * ITEMS 0: it goes on until it is ended. FAILOVER_S "-": not said. Exit codes: 0 all done; 3 the
 * master will not have it.
 */
#include <mesos/scheduler.h>

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITEMS_LIMIT = 10000, LAUNCH_LIMIT = 64, RECONCILE_MS = 3000, ID_SIZE = 64 };

struct item {
    unsigned attempt;
    bool is_launched, is_done;
    Mesos__V1__TaskState last;
    char id[ID_SIZE]; /* of the attempt that counts: ITEM.ATTEMPT */
};

struct job {
    struct mesos_scheduler_driver *driver;
    struct item items[ITEMS_LIMIT];
    size_t count, done;
    const char *command;
    int exit_code;
    bool is_over, asks_now;
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void end(struct job *job, int exit_code) {
    job->exit_code = exit_code;
    job->is_over = true;
}

/* --- launching --- */

struct parts { /* everything one TaskInfo points to */
    Mesos__V1__TaskID id;
    Mesos__V1__CommandInfo command;
    Mesos__V1__Value__Scalar amounts[2];
    Mesos__V1__Resource resources[2], *list[2];
    Mesos__V1__Environment environment;
    Mesos__V1__Environment__Variable variable, *variables[1];
    Mesos__V1__TaskInfo info;
    char number[16];
};

static const double task_cpus = 0.1, task_mem = 16;

static void set_resource(struct parts *parts, int which, char *name, double amount) {
    mesos__v1__value__scalar__init(&parts->amounts[which]);
    parts->amounts[which].value = amount;
    mesos__v1__resource__init(&parts->resources[which]);
    parts->resources[which].name = name;
    parts->resources[which].type = MESOS__V1__VALUE__TYPE__SCALAR;
    parts->resources[which].scalar = &parts->amounts[which];
    parts->list[which] = &parts->resources[which];
}

/* The command finds its item's number in ITEM. */
static void set_command(struct parts *parts, const struct job *job, const struct item *item) {
    mesos__v1__command_info__init(&parts->command);
    mesos__v1__environment__init(&parts->environment);
    mesos__v1__environment__variable__init(&parts->variable);
    snprintf(parts->number, sizeof(parts->number), "%zu", (size_t)(item - job->items));
    parts->variable.name = "ITEM";
    parts->variable.value = parts->number;
    parts->variables[0] = &parts->variable;
    parts->environment.variables = parts->variables;
    parts->environment.n_variables = 1;
    parts->command.value = (char *)job->command;
    parts->command.environment = &parts->environment;
}

static void set_info(struct parts *parts, struct job *job, struct item *item,
                     Mesos__V1__AgentID *agent) {
    *parts = (struct parts){0};
    snprintf(item->id, sizeof(item->id), "%zu.%u", (size_t)(item - job->items), item->attempt);
    mesos__v1__task_id__init(&parts->id);
    parts->id.value = item->id;
    set_command(parts, job, item);
    set_resource(parts, 0, "cpus", task_cpus);
    set_resource(parts, 1, "mem", task_mem);
    mesos__v1__task_info__init(&parts->info);
    parts->info.name = "item";
    parts->info.task_id = &parts->id;
    parts->info.agent_id = agent;
    parts->info.command = &parts->command;
    parts->info.resources = parts->list;
    parts->info.n_resources = 2;
    item->is_launched = true;
    item->last = MESOS__V1__TASK_STATE__TASK_STAGING;
}

static double amount_in(const Mesos__V1__Offer *offer, const char *name) {
    double sum = 0;
    for (size_t i = 0; i < offer->n_resources; i++)
        if (strcmp(offer->resources[i]->name, name) == 0 && offer->resources[i]->scalar != NULL)
            sum += offer->resources[i]->scalar->value;
    return sum + 0.0001;
}

static void use_offer(struct job *job, const Mesos__V1__Offer *offer) {
    static struct parts parts[LAUNCH_LIMIT];
    const Mesos__V1__TaskInfo *list[LAUNCH_LIMIT];
    double cpus = amount_in(offer, "cpus"), mem = amount_in(offer, "mem");
    size_t count = 0;
    for (size_t i = 0; i < job->count && count < LAUNCH_LIMIT; i++) {
        if (job->items[i].is_launched || cpus < task_cpus || mem < task_mem)
            continue;
        cpus -= task_cpus;
        mem -= task_mem;
        set_info(&parts[count], job, &job->items[i], offer->agent_id);
        list[count] = &parts[count].info;
        count++;
    }
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 0.2;
    mesos_scheduler_driver_launch_tasks(job->driver, offer->id, list, count, &filters);
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    (void)driver;
    say("offers %zu", count);
    for (size_t i = 0; i < count; i++)
        use_offer(user, offers[i]);
}

/* --- what became of it --- */

static const char *state_name(Mesos__V1__TaskState state) {
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&mesos__v1__task_state__descriptor, (int)state);
    return value != NULL ? value->name : "?";
}

enum fate { FATE_OPEN, FATE_DONE, FATE_LOST };

static enum fate fate_of(Mesos__V1__TaskState state) {
    static const Mesos__V1__TaskState open[] = {
        MESOS__V1__TASK_STATE__TASK_STAGING, MESOS__V1__TASK_STATE__TASK_STARTING,
        MESOS__V1__TASK_STATE__TASK_RUNNING, MESOS__V1__TASK_STATE__TASK_KILLING,
        MESOS__V1__TASK_STATE__TASK_UNREACHABLE};
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        if (state == open[i])
            return FATE_OPEN;
    return state == MESOS__V1__TASK_STATE__TASK_FINISHED ? FATE_DONE : FATE_LOST;
}

static struct item *item_of(struct job *job, const char *id) {
    size_t number = strtoul(id, NULL, 10);
    return number < job->count && strcmp(job->items[number].id, id) == 0 ? &job->items[number]
                                                                         : NULL;
}

static void judge(struct job *job, struct item *item, Mesos__V1__TaskState state) {
    enum fate fate = fate_of(state);
    if (item->is_done) {
        if (state != MESOS__V1__TASK_STATE__TASK_FINISHED)
            say("after its end %s is %s", item->id, state_name(state));
        return;
    }
    if (fate == FATE_DONE) {
        item->is_done = true;
        job->done++;
    } else if (fate == FATE_LOST) {
        item->attempt++;
        item->is_launched = false;
        item->id[0] = '\0';
    }
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct job *job = user;
    struct item *item = item_of(job, status->task_id->value);
    (void)driver;
    if (item == NULL || item->last != status->state)
        say("status %s %s %s%s%s", status->task_id->value, state_name(status->state),
            status->has_uuid ? "uuid" : "-", status->message != NULL ? " " : "",
            status->message != NULL ? status->message : "");
    if (item == NULL)
        return;
    item->last = status->state;
    judge(job, item, status->state);
    if (job->done == job->count && job->count > 0)
        end(job, 0);
}

static void reconcile(struct job *job) {
    static Mesos__V1__TaskStatus statuses[ITEMS_LIMIT];
    static Mesos__V1__TaskID ids[ITEMS_LIMIT];
    static const Mesos__V1__TaskStatus *list[ITEMS_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++) {
        if (!job->items[i].is_launched || job->items[i].is_done)
            continue;
        mesos__v1__task_status__init(&statuses[count]);
        mesos__v1__task_id__init(&ids[count]);
        ids[count].value = job->items[i].id;
        statuses[count].task_id = &ids[count];
        list[count] = &statuses[count];
        count++;
    }
    if (count > 0)
        mesos_scheduler_driver_reconcile_tasks(job->driver, list, count);
}

/* --- connections --- */

static void on_registered(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    (void)user, (void)driver, (void)master;
    say("registered %s", id->value);
}

static void on_reregistered(void *user, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    struct job *job = user;
    (void)driver, (void)master;
    say("reregistered");
    job->asks_now = true;
}

static void on_disconnected(void *user, struct mesos_scheduler_driver *driver) {
    (void)user, (void)driver;
    say("disconnected");
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    (void)driver;
    say("error %s", message);
    end(user, 3);
}

static struct mesos_scheduler_driver *make_driver(struct job *job, char **argv, int argc) {
    static const struct mesos_scheduler_callbacks callbacks = {.size = sizeof(callbacks),
                                                               .registered = on_registered,
                                                               .reregistered = on_reregistered,
                                                               .disconnected = on_disconnected,
                                                               .resource_offers = on_offers,
                                                               .status_update = on_update,
                                                               .error = on_error};
    struct mesos_scheduler_callbacks ours = callbacks;
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    Mesos__V1__FrameworkInfo__Capability aware = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__INIT;
    Mesos__V1__FrameworkInfo__Capability *capabilities[] = {&aware};
    ours.user = job;
    aware.has_type = true;
    aware.type = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    info.name = argv[2];
    info.user = "root";
    info.has_checkpoint = info.checkpoint = true;
    info.capabilities = capabilities;
    info.n_capabilities = 1;
    if (argc > 5 && strcmp(argv[5], "-") != 0) {
        info.has_failover_timeout = true;
        info.failover_timeout = strtod(argv[5], NULL);
    }
    id.value = argc > 6 ? argv[6] : NULL;
    info.id = argc > 6 ? &id : NULL;
    struct mesos_scheduler_options options = {
        .size = sizeof(options), .master = argv[1], .framework = &info};
    struct mesos_error error;
    struct mesos_scheduler_driver *driver = mesos_scheduler_driver_new(&ours, &options, &error);
    if (driver == NULL)
        say("no driver: %s", error.message);
    return driver;
}

/* The driver runs in this thread's own loop, beside the clock. */
static void run(struct job *job) {
    struct pollfd ready = {.fd = mesos_scheduler_driver_fd(job->driver), .events = POLLIN};
    int64_t next = now_ms() + RECONCILE_MS;
    while (!job->is_over) {
        int64_t due = mesos_scheduler_driver_deadline_ms(job->driver), now = now_ms();
        due = due < next ? due : next;
        poll(&ready, 1, due > now ? (int)(due - now) : 0);
        mesos_scheduler_driver_process(job->driver);
        if (job->asks_now || now_ms() >= next) {
            reconcile(job);
            next = now_ms() + RECONCILE_MS;
            job->asks_now = false;
        }
    }
}

int main(int argc, char **argv) {
    static struct job job;
    if (argc < 5 || (job.count = strtoul(argv[3], NULL, 10)) > ITEMS_LIMIT) {
        fprintf(stderr, "usage: ha_scheduler MASTER NAME ITEMS COMMAND [FAILOVER_S [ID]]\n");
        return 2;
    }
    job.command = argv[4];
    job.driver = make_driver(&job, argv, argc);
    if (job.driver == NULL)
        return 2;
    run(&job);
    if (job.exit_code == 0)
        mesos_scheduler_driver_stop(job.driver, false);
    mesos_scheduler_driver_join(job.driver);
    mesos_scheduler_driver_free(job.driver);
    say("end %d", job.exit_code);
    return job.exit_code;
}
