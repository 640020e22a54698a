/*
 * Reservations and volumes on the stage: the resources of a call are in a table of their own, as
 * they come off the wire.
 */
#pragma once

#include "tests/unit/master/core/stage.h"

/* What the calls of a test are numbered in. */
struct calls {
    struct stage *stage;
    struct kinds *kinds;
};

/* A framework M-0000 of this role on connection 1, with every capability that reservations need,
 * and an agent M-S0 on 9; its offer is out. The stage is freed with the calls. */
struct calls calls_begin(const char *role, const char *resources);
void calls_end(struct calls *calls);
#define CALLS(name, role, resources)                                                               \
    __attribute__((cleanup(calls_end))) struct calls name = calls_begin(role, resources)

void stage_add_framework_of(struct stage *stage, uint64_t connection, const char *name,
                            const char *role, uint32_t capabilities);

const struct resources *calls_resources(struct calls *calls, const char *text);
struct operation calls_operation(struct calls *calls, enum operation_kind kind, const char *id,
                                 const char *resources);
struct operation calls_launch(struct calls *calls, const char *task, const char *resources);

/* An ACCEPT of the newest offer by connection 1; what is left is not filtered. */
struct scheduler_call calls_accept(struct calls *calls, const struct operation *operations,
                                   size_t count);
void calls_operate(struct calls *calls, enum operation_kind kind, const char *id,
                   const char *resources); /* with one operation */
/* Request 7 of an operator. */
void calls_order(struct calls *calls, enum operation_kind kind, const char *agent,
                 const char *resources);

/* The answer of agent 9 to an APPLY; `why` NULL: it is done. */
void stage_answer(struct stage *stage, uint64_t number, const char *why);
/* Agent 9 says what it has. */
void stage_tell_total(struct stage *stage, const char *resources);

/* Fails the test unless the agent has this in all. */
void assert_total(struct stage *stage, const char *agent, const char *said);
