/*
 * The disks that --resources names besides the work_dir's own.
 */
#pragma once

#include "common/model/resources.h"

/* Whether each root is there, and whether a MOUNT disk is a file system of its own with nothing of
 * ours in it: for all that is in it goes with its volume. The error names the root. Blocks as long
 * as the machine needs to look. */
bool disks_check(const struct kinds *kinds, const struct resources *configured,
                 const char *work_dir, struct error *error);
