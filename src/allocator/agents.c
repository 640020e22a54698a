/*
 * Agents and who holds what on them. `free` always follows from the rest: total without used.
 */
#include "allocator/state.h"
#include "common/base/mem.h"

#include <assert.h>

enum { LOAD_BITS = 30 };

struct agent *agent_find(const struct allocator *allocator, uint32_t number) {
    return map_get(&allocator->agents, number);
}

/* The most used scalar, as a part of 2^30; among equals chance decides, or one agent would always
 * be filled before the next. */
static int64_t load_of(struct allocator *allocator, const struct agent *agent) {
    int64_t largest = 0;
    quantities_of(&agent->used, allocator->kinds, true, &allocator->scratch);
    for (size_t i = 0; i < agent->scalars.count; i++) {
        struct quantity total = agent->scalars.items[i];
        int64_t used = quantities_milli(&allocator->scratch, total.name);
        int64_t load =
            (int64_t)(((__int128)(used < total.milli ? used : total.milli) << LOAD_BITS) /
                      total.milli);
        if (load > largest)
            largest = load;
    }
    return largest << 32 | (int64_t)(rng_next(&allocator->rng) >> 33);
}

void agent_mark(struct allocator *allocator, struct agent *agent) {
    if (!agent->is_active || allocator->wanting_count == 0 || heap_holds(&agent->mark) ||
        resources_is_empty(&agent->free))
        return;
    heap_put(&allocator->marks, &agent->mark, load_of(allocator, agent));
}

void agents_mark_all(struct allocator *allocator) {
    MAP_EACH(entry, &allocator->agents)
        agent_mark(allocator, map_value(entry));
}

static void refresh_free(struct agent *agent) {
    resources_fini(&agent->free);
    agent->free = resources_copy(&agent->total);
    resources_subtract_common(&agent->free, &agent->used);
}

static void set_total(struct allocator *allocator, struct agent *agent,
                      const struct resources *total, uint32_t traits) {
    allocator->policy->add_total(allocator->order, &agent->scalars, -1);
    struct resources copy = resources_copy(total);
    resources_fini(&agent->total);
    agent->total = copy;
    agent->traits = traits;
    quantities_of(&agent->total, allocator->kinds, true, &agent->scalars);
    agent->has_gpus = quantities_milli(&agent->scalars, NAME_GPUS) > 0;
    allocator->policy->add_total(allocator->order, &agent->scalars, 1);
    refresh_free(agent);
    agent_mark(allocator, agent);
}

void allocator_add_agent(struct allocator *allocator, uint32_t number,
                         const struct resources *total, uint32_t traits) {
    if (agent_find(allocator, number) != NULL) {
        allocator_update_agent(allocator, number, total, traits, false);
        return;
    }
    struct agent *agent = NEW(struct agent);
    agent->number = number;
    agent->is_active = true;
    map_put(&allocator->agents, number, agent);
    set_total(allocator, agent, total, traits);
}

void allocator_update_agent(struct allocator *allocator, uint32_t number,
                            const struct resources *total, uint32_t traits, bool has_changed) {
    (void)has_changed;
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL || (resources_equal(&agent->total, total) && agent->traits == traits))
        return;
    filters_end_of_agent(allocator, agent);
    set_total(allocator, agent, total, traits);
}

void allocator_activate_agent(struct allocator *allocator, uint32_t number, bool is_active) {
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL)
        return;
    agent->is_active = is_active;
    if (is_active)
        agent_mark(allocator, agent);
    else
        heap_remove(&allocator->marks, &agent->mark);
}

static void charge(struct allocator *allocator, const struct client *client,
                   const struct resources *what, int sign) {
    quantities_of(what, allocator->kinds, true, &allocator->scratch);
    allocator->policy->charge(allocator->order, client->id, &allocator->scratch, sign);
}

static void holding_free(void *value) {
    struct resources *holding = value;
    resources_fini(holding);
    mem_free(holding);
}

