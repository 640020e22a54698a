/*
 * Offers that stand in the way of new weights and quota are taken back, so that what an operator
 * sets holds at once and not when the last offer has run out. What runs is never touched.
 */
#pragma once

#include "master/core/role_tree.h"
#include "master/core/state.h"

/* The quota of these roles is new. Newest offers first: those within such a role until it is within
 * its limit; then those of other roles, unless they serve a guarantee themselves, until the
 * guarantee could be met out of what is free. */
void role_rescind_for_quota(struct master *master, struct role_node *const *nodes, size_t count);

/* Some weights are new: takes back, newest first, the offers of whoever has more than its share
 * now. */
void role_rescind_for_weights(struct master *master);
