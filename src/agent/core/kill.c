/*
 * Killing: SIGTERM, a grace, then everything in the container goes. The order is stored before it
 * is carried out, so that it outlives a restart. A second order may shorten the time that is left,
 * never lengthen it.
 */
#include "agent/core/parts.h"

#include <signal.h>

static int64_t grace_said(const struct agent *agent, const struct task *task,
                          const struct kill_order *order) {
    if (order != NULL && order->has_grace)
        return order->grace_ms > 0 ? order->grace_ms : 0;
    if (task->info.has_kill_grace)
        return task->info.kill_grace_ns / 1000000;
    return agent->options.kill_grace_ms;
}

/* No task outlasts the drain of its agent. */
static int64_t grace_of(const struct agent *agent, const struct task *task,
                        const struct kill_order *order) {
    int64_t grace_ms = grace_said(agent, task, order), left_ms = drain_left_ms(agent);
    return grace_ms < left_ms ? grace_ms : left_ms;
}

static void set_grace(struct agent *agent, struct task *task, int64_t grace_ms) {
    int64_t deadline_ms;
    if (__builtin_add_overflow(agent->now_ms, grace_ms, &deadline_ms))
        deadline_ms = INT64_MAX;
    if (heap_holds(&task->kill_timer.node) && deadline_ms >= task->kill_deadline_ms)
        return;
    task->kill_deadline_ms = deadline_ms;
    timer_set(agent, &task->kill_timer, grace_ms);
}

static void say_killing(struct agent *agent, struct task *task) {
    if (!framework_can(&task->framework->info, FRAMEWORK_TASK_KILLING_STATE) ||
        task->state == TASK_STATE_KILLING || task->framework->is_stopping)
        return;
    task_report(agent, task,
                (struct status_of){.state = TASK_STATE_KILLING, .reason = TASK_REASON_NONE});
}

static void kill_command(struct agent *agent, struct task *task, const struct kill_order *order,
                         bool is_first) {
    timer_cancel(agent, &task->completion_timer);
    if (!task->started) {
        if (is_first)
            effect_container(agent, AGENT_EFFECT_DESTROY, task->container, SIGKILL,
                             store_ticket(agent));
        return;
    }
    if (is_first) {
        say_killing(agent, task);
        effect_container(agent, AGENT_EFFECT_SIGNAL, task->container, SIGTERM, store_ticket(agent));
    }
    set_grace(agent, task, grace_of(agent, task, order));
}

static void send_kill(struct agent *agent, const struct task *task, const struct kill_order *order,
                      uint64_t after) {
    struct executor_event event = {.kind = EXECUTOR_EVENT_KILL};
    event.kill.task = task->id;
    if ((order != NULL && order->has_grace) || drain_has_deadline(agent)) {
        event.kill.has_grace = true;
        event.kill.grace_ns = grace_of(agent, task, order) * 1000000;
    }
    executor_event(agent, task->executor, &event, after);
}

/* An executor that nothing but this task kept is ended too. */
static void kill_queued(struct agent *agent, struct task *task) {
    struct executor *executor = task->executor;
    task_report(agent, task,
                (struct status_of){.state = TASK_STATE_KILLED,
                                   .reason = TASK_REASON_TASK_KILLED_DURING_LAUNCH,
                                   .message = TEXT("Killed before its executor had it")});
    if (list_is_empty(&executor->tasks))
        executor_shutdown(agent, executor, TASK_REASON_EXECUTOR_TERMINATED,
                          "The executor has nothing to do");
}

/* One that is not there cannot be asked for longer than the grace; one that is there has the
 * drain's deadline, and a moment to say so. */
static void watch_executor(struct agent *agent, struct task *task, const struct kill_order *order) {
    if (task->executor->connection.value == 0)
        set_grace(agent, task, grace_of(agent, task, order));
    else if (drain_has_deadline(agent))
        set_grace(agent, task, drain_left_ms(agent) + agent->options.executor_shutdown_grace_ms);
    else if (partition_has_killed(task))
        set_grace(agent, task, grace_of(agent, task, order));
}

static void kill_in_executor(struct agent *agent, struct task *task, const struct kill_order *order,
                             bool is_first) {
    if (task->executor == NULL)
        return;
    if (!task->is_delivered)
        return kill_queued(agent, task);
    send_kill(agent, task, order, is_first ? store_ticket(agent) : agent->last_ticket);
    watch_executor(agent, task, order);
}

void kill_task(struct agent *agent, struct task *task, const struct kill_order *order) {
    if (task->is_unknown || task->ended)
        return;
    bool is_first = !task->kill_wanted;
    if (is_first) {
        task->kill_wanted = true;
        task->killed_by = arena_text(task->arena, order->by);
        task_store(agent, task);
    }
    if (task->is_command)
        kill_command(agent, task, order, is_first);
    else
        kill_in_executor(agent, task, order, is_first);
}

void kill_resume(struct agent *agent, struct task *task) {
    if (!task->is_command) {
        timer_cancel(agent, &task->kill_timer);
        send_kill(agent, task, NULL, task->ticket);
        return watch_executor(agent, task, NULL);
    }
    effect_container(agent, AGENT_EFFECT_SIGNAL, task->container, SIGTERM, 0);
    set_grace(agent, task, grace_of(agent, task, NULL));
}

void kill_fired(struct agent *agent, struct task *task) {
    if (task->is_command) {
        effect_note(agent, AGENT_NOTE_INFO, "kill_escalated", "task=%.*s",
                    TEXT_ARGS(task->id.text));
        return effect_container(agent, AGENT_EFFECT_DESTROY, task->container, SIGKILL, 0);
    }
    if (task->executor == NULL)
        return;
    if (task->executor->connection.value != 0 && drain_has_deadline(agent))
        executor_destroy(agent, task->executor, TASK_REASON_AGENT_DRAINING,
                         "The executor has not ended a task before the drain's deadline");
    else if (partition_has_killed(task))
        executor_destroy(agent, task->executor, TASK_REASON_AGENT_DISCONNECTED,
                         "The executor has not ended a task that must not be without a master");
    else if (task->executor->connection.value == 0)
        executor_destroy(agent, task->executor, TASK_REASON_EXECUTOR_TERMINATED,
                         "The executor was not there to kill a task");
}

void kill_completion_fired(struct agent *agent, struct task *task) {
    struct kill_order order = {.by = TEXT("agent")};
    kill_task(agent, task, &order);
}
