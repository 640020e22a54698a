/*
 * The orders of a node's children, as binary heaps. Compared by cross multiplication: a share has
 * 52 bits, a claim 63 and a weight 30. Equals go by name, then by framework.
 *
 * For a draw by weight the same array is a tree of sums: each place knows the weights of all below
 * it, so one walk down finds the child that was drawn.
 */
#include "allocator/tree_state.h"

static int compare_paths(const struct tree_node *left, const struct tree_node *right) {
    if (left->kind == TREE_LEAF)
        return left->framework < right->framework ? -1 : left->framework > right->framework;
    for (size_t i = 0; i < 2; i++)
        if (left->name_start[i] != right->name_start[i])
            return left->name_start[i] < right->name_start[i] ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Below 0: left has less for its weight. */
static int compare_parts(int64_t left, int64_t left_weight, int64_t right, int64_t right_weight) {
    if (left_weight == right_weight)
        return left < right ? -1 : left > right;
    __int128 a = (__int128)left * right_weight, b = (__int128)right * left_weight;
    return a < b ? -1 : a > b;
}

bool tree_comes_before(const struct tree *tree, const struct tree_node *left,
                       const struct tree_node *right) {
    int order = compare_parts(left->share, left->weight_milli, right->share, right->weight_milli);
    if (order == 0 && tree->mode == TREE_DRF && left->grants != right->grants)
        return left->grants < right->grants;
    return order != 0 ? order < 0 : compare_paths(left, right) < 0;
}

/* Who holds something has not waited at all. */
static int64_t waits_since(const struct tree_node *leaf) {
    return leaf != NULL && leaf->since != 0 ? leaf->since : INT64_MAX;
}

bool tree_is_poorer(const struct tree_node *left, const struct tree_node *right) {
    int order = compare_parts(left->sum, left->weight_milli, right->sum, right->weight_milli);
    return order != 0 ? order < 0 : compare_paths(left, right) < 0;
}

/* The same, but of equals the longer wait goes first. */
static bool is_picked_before(const struct tree_node *left, const struct tree_node *right,
                             enum tree_side side) {
    int order = compare_parts(left->sum, left->weight_milli, right->sum, right->weight_milli);
    if (order != 0)
        return order < 0;
    int64_t a = waits_since(left->picks[side]), b = waits_since(right->picks[side]);
    return a != b ? a < b : compare_paths(left, right) < 0;
}

static bool has_less_claim(const struct tree_node *left, const struct tree_node *right,
                           enum tree_side side) {
    if (left->weight_milli == right->weight_milli)
        return left->claims[side] < right->claims[side];
    __int128 a = (__int128)left->claims[side] * right->weight_milli;
    __int128 b = (__int128)right->claims[side] * left->weight_milli;
    return a < b;
}

static bool waits_longer(const struct tree_node *left, const struct tree_node *right,
                         enum tree_side side) {
    return left->firsts[side]->since < right->firsts[side]->since;
}

static bool goes_up(const struct tree *tree, enum tree_order order, const struct tree_node *node,
                    const struct tree_node *above) {
    switch (order) {
    case ORDER_HOPEFUL: return tree->mode != TREE_RANDOM && tree_comes_before(tree, node, above);
    case ORDER_ACTIVE: return tree_comes_before(tree, node, above);
    case ORDER_CLAIM_HOPEFUL: return has_less_claim(node, above, SIDE_HOPEFUL);
    case ORDER_CLAIM_WAITING: return has_less_claim(node, above, SIDE_WAITING);
    case ORDER_DUE_HOPEFUL:
    case ORDER_DUE_WAITING: return tree_is_poorer(node, above);
    case ORDER_POOR_HOPEFUL: return is_picked_before(node, above, SIDE_HOPEFUL);
    case ORDER_POOR_WAITING: return is_picked_before(node, above, SIDE_WAITING);
    case ORDER_TURN_HOPEFUL: return waits_longer(node, above, SIDE_HOPEFUL);
    case ORDER_TURN_WAITING: return waits_longer(node, above, SIDE_WAITING);
    case ORDER_COUNT: break;
    }
    return false;
}

static void make_room(struct tree_heap *heap) {
    if (heap->count < heap->capacity)
        return;
    if (heap->capacity == 0) {
        heap->items = &heap->only;
        heap->capacity = 1;
        return;
    }
    heap->capacity = heap->capacity * 2 + 2;
    bool was_only = heap->items == &heap->only;
    heap->items = mem_resize(was_only ? NULL : heap->items, heap->capacity, sizeof(*heap->items));
    if (was_only)
        heap->items[0] = heap->only;
}

static void settle(struct tree_heap *heap, enum tree_order order, struct tree_node *node,
                   size_t place) {
    heap->items[place - 1] = node;
    node->places[order] = (uint32_t)place;
}

static size_t sift_up(const struct tree *tree, struct tree_heap *heap, enum tree_order order,
                      struct tree_node *node, size_t place) {
    while (place > 1 && goes_up(tree, order, node, heap->items[place / 2 - 1])) {
        settle(heap, order, heap->items[place / 2 - 1], place);
        place /= 2;
    }
    return place;
}

static size_t sift_down(const struct tree *tree, struct tree_heap *heap, enum tree_order order,
                        struct tree_node *node, size_t place) {
    for (size_t child = place * 2; child <= heap->count; child = place * 2) {
        if (child < heap->count && goes_up(tree, order, heap->items[child], heap->items[child - 1]))
            child++;
        if (!goes_up(tree, order, heap->items[child - 1], node))
            break;
        settle(heap, order, heap->items[child - 1], place);
        place = child;
    }
    return place;
}

static void sift(const struct tree *tree, struct tree_heap *heap, enum tree_order order,
                 struct tree_node *node, size_t place) {
    size_t up = sift_up(tree, heap, order, node, place);
    settle(heap, order, node, up == place ? sift_down(tree, heap, order, node, place) : up);
}

/* The sums of a place and those above it, after what stands there changed. */
static void sum_draws(struct tree_node *parent, size_t place) {
    const struct tree_heap *heap = &parent->orders[ORDER_HOPEFUL];
    for (; place >= 1; place /= 2) {
        if (place > heap->count)
            continue;
        int64_t sum = heap->items[place - 1]->weight_milli;
        for (size_t child = place * 2; child <= place * 2 + 1 && child <= heap->count; child++)
            sum += parent->draws[child - 1];
        parent->draws[place - 1] = sum;
    }
}

static void take_out(const struct tree *tree, struct tree_heap *heap, enum tree_order order,
                     struct tree_node *node) {
    size_t place = node->places[order];
    struct tree_node *last = heap->items[--heap->count];
    node->places[order] = 0;
    if (last != node)
        sift(tree, heap, order, last, place);
}

static void place_drawable(const struct tree *tree, struct tree_node *parent,
                           struct tree_node *node, bool belongs) {
    struct tree_heap *heap = &parent->orders[ORDER_HOPEFUL];
    size_t place = node->places[ORDER_HOPEFUL];
    if (!belongs) {
        if (place == 0)
            return;
        take_out(tree, heap, ORDER_HOPEFUL, node);
        sum_draws(parent, heap->count + 1);
        sum_draws(parent, place);
        return;
    }
    if (place == 0) {
        uint32_t capacity = heap->capacity;
        make_room(heap);
        if (heap->capacity != capacity)
            parent->draws = mem_resize(parent->draws, heap->capacity, sizeof(*parent->draws));
        settle(heap, ORDER_HOPEFUL, node, ++heap->count);
    }
    sum_draws(parent, node->places[ORDER_HOPEFUL]);
}

void tree_heap_place(const struct tree *tree, struct tree_node *parent, enum tree_order order,
                     struct tree_node *node, bool belongs) {
    struct tree_heap *heap = &parent->orders[order];
    if (order == ORDER_HOPEFUL && tree->mode == TREE_RANDOM) {
        place_drawable(tree, parent, node, belongs);
        return;
    }
    if (!belongs) {
        if (node->places[order] != 0)
            take_out(tree, heap, order, node);
        return;
    }
    if (node->places[order] == 0) {
        make_room(heap);
        settle(heap, order, node, ++heap->count);
    } else if (heap->count == 1) {
        return;
    }
    sift(tree, heap, order, node, node->places[order]);
}

struct tree_node *tree_heap_top(const struct tree_node *node, enum tree_order order) {
    const struct tree_heap *heap = &node->orders[order];
    return heap->count > 0 ? heap->items[0] : NULL;
}

struct tree_node *tree_draw(struct tree *tree, const struct tree_node *node) {
    const struct tree_heap *heap = &node->orders[ORDER_HOPEFUL];
    if (heap->count == 0)
        return NULL;
    int64_t left = (int64_t)rng_below(&tree->rng, (uint64_t)node->draws[0]);
    for (size_t place = 1;;) {
        struct tree_node *here = heap->items[place - 1];
        if (left < here->weight_milli || place * 2 > heap->count)
            return here;
        left -= here->weight_milli;
        place *= 2;
        if (left < node->draws[place - 1] || place == heap->count)
            continue;
        left -= node->draws[place - 1];
        place++;
    }
}

void tree_heap_fini(struct tree_heap *heap) {
    if (heap->items != &heap->only)
        mem_free(heap->items);
    *heap = (struct tree_heap){0};
}
