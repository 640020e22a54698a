/*
 * Everything is a walk over two sorted arrays. An entry's place is given by its kind and, for kinds
 * that are counted in copies, by the amount of one copy: two volumes of different size are two
 * entries.
 */
#include "common/model/resources.h"

#include "common/base/mem.h"
#include "common/model/ranges.h"

#include <assert.h>
#include <string.h>

enum { COUNTED = KIND_IS_EXCLUSIVE | KIND_IS_SHARED };

static bool is_counted(uint32_t kind) {
    return (kind & COUNTED) != 0;
}

static int compare(const struct resource *a, const struct resource *b) {
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (!is_counted(a->kind))
        return 0;
    return (a->milli > b->milli) - (a->milli < b->milli);
}

static struct resource entry_share(const struct resource *one) {
    switch (kind_type(one->kind)) {
    case VALUE_RANGES: ranges_share(one->ranges); break;
    case VALUE_SET: items_share(one->items); break;
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    return *one;
}

static void entry_drop(struct resource *one) {
    switch (kind_type(one->kind)) {
    case VALUE_RANGES: ranges_drop(one->ranges); break;
    case VALUE_SET: items_drop(one->items); break;
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
}

static bool entry_sum_fits(const struct resource *a, const struct resource *b) {
    uint32_t copies;
    int64_t milli;
    if (is_counted(a->kind))
        return !__builtin_add_overflow(a->copies, b->copies, &copies);
    if (kind_type(a->kind) == VALUE_SCALAR)
        return !__builtin_add_overflow(a->milli, b->milli, &milli);
    return true;
}

static void entry_add(struct resource *to, const struct resource *more) {
    if (is_counted(to->kind)) {
        to->copies += more->copies;
        return;
    }
    switch (kind_type(to->kind)) {
    case VALUE_RANGES: {
        const struct ranges *old = to->ranges;
        to->ranges = ranges_union(old, more->ranges);
        ranges_drop(old);
        break;
    }
    case VALUE_SET: {
        const struct items *old = to->items;
        to->items = items_union(old, more->items);
        items_drop(old);
        break;
    }
    case VALUE_SCALAR:
    case VALUE_TEXT: to->milli += more->milli; break;
    }
}

/* Takes away what is there; false when nothing is left, and then nothing is owned either. */
static bool entry_subtract(struct resource *from, const struct resource *less) {
    if (is_counted(from->kind)) {
        from->copies -= from->copies < less->copies ? from->copies : less->copies;
        return from->copies > 0;
    }
    switch (kind_type(from->kind)) {
    case VALUE_RANGES: {
        const struct ranges *old = from->ranges;
        from->ranges = ranges_difference(old, less->ranges);
        ranges_drop(old);
        return from->ranges != NULL;
    }
    case VALUE_SET: {
        const struct items *old = from->items;
        from->items = items_difference(old, less->items);
        items_drop(old);
        return from->items != NULL;
    }
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    from->milli -= from->milli < less->milli ? from->milli : less->milli;
    return from->milli > 0;
}

static bool entry_contains(const struct resource *whole, const struct resource *part) {
    if (is_counted(whole->kind))
        return whole->copies >= part->copies;
    switch (kind_type(whole->kind)) {
    case VALUE_RANGES: return ranges_contain(whole->ranges, part->ranges);
    case VALUE_SET: return items_contain(whole->items, part->items);
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    return whole->milli >= part->milli;
}

static bool entry_equal(const struct resource *a, const struct resource *b) {
    if (a->kind != b->kind || a->copies != b->copies)
        return false;
    if (a->milli == b->milli)
        return true; /* of ranges and items: they are the same ones */
    switch (kind_type(a->kind)) {
    case VALUE_RANGES: return ranges_equal(a->ranges, b->ranges);
    case VALUE_SET: return items_equal(a->items, b->items);
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    return false;
}

void resources_fini(struct resources *set) {
    resources_clear(set);
    mem_free(set->entries);
    *set = (struct resources){0};
}

void resources_clear(struct resources *set) {
    for (uint32_t i = 0; i < set->count; i++)
        if (kind_type(set->entries[i].kind) != VALUE_SCALAR)
            entry_drop(&set->entries[i]);
    set->count = 0;
}

static void reserve(struct resources *set, uint32_t capacity) {
    if (capacity <= set->capacity)
        return;
    set->entries = mem_resize(set->entries, capacity, sizeof(set->entries[0]));
    set->capacity = capacity;
}

/* Into an empty one. */
static void fill(struct resources *empty, const struct resources *set) {
    reserve(empty, set->count);
    if (set->count > 0)
        memcpy(empty->entries, set->entries, set->count * sizeof(set->entries[0]));
    for (uint32_t i = 0; i < set->count; i++)
        if (kind_type(set->entries[i].kind) != VALUE_SCALAR)
            entry_share(&set->entries[i]);
    empty->count = set->count;
}

struct resources resources_copy(const struct resources *set) {
    struct resources copy = {0};
    fill(&copy, set);
    return copy;
}

struct resources resources_take(struct resources *set) {
    struct resources taken = *set;
    *set = (struct resources){0};
    return taken;
}

const struct range *resource_ranges(const struct resource *one, size_t *count) {
    assert(kind_type(one->kind) == VALUE_RANGES);
    *count = one->ranges->count;
    return one->ranges->at;
}

const uint32_t *resource_items(const struct resource *one, size_t *count) {
    assert(kind_type(one->kind) == VALUE_SET);
    *count = one->items->count;
    return one->items->at;
}

/* The first entry that is not before `one`: a walk may begin there, so that little costs little
 * beside a large set. */
static uint32_t place_of(const struct resources *set, const struct resource *one) {
    uint32_t low = 0, high = set->count;
    if (high == 0 || compare(&set->entries[0], one) >= 0)
        return 0; /* mostly they are alike */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(&set->entries[middle], one) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether the sum fits, and how many entries of `more` are new to `to`. */
static bool plan_add(const struct resources *to, const struct resources *more, uint32_t *fresh) {
    *fresh = 0;
    uint32_t i = more->count > 0 ? place_of(to, &more->entries[0]) : 0;
    for (uint32_t j = 0; j < more->count;) {
        int order = i < to->count ? compare(&to->entries[i], &more->entries[j]) : 1;
        if (order == 0 && !entry_sum_fits(&to->entries[i], &more->entries[j]))
            return false;
        if (order > 0)
            (*fresh)++;
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

bool resources_add(struct resources *to, const struct resources *more) {
    uint32_t fresh;
    if (to->count == 0) {
        fill(to, more);
        return true;
    }
    if (!plan_add(to, more, &fresh))
        return false;

    /* From the back, so that the entries of `to` move once and in place. */
    uint32_t i = to->count, j = more->count, k = to->count + fresh;
    reserve(to, k);
    to->count = k;
    while (j > 0) {
        int order = i > 0 ? compare(&to->entries[i - 1], &more->entries[j - 1]) : -1;
        if (order < 0) {
            to->entries[--k] = entry_share(&more->entries[--j]);
            continue;
        }
        to->entries[--k] = to->entries[--i];
        if (order == 0)
            entry_add(&to->entries[k], &more->entries[--j]);
    }
    return true;
}

bool resources_put(struct resources *set, const struct resource *one) {
    /* Only read through. */
    struct resources single = {.entries = (struct resource *)one, .count = 1};
    return resources_add(set, &single);
}

static bool put_owned(struct resources *set, struct resource *one, struct error *error) {
    bool fits = resources_put(set, one);
    entry_drop(one);
    return fits || fail(error, ERROR_LIMIT, "the sum of a resource is too large");
}

bool resources_put_scalar(struct resources *set, uint32_t kind, int64_t milli,
                          struct error *error) {
    assert(kind_type(kind) == VALUE_SCALAR);
    if (milli < 0)
        return fail(error, ERROR_INVALID, "an amount is negative");
    if (milli == 0)
        return true;
    struct resource one = {.kind = kind, .copies = 1, .milli = milli};
    return put_owned(set, &one, error);
}

bool resources_put_ranges(struct resources *set, uint32_t kind, const struct range *ranges,
                          size_t count, struct error *error) {
    assert(kind_type(kind) == VALUE_RANGES);
    struct resource one = {.kind = kind, .copies = 1};
    if (!ranges_make(ranges, count, &one.ranges, error))
        return false;
    return one.ranges == NULL || put_owned(set, &one, error);
}

bool resources_put_items(struct resources *set, uint32_t kind, const uint32_t *items, size_t count,
                         struct error *error) {
    assert(kind_type(kind) == VALUE_SET);
    struct resource one = {.kind = kind, .copies = 1};
    if (!items_make(items, count, &one.items, error))
        return false;
    return one.items == NULL || put_owned(set, &one, error);
}

void resources_subtract_common(struct resources *from, const struct resources *less) {
    if (from == less || resources_equal(from, less)) {
        resources_clear(from);
        return;
    }
    uint32_t kept = less->count > 0 ? place_of(from, &less->entries[0]) : from->count, j = 0;
    for (uint32_t i = kept; i < from->count; i++) {
        struct resource one = from->entries[i];
        while (j < less->count && compare(&less->entries[j], &one) < 0)
            j++;
        bool both = j < less->count && compare(&less->entries[j], &one) == 0;
        if (!both || entry_subtract(&one, &less->entries[j]))
            from->entries[kept++] = one;
    }
    from->count = kept;
}

bool resources_subtract(struct resources *from, const struct resources *less) {
    bool is_all = resources_equal(from, less);
    if (!is_all && !resources_contains(from, less))
        return false;
    if (is_all)
        resources_clear(from);
    else
        resources_subtract_common(from, less);
    return true;
}

bool resources_contains(const struct resources *whole, const struct resources *part) {
    uint32_t i = part->count > 0 ? place_of(whole, &part->entries[0]) : 0;
    for (uint32_t j = 0; j < part->count; j++, i++) {
        bool is_here = i < whole->count && whole->entries[i].kind == part->entries[j].kind;
        if (is_here && (whole->entries[i].kind & (COUNTED | KIND_TYPE_MASK)) == VALUE_SCALAR) {
            if (whole->entries[i].milli < part->entries[j].milli)
                return false;
            continue;
        }
        while (i < whole->count && compare(&whole->entries[i], &part->entries[j]) < 0)
            i++;
        if (i == whole->count || compare(&whole->entries[i], &part->entries[j]) != 0 ||
            !entry_contains(&whole->entries[i], &part->entries[j]))
            return false;
    }
    return true;
}

bool resources_equal(const struct resources *a, const struct resources *b) {
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!entry_equal(&a->entries[i], &b->entries[i]))
            return false;
    }
    return true;
}

void resources_drop(struct resources *set, uint32_t kind_flags) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if ((set->entries[i].kind & kind_flags) == 0)
            set->entries[kept++] = set->entries[i];
        else
            entry_drop(&set->entries[i]);
    }
    set->count = kept;
}

void resources_keep_role(struct resources *set, const struct kinds *kinds, uint32_t role) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (kinds_is_allocatable_to(kinds, set->entries[i].kind, role))
            set->entries[kept++] = set->entries[i];
        else
            entry_drop(&set->entries[i]);
    }
    set->count = kept;
}

const struct resource *resources_find(const struct resources *set, uint32_t kind) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->entries[i].kind == kind)
            return &set->entries[i];
    }
    return NULL;
}

