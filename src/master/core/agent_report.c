/*
 * A report is complete: what the master has and the report lacks is asked for (tasks) or gone
 * (executors).
 */
#include "master/core/agent_report.h"

#include "master/core/emit.h"
#include "master/core/executor_book.h"
#include "master/core/framework_book.h"
#include "master/core/reconcile.h"
#include "master/core/status.h"
#include "master/core/task_book.h"
#include "master/core/usage.h"

#include "common/model/roles.h"

static bool check_id(const char *what, struct text id, struct error *why) {
    const char *reason;
    if (!id_is_valid(id, &reason))
        return fail(why, ERROR_INVALID, "a reported %s id %s", what, reason);
    return true;
}

/* UNREACHABLE and UNKNOWN are words of masters. */
static bool is_of_agent(enum task_state state) {
    return (size_t)state < TASK_STATE_COUNT && state != TASK_STATE_UNREACHABLE &&
           state != TASK_STATE_UNKNOWN;
}

/* Empty: it is not said. */
static bool check_role(const char *what, struct text id, struct text role, struct error *why) {
    const char *reason;
    return role.size == 0 || role_is_valid(role, &reason) ||
           fail(why, ERROR_INVALID, "the role of reported %s %.*s %s", what, TEXT_ARGS(id), reason);
}

static bool check_task(const struct task_report *task, struct error *why) {
    if (!check_id("framework", task->framework.text, why) || !check_id("task", task->id.text, why))
        return false;
    if (task->executor.text.size > 0 && !check_id("executor", task->executor.text, why))
        return false;
    if (!check_role("task", task->id.text, task->role, why))
        return false;
    if (!is_of_agent(task->latest_state) || !is_of_agent(task->sent_state))
        return fail(why, ERROR_INVALID, "reported task %.*s has a state that no agent knows",
                    TEXT_ARGS(task->id.text));
    return true;
}

bool agent_report_check(const struct agent_message *message, struct error *why) {
    for (size_t i = 0; i < message->register_agent.framework_count; i++)
        if (!check_id("framework", message->register_agent.frameworks[i].id.text, why))
            return false;
    for (size_t i = 0; i < message->register_agent.executor_count; i++) {
        const struct executor_report *executor = &message->register_agent.executors[i];
        if (!check_id("framework", executor->framework.text, why) ||
            !check_id("executor", executor->id.text, why) ||
            !check_role("executor", executor->id.text, executor->role, why))
            return false;
    }
    for (size_t i = 0; i < message->register_agent.task_count; i++)
        if (!check_task(&message->register_agent.tasks[i], why))
            return false;
    return true;
}

static void take_framework(struct master *master, struct agent *agent,
                           const struct framework_report *report) {
    struct framework *framework = framework_book_find(master, report->id);
    if (framework_book_is_completed(master, report->id)) {
        emit_shutdown_framework(master, agent, report->id);
    } else if (framework == NULL) {
        framework_book_learn(master, report->id, report->info);
    } else if (framework->state != FRAMEWORK_RECOVERED &&
               !text_equal(framework->info.encoded, report->info)) {
        struct framework_report newer = {framework->info.id, framework->info.encoded};
        emit_to_agent(master, agent,
                      (struct master_message){.kind = MASTER_MESSAGE_UPDATE_FRAMEWORK,
                                              .update_framework = newer});
    }
}

/* NULL: it was removed, and what is left of it on the agent ends. */
static struct framework *framework_of(struct master *master, struct framework_id id) {
    if (framework_book_is_completed(master, id))
        return NULL;
    struct framework *framework = framework_book_find(master, id);
    return framework != NULL ? framework : framework_book_learn(master, id, (struct text){0});
}

static void take_executor(struct master *master, struct agent *agent,
                          const struct executor_report *report) {
    struct framework *framework = framework_of(master, report->framework);
    if (framework == NULL)
        return;
    struct executor *executor = executor_book_find(master, agent, framework, report->id);
    if (executor == NULL) {
        struct user user = {framework, ROLE_ANY, agent, report->resources};
        bool has_role = report->role.size == 0 ||
                        kinds_intern_role(master->kinds, report->role, &user.role, NULL);
        if (!has_role || !usage_adopt(master, &user)) {
            emit_invalid(master, "agent=%.*s executor=%.*s error=\"too many resources\"",
                         TEXT_ARGS(agent->info.id.text), TEXT_ARGS(report->id.text));
            return;
        }
        executor = executor_book_add(master, framework, agent, user.role, report);
    }
    executor->reported = master->last_report;
}

static struct task_status status_of(const struct master *master, const struct task *task,
                                    enum task_state state, enum task_reason reason,
                                    struct text message) {
    struct task_status status = status_make(master, task->id, state, reason, message);
    status.agent = task->agent_id;
    status.executor = task->executor;
    return status;
}

/* The framework hears that a task it was told to be lost is there again. */
static void tell_return(struct master *master, struct task *task) {
    struct task_status status =
        status_of(master, task, task->status_state, TASK_REASON_AGENT_REREGISTERED,
                  TEXT("Agent has registered again"));
    task_book_record(task, &status);
    status_send(master, task->framework, &status);
}

