/*
 * Each operation is one merge of two sorted arrays. The end of the last range may be UINT64_MAX, so
 * no `end + 1` is taken without a look.
 */
#include "common/model/ranges.h"

#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>

static struct ranges *ranges_room(size_t count) {
    struct ranges *made = mem_resize(NULL, 1, sizeof(*made) + count * sizeof(made->at[0]));
    made->references = 1;
    made->count = 0;
    return made;
}

static const struct ranges *ranges_or_null(struct ranges *made) {
    if (made->count > 0)
        return made;
    mem_free(made);
    return NULL;
}

static int compare_ranges(const void *a, const void *b) {
    const struct range *left = a, *right = b;
    return (left->begin > right->begin) - (left->begin < right->begin);
}

/* Appends in order of begin, joining what touches. */
static void ranges_append(struct ranges *made, struct range next) {
    if (made->count > 0) {
        struct range *last = &made->at[made->count - 1];
        if (last->end == UINT64_MAX || next.begin <= last->end + 1) {
            if (next.end > last->end)
                last->end = next.end;
            return;
        }
    }
    made->at[made->count++] = next;
}

static bool check_ranges(const struct range *sorted, size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        if (sorted[i].begin > sorted[i].end)
            return fail(error, ERROR_INVALID, "range [%llu-%llu] ends before it begins",
                        (unsigned long long)sorted[i].begin, (unsigned long long)sorted[i].end);
        if (i > 0 && sorted[i].begin <= sorted[i - 1].end)
            return fail(error, ERROR_INVALID, "ranges [%llu-%llu] and [%llu-%llu] overlap",
                        (unsigned long long)sorted[i - 1].begin,
                        (unsigned long long)sorted[i - 1].end, (unsigned long long)sorted[i].begin,
                        (unsigned long long)sorted[i].end);
    }
    return true;
}

bool ranges_make(const struct range *from, size_t count, const struct ranges **out,
                 struct error *error) {
    if (count > RANGES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d ranges", RANGES_LIMIT);
    AUTO(mem_free) struct range *sorted = mem_dup(from, count * sizeof(*from));
    qsort(sorted, count, sizeof(*sorted), compare_ranges);
    if (!check_ranges(sorted, count, error))
        return false;

    struct ranges *made = ranges_room(count);
    for (size_t i = 0; i < count; i++)
        ranges_append(made, sorted[i]);
    *out = ranges_or_null(made);
    return true;
}

const struct ranges *ranges_share(const struct ranges *ranges) {
    if (ranges != NULL)
        ((struct ranges *)ranges)->references++;
    return ranges;
}

void ranges_drop(const struct ranges *ranges) {
    if (ranges != NULL && --((struct ranges *)ranges)->references == 0)
        mem_free((struct ranges *)ranges);
}

const struct ranges *ranges_union(const struct ranges *a, const struct ranges *b) {
    if (a == NULL || b == NULL)
        return ranges_share(a != NULL ? a : b);
    struct ranges *made = ranges_room((size_t)a->count + b->count);
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        bool from_a = j == b->count || (i < a->count && a->at[i].begin <= b->at[j].begin);
        ranges_append(made, from_a ? a->at[i++] : b->at[j++]);
    }
    return made;
}

/* What is left of `whole` once the ranges of `less` from *j on are cut out. */
static void cut(struct ranges *made, struct range whole, const struct ranges *less, size_t *j) {
    while (*j < less->count && less->at[*j].end < whole.begin)
        (*j)++;
    while (*j < less->count && less->at[*j].begin <= whole.end) {
        struct range hole = less->at[*j];
        if (hole.begin > whole.begin)
            made->at[made->count++] = (struct range){whole.begin, hole.begin - 1};
        if (hole.end >= whole.end)
            return;
        whole.begin = hole.end + 1;
        (*j)++;
    }
    made->at[made->count++] = whole;
}

