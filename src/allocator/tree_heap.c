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

/* The same when all is equal but the name. */
static bool is_named_before(const struct tree_node *parent, const struct tree_place *left,
                            const struct tree_place *right) {
    if (left->name != right->name)
        return left->name < right->name;
    struct tree_node *const *nodes = parent->seats.nodes;
    return compare_paths(nodes[left->seat], nodes[right->seat]) < 0;
}

/* In a heap it is not to be foreseen, so it is reckoned without branches. */
static inline bool is_before(const struct tree_node *parent, bool is_mixed,
                             const struct tree_place *left, const struct tree_place *right) {
    unsigned __int128 a = (unsigned __int128)left->part << 64 | left->tie;
    unsigned __int128 b = (unsigned __int128)right->part << 64 | right->tie;
    if (is_mixed && left->weight_milli != right->weight_milli) {
        unsigned __int128 c = (unsigned __int128)left->part * right->weight_milli;
        unsigned __int128 d = (unsigned __int128)right->part * left->weight_milli;
        if (c != d)
            return c < d;
        a = left->tie;
        b = right->tie;
    }
    return __builtin_expect(a != b, true) ? a < b : is_named_before(parent, left, right);
}

/* Who holds something has not waited at all. */
static uint64_t waits_since(const struct tree_node *leaf) {
    return leaf != NULL && leaf->since != 0 ? (uint64_t)leaf->since : UINT64_MAX;
}

