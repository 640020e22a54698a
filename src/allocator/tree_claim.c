/*
 * What is due. A leaf's claim is what it would hold with one more task, as a part of its guarantee:
 * within the guarantee it is due. Divided by its weight it tells siblings apart, so the claims
 * below a node are, for its parent, W * (least claim / weight of a child), W being the weights of
 * the children that want; whether it is due is seen at the root, where the guarantee is all. A role
 * has a claim of its own too: what all in it hold, and one more task of the leaf that the plain
 * sums would serve. A change of W thus changes one path and no order. Going down, the limit below
 * which a claim is due is reckoned from above; what was told apart by another limit is told apart
 * anew on the way, node by node.
 *
 * Claims are rounded down, limits are exact for that, so that a leaf exactly at its guarantee is
 * not over it.
 */
#include "allocator/tree_state.h"

void tree_count_wanting(const struct tree *tree, struct tree_node *leaf, bool wants) {
    for (struct tree_node *node = leaf; node->parent != NULL; node = node->parent) {
        tree_count_sated(tree, node, -1);
        bool did_want = node->wanting_count > 0;
        if (wants)
            node->wanting_count++;
        else
            node->wanting_count--;
        bool does_want = node->wanting_count > 0;
        if (does_want != did_want)
            node->parent->wanting_weight_milli += wants ? node->weight_milli : -node->weight_milli;
        tree_count_sated(tree, node, 1);
    }
}

/* What a node and one more task would hold of the cluster. */
static uint64_t need_with(const struct tree *tree, const struct tree_node *node,
                          const int64_t *task) {
    size_t j = tree_dominant(tree, node, task);
    if (j == tree->resource_count)
        return 0;
    int64_t amount = node->held[j] + task[j];
    if (amount > tree->capacity[j])
        return CLAIM_NONE;
    return (uint64_t)((unsigned __int128)amount * CLAIM_ONE / (uint64_t)tree->capacity[j]);
}

void tree_claim_leaf(struct tree *tree, struct tree_node *leaf) {
    leaf->need = need_with(tree, leaf, leaf->task);
    bool is_empty = leaf->wants;
    for (size_t j = 0; j < tree->resource_count && is_empty; j++)
        is_empty = leaf->held[j] == 0;
    if (!is_empty)
        leaf->since = 0;
    else if (leaf->since == 0)
        leaf->since = ++tree->last_since;
}

/* A child's claim, as one on what the parent has. */
static uint64_t claim_above(uint64_t claim, const struct tree_node *child) {
    if (claim == CLAIM_NONE)
        return CLAIM_NONE;
    __int128 above = (__int128)claim * child->parent->wanting_weight_milli / child->weight_milli;
    return above > (__int128)CLAIM_ONE ? CLAIM_NONE : (uint64_t)above;
}

static bool is_on_side(const struct tree_node *leaf, enum tree_side side) {
    return leaf->wants && leaf->is_unfit == (side == SIDE_WAITING) &&
           !(leaf->is_unfit && leaf->is_earmarked);
}

static struct tree_node *pick_of(const struct tree_node *node, enum tree_side side) {
    const struct tree_node *poorest = tree_heap_top(node, ORDER_POOR_HOPEFUL + side);
    return poorest != NULL ? poorest->picks[side] : NULL;
}

static struct tree_node *first_of(const struct tree_node *node, enum tree_side side) {
    const struct tree_node *oldest = tree_heap_top(node, ORDER_TURN_HOPEFUL + side);
    return oldest != NULL ? oldest->firsts[side] : NULL;
}

/* The least of its own claim, for its pick, and those of its children. The root's guarantee is all:
 * nobody asks for its claim. */
static uint64_t claim_of(const struct tree *tree, struct tree_node *node,
                         const struct tree_node *only, enum tree_side side) {
    if (node->picks[side] == NULL || node->parent == NULL)
        return CLAIM_NONE;
    uint64_t own =
        only != NULL ? only->needs_own[side] : need_with(tree, node, node->picks[side]->task);
    node->needs_own[side] = own;
    const struct tree_node *least = tree_heap_top(node, ORDER_CLAIM_HOPEFUL + side);
    uint64_t below = least != NULL ? claim_above(least->claims[side], least) : CLAIM_NONE;
    return below < own ? below : own;
}

