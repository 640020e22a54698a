/*
 * Who holds what on which agent. Free is total without used; as long as all that is used is part of
 * the total, what is given and taken back moves between the two and nothing is reckoned anew.
 */
#include "allocator/state.h"

#include <assert.h>

struct holding *holding_find(const struct agent *agent, const struct client *client) {
    VEC_EACH(holding, &agent->holdings) {
        if (holding->client == client->id)
            return holding;
    }
    return NULL;
}

void agent_refresh_free(struct agent *agent) {
    resources_fini(&agent->free);
    agent->free = resources_copy(&agent->total);
    resources_subtract_common(&agent->free, &agent->used);
    agent->is_short = !resources_contains(&agent->total, &agent->used);
}

void client_charge(struct allocator *allocator, struct client *client,
                   const struct amounts *amounts, int sign) {
    int64_t any = 0;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        client->held.at[i] += sign * amounts->at[i];
        allocator->held.at[i] += sign * amounts->at[i];
        any |= amounts->at[i];
    }
    if (any != 0)
        allocator->policy->charge(allocator->order, client->id, amounts->at, sign);
}

static bool has_shared(const struct resources *set) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (kind_is(set->entries[i].kind, KIND_IS_SHARED))
            return true;
    }
    return false;
}

/* The copies of a shared volume count once, so the difference is told, not the change. */
static void charge_difference(struct allocator *allocator, struct client *client,
                              const struct amounts *before, const struct resources *held) {
    struct amounts after, more = {0}, less = {0};
    amounts_of(allocator, held, true, &after);
    for (size_t i = 0; i < allocator->dimensions; i++) {
        int64_t difference = after.at[i] - before->at[i];
        *(difference > 0 ? &more.at[i] : &less.at[i]) = difference > 0 ? difference : -difference;
    }
    client_charge(allocator, client, &less, -1);
    client_charge(allocator, client, &more, 1);
}

static void charge_change(struct allocator *allocator, struct client *client,
                          const struct resources *what, int sign) {
    struct amounts amounts;
    amounts_of(allocator, what, true, &amounts);
    client_charge(allocator, client, &amounts, sign);
}

static struct holding *holding_get(struct agent *agent, struct client *client) {
    struct holding *holding = holding_find(agent, client);
    if (holding != NULL)
        return holding;
    VEC_PUSH(&agent->holdings,
             (struct holding){.client = client->id, .held = resources_take(&agent->spare)});
    client->holding_count++;
    return &agent->holdings.items[agent->holdings.count - 1];
}

static void drop_holding(struct allocator *allocator, struct agent *agent,
                         struct holding *holding) {
    struct client *client = allocator->clients.items[holding->client];
    if (holding->offers_out > 0) {
        hoard_note_gone(client, holding);
        if (client->cap_agents > 0 && client->wants)
            policy_reconsider(allocator, client);
    }
    holding_drop_pending(allocator, client, holding);
    resources_fini(&agent->spare);
    resources_clear(&holding->held);
    agent->spare = resources_take(&holding->held);
    *holding = agent->holdings.items[--agent->holdings.count];
    client->holding_count--;
    client_forget_if_idle(allocator, client);
}

void agent_drop_holdings(struct allocator *allocator, struct agent *agent) {
    while (agent->holdings.count > 0) {
        struct holding *holding = &agent->holdings.items[agent->holdings.count - 1];
        struct client *client = allocator->clients.items[holding->client];
        charge_change(allocator, client, &holding->held, -1);
        quota_tell_held(allocator, client, &holding->held, -1);
        drop_holding(allocator, agent, holding);
    }
}

