/*
 * What `run` and `each` ask of the master: so many tasks of a size, by name, so that offers are cut
 * to it and `mesos why NAME` can tell why they wait.
 */
#pragma once

#include "cli/task_terms.h"

/* Replaces what was asked for; count 0: nothing is wanted. */
void task_request_send(struct mesos_scheduler_driver *driver, const struct task_terms *terms,
                       const char *name, uint64_t count);
