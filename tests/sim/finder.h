/*
 * How a process in the world finds the master that leads: it watches the election, as those do that
 * are given zk://, or goes round a list and follows redirects.
 */
#pragma once

#include "tests/sim/nodes.h"

struct finder;

/* Watches; on_found: another leads than the one that was found last. */
struct finder *finder_new(struct world *world, const char *name, void (*on_found)(void *self),
                          void *self);
void finder_free(struct finder *finder);                        /* NULL is no-op */
struct master_node *finder_leader(const struct finder *finder); /* found last; NULL: none yet */

/* "master1:5050", or the beginning of a MasterInfo. */
struct master_node *master_named(const struct world *world, struct text text);
/* What a master that is asked and does not lead says: who does, if it knows. */
struct master_node *master_redirects(const struct end *asked);