/* An only child holds the same, and its guarantee is all of its parent's. */
static bool take_over(struct tree_node *node, const struct tree_node *only) {
    bool is_changed = false;
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        is_changed = is_changed || node->claims[side] != only->claims[side] ||
                     node->picks[side] != only->picks[side] ||
                     node->firsts[side] != only->firsts[side];
        node->claims[side] = only->claims[side];
        node->picks[side] = only->picks[side];
        node->firsts[side] = only->firsts[side];
        node->needs_own[side] = only->needs_own[side];
    }
    return is_changed;
}

static bool reckon_leaf(struct tree_node *leaf) {
    bool is_changed = false;
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        bool is_there = is_on_side(leaf, side);
        bool is_first = is_there && leaf->since != 0 && leaf->need != CLAIM_NONE;
        struct tree_node *pick = is_there ? leaf : NULL, *first = is_first ? leaf : NULL;
        uint64_t claim = is_there ? leaf->need : CLAIM_NONE;
        is_changed = is_changed || claim != leaf->claims[side] || pick != leaf->picks[side] ||
                     first != leaf->firsts[side];
        leaf->picks[side] = pick;
        leaf->firsts[side] = first;
        leaf->claims[side] = leaf->needs_own[side] = claim;
    }
    return is_changed;
}

bool tree_claim_reckon(const struct tree *tree, struct tree_node *node,
                       const struct tree_node *only) {
    bool is_changed = false;
    if (node->kind == TREE_LEAF)
        return reckon_leaf(node);
    if (only != NULL && node->parent != NULL && tree->mode == TREE_HDRF)
        return take_over(node, only);
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        if (node->picks[side] == NULL && tree_heap_top(node, ORDER_POOR_HOPEFUL + side) == NULL)
            continue;
        const struct tree_node *pick = node->picks[side], *first = node->firsts[side];
        uint64_t claim = node->claims[side];
        node->picks[side] = pick_of(node, side);
        node->firsts[side] = first_of(node, side);
        node->claims[side] = claim_of(tree, node, only, side);
        is_changed = is_changed || claim != node->claims[side] || pick != node->picks[side] ||
                     first != node->firsts[side];
    }
    return is_changed;
}

static bool is_due(const struct tree_node *child, enum tree_side side) {
    const struct tree_node *parent = child->parent;
    uint64_t claim = child->claims[side];
    if (claim == CLAIM_NONE || parent->due_weight_milli == child->weight_milli)
        return claim < parent->due_limit; /* which is at most CLAIM_ONE + 1 */
    return (__int128)claim * parent->due_weight_milli <
           (__int128)parent->due_limit * child->weight_milli;
}

/* Those of the hopeful that it belongs to; the same for the others are one further. */
static uint32_t orders_of(const struct tree_node *node, enum tree_side side) {
    bool has_claim = node->claims[side] != CLAIM_NONE && node->parent->parent != NULL;
    return (uint32_t)has_claim << ORDER_CLAIM_HOPEFUL |
           (uint32_t)is_due(node, side) << ORDER_DUE_HOPEFUL |
           (uint32_t)(node->picks[side] != NULL) << ORDER_POOR_HOPEFUL |
           (uint32_t)(node->firsts[side] != NULL) << ORDER_TURN_HOPEFUL;
}

void tree_claim_place(const struct tree *tree, struct tree_node *node) {
    static const uint32_t orders[] = {ORDER_CLAIM_HOPEFUL, ORDER_DUE_HOPEFUL, ORDER_POOR_HOPEFUL,
                                      ORDER_TURN_HOPEFUL};
    const uint32_t all = 1U << ORDER_CLAIM_HOPEFUL | 1U << ORDER_DUE_HOPEFUL |
                         1U << ORDER_POOR_HOPEFUL | 1U << ORDER_TURN_HOPEFUL;
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        /* Whoever is in one of these orders is in that of the poor. */
        if (node->picks[side] == NULL && !tree_is_in(node, ORDER_POOR_HOPEFUL + side))
            continue;
        uint32_t bits = orders_of(node, side);
        if (node->parent->only == node) {
            node->orders_in = (node->orders_in & ~(all << side)) | bits << side;
            continue;
        }
        uint32_t concerned = bits | (node->orders_in >> side & all);
        for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
            if ((concerned >> orders[i] & 1) != 0)
                tree_heap_place(tree, node->parent, orders[i] + side, node,
                                (bits >> orders[i] & 1) != 0);
    }
}

