/*
 * What roles use, each with all below it; reckoned anew from the agents, their tasks, executors and
 * offers whenever somebody asks.
 */
#pragma once

#include "master/core/state.h"

/* Revocable resources and ranges (by elements) are in the first three; `quota` counts what quota
 * counts: all that is reserved, and of the rest the scalars that are allocated and not revocable.
 */
struct role_use {
    struct resources held; /* allocated and offered; of shared and exclusive kinds each copy */
    struct quantities allocated, offered, reserved;
    struct quantities quota; /* offers aside */
};

struct role_uses {
    struct map by_role; /* number -> struct role_use; roles that use something, and those above */
};

void role_uses_reckon(const struct master *master, struct role_uses *out);
void role_uses_fini(struct role_uses *uses);
DEFINE_AUTO_FINI(struct role_uses, role_uses_fini)
/* Never NULL. */
const struct role_use *role_uses_of(const struct role_uses *uses, uint32_t role);

/* What of a set is neither reserved nor revocable, scalars only, added to *out times `sign`. */
void role_use_count(const struct master *master, const struct resources *set, int sign,
                    struct quantities *out);
