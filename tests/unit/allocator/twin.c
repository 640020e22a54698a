/*
 * The slow twin: docs/allocator.md's rules, all reckoned anew for each decision.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/pool.h"

#define CLAIM_ONE (UINT64_C(1) << 62)

int twin_add(struct pool *pool, int parent, int64_t weight, int leaf) {
    assert_true(pool->node_count < NODES);
    pool->nodes[pool->node_count] =
        (struct twin_node){.parent = parent, .leaf = leaf, .weight = weight};
    return pool->node_count++;
}

/* What is held back is open to the one it is held back for, and to higher claims. */
static bool may_use_earmark(const struct pool *pool, int leaf) {
    return pool->earmarked < 0 || leaf == pool->earmarked ||
           tree_claim(pool->tree, pool->leaves[leaf]) >
               tree_claim(pool->tree, pool->leaves[pool->earmarked]);
}

bool twin_fits(const struct pool *pool, int leaf) {
    bool is_open = may_use_earmark(pool, leaf);
    for (int j = 0; j < RESOURCES; j++) {
        int64_t kept = is_open ? 0 : pool->held_back[j];
        int64_t task = pool->tasks[leaf][j];
        if (task > 0 && task > pool->free[j] - kept)
            return false;
    }
    return true;
}

static bool is_candidate(const struct pool *pool, int leaf) {
    return pool->wants[leaf] && !pool->is_unfit[leaf] && twin_fits(pool, leaf);
}

static int64_t fraction(int64_t held, int64_t capacity) {
    if (capacity == 0)
        return 0;
    return (int64_t)(((__int128)held * TREE_SHARE_ONE + capacity - 1) / capacity);
}

static bool is_less(int64_t a, int64_t a_weight, int64_t b, int64_t b_weight) {
    return (__int128)a * b_weight < (__int128)b * a_weight;
}

/* What is held, and who wants, from the leaves up. */
static void add_up(struct pool *pool) {
    for (int at = pool->node_count - 1; at >= 0; at--) {
        struct twin_node *node = &pool->nodes[at];
        memset(node->held, 0, sizeof(node->held));
        node->wants = node->leaf >= 0 && pool->wants[node->leaf];
        node->wanting = 0;
        for (int c = at + 1; c < pool->node_count; c++) {
            if (pool->nodes[c].parent != at)
                continue;
            node->wants = node->wants || pool->nodes[c].wants;
            node->wanting += pool->nodes[c].wants ? pool->nodes[c].weight : 0;
            for (int j = 0; j < RESOURCES; j++)
                node->held[j] += pool->nodes[c].held[j];
        }
        node->sum = 0;
        for (int j = 0; j < RESOURCES; j++) {
            if (node->leaf >= 0)
                node->held[j] = pool->running[node->leaf] * pool->tasks[node->leaf][j];
            int64_t part = fraction(node->held[j], pool->capacity[j]);
            node->sum = part > node->sum ? part : node->sum;
        }
    }
}

/* One task more as a part of the guarantee; UINT64_MAX: more than all of it. */
static uint64_t claim_of(const struct pool *pool, int at) {
    int leaf = pool->nodes[at].leaf;
    uint64_t claim = 0;
    for (int j = 0; j < RESOURCES; j++) {
        int64_t then = (pool->running[leaf] + 1) * pool->tasks[leaf][j];
        if (then > pool->capacity[j])
            return UINT64_MAX;
        uint64_t part =
            then == 0 ? 0 : (uint64_t)((__int128)then * CLAIM_ONE / pool->capacity[j]);
        claim = part > claim ? part : claim;
    }
    for (; pool->nodes[at].parent >= 0; at = pool->nodes[at].parent) {
        __int128 above = (__int128)claim * pool->nodes[pool->nodes[at].parent].wanting /
                         pool->nodes[at].weight;
        if (above > (__int128)CLAIM_ONE)
            return UINT64_MAX;
        claim = (uint64_t)above;
    }
    return claim;
}

