/*
 * Where a wish is met, and the giving. Whole agents: the least loaded of a few. A shape: where the
 * last one went as long as there is room, else where the least of its scarcest resource is left
 * over. All that one client is given on one agent in a call becomes one offer.
 */
#include "allocator/verdict.h"

enum {
    LOADS_COMPARED = 16,
    SHAPES_COMPARED = 512, /* suitable agents */
    LOOKS_LIMIT = 2048,    /* suitable or not */
    LOOKS_OF_ONE_BUDGET = 8,
};

/* Of the resources that the shape needs, the one with the smallest part free. */
static size_t scarcest(const struct allocator *allocator, const struct wish *wish) {
    size_t found = DIMENSIONS_LIMIT;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        if (wish->need.at[i] == 0 || allocator->total.at[i] <= 0)
            continue;
        if (found == DIMENSIONS_LIMIT ||
            (__int128)allocator->free.at[i] * allocator->total.at[found] <
                (__int128)allocator->free.at[found] * allocator->total.at[i])
            found = i;
    }
    return found < DIMENSIONS_LIMIT ? found : 0;
}

static bool fits(struct allocator *allocator, const struct client *client, const struct wish *wish,
                 const struct agent *agent) {
    return agent->is_open && verdict_of(allocator, client, wish, agent, NULL) == ALLOCATOR_FITS;
}

static struct agent *least_loaded(struct allocator *allocator, const struct client *client,
                                  const struct wish *wish, struct agent *first) {
    struct agent *best = first;
    uint32_t at = wish->position;
    for (int i = 0; i < LOADS_COMPARED && best->load > 0 && at < allocator->open.count; i++, at++) {
        struct agent *agent = allocator->open.items[at].agent;
        if (agent != NULL && agent->load < best->load && fits(allocator, client, wish, agent))
            best = agent;
    }
    return best;
}

static struct agent *best_fit(struct allocator *allocator, const struct client *client,
                              const struct wish *wish, struct agent *first) {
    struct agent *last = wish->last_agent != 0 ? agent_find(allocator, wish->last_agent) : NULL;
    if (last != NULL && fits(allocator, client, wish, last))
        return last;
    struct agent *best = first;
    size_t by = scarcest(allocator, wish);
    int suitable = 0, looks = 0;
    for (uint32_t at = wish->position; suitable < SHAPES_COMPARED && looks < LOOKS_LIMIT; at++) {
        at = open_next(allocator, at);
        if (at == NOWHERE)
            break;
        struct agent *agent = allocator->open.items[at].agent;
        looks++;
        if (!fits(allocator, client, wish, agent))
            continue;
        suitable++;
        if (agent->plain.at[by] < best->plain.at[by])
            best = agent;
    }
    allocator->budget -= looks / LOOKS_OF_ONE_BUDGET;
    return best;
}

/* The volumes of the client's very role go along with what it is given there. */
static void add_volumes(const struct allocator *allocator, const struct client *client,
                        const struct agent *agent, struct resources *set) {
    uint32_t traits = client->framework->traits;
    for (uint32_t i = 0; agent->special != 0 && i < agent->free.count; i++) {
        const struct resource *one = &agent->free.entries[i];
        if (!kind_is(one->kind, KIND_IS_PERSISTENT) || kind_is(one->kind, KIND_IS_REVOCABLE) ||
            kinds_reserved_role(allocator->kinds, one->kind) != client->role ||
            (kind_is(one->kind, KIND_IS_SHARED) && (traits & FRAMEWORK_TAKES_SHARED) == 0) ||
            (kind_is(one->kind, KIND_IS_REFINED) && (traits & FRAMEWORK_TAKES_REFINED) == 0))
            continue;
        if (!resources_put(set, one))
            return;
    }
}

static void gather(struct allocator *allocator, struct client *client, struct agent *agent,
                   struct resources *what) {
    struct holding *holding = holding_find(agent, client);
    if (holding->grant > 0) {
        struct grant *grant = &allocator->grants.items[holding->grant - 1];
        bool fits_in = resources_add(&grant->what, what);
        assert(fits_in); /* a part of what is held */
        return;
    }
    VEC_PUSH(&allocator->grants, (struct grant){agent, client, resources_take(what)});
    if (allocator->grants_made < allocator->grants.count)
        allocator->grants_made = allocator->grants.count;
    holding->grant = (uint32_t)allocator->grants.count;
    hoard_note_offer(client, holding);
}

/* Of an earlier call: turns make hundreds, again and again. */
static struct resources room_for_grant(struct allocator *allocator) {
    size_t next = allocator->grants.count;
    if (next == allocator->grants_made)
        return (struct resources){0};
    return resources_take(&allocator->grants.items[next].what);
}

void place_give(struct allocator *allocator, struct client *client, struct wish *wish,
                struct agent *agent, const struct resources *what) {
    AUTO_FINI(resources_fini) struct resources given = room_for_grant(allocator);
    bool fits_in = resources_add(&given, what) && agent_give(allocator, agent, client, &given);
    assert(fits_in); /* it was free: used stays below total */
    gather(allocator, client, agent, &given);
    wish->last_agent = agent->number;
    if (client->earmark != NULL && client->earmark->agent == agent && !allocator->is_returning)
        earmark_end(allocator, client->earmark);
    history_note(allocator, client, ALLOCATOR_FITS);
    client->seen = ALLOCATOR_FITS;
    if (wish->is_open)
        return;
    holding_add_pending(holding_find(agent, client), wish);
    if (demand_is_left(client))
        demand_tell_task(allocator, client);
    else
        client_refresh_wish(allocator, client);
}

void place_grant(struct allocator *allocator, struct client *client, struct wish *wish,
                 struct agent *first, bool is_fixed) {
    struct allocator_verdict verdict;
    struct agent *agent = first;
    if (wish->is_open) {
        if (!is_fixed)
            agent = least_loaded(allocator, client, wish, first);
        const struct resources *what = verdict_offerable(allocator, client, agent, &verdict);
        assert(what != NULL);
        place_give(allocator, client, wish, agent, what);
        return;
    }
    if (!is_fixed)
        agent = best_fit(allocator, client, wish, first);
    const struct amounts *kept = earmark_kept(allocator, agent, client);
    bool is_there =
        verdict_compose(allocator, client, wish, &agent->free, kept, &allocator->composed, NULL);
    assert(is_there);
    add_volumes(allocator, client, agent, &allocator->composed);
    place_give(allocator, client, wish, agent, &allocator->composed);
}
