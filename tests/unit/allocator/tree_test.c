/*
 * Hierarchical fairness on one pooled machine: the examples of the papers after the first fill and
 * after churn, and random trees against a twin that reckons everything anew for each decision.
 */
#include "allocator/tree.h"
#include "tests/support/unit.h"

#include <stdio.h>

enum { RESOURCES = 3, LEAVES = 16, NODES = 64 };

struct twin_node {
    int parent, leaf; /* leaf: -1 for an inner node */
    int64_t weight;
    int64_t vector[RESOURCES], share;
    bool is_active, is_hopeful;
};

struct pool {
    struct tree *tree;
    int64_t capacity[RESOURCES], free[RESOURCES], held_back[RESOURCES];
    struct tree_node *leaves[LEAVES];
    bool wants[LEAVES];
    int running[LEAVES];
    int leaf_count;
    struct tree_node *earmarked;
    struct twin_node nodes[NODES]; /* parents and smaller siblings first */
    int node_count;
    bool is_checked;
    bool is_naive; /* sums up the tree, by least share over all resources */
};

static void pool_init(struct pool *pool, const int64_t *capacity) {
    *pool = (struct pool){.tree = tree_new(TREE_HDRF, RESOURCES, 0), .node_count = 1};
    pool->nodes[0] = (struct twin_node){.parent = -1, .leaf = -1, .weight = 1000};
    memcpy(pool->capacity, capacity, sizeof(pool->capacity));
    memcpy(pool->free, capacity, sizeof(pool->free));
    assert_true(tree_set_capacity(pool->tree, capacity, NULL));
}

static int twin_add(struct pool *pool, int parent, int64_t weight, int leaf) {
    assert_true(pool->node_count < NODES);
    pool->nodes[pool->node_count] =
        (struct twin_node){.parent = parent, .leaf = leaf, .weight = weight};
    return pool->node_count++;
}

static int pool_add(struct pool *pool, const char *role, int64_t weight, const int64_t *task) {
    int leaf = pool->leaf_count++;
    pool->leaves[leaf] = tree_add_leaf(pool->tree, text_of(role), (uint32_t)leaf + 1, weight, NULL);
    assert_non_null(pool->leaves[leaf]);
    assert_true(tree_set_task(pool->tree, pool->leaves[leaf], task));
    pool->wants[leaf] = true;
    tree_set_wants(pool->tree, pool->leaves[leaf], true);
    return leaf;
}

static bool fits_now(const struct pool *pool, const struct tree_node *leaf) {
    const int64_t *task = tree_task(leaf);
    for (int j = 0; j < RESOURCES; j++) {
        int64_t kept = leaf == pool->earmarked ? 0 : pool->held_back[j];
        if (task[j] > 0 && task[j] > pool->free[j] - kept)
            return false;
    }
    return true;
}

static enum mesos_allocator_answer fits(const struct tree_node *leaf, void *self) {
    return fits_now(self, leaf) ? MESOS_ALLOCATOR_YES : MESOS_ALLOCATOR_NO;
}

static void twin_leaf(struct pool *pool, struct twin_node *node, const bool *open) {
    const struct tree_node *leaf = pool->leaves[node->leaf];
    const int64_t *task = tree_task(leaf), *held = tree_held(leaf);
    node->is_active = pool->wants[node->leaf];
    for (int j = 0; j < RESOURCES; j++) {
        node->vector[j] = 0;
        if (open[j])
            node->vector[j] =
                (int64_t)(((__int128)held[j] * TREE_SHARE_ONE + pool->capacity[j] - 1) /
                          pool->capacity[j]);
        if (task[j] > 0 && !open[j])
            node->is_active = false;
    }
    node->is_hopeful = node->is_active && fits_now(pool, leaf);
}

static bool twin_is_less(const struct twin_node *a, const struct twin_node *b) {
    return (__int128)a->share * b->weight < (__int128)b->share * a->weight;
}

