/*
 * Shares and vectors. Let w be a weight, v a vector and s a share. A node keeps, over its children,
 *
 *     D = sum of floor(w * v * 2^24 / s) of those not blocked (nothing where s is 0)
 *     B = sum of v of the blocked ones
 *     M = least s / w of those not blocked, the top of a heap
 *
 * and is itself the vector floor(M * D / 2^24) + B. The terms are whole numbers, each kept as it
 * was added, so sums do not depend on the order of what happened: a changed leaf touches its path
 * only and the result is that of reckoning everything anew.
 *
 * Bounds: w < 2^30, v <= 2^52, s >= 1, at most 2^20 children: a term is below 2^106, D below 2^126.
 *
 * Vectors are kept for the resources that were open at the last tree_rebuild; plain sums, which
 * know no saturation, always.
 */
#include "allocator/tree_state.h"

int64_t tree_fraction(int64_t held, int64_t capacity) {
    if (capacity <= 0 || held == 0)
        return 0;
    uint64_t whole = (uint64_t)capacity;
    unsigned __int128 parts = ((unsigned __int128)held * TREE_SHARE_ONE + whole - 1) / whole;
    return parts < TREE_SHARE_LIMIT ? (int64_t)parts : TREE_SHARE_LIMIT;
}

size_t tree_dominant(const struct tree *tree, const struct tree_node *node, const int64_t *task) {
    size_t dominant = tree->resource_count;
    int64_t largest = 0, capacity = 1;
    for (size_t j = 0; j < tree->resource_count; j++) {
        int64_t amount = node->held[j] + (task != NULL ? task[j] : 0);
        if (amount == 0)
            continue;
        bool is_used = tree->capacity[j] > 0;
        if (!is_used && task != NULL && task[j] > 0)
            return j; /* more than all */
        if (!is_used ||
            (largest > 0 && (__int128)amount * capacity <= (__int128)largest * tree->capacity[j]))
            continue;
        dominant = j;
        largest = amount;
        capacity = tree->capacity[j];
    }
    return dominant;
}

bool tree_needs_nothing(const struct tree *tree, const struct tree_node *leaf) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (leaf->task[j] > 0)
            return false;
    return true;
}

/* floor(sum * share / divisor) for sum < 2^126, share <= 2^52, divisor < 2^54; cut at the limit. */
static __int128 scale(__int128 sum, int64_t share, __int128 divisor) {
    __int128 high = (sum >> 64) * share;
    __int128 low = (__int128)(uint64_t)sum * share;
    if (high == 0)
        return low / divisor;
    __int128 quotient = high / divisor;
    if (quotient >= 1 << 16)
        return (__int128)1 << 80;
    return (quotient << 64) + (((high % divisor) << 64) + low) / divisor;
}

static void inner_vector(const struct tree *tree, struct tree_node *node) {
    bool is_one = tree_heap_count(node, ORDER_ACTIVE) == 1;
    const struct tree_node *least = tree_heap_top(node, ORDER_ACTIVE);
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        __int128 sum = node->blocked[j];
        if (is_one)
            sum += least->vector[j]; /* what M * D is, had the terms no rounding */
        else if (least != NULL && node->direct[j] != 0)
            sum += scale(node->direct[j], least->share,
                         (__int128)least->weight_milli << TREE_TERM_BITS);
        node->vector[j] = sum < TREE_SHARE_LIMIT ? (int64_t)sum : TREE_SHARE_LIMIT;
    }
    node->is_active = least != NULL;
}

static void leaf_vector(const struct tree *tree, struct tree_node *leaf) {
    bool is_blocked = !leaf->wants;
    for (size_t j = 0; j < tree->resource_count; j++)
        is_blocked = is_blocked || (leaf->task[j] > 0 && !tree->is_open[j]);
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        leaf->vector[j] = tree_fraction(leaf->held[j], tree->capacity[j]);
    }
    leaf->is_active = !is_blocked;
}

static void reckon_vector(const struct tree *tree, struct tree_node *node) {
    if (node->kind == TREE_LEAF)
        leaf_vector(tree, node);
    else
        inner_vector(tree, node);
    node->share = 0;
    for (size_t i = 0; i < tree->open_count; i++)
        if (node->vector[tree->open[i]] > node->share)
            node->share = node->vector[tree->open[i]];
}

static void take_back(const struct tree *tree, struct tree_node *node) {
    __int128 *sums = node->is_active ? node->parent->direct : node->parent->blocked;
    for (size_t i = 0; i < tree->open_count; i++)
        sums[tree->open[i]] -= node->given[tree->open[i]];
}

static void hand_up(const struct tree *tree, struct tree_node *node) {
    __int128 *sums = node->is_active ? node->parent->direct : node->parent->blocked;
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        __int128 given = node->vector[j];
        if (node->is_active && given != 0) {
            assert(node->share > 0); /* it is the largest of what is open */
            given = (given * node->weight_milli << TREE_TERM_BITS) / node->share;
        }
        node->given[j] = given;
        sums[j] += given;
    }
    tree_heap_place(tree, node->parent, ORDER_ACTIVE, node, node->is_active);
}