/* Down by the least sum / weight among those with a due leaf below. */
static int first_due(struct pool *pool, bool (*is_asked)(const struct pool *pool, int leaf)) {
    for (int at = pool->node_count - 1; at >= 0; at--) {
        struct twin_node *node = &pool->nodes[at];
        node->is_due =
            node->leaf >= 0 && is_asked(pool, node->leaf) && claim_of(pool, at) != UINT64_MAX;
        for (int c = at + 1; c < pool->node_count; c++)
            node->is_due = node->is_due || (pool->nodes[c].parent == at && pool->nodes[c].is_due);
    }
    if (!pool->nodes[0].is_due)
        return -1;
    int at = 0;
    while (pool->nodes[at].leaf < 0) {
        int next = -1;
        for (int c = at + 1; c < pool->node_count; c++)
            if (pool->nodes[c].parent == at && pool->nodes[c].is_due &&
                (next < 0 || is_less(pool->nodes[c].sum, pool->nodes[c].weight,
                                     pool->nodes[next].sum, pool->nodes[next].weight)))
                next = c;
        at = next;
    }
    return pool->nodes[at].leaf;
}

static int first_turn(const struct pool *pool,
                      bool (*is_asked)(const struct pool *pool, int leaf)) {
    int first = -1;
    for (int i = 0; i < pool->leaf_count; i++) {
        bool is_possible = true;
        for (int j = 0; j < RESOURCES; j++)
            is_possible = is_possible && pool->tasks[i][j] <= pool->capacity[j];
        if (is_possible && pool->since[i] != 0 && is_asked(pool, i) &&
            (first < 0 || pool->since[i] < pool->since[first]))
            first = i;
    }
    return first;
}

static void leaf_vector(struct pool *pool, struct twin_node *node, const bool *open) {
    node->is_active = pool->wants[node->leaf];
    for (int j = 0; j < RESOURCES; j++) {
        node->vector[j] = open[j] ? fraction(node->held[j], pool->capacity[j]) : 0;
        if (pool->tasks[node->leaf][j] > 0 && !open[j])
            node->is_active = false;
    }
    node->is_hopeful = is_candidate(pool, node->leaf);
}

static void inner_vector(struct pool *pool, int at) {
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
        if (child->is_active &&
            (least == NULL || is_less(child->share, child->weight, least->share, least->weight)))
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

static void reckon_vectors(struct pool *pool, const bool *open) {
    for (int at = pool->node_count - 1; at >= 0; at--) {
        struct twin_node *node = &pool->nodes[at];
        if (node->leaf >= 0)
            leaf_vector(pool, node, open);
        else
            inner_vector(pool, at);
        node->share = 0;
        for (int j = 0; j < RESOURCES; j++)
            if (open[j] && node->vector[j] > node->share)
                node->share = node->vector[j];
    }
}

static int descend(const struct pool *pool) {
    int at = 0;
    while (pool->nodes[at].leaf < 0) {
        int next = -1;
        for (int c = at + 1; c < pool->node_count; c++)
            if (pool->nodes[c].parent == at && pool->nodes[c].is_hopeful &&
                (next < 0 || is_less(pool->nodes[c].share, pool->nodes[c].weight,
                                     pool->nodes[next].share, pool->nodes[next].weight)))
                next = c;
        if (next < 0)
            return -1;
        at = next;
    }
    return pool->nodes[at].leaf;
}

int twin_decide(struct pool *pool) {
    add_up(pool);
    int leaf = pool->is_naive ? -1 : first_due(pool, is_candidate);
    if (leaf < 0 && !pool->is_naive)
        leaf = first_turn(pool, is_candidate);
    if (leaf >= 0)
        return leaf;

    bool open[RESOURCES];
    for (int j = 0; j < RESOURCES; j++) {
        open[j] = pool->is_naive && pool->capacity[j] > 0;
        for (int i = 0; i < pool->leaf_count && !open[j]; i++)
            open[j] = pool->tasks[i][j] > 0 && is_candidate(pool, i);
    }
    reckon_vectors(pool, open);
    return descend(pool);
}

static bool is_waiting(const struct pool *pool, int leaf) {
    return pool->wants[leaf] && pool->is_unfit[leaf] && leaf != pool->earmarked;
}

int twin_earmark(struct pool *pool) {
    add_up(pool);
    int leaf = first_due(pool, is_waiting);
    return leaf >= 0 ? leaf : first_turn(pool, is_waiting);
}
