/*
 * What weights and quota must be. Each is false with a line that names the role and the fault.
 */
#pragma once

#include "master/core/role_tree.h"
#include "master/core/state.h"

enum {
    ROLE_WEIGHT_MOST = 1000000,
    ROLE_NAMES_LIMIT = 1000, /* a resource nobody has may be named while fewer are known */
};

bool role_check_name(struct text role, struct error *why);
bool role_check_weight(const struct role_weight *weight, int64_t *milli, struct error *why);
/* Amounts, names, guarantee against limit. */
bool role_check_lines(const struct master *master, const struct role_quota *quota,
                      struct error *why);
/* SET_QUOTA wants a role without quota, REMOVE_QUOTA one with; `node` may be NULL. */
bool role_check_legacy(const struct role_node *node, const struct role_quota *quota,
                       struct error *why);

/* Of these `force` spares. What runs in the role and below it, offers aside, is within limits that
 * are lower than before. */
bool role_check_consumed(const struct master *master, const struct role_node *node,
                         const struct role_lines *lines, struct error *why);
/* What is promised in all with this call, where it is more than it was before, is there. */
bool role_check_capacity(const struct master *master, const struct quantities *before,
                         const struct quantities *promised, const struct operator_call *call,
                         struct error *why);
