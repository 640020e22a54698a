/*
 * The first rule that fits answers (mesos-semantics.md, section 9). Silence is an answer too: an
 * agent that the registry knows and that is not back yet may have the task.
 */
#include "master/core/reconcile.h"

#include "master/core/emit.h"
#include "master/core/old_book.h"
#include "master/core/status.h"
#include "master/core/task_book.h"

static void tell_known(struct master *master, struct framework *framework,
                       const struct task *task) {
    struct task_status status =
        status_make(master, task->id, task->status_state, TASK_REASON_RECONCILIATION,
                    TEXT("Reconciliation: Latest task state"));
    status.agent = task->agent_id;
    status.executor = task->executor;
    status_send(master, framework, &status);
}

/* False: nothing can be said yet. */
static bool state_by_agent(const struct master *master, struct agent_id id,
                           struct task_status *status) {
    status->state = TASK_STATE_UNKNOWN;
    status->message = TEXT("Reconciliation: Task is unknown");
    if (id.text.size == 0)
        return master->agents_by_state[AGENT_RECOVERED] == 0;
    if (old_book_is_gone(master, id.text)) {
        status->state = TASK_STATE_GONE_BY_OPERATOR;
        status->message = TEXT("Reconciliation: Task is gone");
        return true;
    }
    const struct agent *agent = map_get_text(&master->agents, id.text);
    if (agent == NULL)
        return true;
    switch (agent->state) {
    case AGENT_RECOVERED: return false;
    case AGENT_ADMITTING:
    case AGENT_REGISTERED:
    case AGENT_LEAVING:
        status->state = TASK_STATE_GONE;
        status->message = TEXT("Reconciliation: Task is unknown to the agent");
        return true;
    case AGENT_UNREACHABLE:
        status->state = TASK_STATE_UNREACHABLE;
        status->message = TEXT("Reconciliation: Task is unreachable");
        status->unreachable_time_ns = agent->unreachable_ns;
        return true;
    }
    return true;
}

static void reconcile_one(struct master *master, struct framework *framework,
                          struct task_reference reference) {
    const struct task *task = task_book_find(framework, reference.task);
    if (task != NULL) {
        tell_known(master, framework, task);
        return;
    }
    struct task_status status = status_make(master, reference.task, TASK_STATE_UNKNOWN,
                                            TASK_REASON_RECONCILIATION, (struct text){0});
    if (!state_by_agent(master, reference.agent, &status))
        return;
    status.state = status_word(framework, status.state);
    status.agent = reference.agent;
    status_send(master, framework, &status);
}

void reconcile_tasks(struct master *master, struct framework *framework,
                     const struct scheduler_call *call) {
    for (size_t i = 0; i < call->reconcile.task_count; i++)
        reconcile_one(master, framework, call->reconcile.tasks[i]);
    if (call->reconcile.task_count > 0)
        return;
    MAP_EACH(entry, &framework->tasks)
        tell_known(master, framework, map_value(entry));
}

static void send_kill(struct master *master, const struct task *task) {
    struct master_message message = {
        .kind = MASTER_MESSAGE_KILL_TASK,
        .kill_task = {task->framework->info.id, task->id, task->kill_has_grace, task->kill_grace_ns,
                      task->kill_by_operator},
    };
    emit_to_agent(master, task->agent, message);
}

void reconcile_kill_task(struct master *master, struct task *task, bool has_grace, int64_t grace_ns,
                         bool by_operator) {
    if (task_state_is_terminal(task->state))
        return;
    task->kill_wanted = true;
    task->kill_has_grace = has_grace;
    task->kill_grace_ns = grace_ns;
    task->kill_by_operator = by_operator;
    send_kill(master, task);
}

void reconcile_repeat_kills(struct master *master, struct agent *agent) {
    LIST_EACH(link, &agent->tasks) {
        const struct task *task = CONTAINER_OF(link, struct task, by_agent);
        if (task->kill_wanted && !task_state_is_terminal(task->state))
            send_kill(master, task);
    }
}

void reconcile_kill(struct master *master, struct framework *framework,
                    const struct scheduler_call *call) {
    struct task *task = task_book_find(framework, call->kill.task);
    struct agent_id agent = call->kill.agent;
    if (call->kill.has_grace && call->kill.grace_ns < 0) {
        emit_invalid(master,
                     "call=KILL framework=%.*s task=%.*s error=\"grace period is negative\"",
                     TEXT_ARGS(framework->info.id.text), TEXT_ARGS(call->kill.task.text));
        return;
    }
    if (task == NULL) {
        reconcile_one(master, framework, (struct task_reference){call->kill.task, agent});
        return;
    }
    if (agent.text.size > 0 && !agent_id_equal(agent, task->agent_id)) {
        emit_invalid(master,
                     "call=KILL framework=%.*s task=%.*s error=\"it is on agent %.*s, not %.*s\"",
                     TEXT_ARGS(framework->info.id.text), TEXT_ARGS(task->id.text),
                     TEXT_ARGS(task->agent_id.text), TEXT_ARGS(agent.text));
        return;
    }
    reconcile_kill_task(master, task, call->kill.has_grace, call->kill.grace_ns, false);
}
