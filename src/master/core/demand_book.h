/*
 * The demand book: what frameworks want, as they declared it with REQUEST, and on which agents.
 * Offers are sized to it by the allocator; who asks for what no agent could ever hold is told so.
 *
 * docs/demand.md has the rules.
 */
#pragma once

#include "master/core/state.h"

enum {
    REQUESTS_PER_CALL_LIMIT = 4096,
    REQUEST_AMOUNTS_LIMIT = 32,      /* names of resources in one request */
    OFFER_FILTER_AMOUNTS_LIMIT = 32, /* names in one alternative */
    DEMAND_LOOKS_BUDGET = 20000,     /* at agents, in one step, to see what is feasible */
    DEMAND_PLAIN_LOOKS = 64,         /* that are tried before all are asked */
    DEMAND_PLAIN_AMOUNTS = 8,        /* of a request that is tried so */
    DEMAND_LOOK_AGAIN_MS = 500,      /* how long changes of agents are gathered before that */
};

/* --- subscription --- */

/* Of a SUBSCRIBE or UPDATE_FRAMEWORK: constraints and offer filters make sense and are of the
 * framework's roles. */
bool demand_book_check(struct master *master, const struct scheduler_call *call, struct error *why);
/* After that, and after the allocator knows the roles: they hold from now on. What was requested is
 * forgotten when the framework subscribes anew, and in roles that it has left. */
void demand_book_subscribe(struct master *master, struct framework *framework,
                           const struct scheduler_call *call, bool is_anew);
/* The framework is gone. */
void demand_book_forget(struct master *master, struct framework *framework);
/* Its objects, when the constraint book goes too. */
void demand_book_free_of(struct framework *framework);

/* --- requests --- */

void demand_book_request(struct master *master, struct framework *framework,
                         const struct scheduler_call *call);

/* A task was launched for the request at that place. */
void demand_book_launched(struct master *master, struct framework *framework, uint32_t role,
                          size_t place);

/* What the allocator knows as request `place` of the framework in the role; the name is empty for
 * one without. */
size_t demand_book_count(const struct framework *framework, uint32_t role);
struct text demand_book_name(const struct framework *framework, uint32_t role, size_t place);
/* It was told of all that it wants there that no agent could ever hold it. */
bool demand_book_is_in_vain(const struct framework *framework, uint32_t role);

/* For master_check: the allocator's list is this one, and what is counted is there. */
bool demand_book_is_right(const struct master *master, struct error *why);

/* --- agents --- */

/* An agent has come, gone or changed. */
void demand_book_agents_changed(struct master *master);
/* allocator_matcher; self is the master. */
bool demand_book_matches(void *self, uint32_t constraint, uint32_t agent);

/* Tells who asks for too much, and whose wish can be met again. */
void demand_book_step(struct master *master);
int64_t demand_book_deadline_ms(const struct master *master);