bool agent_give(struct allocator *allocator, struct agent *agent, struct client *client,
                const struct resources *what) {
    if (!resources_add(&agent->used, what))
        return false;
    struct holding *holding = holding_get(agent, client);
    if (has_shared(what)) {
        struct amounts before;
        amounts_of(allocator, &holding->held, true, &before);
        bool fits = resources_add(&holding->held, what);
        assert(fits);
        charge_difference(allocator, client, &before, &holding->held);
    } else {
        bool fits = resources_add(&holding->held, what);
        assert(fits); /* a part of used */
        charge_change(allocator, client, what, 1);
    }
    quota_tell_held(allocator, client, what, 1);
    if (agent->is_short || has_shared(what) || !resources_subtract(&agent->free, what))
        agent_refresh_free(agent);
    agent_refresh(allocator, agent);
    /* A shape that was refused may be made of something else now that less is reserved there. */
    if (agent->special != 0 && agent->filters != NOWHERE && allocator->shaped_count > 0)
        agent_mark(allocator, agent);
    else
        agent_reload(allocator, agent);
    return true;
}

/* Whether the sums over the cluster still can be reckoned with when `from` becomes `to`. */
static bool has_room(struct allocator *allocator, const struct resources *from,
                     const struct resources *to) {
    struct amounts before = {0}, after;
    amounts_of(allocator, to, false, &after);
    if (from != NULL && !has_shared(from)) /* of which copies may stay */
        amounts_of(allocator, from, false, &before);
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (after.at[i] > before.at[i] && after.at[i] - before.at[i] > agents_room(allocator, i))
            return false;
    return true;
}

/* Elements of ranges and sets are there once: who would hold one that another holds? */
static bool is_held_already(const struct resources *used, const struct resources *what) {
    AUTO_FINI(resources_fini) struct resources elements = {0};
    for (uint32_t i = 0; i < what->count; i++) {
        bool is_counted = kind_type(what->entries[i].kind) == VALUE_SCALAR;
        if (!is_counted && !resources_put(&elements, &what->entries[i]))
            return true;
    }
    AUTO_FINI(resources_fini) struct resources left = resources_copy(&elements);
    resources_subtract_common(&left, used);
    return !resources_equal(&left, &elements);
}

bool allocator_adopt(struct allocator *allocator, uint32_t framework, uint32_t role,
                     uint32_t agent_number, const struct resources *resources) {
    struct agent *agent = agent_find(allocator, agent_number);
    if (agent == NULL)
        return false;
    if (resources_is_empty(resources))
        return true;
    names_learn(allocator, resources);
    if (!has_room(allocator, NULL, resources) || is_held_already(&agent->used, resources))
        return false;
    struct client *client = client_get(allocator, framework, role);
    bool given = agent_give(allocator, agent, client, resources);
    quota_note_room(allocator); /* it meets a guarantee, maybe, and was not free before */
    client_forget_if_idle(allocator, client);
    return given;
}

static void take_back(struct allocator *allocator, struct client *client, struct holding *holding,
                      const struct resources *what) {
    if (!has_shared(what)) {
        resources_subtract_common(&holding->held, what);
        charge_change(allocator, client, what, -1);
    } else {
        struct amounts before;
        amounts_of(allocator, &holding->held, true, &before);
        resources_subtract_common(&holding->held, what);
        charge_difference(allocator, client, &before, &holding->held);
    }
    quota_tell_held(allocator, client, what, -1);
}

/* What has become free is kept for whom the agent is. */
static void refresh_kept(struct allocator *allocator, struct agent *agent) {
    struct amounts before = agent->plain;
    agent_refresh(allocator, agent);
    earmark_note_freed(agent, &before);
}

bool allocator_recover(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent_number, const struct resources *resources) {
    struct agent *agent = agent_find(allocator, agent_number);
    struct client *client = client_find(allocator, framework, role);
    struct holding *holding = agent != NULL && client != NULL ? holding_find(agent, client) : NULL;
    if (resources_is_empty(resources))
        return true;
    if (holding == NULL || !resources_contains(&holding->held, resources))
        return false;

    bool is_shared = has_shared(resources);
    take_back(allocator, client, holding, resources);
    if (holding->launched > 0) {
        holding->launched--;
        yield_note_end(allocator, client, agent);
    }
    bool is_kept = agent->earmark != NULL && yield_keeps(allocator, agent, client);
    bool was_used = resources_subtract(&agent->used, resources);
    assert(was_used);
    if (resources_is_empty(&holding->held))
        drop_holding(allocator, agent, holding);
    if (agent->is_short || is_shared || !resources_add(&agent->free, resources))
        agent_refresh_free(agent);
    if (is_kept)
        refresh_kept(allocator, agent);
    else
        agent_refresh(allocator, agent);
    agent_mark(allocator, agent);
    return true;
}

