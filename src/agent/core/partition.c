/*
 * Tasks that must not go on for long without a master (TASK_LABEL_STOP_AFTER), because what they
 * are may have been started again elsewhere by then. What counts is when the master was last known
 * to have heard the agent, not when it was heard: on a connection that works in one direction alone
 * it counts the agent as silent. So a PONG carries the agent's time, and the master's answer to it
 * brings that time back; a registration counts from when it was asked for.
 *
 * Times are of a clock that runs since the machine's boot, through suspension too, and that nobody
 * sets: it goes on while the agent is away, so a record of it holds after a restart.
 *
 * An agent that is away or stands still stops nothing. So the container of a command task is told
 * at each renewal until when it may go on, and its mesos-init ends it when that has passed. The
 * agent that stops a task leaves that time as it is: should it die before the task does, mesos-init
 * goes on from there.
 */
#include "agent/core/parts.h"

#include "common/base/units.h"

enum { ASK_LEAST_MS = 1000, ASK_MOST_MS = 15 * 1000 };

static const struct text order_by = {"partition", sizeof("partition") - 1};

static int64_t due_ms(const struct agent *agent, const struct task *task) {
    int64_t from_ms = agent->lease_ms > task->bound_ms ? agent->lease_ms : task->bound_ms;
    int64_t sum_ms;
    return __builtin_add_overflow(from_ms, task->info.stop_after_ms, &sum_ms) ? INT64_MAX : sum_ms;
}

int64_t partition_stop_at_ms(const struct agent *agent, const struct task *task) {
    return link_is_listed(&task->in_bound) ? due_ms(agent, task) : 0;
}

/* Behind the launch, which has the time of its own step. */
static void tell_containers(struct agent *agent) {
    LIST_EACH(at, &agent->bound) {
        const struct task *task = CONTAINER_OF(at, struct task, in_bound);
        if (!task->is_command)
            continue;
        struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_LEASE);
        effect->after = store_after(agent, task->ticket);
        effect->lease.id = task->container;
        effect->lease.stop_at_ms = due_ms(agent, task);
    }
}

static void store_lease(struct agent *agent) {
    struct agent_record record = {.kind = AGENT_RECORD_LEASE, .lease_ms = agent->lease_ms};
    store_put(agent, TEXT("lease"), &record);
}

/* Often enough that an answer or two may be late. */
static int64_t ask_interval_ms(const struct agent *agent) {
    int64_t least_ms = ASK_MOST_MS * 4;
    LIST_EACH(at, &agent->bound) {
        const struct task *task = CONTAINER_OF(at, struct task, in_bound);
        least_ms = task->info.stop_after_ms < least_ms ? task->info.stop_after_ms : least_ms;
    }
    return least_ms / 4 > ASK_LEAST_MS ? least_ms / 4 : ASK_LEAST_MS;
}

static void ask(struct agent *agent) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->master.kind = AGENT_MESSAGE_PONG;
    effect->master.echo_ms = agent->asked_ms = timer_boot_clock_ms(agent);
}

/* When the next task is to be stopped, or the master to be asked. */
static void set_timer(struct agent *agent) {
    timer_cancel(agent, &agent->partition_timer);
    if (list_is_empty(&agent->bound) || agent->recovery == RECOVERY_CONTAINERS)
        return;
    int64_t next_ms = INT64_MAX;
    if (registration_is_done(agent))
        next_ms = agent->asked_ms + ask_interval_ms(agent);
    LIST_EACH(at, &agent->bound) {
        int64_t due = due_ms(agent, CONTAINER_OF(at, struct task, in_bound));
        next_ms = due < next_ms ? due : next_ms;
    }
    if (next_ms != INT64_MAX)
        timer_set(agent, &agent->partition_timer, next_ms - timer_boot_clock_ms(agent));
}

static void bind_task(struct agent *agent, struct task *task) {
    if (task->info.stop_after_ms == 0 || link_is_listed(&task->in_bound))
        return;
    list_append(&agent->bound, &task->in_bound);
}

void partition_bind(struct agent *agent, struct task *task) {
    bool is_first = list_is_empty(&agent->bound);
    bind_task(agent, task);
    if (!link_is_listed(&task->in_bound))
        return;
    task->bound_ms = timer_boot_clock_ms(agent);
    if (is_first) { /* nobody has asked until now */
        agent->lease_ms = task->bound_ms;
        store_lease(agent);
    }
    ask(agent);
    set_timer(agent);
}

