/*
 * Random trees through random histories: each decision and each earmark is that of the slow twin,
 * which reckons everything anew.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/random_tree.h"

static void release_some(struct pool *pool, struct rng *rng) {
    int leaf = (int)rng_below(rng, (uint64_t)pool->leaf_count);
    for (uint64_t i = rng_below(rng, 3); i > 0 && pool->running[leaf] > 0; i--)
        pool_release(pool, leaf);
}

static void change_weight(struct pool *pool, struct rng *rng) {
    int at = (int)rng_below(rng, (uint64_t)pool->node_count);
    struct twin_node *node = &pool->nodes[at];
    if (node->role[0] == '\0')
        return;
    node->weight = 1 + (int64_t)rng_below(rng, 3000);
    assert_true(tree_set_weight(pool->tree, text_of(node->role), node->weight, NULL));
}

static void change_task(struct pool *pool, struct rng *rng) {
    int leaf = (int)rng_below(rng, (uint64_t)pool->leaf_count);
    if (pool->leaves[leaf] == NULL || pool->running[leaf] > 0)
        return;
    int64_t task[RESOURCES] = {0};
    task[rng_below(rng, RESOURCES)] = 1 + (int64_t)rng_below(rng, 5);
    if (memcmp(task, pool->tasks[leaf], sizeof(task)) != 0)
        pool->is_unfit[leaf] = false;
    memcpy(pool->tasks[leaf], task, sizeof(task));
    assert_true(tree_set_task(pool->tree, pool->leaves[leaf], task));
}

static void change_wants(struct pool *pool, struct rng *rng) {
    int leaf = (int)rng_below(rng, (uint64_t)pool->leaf_count);
    if (pool->leaves[leaf] != NULL)
        pool_want(pool, leaf, !pool->wants[leaf]);
}

static void change_capacity(struct pool *pool, struct rng *rng) {
    for (int j = 0; j < RESOURCES; j++) {
        int64_t more = (int64_t)rng_below(rng, 11) - 3;
        if (more < -pool->free[j] || pool->capacity[j] + more <= 0)
            continue;
        pool->capacity[j] += more;
        pool->free[j] += more;
        if (pool->held_back[j] > pool->free[j])
            pool->held_back[j] = pool->free[j];
    }
    assert_true(tree_set_capacity(pool->tree, pool->capacity, NULL));
}

static void do_something(struct pool *pool, struct rng *rng) {
    int leaf = (int)rng_below(rng, (uint64_t)pool->leaf_count);
    switch (rng_below(rng, 9)) {
    case 0: release_some(pool, rng); break;
    case 1: change_weight(pool, rng); break;
    case 2: change_task(pool, rng); break;
    case 3: change_wants(pool, rng); break;
    case 4: change_capacity(pool, rng); break;
    case 5:
        if (pool->leaves[leaf] != NULL && rng_below(rng, 4) == 0)
            pool_remove(pool, leaf);
        break;
    case 6:
        if (pool->leaves[leaf] != NULL)
            pool_reconsider(pool, leaf);
        break;
    case 7: pool_end_one(pool, rng); break;
    default: pool_reconsider(pool, -1); break;
    }
}

TEST(on_random_trees_each_decision_equals_that_of_reckoning_all_anew) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < 1500; tree++) {
        struct pool pool;
        random_tree(&pool, &rng, &(struct tree_terms){.capacity = 60, .depth = 3, .tops = 3});
        pool.is_checked = true;
        for (int step = 0; step < 60; step++) {
            do_something(&pool, &rng);
            pool_fill(&pool);
        }
        pool_fini(&pool);
    }
}
