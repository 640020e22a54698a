/*
 * Hierarchical fairness on one pooled machine: the examples of the papers after the first fill and
 * after churn, the wrong ways that must fail them, and what the tree refuses.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/pool.h"

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
    pool_init(&pool, TREE_HDRF, row->capacity);
    for (int i = 0; i < 4 && row->weights[i].role != NULL; i++)
        assert_true(tree_set_weight(pool.tree, text_of(row->weights[i].role),
                                    row->weights[i].weight, NULL));
    for (int i = 0; i < 8 && row->leaves[i].role != NULL; i++)
        pool_add(&pool, row->leaves[i].role, row->leaves[i].weight, row->leaves[i].task);

    pool_fill(&pool);
    check_tasks(&pool, row, "after the first fill");
    pool_churn(&pool, &rng, 3000);
    check_tasks(&pool, row, "after churn");
    pool_fini(&pool);
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

TEST(hdrf_2_what_an_idle_child_leaves_goes_to_its_siblings) {
    struct pool pool;
    struct rng rng = rng_of(7);
    pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){480});
    assert_true(tree_set_weight(pool.tree, TEXT("n2/b"), 2000, NULL));
    assert_true(tree_set_weight(pool.tree, TEXT("n2/c"), 2000, NULL));
    for (int i = 0; i < 4; i++)
        pool_add(&pool, (const char *[]){"n1", "n2/a", "n2/b", "n2/c"}[i], 1000,
                 (int64_t[RESOURCES]){1});
    pool_want(&pool, 3, false);

    pool_fill(&pool);
    pool_churn(&pool, &rng, 3000);

    assert_int_equal(pool.running[0], 240);
    assert_int_equal(pool.running[1], 80);
    assert_int_equal(pool.running[2], 160);
    assert_int_equal(pool.running[3], 0);
    pool_fini(&pool);
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
    pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){100});
    pool_add(&pool, "a", 1000, (int64_t[RESOURCES]){1});
    pool_fill(&pool);
    assert_int_equal(pool.running[0], 100);

    pool_add(&pool, "b", 1000, (int64_t[RESOURCES]){4});
    pool_fill(&pool);
    pool_churn(&pool, &rng, 2000);

    assert_int_equal(pool.running[0], 52);
    assert_int_equal(pool.running[1], 12);
    pool_fini(&pool);
}

/* Capacity 1000, P{old 500, new 0}, Q 500: by the paper alone Q dips to about 390. */
TEST(a_newcomer_is_served_from_what_its_own_role_has_too_much) {
    struct pool pool;
    struct rng rng = rng_of(5);
    pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){1000});
    int old = pool_add(&pool, "p", 1000, (int64_t[RESOURCES]){1});
    int other = pool_add(&pool, "q", 1000, (int64_t[RESOURCES]){1});
    pool_fill(&pool);
    assert_int_equal(pool.running[other], 500);

    int fresh = pool_add(&pool, "p", 1000, (int64_t[RESOURCES]){1});
    int least = 500;
    for (int step = 0; step < 3000; step++) {
        pool_churn(&pool, &rng, 1);
        least = pool.running[other] < least ? pool.running[other] : least;
    }

    assert_in_range(least, 499, 500);
    assert_int_equal(pool.running[old], 250);
    assert_int_equal(pool.running[fresh], 250);
    pool_fini(&pool);
}

