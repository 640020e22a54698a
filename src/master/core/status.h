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

/* The master's own word on a task becomes its state, and is kept; the framework is not told yet. */
void status_say(struct master *master, struct task *task, const struct task_status *status);
/* Likewise TASK_KILLED, with its framework, which hears no more. */
void status_say_removed(struct master *master, struct task *task);

/* An UPDATE from the agent of `peer`. */
void status_update(struct master *master, struct peer *peer, const struct agent_message *message);
void status_acknowledge(struct master *master, struct framework *framework,
                        const struct scheduler_call *call);

/* TASK_LOST for frameworks that know no better word (PARTITION_AWARE). */
enum task_state status_word(const struct framework *framework, enum task_state state);
