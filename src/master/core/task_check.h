/*
 * Whether a task may be launched from what was offered (mesos-semantics.md, section 7.1). Pure.
 */
#pragma once

#include "master/core/state.h"

struct launch_place {
    const struct framework *framework;
    const struct agent *agent;
    struct text role;                  /* of the offers */
    const struct resources *available; /* that is left of them */
    const struct executor *executor;   /* of the task's executor id, if it is there already */
};

/* The first fault is named. */
bool task_check(const struct master *master, const struct launch_place *place,
                const struct task_info *task, struct error *why);

/* What launching it takes: its own resources and, when the executor is new, the executor's. */
struct resources task_check_needs(const struct launch_place *place, const struct task_info *task);
