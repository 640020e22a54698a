#include "common/model/quantities.h"

#include "common/base/vec.h"

void quantities_fini(struct quantities *quantities) {
    VEC_FINI(quantities);
}

struct quantities quantities_copy(const struct quantities *quantities) {
    struct quantities copy = {.count = quantities->count, .capacity = quantities->count};
    copy.items = mem_dup(quantities->items, quantities->count * sizeof(quantities->items[0]));
    return copy;
}

void quantities_clear(struct quantities *quantities) {
    quantities->count = 0;
}

/* Where the name is, or would be; there are few, so no bisection. */
static size_t place_of(const struct quantities *quantities, uint32_t name) {
    size_t at = 0;
    while (at < quantities->count && quantities->items[at].name < name)
        at++;
    return at;
}

static bool is_at(const struct quantities *quantities, size_t at, uint32_t name) {
    return at < quantities->count && quantities->items[at].name == name;
}

int64_t quantities_milli(const struct quantities *quantities, uint32_t name) {
    size_t at = place_of(quantities, name);
    return is_at(quantities, at, name) ? quantities->items[at].milli : 0;
}

static void insert(struct quantities *quantities, size_t at, struct quantity one) {
    VEC_RESERVE(quantities, 1);
    memmove(quantities->items + at + 1, quantities->items + at,
            (quantities->count - at) * sizeof(one));
    quantities->items[at] = one;
    quantities->count++;
}

void quantities_add(struct quantities *quantities, uint32_t name, int64_t milli) {
    size_t at = place_of(quantities, name);
    if (!is_at(quantities, at, name)) {
        if (milli > 0)
            insert(quantities, at, (struct quantity){name, milli});
        return;
    }
    int64_t *sum = &quantities->items[at].milli;
    if (__builtin_add_overflow(*sum, milli, sum))
        *sum = INT64_MAX;
    if (*sum <= 0)
        VEC_REMOVE(quantities, at);
}

void quantities_add_all(struct quantities *quantities, const struct quantities *more, int sign) {
    for (size_t i = 0; i < more->count; i++)
        quantities_add(quantities, more->items[i].name, more->items[i].milli * sign);
}

void quantities_of(const struct resources *set, const struct kinds *kinds, bool scalars_only,
                   struct quantities *out) {
    quantities_clear(out);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        if (!scalars_only || kind_type(one->kind) == VALUE_SCALAR)
            quantities_add(out, kinds_name(kinds, one->kind), resource_quantity_milli(one));
    }
}

bool quantities_contain(const struct quantities *whole, const struct quantities *part) {
    for (size_t i = 0; i < part->count; i++) {
        if (quantities_milli(whole, part->items[i].name) < part->items[i].milli)
            return false;
    }
    return true;
}
