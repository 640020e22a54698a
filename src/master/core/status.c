/*
 * The hot path: an update costs three look-ups and one copy for the history, and is forwarded with
 * the bytes it came in.
 */
#include "master/core/status.h"

#include "master/core/emit.h"
#include "master/core/task_book.h"

struct task_status status_make(const struct master *master, struct task_id task,
                               enum task_state state, enum task_reason reason,
                               struct text message) {
    return (struct task_status){
        .task = task,
        .state = state,
        .has_source = true,
        .source = TASK_SOURCE_MASTER,
        .has_reason = reason != TASK_REASON_NONE,
        .reason = reason,
        .message = message,
        .timestamp_ns = master->wall_ns,
    };
}

void status_send(struct master *master, struct framework *framework,
                 const struct task_status *status) {
    emit_to_framework(master, framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_UPDATE, .update = *status});
}

void status_say(struct master *master, struct task *task, const struct task_status *status) {
    if (!task_book_move(master, task, status->state))
        emit_note(master, NOTE_ERROR, "task_move_illegal", "task=%.*s from=%s to=%s",
                  TEXT_ARGS(task->id.text), task_state_name(task->state),
                  task_state_name(status->state));
    task->status_state = status->state;
    task_book_record(task, status);
}

void status_say_removed(struct master *master, struct task *task) {
    struct task_status status =
        status_make(master, task->id, TASK_STATE_KILLED, TASK_REASON_FRAMEWORK_REMOVED,
                    TEXT("Framework has been removed"));
    status_say(master, task, &status);
}

enum task_state status_word(const struct framework *framework, enum task_state state) {
    return framework_can(&framework->info, FRAMEWORK_PARTITION_AWARE) ? state : TASK_STATE_LOST;
}

/* An agent says of every framework what it has, when it registers; what comes later of one that is
 * not known belongs to a framework that is removed. */
static struct framework *framework_of(struct master *master, struct agent *agent,
                                      struct framework_id id) {
    struct framework *framework = map_get_text(&master->frameworks, id.text);
    if (framework != NULL)
        return framework;
    emit_note(master, NOTE_DEBUG, "status_of_removed_framework", "framework=%.*s agent=%.*s",
              TEXT_ARGS(id.text), TEXT_ARGS(agent->info.id.text));
    emit_shutdown_framework(master, agent, id);
    return NULL;
}

static void apply(struct master *master, struct task *task, const struct agent_message *message) {
    const struct task_status *status = &message->update.status;
    if (!task_book_move(master, task, message->update.latest_state))
        emit_note(master, NOTE_WARNING, "status_out_of_order", "task=%.*s from=%s to=%s",
                  TEXT_ARGS(task->id.text), task_state_name(task->state),
                  task_state_name(message->update.latest_state));
    task->status_state = status->state;
    task->has_sent_uuid = status->has_uuid;
    task->sent_uuid = status->uuid;
    task_book_record(task, status);
}

static bool has_states(const struct agent_message *message) {
    return (size_t)message->update.latest_state < TASK_STATE_COUNT &&
           (size_t)message->update.status.state < TASK_STATE_COUNT;
}

void status_update(struct master *master, struct peer *peer, const struct agent_message *message) {
    struct agent *agent = peer->agent;
    const struct task_status *status = &message->update.status;
    struct framework_id id = message->update.framework;
    if (id.text.size == 0 || status->task.text.size == 0 || !has_states(message)) {
        emit_invalid(master,
                     "call=UPDATE agent=%.*s error=\"no framework or task id, or no state\"",
                     TEXT_ARGS(agent->info.id.text));
        return;
    }
    struct framework *framework = framework_of(master, agent, id);
    if (framework == NULL)
        return;
    struct task *task = task_book_find(framework, status->task);
    if (task != NULL && task->agent != agent) {
        emit_invalid(master, "call=UPDATE task=%.*s agent=%.*s error=\"the task is on agent %.*s\"",
                     TEXT_ARGS(status->task.text), TEXT_ARGS(agent->info.id.text),
                     TEXT_ARGS(task->agent_id.text));
        return;
    }
    if (task != NULL)
        apply(master, task, message);
    /* Also of a task that is not known: its acknowledgement ends the agent's retries. */
    emit_to_framework(master, framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_UPDATE, .update = *status});
}

/* Whether what is acknowledged is what was forwarded last. */
static bool acknowledges(const struct task *task, const struct agent *agent, struct uuid uuid) {
    return task->agent == agent && task->has_sent_uuid && uuid_equal(task->sent_uuid, uuid);
}

static void drop_acknowledge(struct master *master, const struct scheduler_call *call,
                             const char *why) {
    emit_note(master, NOTE_DEBUG, "acknowledge_dropped", "task=%.*s agent=%.*s reason=\"%s\"",
              TEXT_ARGS(call->acknowledge.task.text), TEXT_ARGS(call->acknowledge.agent.text), why);
}

void status_acknowledge(struct master *master, struct framework *framework,
                        const struct scheduler_call *call) {
    struct uuid uuid;
    struct task_id id = call->acknowledge.task;
    if (!uuid_from_bytes(call->acknowledge.uuid, &uuid)) {
        emit_invalid(
            master, "call=ACKNOWLEDGE framework=%.*s task=%.*s error=\"uuid is %zu bytes, not 16\"",
            TEXT_ARGS(framework->info.id.text), TEXT_ARGS(id.text), call->acknowledge.uuid.size);
        return;
    }
    struct text agent_id = call->acknowledge.agent.text;
    struct agent *agent = agent_id.size > 0 ? map_get_text(&master->agents, agent_id) : NULL;
    if (agent == NULL || agent->peer == NULL) {
        drop_acknowledge(master, call, "agent not connected");
        return;
    }
    struct task *task = task_book_find(framework, id);
    if (task != NULL && !acknowledges(task, agent, uuid)) {
        drop_acknowledge(master, call, "not the status that was sent last");
        return;
    }
    struct master_message message = {
        .kind = MASTER_MESSAGE_ACKNOWLEDGE,
        .acknowledge = {framework->info.id, id, uuid},
    };
    emit_to_agent(master, agent, message);
    if (task == NULL)
        return;
    task->has_sent_uuid = false;
    if (task_state_is_terminal(task->status_state))
        task_book_complete(master, task);
}
