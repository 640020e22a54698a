#include "tests/unit/allocator/random_tree.h"
#include "tests/support/unit.h"

#include <stdio.h>

static int64_t random_weight(struct rng *rng, const struct tree_terms *terms) {
    return terms->is_narrow ? 500 + (int64_t)rng_below(rng, 2500)
                            : 1 + (int64_t)rng_below(rng, 3000);
}

static void random_task(struct rng *rng, const struct tree_terms *terms, int64_t *task) {
    if (terms->is_unit) {
        memcpy(task, (int64_t[RESOURCES]){1}, RESOURCES * sizeof(*task));
        return;
    }
    int64_t size = terms->big > 0 && rng_below(rng, (uint64_t)terms->big) == 0 ? 10 : 1;
    for (int j = 0; j < RESOURCES; j++)
        task[j] = (int64_t)rng_below(rng, 4) * size;
    task[rng_below(rng, RESOURCES)] += size;
}

static void random_leaves(struct pool *pool, struct rng *rng, const char *role, int virtual,
                          const struct tree_terms *terms) {
    int count = 1 + (int)rng_below(rng, 2);
    for (int i = 0; i < count && pool->leaf_count < LEAVES; i++) {
        int64_t weight = random_weight(rng, terms);
        int64_t task[RESOURCES];
        random_task(rng, terms, task);
        twin_add(pool, virtual, weight, pool_add(pool, role, weight, task));
    }
}

static void random_role(struct pool *pool, struct rng *rng, const char *role, int parent, int depth,
                        const struct tree_terms *terms) {
    int64_t weight = random_weight(rng, terms);
    assert_true(tree_set_weight(pool->tree, text_of(role), weight, NULL));
    int node = twin_add(pool, parent, weight, -1);
    snprintf(pool->nodes[node].role, sizeof(pool->nodes[node].role), "%s", role);
    if (depth == 0 || rng_below(rng, 2) == 0)
        random_leaves(pool, rng, role, twin_add(pool, node, 1000, -1), terms);
    for (int i = 0; i < 2 && depth > 0; i++) {
        char name[24];
        snprintf(name, sizeof(name), "%.20s/%c", role, 'a' + i);
        random_role(pool, rng, name, node, depth - 1, terms);
    }
}

void random_tree(struct pool *pool, struct rng *rng, const struct tree_terms *terms) {
    int64_t capacity[RESOURCES];
    for (int j = 0; j < RESOURCES; j++)
        capacity[j] = terms->capacity + (int64_t)rng_below(rng, (uint64_t)terms->capacity);
    pool_init(pool, TREE_HDRF, capacity);
    int top = terms->under != NULL ? twin_add(pool, 0, 1000, -1) : 0;
    for (int i = 0; i < terms->tops; i++) {
        char role[24];
        snprintf(role, sizeof(role), "%.8s%s%c", terms->under != NULL ? terms->under : "",
                 terms->under != NULL ? "/" : "", 'a' + i);
        random_role(pool, rng, role, top, (int)rng_below(rng, (uint64_t)terms->depth), terms);
    }
}