/* `only` is its only child, if it has one, or NULL. */
static void reckon_sum(const struct tree *tree, struct tree_node *node,
                       const struct tree_node *only) {
    node->sum = only != NULL ? only->sum : tree_dominant_share(tree, node, NULL);
    if (tree->mode != TREE_HDRF)
        node->share = node->sum;
}

static bool is_hopeful(const struct tree_node *node) {
    if (node->kind == TREE_LEAF)
        return node->wants && !node->is_unfit;
    return tree_heap_count(node, ORDER_HOPEFUL) > 0;
}

static void place(const struct tree *tree, struct tree_node *node) {
    /* Without vectors there are no shares to go by. */
    bool is_there = tree->mode == TREE_HDRF && !tree->is_built && node->is_hopeful &&
                    tree_is_in(node, ORDER_HOPEFUL);
    if (!is_there)
        tree_heap_place(tree, node->parent, ORDER_HOPEFUL, node, node->is_hopeful);
    if (tree->mode == TREE_HDRF)
        tree_claim_place(tree, node);
}

/* The node, when it is its parent's only child. */
static const struct tree_node *only_child(const struct tree_node *node) {
    return node->parent->only;
}

void tree_refresh(struct tree *tree, struct tree_node *node) {
    const struct tree_node *only = NULL;
    for (; node->parent != NULL; node = node->parent) {
        if (tree->is_built) {
            take_back(tree, node);
            reckon_vector(tree, node);
            hand_up(tree, node);
        }
        reckon_sum(tree, node, only);
        node->is_hopeful = is_hopeful(node);
        tree_claim_reckon(tree, node, only);
        place(tree, node);
        only = only_child(node);
    }
    if (tree->is_built)
        reckon_vector(tree, node);
    tree_claim_reckon(tree, node, only);
}

void tree_refresh_hope(struct tree *tree, struct tree_node *leaf) {
    struct tree_node *node = leaf;
    const struct tree_node *only = NULL;
    for (; node->parent != NULL; node = node->parent) {
        bool was_hopeful = node->is_hopeful;
        node->is_hopeful = is_hopeful(node);
        if (!tree_claim_reckon(tree, node, only) && node->is_hopeful == was_hopeful)
            return;
        place(tree, node);
        only = only_child(node);
    }
    tree_claim_reckon(tree, node, only);
}

/* Depth first; no deeper than a role's name allows. */
static void rebuild_below(struct tree *tree, struct tree_node *node) {
    if (node->kind != TREE_LEAF) {
        memset(node->direct, 0, tree->resource_count * sizeof(*node->direct));
        memset(node->blocked, 0, tree->resource_count * sizeof(*node->blocked));
        tree_heap_clear(node, ORDER_ACTIVE);
        tree_heap_clear(node, ORDER_HOPEFUL);
        MAP_EACH(entry, &node->children)
            rebuild_below(tree, map_value(entry));
        if (node->frameworks != NULL)
            rebuild_below(tree, node->frameworks);
    }
    reckon_vector(tree, node);
    if (node->parent == NULL)
        return;
    node->orders_in &= ~(1U << ORDER_ACTIVE | 1U << ORDER_HOPEFUL);
    hand_up(tree, node);
    tree_heap_place(tree, node->parent, ORDER_HOPEFUL, node, node->is_hopeful);
}

void tree_rebuild(struct tree *tree, const bool *is_open) {
    tree->open_count = 0;
    for (size_t j = 0; j < tree->resource_count; j++) {
        tree->is_open[j] = is_open[j];
        if (is_open[j])
            tree->open[tree->open_count++] = j;
    }
    rebuild_below(tree, tree->root);
    tree->is_built = true;
}

static void recount_below(struct tree *tree, struct tree_node *node);

static void recount_children(struct tree *tree, struct tree_node *node) {
    for (enum tree_order order = 0; order < ORDER_COUNT; order++)
        tree_heap_clear(node, order);
    MAP_EACH(entry, &node->children)
        recount_below(tree, map_value(entry));
    if (node->frameworks != NULL)
        recount_below(tree, node->frameworks);
}

static void recount_below(struct tree *tree, struct tree_node *node) {
    if (node->kind != TREE_LEAF) {
        if (node->only != NULL)
            recount_below(tree, node->only);
        else
            recount_children(tree, node);
    } else {
        tree_claim_leaf(tree, node);
        tree_list_leaf(tree, node);
    }
    reckon_sum(tree, node, node->only);
    node->is_hopeful = is_hopeful(node);
    tree_claim_reckon(tree, node, node->only);
    node->orders_in = 0;
    if (node->parent != NULL)
        place(tree, node);
}

void tree_recount(struct tree *tree) {
    tree->is_built = false;
    if (tree->root != NULL)
        recount_below(tree, tree->root);
}
