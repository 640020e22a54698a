#include "master/core/removal.h"

#include "master/core/agent_book.h"
#include "master/core/emit.h"

static void schedule(struct master *master) {
    if (list_is_empty(&master->removals.waiting))
        heap_remove(&master->timers, &master->removals.timer.node);
    else if (!heap_holds(&master->removals.timer.node))
        heap_put(&master->timers, &master->removals.timer.node, master->removals.next_ms);
}

static void lose(struct master *master, struct agent *agent) {
    master->removals.next_ms = master->now_ms + master->options.agent_removal_interval_ms;
    master->removals.done++;
    agent_book_lose(master, agent, agent->removal_why);
}

void removal_ask(struct master *master, struct agent *agent, const char *why) {
    struct removals *removals = &master->removals;
    agent->removal_why = why;
    if (link_is_listed(&agent->removal))
        return;
    if (list_is_empty(&removals->waiting) && removals->next_ms <= master->now_ms) {
        lose(master, agent);
        return;
    }
    list_append(&removals->waiting, &agent->removal);
    removals->scheduled++;
    emit_note(master, NOTE_WARNING, "agent_loss_waits", "agent=%.*s reason=\"%s\"",
              TEXT_ARGS(agent->info.id.text), why);
    schedule(master);
}

void removal_cancel(struct master *master, struct agent *agent) {
    if (!link_is_listed(&agent->removal))
        return;
    list_remove(&agent->removal);
    master->removals.cancelled++;
    schedule(master);
}

void removal_ring(struct master *master) {
    struct link *first = list_first(&master->removals.waiting);
    if (first != NULL) {
        list_remove(first);
        lose(master, CONTAINER_OF(first, struct agent, removal));
    }
    schedule(master);
}

/* All of them have the same time to come back, so the first that did not tells how many did not. */
bool removal_is_beyond_recovery(struct master *master) {
    struct removals *removals = &master->removals;
    uint64_t limit = (uint64_t)master->options.recovery_agent_removal_limit_percent;
    size_t missing = master->agents_by_state[AGENT_RECOVERED];
    if (removals->is_recovery_judged)
        return removals->is_beyond;
    removals->is_recovery_judged = true;
    removals->is_beyond = missing * 100 > removals->recovered * limit;
    if (removals->is_beyond)
        emit_stop(master,
                  "%zu of %zu agents did not come back in time, more than "
                  "--recovery_agent_removal_limit allows to be lost",
                  missing, removals->recovered);
    return removals->is_beyond;
}
