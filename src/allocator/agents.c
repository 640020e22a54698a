/*
 * Agents. What is free follows from what is there and what is held; what follows from free (the
 * array of plain amounts, whether there is enough to offer) is kept beside it by agent_refresh.
 */
#include "allocator/state.h"

#include <string.h>

enum { LOAD_BITS = 30 };

static struct lately *lately_of(const struct allocator *allocator, uint32_t number) {
    return &allocator->lately_agents[number % LATELY];
}

struct agent *agent_find(const struct allocator *allocator, uint32_t number) {
    struct lately *lately = lately_of(allocator, number);
    if (lately->found == NULL || lately->number != number)
        *lately = (struct lately){.number = number, .found = map_get(&allocator->agents, number)};
    return lately->found;
}

/* The most used scalar, as a part of 2^30. */
static int64_t load_of(struct allocator *allocator, const struct agent *agent) {
    int64_t largest = 0;
    struct amounts used;
    if (resources_is_empty(&agent->used))
        return 0;
    amounts_of(allocator, &agent->used, false, &used);
    for (size_t i = 0; i < allocator->dimensions; i++) {
        int64_t total = agent->size.at[i];
        if (total == 0 || used.at[i] == 0)
            continue;
        int64_t part = used.at[i] < total ? used.at[i] : total;
        int64_t load = total < INT64_C(1) << (62 - LOAD_BITS)
                           ? (part << LOAD_BITS) / total
                           : (int64_t)(((__int128)part << LOAD_BITS) / total);
        if (load > largest)
            largest = load;
    }
    return largest;
}

static uint32_t special_flags(const struct resources *set) {
    uint32_t flags = 0;
    for (uint32_t i = 0; i < set->count; i++)
        flags |= set->entries[i].kind;
    return flags & (KIND_IS_REVOCABLE | KIND_IS_SHARED | KIND_IS_RESERVED | KIND_IS_EXCLUSIVE);
}

/* Of plain amounts alone: most have that much. */
static bool has_plainly(const struct allocator *allocator, const struct agent *agent,
                        const struct quantities *minimum) {
    for (size_t i = 0; i < minimum->count; i++) {
        uint8_t at = name_dimension(allocator, minimum->items[i].name);
        if (at == NO_DIMENSION || agent->plain.at[at] < minimum->items[i].milli)
            return false;
    }
    return true;
}

static bool has_minimum(struct allocator *allocator, const struct agent *agent) {
    if (resources_is_empty(&agent->free) || allocator->minima_count == 0)
        return !resources_is_empty(&agent->free);
    if (has_plainly(allocator, agent, &allocator->minima[0]))
        return true;
    quantities_of(&agent->free, allocator->kinds, false, &allocator->scratch);
    for (size_t i = 0; i < allocator->minima_count; i++) {
        if (quantities_contain(&allocator->scratch, &allocator->minima[i]))
            return true;
    }
    return false;
}

static void reckon_plain(struct allocator *allocator, struct agent *agent) {
    int sign = agent->is_active;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        allocator->free.at[i] -= sign * agent->plain.at[i];
        agent->plain.at[i] = 0;
    }
    for (uint32_t i = 0; i < agent->free.count; i++) {
        const struct resource *one = &agent->free.entries[i];
        bool is_simple;
        uint8_t at = kind_dimension(allocator, one->kind, &is_simple);
        if (at != NO_DIMENSION && is_simple && !kind_is(one->kind, KIND_IS_RESERVED))
            agent->plain.at[at] = one->milli;
    }
    for (size_t i = 0; i < allocator->dimensions; i++)
        allocator->free.at[i] += sign * agent->plain.at[i];
}

void agent_refresh(struct allocator *allocator, struct agent *agent) {
    filters_set_cover(allocator, agent, COVER_UNKNOWN);
    reckon_plain(allocator, agent);
    allocator->special_count -= agent->special != 0;
    agent->special = special_flags(&agent->free);
    allocator->special_count += agent->special != 0;
    agent->is_enough = has_minimum(allocator, agent);
    bool crumbs_matter = allocator->own_minima_count > 0 || allocator->shaped_count > 0;
    agent->is_open =
        agent->is_active && (agent->is_enough || (crumbs_matter && agent->free.count > 0));
    quota_tell_free(allocator, agent);
    if (agent->earmark != NULL)
        earmark_clamp(agent);
    slots_set(&allocator->open_slots, agent->slot, agent->is_open);
    skip_review_agent(allocator, agent);
    if (!agent->is_open)
        open_leave(allocator, agent);
    sated_review_agent(allocator, agent);
}

void agent_reload(struct allocator *allocator, struct agent *agent) {
    if (!agent->is_open)
        return;
    agent->load = load_of(allocator, agent);
    open_move_mark(allocator, agent);
}

void agent_mark(struct allocator *allocator, struct agent *agent) {
    if (!agent->is_open)
        return;
    agent->load = load_of(allocator, agent);
    open_add_mark(allocator, agent);
    news_of_agent(allocator, agent);
}

void agents_mark_all(struct allocator *allocator) {
    MAP_EACH(entry, &allocator->agents) {
        struct agent *agent = map_value(entry);
        agent_refresh(allocator, agent);
        agent_mark(allocator, agent);
    }
}

static void add_size(struct allocator *allocator, const struct agent *agent, int sign) {
    for (size_t i = 0; i < allocator->dimensions; i++) {
        allocator->there.at[i] += sign * agent->size.at[i];
        if (!name_is_excluded(allocator, allocator->names[i]))
            allocator->total.at[i] += sign * agent->size.at[i];
    }
}

