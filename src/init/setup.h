/*
 * How mesos-init makes the place the task runs in and then gives up what it has. Each step says at
 * which stage it failed, with errno set; INIT_STAGE_NONE when it did not.
 */
#pragma once

#include "init/record.h"
#include "init/spec.h"

/* Enters cgroups, names the host, hides the host's /tmp, /dev/shm and /proc, moves into the
 * sandbox, mounts the volumes there. */
enum init_stage setup_place(const struct spec *spec);

/* Gives up capabilities, groups, user, and the way back, for the calling process. */
enum init_stage setup_drop_privileges(const struct spec *spec);

/* Resource limits and the seccomp program: of the task, not of mesos-init. */
enum init_stage setup_limits(const struct spec *spec);
enum init_stage setup_seccomp(const struct spec *spec);
