/*
 * Intrusive min-heap: for timers, retries and deadlines. Nothing is owned; a node is in one
 * heap at a time and knows its place, so it can be moved and taken out. Equal keys leave in order
 * of insertion.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    uint64_t order;
    size_t place; /* 1-based; 0: in no heap */
};

/* What nodes are compared by stands in the heap, too: a walk through it touches no node. */
struct heap_item {
    int64_t key;
    uint64_t order;
    struct heap_node *node;
};

struct heap {
    struct heap_item *items;
    size_t count;
    size_t capacity;
    uint64_t order;
};

void heap_fini(struct heap *heap);
void heap_put(struct heap *heap, struct heap_node *node, int64_t key); /* adds, or moves */
void heap_remove(struct heap *heap, struct heap_node *node);           /* no-op when in none */
struct heap_node *heap_least(const struct heap *heap);                 /* NULL when empty */

static inline bool heap_holds(const struct heap_node *node) {
    return node->place != 0;
}