int64_t agents_room(const struct allocator *allocator, size_t dimension) {
    int64_t there = allocator->there.at[dimension], held = allocator->held.at[dimension];
    int64_t more = CLUSTER_LIMIT_MILLI - (there > held ? there : held);
    return more > 0 ? more : 0;
}

/* What is beyond what can be added up is not there. The agent's old size is taken out already. */
static void cut_to_room(struct allocator *allocator, struct agent *agent) {
    struct amounts left;
    bool is_over = false;
    amounts_of(allocator, &agent->total, false, &agent->size);
    for (size_t i = 0; i < allocator->dimensions; i++) {
        left.at[i] = agents_room(allocator, i);
        is_over = is_over || agent->size.at[i] > left.at[i];
    }
    for (uint32_t i = agent->total.count; is_over && i-- > 0;) {
        struct resource one = agent->total.entries[i];
        bool is_simple;
        uint8_t at = kind_dimension(allocator, one.kind, &is_simple);
        int64_t milli = resource_quantity_milli(&one);
        if (at == NO_DIMENSION || milli <= left.at[at]) {
            if (at != NO_DIMENSION)
                left.at[at] -= milli;
            continue;
        }
        if ((one.kind & (KIND_IS_EXCLUSIVE | KIND_IS_SHARED)) == 0) {
            one.milli -= left.at[at];
            left.at[at] = 0;
        }
        resources_subtract_common(&agent->total, &(struct resources){.entries = &one, .count = 1});
    }
    if (is_over)
        amounts_of(allocator, &agent->total, false, &agent->size);
}

static void set_total(struct allocator *allocator, struct agent *agent,
                      const struct resources *total, uint32_t traits) {
    names_learn(allocator, total);
    add_size(allocator, agent, -1);
    quota_tell_reservations(allocator, agent, -1);
    struct resources copy = resources_copy(total);
    resources_fini(&agent->total);
    agent->total = copy;
    agent->traits = traits;
    cut_to_room(allocator, agent);
    agent->has_gpus = resources_quantity_milli(&agent->total, allocator->kinds, NAME_GPUS) > 0;
    add_size(allocator, agent, 1);
    quota_tell_reservations(allocator, agent, 1);
    allocator->is_total_stale = true;
    agent_refresh_free(agent);
    agent_refresh(allocator, agent);
    agent_mark(allocator, agent);
    earmarks_forget_hopeless(allocator);
}

static uint32_t take_slot(struct allocator *allocator) {
    if (allocator->unused_slots.count > 0)
        return allocator->unused_slots.items[--allocator->unused_slots.count];
    VEC_PUSH(&allocator->slots, NULL);
    return (uint32_t)allocator->slots.count - 1;
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
    agent->entry = NOWHERE;
    agent->filters = NOWHERE;
    agent->slot = take_slot(allocator);
    allocator->slots.items[agent->slot] = agent;
    map_put(&allocator->agents, number, agent);
    /* Room for what it will give away, so that a turn need not make it. */
    agent->used = resources_copy(total);
    resources_clear(&agent->used);
    VEC_RESERVE(&agent->holdings, 1);
    set_total(allocator, agent, total, traits);
}

void allocator_update_agent(struct allocator *allocator, uint32_t number,
                            const struct resources *total, uint32_t traits, bool has_changed) {
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL ||
        (resources_equal(&agent->total, total) && agent->traits == traits && !has_changed))
        return;
    constraints_forget_agent(allocator, agent);
    filters_end_of_agent(allocator, agent);
    if (agent->earmark != NULL)
        earmark_end(allocator, agent->earmark);
    set_total(allocator, agent, total, traits);
}

void allocator_activate_agent(struct allocator *allocator, uint32_t number, bool is_active) {
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL || agent->is_active == is_active)
        return;
    agent->is_active = is_active;
    for (size_t i = 0; i < allocator->dimensions; i++)
        allocator->free.at[i] += is_active ? agent->plain.at[i] : -agent->plain.at[i];
    if (!is_active && agent->earmark != NULL)
        earmark_end(allocator, agent->earmark);
    agent_refresh(allocator, agent);
    agent_mark(allocator, agent);
    earmarks_forget_hopeless(allocator);
}

static void agent_free(void *value) {
    struct agent *agent = value;
    resources_fini(&agent->total);
    resources_fini(&agent->used);
    resources_fini(&agent->free);
    mem_free(agent->reserved_bits);
    quantities_fini(&agent->told_free);
    resources_fini(&agent->spare);
    VEC_FINI(&agent->holdings);
    mem_free(agent);
}

void allocator_remove_agent(struct allocator *allocator, uint32_t number) {
    struct agent *agent = agent_find(allocator, number);
    if (agent == NULL)
        return;
    allocator_activate_agent(allocator, number, false);
    constraints_forget_agent(allocator, agent);
    filters_end_of_agent(allocator, agent);
    quota_tell_reservations(allocator, agent, -1);
    agent_drop_holdings(allocator, agent);
    add_size(allocator, agent, -1);
    allocator->special_count -= agent->special != 0;
    allocator->is_total_stale = true;
    if (allocator->search.best == agent)
        allocator->search.is_on = false;
    map_remove(&allocator->agents, number);
    lately_of(allocator, number)->found = NULL;
    allocator->slots.items[agent->slot] = NULL;
    skip_forget_agent(allocator, agent);
    VEC_PUSH(&allocator->unused_slots, agent->slot);
    agent_free(agent);
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

void agents_fini(struct allocator *allocator) {
    MAP_EACH(entry, &allocator->agents) {
        struct agent *agent = map_value(entry);
        agent_drop_holdings(allocator, agent);
        agent_free(agent);
    }
    map_fini(&allocator->agents, NULL);
    VEC_FINI(&allocator->slots);
    VEC_FINI(&allocator->unused_slots);
}
