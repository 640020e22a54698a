/*
 * Whether a FrameworkInfo may subscribe (mesos-semantics.md, section 6). Pure.
 */
#pragma once

#include "master/core/state.h"

enum { ROLES_BY_FRAMEWORKS_LIMIT = KINDS_LIMIT / 2 }; /* of all, ever; then new ones are refused */

bool framework_check(const struct master *master, const struct framework_info *info,
                     struct error *why);
bool framework_check_suppressed(const struct framework_info *info, const struct text *roles,
                                size_t role_count, struct error *why);

/* Checked before; a negative one counts as none, and none is too long for the clock. */
int64_t framework_check_timeout_ns(double seconds);