void partition_unbind(struct agent *agent, struct task *task) {
    if (!link_is_listed(&task->in_bound))
        return;
    list_remove(&task->in_bound);
    set_timer(agent);
    if (list_is_empty(&agent->bound))
        store_remove(agent, TEXT("lease"));
}

static void renew(struct agent *agent, int64_t heard_ms) {
    if (heard_ms <= agent->lease_ms || heard_ms > timer_boot_clock_ms(agent))
        return;
    agent->lease_ms = heard_ms;
    if (!list_is_empty(&agent->bound))
        store_lease(agent);
    tell_containers(agent);
    set_timer(agent);
}

void partition_register_sent(struct agent *agent) {
    agent->register_sent_ms = timer_boot_clock_ms(agent);
}

void partition_registered(struct agent *agent) {
    renew(agent, agent->register_sent_ms);
    set_timer(agent);
}

void partition_answered(struct agent *agent, int64_t echo_ms) {
    renew(agent, echo_ms);
}

/* --- after a restart --- */

/* What cannot be of this boot is as old as can be. */
void partition_restore(struct agent *agent, const struct agent_record *record) {
    agent->lease_ms = record->lease_ms <= timer_boot_clock_ms(agent) ? record->lease_ms : 0;
}

void partition_restore_task(struct agent *agent, struct task *task) {
    if (!task->ended)
        bind_task(agent, task);
}

void partition_recovered(struct agent *agent) {
    tell_containers(agent); /* an agent that died may have stored what it told nobody */
    set_timer(agent);
}

/* --- the end --- */

static void note_stop(struct agent *agent, const struct task *task, const char *by) {
    char duration[32];
    duration_format_ns(task->info.stop_after_ms * 1000000, duration);
    effect_note(agent, AGENT_NOTE_WARNING, "task_stopped",
                "task=%.*s why=\"no master for %s\" by=%s", TEXT_ARGS(task->id.text), duration, by);
}

static void stop_task(struct agent *agent, struct task *task) {
    struct kill_order order = {.by = order_by};
    note_stop(agent, task, "agent");
    partition_unbind(agent, task);
    kill_task(agent, task, &order);
}

/* An order of somebody else's that came before stays what ended it. */
void partition_was_stopped(struct agent *agent, struct task *task) {
    if (task->kill_wanted || task->info.stop_after_ms == 0)
        return;
    note_stop(agent, task, "mesos-init");
    task->kill_wanted = true;
    task->killed_by = order_by;
}

bool partition_is_over(const struct agent *agent, const struct task *task) {
    return link_is_listed(&task->in_bound) && timer_boot_clock_ms(agent) >= due_ms(agent, task);
}

void partition_stop_if_over(struct agent *agent, struct task *task) {
    if (partition_is_over(agent, task))
        stop_task(agent, task);
}

void partition_fired(struct agent *agent) {
    if (agent->recovery == RECOVERY_BEGIN || agent->recovery == RECOVERY_CONTAINERS)
        return;
    LIST_EACH(at, &agent->bound)
        partition_stop_if_over(agent, CONTAINER_OF(at, struct task, in_bound));
    if (registration_is_done(agent) && !list_is_empty(&agent->bound) &&
        timer_boot_clock_ms(agent) - agent->asked_ms >= ask_interval_ms(agent))
        ask(agent);
    set_timer(agent);
}

bool partition_has_killed(const struct task *task) {
    return task->kill_wanted && text_equal(task->killed_by, order_by);
}

void partition_label(const struct agent *agent, const struct task *task,
                     struct task_status *status) {
    char duration[32];
    if (!partition_has_killed(task) ||
        (status->state != TASK_STATE_KILLED && status->state != TASK_STATE_KILLING))
        return;
    duration_format_ns(task->info.stop_after_ms * 1000000, duration);
    status->encoded = (struct text){0};
    status->has_reason = true;
    status->reason = TASK_REASON_AGENT_DISCONNECTED;
    status->message =
        text_of(arena_printf(agent->outbox->arena,
                             "The agent had no master for %s, and the task's label says to stop "
                             "then (" TASK_LABEL_STOP_AFTER ")",
                             duration));
}
