/*
 * The agents: admission, liveness, loss and return. What an agent reports of its tasks is taken in
 * by agent_report.h.
 */
#pragma once

#include "master/core/state.h"

void agent_book_load(struct master *master, struct text key, const struct registry_record *record);

/* A REGISTER; without an id for a new agent. */
void agent_book_register(struct master *master, struct peer *peer,
                         const struct agent_message *message);
void agent_book_unregister(struct master *master, struct agent *agent);
void agent_book_set_total(struct master *master, struct agent *agent,
                          const struct resources *total);

/* Its connection is gone: no offers, and agent_reregister_timeout_ms to come back. */
void agent_book_disconnect(struct master *master, struct agent *agent);

/* Not 0: it wants to hear that it was heard. */
void agent_book_pong(struct master *master, struct agent *agent, int64_t echo_ms);
void agent_book_ping(struct master *master, struct agent *agent); /* its timer */
void agent_book_reregister_timeout(struct master *master, struct agent *agent);

void agent_book_admitted(struct master *master, struct agent *agent); /* its STORE is done */
void agent_book_departed(struct master *master, struct agent *agent); /* likewise */

/* Unreachable from when that is stored. */
void agent_book_lose(struct master *master, struct agent *agent, const char *why);

/* It will be gone once that is stored, and then `request` is answered (0: nobody asks). */
void agent_book_mark_gone(struct master *master, struct agent *agent, uint64_t request);

/* Its machine is down: it ends its tasks and is removed; it may come back when the machine is up.
 */
void agent_book_take_down(struct master *master, struct agent *agent);

/* Writes its record, with what it will be (drain_next); the ticket. */
uint64_t agent_book_store(struct master *master, struct agent *agent);
/* Whether it is offered, by what is in force. */
void agent_book_activate(struct master *master, struct agent *agent);

/* One that is not in the allocator any more; the registry is the caller's. */
void agent_book_forget(struct master *master, struct agent *agent);

void agent_book_free(struct agent *agent);
