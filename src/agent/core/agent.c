/*
 * One step: take the event apart, let the part it belongs to act, run what is due, and put
 * everything that is to be stored into one commit.
 */
#include "agent/core/parts.h"

#include <assert.h>

struct agent_options agent_options_default(void) {
    return (struct agent_options){
        .registration_backoff_ms = 1000,
        .executor_registration_timeout_ms = 60 * 1000,
        .executor_reregistration_timeout_ms = 2000,
        .executor_shutdown_grace_ms = 5000,
        .kill_grace_ms = 3000,
        .status_retry_ms = 10 * 1000,
        .sandbox_age_ms = 7LL * 24 * 3600 * 1000,
        .disk_headroom_milli = 100,
        .max_completed_tasks = 200,
    };
}

static void keep_texts(struct agent *agent) {
    struct agent_options *options = &agent->options;
    struct text *texts[] = {
        &options->work_dir,     &options->boot_id,         &options->endpoint,
        &options->default_user, &options->info.ip,         &options->info.hostname,
        &options->info.version, &options->info.attributes, &options->info.encoded,
        &options->info.region,  &options->info.zone,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_text(agent->arena, *texts[i]);
    options->info.id = (struct agent_id){{0}};
}

struct agent *agent_new(const struct agent_options *options, struct kinds *kinds) {
    assert(options->codec.read_framework != NULL && options->codec.read_executor != NULL &&
           options->codec.read_task != NULL && options->codec.read_mount != NULL &&
           options->codec.write_agent != NULL);
    struct agent *agent = NEW(struct agent);
    agent->options = *options;
    agent->kinds = kinds;
    agent->arena = arena_new();
    keep_texts(agent);
    agent->rng = rng_of(options->seed);
    if (options->info.resources != NULL)
        agent->configured = resources_copy(options->info.resources);
    agent->total = resources_copy(&agent->configured);
    agent->options.info.resources = &agent->total;
    list_init(&agent->completed);
    list_init(&agent->operations);
    list_init(&agent->removals);
    list_init(&agent->bound);
    timer_init(&agent->connect_timer, TIMER_CONNECT, agent);
    timer_init(&agent->answer_timer, TIMER_ANSWER, agent);
    timer_init(&agent->ping_timer, TIMER_PING, agent);
    timer_init(&agent->reconnect_timer, TIMER_RECONNECT, agent);
    timer_init(&agent->sandbox_timer, TIMER_SANDBOX, agent);
    timer_init(&agent->partition_timer, TIMER_PARTITION, agent);
    return agent;
}

static void bury(struct agent *agent) {
    VEC_EACH(task, &agent->dead_tasks)
        task_free(*task);
    VEC_EACH(executor, &agent->dead_executors)
        executor_free(*executor);
    VEC_EACH(framework, &agent->dead_frameworks)
        framework_free(*framework);
    VEC_EACH(update, &agent->dead_updates)
        update_free(*update);
    VEC_EACH(sandbox, &agent->dead_sandboxes)
        sandbox_free(*sandbox);
    VEC_EACH(arena, &agent->dead_arenas)
        arena_free(*arena);
    agent->dead_tasks.count = agent->dead_executors.count = agent->dead_frameworks.count = 0;
    agent->dead_updates.count = agent->dead_sandboxes.count = agent->dead_arenas.count = 0;
}

static void free_frameworks(struct agent *agent) {
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks)
            task_free(map_value(place));
        MAP_EACH(place, &framework->executors)
            executor_free(map_value(place));
        framework_free(framework);
    }
    map_fini(&agent->frameworks, NULL);
}

