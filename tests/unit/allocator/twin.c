/*
 * The slow twin: docs/allocator.md's rules, all reckoned anew for each decision.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/pool.h"

#include <limits.h>

#define CLAIM_ONE (UINT64_C(1) << 62)

int twin_add(struct pool *pool, int parent, int64_t weight, int leaf) {
    assert_true(pool->node_count < NODES);
    pool->nodes[pool->node_count] =
        (struct twin_node){.parent = parent, .leaf = leaf, .weight = weight};
    return pool->node_count++;
}

/* What is held back is open to the one it is held back for, and to higher claims; to equal ones
 * until it is told for whom it is next. */
static bool may_use_earmark(const struct pool *pool, int leaf) {
    if (pool->held_claim == TREE_CLAIM_NONE || leaf == pool->earmarked)
        return true;
    enum tree_claim claim = tree_claim(pool->tree, pool->leaves[leaf]);
    return claim > pool->held_claim || (claim == pool->held_claim && pool->earmarked < 0);
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

/* Whether a node with one task more, of a leaf below it, is within its guarantee. */
static bool is_within(const struct pool *pool, int at, int leaf) {
    uint64_t claim = 0;
    for (int j = 0; j < RESOURCES; j++) {
        int64_t then = pool->nodes[at].held[j] + pool->tasks[leaf][j];
        if (then > pool->capacity[j])
            return at == 0;
        uint64_t part = then == 0 ? 0 : (uint64_t)((__int128)then * CLAIM_ONE / pool->capacity[j]);
        claim = part > claim ? part : claim;
    }
    for (; pool->nodes[at].parent >= 0; at = pool->nodes[at].parent) {
        __int128 above =
            (__int128)claim * pool->nodes[pool->nodes[at].parent].wanting / pool->nodes[at].weight;
        if (above > (__int128)CLAIM_ONE)
            return false;
        claim = (uint64_t)above;
    }
    return true;
}

static int waits_since(const struct pool *pool, int leaf) {
    return pool->since[leaf] != 0 ? pool->since[leaf] : INT_MAX;
}

static bool is_picked_before(const struct pool *pool, const struct twin_node *a,
                             const struct twin_node *b) {
    if (is_less(a->sum, a->weight, b->sum, b->weight))
        return true;
    return !is_less(b->sum, b->weight, a->sum, a->weight) &&
           waits_since(pool, a->pick) < waits_since(pool, b->pick);
}

typedef bool leaf_filter(const struct pool *pool, int leaf);

/* Down by the least sum / weight among those to which, or to one below, a guarantee is due. */
static int first_due(struct pool *pool, leaf_filter *is_asked) {
    for (int at = pool->node_count - 1; at >= 0; at--) {
        struct twin_node *node = &pool->nodes[at], *poorest = NULL;
        node->pick = node->leaf >= 0 && is_asked(pool, node->leaf) ? node->leaf : -1;
        node->is_due = false;
        for (int c = at + 1; c < pool->node_count; c++) {
            struct twin_node *child = &pool->nodes[c];
            if (child->parent != at || child->pick < 0)
                continue;
            node->is_due = node->is_due || child->is_due;
            if (poorest == NULL || is_picked_before(pool, child, poorest))
                poorest = child;
        }
        if (poorest != NULL)
            node->pick = poorest->pick;
        if (node->pick >= 0 && at > 0 && is_within(pool, at, node->pick))
            node->is_due = true;
    }
    for (int at = 0;;) {
        int next = -1;
        for (int c = at + 1; c < pool->node_count; c++)
            if (pool->nodes[c].parent == at && pool->nodes[c].is_due &&
                (next < 0 || is_less(pool->nodes[c].sum, pool->nodes[c].weight,
                                     pool->nodes[next].sum, pool->nodes[next].weight)))
                next = c;
        if (next < 0)
            return pool->nodes[at].pick >= 0 ? at : -1;
        at = next;
    }
}

static bool is_below(const struct pool *pool, int leaf, int at) {
    int node = 0;
    while (pool->nodes[node].leaf != leaf)
        node++;
    for (; node >= 0; node = pool->nodes[node].parent)
        if (node == at)
            return true;
    return false;
}

static int first_turn(const struct pool *pool, int at, leaf_filter *is_asked) {
    int first = -1;
    for (int i = 0; i < pool->leaf_count; i++) {
        bool is_possible = pool->since[i] != 0 && is_asked(pool, i) && is_below(pool, i, at);
        for (int j = 0; j < RESOURCES; j++)
            is_possible = is_possible && pool->tasks[i][j] <= pool->capacity[j];
        if (is_possible && (first < 0 || pool->since[i] < pool->since[first]))
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

static int descend(const struct pool *pool, int at) {
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

static int decide_naively(struct pool *pool) {
    bool open[RESOURCES];
    for (int j = 0; j < RESOURCES; j++)
        open[j] = pool->capacity[j] > 0;
    reckon_vectors(pool, open);
    return descend(pool, 0);
}

static bool may_fit(const struct pool *pool, int leaf) {
    return pool->wants[leaf] && !pool->is_out[leaf];
}

static bool ask(struct pool *pool, int leaf) {
    pool->is_out[leaf] = !twin_fits(pool, leaf);
    return !pool->is_out[leaf];
}

/* In a node to which its guarantee is due, or the root; false: somebody did not fit. */
static bool decide_within(struct pool *pool, int at, int *leaf) {
    int pick = pool->nodes[at].pick;
    if (!ask(pool, pick))
        return false;
    *leaf = first_turn(pool, at, may_fit);
    if (*leaf >= 0 && !ask(pool, *leaf))
        return false;
    if (*leaf >= 0 && is_within(pool, at, *leaf))
        return true;

    bool open[RESOURCES] = {false};
    for (int j = 0; j < RESOURCES; j++)
        for (int i = 0; i < pool->leaf_count && !open[j]; i++)
            open[j] = pool->tasks[i][j] > 0 && is_candidate(pool, i);
    reckon_vectors(pool, open);
    *leaf = descend(pool, at);
    if (!is_within(pool, at, *leaf))
        *leaf = pick;
    return true;
}

int twin_decide(struct pool *pool) {
    add_up(pool);
    if (pool->is_naive)
        return decide_naively(pool);
    memcpy(pool->is_out, pool->is_unfit, sizeof(pool->is_out));
    for (int at; (at = first_due(pool, may_fit)) >= 0;) {
        int leaf = pool->nodes[at].leaf;
        if (leaf >= 0 ? ask(pool, leaf) : decide_within(pool, at, &leaf))
            return leaf;
    }
    return -1;
}

static bool is_waiting(const struct pool *pool, int leaf) {
    return pool->wants[leaf] && pool->is_unfit[leaf] && leaf != pool->earmarked;
}

static bool is_whole(const struct pool *pool, int at) {
    for (; pool->nodes[at].parent >= 0; at = pool->nodes[at].parent)
        if (pool->nodes[pool->nodes[at].parent].wanting != pool->nodes[at].weight)
            return false;
    return true;
}

int twin_earmark(struct pool *pool) {
    add_up(pool);
    int at = first_due(pool, is_waiting);
    if (at < 0)
        return -1;
    return is_whole(pool, at) && pool->nodes[at].leaf < 0 ? first_turn(pool, at, is_waiting)
                                                          : pool->nodes[at].pick;
}
