/*
 * How everybody stands: what is held is added up here, from the tasks that run; why somebody waits
 * is asked of the allocator, agent by agent.
 */
#include "allocator/simulate/simulation_state.h"
#include "common/base/map.h"

#include <stdlib.h>

/* The largest part of any resource, rounded up. */
static int64_t dominant_share(const struct quantities *held, const struct quantities *capacity) {
    int64_t most = 0;
    for (size_t i = 0; i < held->count; i++) {
        int64_t all = quantities_milli(capacity, held->items[i].name);
        if (all == 0)
            continue;
        __int128 part =
            ((__int128)held->items[i].milli * MESOS_ALLOCATOR_SHARE_ONE + all - 1) / all;
        if (part > most)
            most = (int64_t)part;
    }
    return most;
}

static int64_t times(uint64_t count, int64_t milli) {
    return (int64_t)count * milli; /* no more than the cluster has */
}

static void count_held(const struct simulation *simulation, size_t index, struct quantities *out) {
    const struct quantities *task = &simulation->scenario->frameworks.items[index].task;
    for (size_t i = 0; i < task->count; i++)
        quantities_add(out, task->items[i].name,
                       times(simulation->clients[index].running, task->items[i].milli));
}

static void count_wait(void *self, uint32_t agent, const struct allocator_verdict *verdict) {
    struct simulation_framework *out = self;
    (void)agent;
    VEC_EACH(wait, &out->waits) {
        if (wait->why.reason == verdict->reason && wait->why.name == verdict->name &&
            wait->why.role == verdict->role) {
            wait->agents++;
            return;
        }
    }
    VEC_PUSH(&out->waits, (struct simulation_wait){*verdict, 1});
}

/* What most agents say comes first. */
static int compare_waits(const void *a, const void *b) {
    const struct simulation_wait *one = a, *other = b;
    if (one->agents != other->agents)
        return one->agents > other->agents ? -1 : 1;
    if (one->why.reason != other->why.reason)
        return one->why.reason < other->why.reason ? -1 : 1;
    return one->why.name < other->why.name ? -1 : one->why.name > other->why.name;
}

static void explain(struct simulation *simulation, size_t index, struct simulation_framework *out) {
    struct allocator_wish wish;
    allocator_explain(simulation->allocator, (uint32_t)index + 1,
                      simulation->scenario->frameworks.items[index].role, SIZE_MAX, &wish,
                      count_wait, out);
    if (out->waits.count > 0)
        qsort(out->waits.items, out->waits.count, sizeof(*out->waits.items), compare_waits);
}

static void list_frameworks(struct simulation *simulation, const struct quantities *capacity,
                            struct simulation_result *out) {
    for (size_t i = 0; i < simulation->scenario->frameworks.count; i++) {
        struct simulation_framework one = {.running = simulation->clients[i].running};
        count_held(simulation, i, &one.held);
        one.share = dominant_share(&one.held, capacity);
        if (simulation_wants(simulation, i))
            explain(simulation, i, &one);
        VEC_PUSH(&out->frameworks, one);
    }
}

/* What a role and all below it hold. */
struct role_sum {
    uint32_t role;
    struct text path;
    struct quantities held;
};

static struct role_sum *sum_of(const struct scenario *scenario, struct map *sums, uint32_t role) {
    struct role_sum *sum = map_get(sums, role);
    if (sum == NULL) {
        sum = NEW(struct role_sum);
        *sum = (struct role_sum){.role = role, .path = kinds_role_text(scenario->kinds, role)};
        map_put(sums, role, sum);
    }
    return sum;
}

/* To the role and to all above it. */
static void add_up(const struct scenario *scenario, struct map *sums, uint32_t role,
                   const struct quantities *held) {
    for (uint32_t at = role; at != ROLE_NONE; at = kinds_role_parent(scenario->kinds, at))
        quantities_add_all(&sum_of(scenario, sums, at)->held, held, 1);
}

