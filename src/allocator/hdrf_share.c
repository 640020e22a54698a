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
 */
#include "allocator/hdrf_state.h"

int64_t hdrf_fraction(int64_t held, int64_t capacity) {
    if (capacity <= 0)
        return 0;
    __int128 parts = ((__int128)held * HDRF_SHARE_ONE + capacity - 1) / capacity;
    return parts < HDRF_SHARE_LIMIT ? (int64_t)parts : HDRF_SHARE_LIMIT;
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

static void inner_vector(const struct hdrf *tree, struct hdrf_node *node) {
    const struct hdrf_heap *active = &node->orders[HDRF_ACTIVE];
    const struct hdrf_node *least = active->count > 0 ? active->items[0] : NULL;
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        __int128 sum = node->blocked[j];
        if (active->count == 1)
            sum += least->vector[j]; /* what M * D is, had the terms no rounding */
        else if (least != NULL && node->direct[j] != 0)
            sum += scale(node->direct[j], least->share,
                         (__int128)least->weight_milli << HDRF_TERM_BITS);
        node->vector[j] = sum < HDRF_SHARE_LIMIT ? (int64_t)sum : HDRF_SHARE_LIMIT;
    }
    node->is_active = least != NULL;
    node->is_hopeful = node->orders[HDRF_HOPEFUL].count > 0;
}

static void leaf_vector(const struct hdrf *tree, struct hdrf_node *leaf) {
    bool is_blocked = !leaf->wants;
    for (size_t j = 0; j < tree->resource_count; j++)
        is_blocked = is_blocked || (leaf->task[j] > 0 && tree->witnesses[j] == NULL);
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        leaf->vector[j] = hdrf_fraction(leaf->held[j], tree->capacity[j]);
    }
    leaf->is_active = !is_blocked;
    leaf->is_hopeful = !is_blocked && !leaf->is_unfit;
}

static void reckon(const struct hdrf *tree, struct hdrf_node *node) {
    if (node->kind == HDRF_LEAF)
        leaf_vector(tree, node);
    else
        inner_vector(tree, node);
    node->share = 0;
    for (size_t i = 0; i < tree->open_count; i++)
        if (node->vector[tree->open[i]] > node->share)
            node->share = node->vector[tree->open[i]];
}

static void take_back(const struct hdrf *tree, struct hdrf_node *node) {
    __int128 *sums = node->is_active ? node->parent->direct : node->parent->blocked;
    for (size_t i = 0; i < tree->open_count; i++)
        sums[tree->open[i]] -= node->given[tree->open[i]];
}

static void hand_up(const struct hdrf *tree, struct hdrf_node *node) {
    __int128 *sums = node->is_active ? node->parent->direct : node->parent->blocked;
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        __int128 given = node->vector[j];
        if (node->is_active && given != 0) {
            assert(node->share > 0); /* it is the largest of what is open */
            given = (given * node->weight_milli << HDRF_TERM_BITS) / node->share;
        }
        node->given[j] = given;
        sums[j] += given;
    }
    hdrf_heap_place(node->parent, HDRF_ACTIVE, node, node->is_active);
    hdrf_heap_place(node->parent, HDRF_HOPEFUL, node, node->is_hopeful);
}

void hdrf_refresh(struct hdrf *tree, struct hdrf_node *leaf) {
    struct hdrf_node *node = leaf;
    for (; node->parent != NULL; node = node->parent) {
        take_back(tree, node);
        reckon(tree, node);
        hand_up(tree, node);
    }
    reckon(tree, node);
}

/* Depth first; no deeper than HDRF_DEPTH_LIMIT and two. */
static void rebuild_below(struct hdrf *tree, struct hdrf_node *node) {
    if (node->kind != HDRF_LEAF) {
        memset(node->direct, 0, tree->resource_count * sizeof(*node->direct));
        memset(node->blocked, 0, tree->resource_count * sizeof(*node->blocked));
        node->orders[HDRF_ACTIVE].count = node->orders[HDRF_HOPEFUL].count = 0;
        MAP_EACH(entry, &node->children)
            rebuild_below(tree, map_value(entry));
        if (node->frameworks != NULL)
            rebuild_below(tree, node->frameworks);
    }
    reckon(tree, node);
    memset(node->places, 0, sizeof(node->places));
    if (node->parent != NULL)
        hand_up(tree, node);
}

void hdrf_rebuild(struct hdrf *tree) {
    tree->open_count = 0;
    for (size_t j = 0; j < tree->resource_count; j++)
        if (tree->witnesses[j] != NULL)
            tree->open[tree->open_count++] = j;
    rebuild_below(tree, tree->root);
}
