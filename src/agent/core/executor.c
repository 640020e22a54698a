/*
 * Custom executors: containers that subscribe and are handed tasks. One lives until it ends by
 * itself, is shut down, or does not come when it should; then its tasks end with it and the master
 * hears of it.
 */
#include "agent/core/parts.h"

#include <assert.h>

struct executor *executor_find(const struct framework *framework, struct executor_id id) {
    return map_get_text(&framework->executors, id.text);
}

struct executor *executor_new(struct agent *agent, struct framework *framework, struct text info,
                              struct error *error) {
    struct executor *executor = NEW(struct executor);
    executor->framework = framework;
    executor->arena = arena_new();
    list_init(&executor->tasks);
    struct text bytes = arena_text(executor->arena, info);
    if (!agent->options.codec.read_executor(executor->arena, agent->kinds, bytes, &executor->info,
                                            error) ||
        !id_is_valid(executor->info.id.text, NULL)) {
        executor_free(executor);
        return NULL;
    }
    executor->info.encoded = bytes;
    if (executor->info.resources != NULL)
        executor->resources = resources_copy(executor->info.resources);
    executor->end_reason = TASK_REASON_EXECUTOR_TERMINATED;
    timer_init(&executor->start_timer, TIMER_EXECUTOR_START, executor);
    timer_init(&executor->grace_timer, TIMER_EXECUTOR_GRACE, executor);
    executor->container = launch_new_id(agent, executor->arena);
    executor->sandbox = launch_sandbox(agent, executor->arena, framework->id, executor->container);
    map_put_text(&framework->executors, executor->info.id.text, executor);
    container_add(agent, executor->container, NULL, executor);
    return executor;
}

void executor_free(struct executor *executor) {
    if (executor == NULL)
        return;
    resources_fini(&executor->resources);
    arena_free(executor->arena);
    mem_free(executor);
}

void executor_store(struct agent *agent, struct executor *executor) {
    struct agent_record record = {.kind = AGENT_RECORD_EXECUTOR};
    record.executor.framework = executor->framework->id;
    record.executor.info = executor->info.encoded;
    record.executor.container = executor->container;
    record.executor.sandbox = executor->sandbox;
    record.executor.role = executor->role;
    record.executor.started = executor->started;
    record.executor.pid = executor->pid;
    record.executor.start_time = executor->start_time;
    store_put(agent, key_executor(agent, executor), &record);
    if (executor->ticket == 0)
        executor->ticket = store_ticket(agent);
}

void executor_forget(struct agent *agent, struct executor *executor) {
    struct framework *framework = executor->framework;
    timer_cancel(agent, &executor->start_timer);
    timer_cancel(agent, &executor->grace_timer);
    if (executor->connection.value != 0)
        map_remove(&agent->connections, executor->connection.value);
    if (executor->holds) {
        bool was_there = resources_subtract(&agent->used, &executor->resources);
        assert(was_there);
        executor->holds = false;
    }
    store_remove(agent, key_executor(agent, executor));
    container_remove(agent, executor->container);
    map_remove_text(&framework->executors, executor->info.id.text);
    VEC_PUSH(&agent->dead_executors, executor);
    framework_forget_if_idle(agent, framework);
}

void executor_add_task(struct agent *agent, struct executor *executor, struct task *task) {
    (void)agent;
    task->executor = executor;
    list_append(&executor->tasks, &task->in_executor);
    if (!task->is_delivered)
        executor->queued_count++;
}

void executor_remove_task(struct agent *agent, struct task *task) {
    struct executor *executor = task->executor;
    if (executor == NULL)
        return;
    list_remove(&task->in_executor);
    task->executor = NULL;
    if (!task->is_delivered)
        executor->queued_count--;
    if (executor->state != EXECUTOR_TERMINATING && agent->recovery == RECOVERY_DONE)
        launch_limit_executor(agent, executor, false);
}

void executor_event(struct agent *agent, const struct executor *executor,
                    const struct executor_event *event, uint64_t after) {
    if (executor->connection.value == 0)
        return;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_EXECUTOR);
    effect->after = store_after(agent, after);
    effect->connection = executor->connection;
    effect->executor = *event;
}

void executor_started(struct agent *agent, struct executor *executor) {
    executor_store(agent, executor);
}

