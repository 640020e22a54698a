/*
 * RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and SHRINK_VOLUME, asked for by a framework on
 * what its offers hold, or by an operator on what is free: checked, and handed to the operation
 * book.
 */
#pragma once

#include "master/core/state.h"

/* An ACCEPT whose offers are good, while its operations are carried out in order. */
struct acceptance {
    struct framework *framework;
    struct agent *agent;
    uint32_t role;
    struct kinds *kinds;    /* of the call; NULL: the master's */
    struct resources left;  /* what the next operation may use */
    struct resources made;  /* what operations have made of the offers, used or not */
    struct resources later; /* made too, but not for use by this call: resized volumes */
};

void acceptance_fini(struct acceptance *acceptance);
DEFINE_AUTO_FINI(struct acceptance, acceptance_fini)

/* A conversion. One that breaks a rule is said and changes nothing. */
void operate_on_offers(struct master *master, struct acceptance *acceptance,
                       const struct operation *operation);

/* OPERATOR_OPERATION: 202 and it is on its way, or 400, 409 with the reason. */
void operate_by_operator(struct master *master, uint64_t request, const struct operator_call *call);