int64_t resources_scalar_milli(const struct resources *set, uint32_t kind) {
    assert(kind_type(kind) == VALUE_SCALAR);
    const struct resource *found = resources_find(set, kind);
    return found != NULL ? found->milli : 0;
}

static int64_t add_or_most(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times_or_most(int64_t a, uint64_t b) {
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t ranges_milli(const struct ranges *ranges) {
    int64_t milli = 0;
    for (uint32_t i = 0; i < ranges->count; i++) {
        uint64_t steps = ranges->at[i].end - ranges->at[i].begin;
        milli = add_or_most(milli, add_or_most(times_or_most(1000, steps), 1000));
    }
    return milli;
}

int64_t resource_quantity_milli(const struct resource *one) {
    switch (kind_type(one->kind)) {
    case VALUE_RANGES: return ranges_milli(one->ranges);
    case VALUE_SET: return (int64_t)one->items->count * 1000;
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    return kind_is(one->kind, KIND_IS_SHARED) ? one->milli : times_or_most(one->milli, one->copies);
}

int64_t resources_quantity_milli(const struct resources *set, const struct kinds *kinds,
                                 uint32_t name) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (kinds_name(kinds, set->entries[i].kind) == name)
            sum = add_or_most(sum, resource_quantity_milli(&set->entries[i]));
    }
    return sum;
}

bool resources_mixes_revocable(const struct resources *set, const struct kinds *kinds) {
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t one = set->entries[i].kind;
        for (uint32_t j = 0; kind_is(one, KIND_IS_REVOCABLE) && j < set->count; j++) {
            uint32_t other = set->entries[j].kind;
            if (!kind_is(other, KIND_IS_REVOCABLE) &&
                kinds_name(kinds, other) == kinds_name(kinds, one))
                return true;
        }
    }
    return false;
}
