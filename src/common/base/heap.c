#include "common/base/heap.h"

#include "common/base/mem.h"

void heap_fini(struct heap *heap) {
    mem_free(heap->nodes);
    *heap = (struct heap){0};
}

static bool before(const struct heap_node *a, const struct heap_node *b) {
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void set(struct heap *heap, size_t place, struct heap_node *node) {
    heap->nodes[place - 1] = node;
    node->place = place;
}

static void rise(struct heap *heap, struct heap_node *node) {
    size_t place = node->place;
    while (place > 1 && before(node, heap->nodes[place / 2 - 1])) {
        set(heap, place, heap->nodes[place / 2 - 1]);
        place /= 2;
    }
    set(heap, place, node);
}

static void sink(struct heap *heap, struct heap_node *node) {
    size_t place = node->place;
    for (size_t child = place * 2; child <= heap->count; child = place * 2) {
        if (child < heap->count && before(heap->nodes[child], heap->nodes[child - 1]))
            child++;
        if (!before(heap->nodes[child - 1], node))
            break;
        set(heap, place, heap->nodes[child - 1]);
        place = child;
    }
    set(heap, place, node);
}

void heap_put(struct heap *heap, struct heap_node *node, int64_t key) {
    if (node->place == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity * 2 + 8;
            heap->nodes = mem_resize(heap->nodes, heap->capacity, sizeof(struct heap_node *));
        }
        heap->count++;
        set(heap, heap->count, node);
    }
    node->key = key;
    node->order = ++heap->order;
    rise(heap, node);
    sink(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
    size_t place = node->place;
    if (place == 0)
        return;
    node->place = 0;
    struct heap_node *last = heap->nodes[--heap->count];
    if (last == node)
        return;
    set(heap, place, last);
    rise(heap, last);
    sink(heap, last);
}

struct heap_node *heap_least(const struct heap *heap) {
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
