/*
 * Maps from a number or from bytes to a pointer, by hashing. They iterate in the order of
 * insertion, which depends on the events alone, so the same events give the same effects; a key
 * that is put again keeps its place. Keys are copied; values are the caller's. Zero-initialised is
 * empty.
 */
#pragma once

#include "common/base/list.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry;

struct map {
    struct map_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
    struct map_entry *first, *last; /* in order of insertion */
};

/* Frees the map; every value is given to free_value unless that is NULL. */
void map_fini(struct map *map, void (*free_value)(void *value));

void *map_get(const struct map *map, uint64_t key);        /* NULL: not there */
void *map_put(struct map *map, uint64_t key, void *value); /* the old value, or NULL */
void *map_remove(struct map *map, uint64_t key);           /* the value, or NULL */
void *map_first(const struct map *map);                    /* the oldest value, or NULL */

void *map_get_text(const struct map *map, struct text key);
void *map_put_text(struct map *map, struct text key, void *value);
void *map_remove_text(struct map *map, struct text key);

/* Iteration: the current entry may be removed in the body, no other. */
struct map_entry *map_begin(const struct map *map);
struct map_entry *map_next(const struct map_entry *entry);
void *map_value(const struct map_entry *entry);
uint64_t map_key(const struct map_entry *entry);
struct text map_key_text(const struct map_entry *entry); /* borrowed from the map */

#define MAP_EACH(entry, map)                                                                       \
    for (struct map_entry *entry = map_begin(map),                                                 \
                          *next_##entry = entry != NULL ? map_next(entry) : NULL;                  \
         entry != NULL;                                                                            \
         entry = next_##entry, next_##entry = entry != NULL ? map_next(entry) : NULL)
