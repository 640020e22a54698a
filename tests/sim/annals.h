/*
 * What was written to the registry in all terms, and what of it was acknowledged: the next term
 * must load all that was, then nothing but whole commits in their order.
 */
#pragma once

#include "tests/sim/world.h"

struct annals;

struct annals *annals_new(struct world *world);
void annals_free(struct annals *annals);

/* A change of the commit that the term is making; value NULL: the key goes. */
void annals_put(struct annals *annals, uint64_t term, struct text key, const struct buf *value);
void annals_commit(struct annals *annals, uint64_t term, uint64_t ticket);
/* The term is told that all up to the ticket is stored. */
void annals_acknowledged(struct annals *annals, uint64_t term, uint64_t ticket);
/* The term has died: what it was making is not made. */
void annals_forget(struct annals *annals, uint64_t term);
/* A term that leads has loaded this (key -> struct buf). */
void annals_loaded(struct annals *annals, uint64_t term, const struct map *content);
