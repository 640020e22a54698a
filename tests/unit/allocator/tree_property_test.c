/*
 * What holds of the tree on random trees beside the guarantees: the order of ends does not matter,
 * a node with one child is that child, a flat tree is weighted DRF, a decision can be taken in
 * slices, and asks little.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/random_tree.h"

#include <stdio.h>

/* The largest difference between two ends of the same tree, in tasks of one leaf. */
static int difference_of_ends(uint64_t seed, const struct tree_terms *terms) {
    int running[LEAVES], largest = 0;
    for (uint64_t order = 0; order < 2; order++) {
        struct rng rng = rng_of(seed), ends = rng_of(seed + 1 + order);
        struct pool pool;
        random_tree(&pool, &rng, terms);
        pool_fill(&pool);
        pool_churn(&pool, &ends, 200);
        for (int i = 0; i < pool.leaf_count && order == 1; i++) {
            int difference = abs(pool.running[i] - running[i]);
            largest = difference > largest ? difference : largest;
        }
        memcpy(running, pool.running, sizeof(running));
        pool_fini(&pool);
    }
    return largest;
}

/* Tasks of one size leave no remainders: the end is then the same whatever ends first. */
TEST(the_end_does_not_depend_on_the_order_in_which_tasks_end) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < rounds_for_test(1000); tree++)
        assert_int_equal(difference_of_ends(rng_next(&rng), &(struct tree_terms){.capacity = 200,
                                                                                 .depth = 2,
                                                                                 .tops = 2,
                                                                                 .is_narrow = true,
                                                                                 .is_unit = true}),
                         0);
}

/* Where a guarantee is less than a task leaves take turns, so some have one task more or less. */
TEST(with_tasks_over_their_guarantees_ends_differ_by_one_task) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < rounds_for_test(1000); tree++)
        assert_in_range(
            difference_of_ends(
                rng_next(&rng),
                &(struct tree_terms){.capacity = 60, .depth = 3, .tops = 2, .is_unit = true}),
            0, 1);
}

TEST(a_node_with_one_child_equals_that_child) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < rounds_for_test(1000); tree++) {
        struct tree_terms terms = {.capacity = 60, .depth = 3, .tops = 2, .big = 6};
        struct rng bare_rng = rng, under_rng = rng;
        struct pool bare, under;
        random_tree(&bare, &bare_rng, &terms);
        terms.under = "x/y";
        random_tree(&under, &under_rng, &terms);
        rng_next(&rng);

        for (int step = 0; step < 60; step++) {
            pool_fill(&bare);
            pool_fill(&under);
            assert_memory_equal(bare.running, under.running, sizeof(bare.running));
            pool_end_one(&bare, &bare_rng);
            pool_end_one(&under, &under_rng);
        }
        pool_fini(&bare);
        pool_fini(&under);
    }
}

/* Who has least of the dominant resource for its weight, of those whose task fits. */
static int drf_choice(const struct pool *pool, const int64_t *weights) {
    int least = -1;
    for (int i = 0; i < pool->leaf_count; i++)
        if (twin_fits(pool, i) &&
            (least < 0 || (__int128)pool->running[i] * pool->tasks[i][0] * weights[least] <
                              (__int128)pool->running[least] * pool->tasks[least][0] * weights[i]))
            least = i;
    return least;
}

/* Tasks of one size in one resource: with others an order by guarantees is another order. */
TEST(a_tree_of_depth_one_equals_weighted_drf) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < rounds_for_test(1000); tree++) {
        struct pool pool;
        int64_t weights[LEAVES] = {0};
        int leaves = 2 + (int)rng_below(&rng, 8), expected[LEAVES] = {0};
        pool_init(&pool, TREE_HDRF, (int64_t[RESOURCES]){(int64_t)rng_below(&rng, 90) + 30});
        for (int i = 0; i < leaves; i++) {
            weights[i] = 500 + (int64_t)rng_below(&rng, 2500);
            pool_add(&pool, "r", weights[i], (int64_t[RESOURCES]){1});
        }
        struct pool flat = pool;
        for (int next; (next = drf_choice(&flat, weights)) >= 0;) {
            flat.running[next]++;
            flat.free[0]--;
        }
        memcpy(expected, flat.running, sizeof(expected));

        pool_fill(&pool);
        pool_churn(&pool, &rng, 200);
        for (int i = 0; i < leaves; i++)
            assert_in_range(pool.running[i] + 1, expected[i], expected[i] + 2);
        pool_fini(&pool);
    }
}

