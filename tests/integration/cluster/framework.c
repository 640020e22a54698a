#include "tests/integration/cluster/framework.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void lock(struct framework *framework) {
    pthread_mutex_lock(&framework->mutex);
}

static void unlock(struct framework *framework) {
    pthread_cond_broadcast(&framework->changed);
    pthread_mutex_unlock(&framework->mutex);
}

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from) != NULL ? (from) : "")

/* --- launching --- */

struct parts { /* everything one TaskInfo points to */
    Mesos__V1__TaskID id;
    Mesos__V1__CommandInfo command;
    Mesos__V1__ExecutorID executor_id;
    Mesos__V1__ExecutorInfo executor;
    Mesos__V1__Value__Scalar amounts[2];
    Mesos__V1__Resource resources[2];
    Mesos__V1__Resource *list[2];
    Mesos__V1__DurationInfo duration;
    Mesos__V1__Label label, *label_list[1];
    Mesos__V1__Labels labels;
    Mesos__V1__TaskInfo info;
};

static void set_resource(struct parts *parts, int which, char *name, double amount) {
    mesos__v1__value__scalar__init(&parts->amounts[which]);
    parts->amounts[which].value = amount;
    mesos__v1__resource__init(&parts->resources[which]);
    parts->resources[which].name = name;
    parts->resources[which].type = MESOS__V1__VALUE__TYPE__SCALAR;
    parts->resources[which].scalar = &parts->amounts[which];
    parts->list[which] = &parts->resources[which];
}

static int cpus_of(const struct wish *wish) {
    return wish->cpus_milli > 0 ? wish->cpus_milli : 10;
}

static int mem_of(const struct wish *wish) {
    if (wish->mem_mb > 0)
        return wish->mem_mb;
    return wish->executor != NULL ? 256 : 1; /* a sanitizer in it needs room */
}

static void set_command(struct parts *parts, const struct wish *wish) {
    mesos__v1__command_info__init(&parts->command);
    parts->command.value = (char *)(wish->executor != NULL ? wish->executor : wish->command);
    parts->command.user = (char *)wish->user;
    if (wish->arguments == NULL)
        return;
    parts->command.has_shell = true;
    parts->command.shell = false;
    parts->command.arguments = (char **)wish->arguments;
    while (wish->arguments[parts->command.n_arguments] != NULL)
        parts->command.n_arguments++;
}

static void set_info(struct parts *parts, const struct wish *wish, Mesos__V1__AgentID *agent) {
    *parts = (struct parts){0};
    mesos__v1__task_id__init(&parts->id);
    parts->id.value = (char *)wish->id;
    set_command(parts, wish);
    set_resource(parts, 0, "cpus", cpus_of(wish) / 1000.0);
    set_resource(parts, 1, "mem", mem_of(wish));
    mesos__v1__task_info__init(&parts->info);
    parts->info.name = "test";
    parts->info.task_id = &parts->id;
    parts->info.agent_id = agent;
    parts->info.resources = parts->list;
    parts->info.n_resources = 2;
    if (wish->max_completion_ms > 0) {
        mesos__v1__duration_info__init(&parts->duration);
        parts->duration.nanoseconds = wish->max_completion_ms * 1000000;
        parts->info.max_completion_time = &parts->duration;
    }
    if (wish->stop_after != NULL) {
        mesos__v1__label__init(&parts->label);
        mesos__v1__labels__init(&parts->labels);
        parts->label.key = "mesos.partition.stop_after";
        parts->label.value = (char *)wish->stop_after;
        parts->label_list[0] = &parts->label;
        parts->labels.labels = parts->label_list;
        parts->labels.n_labels = 1;
        parts->info.labels = &parts->labels;
    }
    if (wish->executor == NULL) {
        parts->info.command = &parts->command;
        return;
    }
    mesos__v1__executor_id__init(&parts->executor_id);
    parts->executor_id.value = (char *)wish->id;
    mesos__v1__executor_info__init(&parts->executor);
    parts->executor.executor_id = &parts->executor_id;
    parts->executor.command = &parts->command;
    parts->info.executor = &parts->executor;
}

static long available(const Mesos__V1__Offer *offer, const char *name) {
    double sum = 0;
    for (size_t i = 0; i < offer->n_resources; i++) {
        if (strcmp(offer->resources[i]->name, name) == 0 && offer->resources[i]->scalar != NULL)
            sum += offer->resources[i]->scalar->value;
    }
    return (long)(sum * 1000 + 0.5);
}

