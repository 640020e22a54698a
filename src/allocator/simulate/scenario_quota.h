/*
 * Whether the quota of a scenario can be kept, by the master's rules without force: what a role and
 * those below it are guaranteed fits under its limit, and what all are in the cluster. A role keeps
 * the larger of its own guarantee and what those below it come to.
 */
#pragma once

#include "allocator/simulate/scenario.h"

bool scenario_check_quota(const struct scenario *scenario, const struct quantities *capacity,
                          struct error *error);
