/*
 * The checkers: what must hold after every step, and what must have come about in the end. They
 * fail the world.
 */
#pragma once

#include "tests/sim/nodes.h"

void check_master(struct master_node *node);
void check_agent(struct agent_node *node);

/* A message that is about to go to the master: an update must be the oldest that is stored of its
 * task. Whether it is an update. */
bool check_agent_update(struct agent_node *node, struct text message);
/* An update's record is removed: its framework must have acknowledged it, or be gone. */
void check_update_dropped(struct world *world, struct text framework, struct text task,
                          struct uuid uuid);

/* Whether everything has come to rest; else why not, if `why` is given. */
bool check_is_settled(struct world *world, struct buf *why);
