/*
 * What executors say. A call counts only from the connection its executor subscribed on last; an
 * update is acknowledged to the executor when it is stored, and again when it is repeated.
 */
#include "agent/core/parts.h"

static void send(struct agent *agent, struct connection_id connection,
                 const struct executor_event *event, uint64_t after) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_EXECUTOR);
    effect->after = store_after(agent, after);
    effect->connection = connection;
    effect->executor = *event;
}

static void complain(struct agent *agent, const struct executor *executor, struct text what) {
    effect_note(agent, AGENT_NOTE_WARNING, "executor_call_refused", "executor=%.*s why=\"%.*s\"",
                TEXT_ARGS(executor->info.id.text), TEXT_ARGS(what));
    executor_event(agent, executor,
                   &(struct executor_event){.kind = EXECUTOR_EVENT_ERROR, .error = what}, 0);
}

static void close_connection(struct agent *agent, struct connection_id connection,
                             struct text reason) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_CLOSE_EXECUTOR);
    effect->connection = connection;
    effect->reason = reason;
}

/* --- updates --- */

static void acknowledge(struct agent *agent, const struct executor *executor,
                        const struct task_status *status, uint64_t after) {
    struct executor_event event = {.kind = EXECUTOR_EVENT_ACKNOWLEDGED};
    event.acknowledged.task = status->task;
    event.acknowledged.uuid = status->uuid;
    executor_event(agent, executor, &event, after);
}

static bool may_say(enum task_state state) {
    switch (state) {
    case TASK_STATE_STARTING:
    case TASK_STATE_RUNNING:
    case TASK_STATE_FINISHED:
    case TASK_STATE_FAILED:
    case TASK_STATE_KILLED:
    case TASK_STATE_LOST:
    case TASK_STATE_ERROR:
    case TASK_STATE_KILLING:
    case TASK_STATE_DROPPED:
    case TASK_STATE_GONE: return true;
    case TASK_STATE_STAGING:
    case TASK_STATE_UNREACHABLE:
    case TASK_STATE_GONE_BY_OPERATOR:
    case TASK_STATE_UNKNOWN: break;
    }
    return false;
}

static void take_update(struct agent *agent, struct executor *executor, struct task *task,
                        const struct task_status *said) {
    struct task_status status = *said;
    status.message = text_cut(status.message, AGENT_MESSAGE_TEXT_LIMIT);
    status.has_source = true;
    status.source = TASK_SOURCE_EXECUTOR;
    status.agent = agent_own_id(agent);
    status.executor = executor->info.id;
    status.encoded = (struct text){0};
    if (status.timestamp_ns == 0)
        status.timestamp_ns = agent->wall_ns;
    task_heard(agent, task, &status);
    acknowledge(agent, executor, said, store_ticket(agent));
}

static void handle_update(struct agent *agent, struct executor *executor,
                          const struct task_status *status) {
    struct task *task = task_find(agent, executor->framework->id, status->task);
    if (!status->has_uuid || uuid_is_nil(status->uuid))
        return complain(agent, executor, TEXT("an UPDATE needs a uuid of 16 bytes"));
    if (status->state == TASK_STATE_STAGING)
        return executor_shutdown(agent, executor, TASK_REASON_EXECUTOR_TERMINATED,
                                 "The executor reported TASK_STAGING");
    if (!may_say(status->state))
        return complain(agent, executor, TEXT("an executor may not report this state"));
    bool is_its_own = task != NULL && !task->is_unknown && !task->is_command &&
                      executor_id_equal(task->executor_id, executor->info.id);
    if (!is_its_own || stream_knows(&task->stream, status->uuid) ||
        task_state_is_terminal(task->state)) {
        effect_note(agent, AGENT_NOTE_WARNING, "update_ignored", "task=%.*s why=\"%s\"",
                    TEXT_ARGS(status->task.text),
                    is_its_own ? "a repeat, or the task has ended" : "not a task of its executor");
        return acknowledge(agent, executor, status, agent->last_ticket);
    }
    if (task->stream.count >= AGENT_STREAM_UPDATES_LIMIT && !task_state_is_terminal(status->state))
        return complain(agent, executor, TEXT("too many updates of this task wait"));
    take_update(agent, executor, task, status);
}

/* --- subscribing --- */

void executor_deliver(struct agent *agent, struct task *task) {
    struct executor *executor = task->executor;
    if (executor->state != EXECUTOR_RUNNING || executor->connection.value == 0)
        return;
    task->is_delivered = true;
    executor->queued_count--;
    executor_event(
        agent, executor,
        &(struct executor_event){.kind = EXECUTOR_EVENT_LAUNCH, .launch = task->info.encoded},
        task->ticket);
}

static void welcome(struct agent *agent, const struct executor *executor) {
    struct agent_info info = agent->options.info;
    info.id = agent_own_id(agent);
    info.resources = &agent->total;
    struct executor_event event = {.kind = EXECUTOR_EVENT_SUBSCRIBED};
    event.subscribed.executor_info = executor->info.encoded;
    event.subscribed.framework_info = executor->framework->info.encoded;
    event.subscribed.agent_info =
        agent->options.codec.write_agent(agent->outbox->arena, agent->kinds, &info);
    event.subscribed.container = executor->container;
    executor_event(agent, executor, &event, 0);
}

static bool lists(const struct executor_call *call, struct task_id id) {
    for (size_t i = 0; i < call->subscribe.task_count; i++) {
        if (task_id_equal(call->subscribe.tasks[i].id, id))
            return true;
    }
    return false;
}