void executor_shutdown(struct agent *agent, struct executor *executor, enum task_reason reason,
                       const char *message) {
    if (executor->state == EXECUTOR_TERMINATING)
        return;
    if (executor->connection.value == 0)
        return executor_destroy(agent, executor, reason, message);
    executor->state = EXECUTOR_TERMINATING;
    executor->end_reason = reason;
    executor->end_message = message;
    timer_cancel(agent, &executor->start_timer);
    executor_event(agent, executor, &(struct executor_event){.kind = EXECUTOR_EVENT_SHUTDOWN}, 0);
    int64_t grace_ms = executor->info.has_shutdown_grace
                           ? executor->info.shutdown_grace_ns / 1000000
                           : agent->options.executor_shutdown_grace_ms;
    timer_set(agent, &executor->grace_timer, grace_ms);
}

void executor_destroy(struct agent *agent, struct executor *executor, enum task_reason reason,
                      const char *message) {
    timer_cancel(agent, &executor->start_timer);
    timer_cancel(agent, &executor->grace_timer);
    if (executor->state != EXECUTOR_TERMINATING) {
        executor->state = EXECUTOR_TERMINATING;
        executor->end_reason = reason;
        executor->end_message = message;
    }
    effect_note(agent, AGENT_NOTE_INFO, "executor_destroyed", "executor=%.*s why=\"%s\"",
                TEXT_ARGS(executor->info.id.text), message);
    effect_container(agent, AGENT_EFFECT_DESTROY, executor->container, 9, executor->ticket);
}

void executor_fired(struct agent *agent, struct executor *executor, enum timer_kind kind) {
    if (kind == TIMER_EXECUTOR_START)
        return executor_destroy(agent, executor, TASK_REASON_EXECUTOR_REGISTRATION_TIMEOUT,
                                "The executor did not subscribe in time");
    executor_destroy(agent, executor, executor->end_reason,
                     "The executor did not end within its grace period");
}

/* What the end of an executor means for a task that had not ended. */
static struct status_of status_of_end(struct agent *agent, const struct executor *executor,
                                      const struct agent_event *event) {
    struct status_of status = {.state = TASK_STATE_FAILED, .reason = executor->end_reason};
    const struct termination *termination = &event->ended.termination;
    if (executor->end_message != NULL) {
        status.message = text_of(executor->end_message);
        return status;
    }
    switch (event->ended.outcome) {
    case CONTAINER_OUTCOME_ENDED:
        if (termination->out_of_memory) {
            status.reason = TASK_REASON_CONTAINER_LIMITATION_MEMORY;
            status.message = TEXT("Its executor exceeded the memory limit");
        } else {
            struct text how = termination_sentence(agent, termination);
            status.message = text_of(arena_printf(agent->outbox->arena,
                                                  "Its executor terminated: %.*s", TEXT_ARGS(how)));
        }
        return status;
    case CONTAINER_OUTCOME_EXEC_FAILED:
    case CONTAINER_OUTCOME_LAUNCH_FAILED:
        status.reason = TASK_REASON_CONTAINER_LAUNCH_FAILED;
        break;
    case CONTAINER_OUTCOME_REFUSED: status.state = task_never_ran(executor->framework); break;
    case CONTAINER_OUTCOME_LOST:
        status.message = TEXT("Its executor is gone without a trace");
        return status;
    }
    status.message =
        arena_text(agent->outbox->arena, text_cut(event->ended.message, AGENT_MESSAGE_TEXT_LIMIT));
    return status;
}

static int32_t wait_status_of(const struct agent_event *event) {
    const struct termination *termination = &event->ended.termination;
    if (event->ended.outcome != CONTAINER_OUTCOME_ENDED)
        return -1;
    if (termination->exited)
        return (termination->exit_code & 0xff) << 8;
    return (termination->signal & 0x7f) | (termination->core_dumped ? 0x80 : 0);
}

static void tell_master(struct agent *agent, const struct executor *executor, int32_t status) {
    if (!registration_is_done(agent))
        return; /* the next report is without it */
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->after = store_ticket(agent);
    effect->master.kind = AGENT_MESSAGE_EXECUTOR_EXITED;
    effect->master.executor_exited.framework = executor->framework->id;
    effect->master.executor_exited.executor = executor->info.id;
    effect->master.executor_exited.status = status;
}

void executor_ended(struct agent *agent, struct executor *executor,
                    const struct agent_event *event) {
    struct status_of status = status_of_end(agent, executor, event);
    executor->state = EXECUTOR_TERMINATING;
    LIST_EACH(at, &executor->tasks) {
        struct task *task = CONTAINER_OF(at, struct task, in_executor);
        struct status_of its = status;
        if (task->kill_wanted)
            its.state = TASK_STATE_KILLED;
        task_report(agent, task, its);
    }
    if (executor->connection.value != 0) {
        struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_CLOSE_EXECUTOR);
        effect->connection = executor->connection;
        effect->reason = TEXT("its container has ended");
    }
    tell_master(agent, executor, wait_status_of(event));
    executor_forget(agent, executor);
}
