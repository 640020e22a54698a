/*
 * Taking agents out of use, by operators: draining, deactivation, and gone for good. Each is in
 * force once it is stored, and goes on over restarts of master and agent and over absences.
 *
 *     (none) -- DRAIN_AGENT --> DRAINING -- no task, no operation --> DRAINED, or gone (mark_gone)
 *     deactivated -- REACTIVATE_AGENT (not while DRAINING) --> (none)
 */
#pragma once

#include "master/core/state.h"

/* DRAIN_AGENT, DEACTIVATE_AGENT, REACTIVATE_AGENT, MARK_AGENT_GONE; answered when stored. */
void drain_by_operator(struct master *master, uint64_t request, const struct operator_call *call);

/* A STORE of the above is done. */
void drain_stored(struct master *master, const struct pending *pending);

/* The agent has registered and is admitted: it is told again. */
void drain_returned(struct master *master, struct agent *agent);

/* Something of it has ended: if it is draining, that may have been the last. */
void drain_look(struct master *master, struct agent *agent);
void drain_step(struct master *master); /* at the end of each step */