static void twin_inner(struct pool *pool, int at) {
    struct twin_node *node = &pool->nodes[at], *least = NULL;
    int active = 0;
    __int128 direct[RESOURCES] = {0}, blocked[RESOURCES] = {0};
    node->is_hopeful = false;
    for (int c = at + 1; c < pool->node_count; c++) {
        struct twin_node *child = &pool->nodes[c];
        if (child->parent != at)
            continue;
        node->is_hopeful = node->is_hopeful || child->is_hopeful;
        child->is_active = child->is_active && !pool->is_naive;
        active += child->is_active;
        if (child->is_active && (least == NULL || twin_is_less(child, least)))
            least = child;
        for (int j = 0; j < RESOURCES; j++) {
            if (!child->is_active)
                blocked[j] += child->vector[j];
            else if (child->share > 0)
                direct[j] += (((__int128)child->vector[j] * child->weight) << 24) / child->share;
        }
    }
    node->is_active = active > 0;
    for (int j = 0; j < RESOURCES; j++) {
        __int128 own = 0;
        if (least != NULL)
            own = active == 1 ? least->vector[j]
                              : direct[j] * least->share / ((__int128)least->weight << 24);
        node->vector[j] = (int64_t)(own + blocked[j]);
    }
}

static struct tree_node *twin_decide(struct pool *pool) {
    bool open[RESOURCES] = {0};
    for (int i = 0; i < pool->leaf_count; i++)
        for (int j = 0; j < RESOURCES; j++)
            if (pool->wants[i] && tree_task(pool->leaves[i])[j] > 0 && fits_now(pool, pool->leaves[i]))
                open[j] = true;
    for (int j = 0; j < RESOURCES && pool->is_naive; j++)
        open[j] = pool->capacity[j] > 0;
    for (int at = pool->node_count - 1; at >= 0; at--) {
        struct twin_node *node = &pool->nodes[at];
        if (node->leaf >= 0)
            twin_leaf(pool, node, open);
        else
            twin_inner(pool, at);
        node->share = 0;
        for (int j = 0; j < RESOURCES; j++)
            if (open[j] && node->vector[j] > node->share)
                node->share = node->vector[j];
    }
    int at = 0;
    while (pool->nodes[at].leaf < 0) {
        int next = -1;
        for (int c = at + 1; c < pool->node_count; c++)
            if (pool->nodes[c].parent == at && pool->nodes[c].is_hopeful &&
                (next < 0 || twin_is_less(&pool->nodes[c], &pool->nodes[next])))
                next = c;
        if (next < 0)
            return NULL;
        at = next;
    }
    return pool->leaves[pool->nodes[at].leaf];
}

static int leaf_number(const struct pool *pool, const struct tree_node *leaf) {
    for (int i = 0; i < pool->leaf_count; i++)
        if (pool->leaves[i] == leaf)
            return i;
    return -1;
}

static void earmark_set(struct pool *pool, struct tree_node *leaf) {
    if (pool->earmarked != NULL)
        tree_set_earmarked(pool->tree, pool->earmarked, false);
    if (leaf != NULL)
        tree_set_earmarked(pool->tree, leaf, true);
    pool->earmarked = leaf;
    memset(pool->held_back, 0, sizeof(pool->held_back));
    tree_reconsider(pool->tree, NULL);
}

static struct tree_node *pool_decide(struct pool *pool) {
    if (pool->is_naive)
        return twin_decide(pool);
    struct tree_node *leaf = NULL;
    tree_decide(pool->tree, fits, pool, &leaf);
    if (pool->is_checked)
        assert_int_equal(leaf_number(pool, leaf), leaf_number(pool, twin_decide(pool)));
    return leaf;
}

