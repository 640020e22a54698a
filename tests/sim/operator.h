/*
 * The operator of the world: gives roles weights and quota at odd moments, and remembers what was
 * answered, which the master must keep through every crash.
 */
#pragma once

#include "tests/sim/nodes.h"

/* The tree in which frameworks and quota are. */
extern const char *const operator_roles[];
enum { OPERATOR_ROLES = 5 };

struct operator;

struct operator* operator_new(struct world *world);
void operator_free(struct operator* operator);

/* Begins to change things, now and then. */
void operator_begin(struct world *world);
/* Takes all quota back, until that is answered, so that whatever waits can go on. */
void operator_make_room(struct world *world);
bool operator_is_done(const struct world *world, struct buf *why);

void operator_answered(struct world *world, uint64_t request, int status);

/* What is in force must be what was answered last, or asked since. */
void operator_check(struct master_node *node);
