/*
 * The operation book: what was made of an agent's resources, from the moment it is sent to the
 * agent until the agent has answered; with an id of its framework's, for as long as it is
 * remembered.
 *
 * Operations are speculative: the master counts with the result at once. An agent applies what it
 * hears in order, so what it has when it comes back tells which ones it heard.
 */
#pragma once

#include "master/core/state.h"

/* Who asks for what. */
struct operation_terms {
    struct framework *framework; /* that holds `from`; NULL: an operator asks, and it is free */
    uint32_t role;
    struct agent *agent;
    enum operation_kind kind;
    struct text id;                      /* empty: nobody waits for news */
    const struct conversion *conversion; /* in the master's kinds; copied */
};

/* False: too many are under way there. */
bool operation_book_has_room(const struct agent *agent);

/* Changes what is held and the agent's total, and sends it. The `from` must be held. */
void operation_book_apply(struct master *master, const struct operation_terms *terms);

/* It cannot be done: OPERATION_ERROR to a framework that waits for news, and a line for the log. */
void operation_book_refuse(struct master *master, const struct operation_terms *terms,
                           const char *why);

/* An OPERATION of the agent. */
void operation_book_answer(struct master *master, struct agent *agent,
                           const struct agent_message *message);

/* The agent is back, and has this: what is awaited no more is told to be done or dropped. */
void operation_book_settle(struct master *master, struct agent *agent,
                           const struct resources *total);
/* A total the agent has sent on its connection, with what was sent to it meanwhile. */
void operation_book_project(const struct agent *agent, struct resources *total);
/* The agent is lost: nothing is known of what is under way. */
void operation_book_lose(struct master *master, struct agent *agent, bool for_good);

void operation_book_reconcile(struct master *master, struct framework *framework,
                              const struct scheduler_call *call);

/* Nobody there waits for news any more. */
void operation_book_forget_framework(struct framework *framework);
void operation_book_forget_agent(struct agent *agent);

/* For master_check. */
bool operation_book_check_agent(const struct agent *agent, struct error *why);
bool operation_book_check_framework(const struct framework *framework, struct error *why);