void agent_free(struct agent *agent) {
    if (agent == NULL)
        return;
    bury(agent);
    VEC_FINI(&agent->dead_tasks);
    VEC_FINI(&agent->dead_executors);
    VEC_FINI(&agent->dead_frameworks);
    VEC_FINI(&agent->dead_updates);
    VEC_FINI(&agent->dead_sandboxes);
    VEC_FINI(&agent->dead_arenas);
    free_frameworks(agent);
    MAP_EACH(entry, &agent->sandboxes)
        sandbox_free(map_value(entry));
    map_fini(&agent->sandboxes, NULL);
    map_fini(&agent->containers, mem_free);
    map_fini(&agent->connections, NULL);
    map_fini(&agent->change_places, NULL);
    completed_fini(agent);
    operations_fini(agent);
    VEC_FINI(&agent->changes);
    heap_fini(&agent->timers);
    resources_fini(&agent->configured);
    resources_fini(&agent->total);
    resources_fini(&agent->used);
    arena_free(agent->arena);
    mem_free(agent->id);
    mem_free(agent->end_reason);
    mem_free(agent);
}

struct agent_id agent_own_id(const struct agent *agent) {
    return agent_id_of(text_of(agent->id));
}

int64_t agent_deadline_ms(const struct agent *agent) {
    const struct heap_node *least = heap_least(&agent->timers);
    return least != NULL ? least->key : INT64_MAX;
}

static void take_resources(struct agent *agent, const struct resources *configured) {
    AUTO_FINI(resources_fini)
    struct resources converted = total_converted(agent->kinds, &agent->total);
    struct resources total = {0};
    struct error error;
    if (!total_convert(agent->kinds, configured, &converted, &total, &error)) {
        effect_note(agent, AGENT_NOTE_ERROR, "resources_incompatible", "why=\"%s\"", error.message);
        return;
    }
    struct resources copy = resources_copy(configured);
    resources_fini(&agent->configured);
    resources_fini(&agent->total);
    agent->configured = copy;
    agent->total = total;
    shrink_store_configured(agent);
    agent->total_has_changed = true;
    agent->owes_total = true;
}

static void act(struct agent *agent, const struct agent_event *event) {
    switch (event->kind) {
    case AGENT_EVENT_RECOVERED: return recovery_begin(agent, event);
    case AGENT_EVENT_CONTAINERS_RECOVERED: return recovery_containers_done(agent);
    case AGENT_EVENT_TICK: return;
    case AGENT_EVENT_MASTER_CONNECTED: return registration_connected(agent);
    case AGENT_EVENT_MASTER_CLOSED: return registration_closed(agent, event->closed_reason);
    case AGENT_EVENT_MASTER_FOUND: return registration_found(agent);
    case AGENT_EVENT_MASTER_MESSAGE: return master_message_handle(agent, &event->master);
    case AGENT_EVENT_EXECUTOR_CALL:
        return executor_call_handle(agent, event->connection, &event->executor);
    case AGENT_EVENT_EXECUTOR_CLOSED: return executor_closed(agent, event->connection);
    case AGENT_EVENT_CONTAINER_STARTED: return container_started(agent, event);
    case AGENT_EVENT_CONTAINER_ENDED: return container_ended(agent, event);
    case AGENT_EVENT_STORED:
        if (event->stored_ticket > agent->done_ticket)
            agent->done_ticket = event->stored_ticket;
        return;
    case AGENT_EVENT_DISK_FULL: return sandbox_pressure(agent, event->used_fraction_milli);
    case AGENT_EVENT_RESOURCES: return take_resources(agent, event->resources);
    case AGENT_EVENT_VOLUMES_MADE: return operation_volumes_made(agent, event);
    case AGENT_EVENT_VOLUME_REMOVED: return operation_volume_removed(agent, event);
    }
}

void agent_step(struct agent *agent, const struct agent_event *event, struct agent_outbox *outbox) {
    bury(agent);
    agent->outbox = outbox;
    agent->first_effect = outbox->effects.count;
    agent->now_ms = event->now_ms;
    agent->wall_ns = event->wall_ns;
    bool was_suspended = agent->suspended_ms != event->suspended_ms;
    agent->suspended_ms = event->suspended_ms;
    if (event->kind == AGENT_EVENT_RECOVERED || agent->recovery != RECOVERY_BEGIN)
        act(agent, event);
    if (was_suspended)
        partition_fired(agent);
    timers_run(agent);
    drain_settle(agent);
    operations_settle(agent);
    registration_settle(agent);
    store_commit(agent);
    agent->outbox = NULL;
}
