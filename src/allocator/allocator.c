/*
 * The turn: one marked agent after another, least loaded first; on each, the neediest client that
 * can and will take what is free gets all of it, and the shares change at once. What it may not
 * have (reserved to others, revocable) goes to the next.
 */
#include "allocator/allocator.h"

#include "allocator/state.h"
#include "common/base/mem.h"

#include <assert.h>

struct allocator *allocator_new(const struct mesos_allocator *policy, const struct kinds *kinds,
                                uint64_t seed) {
    struct allocator *allocator = NEW(struct allocator);
    (void)policy;
    allocator->policy = &flat_drf;
    allocator->order = flat_drf.make();
    allocator->kinds = kinds;
    allocator->rng = rng_of(seed);
    allocator->gpus_are_reserved = true;
    allocator->minima_count = 2;
    quantities_add(&allocator->minima[0], NAME_CPUS, 10);
    quantities_add(&allocator->minima[1], NAME_MEM, 32000);
    return allocator;
}

static void clear_minima(struct allocator *allocator) {
    for (size_t i = 0; i < allocator->minima_count; i++)
        quantities_fini(&allocator->minima[i]);
    allocator->minima_count = 0;
}

void allocator_free(struct allocator *allocator) {
    if (allocator == NULL)
        return;
    struct heap_node *least;
    allocator->wanting_count = 0; /* nothing is marked any more */
    while ((least = heap_least(&allocator->expiries)) != NULL)
        filters_expire(allocator, least->key);
    agents_fini(allocator);
    clients_fini(allocator);
    clear_minima(allocator);
    heap_fini(&allocator->marks);
    heap_fini(&allocator->expiries);
    quantities_fini(&allocator->scratch);
    resources_fini(&allocator->stripped);
    allocator->policy->free(allocator->order);
    mem_free(allocator);
}

void allocator_set_minima(struct allocator *allocator, const struct quantities *any_of,
                          size_t count) {
    clear_minima(allocator);
    for (size_t i = 0; i < count && i < ALLOCATOR_MINIMA_LIMIT; i++)
        allocator->minima[allocator->minima_count++] = quantities_copy(&any_of[i]);
    agents_mark_all(allocator);
}

void allocator_set_gpus_reserved(struct allocator *allocator, bool reserved) {
    allocator->gpus_are_reserved = reserved;
    agents_mark_all(allocator);
}

bool is_allocatable(struct allocator *allocator, const struct resources *set) {
    if (resources_is_empty(set) || allocator->minima_count == 0)
        return !resources_is_empty(set);
    quantities_of(set, allocator->kinds, false, &allocator->scratch);
    for (size_t i = 0; i < allocator->minima_count; i++) {
        if (quantities_contain(&allocator->scratch, &allocator->minima[i]))
            return true;
    }
    return false;
}

/* Whether the client may be offered anything of this agent at all. */
static bool is_capable(const struct allocator *allocator, const struct client *client,
                       const struct agent *agent) {
    uint32_t can = client->framework->capabilities;
    if (agent->has_gpus && allocator->gpus_are_reserved && (can & FRAMEWORK_TAKES_GPUS) == 0)
        return false;
    if ((agent->traits & AGENT_IS_REMOTE) != 0 && (can & FRAMEWORK_TAKES_REMOTE) == 0)
        return false;
    if ((agent->traits & AGENT_SERVES_MANY_ROLES) == 0 && (can & FRAMEWORK_HAS_MANY_ROLES) != 0)
        return false;
    return (agent->traits & AGENT_SERVES_ROLE_TREE) != 0 ||
           kinds_role_parent(allocator->kinds, client->role) == ROLE_NONE;
}

static uint32_t flags_not_taken(uint32_t can) {
    uint32_t flags = 0;
    if ((can & FRAMEWORK_TAKES_REVOCABLE) == 0)
        flags |= KIND_IS_REVOCABLE;
    if ((can & FRAMEWORK_TAKES_SHARED) == 0)
        flags |= KIND_IS_SHARED;
    if ((can & FRAMEWORK_TAKES_REFINED) == 0)
        flags |= KIND_IS_REFINED;
    return flags;
}

static uint32_t flags_in(const struct resources *set) {
    uint32_t flags = 0;
    for (uint32_t i = 0; i < set->count; i++)
        flags |= set->entries[i].kind;
    return flags & (KIND_IS_REVOCABLE | KIND_IS_SHARED | KIND_IS_RESERVED);
}

/* What of the free resources this client may have; NULL when that is too little to offer. Mostly
 * all of it, and then nothing is copied. */
static const struct resources *offerable(struct allocator *allocator, const struct client *client,
                                         const struct agent *agent) {
    if (flags_in(&agent->free) == 0)
        return &agent->free;
    struct resources *stripped = &allocator->stripped;
    resources_fini(stripped);
    *stripped = resources_copy(&agent->free);
    resources_keep_role(stripped, allocator->kinds, client->role);
    resources_drop(stripped, flags_not_taken(client->framework->capabilities));
    return is_allocatable(allocator, stripped) ? stripped : NULL;
}

static bool offer(struct allocator *allocator, struct agent *agent, struct client *client,
                  allocator_sink *sink, void *self) {
    if (!is_capable(allocator, client, agent))
        return false;
    const struct resources *what = offerable(allocator, client, agent);
    if (what == NULL || filters_block(agent, client, what))
        return false;
    AUTO_FINI(resources_fini) struct resources given = resources_copy(what);
    bool fits = agent_give(allocator, agent, client, &given);
    assert(fits); /* it was free: used stays below total */
    struct allocator_offer made = {client->framework->number, client->role, agent->number, &given};
    sink(&made, self);
    return true;
}

/* Gives the looks it took. */
static size_t serve(struct allocator *allocator, struct agent *agent, allocator_sink *sink,
                    void *self) {
    size_t looks = 1;
    if (!is_allocatable(allocator, &agent->free))
        return looks;
    allocator->policy->walk_start(allocator->order);
    uint32_t id;
    while ((id = allocator->policy->walk_next(allocator->order)) != CLIENT_NONE) {
        looks++;
        if (offer(allocator, agent, allocator->clients.items[id], sink, self) &&
            !is_allocatable(allocator, &agent->free))
            break;
    }
    return looks;
}

static bool has_work(const struct allocator *allocator) {
    return allocator->wanting_count > 0 && heap_least(&allocator->marks) != NULL;
}

bool allocator_allocate(struct allocator *allocator, int64_t now_ms, size_t budget,
                        allocator_sink *sink, void *self) {
    filters_expire(allocator, now_ms);
    for (size_t spent = 0; spent < budget && has_work(allocator);) {
        struct heap_node *least = heap_least(&allocator->marks);
        heap_remove(&allocator->marks, least);
        spent += serve(allocator, CONTAINER_OF(least, struct agent, mark), sink, self);
    }
    return has_work(allocator);
}

int64_t allocator_deadline_ms(const struct allocator *allocator) {
    if (has_work(allocator))
        return INT64_MIN;
    const struct heap_node *least = heap_least(&allocator->expiries);
    return least != NULL ? least->key : INT64_MAX;
}
