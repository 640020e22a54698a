/*
 * A policy from a shared object (include/mesos/allocator.h). Apart from the allocator itself, which
 * knows no files. Runs a stranger's code in our process: what it does wrong inside its functions
 * nobody can catch, what it answers the allocator checks.
 */
#pragma once

#include "common/base/error.h"
#include "mesos/allocator.h"

#include <stdbool.h>

/* Loads the object at `path`, which holds a '/', and checks the struct that it exports. It stays
 * loaded until the process ends. On failure one line that names the path and what is wrong. Any
 * thread may call it, one at a time. */
bool policy_module_load(const char *path, const struct mesos_allocator **out, struct error *error);
