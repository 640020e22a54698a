/*
 * How much of each name, whatever the kind: what shares, quota and minima are reckoned in. A short
 * vector of (name, thousandths), sorted by name; zero-initialised is empty; a missing name is 0.
 */
#pragma once

#include "common/base/auto.h"
#include "common/model/resources.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quantity {
    uint32_t name; /* kinds_name */
    int64_t milli;
};

struct quantities {
    struct quantity *items;
    size_t count;
    size_t capacity;
};

void quantities_fini(struct quantities *quantities);
DEFINE_AUTO_FINI(struct quantities, quantities_fini)
struct quantities quantities_copy(const struct quantities *quantities);
void quantities_clear(struct quantities *quantities);

int64_t quantities_milli(const struct quantities *quantities, uint32_t name);

/* Adds to one name, or takes away when negative: stops at INT64_MAX and at 0, which leaves no
 * trace. */
void quantities_add(struct quantities *quantities, uint32_t name, int64_t milli);
/* Every name of `more`, times `sign` (1 or -1). */
void quantities_add_all(struct quantities *quantities, const struct quantities *more, int sign);

/* What a set comes to; with scalars_only ranges and sets are left out. Replaces *out, keeps its
 * room. */
void quantities_of(const struct resources *set, const struct kinds *kinds, bool scalars_only,
                   struct quantities *out);

bool quantities_contain(const struct quantities *whole, const struct quantities *part);
