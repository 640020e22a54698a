/*
 * The orders of a node's children, as heaps. Compared by cross multiplication: a share has
 * 52 bits, a claim 63 and a weight 30. Equals go by a number of the order's, then by name. What is
 * compared is copied into the heap when a node is placed, so a walk through it touches few nodes.
 *
 * For a draw by weight the same array is a binary tree of sums: each place knows the weights of all
 * below it, so one walk down finds the child that was drawn.
 */
#include "allocator/tree_state.h"

enum { CHILDREN = 4 };

static int compare_paths(const struct tree_node *left, const struct tree_node *right) {
    if (left->kind == TREE_LEAF)
        return left->framework < right->framework ? -1 : left->framework > right->framework;
    for (size_t i = 0; i < 2; i++)
        if (left->name_start[i] != right->name_start[i])
            return left->name_start[i] < right->name_start[i] ? -1 : 1;
    return strcmp(left->name, right->name);
}

static inline bool is_before(const struct tree_place *left, const struct tree_place *right) {
    if (left->weight_milli == right->weight_milli) {
        if (left->part != right->part)
            return left->part < right->part;
    } else {
        unsigned __int128 a = (unsigned __int128)left->part * right->weight_milli;
        unsigned __int128 b = (unsigned __int128)right->part * left->weight_milli;
        if (a != b)
            return a < b;
    }
    if (left->tie != right->tie)
        return left->tie < right->tie;
    return compare_paths(left->node, right->node) < 0;
}

/* Who holds something has not waited at all. */
static uint64_t waits_since(const struct tree_node *leaf) {
    return leaf != NULL && leaf->since != 0 ? (uint64_t)leaf->since : UINT64_MAX;
}

/* By what a node is compared now. */
static inline struct tree_place place_of(const struct tree *tree, enum tree_order order,
                                         struct tree_node *node) {
    struct tree_place place = {
        .tie = node->kind == TREE_LEAF ? node->framework : node->name_start[0],
        .node = node,
        .weight_milli = (uint32_t)node->weight_milli,
    };
    switch (order) {
    case ORDER_ACTIVE:
    case ORDER_HOPEFUL:
        place.part = (uint64_t)node->share;
        if (tree->mode == TREE_DRF)
            place.tie = node->grants;
        break;
    case ORDER_CLAIM_HOPEFUL: place.part = node->claims[SIDE_HOPEFUL]; break;
    case ORDER_CLAIM_WAITING: place.part = node->claims[SIDE_WAITING]; break;
    case ORDER_DUE_HOPEFUL:
    case ORDER_DUE_WAITING: place.part = (uint64_t)node->sum; break;
    case ORDER_POOR_HOPEFUL: /* of equals the longer wait goes first */
    case ORDER_POOR_WAITING:
        place.part = (uint64_t)node->sum;
        place.tie = waits_since(node->picks[order - ORDER_POOR_HOPEFUL]);
        break;
    case ORDER_TURN_HOPEFUL:
    case ORDER_TURN_WAITING: /* whatever their weights */
        place.part = (uint64_t)node->firsts[order - ORDER_TURN_HOPEFUL]->since;
        place.weight_milli = 1;
        break;
    case ORDER_COUNT: break;
    }
    return place;
}

bool tree_comes_before(const struct tree *tree, struct tree_node *left, struct tree_node *right) {
    struct tree_place a = place_of(tree, ORDER_HOPEFUL, left);
    struct tree_place b = place_of(tree, ORDER_HOPEFUL, right);
    return is_before(&a, &b);
}

bool tree_is_poorer(const struct tree *tree, struct tree_node *left, struct tree_node *right) {
    struct tree_place a = place_of(tree, ORDER_DUE_HOPEFUL, left);
    struct tree_place b = place_of(tree, ORDER_DUE_HOPEFUL, right);
    return is_before(&a, &b);
}

static void make_room(struct tree_heap *heap) {
    if (heap->count < heap->capacity)
        return;
    heap->capacity = heap->capacity * 2 + 2;
    heap->items = mem_resize(heap->items, heap->capacity, sizeof(*heap->items));
}

static inline void settle(struct tree_heap *heap, enum tree_order order,
                          const struct tree_place *item, size_t place) {
    heap->items[place - 1] = *item;
    item->node->places[order] = (uint32_t)place;
}

/* Places count from 1: the children of p are 4p - 2 to 4p + 1. */
static size_t parent_of(size_t place) {
    return (place + CHILDREN - 2) / CHILDREN;
}

static size_t first_child_of(size_t place) {
    return place * CHILDREN - (CHILDREN - 2);
}

