/*
 * First each role's own, then every own is added to all above it.
 */
#include "master/core/role_use.h"

static struct role_use *use_of(struct map *roles, uint32_t role) {
    struct role_use *use = map_get(roles, role);
    if (use == NULL) {
        use = NEW(struct role_use);
        map_put(roles, role, use);
    }
    return use;
}

static void free_use(void *self) {
    struct role_use *use = self;
    resources_fini(&use->held);
    quantities_fini(&use->allocated);
    quantities_fini(&use->offered);
    quantities_fini(&use->reserved);
    quantities_fini(&use->quota);
    mem_free(use);
}

void role_uses_fini(struct role_uses *uses) {
    map_fini(&uses->by_role, free_use);
}

void role_use_count(const struct master *master, const struct resources *set, int sign,
                    struct quantities *out) {
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t kind = set->entries[i].kind;
        if (kind_type(kind) == VALUE_SCALAR && !kind_is(kind, KIND_IS_RESERVED) &&
            !kind_is(kind, KIND_IS_REVOCABLE))
            quantities_add(out, kinds_name(master->kinds, kind),
                           sign * resource_quantity_milli(&set->entries[i]));
    }
}

/* --- each role's own --- */

static void add_held(const struct master *master, struct map *roles, uint32_t role,
                     const struct resources *set, bool is_offer) {
    struct role_use *use = use_of(roles, role);
    struct quantities amounts = {0};
    quantities_of(set, master->kinds, false, &amounts);
    quantities_add_all(is_offer ? &use->offered : &use->allocated, &amounts, 1);
    quantities_fini(&amounts);
    if (!is_offer)
        role_use_count(master, set, 1, &use->quota);
    bool fits = resources_add(&use->held, set);
    (void)fits; /* a sum beyond int64 is shown without this part */
}

static void add_reserved(const struct master *master, struct map *roles,
                         const struct resources *total) {
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *one = &total->entries[i];
        if (!kind_is(one->kind, KIND_IS_RESERVED))
            continue;
        struct role_use *use = use_of(roles, kinds_reserved_role(master->kinds, one->kind));
        uint32_t name = kinds_name(master->kinds, one->kind);
        int64_t milli = resource_quantity_milli(one);
        quantities_add(&use->reserved, name, milli);
        if (kind_type(one->kind) == VALUE_SCALAR && !kind_is(one->kind, KIND_IS_REVOCABLE))
            quantities_add(&use->quota, name, milli);
    }
}

static void add_agent(const struct master *master, struct map *roles, const struct agent *agent) {
    add_reserved(master, roles, &agent->total);
    LIST_EACH(at, &agent->tasks) {
        const struct task *task = CONTAINER_OF(at, struct task, by_agent);
        if (task->holds_resources)
            add_held(master, roles, task->role, &task->resources, false);
    }
    MAP_EACH(at, &agent->executors) {
        const struct executor *executor = map_value(at);
        if (!resources_is_empty(&executor->resources))
            add_held(master, roles, executor->role, &executor->resources, false);
    }
    LIST_EACH(at, &agent->offers) {
        const struct offer *offer = CONTAINER_OF(at, struct offer, by_agent);
        add_held(master, roles, offer->role, &offer->resources, true);
    }
}

/* --- with all below it --- */

static void add_use(struct role_use *to, const struct role_use *own) {
    quantities_add_all(&to->allocated, &own->allocated, 1);
    quantities_add_all(&to->offered, &own->offered, 1);
    quantities_add_all(&to->reserved, &own->reserved, 1);
    quantities_add_all(&to->quota, &own->quota, 1);
    bool fits = resources_add(&to->held, &own->held);
    (void)fits;
}

void role_uses_reckon(const struct master *master, struct role_uses *out) {
    struct map own = {0};
    *out = (struct role_uses){0};
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        if (agent->number != 0)
            add_agent(master, &own, agent);
    }
    MAP_EACH(entry, &own) {
        for (uint32_t role = (uint32_t)map_key(entry); role != ROLE_NONE;
             role = kinds_role_parent(master->kinds, role))
            add_use(use_of(&out->by_role, role), map_value(entry));
    }
    map_fini(&own, free_use);
}

const struct role_use *role_uses_of(const struct role_uses *uses, uint32_t role) {
    static const struct role_use none;
    const struct role_use *use = map_get(&uses->by_role, role);
    return use != NULL ? use : &none;
}
