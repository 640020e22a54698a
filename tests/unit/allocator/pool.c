#include "tests/unit/allocator/pool.h"
#include "tests/support/unit.h"

void pool_init(struct pool *pool, enum tree_mode mode, const int64_t *capacity) {
    *pool = (struct pool){.tree = tree_new(mode, RESOURCES, 1), .node_count = 1, .earmarked = -1};
    pool->nodes[0] = (struct twin_node){.parent = -1, .leaf = -1, .weight = 1000};
    memcpy(pool->capacity, capacity, sizeof(pool->capacity));
    memcpy(pool->free, capacity, sizeof(pool->free));
    assert_true(tree_set_capacity(pool->tree, capacity, NULL));
}

void pool_fini(struct pool *pool) {
    tree_free(pool->tree);
}

/* After what a leaf holds or wants changed. */
static void note_hands(struct pool *pool, int leaf) {
    if (!pool->wants[leaf] || pool->running[leaf] > 0)
        pool->since[leaf] = 0;
    else if (pool->since[leaf] == 0)
        pool->since[leaf] = ++pool->last_since;
}

void pool_want(struct pool *pool, int leaf, bool wants) {
    if (pool->wants[leaf] == wants)
        return;
    pool->wants[leaf] = wants;
    pool->is_unfit[leaf] = false;
    tree_set_wants(pool->tree, pool->leaves[leaf], wants);
    note_hands(pool, leaf);
}

int pool_add(struct pool *pool, const char *role, int64_t weight, const int64_t *task) {
    int leaf = pool->leaf_count++;
    assert_true(leaf < LEAVES);
    pool->leaves[leaf] = tree_add_leaf(pool->tree, text_of(role), (uint32_t)leaf + 1, weight, NULL);
    assert_non_null(pool->leaves[leaf]);
    tree_set_mark(pool->leaves[leaf], (uint32_t)leaf);
    assert_true(tree_set_task(pool->tree, pool->leaves[leaf], task));
    memcpy(pool->tasks[leaf], task, sizeof(pool->tasks[leaf]));
    pool_want(pool, leaf, true);
    return leaf;
}

static void give_back(struct pool *pool, int leaf, int tasks) {
    pool->running[leaf] -= tasks;
    for (int j = 0; j < RESOURCES; j++) {
        pool->free[j] += tasks * pool->tasks[leaf][j];
        if (pool->held_claim != TREE_CLAIM_NONE)
            pool->held_back[j] += tasks * pool->tasks[leaf][j];
    }
    note_hands(pool, leaf);
}

static void set_earmark(struct pool *pool, int leaf) {
    if (pool->earmarked >= 0)
        tree_set_earmarked(pool->tree, pool->leaves[pool->earmarked], false);
    if (leaf >= 0)
        tree_set_earmarked(pool->tree, pool->leaves[leaf], true);
    pool->earmarked = leaf;
    pool_reconsider(pool, -1);
}

static void set_held_claim(struct pool *pool, enum tree_claim claim) {
    if (claim < pool->held_claim || pool->held_claim == TREE_CLAIM_NONE)
        memset(pool->held_back, 0, sizeof(pool->held_back));
    pool->held_claim = claim;
}

void pool_remove(struct pool *pool, int leaf) {
    if (pool->earmarked == leaf)
        set_earmark(pool, -1);
    tree_remove_leaf(pool->tree, pool->leaves[leaf]);
    pool->wants[leaf] = false;
    give_back(pool, leaf, pool->running[leaf]);
    pool->leaves[leaf] = NULL;
    for (int i = 0; i < pool->node_count; i++)
        if (pool->nodes[i].leaf == leaf)
            pool->nodes[i].leaf = -2;
}

void pool_reconsider(struct pool *pool, int leaf) {
    tree_reconsider(pool->tree, leaf >= 0 ? pool->leaves[leaf] : NULL);
    for (int i = 0; i < pool->leaf_count; i++)
        pool->is_unfit[i] = pool->is_unfit[i] && leaf >= 0 && i != leaf;
}