const struct ranges *ranges_difference(const struct ranges *a, const struct ranges *b) {
    if (a == NULL || b == NULL)
        return ranges_share(a);
    if (a == b)
        return NULL;
    struct ranges *made = ranges_room((size_t)a->count + b->count);
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++)
        cut(made, a->at[i], b, &j);
    return ranges_or_null(made);
}

bool ranges_contain(const struct ranges *whole, const struct ranges *part) {
    if (part == NULL || part == whole)
        return true;
    size_t i = 0, count = whole != NULL ? whole->count : 0;
    for (size_t j = 0; j < part->count; j++) {
        while (i < count && whole->at[i].end < part->at[j].end)
            i++;
        if (i == count || whole->at[i].begin > part->at[j].begin)
            return false;
    }
    return true;
}

bool ranges_equal(const struct ranges *a, const struct ranges *b) {
    if (a == b)
        return true;
    return a != NULL && b != NULL && a->count == b->count &&
           memcmp(a->at, b->at, a->count * sizeof(a->at[0])) == 0;
}

static struct items *items_room(size_t count) {
    struct items *made = mem_resize(NULL, 1, sizeof(*made) + count * sizeof(made->at[0]));
    made->references = 1;
    made->count = 0;
    return made;
}

static const struct items *items_or_null(struct items *made) {
    if (made->count > 0)
        return made;
    mem_free(made);
    return NULL;
}

static int compare_items(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

bool items_make(const uint32_t *from, size_t count, const struct items **out, struct error *error) {
    if (count > SET_ITEMS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d items in a set", SET_ITEMS_LIMIT);
    struct items *made = items_room(count);
    if (count > 0)
        memcpy(made->at, from, count * sizeof(*from));
    made->count = (uint32_t)count;
    qsort(made->at, count, sizeof(made->at[0]), compare_items);
    for (size_t i = 1; i < count; i++) {
        if (made->at[i] == made->at[i - 1]) {
            mem_free(made);
            return fail(error, ERROR_INVALID, "an item is twice in a set");
        }
    }
    *out = items_or_null(made);
    return true;
}

const struct items *items_share(const struct items *items) {
    if (items != NULL)
        ((struct items *)items)->references++;
    return items;
}

void items_drop(const struct items *items) {
    if (items != NULL && --((struct items *)items)->references == 0)
        mem_free((struct items *)items);
}

const struct items *items_union(const struct items *a, const struct items *b) {
    if (a == NULL || b == NULL)
        return items_share(a != NULL ? a : b);
    struct items *made = items_room((size_t)a->count + b->count);
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        bool from_a = j == b->count || (i < a->count && a->at[i] <= b->at[j]);
        uint32_t next = from_a ? a->at[i++] : b->at[j++];
        if (made->count == 0 || made->at[made->count - 1] != next)
            made->at[made->count++] = next;
    }
    return made;
}

const struct items *items_difference(const struct items *a, const struct items *b) {
    if (a == NULL || b == NULL)
        return items_share(a);
    struct items *made = items_room(a->count);
    for (size_t i = 0, j = 0; i < a->count; i++) {
        while (j < b->count && b->at[j] < a->at[i])
            j++;
        if (j == b->count || b->at[j] != a->at[i])
            made->at[made->count++] = a->at[i];
    }
    return items_or_null(made);
}

bool items_contain(const struct items *whole, const struct items *part) {
    if (part == NULL)
        return true;
    size_t i = 0, count = whole != NULL ? whole->count : 0;
    for (size_t j = 0; j < part->count; j++) {
        while (i < count && whole->at[i] < part->at[j])
            i++;
        if (i == count || whole->at[i] != part->at[j])
            return false;
    }
    return true;
}

bool items_equal(const struct items *a, const struct items *b) {
    if (a == b)
        return true;
    return a != NULL && b != NULL && a->count == b->count &&
           memcmp(a->at, b->at, a->count * sizeof(a->at[0])) == 0;
}
