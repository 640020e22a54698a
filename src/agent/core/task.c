/*
 * A task from its record to the last acknowledgement. Its state moves in task_report and task_heard
 * only, each time with an update on its stream; what it used is given back with the first terminal
 * one.
 */
#include "agent/core/parts.h"

#include <assert.h>

struct task *task_find(const struct agent *agent, struct framework_id framework,
                       struct task_id id) {
    const struct framework *owner = framework_find(agent, framework);
    return owner != NULL ? map_get_text(&owner->tasks, id.text) : NULL;
}

struct task *task_new(struct agent *agent, struct framework *framework, struct task_id id) {
    struct task *task = NEW(struct task);
    task->framework = framework;
    task->arena = arena_new();
    task->id = task_id_of(arena_text(task->arena, id.text));
    task->executor_id = executor_id_of(task->id.text);
    task->state = TASK_STATE_STAGING;
    stream_init(&task->stream, task);
    timer_init(&task->kill_timer, TIMER_KILL, task);
    timer_init(&task->completion_timer, TIMER_COMPLETION, task);
    void *old = map_put_text(&framework->tasks, id.text, task);
    assert(old == NULL);
    agent->task_count++;
    return task;
}

size_t task_info_bytes(const struct task_info *info) {
    return info->encoded.size + (info->executor.is_set ? info->executor.encoded.size : 0);
}

bool task_read(struct agent *agent, struct task *task, struct text info, struct error *error) {
    struct text bytes = arena_text(task->arena, info);
    if (!agent->options.codec.read_task(task->arena, agent->kinds, bytes, &task->info, error))
        return fail_context(error, "task %.*s", TEXT_ARGS(task->id.text));
    task->info.encoded = bytes;
    agent->task_bytes += task_info_bytes(&task->info);
    if (task->info.resources != NULL)
        task->resources = resources_copy(task->info.resources);
    task->is_command = !task->info.executor.is_set;
    if (!task->is_command)
        task->executor_id = executor_id_of(arena_text(task->arena, task->info.executor.id.text));
    return true;
}

void task_free(struct task *task) {
    if (task == NULL)
        return;
    stream_fini(&task->stream);
    resources_fini(&task->resources);
    arena_free(task->arena);
    mem_free(task);
}

void task_store(struct agent *agent, struct task *task) {
    struct agent_record record = {.kind = AGENT_RECORD_TASK};
    record.task.framework = task->framework->id;
    record.task.info = task->info.encoded;
    record.task.role = task->role;
    record.task.container = task->container;
    record.task.started = task->started;
    record.task.pid = task->pid;
    record.task.start_time = task->start_time;
    record.task.latest_state = task->state;
    record.task.latest_ns = task->latest_ns;
    record.task.running_since_ns = task->running_since_ns;
    record.task.launched_ns = task->launched_ns;
    record.task.launched_boot_ms = task->launched_boot_ms;
    record.task.kill_wanted = task->kill_wanted;
    record.task.killed_by = task->killed_by;
    record.task.ended = task->ended;
    store_put(agent, key_task(agent, task), &record);
    if (task->ticket == 0)
        task->ticket = store_ticket(agent);
}

enum task_state task_never_ran(const struct framework *framework) {
    return framework_can(&framework->info, FRAMEWORK_PARTITION_AWARE) ? TASK_STATE_DROPPED
                                                                      : TASK_STATE_LOST;
}

void task_settle_resources(struct agent *agent, struct task *task) {
    if (!task->holds)
        return;
    task->holds = false;
    bool was_there = resources_subtract(&agent->used, &task->resources);
    assert(was_there);
}

/* After a terminal state nothing of it waits but its updates. */
static void settle(struct agent *agent, struct task *task) {
    task->ended = true;
    timer_cancel(agent, &task->kill_timer);
    timer_cancel(agent, &task->completion_timer);
    partition_unbind(agent, task);
    task_settle_resources(agent, task);
    executor_remove_task(agent, task);
}

/* What a later master hears of it when the statuses themselves are gone. */
static void keep_time(struct task *task, const struct task_status *status) {
    task->latest_ns = status->timestamp_ns;
    if (status->state == TASK_STATE_RUNNING && task->running_since_ns == 0)
        task->running_since_ns = status->timestamp_ns;
}

