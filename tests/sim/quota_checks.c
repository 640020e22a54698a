/*
 * Everything is summed up anew from the views: what each role consumes of cpus, what is free, what
 * the guarantees still need. Only cpus have quota in this world.
 */
#include "tests/sim/quota_checks.h"

#include "common/model/quantities.h"
#include "master/core/role_book.h"

enum { ROLES_SEEN_LIMIT = 64 };

struct quota_watch {
    struct map seen; /* ids of offers */
};

struct role_sum {
    uint32_t role;
    int64_t consumed_milli, guarantee_milli, limit_milli;
};

struct sums {
    struct quota_watch *watch;
    struct master_node *node;
    struct role_sum roles[ROLES_SEEN_LIMIT];
    size_t count;
    int64_t free_milli;
};

struct quota_watch *quota_watch_new(void) {
    return NEW(struct quota_watch);
}

void quota_watch_free(struct quota_watch *watch) {
    if (watch == NULL)
        return;
    map_fini(&watch->seen, NULL);
    mem_free(watch);
}

/* --- sums --- */

static int64_t plain_cpus(const struct resources *set) {
    return resources_scalar_milli(set, KIND_CPUS);
}

static struct role_sum *role_sum(struct sums *sums, uint32_t role) {
    for (size_t i = 0; i < sums->count; i++)
        if (sums->roles[i].role == role)
            return &sums->roles[i];
    if (sums->count == ROLES_SEEN_LIMIT)
        return NULL;
    struct role_sum *sum = &sums->roles[sums->count++];
    size_t lines;
    const struct quota_line *quota = role_book_quota(sums->node->core, role, &lines);
    *sum = (struct role_sum){.role = role, .limit_milli = INT64_MAX};
    for (size_t i = 0; i < lines; i++) {
        if (quota[i].name != NAME_CPUS)
            continue;
        sum->guarantee_milli = quota[i].guarantee_milli;
        sum->limit_milli = quota[i].limit_milli;
    }
    return sum;
}

static void consume(struct sums *sums, uint32_t role, int64_t milli) {
    const struct kinds *kinds = sums->node->kinds;
    for (; role != ROLE_NONE; role = kinds_role_parent(kinds, role)) {
        struct role_sum *sum = role_sum(sums, role);
        if (sum != NULL)
            sum->consumed_milli += milli;
    }
}

static void consume_named(struct sums *sums, struct text name, const struct resources *set) {
    uint32_t role;
    if (kinds_find_role(sums->node->kinds, name.size > 0 ? name : TEXT("*"), &role))
        consume(sums, role, plain_cpus(set));
}

static void sum_task(void *self, const struct task_view *task) {
    if (!task->is_completed && !task->is_unreachable && !task_state_is_terminal(task->state))
        consume_named(self, task->role, task->resources);
}

static void sum_executor(void *self, const struct executor_view *executor) {
    consume_named(self, executor->role, executor->resources);
}

static void sum_offer(void *self, const struct offer_view *offer) {
    consume_named(self, offer->role, offer->resources);
}

/* What is reserved counts, held or not. */
static void sum_agent(void *self, const struct agent_view *agent) {
    struct sums *sums = self;
    if (agent->unreachable || agent->total == NULL)
        return;
    for (uint32_t i = 0; i < agent->total->count; i++) {
        const struct resource *entry = &agent->total->entries[i];
        if (kind_is(entry->kind, KIND_IS_RESERVED) && !kind_is(entry->kind, KIND_IS_REVOCABLE) &&
            kind_type(entry->kind) == VALUE_SCALAR &&
            kinds_name(sums->node->kinds, entry->kind) == NAME_CPUS)
            consume(sums, kinds_reserved_role(sums->node->kinds, entry->kind),
                    resource_quantity_milli(entry));
    }
    int64_t left = plain_cpus(agent->total) - plain_cpus(agent->used) - plain_cpus(agent->offered);
    if (agent->active && left > 0)
        sums->free_milli += left;
}

/* --- guarantees --- */

/* What must still be kept below `role` (ROLE_NONE: in all), if `less` were taken from one role. */
static int64_t needs(const struct sums *sums, uint32_t role, uint32_t lessened, int64_t less) {
    const struct kinds *kinds = sums->node->kinds;
    int64_t below = 0, own = 0;
    for (size_t i = 0; i < sums->count; i++) {
        const struct role_sum *sum = &sums->roles[i];
        if (kinds_role_parent(kinds, sum->role) == role)
            below += needs(sums, sum->role, lessened, less);
        if (sum->role == role)
            own = sum->guarantee_milli - sum->consumed_milli;
    }
    for (uint32_t at = lessened; role != ROLE_NONE && at != ROLE_NONE;
         at = kinds_role_parent(kinds, at))
        own += at == role ? less : 0;
    return own > below ? own : below;
}

/* --- offers --- */

static void check_limits(struct sums *sums, const struct offer_view *offer, uint32_t role) {
    const struct kinds *kinds = sums->node->kinds;
    for (; role != ROLE_NONE; role = kinds_role_parent(kinds, role)) {
        const struct role_sum *sum = role_sum(sums, role);
        if (sum != NULL && sum->consumed_milli > sum->limit_milli)
            world_fail(sums->node->process.world,
                       "offer %.*s takes role %.*s above its limit: %lld of %lld",
                       TEXT_ARGS(offer->id.text), TEXT_ARGS(kinds_role_text(kinds, role)),
                       (long long)sum->consumed_milli, (long long)sum->limit_milli);
    }
}

static void check_headroom(struct sums *sums, const struct offer_view *offer, uint32_t role) {
    int64_t milli = plain_cpus(offer->resources);
    int64_t now = sums->free_milli - needs(sums, ROLE_NONE, ROLE_NONE, 0);
    int64_t without = sums->free_milli + milli - needs(sums, ROLE_NONE, role, milli);
    if (now < 0 && without > now)
        world_fail(sums->node->process.world,
                   "offer %.*s takes what is kept for guarantees: headroom %lld, %lld without it",
                   TEXT_ARGS(offer->id.text), (long long)now, (long long)without);
}

static void check_offer(void *self, const struct offer_view *offer) {
    struct sums *sums = self;
    uint32_t role;
    if (map_get_text(&sums->watch->seen, offer->id.text) != NULL)
        return;
    map_put_text(&sums->watch->seen, offer->id.text, sums);
    if (plain_cpus(offer->resources) == 0 ||
        !kinds_find_role(sums->node->kinds, offer->role, &role))
        return;
    check_limits(sums, offer, role);
    check_headroom(sums, offer, role);
}

static void collect_quota(void *self, uint32_t role) {
    struct sums *sums = self;
    for (; role != ROLE_NONE; role = kinds_role_parent(sums->node->kinds, role))
        role_sum(sums, role);
}

void quota_watch_check(struct quota_watch *watch, struct master_node *node) {
    struct sums sums = {.watch = watch, .node = node};
    role_book_each(node->core, collect_quota, &sums);
    master_each_task(node->core, NULL, sum_task, &sums);
    master_each_executor(node->core, sum_executor, &sums);
    master_each_offer(node->core, sum_offer, &sums);
    master_each_agent(node->core, sum_agent, &sums);
    master_each_offer(node->core, check_offer, &sums);
}
