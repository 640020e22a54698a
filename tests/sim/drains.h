/*
 * The operator's other half: takes agents out of use at odd moments, and back. What was answered
 * must be in force through every crash, nothing runs on what is drained, every drain ends, and an
 * agent that is gone leaves nothing behind.
 */
#pragma once

#include "tests/sim/nodes.h"

struct drains;

struct drains *drains_new(struct world *world);
void drains_free(struct drains *drains);

void drains_begin(struct world *world);
/* Brings everything back into use, until that is answered. */
void drains_end(struct world *world);
bool drains_are_done(const struct world *world, struct buf *why);

/* False: it was asked by somebody else. */
bool drains_answered(struct world *world, uint64_t request, int status);
/* What is in force must be what was answered last, or asked since. */
void drains_check(struct master_node *node);

/* It may have been marked gone: then its tasks end without a word. */
bool drains_may_be_gone(const struct world *world, const struct agent_node *node);
