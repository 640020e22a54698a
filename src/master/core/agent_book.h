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

void agent_book_pong(struct agent *agent);
void agent_book_ping(struct master *master, struct agent *agent); /* its timer */
void agent_book_reregister_timeout(struct master *master, struct agent *agent);

void agent_book_admitted(struct master *master, struct agent *agent); /* its STORE is done */
void agent_book_departed(struct master *master, struct agent *agent); /* likewise */

void agent_book_free(struct agent *agent);