static void pool_fill(struct pool *pool) {
    for (struct tree_node *leaf; (leaf = pool_decide(pool)) != NULL;) {
        assert_true(tree_grant(pool->tree, leaf, tree_task(leaf)));
        for (int j = 0; j < RESOURCES; j++)
            pool->free[j] -= tree_task(leaf)[j];
        pool->running[leaf_number(pool, leaf)]++;
        if (leaf == pool->earmarked)
            earmark_set(pool, NULL);
    }
    if (pool->earmarked != NULL && tree_claim(pool->tree, pool->earmarked) == TREE_CLAIM_NONE) {
        earmark_set(pool, NULL);
        pool_fill(pool);
    } else if (pool->earmarked == NULL && tree_next_earmark(pool->tree) != NULL) {
        earmark_set(pool, tree_next_earmark(pool->tree));
    }
}

static void pool_end_one(struct pool *pool, struct rng *rng) {
    uint64_t all = 0;
    for (int i = 0; i < pool->leaf_count; i++)
        all += (uint64_t)pool->running[i];
    uint64_t chosen = rng_below(rng, all);
    for (int i = 0; i < pool->leaf_count && all > 0; i++) {
        if (chosen >= (uint64_t)pool->running[i]) {
            chosen -= (uint64_t)pool->running[i];
            continue;
        }
        const int64_t *task = tree_task(pool->leaves[i]);
        assert_true(tree_release(pool->tree, pool->leaves[i], task));
        tree_reconsider(pool->tree, NULL);
        pool->running[i]--;
        for (int j = 0; j < RESOURCES; j++) {
            pool->free[j] += task[j];
            if (pool->earmarked != NULL)
                pool->held_back[j] += task[j];
        }
        return;
    }
}

struct row {
    int64_t capacity[RESOURCES];
    struct {
        const char *role;
        int64_t weight;
        int64_t task[RESOURCES];
        int tasks;
    } leaves[8];
    struct {
        const char *role;
        int64_t weight;
    } weights[4];
};

static void check_tasks(const struct pool *pool, const struct row *row, const char *when) {
    for (int i = 0; i < pool->leaf_count; i++)
        if (pool->running[i] != row->leaves[i].tasks)
            fail_msg("%s: leaf %d runs %d, not %d", when, i, pool->running[i],
                     row->leaves[i].tasks);
}

static void check_row(const struct row *row) {
    struct pool pool;
    struct rng rng = rng_of(7);
    pool_init(&pool, row->capacity);
    for (int i = 0; i < 4 && row->weights[i].role != NULL; i++)
        assert_true(tree_set_weight(pool.tree, text_of(row->weights[i].role),
                                    row->weights[i].weight, NULL));
    for (int i = 0; i < 8 && row->leaves[i].role != NULL; i++)
        pool_add(&pool, row->leaves[i].role, row->leaves[i].weight, row->leaves[i].task);

    pool_fill(&pool);
    check_tasks(&pool, row, "after the first fill");
    for (int step = 0; step < 3000; step++) {
        pool_end_one(&pool, &rng);
        pool_fill(&pool);
    }
    check_tasks(&pool, row, "after churn");
    tree_free(pool.tree);
}

TEST(drf_1_both_users_reach_two_thirds) {
    check_row(&(struct row){{9, 18}, {{"a", 1000, {1, 4}, 3}, {"b", 1000, {3, 1}, 2}}, {{0}}});
}

TEST(hdrf_2_weights_divide_what_the_parent_has) {
    check_row(&(struct row){{480},
                            {{"n1", 1000, {1}, 240},
                             {"n2/a", 1000, {1}, 48},
                             {"n2/b", 1000, {1}, 96},
                             {"n2/c", 1000, {1}, 96}},
                            {{"n2/b", 2000}, {"n2/c", 2000}}});
}

TEST(hdrf_4_a_child_with_another_resource_does_not_starve_its_sibling) {
    check_row(&(struct row){
        {10, 10},
        {{"n1/a", 1000, {1, 0}, 5}, {"n2/a", 1000, {1, 0}, 5}, {"n2/b", 1000, {0, 1}, 10}},
        {{0}}});
}