static void tell_apart(const struct tree *tree, struct tree_node *node, uint64_t limit) {
    if (node->due_limit == limit && node->due_weight_milli == node->wanting_weight_milli)
        return;
    node->due_limit = limit;
    node->due_weight_milli = node->wanting_weight_milli;
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        enum tree_order poor = ORDER_POOR_HOPEFUL + side, due = ORDER_DUE_HOPEFUL + side;
        for (size_t i = 0; i < tree_heap_count(node, poor); i++) {
            struct tree_node *child = tree_heap_at(node, poor, i);
            tree_heap_place(tree, node, due, child, is_due(child, side));
        }
    }
}

/* The limit of a node's claims, as one on those of a child; both rounded up. */
static uint64_t limit_below(uint64_t limit, const struct tree_node *child) {
    unsigned __int128 parts = (unsigned __int128)limit * (uint64_t)child->weight_milli - 1;
    return (uint64_t)(parts / (uint64_t)child->parent->wanting_weight_milli) + 1;
}

struct tree_node *tree_first_due(const struct tree *tree, enum tree_side side) {
    struct tree_node *node = tree->root;
    uint64_t limit = CLAIM_ONE + 1;
    while (node != NULL && node->kind != TREE_LEAF) {
        if (node->picks[side] == NULL)
            return NULL;
        tell_apart(tree, node, limit);
        struct tree_node *next = tree_heap_top(node, ORDER_DUE_HOPEFUL + side);
        if (next == NULL)
            return node;
        if (next->weight_milli != node->wanting_weight_milli)
            limit = limit_below(limit, next);
        node = next;
    }
    return node;
}

bool tree_is_whole(const struct tree_node *node) {
    for (; node->parent != NULL; node = node->parent)
        if (node->parent->wanting_weight_milli != node->weight_milli)
            return false;
    return true;
}

bool tree_is_within(const struct tree *tree, const struct tree_node *node, const int64_t *task) {
    if (node->parent == NULL)
        return true;
    uint64_t claim = need_with(tree, node, task);
    for (; node->parent != NULL; node = node->parent)
        claim = claim_above(claim, node);
    return claim != CLAIM_NONE;
}

struct tree_node *tree_next_earmark(struct tree *tree) {
    if (tree->mode != TREE_HDRF)
        return NULL;
    const struct tree_node *node = tree_first_due(tree, SIDE_WAITING);
    if (node == NULL)
        return NULL;
    return tree_is_whole(node) && node->kind != TREE_LEAF ? node->firsts[SIDE_WAITING]
                                                          : node->picks[SIDE_WAITING];
}

void tree_set_earmarked(struct tree *tree, struct tree_node *leaf, bool is_earmarked) {
    if (leaf->is_earmarked == is_earmarked)
        return;
    leaf->is_earmarked = is_earmarked;
    tree_refresh_hope(tree, leaf);
}

void tree_list_leaf(struct tree *tree, struct tree_node *leaf) {
    list_remove(&leaf->unfit);
    if (leaf->is_unfit)
        list_append(&tree->unfit, &leaf->unfit);
    bool needs_all = tree_needs_nothing(tree, leaf);
    for (size_t j = 0; j < tree->resource_count; j++) {
        heap_remove(&tree->needs[j], &leaf->needs[j].place);
        if (leaf->wants && !leaf->is_unfit && tree->capacity[j] > 0 &&
            (needs_all || leaf->task[j] > 0))
            heap_put(&tree->needs[j], &leaf->needs[j].place, leaf->task[j]);
    }
}
