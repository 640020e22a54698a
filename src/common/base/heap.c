#include "common/base/heap.h"

#include "common/base/mem.h"

enum { CHILDREN = 4 }; /* half the levels of two, and they lie together */

void heap_fini(struct heap *heap) {
    mem_free(heap->items);
    *heap = (struct heap){0};
}

static bool before(const struct heap_item *a, const struct heap_item *b) {
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* Places count from 1: the children of p are 4p - 2 to 4p + 1. */
static size_t parent_of(size_t place) {
    return (place + CHILDREN - 2) / CHILDREN;
}

static void set(struct heap *heap, size_t place, struct heap_item item) {
    heap->items[place - 1] = item;
    item.node->place = place;
}

static size_t rise(struct heap *heap, const struct heap_item *item, size_t place) {
    while (place > 1 && before(item, &heap->items[parent_of(place) - 1])) {
        set(heap, place, heap->items[parent_of(place) - 1]);
        place = parent_of(place);
    }
    return place;
}

static size_t least_child(const struct heap *heap, size_t place) {
    size_t first = place * CHILDREN - (CHILDREN - 2), least = first;
    for (size_t child = first + 1; child < first + CHILDREN && child <= heap->count; child++) {
        if (before(&heap->items[child - 1], &heap->items[least - 1]))
            least = child;
    }
    return least;
}

static size_t sink(struct heap *heap, const struct heap_item *item, size_t place) {
    while (place * CHILDREN - (CHILDREN - 2) <= heap->count) {
        size_t child = least_child(heap, place);
        if (!before(&heap->items[child - 1], item))
            break;
        set(heap, place, heap->items[child - 1]);
        place = child;
    }
    return place;
}

static void settle(struct heap *heap, struct heap_item item, size_t place) {
    size_t risen = rise(heap, &item, place);
    set(heap, risen == place ? sink(heap, &item, place) : risen, item);
}

void heap_put(struct heap *heap, struct heap_node *node, int64_t key) {
    if (node->place == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity * 2 + 8;
            heap->items = mem_resize(heap->items, heap->capacity, sizeof(*heap->items));
        }
        node->place = ++heap->count;
    }
    node->key = key;
    node->order = ++heap->order;
    settle(heap, (struct heap_item){key, node->order, node}, node->place);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
    size_t place = node->place;
    if (place == 0)
        return;
    node->place = 0;
    struct heap_item last = heap->items[--heap->count];
    if (last.node != node)
        settle(heap, last, place);
}

struct heap_node *heap_least(const struct heap *heap) {
    return heap->count > 0 ? heap->items[0].node : NULL;
}
