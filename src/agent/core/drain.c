/*
 * The master wants this machine empty: every task is killed, none may take longer than the order
 * allows, and nothing new is taken until the last word about the last of them is acknowledged. The
 * order is stored with its kills, so it goes on after a restart; its deadline is a time of day, for
 * a restart must not begin it anew.
 *
 * An agent that is gone ends all it has without telling, and then itself.
 */
#include "agent/core/parts.h"

enum { NS_PER_MS = 1000000 };

static void store_order(struct agent *agent) {
    struct agent_record record = {.kind = AGENT_RECORD_DRAIN};
    record.drain.terms = agent->drain;
    record.drain.deadline_ns = agent->drain_deadline_ns;
    store_put(agent, TEXT("drain"), &record);
}

/* False: the order is the one that is being carried out. */
static bool take_order(struct agent *agent, const struct drain_terms *terms) {
    int64_t deadline_ns = 0;
    if (terms->has_max_grace &&
        __builtin_add_overflow(agent->wall_ns, terms->max_grace_ns, &deadline_ns))
        deadline_ns = INT64_MAX;
    bool is_sooner = deadline_ns != 0 &&
                     (agent->drain_deadline_ns == 0 || deadline_ns < agent->drain_deadline_ns);
    if (agent->is_draining && !is_sooner && agent->drain.mark_gone == terms->mark_gone)
        return false;
    if (is_sooner || !agent->is_draining) {
        agent->drain_deadline_ns = deadline_ns;
        agent->drain.has_max_grace = terms->has_max_grace;
        agent->drain.max_grace_ns = terms->max_grace_ns;
    }
    agent->drain.mark_gone = terms->mark_gone;
    agent->is_draining = true;
    return true;
}

void drain_begin(struct agent *agent, const struct drain_terms *terms) {
    bool is_new = take_order(agent, terms);
    if (is_new) {
        store_order(agent);
        effect_note(agent, AGENT_NOTE_INFO, "draining", "tasks=%zu", agent->task_count);
    }
    struct kill_order order = {.by = TEXT("drain")};
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks) {
            struct task *task = map_value(place);
            if (is_new || !task->kill_wanted)
                kill_task(agent, task, &order);
        }
    }
}

void drain_restore(struct agent *agent, const struct agent_record *record) {
    agent->is_draining = true;
    agent->drain = record->drain.terms;
    agent->drain_deadline_ns = record->drain.deadline_ns;
}

bool drain_has_deadline(const struct agent *agent) {
    return agent->is_draining && agent->drain_deadline_ns != 0;
}

/* A clock that was set back gives nobody more than the order did. */
int64_t drain_left_ms(const struct agent *agent) {
    if (!drain_has_deadline(agent))
        return INT64_MAX;
    if (agent->wall_ns >= agent->drain_deadline_ns)
        return 0;
    int64_t left_ns = agent->drain_deadline_ns - agent->wall_ns;
    if (left_ns > agent->drain.max_grace_ns)
        left_ns = agent->drain.max_grace_ns;
    return left_ns / NS_PER_MS;
}

void drain_label(const struct agent *agent, const struct task *task, struct task_status *status) {
    bool is_killed = status->state == TASK_STATE_KILLED;
    if (!agent->is_draining || (!is_killed && status->state != TASK_STATE_KILLING))
        return;
    status->encoded = (struct text){0};
    status->has_reason = true;
    status->reason = TASK_REASON_AGENT_DRAINING;
    if (is_killed && status->message.size > 0)
        status->message = text_of(arena_printf(
            agent->outbox->arena, "%.*s; its agent is being drained", TEXT_ARGS(status->message)));
    if (is_killed && agent->drain.mark_gone &&
        framework_can(&task->framework->info, FRAMEWORK_PARTITION_AWARE))
        status->state = TASK_STATE_GONE_BY_OPERATOR;
}

void drain_end_all(struct agent *agent) {
    if (agent->frameworks.count == 0)
        return;
    effect_note(agent, AGENT_NOTE_WARNING, "ending_all_tasks", "tasks=%zu", agent->task_count);
    MAP_EACH(entry, &agent->frameworks)
        framework_shutdown(agent, map_value(entry));
}

void drain_end_agent(struct agent *agent, struct text reason) {
    if (agent->end_reason != NULL)
        return;
    agent->end_reason = text_dup(reason);
    drain_end_all(agent);
}

/* What was refused for the drain does not prolong it: a master that knows of no drain any more
 * sends more of it as fast as it is answered. */
static bool has_own_task(const struct agent *agent) {
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks)
            if (!((const struct task *)map_value(place))->is_unknown)
                return true;
    }
    return false;
}

void drain_settle(struct agent *agent) {
    if (agent->is_draining && agent->recovery == RECOVERY_DONE && !has_own_task(agent)) {
        agent->is_draining = false;
        agent->drain_deadline_ns = 0;
        store_remove(agent, TEXT("drain"));
        effect_note(agent, AGENT_NOTE_INFO, "drained", "agent=%s",
                    agent->id != NULL ? agent->id : "none");
    }
    if (agent->end_reason == NULL || agent->has_ended || agent->containers.count > 0)
        return;
    agent->has_ended = true;
    bool stores = agent->changes.count > 0;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_END);
    effect->after = store_after(agent, stores ? store_ticket(agent) : agent->last_ticket);
    effect->reason = text_of(agent->end_reason);
}
