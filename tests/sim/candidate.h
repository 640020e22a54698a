/*
 * A master's process where several elect a leader: the election, the journal that is its registry,
 * and its terms, each a life of the master_node. As thin as the real shell, whose order of things
 * it has: daemon.c, term.c, leadership.c, registry.c.
 */
#pragma once

#include "tests/sim/nodes.h"

struct candidate;

struct candidate *candidate_new(struct master_node *node, size_t number);
void candidate_free(struct candidate *candidate);
bool candidate_is_up(const struct candidate *candidate);
bool candidate_is_paused(const struct candidate *candidate);
/* Whom a redirect would name: NULL when it leads itself, or knows nobody, or says nothing. */
struct master_node *candidate_other_leader(const struct candidate *candidate);
struct world *candidate_world(const struct candidate *candidate);
struct zk_link *candidate_link(const struct candidate *candidate);

void candidate_start(struct candidate *candidate);
void candidate_crash(struct candidate *candidate);
/* It dies before or after its n-th request to ZooKeeper from now on. */
void candidate_crash_at_request(struct candidate *candidate, int64_t requests);
/* SIGTERM: it gives its place up and ends. */
void candidate_resign(struct candidate *candidate);
/* SIGSTOP and SIGCONT: what came meanwhile is heard in any order. */
void candidate_pause(struct candidate *candidate);
void candidate_resume(struct candidate *candidate);

/* --- by the master_node --- */

void candidate_put(struct candidate *candidate, struct text key, const struct buf *value);
void candidate_made(struct candidate *candidate, uint64_t ticket);
/* The term's core could not go on: the process is gone. */
void candidate_died(struct candidate *candidate);
