/*
 * One switch for each sort of connection; none has a default, so a new call does not compile
 * unanswered.
 */
#include "master/core/calls.h"

#include "master/core/accept.h"
#include "master/core/agent_book.h"
#include "master/core/demand_book.h"
#include "master/core/drain.h"
#include "master/core/emit.h"
#include "master/core/executor_book.h"
#include "master/core/framework_book.h"
#include "master/core/inverse_book.h"
#include "master/core/maintenance.h"
#include "master/core/operate.h"
#include "master/core/operation_book.h"
#include "master/core/reconcile.h"
#include "master/core/role_book.h"
#include "master/core/status.h"
#include "master/core/supply.h"
#include "master/core/task_book.h"

static void drop(struct master *master, const struct framework *framework, const char *call,
                 const char *why) {
    emit_invalid(master, "call=%s framework=%.*s error=\"%s\"", call,
                 TEXT_ARGS(framework->info.id.text), why);
}

/* --- frameworks --- */

static void tear_down(struct master *master, struct peer *peer, struct framework *framework) {
    struct text done = TEXT("Framework has been torn down");
    framework_book_remove(master, framework, "it asked for it");
    emit_end_of_framework(master, peer, done, done);
}

static void suppress(struct master *master, struct framework *framework,
                     const struct scheduler_call *call, bool is_suppressed) {
    if (!supply_suppress(master, framework, call->roles.roles, call->roles.role_count,
                         is_suppressed))
        drop(master, framework, is_suppressed ? "SUPPRESS" : "REVIVE",
             "a role is not one of the framework's");
}

/* NULL: it is not there to hear anything, and that is said. */
static struct agent *reachable(struct master *master, const struct framework *framework,
                               struct agent_id id, const char *call) {
    struct agent *agent = id.text.size > 0 ? map_get_text(&master->agents, id.text) : NULL;
    if (agent != NULL && agent->peer != NULL)
        return agent;
    drop(master, framework, call, "the agent is not connected");
    return NULL;
}

static void shut_down_executor(struct master *master, struct framework *framework,
                               const struct scheduler_call *call) {
    struct agent *agent = reachable(master, framework, call->shutdown.agent, "SHUTDOWN");
    if (agent == NULL)
        return;
    struct master_message message = {
        .kind = MASTER_MESSAGE_SHUTDOWN_EXECUTOR,
        .executor = {framework->info.id, call->shutdown.executor, {0}},
    };
    emit_to_agent(master, agent, message);
}

static void send_message(struct master *master, struct framework *framework,
                         const struct scheduler_call *call) {
    struct agent *agent = reachable(master, framework, call->message.agent, "MESSAGE");
    if (agent == NULL)
        return;
    struct master_message message = {
        .kind = MASTER_MESSAGE_FRAMEWORK_MESSAGE,
        .executor = {framework->info.id, call->message.executor, call->message.data},
    };
    emit_to_agent(master, agent, message);
}

static void dispatch(struct master *master, struct peer *peer, struct framework *framework,
                     const struct scheduler_call *call) {
    switch (call->kind) {
    case SCHEDULER_CALL_SUBSCRIBE: return;
    case SCHEDULER_CALL_TEARDOWN: tear_down(master, peer, framework); return;
    case SCHEDULER_CALL_ACCEPT: accept_offers(master, framework, call); return;
    case SCHEDULER_CALL_DECLINE: accept_decline(master, framework, call); return;
    case SCHEDULER_CALL_REVIVE: suppress(master, framework, call, false); return;
    case SCHEDULER_CALL_SUPPRESS: suppress(master, framework, call, true); return;
    case SCHEDULER_CALL_KILL: reconcile_kill(master, framework, call); return;
    case SCHEDULER_CALL_SHUTDOWN: shut_down_executor(master, framework, call); return;
    case SCHEDULER_CALL_ACKNOWLEDGE: status_acknowledge(master, framework, call); return;
    case SCHEDULER_CALL_RECONCILE: reconcile_tasks(master, framework, call); return;
    case SCHEDULER_CALL_MESSAGE: send_message(master, framework, call); return;
    case SCHEDULER_CALL_REQUEST: demand_book_request(master, framework, call); return;
    case SCHEDULER_CALL_UPDATE_FRAMEWORK: framework_book_update(master, framework, call); return;
    case SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS:
    case SCHEDULER_CALL_DECLINE_INVERSE_OFFERS:
        inverse_book_answer(master, framework, call);
        return;
    case SCHEDULER_CALL_ACKNOWLEDGE_OPERATION_STATUS:
        drop(master, framework, "ACKNOWLEDGE_OPERATION_STATUS",
             "statuses of operations have no uuid and are not acknowledged");
        return;
    case SCHEDULER_CALL_RECONCILE_OPERATIONS:
        operation_book_reconcile(master, framework, call);
        return;
    case SCHEDULER_CALL_UNKNOWN: break;
    }
    drop(master, framework, "UNKNOWN", "unknown call");
}

static void refuse(struct master *master, struct peer *peer, const char *why) {
    emit_invalid(master, "connection=%llu error=\"%s\"", (unsigned long long)peer->connection.value,
                 why);
    emit_to_scheduler(master, peer,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_ERROR,
                                               .error = lend(master, text_of(why))});
    emit_close(master, peer, text_of(why));
}

void calls_scheduler(struct master *master, struct peer *peer, const struct scheduler_call *call) {
    if (call->kind == SCHEDULER_CALL_SUBSCRIBE) {
        framework_book_subscribe(master, peer, call);
        return;
    }
    struct framework *framework = peer->framework;
    if (framework == NULL) {
        refuse(master, peer, "Framework is not subscribed");
        return;
    }
    if (call->framework.text.size > 0 && !framework_id_equal(call->framework, framework->info.id)) {
        drop(master, framework, "ANY", "'framework_id' is not this connection's framework");
        return;
    }
    dispatch(master, peer, framework, call);
}