static enum mesos_allocator_answer fits(const struct tree_node *node, void *self) {
    struct pool *pool = self;
    int leaf = (int)tree_mark(node);
    assert_false(pool->is_unfit[leaf]); /* nobody is asked in vain twice */
    pool->asks++;
    if (twin_fits(pool, leaf))
        return MESOS_ALLOCATOR_YES;
    pool->is_unfit[leaf] = true;
    return MESOS_ALLOCATOR_NO;
}

int pool_decide(struct pool *pool) {
    if (pool->is_naive)
        return twin_decide(pool);
    int expected = pool->is_checked ? twin_decide(pool) : -1;
    struct tree_node *node = NULL;
    enum mesos_allocator_answer answer = tree_decide(pool->tree, fits, pool, &node);
    int leaf = answer == MESOS_ALLOCATOR_YES ? (int)tree_mark(node) : -1;
    if (pool->is_checked)
        assert_int_equal(leaf, expected);
    return leaf;
}

void pool_grant(struct pool *pool, int leaf) {
    assert_true(tree_grant(pool->tree, pool->leaves[leaf], pool->tasks[leaf]));
    pool->running[leaf]++;
    pool->grants++;
    for (int j = 0; j < RESOURCES; j++) {
        pool->free[j] -= pool->tasks[leaf][j];
        if (pool->held_back[j] > pool->free[j])
            pool->held_back[j] = pool->free[j];
    }
    note_hands(pool, leaf);
    if (leaf == pool->earmarked)
        set_earmark(pool, -1);
}

/* An earmark goes to the highest claim; a lower one makes room. True: the fill may go on. */
static bool renew_earmark(struct pool *pool) {
    enum tree_claim own = TREE_CLAIM_NONE;
    if (pool->earmarked >= 0)
        own = tree_claim(pool->tree, pool->leaves[pool->earmarked]);
    struct tree_node *next = tree_next_earmark(pool->tree);
    if (pool->is_checked)
        assert_int_equal(next != NULL ? (int)tree_mark(next) : -1, twin_earmark(pool));
    enum tree_claim other = next != NULL ? tree_claim(pool->tree, next) : TREE_CLAIM_NONE;
    if (pool->earmarked >= 0 && (own == TREE_CLAIM_NONE || other > own))
        set_earmark(pool, -1);
    if (pool->earmarked < 0 && next != NULL)
        set_earmark(pool, (int)tree_mark(next));
    enum tree_claim claim = other > own ? other : own;
    bool is_freed = claim < pool->held_claim;
    set_held_claim(pool, claim);
    return is_freed;
}

void pool_fill(struct pool *pool) {
    do {
        for (int leaf; (leaf = pool_decide(pool)) >= 0;)
            pool_grant(pool, leaf);
    } while (!pool->is_naive && renew_earmark(pool));
}

void pool_release(struct pool *pool, int leaf) {
    assert_true(tree_release(pool->tree, pool->leaves[leaf], pool->tasks[leaf]));
    give_back(pool, leaf, 1);
}

void pool_end_one(struct pool *pool, struct rng *rng) {
    uint64_t all = 0;
    for (int i = 0; i < pool->leaf_count; i++)
        all += (uint64_t)pool->running[i];
    uint64_t chosen = rng_below(rng, all);
    for (int i = 0; i < pool->leaf_count && all > 0; i++) {
        if (chosen >= (uint64_t)pool->running[i]) {
            chosen -= (uint64_t)pool->running[i];
            continue;
        }
        pool_release(pool, i);
        break;
    }
    pool_reconsider(pool, -1);
}

void pool_churn(struct pool *pool, struct rng *rng, int steps) {
    for (int step = 0; step < steps; step++) {
        pool_end_one(pool, rng);
        pool_fill(pool);
    }
}

bool pool_is_due(const struct pool *pool, int leaf) {
    return tree_claim(pool->tree, pool->leaves[leaf]) == TREE_CLAIM_DUE;
}
