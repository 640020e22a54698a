/*
 * Random trees of roles with frameworks in them, for pool.h and its twin.
 */
#pragma once

#include "tests/unit/allocator/pool.h"

struct tree_terms {
    int64_t capacity;  /* of each resource so much, to twice that */
    int depth, tops;   /* roles below one another less than `depth`, so many roles at the top */
    int big;           /* one task of so many is ten times as large; 0: none */
    bool is_narrow;    /* weights from 0.5 to 3 rather than from 0.001 */
    bool is_unit;      /* all tasks are one of the first resource */
    const char *under; /* all roles are below this one; NULL: none */
};

void random_tree(struct pool *pool, struct rng *rng, const struct tree_terms *terms);
