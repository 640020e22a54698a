/*
 * Scalar resources as dimensions: small numbers in the order in which agents brought them, so that
 * what is free is an array and a policy's names are its places. A name beyond the limit is offered
 * like any other, but no share is reckoned with it.
 */
#include "allocator/state.h"

#include <string.h>

uint8_t name_dimension(const struct allocator *allocator, uint32_t name) {
    return name < allocator->dimension_of_name.count ? allocator->dimension_of_name.items[name]
                                                     : (uint8_t)NO_DIMENSION;
}

bool name_is_excluded(const struct allocator *allocator, uint32_t name) {
    VEC_EACH(excluded, &allocator->excluded) {
        if (*excluded == name)
            return true;
    }
    return false;
}

/* Not of a disk of its own, nor of a provider. */
static bool is_simple(const struct allocator *allocator, uint32_t kind) {
    const struct kind_info *info = kinds_info(allocator->kinds, kind);
    return (kind & (KIND_IS_EXCLUSIVE | KIND_IS_SHARED | KIND_IS_REVOCABLE)) == 0 &&
           !info->has_disk && info->provider_id.data == NULL;
}

uint16_t kind_learn(struct allocator *allocator, uint32_t kind) {
    uint32_t number = kind >> 8;
    while (allocator->kind_info.count <= number)
        VEC_PUSH(&allocator->kind_info, 0);
    uint8_t dimension = kind_type(kind) == VALUE_SCALAR
                            ? name_dimension(allocator, kinds_name(allocator->kinds, kind))
                            : (uint8_t)NO_DIMENSION;
    return allocator->kind_info.items[number] =
               (uint16_t)(KIND_KNOWN | (is_simple(allocator, kind) ? KIND_SIMPLE : 0) | dimension);
}

static bool learn(struct allocator *allocator, uint32_t name) {
    if (name_dimension(allocator, name) != NO_DIMENSION ||
        allocator->dimensions == DIMENSIONS_LIMIT)
        return false;
    while (allocator->dimension_of_name.count <= name)
        VEC_PUSH(&allocator->dimension_of_name, NO_DIMENSION);
    allocator->dimension_of_name.items[name] = (uint8_t)allocator->dimensions;
    allocator->names[allocator->dimensions++] = name;
    return true;
}

void names_learn_first(struct allocator *allocator) {
    learn(allocator, NAME_CPUS);
    learn(allocator, NAME_MEM);
    learn(allocator, NAME_DISK);
    policy_make(allocator);
}

void names_learn(struct allocator *allocator, const struct resources *set) {
    bool is_new = false;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t kind = set->entries[i].kind;
        if (kind_type(kind) == VALUE_SCALAR)
            is_new = learn(allocator, kinds_name(allocator->kinds, kind)) || is_new;
    }
    if (!is_new)
        return;
    allocator->kind_info.count = 0;
    demand_learn_names(allocator);
    policy_make(allocator);
}

void amounts_of(struct allocator *allocator, const struct resources *set, bool for_policy,
                struct amounts *out) {
    memset(out->at, 0, allocator->dimensions * sizeof(out->at[0]));
    for (uint32_t i = 0; i < set->count; i++) {
        bool simple;
        uint8_t at = kind_dimension(allocator, set->entries[i].kind, &simple);
        if (at == NO_DIMENSION || (for_policy && allocator->excluded.count > 0 &&
                                   name_is_excluded(allocator, allocator->names[at])))
            continue;
        if (__builtin_add_overflow(out->at[at], resource_quantity_milli(&set->entries[i]),
                                   &out->at[at]))
            out->at[at] = INT64_MAX;
    }
}

void countable_of(const struct allocator *allocator, const struct resources *set,
                  struct quantities *out) {
    quantities_clear(out);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        if (kind_type(one->kind) == VALUE_SCALAR &&
            (one->kind & (KIND_IS_RESERVED | KIND_IS_REVOCABLE)) == 0)
            quantities_add(out, kinds_name(allocator->kinds, one->kind),
                           resource_quantity_milli(one));
    }
}

void amounts_of_quantities(const struct allocator *allocator, const struct quantities *from,
                           struct amounts *out) {
    *out = (struct amounts){0};
    for (size_t i = 0; i < from->count; i++) {
        uint8_t at = name_dimension(allocator, from->items[i].name);
        if (at != NO_DIMENSION)
            out->at[at] = from->items[i].milli;
    }
}