/* After a crash the agent may not know that it had told an executor; the executor does. */
static void mark_delivered(struct executor *executor, const struct executor_call *call) {
    LIST_EACH(at, &executor->tasks) {
        struct task *task = CONTAINER_OF(at, struct task, in_executor);
        if (task->is_delivered || !lists(call, task->id))
            continue;
        task->is_delivered = true;
        executor->queued_count--;
    }
}

/* A task that was sent and never spoken of, and that the executor does not know, has got lost on
 * the way. */
static void drop_lost_tasks(struct agent *agent, struct executor *executor,
                            const struct executor_call *call) {
    bool dropped = false;
    LIST_EACH(at, &executor->tasks) {
        struct task *task = CONTAINER_OF(at, struct task, in_executor);
        if (!task->is_delivered || task->state != TASK_STATE_STAGING || lists(call, task->id))
            continue;
        dropped = true;
        task_report(agent, task,
                    (struct status_of){.state = task_never_ran(executor->framework),
                                       .reason = TASK_REASON_AGENT_RESTARTED,
                                       .message = TEXT("It did not reach its executor")});
    }
    if (dropped && list_is_empty(&executor->tasks))
        executor_shutdown(agent, executor, TASK_REASON_EXECUTOR_TERMINATED,
                          "The executor has nothing to do");
}

static void attach(struct agent *agent, struct executor *executor,
                   struct connection_id connection) {
    struct connection_id old = executor->connection;
    if (old.value != 0 && old.value != connection.value) {
        map_remove(&agent->connections, old.value);
        close_connection(agent, old, TEXT("its executor subscribed on another connection"));
    }
    executor->connection = connection;
    map_put(&agent->connections, connection.value, executor);
}

static void subscribe(struct agent *agent, struct executor *executor,
                      struct connection_id connection, const struct executor_call *call) {
    attach(agent, executor, connection);
    timer_cancel(agent, &executor->start_timer);
    executor->must_return = false;
    if (executor->state == EXECUTOR_TERMINATING) {
        welcome(agent, executor);
        executor_event(agent, executor, &(struct executor_event){.kind = EXECUTOR_EVENT_SHUTDOWN},
                       0);
        return recovery_check_executors(agent);
    }
    executor->state = EXECUTOR_RUNNING;
    mark_delivered(executor, call);
    effect_note(agent, AGENT_NOTE_INFO, "executor_subscribed", "executor=%.*s",
                TEXT_ARGS(executor->info.id.text));
    welcome(agent, executor);
    for (size_t i = 0; i < call->subscribe.update_count; i++)
        handle_update(agent, executor, &call->subscribe.updates[i]);
    drop_lost_tasks(agent, executor, call);
    LIST_EACH(at, &executor->tasks) {
        struct task *task = CONTAINER_OF(at, struct task, in_executor);
        if (!task->is_delivered)
            executor_deliver(agent, task);
        else if (task->kill_wanted)
            kill_resume(agent, task);
    }
    recovery_check_executors(agent);
}

/* --- the rest --- */

static void pass_message(struct agent *agent, const struct executor *executor, struct text data) {
    if (data.size > AGENT_MESSAGE_BYTES_LIMIT)
        return complain(agent, executor, TEXT("a message may have at most 4 MB"));
    if (!registration_is_done(agent) || executor->framework->is_stopping) {
        effect_note(agent, AGENT_NOTE_WARNING, "message_dropped", "executor=%.*s why=\"no master\"",
                    TEXT_ARGS(executor->info.id.text));
        return;
    }
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->master.kind = AGENT_MESSAGE_FRAMEWORK_MESSAGE;
    effect->master.framework_message.framework = executor->framework->id;
    effect->master.framework_message.executor = executor->info.id;
    effect->master.framework_message.data = data;
}

static struct executor *caller(const struct agent *agent, const struct executor_call *call) {
    const struct framework *framework = framework_find(agent, call->framework);
    return framework != NULL ? executor_find(framework, call->executor) : NULL;
}

static void refuse(struct agent *agent, struct connection_id connection, struct text why) {
    struct executor_event event = {.kind = EXECUTOR_EVENT_ERROR, .error = why};
    send(agent, connection, &event, 0);
    close_connection(agent, connection, why);
}

void executor_call_handle(struct agent *agent, struct connection_id connection,
                          const struct executor_call *call) {
    struct executor *executor = caller(agent, call);
    struct executor *bound = map_get(&agent->connections, connection.value);
    if (call->kind == EXECUTOR_CALL_HEARTBEAT)
        return;
    if (executor == NULL || (bound != NULL && bound != executor))
        return refuse(agent, connection, TEXT("no such executor on this agent"));
    if (call->kind == EXECUTOR_CALL_SUBSCRIBE)
        return subscribe(agent, executor, connection, call);
    if (bound == NULL)
        return refuse(agent, connection, TEXT("the executor is not subscribed here"));
    switch (call->kind) {
    case EXECUTOR_CALL_UPDATE: return handle_update(agent, executor, &call->update);
    case EXECUTOR_CALL_MESSAGE: return pass_message(agent, executor, call->message);
    case EXECUTOR_CALL_UNKNOWN: return complain(agent, executor, TEXT("unknown call"));
    case EXECUTOR_CALL_SUBSCRIBE:
    case EXECUTOR_CALL_HEARTBEAT: return;
    }
}

void executor_closed(struct agent *agent, struct connection_id connection) {
    struct executor *executor = map_remove(&agent->connections, connection.value);
    if (executor == NULL)
        return;
    executor->connection = (struct connection_id){0};
    effect_note(agent, AGENT_NOTE_INFO, "executor_disconnected", "executor=%.*s",
                TEXT_ARGS(executor->info.id.text));
}