/* --- agents --- */

static void executor_exited(struct master *master, struct agent *agent,
                            const struct agent_message *message) {
    struct framework_id id = message->executor_exited.framework;
    struct framework *framework =
        id.text.size > 0 ? map_get_text(&master->frameworks, id.text) : NULL;
    if (framework == NULL)
        return;
    struct executor_id executor_id = message->executor_exited.executor;
    struct executor *executor = executor_book_find(master, agent, framework, executor_id);
    if (executor != NULL)
        executor_book_remove(master, executor);
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_FAILURE,
        .failure = {agent->info.id, executor_id, true, message->executor_exited.status},
    };
    emit_to_framework(master, framework, event);
}

static void framework_message(struct master *master, struct agent *agent,
                              const struct agent_message *message) {
    struct framework_id id = message->framework_message.framework;
    struct framework *framework =
        id.text.size > 0 ? map_get_text(&master->frameworks, id.text) : NULL;
    if (framework == NULL)
        return;
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_MESSAGE,
        .message = {agent->info.id, message->framework_message.executor,
                    message->framework_message.data},
    };
    emit_to_framework(master, framework, event);
}

void calls_agent(struct master *master, struct peer *peer, const struct agent_message *message) {
    struct agent *agent = peer->agent;
    if (agent == NULL && message->kind != AGENT_MESSAGE_REGISTER) {
        emit_invalid(master, "connection=%llu error=\"agent message before REGISTER\"",
                     (unsigned long long)peer->connection.value);
        emit_refusal(master, peer, TEXT("REGISTER must come first"), false);
        emit_close(master, peer, TEXT("REGISTER must come first"));
        return;
    }
    switch (message->kind) {
    case AGENT_MESSAGE_REGISTER: agent_book_register(master, peer, message); return;
    case AGENT_MESSAGE_UNREGISTER: agent_book_unregister(master, agent); return;
    case AGENT_MESSAGE_PONG: agent_book_pong(master, agent, message->echo_ms); return;
    case AGENT_MESSAGE_UPDATE: status_update(master, peer, message); return;
    case AGENT_MESSAGE_EXECUTOR_EXITED: executor_exited(master, agent, message); return;
    case AGENT_MESSAGE_FRAMEWORK_MESSAGE: framework_message(master, agent, message); return;
    case AGENT_MESSAGE_RESOURCES: agent_book_set_total(master, agent, message->resources); return;
    case AGENT_MESSAGE_OPERATION: operation_book_answer(master, agent, message); return;
    }
    emit_invalid(master, "agent=%.*s error=\"unknown message\"", TEXT_ARGS(agent->info.id.text));
}

/* --- operators --- */

static void tear_down_by_operator(struct master *master, uint64_t request,
                                  const struct operator_call *call) {
    struct framework *framework = framework_book_find(master, call->framework);
    if (framework == NULL || framework->state == FRAMEWORK_COMPLETED) {
        emit_answer(master, request, 400, TEXT("No framework found with specified ID"));
        return;
    }
    struct peer *peer = framework->peer;
    framework_book_remove(master, framework, "an operator asked for it");
    if (peer != NULL)
        emit_end_of_framework(master, peer, TEXT("Framework has been removed"),
                              TEXT("Framework has been torn down"));
    emit_removed(master, request);
}

/* The framework may be left out when one task alone has the id. */
static struct task *find_task(struct master *master, const struct operator_call *call,
                              size_t *count) {
    struct task *found = NULL;
    *count = 0;
    MAP_EACH(entry, &master->frameworks) {
        struct framework *framework = map_value(entry);
        if (call->framework.text.size > 0 &&
            !framework_id_equal(call->framework, framework->info.id))
            continue;
        struct task *task = task_book_find(framework, call->task);
        if (task != NULL) {
            found = task;
            ++*count;
        }
    }
    return found;
}

static void kill_by_operator(struct master *master, uint64_t request,
                             const struct operator_call *call) {
    size_t count;
    struct task *task = find_task(master, call, &count);
    if (count == 0) {
        emit_answer(master, request, 404, TEXT("No such task is active"));
    } else if (count > 1) {
        emit_answer(master, request, 400,
                    TEXT("More than one framework has such a task: name one"));
    } else if (call->has_grace && call->grace_ns < 0) {
        emit_answer(master, request, 400, TEXT("The grace period is negative"));
    } else {
        reconcile_kill_task(master, task, call->has_grace, call->grace_ns, true);
        emit_answer(master, request, 202, (struct text){0});
    }
}

void calls_operator(struct master *master, uint64_t request, const struct operator_call *call) {
    switch (call->kind) {
    case OPERATOR_TEARDOWN: tear_down_by_operator(master, request, call); return;
    case OPERATOR_KILL_TASK: kill_by_operator(master, request, call); return;
    case OPERATOR_UPDATE_WEIGHTS: role_book_update_weights(master, request, call); return;
    case OPERATOR_UPDATE_QUOTA: role_book_update_quota(master, request, call); return;
    case OPERATOR_OPERATION: operate_by_operator(master, request, call); return;
    case OPERATOR_DRAIN_AGENT:
    case OPERATOR_DEACTIVATE_AGENT:
    case OPERATOR_REACTIVATE_AGENT:
    case OPERATOR_MARK_AGENT_GONE: drain_by_operator(master, request, call); return;
    case OPERATOR_UPDATE_MAINTENANCE:
    case OPERATOR_START_MAINTENANCE:
    case OPERATOR_STOP_MAINTENANCE: maintenance_by_operator(master, request, call); return;
    }
    emit_answer(master, request, 400, TEXT("Unknown call"));
}
