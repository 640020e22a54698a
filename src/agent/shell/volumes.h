/*
 * The directories of persistent volumes: made at once, since that is a moment, and removed off the
 * loop's thread. What became of an order is told to the core from the loop.
 */
#pragma once

#include "agent/core/agent.h"

struct daemon;
struct volumes;

/* A copy of an effect on volumes that outlives its step. */
struct volume_order;
struct volume_order *volume_order_new(const struct agent_effect *effect);
void volume_order_free(struct volume_order *order); /* takes NULL */

struct volumes *volumes_new(struct daemon *daemon);
void volumes_free(struct volumes *volumes); /* what is being removed is taken up after a restart */
DEFINE_AUTO(struct volumes, volumes_free)

/* Both take the order. */
void volumes_make(struct volumes *volumes, struct volume_order *order);
void volumes_remove(struct volumes *volumes, struct volume_order *order);

/* At the start and now and then: takes away what was moved aside to be removed on the work_dir's
 * disk and on every PATH disk of these resources, unless that is going on. Returns how much it was.
 */
size_t volumes_sweep(struct volumes *volumes, const struct resources *configured);

/* The path of a place, for the containerizer; in the arena. */
const char *volume_place_path(struct arena *arena, const struct volume_place *place);