struct slices {
    struct pool *pool;
    struct rng *rng;
    int left;
};

static enum mesos_allocator_answer fits_in_slices(const struct tree_node *node, void *self) {
    struct slices *slices = self;
    if (slices->left-- <= 0)
        return MESOS_ALLOCATOR_LATER;
    return twin_fits(slices->pool, (int)tree_mark(node)) ? MESOS_ALLOCATOR_YES : MESOS_ALLOCATOR_NO;
}

TEST(a_decision_in_slices_ends_and_what_it_picks_fits) {
    struct rng rng = rng_for_test();
    for (int tree = 0; tree < rounds_for_test(300); tree++) {
        struct pool pool;
        random_tree(&pool, &rng, &(struct tree_terms){.capacity = 60, .depth = 3, .tops = 3});
        struct slices slices = {&pool, &rng, 0};
        for (int later = 0; later < 10000;) {
            struct tree_node *node = NULL;
            slices.left = 1 + (int)rng_below(&rng, 4);
            enum mesos_allocator_answer answer =
                tree_decide(pool.tree, fits_in_slices, &slices, &node);
            if (answer == MESOS_ALLOCATOR_NO)
                break;
            assert_true(answer == MESOS_ALLOCATOR_YES || ++later < 10000);
            if (answer == MESOS_ALLOCATOR_LATER)
                continue;
            assert_true(twin_fits(&pool, (int)tree_mark(node)));
            pool_grant(&pool, (int)tree_mark(node));
        }
        for (int i = 0; i < pool.leaf_count; i++)
            assert_false(twin_fits(&pool, i));
        pool_fini(&pool);
    }
}

struct counted {
    const struct tree_node *small;
    int asks;
};

static enum mesos_allocator_answer only_small_fits(const struct tree_node *node, void *self) {
    struct counted *counted = self;
    counted->asks++;
    return node == counted->small ? MESOS_ALLOCATOR_YES : MESOS_ALLOCATOR_NO;
}

/* Whether the second resource is saturated is not worth asking a hundred leaves. */
TEST(few_are_asked_whether_a_resource_is_saturated) {
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, 2, 0);
    assert_true(tree_set_capacity(tree, (int64_t[]){1000, 1000}, NULL));
    struct counted counted = {NULL, 0};
    for (uint32_t i = 0; i < 100; i++) {
        struct tree_node *leaf = tree_add_leaf(tree, TEXT("r"), i, 1000, NULL);
        if (i == 0)
            counted.small = leaf;
        assert_true(tree_set_task(tree, leaf, (int64_t[]){i == 0, i != 0 ? 5 : 0}));
        tree_set_wants(tree, leaf, true);
        if (i != 0)
            assert_true(tree_grant(tree, leaf, (int64_t[]){0, 9}));
    }
    assert_true(
        tree_grant(tree, (struct tree_node *)(uintptr_t)counted.small, (int64_t[]){900, 0}));

    struct tree_node *next = NULL;
    tree_set_wants(tree, (struct tree_node *)(uintptr_t)counted.small, true);
    assert_int_equal(tree_decide(tree, only_small_fits, &counted, &next), MESOS_ALLOCATOR_YES);
    assert_ptr_equal(next, counted.small);
    int asked_first = counted.asks;
    assert_int_equal(tree_decide(tree, only_small_fits, &counted, &next), MESOS_ALLOCATOR_YES);
    assert_in_range(counted.asks - asked_first, 1, 20);
}
