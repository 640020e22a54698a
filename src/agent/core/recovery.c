/*
 * After a restart: records become frameworks, executors, tasks and streams again; then the
 * containers are heard of, then executors have a moment to come back, and only then does the agent
 * look for a master, so that its first report is true.
 *
 * A task that was stored but whose container was never begun is begun now: the container's id is
 * its own and used once, so nothing runs twice. After a reboot that cannot be known, and everything
 * is lost.
 */
#include "agent/core/parts.h"

#include <stdlib.h>

static const char boot_message[] = "The machine was restarted";

static void forget_record(struct agent *agent, struct text key, const char *why) {
    effect_note(agent, AGENT_NOTE_ERROR, "record_unreadable", "key=%.*s why=\"%s\"",
                TEXT_ARGS(text_cut(key, 300)), why);
    store_remove(agent, arena_text(agent->outbox->arena, key));
}

static void restore_framework(struct agent *agent, const struct agent_record *record,
                              struct text key) {
    struct error error = {0};
    struct framework *framework =
        framework_add(agent, record->framework.id, record->framework.info, &error);
    if (framework == NULL)
        return forget_record(agent, key, error.message);
    framework->is_stored = true;
}

/* What is not free any more is not counted: the total may have shrunk, or a framework whose end the
 * crash undid may hold what others were given since. */
static bool count_used(struct agent *agent, const struct resources *more) {
    if (total_has_free(agent, more) && resources_add(&agent->used, more))
        return true;
    agent->total_has_changed = true;
    return false;
}

static void restore_executor(struct agent *agent, const struct agent_record *record,
                             struct text key) {
    struct error error = {.message = "its framework is not stored"};
    struct framework *framework = framework_find(agent, record->executor.framework);
    if (framework == NULL)
        return forget_record(agent, key, error.message);
    struct executor *executor = executor_new(agent, framework, record->executor.info, &error);
    if (executor == NULL)
        return forget_record(agent, key, error.message);
    container_remove(agent, executor->container);
    executor->container =
        container_id_of(arena_text(executor->arena, record->executor.container.text));
    executor->sandbox = launch_sandbox(agent, executor->arena, framework->id, executor->container);
    container_add(agent, executor->container, NULL, executor);
    executor->role = arena_text(executor->arena, record->executor.role);
    executor->started = record->executor.started;
    executor->pid = record->executor.pid;
    executor->start_time = record->executor.start_time;
    executor->is_awaited = true;
    executor->must_return = true;
    executor->holds = count_used(agent, &executor->resources);
}

static void restore_place(struct agent *agent, struct task *task,
                          const struct agent_record *record) {
    if (task->is_command) {
        task->container = container_id_of(arena_text(task->arena, record->task.container.text));
        task->sandbox = launch_sandbox(agent, task->arena, task->framework->id, task->container);
        if (task->ended)
            return;
        task->is_awaited = true;
        container_add(agent, task->container, task, NULL);
        return;
    }
    struct executor *executor = executor_find(task->framework, task->executor_id);
    if (executor == NULL || task->ended)
        return;
    task->is_delivered = executor->started || task->state != TASK_STATE_STAGING;
    executor_add_task(agent, executor, task);
}

/* An agent of a version without it has said by the wall clock when it was. */
static int64_t launched_boot_ms(const struct agent *agent, const struct agent_record *record) {
    if (record->task.launched_boot_ms != 0)
        return record->task.launched_boot_ms;
    return timer_boot_clock_ms(agent) - (agent->wall_ns - record->task.launched_ns) / 1000000;
}

static void restore_task(struct agent *agent, const struct agent_record *record, struct text key) {
    struct framework *framework = framework_find(agent, record->task.framework);
    if (framework == NULL)
        return forget_record(agent, key, "its framework is not stored");
    struct error error = {0};
    AUTO(arena_free) struct arena *scratch = arena_new();
    struct task_info info = {0};
    if (!agent->options.codec.read_task(scratch, agent->kinds, record->task.info, &info, &error) ||
        map_get_text(&framework->tasks, info.id.text) != NULL)
        return forget_record(agent, key, error.message);
    struct task *task = task_new(agent, framework, info.id);
    if (!task_read(agent, task, record->task.info, &error))
        mem_crash("a task was read once and not twice");
    task->role = arena_text(task->arena, record->task.role);
    task->started = record->task.started;
    task->pid = record->task.pid;
    task->start_time = record->task.start_time;
    task->state = record->task.latest_state;
    task->stream.sent_state = task->state;
    task->stream.sent_ns = task->latest_ns = record->task.latest_ns;
    task->running_since_ns = record->task.running_since_ns;
    task->launched_ns = record->task.launched_ns;
    task->launched_boot_ms = launched_boot_ms(agent, record);
    task->kill_wanted = record->task.kill_wanted;
    task->killed_by = arena_text(task->arena, record->task.killed_by);
    task->ended = record->task.ended || task_state_is_terminal(task->state);
    if (!task->ended)
        task->holds = count_used(agent, &task->resources);
    partition_restore_task(agent, task);
    restore_place(agent, task, record);
}

