/*
 * Ranges and sets of numbers as values that are shared and never changed: what an operation gives
 * is a new reference that the caller drops. NULL is the empty one. For resources.c and attributes.
 */
#pragma once

#include "common/model/resources.h"

struct ranges {
    uint32_t references;
    uint32_t count;
    struct range at[]; /* sorted; between two there is a gap */
};

struct items {
    uint32_t references;
    uint32_t count;
    uint32_t at[]; /* sorted, each once */
};

/* Sorts and coalesces. ERROR_INVALID, ERROR_LIMIT as resources_put_ranges has them. */
bool ranges_make(const struct range *from, size_t count, const struct ranges **out,
                 struct error *error);
const struct ranges *ranges_share(const struct ranges *ranges);
void ranges_drop(const struct ranges *ranges);
const struct ranges *ranges_union(const struct ranges *a, const struct ranges *b);
const struct ranges *ranges_difference(const struct ranges *a, const struct ranges *b);
bool ranges_contain(const struct ranges *whole, const struct ranges *part);
bool ranges_equal(const struct ranges *a, const struct ranges *b);

bool items_make(const uint32_t *from, size_t count, const struct items **out, struct error *error);
const struct items *items_share(const struct items *items);
void items_drop(const struct items *items);
const struct items *items_union(const struct items *a, const struct items *b);
const struct items *items_difference(const struct items *a, const struct items *b);
bool items_contain(const struct items *whole, const struct items *part);
bool items_equal(const struct items *a, const struct items *b);