TEST(hdrf_4b_a_node_gets_its_half_of_both_resources) {
    check_row(&(struct row){
        {60, 60},
        {{"n1", 1000, {1, 1}, 30}, {"n2/a", 1000, {1, 0}, 30}, {"n2/b", 1000, {0, 1}, 30}},
        {{0}}});
}

TEST(hdrf_5_blocked_nodes_are_left_out_of_the_rescale) {
    check_row(&(struct row){{30, 30},
                            {{"n1", 1000, {1, 0}, 10},
                             {"n2", 1000, {1, 0}, 10},
                             {"n3/a", 1000, {1, 0}, 10},
                             {"n3/b", 1000, {0, 1}, 15},
                             {"n4", 1000, {0, 1}, 15}},
                            {{0}}});
}

TEST(hdrf_6_two_resources_in_all_tasks) {
    check_row(&(struct row){
        {300, 300},
        {{"n1", 1000, {3, 2}, 60}, {"n2/a", 1000, {1, 1}, 90}, {"n2/b", 1000, {1, 3}, 30}},
        {{0}}});
}

TEST(hdrf_8_three_resources_and_weights_do_not_drift) {
    check_row(&(struct row){{784, 196, 196},
                            {{"n1/a", 1000, {1, 1, 0}, 156},
                             {"n1/b", 1000, {1, 0, 1}, 196},
                             {"n2/a", 1000, {1, 1, 0}, 20},
                             {"n2/b", 1000, {1, 1, 0}, 20}},
                            {{"n1", 4000}}});
}

TEST(hdrf_w1_the_rescale_is_weighted) {
    check_row(
        &(struct row){{120},
                      {{"p/a", 1000, {1}, 40}, {"p/b", 1000, {1}, 20}, {"q/c", 1000, {1}, 60}},
                      {{"p/a", 2000}}});
}

TEST(mixed_frameworks_of_a_role_share_one_child) {
    check_row(&(struct row){{120},
                            {{"eng", 1000, {1}, 20},
                             {"eng", 1000, {1}, 20},
                             {"eng", 1000, {1}, 20},
                             {"eng/ci", 1000, {1}, 60}},
                            {{0}}});
}

TEST(a_big_task_that_comes_late_gets_its_half_by_the_earmark) {
    struct pool pool;
    struct rng rng = rng_of(3);
    pool_init(&pool, (int64_t[RESOURCES]){100});
    pool_add(&pool, "a", 1000, (int64_t[RESOURCES]){1});
    pool_fill(&pool);
    assert_int_equal(pool.running[0], 100);

    pool_add(&pool, "b", 1000, (int64_t[RESOURCES]){4});
    for (int step = 0; step < 2000; step++) {
        pool_fill(&pool);
        pool_end_one(&pool, &rng);
    }
    pool_fill(&pool);

    assert_int_equal(pool.running[0], 52);
    assert_int_equal(pool.running[1], 12);
    tree_free(pool.tree);
}

static void random_leaves(struct pool *pool, struct rng *rng, const char *role, int virtual) {
    int count = 1 + (int)rng_below(rng, 2);
    for (int i = 0; i < count && pool->leaf_count < LEAVES; i++) {
        int64_t weight = 1 + (int64_t)rng_below(rng, 3000);
        int64_t task[RESOURCES];
        for (int j = 0; j < RESOURCES; j++)
            task[j] = (int64_t)rng_below(rng, 4);
        task[rng_below(rng, RESOURCES)] += 1;
        int leaf = pool_add(pool, role, weight, task);
        twin_add(pool, virtual, weight, leaf);
    }
}

static void random_role(struct pool *pool, struct rng *rng, const char *role, int parent,
                        int depth) {
    int64_t weight = 1 + (int64_t)rng_below(rng, 3000);
    assert_true(tree_set_weight(pool->tree, text_of(role), weight, NULL));
    int node = twin_add(pool, parent, weight, -1);
    if (depth == 0 || rng_below(rng, 2) == 0)
        random_leaves(pool, rng, role, twin_add(pool, node, 1000, -1));
    for (int i = 0; i < 2 && depth > 0; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s/%c", role, 'a' + i);
        random_role(pool, rng, name, node, depth - 1);
    }
}