static void use_offer(struct framework *framework, const Mesos__V1__Offer *offer) {
    static struct parts parts[TASKS_LIMIT];
    static const Mesos__V1__TaskInfo *list[TASKS_LIMIT];
    long cpus = available(offer, "cpus"), mem = available(offer, "mem") / 1000;
    size_t count = 0;
    while (framework->launched < framework->wished) {
        const struct wish *wish = &framework->wishes[framework->launched];
        if (cpus < cpus_of(wish) || mem < mem_of(wish) ||
            (wish->agent != NULL && strcmp(wish->agent, offer->agent_id->value) != 0))
            break;
        cpus -= cpus_of(wish);
        mem -= mem_of(wish);
        set_info(&parts[count], wish, offer->agent_id);
        list[count] = &parts[count].info;
        count++;
        framework->launched++;
    }
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = framework->launched < framework->wished ? 0.1 : 3600;
    if (count > 0)
        mesos_scheduler_driver_launch_tasks(framework->driver, offer->id, list, count, &filters);
    else
        mesos_scheduler_driver_decline_offer(framework->driver, offer->id, &filters);
}

void framework_launch(struct framework *framework, struct wish wish) {
    lock(framework);
    assert_true(framework->wished < TASKS_LIMIT);
    char *id = framework->wish_ids[framework->wished];
    snprintf(id, sizeof(framework->wish_ids[0]), "%s", wish.id);
    wish.id = id;
    framework->wishes[framework->wished++] = wish;
    unlock(framework);
    mesos_scheduler_driver_revive_offers(framework->driver, NULL, 0);
}

/* --- callbacks --- */

static void on_registered(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *id, const Mesos__V1__MasterInfo *master) {
    struct framework *framework = user;
    (void)driver, (void)master;
    lock(framework);
    COPY(framework->id, id->value);
    framework->registered++;
    unlock(framework);
}

static void on_reregistered(void *user, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    struct framework *framework = user;
    (void)driver, (void)master;
    lock(framework);
    framework->reregistered++;
    unlock(framework);
}

static void on_disconnected(void *user, struct mesos_scheduler_driver *driver) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    framework->disconnected++;
    unlock(framework);
}

static void on_offers(void *user, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    for (size_t i = 0; i < count; i++) {
        if (!framework->holds_offers) {
            use_offer(framework, offers[i]);
        } else if (framework->offer_count < OFFERS_LIMIT) {
            struct held_offer *held = &framework->offers[framework->offer_count++];
            COPY(held->id, offers[i]->id->value);
            COPY(held->agent, offers[i]->agent_id->value);
            if (offers[i]->unavailability != NULL)
                held->away_ns = offers[i]->unavailability->start->nanoseconds;
        }
    }
    unlock(framework);
}

static void on_inverse_offers(void *user, struct mesos_scheduler_driver *driver,
                              Mesos__V1__InverseOffer *const *offers, size_t count) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    for (size_t i = 0; i < count; i++) {
        COPY(framework->inverse.id, offers[i]->id->value);
        COPY(framework->inverse.agent, offers[i]->agent_id->value);
        framework->inverse.away_ns = offers[i]->unavailability->start->nanoseconds;
        framework->inverse_offers++;
    }
    unlock(framework);
}

static void on_inverse_rescinded(void *user, struct mesos_scheduler_driver *driver,
                                 const Mesos__V1__OfferID *id) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    framework->inverse_rescinds += strcmp(framework->inverse.id, id->value) == 0;
    unlock(framework);
}

void framework_answer_inverse(struct framework *framework, bool accepts) {
    Mesos__V1__OfferID id = MESOS__V1__OFFER_ID__INIT;
    const Mesos__V1__OfferID *ids[] = {&id};
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    char value[128];
    lock(framework);
    COPY(value, framework->inverse.id);
    unlock(framework);
    id.value = value;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 3600;
    if (accepts)
        mesos_scheduler_driver_accept_inverse_offers(framework->driver, ids, 1, &filters);
    else
        mesos_scheduler_driver_decline_inverse_offers(framework->driver, ids, 1, &filters);
}

static void on_rescinded(void *user, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__OfferID *id) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    framework->rescinds++;
    for (size_t i = 0; i < framework->offer_count; i++) {
        if (strcmp(framework->offers[i].id, id->value) == 0)
            framework->offers[i].rescinded = true;
    }
    unlock(framework);
}

static void describe_end(struct note *note, const Mesos__V1__Termination *end) {
    note->exit_code = note->signal_number = -1;
    if (end == NULL)
        return;
    note->exit_code = end->has_exit_code ? end->exit_code : -1;
    note->signal_number = end->has_signal ? end->signal : -1;
    note->oom = end->has_oom && end->oom;
    note->peak_bytes = end->has_peak_memory_bytes ? end->peak_memory_bytes : 0;
}

