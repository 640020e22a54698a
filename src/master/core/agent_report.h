/*
 * What a registering agent says it has, held against what the master knows.
 */
#pragma once

#include "master/core/state.h"

/* Nothing is changed when a report makes no sense: *why names the fault. */
bool agent_report_check(const struct agent_message *message, struct error *why);

/* Takes the report in and answers it: SHUTDOWN_FRAMEWORK, RECONCILE, remembered kills, newer infos.
 * The agent must be in the allocator. */
void agent_report_apply(struct master *master, struct agent *agent,
                        const struct agent_message *message);

/* Behind the report of an agent that was unreachable: the tasks it did not bring back will never
 * run. Who was told TASK_UNREACHABLE hears TASK_GONE (Mesos says so only to those who reconcile);
 * TASK_LOST was an end already. */
void agent_report_end_left(struct master *master, const struct agent *agent);
