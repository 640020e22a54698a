/*
 * The offer book: every offer that is out, until it is taken or runs out. An offer leaves it
 * exactly once, so its resources always find their way to a task or back to the allocator.
 */
#pragma once

#include "master/core/state.h"

/* Its id is one never used before. The allocator has given the resources to the framework already.
 */
struct offer *offer_book_make(struct master *master, struct framework *framework,
                              struct agent *agent, uint32_t role,
                              const struct resources *resources);

/* NULL: there is none of that id, or no more. */
struct offer *offer_book_find(const struct master *master, struct offer_id id);

/* As the framework sees it; lent from the step. */
struct offered offer_book_show(struct master *master, const struct offer *offer);

/* The ways out of the book; the offer is gone afterwards. */
struct resources offer_book_take(struct master *master, struct offer *offer); /* to its taker */
void offer_book_return(struct master *master, struct offer *offer, int64_t refuse_ms);
void offer_book_rescind(struct master *master, struct offer *offer); /* and tells the framework */
void offer_book_rescind_for(struct master *master, struct offer *offer,
                            int64_t refuse_ms); /* and it is not offered that again so long */

void offer_book_rescind_of_agent(struct master *master, struct agent *agent);
/* Those in roles that the framework has left. */
void offer_book_rescind_of_other_roles(struct master *master, struct framework *framework);
/* Without telling: it forgets them itself, being gone or subscribing anew. */
void offer_book_return_of_framework(struct master *master, struct framework *framework);

void offer_book_expire(struct master *master);
int64_t offer_book_deadline_ms(const struct master *master);

void offer_book_fini(struct master *master);