/* The number at the end of an update's key. */
static bool sequence_of(struct text key, uint64_t *sequence) {
    size_t at = key.size;
    while (at > 0 && key.data[at - 1] != '/')
        at--;
    return text_to_u64(text_sub(key, at, SIZE_MAX), sequence);
}

static void restore_update(struct agent *agent, const struct agent_record *record,
                           struct text key) {
    struct task *task = task_find(agent, record->update.framework, record->update.status.task);
    uint64_t sequence;
    if (task == NULL || !sequence_of(key, &sequence))
        return forget_record(agent, key, "its task is not stored");
    stream_restore(task, &record->update.status, sequence);
}

static void restore_kind(struct agent *agent, const struct agent_event *event,
                         enum agent_record_kind kind) {
    for (size_t i = 0; i < event->recovered.count; i++) {
        const struct agent_record *record = &event->recovered.records[i];
        struct text key = event->recovered.keys[i];
        if (record->kind != kind)
            continue;
        switch (kind) {
        case AGENT_RECORD_SELF:
            if (record->self.agent.text.size > 0 && agent->id == NULL)
                agent->id = text_dup(record->self.agent.text);
            break;
        case AGENT_RECORD_FRAMEWORK: restore_framework(agent, record, key); break;
        case AGENT_RECORD_EXECUTOR: restore_executor(agent, record, key); break;
        case AGENT_RECORD_TASK: restore_task(agent, record, key); break;
        case AGENT_RECORD_UPDATE: restore_update(agent, record, key); break;
        case AGENT_RECORD_SANDBOX: /* in their order: below */ break;
        case AGENT_RECORD_RESOURCES: /* before all others: operations_restore */ break;
        case AGENT_RECORD_DRAIN: drain_restore(agent, record); break;
        case AGENT_RECORD_LEASE: partition_restore(agent, record); break;
        }
    }
}

static int by_age(const void *a, const void *b) {
    const struct agent_record *const *left = a, *const *right = b;
    int64_t first = (*left)->sandbox.ended_ns, second = (*right)->sandbox.ended_ns;
    return (first > second) - (first < second);
}

static void restore_sandboxes(struct agent *agent, const struct agent_event *event) {
    const struct agent_record **found =
        ARENA_ARRAY(agent->outbox->arena, const struct agent_record *, event->recovered.count);
    size_t count = 0;
    for (size_t i = 0; i < event->recovered.count; i++) {
        if (event->recovered.records[i].kind == AGENT_RECORD_SANDBOX)
            found[count++] = &event->recovered.records[i];
    }
    if (count > 0)
        qsort(found, count, sizeof(const struct agent_record *), by_age);
    for (size_t i = 0; i < count; i++) {
        const struct agent_record *record = found[i];
        struct text path = record->sandbox.path;
        size_t name = path.size;
        while (name > 0 && path.data[name - 1] != '/')
            name--;
        struct sandbox sandbox = {
            .container = container_id_of(text_sub(path, name, SIZE_MAX)),
            .framework = record->sandbox.framework,
            .task = record->sandbox.task,
            .path = path,
            .ended_ns = record->sandbox.ended_ns,
            .stdout_rotations = record->sandbox.stdout_rotations,
            .stderr_rotations = record->sandbox.stderr_rotations,
            .dropped_bytes = record->sandbox.dropped_bytes,
        };
        sandbox_restore(agent, &sandbox);
    }
}

static void lose_container(struct agent *agent, const struct container *container) {
    struct agent_event lost = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    lost.ended.id =
        container->task != NULL ? container->task->container : container->executor->container;
    lost.ended.outcome = CONTAINER_OUTCOME_LOST;
    container_ended(agent, &lost);
}

/* A kill was ordered before it was begun. */
static void end_never_begun(struct agent *agent, const struct task *task) {
    struct agent_event ended = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    ended.ended.id = task->container;
    ended.ended.outcome = CONTAINER_OUTCOME_LAUNCH_FAILED;
    container_ended(agent, &ended);
}

