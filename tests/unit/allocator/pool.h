/*
 * One pooled machine with a tree of roles over it: fills it with tasks, ends tasks, keeps an
 * earmark for big ones as the allocator would. What the tree decides can be compared with a twin
 * that reckons everything anew for each decision (twin.c).
 */
#pragma once

#include "allocator/tree.h"
#include "common/base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum { RESOURCES = 3, LEAVES = 16, NODES = 96 };

struct twin_node {
    int parent, leaf; /* leaf: -1 for an inner node, -2 for a removed one */
    int64_t weight;
    char role[24]; /* of a role's node */
    int64_t held[RESOURCES], sum;
    int64_t vector[RESOURCES], share;
    int64_t wanting; /* weights of the children that want */
    bool wants, is_active, is_hopeful, is_due;
    int pick; /* the leaf below that the plain sums would serve; -1: none */
};

struct pool {
    struct tree *tree;
    int64_t capacity[RESOURCES], free[RESOURCES], held_back[RESOURCES];
    int leaf_count;
    struct tree_node *leaves[LEAVES]; /* NULL: removed */
    int64_t tasks[LEAVES][RESOURCES];
    bool wants[LEAVES];
    bool is_unfit[LEAVES]; /* the tree was told so */
    bool is_out[LEAVES];   /* the same for the twin, while it decides */
    int since[LEAVES];     /* when it began to want with empty hands, 0: it does not */
    int last_since;
    int running[LEAVES];
    int earmarked; /* -1: none */
    /* What is held back is for claims like this, also while the next one is looked for. */
    enum tree_claim held_claim;
    struct twin_node nodes[NODES]; /* parents and smaller siblings first */
    int node_count;
    bool is_checked; /* against the twin */
    bool is_naive;   /* the twin decides: sums up the tree, by least share over all resources */
    int grants, asks;
};

void pool_init(struct pool *pool, enum tree_mode mode, const int64_t *capacity);
void pool_fini(struct pool *pool);
int pool_add(struct pool *pool, const char *role, int64_t weight, const int64_t *task);
void pool_remove(struct pool *pool, int leaf);
void pool_want(struct pool *pool, int leaf, bool wants);
void pool_reconsider(struct pool *pool, int leaf); /* -1: all */
int pool_decide(struct pool *pool);                /* -1: nobody */
void pool_grant(struct pool *pool, int leaf);
void pool_release(struct pool *pool, int leaf); /* one task; nobody is reconsidered */
void pool_fill(struct pool *pool);
/* One running task chosen at random ends, and all are reconsidered. */
void pool_end_one(struct pool *pool, struct rng *rng);
void pool_churn(struct pool *pool, struct rng *rng, int steps); /* end one, fill */
bool pool_is_due(const struct pool *pool, int leaf);

/* twin.c. Role nodes come before their children; a role's own frameworks' node is role ".". */
int twin_add(struct pool *pool, int parent, int64_t weight, int leaf);
int twin_decide(struct pool *pool);
int twin_earmark(struct pool *pool);
bool twin_fits(const struct pool *pool, int leaf);