static size_t sift_up(struct tree_heap *heap, enum tree_order order, const struct tree_place *item,
                      size_t place) {
    while (place > 1 && is_before(item, &heap->items[parent_of(place) - 1])) {
        settle(heap, order, &heap->items[parent_of(place) - 1], place);
        place = parent_of(place);
    }
    return place;
}

static size_t sift_down(struct tree_heap *heap, enum tree_order order,
                        const struct tree_place *item, size_t place) {
    for (size_t first; (first = first_child_of(place)) <= heap->count;) {
        size_t least = first;
        for (size_t child = first + 1; child < first + CHILDREN && child <= heap->count; child++)
            if (is_before(&heap->items[child - 1], &heap->items[least - 1]))
                least = child;
        if (!is_before(&heap->items[least - 1], item))
            break;
        settle(heap, order, &heap->items[least - 1], place);
        place = least;
    }
    return place;
}

static void sift(struct tree_heap *heap, enum tree_order order, const struct tree_place *item,
                 size_t place) {
    size_t up = sift_up(heap, order, item, place);
    settle(heap, order, item, up == place ? sift_down(heap, order, item, place) : up);
    heap->top = heap->items[0].node;
}

/* The sums of a place and those above it, after what stands there changed. */
static void sum_draws(struct tree_node *parent, size_t place) {
    const struct tree_heap *heap = &parent->orders[ORDER_HOPEFUL];
    for (; place >= 1; place /= 2) {
        if (place > heap->count)
            continue;
        int64_t sum = heap->items[place - 1].node->weight_milli;
        for (size_t child = place * 2; child <= place * 2 + 1 && child <= heap->count; child++)
            sum += parent->draws[child - 1];
        parent->draws[place - 1] = sum;
    }
}

static void place_drawable(struct tree_node *parent, struct tree_node *node, bool belongs) {
    struct tree_heap *heap = &parent->orders[ORDER_HOPEFUL];
    size_t place = node->places[ORDER_HOPEFUL];
    if (!belongs) {
        if (place == 0)
            return;
        settle(heap, ORDER_HOPEFUL, &heap->items[--heap->count], place);
        node->places[ORDER_HOPEFUL] = 0;
        sum_draws(parent, heap->count + 1);
        sum_draws(parent, place);
        return;
    }
    if (place == 0) {
        uint32_t capacity = heap->capacity;
        make_room(heap);
        if (heap->capacity != capacity)
            parent->draws = mem_resize(parent->draws, heap->capacity, sizeof(*parent->draws));
        settle(heap, ORDER_HOPEFUL, &(struct tree_place){.node = node}, ++heap->count);
    }
    sum_draws(parent, node->places[ORDER_HOPEFUL]);
}

static void take_out(struct tree_heap *heap, enum tree_order order, struct tree_node *node) {
    size_t place = node->places[order];
    node->places[order] = 0;
    if (--heap->count == 0) {
        heap->top = NULL;
        return;
    }
    struct tree_place last = heap->items[heap->count];
    if (last.node != node)
        sift(heap, order, &last, place);
}

static void put_in(const struct tree *tree, struct tree_heap *heap, enum tree_order order,
                   struct tree_node *node) {
    if (heap->count == 0) {
        heap->top = node;
        node->places[order] = ++heap->count;
        return;
    }
    make_room(heap);
    if (heap->count == 1)
        heap->items[0] = place_of(tree, order, heap->top);
    struct tree_place item = place_of(tree, order, node);
    sift(heap, order, &item, ++heap->count);
}

void tree_heap_place(const struct tree *tree, struct tree_node *parent, enum tree_order order,
                     struct tree_node *node, bool belongs) {
    struct tree_heap *heap = &parent->orders[order];
    if (order == ORDER_HOPEFUL && tree->mode == TREE_RANDOM) {
        place_drawable(parent, node, belongs);
        return;
    }
    bool is_there = node->places[order] != 0;
    if (!belongs && is_there)
        take_out(heap, order, node);
    if (belongs && !is_there)
        put_in(tree, heap, order, node);
    if (belongs && is_there && heap->count > 1) {
        struct tree_place item = place_of(tree, order, node);
        sift(heap, order, &item, node->places[order]);
    }
}

struct tree_node *tree_draw(struct tree *tree, const struct tree_node *node) {
    const struct tree_heap *heap = &node->orders[ORDER_HOPEFUL];
    if (heap->count == 0)
        return NULL;
    int64_t left = (int64_t)rng_below(&tree->rng, (uint64_t)node->draws[0]);
    for (size_t place = 1;;) {
        struct tree_node *here = heap->items[place - 1].node;
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

void tree_heap_clear(struct tree_heap *heap) {
    heap->count = 0;
    heap->top = NULL;
}

void tree_heap_fini(struct tree_heap *heap) {
    mem_free(heap->items);
    *heap = (struct tree_heap){0};
}