/* Nothing of another boot runs any more. */
static void lose_all(struct agent *agent) {
    MAP_EACH(entry, &agent->containers) {
        const struct container *container = map_value(entry);
        if (container->executor != NULL) {
            container->executor->end_message = boot_message;
            lose_container(agent, container);
            continue;
        }
        container->task->lost_message = text_of(boot_message);
        lose_container(agent, container);
    }
}

/* A record says that all is over, or that its executor is: nothing will ever come. */
static void settle_leftovers(struct agent *agent) {
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks) {
            struct task *task = map_value(place);
            if (!task->ended && !task->is_command && task->executor == NULL)
                task_gone(agent, task, TEXT("Its executor is not known any more"));
            if (task->ended && task->stream.count == 0)
                task_complete(agent, task);
        }
        framework_forget_if_idle(agent, framework);
    }
}

void recovery_begin(struct agent *agent, const struct agent_event *event) {
    if (agent->recovery != RECOVERY_BEGIN)
        return;
    static const enum agent_record_kind order[] = {
        AGENT_RECORD_SELF,   AGENT_RECORD_FRAMEWORK, AGENT_RECORD_EXECUTOR, AGENT_RECORD_TASK,
        AGENT_RECORD_UPDATE, AGENT_RECORD_DRAIN,     AGENT_RECORD_LEASE,
    };
    struct error error;
    if (!operations_restore(agent, event, &error)) {
        struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_STOP);
        effect->reason = text_of(
            arena_printf(agent->outbox->arena,
                         "Incompatible agent resources: %s; start with what the agent had, give it "
                         "up by DESTROY and UNRESERVE first, or say --force_resources, which does",
                         error.message));
        return;
    }
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        restore_kind(agent, event, order[i]);
    if (!shrink_settle(agent, event))
        return;
    restore_sandboxes(agent, event);
    agent->recovery = RECOVERY_CONTAINERS;
    settle_leftovers(agent);
    if (!event->recovered.same_boot) {
        lose_all(agent);
        registration_store_self(agent); /* with what is lost: the next restart is of this boot */
    }
    sandbox_set_timer(agent);
    effect_note(agent, AGENT_NOTE_INFO, "recovered", "agent=%s frameworks=%zu tasks=%zu",
                agent->id != NULL ? agent->id : "none", agent->frameworks.count, agent->task_count);
}

void recovery_never_begun(struct agent *agent, struct container *container) {
    if (container->executor != NULL && container->executor->state == EXECUTOR_TERMINATING)
        return lose_container(agent, container);
    if (container->executor != NULL) {
        container->executor->is_awaited = false;
        container->executor->must_return = false;
        return launch_executor(agent, container->executor);
    }
    struct task *task = container->task;
    task->is_awaited = false;
    partition_stop_if_over(agent, task);
    if (!task->kill_wanted) {
        effect_note(agent, AGENT_NOTE_INFO, "task_launched_late", "task=%.*s",
                    TEXT_ARGS(task->id.text));
        return launch_task(agent, task);
    }
    end_never_begun(agent, task);
}

void recovery_containers_done(struct agent *agent) {
    if (agent->recovery != RECOVERY_CONTAINERS)
        return;
    MAP_EACH(entry, &agent->containers) {
        struct container *container = map_value(entry);
        const struct task *task = container->task;
        const struct executor *executor = container->executor;
        if (task != NULL ? !task->is_awaited : !executor->is_awaited)
            continue;
        if (task != NULL ? task->started : executor->started)
            lose_container(agent, container);
        else
            recovery_never_begun(agent, container);
    }
    agent->recovery = RECOVERY_EXECUTORS;
    partition_recovered(agent);
    timer_set(agent, &agent->reconnect_timer, agent->options.executor_reregistration_timeout_ms);
    recovery_check_executors(agent);
}

static void each_late(struct agent *agent, bool destroy, size_t *count) {
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->executors) {
            struct executor *executor = map_value(place);
            if (!executor->must_return)
                continue;
            ++*count;
            if (!destroy)
                continue;
            executor->must_return = false;
            executor_destroy(agent, executor, TASK_REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
                             "The executor did not come back after the agent's restart");
        }
    }
}

void recovery_check_executors(struct agent *agent) {
    size_t late = 0;
    if (agent->recovery != RECOVERY_EXECUTORS)
        return;
    each_late(agent, false, &late);
    if (late > 0)
        return;
    agent->recovery = RECOVERY_DONE;
    timer_cancel(agent, &agent->reconnect_timer);
    registration_begin(agent);
}

void recovery_executors_late(struct agent *agent) {
    size_t late = 0;
    each_late(agent, true, &late);
    recovery_check_executors(agent);
}
