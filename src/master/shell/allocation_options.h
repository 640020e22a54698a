/*
 * The flags about allocation as the core's options have them.
 */
#pragma once

#include "master/core/master.h"
#include "master/shell/master_flags.h"

/* Sets the fields of *options that are about allocation. What they point to is in the arena, but
 * for the policy, which lives as long as the process. False with a line that names the flag. */
bool allocation_options_read(const struct master_flags *flags, struct kinds *kinds,
                             struct arena *arena, struct master_options *options,
                             struct error *error);

/* The syntax of --min_allocatable_resources. */
bool allocation_options_check_minima(const char *value, struct error *error);