static bool adopt_task(struct master *master, struct framework *framework, struct agent *agent,
                       const struct task_report *report) {
    if (task_state_is_terminal(report->latest_state))
        return true;
    uint32_t role = ROLE_ANY;
    if (report->role.size > 0 && !kinds_intern_role(master->kinds, report->role, &role, NULL))
        return false;
    return usage_adopt(master, &(struct user){framework, role, agent, report->resources});
}

static void refresh(struct master *master, struct task *task, const struct task_report *report) {
    if (!task_book_move(master, task, report->latest_state))
        emit_note(master, NOTE_WARNING, "report_out_of_order", "task=%.*s from=%s to=%s",
                  TEXT_ARGS(task->id.text), task_state_name(task->state),
                  task_state_name(report->latest_state));
    if (task_state_is_terminal(task->state))
        task_book_release(master, task);
    task->status_state = report->sent_state;
    task->has_sent_uuid = report->has_sent_uuid;
    task->sent_uuid = report->sent_uuid;
    task_book_tell(task, report);
}

/* NULL: it cannot be taken in, and the fault is said. */
static struct task *find_or_add(struct master *master, struct framework *framework,
                                struct agent *agent, const struct task_report *report) {
    struct task *task = task_book_find(framework, report->id);
    if (task != NULL)
        return task->agent == agent ? task : NULL;
    task = map_get_text(&framework->unreachable, report->id.text);
    if (task != NULL && agent_id_equal(task->agent_id, agent->info.id)) {
        task->reported = master->last_report;
        if (!task_book_restore(master, task, agent))
            return NULL;
        refresh(master, task, report);
        tell_return(master, task);
        return task;
    }
    if (task != NULL || !adopt_task(master, framework, agent, report))
        return NULL;
    struct task_report terms = *report;
    if (terms.role.size == 0)
        terms.role = TEXT("*");
    return task_book_add(master, framework, agent, &terms);
}

static void take_task(struct master *master, struct agent *agent,
                      const struct task_report *report) {
    struct framework *framework = framework_of(master, report->framework);
    if (framework == NULL)
        return;
    struct task *task = find_or_add(master, framework, agent, report);
    if (task == NULL) {
        emit_invalid(master, "agent=%.*s task=%.*s error=\"it is on another agent, or too large\"",
                     TEXT_ARGS(agent->info.id.text), TEXT_ARGS(report->id.text));
        return;
    }
    task->reported = master->last_report;
    refresh(master, task, report);
}

static void ask_for_missing(struct master *master, struct agent *agent) {
    VEC_OF(struct task_key) missing = {0};
    LIST_EACH(link, &agent->tasks) {
        const struct task *task = CONTAINER_OF(link, struct task, by_agent);
        if (task->reported != master->last_report)
            VEC_PUSH(&missing, (struct task_key){task->framework->info.id, task->id});
    }
    if (missing.count > 0) {
        struct task_key *keys = ARENA_ARRAY(master->out->arena, struct task_key, missing.count);
        memcpy(keys, missing.items, missing.count * sizeof(*keys));
        emit_to_agent(master, agent,
                      (struct master_message){.kind = MASTER_MESSAGE_RECONCILE,
                                              .reconcile = {keys, missing.count}});
    }
    VEC_FINI(&missing);
}

static void remove_missing_executors(struct master *master, struct agent *agent) {
    MAP_EACH(entry, &agent->executors) {
        struct executor *executor = map_value(entry);
        if (executor->reported != master->last_report)
            executor_book_remove(master, executor);
    }
}

/* --- what did not come back --- */

static void tell_gone(struct master *master, struct task *task) {
    struct task_status status = status_of(master, task, TASK_STATE_GONE, TASK_REASON_RECONCILIATION,
                                          TEXT("Agent has registered again, without the task"));
    status_say(master, task, &status);
    status_send(master, task->framework, &status);
}

static void end_left_task(struct master *master, struct task *task) {
    bool has_ended = task_state_is_terminal(task->state);
    if (!has_ended && task->framework->state == FRAMEWORK_COMPLETED)
        status_say_removed(master, task);
    else if (!has_ended)
        tell_gone(master, task);
    task_book_complete(master, task);
}

static void end_left_tasks(struct master *master, struct map *frameworks,
                           const struct agent *agent) {
    MAP_EACH(entry, frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->unreachable) {
            struct task *task = map_value(place);
            if (agent_id_equal(task->agent_id, agent->info.id) &&
                task->reported != master->last_report)
                end_left_task(master, task);
        }
    }
}

void agent_report_end_left(struct master *master, const struct agent *agent) {
    end_left_tasks(master, &master->frameworks, agent);
    end_left_tasks(master, &master->completed, agent);
}

void agent_report_apply(struct master *master, struct agent *agent,
                        const struct agent_message *message) {
    master->last_report++;
    for (size_t i = 0; i < message->register_agent.framework_count; i++)
        take_framework(master, agent, &message->register_agent.frameworks[i]);
    for (size_t i = 0; i < message->register_agent.executor_count; i++)
        take_executor(master, agent, &message->register_agent.executors[i]);
    for (size_t i = 0; i < message->register_agent.task_count; i++)
        take_task(master, agent, &message->register_agent.tasks[i]);
    remove_missing_executors(master, agent);
    ask_for_missing(master, agent);
    reconcile_repeat_kills(master, agent);
}