void task_heard(struct agent *agent, struct task *task, const struct task_status *heard) {
    struct task_status labelled = *heard;
    const struct task_status *status = &labelled;
    drain_label(agent, task, &labelled);
    partition_label(agent, task, &labelled);
    shrink_label(task, &labelled);
    if (task_state_is_terminal(task->state) || !task_move(&task->state, status->state)) {
        effect_note(agent, AGENT_NOTE_WARNING, "update_ignored", "task=%.*s from=%s to=%s",
                    TEXT_ARGS(task->id.text), task_state_name(task->state),
                    task_state_name(status->state));
        return;
    }
    keep_time(task, status);
    bool is_over = task_state_is_terminal(task->state);
    if (is_over) {
        settle(agent, task);
        agent->tasks_by_state[task->state]++;
    }
    if (task->framework->is_stopping) {
        if (is_over)
            task_complete(agent, task);
        return;
    }
    stream_push(agent, task, status);
    if (!task->is_unknown)
        task_store(agent, task);
}

/* What the agent finds out as the executor of a command task is said in an executor's name. */
static enum task_source source_of(const struct task *task, enum task_reason reason) {
    bool is_own = task->is_command &&
                  (reason == TASK_REASON_NONE || reason == TASK_REASON_MAX_COMPLETION_TIME_REACHED);
    return is_own ? TASK_SOURCE_EXECUTOR : TASK_SOURCE_AGENT;
}

void task_report(struct agent *agent, struct task *task, struct status_of what) {
    struct task_status status = {
        .task = task->id,
        .state = what.state,
        .has_source = true,
        .source = source_of(task, what.reason),
        .has_reason = what.reason != TASK_REASON_NONE,
        .message = what.message,
        .agent = agent_own_id(agent),
        .executor = task->executor_id,
        .timestamp_ns = agent->wall_ns,
        .has_uuid = true,
        .uuid = uuid_random(&agent->rng),
        .has_termination = what.termination != NULL,
    };
    if (status.has_reason)
        status.reason = what.reason;
    if (status.has_termination)
        status.termination = *what.termination;
    task_heard(agent, task, &status);
}

/* A wall clock that is set in the meantime neither ends a task nor gives it more time. */
void task_set_completion_timer(struct agent *agent, struct task *task) {
    if (!task->info.has_max_completion || task->kill_wanted)
        return;
    int64_t passed_ms = timer_boot_clock_ms(agent) - task->launched_boot_ms;
    int64_t left_ms = task->info.max_completion_ns / 1000000 - (passed_ms > 0 ? passed_ms : 0);
    timer_set(agent, &task->completion_timer, left_ms);
}

void task_started(struct agent *agent, struct task *task) {
    if (task->kill_wanted)
        return task_store(agent, task);
    task_set_completion_timer(agent, task);
    if (task->state == TASK_STATE_STAGING)
        task_report(agent, task,
                    (struct status_of){.state = TASK_STATE_RUNNING, .reason = TASK_REASON_NONE});
    else
        task_store(agent, task);
}

static void end_with(struct agent *agent, struct task *task, struct status_of status) {
    task->ended = true;
    task_report(agent, task, status);
}

void task_ended(struct agent *agent, struct task *task, const struct agent_event *event) {
    end_with(agent, task, termination_describe(agent, task, event));
}

void task_gone(struct agent *agent, struct task *task, struct text message) {
    struct agent_event lost = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    lost.ended.outcome = CONTAINER_OUTCOME_LOST;
    struct status_of status = termination_describe(agent, task, &lost);
    if (message.size > 0)
        status.message = message;
    end_with(agent, task, status);
}

void task_complete(struct agent *agent, struct task *task) {
    struct framework *framework = task->framework;
    stream_drop(agent, task);
    timer_cancel(agent, &task->kill_timer);
    timer_cancel(agent, &task->completion_timer);
    partition_unbind(agent, task);
    task_settle_resources(agent, task);
    executor_remove_task(agent, task);
    if (!task->is_unknown) {
        store_remove(agent, key_task(agent, task));
        completed_keep(agent, task);
    }
    map_remove_text(&framework->tasks, task->id.text);
    agent->task_count--;
    agent->task_bytes -= task_info_bytes(&task->info);
    VEC_PUSH(&agent->dead_tasks, task);
    sandbox_set_timer(agent);
    framework_forget_if_idle(agent, framework);
}

void task_answer_unknown(struct agent *agent, struct framework_id id, struct task_id task_id,
                         enum task_reason reason, struct text message) {
    struct framework *framework = framework_find(agent, id);
    if (framework == NULL)
        framework = framework_add(agent, id, (struct text){0}, NULL);
    if (framework->is_stopping || map_get_text(&framework->tasks, task_id.text) != NULL)
        return;
    struct task *task = task_new(agent, framework, task_id);
    task->is_unknown = true;
    struct status_of status = {
        .state = task_never_ran(framework), .reason = reason, .message = message};
    task_report(agent, task, status);
}

/* Without its master the question is void: the next one asks again. */
void task_forget_unknown(struct agent *agent) {
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks) {
            struct task *task = map_value(place);
            if (task->is_unknown)
                task_complete(agent, task);
        }
        framework_forget_if_idle(agent, framework);
    }
}