static void on_update(void *user, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct framework *framework = user;
    lock(framework);
    assert_true(framework->note_count < NOTES_LIMIT);
    struct note *note = &framework->notes[framework->note_count++];
    COPY(note->task, status->task_id->value);
    COPY(note->message, status->message);
    note->state = status->state;
    note->reason = status->has_reason ? (int)status->reason : -1;
    note->source = status->has_source ? (int)status->source : -1;
    note->has_uuid = status->has_uuid;
    describe_end(note, status->termination);
    bool say = framework->is_explicit && !framework->keeps_acknowledgements;
    unlock(framework);
    if (say)
        mesos_scheduler_driver_acknowledge_status_update(driver, status);
}

static void on_agent_lost(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__AgentID *agent_id) {
    struct framework *framework = user;
    (void)driver, (void)agent_id;
    lock(framework);
    framework->agents_lost++;
    unlock(framework);
}

static void on_executor_lost(void *user, struct mesos_scheduler_driver *driver,
                             const Mesos__V1__ExecutorID *executor_id,
                             const Mesos__V1__AgentID *agent_id, int status) {
    struct framework *framework = user;
    (void)driver, (void)agent_id, (void)executor_id, (void)status;
    lock(framework);
    framework->executors_lost++;
    unlock(framework);
}

static void on_error(void *user, struct mesos_scheduler_driver *driver, const char *message) {
    struct framework *framework = user;
    (void)driver;
    lock(framework);
    COPY(framework->error, message);
    framework->errors++;
    unlock(framework);
}

/* --- life --- */

static const struct mesos_scheduler_callbacks callbacks = {
    .size = sizeof(callbacks),
    .registered = on_registered,
    .reregistered = on_reregistered,
    .disconnected = on_disconnected,
    .resource_offers = on_offers,
    .offer_rescinded = on_rescinded,
    .inverse_offers = on_inverse_offers,
    .inverse_offer_rescinded = on_inverse_rescinded,
    .status_update = on_update,
    .agent_lost = on_agent_lost,
    .executor_lost = on_executor_lost,
    .error = on_error,
};

static struct mesos_scheduler_driver *make_driver(struct framework *framework,
                                                  struct framework_options options) {
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    Mesos__V1__FrameworkInfo__Capability aware = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__INIT;
    Mesos__V1__FrameworkInfo__Capability *capabilities[] = {&aware};
    struct mesos_scheduler_callbacks ours = callbacks;
    struct mesos_error error;
    ours.user = framework;
    id.value = (char *)options.id;
    aware.has_type = true;
    aware.type = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    info.name = "test";
    info.user = "root";
    info.id = options.id != NULL ? &id : NULL;
    info.has_failover_timeout = true;
    info.failover_timeout = options.failover_timeout_s;
    info.has_checkpoint = true;
    info.checkpoint = true;
    if (!options.is_unaware) {
        info.capabilities = capabilities;
        info.n_capabilities = 1;
    }
    struct mesos_scheduler_options driver_options = {.size = sizeof(driver_options),
                                                     .master = framework->cluster->master_address,
                                                     .framework = &info,
                                                     .explicit_acknowledgements =
                                                         options.is_explicit};
    struct mesos_scheduler_driver *driver =
        mesos_scheduler_driver_new(&ours, &driver_options, &error);
    if (driver == NULL)
        fail_msg("no driver: %s", error.message);
    return driver;
}

struct framework *framework_new(struct cluster *cluster, struct framework_options options) {
    struct framework *framework = calloc(1, sizeof(*framework));
    framework->notes = calloc(NOTES_LIMIT, sizeof(*framework->notes));
    framework->cluster = cluster;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&framework->mutex, NULL);
    pthread_cond_init(&framework->changed, &clock);
    pthread_condattr_destroy(&clock);
    framework->is_explicit = options.is_explicit;
    framework->holds_offers = options.holds_offers;
    framework->keeps_acknowledgements = options.keeps_acknowledgements;
    framework->driver = make_driver(framework, options);
    mesos_scheduler_driver_start(framework->driver);
    framework_wait_count(framework, &framework->registered, 1);
    return framework;
}

static void destroy(struct framework *framework) {
    mesos_scheduler_driver_free(framework->driver);
    pthread_cond_destroy(&framework->changed);
    pthread_mutex_destroy(&framework->mutex);
    free(framework->notes);
    free(framework);
}

void framework_free(struct framework *framework) {
    mesos_scheduler_driver_stop(framework->driver, false);
    mesos_scheduler_driver_join(framework->driver);
    destroy(framework);
}

void framework_leave(struct framework *framework) {
    mesos_scheduler_driver_stop(framework->driver, true);
    mesos_scheduler_driver_join(framework->driver);
    destroy(framework);
}

void framework_abort(struct framework *framework) {
    mesos_scheduler_driver_abort(framework->driver);
    mesos_scheduler_driver_join(framework->driver);
    destroy(framework);
}