/* Of the half that is p's, the sated one keeps what it holds. */
TEST(what_a_sated_sibling_holds_is_guaranteed_to_nobody_else) {
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, 1, 1);
    assert_true(tree_set_capacity(tree, (int64_t[]){100}, NULL));
    struct tree_node *sated = tree_add_leaf(tree, TEXT("p/a"), 1, 1000, NULL);
    struct tree_node *beside = tree_add_leaf(tree, TEXT("p/b"), 2, 1000, NULL);
    struct tree_node *away = tree_add_leaf(tree, TEXT("q"), 3, 1000, NULL);
    tree_set_wants(tree, beside, true);
    tree_set_wants(tree, away, true);
    assert_true(tree_set_task(tree, beside, (int64_t[]){1}));

    assert_true(tree_grant(tree, sated, (int64_t[]){20}));
    assert_true(tree_grant(tree, beside, (int64_t[]){29}));
    assert_int_equal(tree_guaranteed_share(tree, beside), (TREE_SHARE_ONE * 3 + 9) / 10);
    assert_int_equal(tree_claim(tree, beside), TREE_CLAIM_DUE);
    assert_true(tree_grant(tree, sated, (int64_t[]){5}));
    assert_int_equal(tree_claim(tree, beside), TREE_CLAIM_NONE);

    /* More than its weight would give it is held against nobody. */
    assert_true(tree_grant(tree, sated, (int64_t[]){20}));
    assert_int_equal(tree_guaranteed_share(tree, beside), TREE_SHARE_ONE / 4);
    assert_int_equal(tree_guaranteed_share(tree, away), TREE_SHARE_ONE / 2);
}

/* Ties go to the smaller id: without turns the first two would run for ever. */
TEST(tasks_over_their_guarantees_take_turns) {
    struct pool pool;
    struct rng rng = rng_of(9);
    pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){100});
    for (int i = 0; i < 4; i++)
        pool_add(&pool, "p", 1000, (int64_t[RESOURCES]){40});
    pool_fill(&pool);
    int runs[4] = {0};

    for (int step = 0; step < 1000; step++) {
        pool_churn(&pool, &rng, 1);
        for (int i = 0; i < 4; i++)
            runs[i] += pool.running[i];
    }

    for (int i = 0; i < 4; i++)
        assert_in_range(runs[i], 450, 550);
    pool_fini(&pool);
}

/* A guarantee comes first: what is held back for a first task is open to those below theirs. */
TEST(a_first_task_pushes_nobody_below_its_guarantee) {
    struct pool pool;
    struct rng rng = rng_of(9);
    pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){100});
    int small = pool_add(&pool, "p", 1000, (int64_t[RESOURCES]){1});
    pool_add(&pool, "q", 1000, (int64_t[RESOURCES]){60});
    int least = 100;
    pool_fill(&pool);
    for (int step = 0; step < 1000; step++) {
        pool_churn(&pool, &rng, 1);
        least = pool.running[small] < least ? pool.running[small] : least;
    }

    assert_true(least >= 50);
    pool_fini(&pool);
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
    assert_true(tree_set_capacity(tree, (int64_t[]){10}, NULL) &&
                tree_grant(tree, leaf, (int64_t[]){5}));

    assert_int_equal(tree_held(tree_find_role(tree, TEXT("a")))[0], 5);
    tree_remove_leaf(tree, leaf);

    assert_null(tree_find_role(tree, TEXT("a")));
}

enum { CROWD = 48 };

static enum mesos_allocator_answer fits_who_is_there(const struct tree_node *leaf, void *self) {
    struct tree_node *const *crowd = self;
    assert_ptr_equal(crowd[tree_mark(leaf)], leaf);
    return MESOS_ALLOCATOR_YES;
}

static void come_or_go(struct tree *tree, struct tree_node **crowd, uint32_t which) {
    if (crowd[which] != NULL) {
        tree_remove_leaf(tree, crowd[which]);
        crowd[which] = NULL;
        return;
    }
    crowd[which] = tree_add_leaf(tree, TEXT("a/b"), which, 1000, NULL);
    tree_set_mark(crowd[which], which);
    assert_true(tree_set_task(tree, crowd[which], (int64_t[]){1}));
    tree_set_wants(tree, crowd[which], true);
}

