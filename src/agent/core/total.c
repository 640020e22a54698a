/*
 * What the agent has: what the machine was configured with, as operations converted it. Of the
 * result only what is reserved dynamically or a volume is stored; after a restart it is laid over
 * what is configured then, and must still fit.
 *
 * A shared volume is there once and may be used by many: it is never used up.
 */
#include "agent/core/parts.h"

#include "common/model/resources_text.h"

#include <assert.h>

static bool is_converted(const struct kinds *kinds, uint32_t kind) {
    if (kind_is(kind, KIND_IS_PERSISTENT))
        return true;
    const struct kind_info *info = kinds_info(kinds, kind);
    return info->reservation_count > 0 &&
           info->reservations[info->reservation_count - 1].type == RESERVATION_DYNAMIC;
}

/* The kind without what operations can add: a static reservation stays. */
static bool strip_kind(struct kinds *kinds, uint32_t kind, uint32_t *out, struct error *error) {
    struct kind_info info = *kinds_info(kinds, kind);
    while (info.reservation_count > 0 &&
           info.reservations[info.reservation_count - 1].type == RESERVATION_DYNAMIC)
        info.reservation_count--;
    info.disk.persistence_id = (struct text){0};
    info.has_disk = info.has_disk && info.disk.has_source;
    info.is_shared = false;
    return kinds_intern(kinds, &info, out, error);
}

static bool strip_one(struct kinds *kinds, const struct resource *one, struct resources *out,
                      struct error *error) {
    struct resource plain = *one;
    plain.carry = 0;
    if (!strip_kind(kinds, one->kind, &plain.kind, error))
        return false;
    plain.copies = 1;
    for (uint32_t i = 0; i < one->copies; i++) {
        if (!resources_put(out, &plain))
            return fail(error, ERROR_LIMIT, "the sum of a resource is too large");
    }
    return true;
}

bool total_strip(struct kinds *kinds, const struct resources *set, struct resources *out,
                 struct error *error) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (!strip_one(kinds, &set->entries[i], out, error))
            return false;
    }
    return true;
}

struct resources total_converted(const struct kinds *kinds, const struct resources *total) {
    struct resources converted = {0};
    for (uint32_t i = 0; i < total->count; i++) {
        bool fits = !is_converted(kinds, total->entries[i].kind) ||
                    resources_put(&converted, &total->entries[i]);
        assert(fits);
    }
    return converted;
}

static bool lay_over(struct kinds *kinds, struct resources *left, const struct resource *one,
                     struct error *error) {
    AUTO_FINI(resources_fini) struct resources plain = {0};
    AUTO_FINI(buf_fini) struct buf shown = {0};
    struct resources single = {.entries = (struct resource *)one, .count = 1};
    if (!strip_one(kinds, one, &plain, error))
        return false;
    if (resources_subtract(left, &plain))
        return true;
    resources_print(&single, kinds, &shown);
    buf_append_string(&shown, " is stored and needs ");
    resources_print(&plain, kinds, &shown);
    return fail(error, ERROR_INVALID, "%s, which --resources has not got", buf_string(&shown));
}

bool total_convert(struct kinds *kinds, const struct resources *configured,
                   const struct resources *converted, struct resources *out, struct error *error) {
    AUTO_FINI(resources_fini) struct resources left = resources_copy(configured);
    for (uint32_t i = 0; i < converted->count; i++) {
        if (!lay_over(kinds, &left, &converted->entries[i], error))
            return false;
    }
    if (!resources_add(&left, converted))
        return fail(error, ERROR_LIMIT, "the sum of a resource is too large");
    *out = resources_take(&left);
    return true;
}

size_t total_size(const struct resources *total) {
    size_t size = 0;
    for (uint32_t i = 0; i < total->count; i++)
        size += total->entries[i].copies;
    return size;
}

static bool has_shared(const struct agent *agent, const struct resources *needed) {
    for (uint32_t i = 0; i < needed->count; i++) {
        struct resource one = needed->entries[i];
        struct resources single = {.entries = &one, .count = 1};
        one.copies = 1;
        if (kind_is(one.kind, KIND_IS_SHARED) && !resources_contains(&agent->total, &single))
            return false;
    }
    return true;
}

bool total_has_free(const struct agent *agent, const struct resources *needed) {
    AUTO_FINI(resources_fini) struct resources spare = resources_copy(&agent->total);
    AUTO_FINI(resources_fini) struct resources whole = resources_copy(needed);
    resources_subtract_common(&spare, &agent->used);
    resources_drop(&whole, KIND_IS_SHARED);
    return resources_contains(&spare, &whole) && has_shared(agent, needed);
}

bool total_covers(const struct agent *agent, const struct resources *used) {
    AUTO_FINI(resources_fini) struct resources whole = resources_copy(used);
    resources_drop(&whole, KIND_IS_SHARED);
    return resources_contains(&agent->total, &whole) && has_shared(agent, used);
}