static void drop_holding(struct allocator *allocator, struct agent *agent, uint32_t client_id) {
    struct client *client = allocator->clients.items[client_id];
    holding_free(map_remove(&agent->holdings, client_id));
    client->holding_count--;
    client_forget_if_idle(allocator, client);
}

static void agent_free(void *value) {
    struct agent *agent = value;
    resources_fini(&agent->total);
    resources_fini(&agent->used);
    resources_fini(&agent->free);
    quantities_fini(&agent->scalars);
    map_fini(&agent->holdings, holding_free);
    map_fini(&agent->filters, NULL);
    mem_free(agent);
}

void allocator_remove_agent(struct allocator *allocator, uint32_t number) {
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL)
        return;
    agent->is_active = false;
    filters_end_of_agent(allocator, agent);
    heap_remove(&allocator->marks, &agent->mark);
    MAP_EACH(entry, &agent->holdings) {
        uint32_t client_id = (uint32_t)map_key(entry);
        charge(allocator, allocator->clients.items[client_id], map_value(entry), -1);
        drop_holding(allocator, agent, client_id);
    }
    allocator->policy->add_total(allocator->order, &agent->scalars, -1);
    map_remove(&allocator->agents, number);
    agent_free(agent);
}

bool agent_give(struct allocator *allocator, struct agent *agent, struct client *client,
                const struct resources *what) {
    struct resources *holding = map_get(&agent->holdings, client->id);
    if (!resources_add(&agent->used, what))
        return false;
    if (holding == NULL) {
        holding = NEW(struct resources);
        map_put(&agent->holdings, client->id, holding);
        client->holding_count++;
    }
    bool fits = resources_add(holding, what);
    assert(fits); /* a part of used */
    charge(allocator, client, what, 1);
    refresh_free(agent);
    return true;
}

bool allocator_adopt(struct allocator *allocator, uint32_t framework, uint32_t role,
                     uint32_t agent_number, const struct resources *resources) {
    struct agent *agent = agent_find(allocator, agent_number);
    if (agent == NULL)
        return false;
    if (resources_is_empty(resources))
        return true;
    struct client *client = client_get(allocator, framework, role);
    bool given = agent_give(allocator, agent, client, resources);
    client_forget_if_idle(allocator, client);
    return given;
}

bool allocator_recover(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent_number, const struct resources *resources) {
    struct agent *agent = agent_find(allocator, agent_number);
    struct client *client = client_find(allocator, framework, role);
    struct resources *holding =
        agent != NULL && client != NULL ? map_get(&agent->holdings, client->id) : NULL;
    if (resources_is_empty(resources))
        return true;
    if (holding == NULL || !resources_subtract(holding, resources))
        return false;

    bool was_used = resources_subtract(&agent->used, resources);
    assert(was_used);
    charge(allocator, client, resources, -1);
    if (resources_is_empty(holding))
        drop_holding(allocator, agent, client->id);
    refresh_free(agent);
    agent_mark(allocator, agent);
    return true;
}

const struct resources *allocator_agent_total(const struct allocator *allocator, uint32_t number) {
    const struct agent *agent = agent_find(allocator, number);
    return agent != NULL ? &agent->total : NULL;
}

const struct resources *allocator_agent_free(const struct allocator *allocator, uint32_t number) {
    const struct agent *agent = agent_find(allocator, number);
    return agent != NULL ? &agent->free : NULL;
}

const struct resources *allocator_agent_used(const struct allocator *allocator, uint32_t number) {
    const struct agent *agent = agent_find(allocator, number);
    return agent != NULL ? &agent->used : NULL;
}

const struct resources *allocator_held(const struct allocator *allocator, uint32_t framework,
                                       uint32_t role, uint32_t number) {
    const struct agent *agent = agent_find(allocator, number);
    const struct client *client = client_find(allocator, framework, role);
    return agent != NULL && client != NULL ? map_get(&agent->holdings, client->id) : NULL;
}

void agents_fini(struct allocator *allocator) {
    map_fini(&allocator->agents, agent_free);
}