/* Who is next holds least, but by the dice. */
static void check_next(struct tree *tree, enum tree_mode mode, struct tree_node **crowd) {
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < CROWD; i++)
        if (crowd[i] != NULL && tree_held(crowd[i])[0] < least)
            least = tree_held(crowd[i])[0];
    struct tree_node *next = NULL;
    enum mesos_allocator_answer answer = tree_decide(tree, fits_who_is_there, crowd, &next);
    assert_int_equal(answer, least < INT64_MAX ? MESOS_ALLOCATOR_YES : MESOS_ALLOCATOR_NO);
    if (next == NULL)
        return;
    assert_ptr_equal(crowd[tree_mark(next)], next);
    assert_true(mode == TREE_RANDOM || tree_held(next)[0] == least);
    assert_true(tree_grant(tree, next, (int64_t[]){1}));
}

/* From none to many and back to one and none, again and again. */
TEST(whoever_comes_and_goes_the_next_one_is_there_and_holds_least) {
    for (enum tree_mode mode = TREE_HDRF; mode <= TREE_RANDOM; mode++) {
        AUTO(tree_free) struct tree *tree = tree_new(mode, 1, 1);
        struct tree_node *crowd[CROWD] = {0};
        struct rng rng = rng_of(mode + 1);
        assert_true(tree_set_capacity(tree, (int64_t[]){1000000}, NULL));
        for (int step = 0; step < 6000; step++) {
            uint64_t most = (uint64_t)(step / 100 % 4 == 0 ? 3 : step / 100 % 4 * 16);
            come_or_go(tree, crowd, (uint32_t)rng_below(&rng, most));
            for (uint32_t i = (uint32_t)most; i < CROWD && step % 100 == 0; i++)
                if (crowd[i] != NULL)
                    come_or_go(tree, crowd, i);
            check_next(tree, mode, crowd);
        }
    }
}

/* A row under sums up the tree: the twin decides, or mode DRF. */
static void check_naive(bool is_twin, const int64_t *capacity, const struct row *row) {
    struct pool pool;
    struct rng rng = rng_of(7);
    pool_init(&pool, is_twin ? TREE_HDRF : TREE_DRF, capacity);
    pool.is_naive = is_twin;
    int node = 0;
    const char *last = "";
    for (int i = 0; i < 8 && row->leaves[i].role != NULL; i++) {
        const char *role = row->leaves[i].role;
        size_t top = strcspn(role, "/");
        if (strncmp(last, role, top + 1) != 0)
            node = twin_add(&pool, 0, 1000, -1);
        last = role;
        twin_add(&pool, node, 1000, pool_add(&pool, role, 1000, row->leaves[i].task));
    }

    pool_fill(&pool);
    pool_churn(&pool, &rng, 3000);
    check_tasks(&pool, row, "after churn");
    pool_fini(&pool);
}

static const struct row naive_4 = {
    {10, 10},
    {{"n1/a", 1000, {1, 0}, 10}, {"n2/a", 1000, {1, 0}, 0}, {"n2/b", 1000, {0, 1}, 10}},
    {{0}}};
static const struct row naive_5 = {{30, 30},
                                   {{"n1", 1000, {1, 0}, 15},
                                    {"n2", 1000, {1, 0}, 15},
                                    {"n3/a", 1000, {1, 0}, 0},
                                    {"n3/b", 1000, {0, 1}, 15},
                                    {"n4", 1000, {0, 1}, 15}},
                                   {{0}}};

TEST(adding_up_the_children_starves_a_sibling_under_churn) {
    check_naive(true, naive_4.capacity, &naive_4);
}

TEST(mode_drf_adds_up_and_fails_row_hdrf_4_as_mesos_does) {
    check_naive(false, naive_4.capacity, &naive_4);
}

TEST(mode_drf_fails_row_hdrf_5_as_mesos_does) {
    check_naive(false, naive_5.capacity, &naive_5);
}

TEST(weights_multiplied_down_the_tree_give_too_much_with_several_resources) {
    check_row(&(struct row){
        {60, 60},
        {{"n1", 1000, {1, 1}, 40}, {"n2a", 1000, {1, 0}, 20}, {"n2b", 1000, {0, 1}, 20}},
        {{"n1", 2000}}});
}