struct framework *framework_begin(struct cluster *cluster, struct framework_options options) {
    cluster_open(cluster);
    cluster_start(cluster);
    return framework_new(cluster, options);
}

void framework_end(struct framework *framework) {
    struct cluster *cluster = framework->cluster;
    framework_free(framework);
    cluster_close(cluster);
}

/* --- waiting --- */

static struct timespec deadline(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += WAIT_MS / 1000;
    return at;
}

static const char *state_name(Mesos__V1__TaskState state) {
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&mesos__v1__task_state__descriptor, (int)state);
    return value != NULL ? value->name : "?";
}

static void give_up(struct framework *framework, const char *what) {
    size_t from = framework->note_count > 100 ? framework->note_count - 100 : 0;
    for (size_t i = from; i < framework->note_count; i++)
        print_error("%s %s reason %d: %s\n", framework->notes[i].task,
                    state_name(framework->notes[i].state), framework->notes[i].reason,
                    framework->notes[i].message);
    print_error("error: %s\n", framework->error);
    pthread_mutex_unlock(&framework->mutex);
    cluster_fail(framework->cluster, "waited in vain for %s", what);
}

struct note framework_wait_from(struct framework *framework, const char *task,
                                Mesos__V1__TaskState state, size_t from_note) {
    struct timespec until = deadline();
    char what[160];
    snprintf(what, sizeof(what), "%s of %s", state_name(state), task);
    pthread_mutex_lock(&framework->mutex);
    for (size_t i = from_note;;) {
        for (; i < framework->note_count; i++) {
            if (framework->notes[i].state != state || strcmp(framework->notes[i].task, task) != 0)
                continue;
            struct note found = framework->notes[i];
            pthread_mutex_unlock(&framework->mutex);
            return found;
        }
        if (pthread_cond_timedwait(&framework->changed, &framework->mutex, &until) != 0)
            give_up(framework, what);
    }
}

struct note framework_wait(struct framework *framework, const char *task,
                           Mesos__V1__TaskState state) {
    return framework_wait_from(framework, task, state, 0);
}

size_t framework_notes(struct framework *framework) {
    pthread_mutex_lock(&framework->mutex);
    size_t count = framework->note_count;
    pthread_mutex_unlock(&framework->mutex);
    return count;
}

void framework_wait_count(struct framework *framework, const unsigned *counter, unsigned least) {
    struct timespec until = deadline();
    pthread_mutex_lock(&framework->mutex);
    while (*counter < least) {
        if (pthread_cond_timedwait(&framework->changed, &framework->mutex, &until) != 0)
            give_up(framework, "a callback");
    }
    pthread_mutex_unlock(&framework->mutex);
}

void framework_wait_offer(struct framework *framework, struct held_offer *out, size_t from) {
    struct timespec until = deadline();
    pthread_mutex_lock(&framework->mutex);
    while (framework->offer_count <= from) {
        if (pthread_cond_timedwait(&framework->changed, &framework->mutex, &until) != 0)
            give_up(framework, "an offer");
    }
    *out = framework->offers[from];
    pthread_mutex_unlock(&framework->mutex);
}

void framework_assert_stopped(struct framework *framework, const char *task) {
    struct note note = framework_wait(framework, task, MESOS__V1__TASK_STATE__TASK_KILLED);
    assert_int_equal(note.reason, MESOS__V1__TASK_STATUS__REASON__REASON_AGENT_DISCONNECTED);
    assert_non_null(strstr(note.message, "no master for 5secs"));
}

unsigned framework_count(struct framework *framework, const char *task,
                         Mesos__V1__TaskState state) {
    unsigned count = 0;
    pthread_mutex_lock(&framework->mutex);
    for (size_t i = 0; i < framework->note_count; i++)
        count += framework->notes[i].state == state &&
                 (task == NULL || strcmp(framework->notes[i].task, task) == 0);
    pthread_mutex_unlock(&framework->mutex);
    return count;
}

/* --- calls --- */

void framework_kill(struct framework *framework, const char *task, int64_t grace_ms) {
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__DurationInfo grace = MESOS__V1__DURATION_INFO__INIT;
    Mesos__V1__KillPolicy policy = MESOS__V1__KILL_POLICY__INIT;
    id.value = (char *)task;
    grace.nanoseconds = grace_ms * 1000000;
    policy.grace_period = &grace;
    mesos_scheduler_driver_kill_task(framework->driver, &id, NULL, &policy);
}

void framework_reconcile(struct framework *framework, const char *task) {
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    const Mesos__V1__TaskStatus *list[] = {&status};
    id.value = (char *)task;
    status.task_id = &id;
    mesos_scheduler_driver_reconcile_tasks(framework->driver, list, task != NULL ? 1 : 0);
}