TEST(on_random_trees_each_decision_equals_that_of_reckoning_all_anew) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < 400; tree++) {
        struct pool pool;
        int64_t capacity[RESOURCES];
        for (int j = 0; j < RESOURCES; j++)
            capacity[j] = 10 + (int64_t)rng_below(&rng, 60);
        pool_init(&pool, capacity);
        pool.is_checked = true;
        for (int i = 0; i < 3; i++)
            random_role(&pool, &rng, (const char *[]){"a", "b", "c"}[i], 0,
                        (int)rng_below(&rng, 3));

        for (int step = 0; step < 60; step++) {
            int leaf = (int)rng_below(&rng, (uint64_t)pool.leaf_count);
            if (rng_below(&rng, 4) == 0) {
                pool.wants[leaf] = !pool.wants[leaf];
                tree_set_wants(pool.tree, pool.leaves[leaf], pool.wants[leaf]);
            }
            pool_fill(&pool);
            pool_end_one(&pool, &rng);
        }
        tree_free(pool.tree);
    }
}

TEST(weights_and_roles_that_make_no_sense_are_refused) {
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, 1, 0);
    struct error error;

    assert_false(tree_set_weight(tree, TEXT("a"), 0, &error));
    assert_false(tree_set_weight(tree, TEXT("a"), 1000000001, &error));
    assert_false(tree_set_weight(tree, TEXT("a//b"), 1000, &error));
    assert_true(tree_set_weight(tree, TEXT("a"), 1, &error));
    assert_true(tree_set_weight(tree, TEXT("a/b"), 1000000000, &error));
    assert_non_null(tree_add_leaf(tree, TEXT("a"), 1, 1000, &error));
    assert_null(tree_add_leaf(tree, TEXT("a"), 1, 1000, &error));
}

TEST(a_role_without_weight_is_forgotten_with_its_last_framework) {
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, 1, 0);
    struct tree_node *leaf = tree_add_leaf(tree, TEXT("a/b"), 1, 1000, NULL);
    assert_true(tree_grant(tree, leaf, (int64_t[]){5}));

    assert_int_equal(tree_held(tree_find_role(tree, TEXT("a")))[0], 5);
    tree_remove_leaf(tree, leaf);

    assert_null(tree_find_role(tree, TEXT("a")));
}

TEST(adding_up_the_children_starves_a_sibling_under_churn) {
    struct pool pool;
    struct rng rng = rng_of(7);
    pool_init(&pool, (int64_t[RESOURCES]){10, 10});
    pool.is_naive = true;
    int n1 = twin_add(&pool, 0, 1000, -1), n2 = twin_add(&pool, 0, 1000, -1);
    twin_add(&pool, n1, 1000, pool_add(&pool, "n1/a", 1000, (int64_t[RESOURCES]){1, 0}));
    twin_add(&pool, n2, 1000, pool_add(&pool, "n2/a", 1000, (int64_t[RESOURCES]){1, 0}));
    twin_add(&pool, n2, 1000, pool_add(&pool, "n2/b", 1000, (int64_t[RESOURCES]){0, 1}));

    for (int step = 0; step < 3000; step++) {
        pool_fill(&pool);
        pool_end_one(&pool, &rng);
    }
    pool_fill(&pool);

    assert_int_equal(pool.running[0], 10);
    assert_int_equal(pool.running[1], 0);
    assert_int_equal(pool.running[2], 10);
    tree_free(pool.tree);
}

TEST(weights_multiplied_down_the_tree_give_too_much_with_several_resources) {
    check_row(&(struct row){
        {60, 60},
        {{"n1", 1000, {1, 1}, 40}, {"n2a", 1000, {1, 0}, 20}, {"n2b", 1000, {0, 1}, 20}},
        {{"n1", 2000}}});
}