/* By what a node is compared now. */
static inline struct tree_place place_of(const struct tree *tree, enum tree_order order,
                                         struct tree_node *node) {
    uint64_t name = node->kind == TREE_LEAF ? node->framework : node->name_start[0];
    struct tree_place place = {
        .tie = name,
        .name = name,
        .weight_milli = (uint32_t)node->weight_milli,
        .seat = node->seat,
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
    return is_before(left->parent, true, &a, &b);
}

bool tree_is_poorer(const struct tree *tree, struct tree_node *left, struct tree_node *right) {
    struct tree_place a = place_of(tree, ORDER_DUE_HOPEFUL, left);
    struct tree_place b = place_of(tree, ORDER_DUE_HOPEFUL, right);
    return is_before(left->parent, true, &a, &b);
}

static void make_room(struct tree_heap *heap) {
    if (heap->count < heap->capacity)
        return;
    heap->capacity = heap->capacity * 2 + 2;
    heap->items = mem_resize(heap->items, heap->capacity, sizeof(*heap->items));
}

static inline uint32_t *places_of(struct tree_node *parent, enum tree_order order) {
    return parent->seats.places + (size_t)order * parent->seats.capacity;
}

/* What a walk through a heap looks at. */
struct walk {
    struct tree_heap *heap;
    const struct tree_node *parent;
    uint32_t *places;
    bool is_mixed;
};

static inline struct walk walk_of(struct tree_node *parent, enum tree_order order) {
    struct tree_heap *heap = &parent->orders[order];
    return (struct walk){heap, parent, places_of(parent, order), heap->is_mixed};
}

static inline void settle(const struct walk *walk, const struct tree_place *item, size_t place) {
    walk->heap->items[place - 1] = *item;
    walk->places[item->seat] = (uint32_t)place;
}

/* Places count from 1: the children of p are 4p - 2 to 4p + 1. */
static size_t parent_of(size_t place) {
    return (place + CHILDREN - 2) / CHILDREN;
}

static size_t first_child_of(size_t place) {
    return place * CHILDREN - (CHILDREN - 2);
}

static size_t sift_up(const struct walk *walk, const struct tree_place *item, size_t place) {
    const struct tree_place *items = walk->heap->items;
    while (place > 1) {
        size_t above = parent_of(place);
        if (!is_before(walk->parent, walk->is_mixed, item, &items[above - 1]))
            break;
        settle(walk, &items[above - 1], place);
        place = above;
    }
    return place;
}

/* One of them all, of one weight: which is not to be foreseen, so it is chosen by masks. */
static inline size_t least_alike(const struct walk *walk, size_t first, size_t end) {
    const struct tree_place *items = walk->heap->items;
    size_t least = first;
    uint64_t part = items[first - 1].part, tie = items[first - 1].tie;
    for (size_t child = first + 1; child < end; child++) {
        const struct tree_place *one = &items[child - 1];
        unsigned __int128 a = (unsigned __int128)one->part << 64 | one->tie;
        unsigned __int128 b = (unsigned __int128)part << 64 | tie;
        bool is_less = a < b;
        if (__builtin_expect(a == b, false))
            is_less = is_named_before(walk->parent, one, &items[least - 1]);
        uint64_t taken = -(uint64_t)is_less;
        least ^= (least ^ child) & taken;
        part ^= (part ^ one->part) & taken;
        tie ^= (tie ^ one->tie) & taken;
    }
    return least;
}

static inline size_t least_of(const struct walk *walk, size_t first, size_t end) {
    if (!walk->is_mixed)
        return least_alike(walk, first, end);
    const struct tree_place *items = walk->heap->items, *least = &items[first - 1];
    for (const struct tree_place *one = least + 1; one < &items[end - 1]; one++)
        least = is_before(walk->parent, true, one, least) ? one : least;
    return (size_t)(least - items) + 1;
}

static size_t sift_down(const struct walk *walk, const struct tree_place *item, size_t place) {
    const struct tree_place *items = walk->heap->items;
    size_t end = (size_t)walk->heap->count + 1;
    for (size_t first; (first = first_child_of(place)) < end;) {
        size_t least = first + CHILDREN <= end ? least_of(walk, first, first + CHILDREN)
                                               : least_of(walk, first, end);
        if (!is_before(walk->parent, walk->is_mixed, &items[least - 1], item))
            break;
        settle(walk, &items[least - 1], place);
        place = least;
    }
    return place;
}

static void sift(struct tree_node *parent, enum tree_order order, const struct tree_place *item,
                 size_t place) {
    struct walk walk = walk_of(parent, order);
    size_t up = sift_up(&walk, item, place);
    settle(&walk, item, up == place ? sift_down(&walk, item, place) : up);
    walk.heap->top = parent->seats.nodes[walk.heap->items[0].seat];
}

/* The sums of a place and those above it, after what stands there changed. */
static void sum_draws(struct tree_node *parent, size_t place) {
    const struct tree_heap *heap = &parent->orders[ORDER_HOPEFUL];
    for (; place >= 1; place /= 2) {
        if (place > heap->count)
            continue;
        int64_t sum = parent->seats.nodes[heap->items[place - 1].seat]->weight_milli;
        for (size_t child = place * 2; child <= place * 2 + 1 && child <= heap->count; child++)
            sum += parent->draws[child - 1];
        parent->draws[place - 1] = sum;
    }
}

static void place_drawable(struct tree_node *parent, struct tree_node *node, bool belongs) {
    struct walk walk = walk_of(parent, ORDER_HOPEFUL);
    struct tree_heap *heap = walk.heap;
    bool is_there = tree_is_in(node, ORDER_HOPEFUL);
    size_t place = walk.places[node->seat];
    if (!belongs) {
        if (!is_there)
            return;
        settle(&walk, &heap->items[--heap->count], place);
        node->orders_in &= ~(1U << ORDER_HOPEFUL);
        sum_draws(parent, heap->count + 1);
        sum_draws(parent, place);
        return;
    }
    if (!is_there) {
        uint32_t capacity = heap->capacity;
        make_room(heap);
        if (heap->capacity != capacity)
            parent->draws = mem_resize(parent->draws, heap->capacity, sizeof(*parent->draws));
        place = ++heap->count;
        settle(&walk, &(struct tree_place){.seat = node->seat}, place);
        node->orders_in |= 1U << ORDER_HOPEFUL;
    }
    sum_draws(parent, place);
}

static void take_out(struct tree_node *parent, enum tree_order order, struct tree_node *node) {
    struct tree_heap *heap = &parent->orders[order];
    node->orders_in &= ~(1U << order);
    if (--heap->count == 0) {
        heap->top = NULL;
        return;
    }
    struct tree_place last = heap->items[heap->count];
    if (last.seat != node->seat)
        sift(parent, order, &last, places_of(parent, order)[node->seat]);
}

static void put_in(const struct tree *tree, struct tree_node *parent, enum tree_order order,
                   struct tree_node *node) {
    struct tree_heap *heap = &parent->orders[order];
    node->orders_in |= 1U << order;
    if (heap->count == 0) {
        heap->top = node;
        heap->count = 1;
        return;
    }
    make_room(heap);
    if (heap->count == 1) {
        struct tree_place top = place_of(tree, order, heap->top);
        heap->weight_milli = top.weight_milli;
        heap->is_mixed = false;
        settle(&(struct walk){heap, parent, places_of(parent, order), false}, &top, 1);
    }
    struct tree_place item = place_of(tree, order, node);
    heap->is_mixed = heap->is_mixed || item.weight_milli != heap->weight_milli;
    sift(parent, order, &item, ++heap->count);
}

void tree_heap_place(const struct tree *tree, struct tree_node *parent, enum tree_order order,
                     struct tree_node *node, bool belongs) {
    if (order == ORDER_HOPEFUL && tree->mode == TREE_RANDOM) {
        place_drawable(parent, node, belongs);
        return;
    }
    bool is_there = tree_is_in(node, order);
    if (parent->only != NULL) {
        node->orders_in = (node->orders_in & ~(1U << order)) | (uint32_t)belongs << order;
        return;
    }
    struct tree_heap *heap = &parent->orders[order];
    if (!belongs && is_there)
        take_out(parent, order, node);
    if (belongs && !is_there)
        put_in(tree, parent, order, node);
    if (belongs && is_there && heap->count > 1) {
        struct tree_place item = place_of(tree, order, node);
        heap->is_mixed = heap->is_mixed || item.weight_milli != heap->weight_milli;
        sift(parent, order, &item, places_of(parent, order)[node->seat]);
    }
}

struct tree_node *tree_draw(struct tree *tree, const struct tree_node *node) {
    if (tree_heap_count(node, ORDER_HOPEFUL) == 0)
        return NULL;
    const struct tree_heap *heap = &node->orders[ORDER_HOPEFUL];
    int64_t left = (int64_t)rng_below(&tree->rng, (uint64_t)node->draws[0]);
    for (size_t place = 1;;) {
        struct tree_node *here = node->seats.nodes[heap->items[place - 1].seat];
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

void tree_heap_clear(struct tree_node *node, enum tree_order order) {
    if (node->orders == NULL)
        return;
    node->orders[order].count = 0;
    node->orders[order].top = NULL;
}

/* The rows of places move apart. */
static void seats_grow(struct tree_seats *seats) {
    uint32_t capacity = seats->capacity > 0 ? seats->capacity * 2 : 1;
    uint32_t *places = NEW_ARRAY(uint32_t, (size_t)capacity * ORDER_COUNT);
    for (size_t i = 0; i < ORDER_COUNT && seats->count > 0; i++)
        memcpy(places + i * capacity, seats->places + i * seats->capacity,
               seats->count * sizeof(*places));
    mem_free(seats->places);
    seats->places = places;
    seats->nodes = mem_resize(seats->nodes, capacity, sizeof(struct tree_node *));
    seats->capacity = capacity;
}

/* A second child comes: the first one's bits become orders of one. */
static void spread(struct tree_node *parent) {
    struct tree_node *first = parent->only;
    parent->only = NULL;
    for (enum tree_order order = 0; order < ORDER_COUNT; order++) {
        bool is_there = first != NULL && tree_is_in(first, order);
        parent->orders[order].count = is_there;
        parent->orders[order].top = is_there ? first : NULL;
    }
}

void tree_seat_take(const struct tree *tree, struct tree_node *parent, struct tree_node *child) {
    struct tree_seats *seats = &parent->seats;
    bool is_only = seats->count == 0 && tree->mode != TREE_RANDOM;
    if (seats->count == seats->capacity)
        seats_grow(seats);
    child->seat = seats->count++;
    seats->nodes[child->seat] = child;
    if (!is_only && parent->orders == NULL)
        parent->orders = NEW_ARRAY(struct tree_heap, ORDER_COUNT);
    if (!is_only && (parent->only != NULL || seats->count == 1))
        spread(parent);
    if (is_only)
        parent->only = child;
}

/* In its orders too. */
static void move_seat(struct tree_node *parent, struct tree_node *child, uint32_t seat) {
    uint32_t old = child->seat;
    child->seat = seat;
    parent->seats.nodes[seat] = child;
    for (enum tree_order order = 0; order < ORDER_COUNT; order++) {
        struct tree_heap *heap = &parent->orders[order];
        uint32_t *places = places_of(parent, order);
        places[seat] = places[old];
        /* What stands there of an only one is old. */
        if (tree_is_in(child, order) && heap->capacity > 0 && places[seat] >= 1 &&
            places[seat] <= heap->count)
            heap->items[places[seat] - 1].seat = seat;
    }
}

void tree_seat_leave(const struct tree *tree, struct tree_node *parent, struct tree_node *child) {
    struct tree_seats *seats = &parent->seats;
    struct tree_node *last = seats->nodes[--seats->count];
    if (last != child)
        move_seat(parent, last, child->seat);
    if (seats->count == 0) {
        parent->only = NULL;
        for (enum tree_order order = 0; order < ORDER_COUNT; order++)
            tree_heap_clear(parent, order);
    } else if (seats->count == 1 && tree->mode != TREE_RANDOM) {
        parent->only = seats->nodes[0];
    }
}

void tree_orders_fini(struct tree_node *node) {
    for (size_t i = 0; i < ORDER_COUNT && node->orders != NULL; i++)
        mem_free(node->orders[i].items);
    mem_free(node->orders);
    mem_free(node->draws);
    mem_free(node->seats.nodes);
    mem_free(node->seats.places);
}
