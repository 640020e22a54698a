/*
 * What goes wrong, by seed, until the world heals.
 */
#pragma once

#include "tests/sim/world.h"

/* Masters (one, or three that elect a leader), agents and frameworks by seed, started. */
void faults_populate(struct world *world, bool has_many_masters);
/* Lets things go wrong from now on for as long as the seed says. */
void faults_begin(struct world *world);
/* Nothing goes wrong any more; what is down is started, what is parted is joined. */
void faults_heal(struct world *world);
