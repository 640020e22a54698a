/*
 * Children in the order of share / weight. Compared by cross multiplication: a share has 52 bits
 * and a weight 30. Equals go by name, then by framework.
 */
#include "allocator/hdrf_state.h"

static bool comes_before(const struct hdrf_node *left, const struct hdrf_node *right) {
    __int128 a = (__int128)left->share * right->weight_milli;
    __int128 b = (__int128)right->share * left->weight_milli;
    if (a != b)
        return a < b;
    if (left->kind == HDRF_LEAF)
        return left->framework < right->framework;
    return strcmp(left->name, right->name) < 0;
}

static void settle(struct hdrf_heap *heap, enum hdrf_order order, struct hdrf_node *node,
                   size_t place) {
    heap->items[place - 1] = node;
    node->places[order] = place;
}

static size_t sift_up(struct hdrf_heap *heap, enum hdrf_order order, struct hdrf_node *node,
                      size_t place) {
    while (place > 1 && comes_before(node, heap->items[place / 2 - 1])) {
        settle(heap, order, heap->items[place / 2 - 1], place);
        place /= 2;
    }
    return place;
}

static size_t sift_down(struct hdrf_heap *heap, enum hdrf_order order, struct hdrf_node *node,
                        size_t place) {
    for (size_t child = place * 2; child <= heap->count; child = place * 2) {
        if (child < heap->count && comes_before(heap->items[child], heap->items[child - 1]))
            child++;
        if (!comes_before(heap->items[child - 1], node))
            break;
        settle(heap, order, heap->items[child - 1], place);
        place = child;
    }
    return place;
}

static void sift(struct hdrf_heap *heap, enum hdrf_order order, struct hdrf_node *node,
                 size_t place) {
    size_t up = sift_up(heap, order, node, place);
    settle(heap, order, node, up == place ? sift_down(heap, order, node, place) : up);
}

static void take_out(struct hdrf_heap *heap, enum hdrf_order order, struct hdrf_node *node) {
    size_t place = node->places[order];
    struct hdrf_node *last = heap->items[--heap->count];
    node->places[order] = 0;
    if (last != node)
        sift(heap, order, last, place);
}

void hdrf_heap_place(struct hdrf_node *parent, enum hdrf_order order, struct hdrf_node *node,
                     bool belongs) {
    struct hdrf_heap *heap = &parent->orders[order];
    if (!belongs) {
        if (node->places[order] != 0)
            take_out(heap, order, node);
        return;
    }
    if (node->places[order] == 0) {
        VEC_RESERVE(heap, 1);
        settle(heap, order, node, ++heap->count);
    }
    sift(heap, order, node, node->places[order]);
}

void hdrf_heap_fini(struct hdrf_heap *heap) {
    mem_free(heap->items);
    *heap = (struct hdrf_heap){0};
}
