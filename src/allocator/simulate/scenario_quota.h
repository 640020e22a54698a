/*
 * Whether the quota of a scenario can be kept: what a role guarantees fits under its limit, under
 * what the role above it guarantees, and in the cluster. An operator may force such quota on a
 * running cluster; a question about it has no good answer.
 */
#pragma once

#include "allocator/simulate/scenario.h"

bool scenario_check_quota(const struct scenario *scenario, const struct quantities *capacity,
                          struct error *error);
