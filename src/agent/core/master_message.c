/*
 * What the master says. Before it has answered the registration nothing else of it counts.
 */
#include "agent/core/parts.h"

static void pong(struct agent *agent) {
    effect_add(agent, AGENT_EFFECT_SEND_MASTER)->master.kind = AGENT_MESSAGE_PONG;
}

static void handle_kill(struct agent *agent, const struct master_message *message) {
    struct framework_id framework = message->kill_task.framework;
    struct task_id id = message->kill_task.task;
    struct task *task = task_find(agent, framework, id);
    if (task == NULL && id_is_valid(framework.text, NULL) && id_is_valid(id.text, NULL))
        return task_answer_unknown(agent, framework, id, TASK_REASON_RECONCILIATION,
                                   TEXT("The agent does not know this task"));
    if (task == NULL)
        return;
    struct kill_order order = {
        .has_grace = message->kill_task.has_grace,
        .grace_ms = message->kill_task.grace_ns / 1000000,
        .by = message->kill_task.by_operator ? TEXT("operator") : TEXT("framework"),
    };
    kill_task(agent, task, &order);
}

static void handle_acknowledge(struct agent *agent, const struct master_message *message) {
    struct task *task = task_find(agent, message->acknowledge.framework, message->acknowledge.task);
    if (task != NULL)
        return stream_acknowledge(agent, task, message->acknowledge.uuid);
    effect_note(agent, AGENT_NOTE_DEBUG, "acknowledgement_ignored",
                "task=%.*s why=\"no such task\"",
                TEXT_ARGS(text_cut(message->acknowledge.task.text, ID_BYTES_LIMIT)));
}

static void handle_reconcile(struct agent *agent, const struct master_message *message) {
    for (size_t i = 0; i < message->reconcile.task_count; i++) {
        const struct task_key *key = &message->reconcile.tasks[i];
        if (task_find(agent, key->framework, key->task) == NULL &&
            id_is_valid(key->framework.text, NULL) && id_is_valid(key->task.text, NULL))
            task_answer_unknown(agent, key->framework, key->task, TASK_REASON_RECONCILIATION,
                                TEXT("Reconciliation: task unknown to the agent"));
    }
}

/* It has just come back, perhaps at another master: what waits for it need not wait for its retry.
 */
static void handle_update_framework(struct agent *agent, const struct framework_report *report) {
    struct framework *framework = framework_find(agent, report->id);
    if (framework == NULL)
        return;
    struct error error = {0};
    if (!framework_replace_info(agent, framework, report->info, &error)) {
        effect_note(agent, AGENT_NOTE_ERROR, "framework_unreadable", "why=\"%s\"", error.message);
        return;
    }
    if (framework->is_stored)
        framework_store(agent, framework);
    MAP_EACH(place, &framework->tasks)
        stream_resend(agent, map_value(place));
}

static struct executor *executor_of(struct agent *agent, const struct master_message *message) {
    const struct framework *framework = framework_find(agent, message->executor.framework);
    struct executor *executor =
        framework != NULL ? executor_find(framework, message->executor.executor) : NULL;
    if (executor == NULL)
        effect_note(agent, AGENT_NOTE_WARNING, "executor_unknown", "executor=%.*s",
                    TEXT_ARGS(text_cut(message->executor.executor.text, ID_BYTES_LIMIT)));
    return executor;
}

static void pass_message(struct agent *agent, const struct executor *executor, struct text data) {
    if (executor->state != EXECUTOR_RUNNING || executor->connection.value == 0 ||
        data.size > AGENT_MESSAGE_BYTES_LIMIT) {
        effect_note(agent, AGENT_NOTE_WARNING, "message_dropped", "executor=%.*s bytes=%zu",
                    TEXT_ARGS(executor->info.id.text), data.size);
        return;
    }
    executor_event(agent, executor,
                   &(struct executor_event){.kind = EXECUTOR_EVENT_MESSAGE, .message = data}, 0);
}

static void handle_registered(struct agent *agent, const struct master_message *message) {
    struct framework *framework;
    struct executor *executor;
    switch (message->kind) {
    case MASTER_MESSAGE_REGISTERED:
    case MASTER_MESSAGE_REFUSED:
    case MASTER_MESSAGE_PING: return;
    case MASTER_MESSAGE_RUN_TASK: return task_run(agent, message);
    case MASTER_MESSAGE_KILL_TASK: return handle_kill(agent, message);
    case MASTER_MESSAGE_ACKNOWLEDGE: return handle_acknowledge(agent, message);
    case MASTER_MESSAGE_SHUTDOWN_FRAMEWORK:
        framework = framework_find(agent, message->shutdown_framework);
        return framework != NULL ? framework_shutdown(agent, framework) : (void)0;
    case MASTER_MESSAGE_SHUTDOWN_EXECUTOR:
        executor = executor_of(agent, message);
        return executor != NULL
                   ? executor_shutdown(agent, executor, TASK_REASON_EXECUTOR_TERMINATED,
                                       "Its executor was shut down")
                   : (void)0;
    case MASTER_MESSAGE_FRAMEWORK_MESSAGE:
        executor = executor_of(agent, message);
        return executor != NULL ? pass_message(agent, executor, message->executor.data) : (void)0;
    case MASTER_MESSAGE_UPDATE_FRAMEWORK:
        return handle_update_framework(agent, &message->update_framework);
    case MASTER_MESSAGE_RECONCILE: return handle_reconcile(agent, message);
    case MASTER_MESSAGE_APPLY: return operation_apply(agent, message);
    case MASTER_MESSAGE_DRAIN: return drain_begin(agent, &message->drain);
    }
}

void master_message_handle(struct agent *agent, const struct master_message *message) {
    bool is_asked = agent->registration == REGISTRATION_ASKED;
    if (message->kind == MASTER_MESSAGE_REGISTERED || message->kind == MASTER_MESSAGE_REFUSED) {
        if (is_asked || registration_is_done(agent))
            registration_answered(agent, message);
        return registration_heard(agent);
    }
    registration_heard(agent);
    if (message->kind == MASTER_MESSAGE_PING && message->echo_ms != 0)
        return partition_answered(agent, message->echo_ms);
    if (message->kind == MASTER_MESSAGE_PING && (is_asked || registration_is_done(agent)))
        return pong(agent);
    if (registration_is_done(agent))
        return handle_registered(agent, message);
    effect_note(agent, AGENT_NOTE_WARNING, "message_ignored", "kind=%d why=\"not registered\"",
                (int)message->kind);
}