/* --- conversions --- */

static bool replace(struct resources *set, const struct resources *from,
                    const struct resources *to) {
    AUTO_FINI(resources_fini) struct resources copy = resources_copy(set);
    resources_subtract_common(&copy, from);
    if (is_held_already(&copy, to) || !resources_add(&copy, to))
        return false;
    struct resources old = *set;
    *set = resources_take(&copy);
    copy = old;
    return true;
}

static void refresh_total(struct allocator *allocator, struct agent *agent) {
    struct amounts before = agent->size;
    amounts_of(allocator, &agent->total, false, &agent->size);
    bool has_changed = false;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        int64_t more = agent->size.at[i] - before.at[i];
        allocator->there.at[i] += more;
        if (more == 0 || name_is_excluded(allocator, allocator->names[i]))
            continue;
        has_changed = true;
        allocator->total.at[i] += more;
    }
    allocator->is_total_stale = allocator->is_total_stale || has_changed;
    agent_refresh_free(agent);
    agent_refresh(allocator, agent);
    agent_mark(allocator, agent);
    earmarks_forget_hopeless(allocator);
}

static bool convert_held(struct allocator *allocator, struct agent *agent, struct client *client,
                         const struct resources *from, const struct resources *to) {
    struct holding *holding = client != NULL ? holding_find(agent, client) : NULL;
    if (holding == NULL || !resources_contains(&holding->held, from))
        return false;
    AUTO_FINI(resources_fini) struct resources used = resources_copy(&agent->used);
    AUTO_FINI(resources_fini) struct resources total = resources_copy(&agent->total);
    if (!replace(&used, from, to) || !replace(&total, from, to))
        return false;
    struct amounts before;
    amounts_of(allocator, &holding->held, true, &before);
    quota_tell_held(allocator, client, &holding->held, -1);
    bool fits = replace(&holding->held, from, to);
    assert(fits);
    (void)fits;
    charge_difference(allocator, client, &before, &holding->held);
    quota_tell_held(allocator, client, &holding->held, 1);
    resources_fini(&agent->used);
    agent->used = resources_take(&used);
    if (resources_is_empty(&holding->held))
        drop_holding(allocator, agent, holding);
    return true;
}

bool allocator_convert(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent_number, const struct resources *from,
                       const struct resources *to) {
    struct agent *agent = agent_find(allocator, agent_number);
    if (agent == NULL)
        return false;
    names_learn(allocator, to);
    AUTO_FINI(resources_fini) struct resources total = resources_copy(&agent->total);
    if (!has_room(allocator, from, to) || !replace(&total, from, to))
        return false;
    if (framework == 0
            ? !resources_contains(&agent->free, from)
            : !convert_held(allocator, agent, client_find(allocator, framework, role), from, to))
        return false;
    quota_tell_reservations(allocator, agent, -1);
    resources_fini(&agent->total);
    agent->total = resources_take(&total);
    quota_tell_reservations(allocator, agent, 1);
    refresh_total(allocator, agent);
    return true;
}

const struct resources *allocator_held(const struct allocator *allocator, uint32_t framework,
                                       uint32_t role, uint32_t number) {
    const struct agent *agent = agent_find(allocator, number);
    const struct client *client = client_find(allocator, framework, role);
    const struct holding *holding =
        agent != NULL && client != NULL ? holding_find(agent, client) : NULL;
    return holding != NULL ? &holding->held : NULL;
}
