/*
 * The start of the task's main process, which runs in the memory of mesos-init until its exec: no
 * page is copied, and mesos-init knows at once whether the exec happened.
 */
#pragma once

#include "init/record.h"
#include "init/spec.h"

#include <sys/types.h>

/* The pid, once the exec has happened. -1 and *failure otherwise; nothing is left running. */
pid_t task_start(const struct spec *spec, int out, int err, struct init_failure *failure);
