/*
 * A set of resources: a short vector of (kind, amount), sorted by kind. Values: fini what you init
 * or copy; zero-initialised is empty. Adding, subtracting and comparing are merges of integers and
 * need no table; amounts are checked int64_t in thousandths ("milli"), so no sum can wrap.
 *
 * Who was allocated a set is not part of it: the master keeps sets by framework and role, and wire/
 * writes allocation_info.
 *
 * Copies are cheap: ranges and items are shared, never changed. One thread at a time may touch sets
 * that come from one another by copying.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/model/kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RESOURCES_LIMIT = 4096,  /* entries of one set that is read */
    RANGES_LIMIT = 16384,    /* ranges of one resource that is read */
    SET_ITEMS_LIMIT = 16384, /* items of one resource that is read */
};

struct range {
    uint64_t begin, end; /* both belong to it */
};

struct ranges; /* sorted, coalesced, not empty */
struct items;  /* sorted numbers of kinds_intern_text, each once, not empty */

struct resource {
    uint32_t kind;
    uint32_t copies; /* 1, but for shared and exclusive kinds: how many equal ones */
    uint32_t carry;  /* kinds_intern_text of what is not compared (volume, principal of a
                        persistent volume); 0: nothing */
    union {
        int64_t milli; /* of one copy; above 0 */
        const struct ranges *ranges;
        const struct items *items;
    };
};

struct resources {
    struct resource *entries; /* ordered by kind; exclusive and shared ones also by milli */
    uint32_t count;
    uint32_t capacity;
};

void resources_fini(struct resources *set);
DEFINE_AUTO_FINI(struct resources, resources_fini)
struct resources resources_copy(const struct resources *set);
struct resources resources_take(struct resources *set); /* moves it out, leaves *set empty */
void resources_clear(struct resources *set);            /* empty, keeps the room */

static inline bool resources_is_empty(const struct resources *set) {
    return set->count == 0;
}

/* What one resource holds; lent by it. */
const struct range *resource_ranges(const struct resource *one, size_t *count);
const uint32_t *resource_items(const struct resource *one, size_t *count);

/* Putting single resources in, as they are read. An amount of nothing adds nothing. ERROR_INVALID:
 * negative, begin above end, ranges that overlap, an item twice; ERROR_LIMIT: too many or too much.
 * *set is unchanged on failure. The kind's type must fit (a bug else). */
bool resources_put_scalar(struct resources *set, uint32_t kind, int64_t milli, struct error *error);
bool resources_put_ranges(struct resources *set, uint32_t kind, const struct range *ranges,
                          size_t count, struct error *error);
bool resources_put_items(struct resources *set, uint32_t kind, const uint32_t *items, size_t count,
                         struct error *error);
/* Adds one entry of another set, all its copies. False, nothing changed: it would pass INT64_MAX.
 */
bool resources_put(struct resources *set, const struct resource *one)
    __attribute__((warn_unused_result));

/* False, *to unchanged: an amount would pass INT64_MAX. */
bool resources_add(struct resources *to, const struct resources *more)
    __attribute__((warn_unused_result));

/* False, *from unchanged: it does not contain `less`. Ranges are cut; exclusive kinds and shared
 * ones must be there exactly as they are. */
bool resources_subtract(struct resources *from, const struct resources *less)
    __attribute__((warn_unused_result));

/* Takes away what of `less` is there and ignores the rest: set difference. */
void resources_subtract_common(struct resources *from, const struct resources *less);

bool resources_contains(const struct resources *whole, const struct resources *part);
bool resources_equal(const struct resources *a,
                     const struct resources *b); /* carry is not compared */

/* Drops every entry whose kind has one of these flags. */
void resources_drop(struct resources *set, uint32_t kind_flags);
/* Drops what may not be offered to the role (kinds_is_allocatable_to). */
void resources_keep_role(struct resources *set, const struct kinds *kinds, uint32_t role);

/* The entry of a plain kind (not exclusive, not shared); NULL when it is not there. */
const struct resource *resources_find(const struct resources *set, uint32_t kind);
/* Its amount; 0 when it is not there. For scalar kinds. */
int64_t resources_scalar_milli(const struct resources *set, uint32_t kind);

/* How much one entry is, in thousandths: all copies of an exclusive one, one copy of a shared one,
 * the number of elements of ranges and sets. INT64_MAX for more than that. */
int64_t resource_quantity_milli(const struct resource *one);

/* The sum over all kinds of that name: kinds_find_name or NAME_CPUS. INT64_MAX for more than that.
 */
int64_t resources_quantity_milli(const struct resources *set, const struct kinds *kinds,
                                 uint32_t name);

/* Whether two sets give and take cpus, mem and so on in revocable and in plain form under one name,
 * which a task may not. */
bool resources_mixes_revocable(const struct resources *set, const struct kinds *kinds);
