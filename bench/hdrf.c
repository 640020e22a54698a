/*
 * How many hierarchical decisions a second: one pool, ten thousand leaves in a hundred roles of
 * weights 1 to 5, filled until a million tasks run. Budget: 1,000,000 decisions a second.
 *
 *     bench_hdrf [leaves decisions]     prints one line of JSON
 */
#include "support.h"

#include "allocator/tree.h"

#include <stdio.h>

enum { RESOURCES = 4, ROLES = 100, LEAVES_LIMIT = 500000, DECISIONS_LIMIT = 100000000 };

static enum mesos_allocator_answer always_fits(const struct tree_node *leaf, void *self) {
    (void)leaf;
    (void)self;
    return MESOS_ALLOCATOR_YES;
}

static void add_leaves(struct tree *tree, uint32_t count) {
    struct error error;
    for (uint32_t i = 0; i < count; i++) {
        char role[64];
        uint32_t number = i % ROLES;
        snprintf(role, sizeof(role), "top%u/r%u", number % 10, number);
        if (!tree_set_weight(tree, text_of(role), 1000 * (1 + number % 5), &error))
            bench_fail("weight", error.message);
        struct tree_node *leaf = tree_add_leaf(tree, text_of(role), i, 1000, &error);
        if (leaf == NULL)
            bench_fail("leaf", error.message);
        tree_set_task(
            tree, leaf,
            (int64_t[RESOURCES]){100 + i % 7 * 100, 32000 + i % 5 * 1000, i % 3 * 1000, 0});
        tree_set_wants(tree, leaf, true);
    }
}

int main(int argc, char **argv) {
    uint32_t leaves = argc > 1 ? (uint32_t)bench_number(argv[1], LEAVES_LIMIT) : 10000;
    uint64_t decisions = argc > 2 ? bench_number(argv[2], DECISIONS_LIMIT) : 1000000;
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, RESOURCES, 0);
    tree_set_capacity(tree, (int64_t[RESOURCES]){6400000000, 50000000000000, 500000000000, 1000},
                      NULL);
    add_leaves(tree, leaves);

    int64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < decisions; i++) {
        struct tree_node *leaf;
        if (tree_decide(tree, always_fits, NULL, &leaf) != MESOS_ALLOCATOR_YES ||
            !tree_grant(tree, leaf, tree_task(leaf)))
            bench_fail("decide", "nobody is next");
    }
    int64_t spent_ns = bench_now_ns() - start_ns;
    printf("{\"leaves\": %u, \"decisions\": %llu, \"decisions_per_second\": %.0f, "
           "\"budget\": 1000000}\n",
           leaves, (unsigned long long)decisions, (double)decisions * 1e9 / (double)spent_ns);
    return 0;
}
