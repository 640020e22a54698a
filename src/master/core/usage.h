/*
 * What tasks and executors use of an agent. A shared volume may have many users and is counted
 * once: with the first of them, under whose framework the allocator has it until the last is gone.
 */
#pragma once

#include "master/core/state.h"

/* Who uses what. */
struct user {
    struct framework *framework;
    uint32_t role;
    struct agent *agent;
    const struct resources *resources;
};

/* What of it is not counted yet: all but shared volumes that somebody uses there already. It is the
 * user's own set or *scratch, which must be empty and is the caller's to fini. */
const struct resources *usage_uncounted(const struct user *user, struct resources *scratch);

/* The allocator learns of uncounted resources that are in use already, as an agent reports them.
 * False: too much to count, and nothing changed. usage_begin follows. */
bool usage_adopt(struct master *master, const struct user *user);

/* It is used from now on. The allocator knows that it is not free. */
void usage_begin(const struct user *user);
/* And no more: it is given back. */
void usage_end(struct master *master, const struct user *user);

/* Shared volumes in use there that this framework may use too. They are empty for who cannot. */
struct resources usage_shareable(const struct master *master, const struct framework *framework,
                                 const struct agent *agent, uint32_t role);

/* For master_check: makes a sum over users, each with all it has, what agent->used must be. False:
 * it is not counted right. */
bool usage_check(const struct agent *agent, struct resources *sum, struct error *why);
