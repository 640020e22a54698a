/*
 * The executors on each agent, for their resources: counted once however many tasks they run.
 */
#pragma once

#include "master/core/state.h"

struct executor *executor_book_find(struct master *master, const struct agent *agent,
                                    const struct framework *framework, struct executor_id id);

/* The caller has told the allocator of its resources. There must be none of that id there yet. */
struct executor *executor_book_add(struct master *master, struct framework *framework,
                                   struct agent *agent, uint32_t role,
                                   const struct executor_report *report);

/* Gives its resources back and forgets it. */
void executor_book_remove(struct master *master, struct executor *executor);

void executor_book_free(struct executor *executor);
