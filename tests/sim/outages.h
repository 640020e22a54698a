/*
 * The operator plans maintenance: schedules machines, takes them down and up at odd moments. What
 * was answered must be in force through every crash, no agent is there on a machine that is down,
 * and all come back.
 */
#pragma once

#include "tests/sim/nodes.h"

struct outages;

struct outages *outages_new(struct world *world);
void outages_free(struct outages *outages);

void outages_begin(struct world *world);
/* Brings every machine up and empties the schedule, until that is answered. */
void outages_end(struct world *world);
bool outages_are_over(const struct world *world, struct buf *why);

/* False: it was asked by somebody else. */
bool outages_answered(struct world *world, uint64_t request, int status);
void outages_check(struct master_node *node);

/* Its machine may have been taken down: then its tasks end without a word. */
bool outages_may_have_hit(const struct world *world, const struct agent_node *node);
