/*
 * Checks are against what will be once everything on its way is stored (agent->drain_next), so
 * calls that follow each other quickly are answered as if each had waited for the one before.
 * Whether an agent is drained is looked at when something of it ends, at the end of the step.
 */
#include "master/core/drain.h"

#include "master/core/agent_book.h"
#include "master/core/emit.h"
#include "master/core/offer_book.h"
#include "master/core/old_book.h"
#include "master/core/supply.h"

static struct agent *find(const struct master *master, struct agent_id id) {
    return id.text.size > 0 ? map_get_text(&master->agents, id.text) : NULL;
}

/* It is stored; what goes on then is in drain_stored. */
static void change(struct master *master, struct agent *agent, uint64_t request,
                   const struct agent_drain *next) {
    agent->drain_next = *next;
    struct pending pending = {.ticket = agent_book_store(master, agent),
                              .kind = PENDING_DRAIN,
                              .agent = agent->info.id.text,
                              .request = request,
                              .drain = *next};
    keep_texts((struct text *[]){&pending.agent}, 1);
    VEC_PUSH(&master->pending, pending);
}

/* --- asked --- */

static void refuse(struct master *master, uint64_t request, int status, const char *why) {
    emit_answer(master, request, status, text_of(why));
}

static void drain(struct master *master, uint64_t request, struct agent *agent,
                  const struct operator_call *call) {
    struct agent_drain next = agent->drain_next;
    if (call->drain.has_max_grace && call->drain.max_grace_ns < 0) {
        refuse(master, request, 400, "The maximum grace period is negative");
        return;
    }
    if (next.state != DRAIN_DRAINING)
        next.since_ns = master->wall_ns;
    next.state = DRAIN_DRAINING;
    next.terms = call->drain;
    next.is_deactivated = true;
    change(master, agent, request, &next);
}

static void deactivate(struct master *master, uint64_t request, struct agent *agent) {
    struct agent_drain next = agent->drain_next;
    next.is_deactivated = true;
    change(master, agent, request, &next);
}

static void reactivate(struct master *master, uint64_t request, struct agent *agent) {
    static const struct agent_drain none;
    if (!agent->drain_next.is_deactivated)
        refuse(master, request, 400, "The agent is not deactivated");
    else if (agent->drain_next.state == DRAIN_DRAINING)
        refuse(master, request, 400, "The agent is still draining");
    else
        change(master, agent, request, &none);
}

static void mark_gone(struct master *master, uint64_t request, struct agent_id id) {
    struct agent *agent = find(master, id);
    if (id.text.size > 0 && old_book_is_gone(master, id.text))
        emit_answer(master, request, 200, (struct text){0});
    else if (agent == NULL)
        refuse(master, request, 404, "No agent found with that ID");
    else if (agent->state == AGENT_ADMITTING || agent->state == AGENT_LEAVING)
        refuse(master, request, 503, "The agent is in another transition: try again");
    else
        agent_book_mark_gone(master, agent, request);
}

void drain_by_operator(struct master *master, uint64_t request, const struct operator_call *call) {
    if (call->kind == OPERATOR_MARK_AGENT_GONE) {
        mark_gone(master, request, call->agent);
        return;
    }
    struct agent *agent = find(master, call->agent);
    bool is_leaving = agent != NULL && agent->state == AGENT_LEAVING;
    if (agent == NULL || (is_leaving && agent->leaves_as == DEPARTURE_REMOVED))
        refuse(master, request, 400, "No agent found with that ID");
    else if (is_leaving && agent->leaves_as == DEPARTURE_GONE)
        refuse(master, request, 409, "The agent is being marked gone");
    else if (master->pending.count >= PENDING_BY_OPERATOR_LIMIT)
        refuse(master, request, 503, "The registry is behind: try again later");
    else if (call->kind == OPERATOR_DRAIN_AGENT)
        drain(master, request, agent, call);
    else if (call->kind == OPERATOR_DEACTIVATE_AGENT)
        deactivate(master, request, agent);
    else
        reactivate(master, request, agent);
}

/* --- stored --- */

static void tell_agent(struct master *master, struct agent *agent) {
    if (agent->drain.state == DRAIN_DRAINING && agent->state == AGENT_REGISTERED)
        emit_to_agent(
            master, agent,
            (struct master_message){.kind = MASTER_MESSAGE_DRAIN, .drain = agent->drain.terms});
}

static const char *word_of(const struct agent_drain *drain) {
    switch (drain->state) {
    case DRAIN_DRAINING: return "agent_draining";
    case DRAIN_DRAINED: return "agent_drained";
    case DRAIN_NONE: break;
    }
    return drain->is_deactivated ? "agent_deactivated" : "agent_reactivated";
}

static void put_in_force(struct master *master, struct agent *agent,
                         const struct agent_drain *drain) {
    agent->drain = *drain;
    emit_note(master, NOTE_INFO, word_of(drain), "agent=%.*s", TEXT_ARGS(agent->info.id.text));
    agent_book_activate(master, agent);
    if (drain->is_deactivated)
        offer_book_rescind_of_agent(master, agent);
    tell_agent(master, agent);
    drain_look(master, agent);
}

void drain_stored(struct master *master, const struct pending *pending) {
    struct agent *agent = find(master, (struct agent_id){pending->agent});
    if (agent != NULL)
        put_in_force(master, agent, &pending->drain);
    if (pending->request == 0)
        return;
    if (agent != NULL)
        emit_answer(master, pending->request, 200, (struct text){0});
    else
        refuse(master, pending->request, 409, "The agent was removed meanwhile");
}

void drain_returned(struct master *master, struct agent *agent) {
    tell_agent(master, agent);
    drain_look(master, agent);
}

/* --- the end --- */

void drain_look(struct master *master, struct agent *agent) {
    if (agent->drain.state == DRAIN_DRAINING && !link_is_listed(&agent->drain_due))
        list_append(&master->drains_due, &agent->drain_due);
}

/* Only what has registered with this master is known to have nothing. */
static bool is_empty(const struct agent *agent) {
    return agent->state == AGENT_REGISTERED && agent->peer != NULL &&
           list_is_empty(&agent->tasks) && list_is_empty(&agent->operations);
}

static void settle(struct master *master, struct agent *agent) {
    struct agent_drain next = agent->drain_next;
    if (agent->drain.state != DRAIN_DRAINING || next.state != DRAIN_DRAINING || !is_empty(agent))
        return;
    if (next.terms.mark_gone) {
        agent_book_mark_gone(master, agent, 0);
        return;
    }
    next.state = DRAIN_DRAINED;
    change(master, agent, 0, &next);
}

void drain_step(struct master *master) {
    for (struct link *link; (link = list_first(&master->drains_due)) != NULL;) {
        list_remove(link);
        settle(master, CONTAINER_OF(link, struct agent, drain_due));
    }
}
