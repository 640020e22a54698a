/*
 * Worlds with several masters: what goes wrong with them and with ZooKeeper, beside all the rest.
 */
#pragma once

#include "tests/sim/world.h"

struct candidate;

void ha_populate(struct world *world); /* three masters, started */
void ha_something_happens(struct world *world);
/* Something befalls it while it takes office. */
void ha_trouble_in_office(struct candidate *candidate);
void ha_heal(struct world *world);
struct master_node *ha_any_master(struct world *world);
