/*
 * The tasks: where each one is listed, what it holds, and what was said of it.
 */
#pragma once

#include "master/core/master_view.h"
#include "master/core/state.h"

/* A new active task on the agent, from what is known of it. Its resources are counted as used; the
 * caller has told the allocator (supply_adopt, or they come from an offer). The id must be free. */
struct task *task_book_add(struct master *master, struct framework *framework, struct agent *agent,
                           const struct task_report *report);

/* NULL: no such task. The first finds active ones only; the second unreachable and completed ones
 * too. */
struct task *task_book_find(const struct framework *framework, struct task_id id);
struct task *task_book_find_any(const struct framework *framework, struct task_id id);

/* Moves the state by the table and counts; false, nothing changed, when the table forbids it. A
 * task that has become terminal gives its resources back. */
bool task_book_move(struct master *master, struct task *task, enum task_state to);

/* Keeps a status for the history; of consecutive equal states only the latest. */
void task_book_record(struct task *task, const struct task_status *status);

/* Keeps what its agent knows of statuses that went to an earlier master; nothing once this one has
 * heard a status itself. A time that is no longer told stays: the agent may have died before it had
 * stored it. */
void task_book_tell(struct task *task, const struct task_report *report);
/* That, as far as it is older than the statuses kept; gives the count, oldest first. */
size_t task_book_past(const struct task *task, struct task_past out[TASK_PASTS_LIMIT]);

/* Gives back what it holds; once. */
void task_book_release(struct master *master, struct task *task);

/* The ways of an active task: to the completed ones, or to the unreachable ones of its framework,
 * whose oldest go when there are too many. The task may be gone afterwards. */
void task_book_complete(struct master *master, struct task *task);
void task_book_withdraw(struct master *master, struct task *task);
/* The way back. False: its resources are too much to count; nothing changed. */
bool task_book_restore(struct master *master, struct task *task, struct agent *agent);

void task_book_free(struct task *task);
