/*
 * Who may say what on which connection, and which part of the core answers.
 */
#pragma once

#include "master/core/state.h"

void calls_scheduler(struct master *master, struct peer *peer, const struct scheduler_call *call);
void calls_agent(struct master *master, struct peer *peer, const struct agent_message *message);
void calls_operator(struct master *master, uint64_t request, const struct operator_call *call);
