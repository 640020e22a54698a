/*
 * Statuses: from agents to frameworks, acknowledgements back, and those the master says itself,
 * which carry no uuid and must not be acknowledged.
 */
#pragma once

#include "master/core/state.h"

/* A status of the master's own, of now. `task` and `message` are lent. */
struct task_status status_make(const struct master *master, struct task_id task,
                               enum task_state state, enum task_reason reason, struct text message);
void status_send(struct master *master, struct framework *framework,
                 const struct task_status *status);

/* An UPDATE from the agent of `peer`. */
void status_update(struct master *master, struct peer *peer, const struct agent_message *message);
void status_acknowledge(struct master *master, struct framework *framework,
                        const struct scheduler_call *call);

/* TASK_LOST for frameworks that know no better word (PARTITION_AWARE). */
enum task_state status_word(const struct framework *framework, enum task_state state);
