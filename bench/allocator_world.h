/*
 * A cluster for the allocator's benchmark: alike agents, frameworks in one role or one each, and
 * what a master would do with the offers. Its calls to allocator_allocate are timed as the master
 * makes them, in slices.
 */
#pragma once

#include "allocator/allocator.h"
#include "common/base/rng.h"

enum { WORLD_LOOKS = 4000 }; /* a slice, as the master's */

struct world_plan {
    const struct mesos_allocator *policy;
    uint32_t agents, frameworks;
    bool has_role_each; /* else one for all */
};

struct world_given {
    uint32_t framework, agent;
    struct resources what;
};

struct world {
    struct world_plan plan;
    struct kinds *kinds;
    struct allocator *allocator;
    struct rng rng;
    struct resources total; /* of each agent */
    uint32_t *roles;        /* by framework, from 1 */
    uint32_t *owners;       /* agent -> who was offered it last; from 1 */
    uint64_t *offers_of;    /* by framework */
    bool keeps_given;       /* `given` is filled */
    struct {
        struct world_given *items;
        size_t count, capacity;
    } given;
    /* Since world_start_clock. */
    uint64_t offers, turns;
    int64_t spent_ns, longest_ns; /* in turns; of one */
};

void world_init(struct world *world, struct world_plan plan);
void world_fini(struct world *world);
uint32_t world_role(struct world *world, const char *name);
void world_add_frameworks(struct world *world);
void world_add_agents(struct world *world);
/* One cpu more in *total, reserved to "roleROLE" under a label that is `number`. */
void world_put_reserved(struct world *world, struct resources *total, uint32_t number,
                        uint32_t role);

/* The processor's time of this thread: what else the machine does matters less. */
int64_t world_now_ns(void);
void world_start_clock(struct world *world);
bool world_turn(struct world *world);     /* one call; true: there is more to do */
void world_allocate(struct world *world); /* until there is not */

/* A whole agent comes back from whoever has it. */
void world_give_back(struct world *world, uint32_t agent);
void world_give_back_all(struct world *world);
/* Everything in `given`, or only what those from `from` on have, is declined for an hour; it is
 * empty then. */
void world_decline_given(struct world *world, uint32_t from);

/* The same agents and frameworks, and nothing of an allocator but: shuffle the agents, for each
 * take the framework with the least dominant share from a heap, add up four scalars. In
 * nanoseconds. */
int64_t floor_full_ns(uint32_t agents, uint32_t frameworks, uint64_t seed);