static void free_sum(void *value) {
    struct role_sum *sum = value;
    quantities_fini(&sum->held);
    mem_free(sum);
}

static int compare_paths(const void *a, const void *b) {
    const struct role_sum *one = *(struct role_sum *const *)a, *other = *(void *const *)b;
    return text_compare(one->path, other->path);
}

static void list_roles(struct simulation *simulation, const struct quantities *capacity,
                       struct simulation_result *out) {
    const struct scenario *scenario = simulation->scenario;
    const struct quantities nothing = {0};
    struct map sums = {0};
    VEC_EACH(role, &scenario->roles)
        add_up(scenario, &sums, role->role, &nothing);
    for (size_t i = 0; i < scenario->frameworks.count; i++)
        add_up(scenario, &sums, scenario->frameworks.items[i].role, &out->frameworks.items[i].held);

    VEC_OF(struct role_sum *) sorted = {0};
    MAP_EACH(entry, &sums)
        VEC_PUSH(&sorted, map_value(entry));
    if (sorted.count > 1)
        qsort(sorted.items, sorted.count, sizeof(*sorted.items), compare_paths);
    AUTO(role_sums_free) struct role_sums *clients = allocator_sum_roles(simulation->allocator);
    VEC_EACH(sum, &sorted) {
        struct allocator_standing standing = {0};
        allocator_role_standing(simulation->allocator, clients, (*sum)->role, &standing);
        VEC_PUSH(&out->roles,
                 (struct simulation_role){(*sum)->role, dominant_share(&(*sum)->held, capacity),
                                          standing.guaranteed});
    }
    VEC_FINI(&sorted);
    map_fini(&sums, free_sum);
}

void simulation_result(struct simulation *simulation, struct simulation_result *out) {
    AUTO_FINI(quantities_fini) struct quantities capacity = {0};
    *out = (struct simulation_result){.decisions = simulation->decisions};
    scenario_capacity(simulation->scenario, &capacity);
    list_frameworks(simulation, &capacity, out);
    list_roles(simulation, &capacity, out);
}

void simulation_result_fini(struct simulation_result *result) {
    VEC_EACH(framework, &result->frameworks) {
        quantities_fini(&framework->held);
        VEC_FINI(&framework->waits);
    }
    VEC_FINI(&result->frameworks);
    VEC_FINI(&result->roles);
    *result = (struct simulation_result){0};
}

/* Whether the verdict is about an amount of something. */
static bool has_name(enum allocator_reason reason) {
    switch (reason) {
    case ALLOCATOR_TOO_SMALL:
    case ALLOCATOR_RESERVED:
    case ALLOCATOR_NOT_ENOUGH:
    case ALLOCATOR_NOT_TAKEN:
    case ALLOCATOR_LIMIT:
    case ALLOCATOR_HEADROOM: return true;
    case ALLOCATOR_FITS:
    case ALLOCATOR_INACTIVE:
    case ALLOCATOR_NO_GPUS:
    case ALLOCATOR_NO_REMOTE:
    case ALLOCATOR_NO_ROLES:
    case ALLOCATOR_CONSTRAINT:
    case ALLOCATOR_FILTERED:
    case ALLOCATOR_EARMARKED:
    case ALLOCATOR_HOARDS:
    case ALLOCATOR_BELOW_MINIMUM: break;
    }
    return false;
}

void simulation_print_why(const struct scenario *scenario, const struct allocator_verdict *why,
                          struct buf *out) {
    buf_append_string(out, allocator_reason_text(why->reason));
    if (has_name(why->reason) && why->name < kinds_name_count(scenario->kinds))
        buf_printf(out, ": %.*s", TEXT_ARGS(kinds_name_text(scenario->kinds, why->name)));
    if (why->reason == ALLOCATOR_LIMIT && why->role != ROLE_NONE)
        buf_printf(out, " of %.*s", TEXT_ARGS(kinds_role_text(scenario->kinds, why->role)));
}
