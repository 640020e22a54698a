/*
 * A workload's volume: reserved and made once on some agent, kept through everything that happens
 * there, sometimes given back and made anew elsewhere. What the master has said to be made must be
 * on that agent's disk until the workload destroys it.
 */
#pragma once

#include "tests/sim/nodes.h"

/* Whether the offer was used up for the volume. */
bool keeper_take_offer(struct workload *workload, struct scheduler_node *node,
                       const Mesos__V1__Offer *offer);
void keeper_operation_status(struct workload *workload, const Mesos__V1__OperationStatus *status);
/* Asks again what became of it. */
void keeper_round(struct workload *workload, struct scheduler_node *node);

void keeper_check(struct world *world);
/* The master, too, counts every volume that is kept. */
bool keeper_is_settled(struct world *world, struct buf *why);
