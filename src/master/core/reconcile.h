/*
 * What a framework is told about its tasks when it asks, and the killing of them.
 */
#pragma once

#include "master/core/state.h"

void reconcile_tasks(struct master *master, struct framework *framework,
                     const struct scheduler_call *call);
void reconcile_kill(struct master *master, struct framework *framework,
                    const struct scheduler_call *call);

/* By the framework or an operator; remembered, and said again to an agent that returns. */
void reconcile_kill_task(struct master *master, struct task *task, bool has_grace, int64_t grace_ns,
                         bool by_operator);
void reconcile_repeat_kills(struct master *master, struct agent *agent);
