/*
 * ACCEPT and DECLINE: offers become tasks, reservations and volumes, and what is left of them goes
 * back with a filter.
 */
#pragma once

#include "master/core/state.h"

void accept_offers(struct master *master, struct framework *framework,
                   const struct scheduler_call *call);
void accept_decline(struct master *master, struct framework *framework,
                    const struct scheduler_call *call);
