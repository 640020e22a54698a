#include "tests/unit/allocator/guarantee.h"
#include "tests/support/unit.h"

enum { WINDOW = 1000, LOOKS = 5 };

static bool leaf_is_served(const struct pool *pool, int leaf) {
    if (!pool->wants[leaf])
        return true;
    int64_t guaranteed = tree_guaranteed_share(pool->tree, pool->leaves[leaf]);
    for (int j = 0; j < RESOURCES; j++) {
        __int128 then = (pool->running[leaf] + 1) * pool->tasks[leaf][j];
        if (then * TREE_SHARE_ONE > (__int128)guaranteed * pool->capacity[j])
            return true;
    }
    return false;
}

static bool is_below(const struct pool *pool, int at, int node) {
    while (at > node)
        at = pool->nodes[at].parent;
    return at == node;
}

static bool role_is_served(const struct pool *pool, int node) {
    const struct tree_node *role = tree_find_role(pool->tree, text_of(pool->nodes[node].role));
    int64_t guaranteed = tree_guaranteed_share(pool->tree, role);
    bool wants = false;
    for (int at = node + 1; at < pool->node_count; at++)
        wants = wants || (pool->nodes[at].leaf >= 0 && is_below(pool, at, node));
    for (int j = 0; j < RESOURCES; j++) {
        __int128 then = tree_held(role)[j];
        for (int at = node + 1; at < pool->node_count; at++)
            if (pool->nodes[at].leaf >= 0 && is_below(pool, at, node))
                then += pool->tasks[pool->nodes[at].leaf][j];
        if (then * TREE_SHARE_ONE > (__int128)guaranteed * pool->capacity[j])
            return true;
    }
    return !wants;
}

static void add_latecomers(struct pool *pool, struct rng *rng) {
    for (int i = 0; i < pool->leaf_count; i++)
        if (rng_below(rng, 3) == 0)
            pool_want(pool, i, false);
    pool_fill(pool);
    pool_churn(pool, rng, 50);
    for (int i = 0; i < pool->leaf_count; i++)
        pool_want(pool, i, true);
    pool_reconsider(pool, -1);
}

/* Notes who is at its guarantee now; how many have not been yet. */
static int look(const struct pool *pool, bool *was_served) {
    int missing = 0;
    for (int at = 1; at < pool->node_count; at++) {
        const struct twin_node *node = &pool->nodes[at];
        if (!was_served[at])
            was_served[at] = node->leaf >= 0 ? leaf_is_served(pool, node->leaf)
                                             : node->role[0] == '\0' || role_is_served(pool, at);
        missing += !was_served[at];
    }
    return missing;
}

/* *missing: of how many it did not hold at the end of the churn. */
static bool guarantees_hold(struct pool *pool, struct rng *rng, const struct churn *churn,
                            int *missing) {
    bool was_served[NODES] = {0};
    if (churn->has_latecomers)
        add_latecomers(pool, rng);
    pool_fill(pool);
    pool_churn(pool, rng, churn->steps);
    *missing = look(pool, was_served);
    int left = *missing;
    for (int step = 0; step < WINDOW && left > 0; step += LOOKS) {
        pool_churn(pool, rng, LOOKS);
        left = look(pool, was_served);
    }
    return left == 0;
}

void check_guarantees(const struct churn *churn) {
    struct rng seeds = rng_for_test();
    const char *times = getenv("TREES");
    int trees = rounds_for_test(churn->trees) * (times != NULL ? (int)strtol(times, NULL, 10) : 1);
    int broken = 0;
    long nodes = 0, missing = 0;
    for (int i = 0; i < trees; i++) {
        uint64_t seed = rng_next(&seeds);
        struct rng rng = rng_of(seed);
        struct pool pool;
        random_tree(&pool, &rng, &churn->terms);
        int missing_here;
        bool holds = guarantees_hold(&pool, &rng, churn, &missing_here);
        nodes += pool.node_count;
        missing += missing_here;
        if (!holds) {
            if (broken++ < 5)
                print_error("broken: tree %llu\n", (unsigned long long)seed);
        }
        pool_fini(&pool);
    }
    if (missing * 200 > nodes)
        fail_msg("%ld of %ld nodes are below at the end", missing, nodes);
    if (broken > 0)
        fail_msg("%d of %d trees", broken, trees);
}
