/*
 * Inverse offers: whoever uses an agent whose machine will be away is asked to leave it, and may
 * say whether it will. One is out to a framework for an agent at a time; once it is answered the
 * framework is asked again when its filter has ended, as long as it uses the agent.
 */
#pragma once

#include "master/core/master_view.h"
#include "master/core/state.h"

/* ACCEPT_INVERSE_OFFERS, DECLINE_INVERSE_OFFERS. */
void inverse_book_answer(struct master *master, struct framework *framework,
                         const struct scheduler_call *call);

/* The agent is away, or its machine has other times: what is out is rescinded, answers and filters
 * are forgotten. */
void inverse_book_clear(struct master *master, struct agent *agent);
void inverse_book_free_of(struct agent *agent);

/* Looks in this step who is to be asked; it does so every second while there is a schedule. */
void inverse_book_hurry(struct master *master);
void inverse_book_step(struct master *master);
int64_t inverse_book_deadline_ms(const struct master *master);

bool inverse_book_check(const struct master *master, struct error *why);

void inverse_book_each(const struct agent *agent,
                       void (*fn)(void *self, const struct inverse_view *view), void *self);
