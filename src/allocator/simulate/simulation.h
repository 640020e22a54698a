/*
 * Runs a scenario through the real allocator, on virtual time: every framework declares what it
 * wants, takes what it is offered, and runs it; then one running task after another ends, drawn by
 * the seed, and what it leaves is given out again.
 *
 * Pure: the same scenario gives the same result. A framework's number for the allocator is its
 * place in the scenario plus 1, an agent's likewise, counted over all groups.
 */
#pragma once

#include "allocator/explain.h"
#include "allocator/simulate/scenario.h"
#include "common/base/buf.h"

enum { SIMULATION_RUNNING_LIMIT = 5000000 }; /* tasks at once */

struct simulation;

/* The scenario is checked already, and outlives it. */
struct simulation *simulation_new(const struct scenario *scenario);
void simulation_free(struct simulation *simulation);
DEFINE_AUTO(struct simulation, simulation_free)

/* ERROR_LIMIT: more than SIMULATION_RUNNING_LIMIT tasks would run at once; what was reached stays.
 * Each may be called again and again. */

/* Gives out what is free until nobody wants it. */
bool simulation_fill(struct simulation *simulation, struct error *error);
/* One step of churn: who joins with it begins to want, one task ends, then a fill. */
bool simulation_step(struct simulation *simulation, struct error *error);
/* The first fill, and all steps of the scenario. */
bool simulation_run(struct simulation *simulation, struct error *error);

uint64_t simulation_running(const struct simulation *simulation, size_t framework);
/* It has joined, and not all of its tasks run. */
bool simulation_wants(const struct simulation *simulation, size_t framework);
/* For whoever wants to see more. */
struct allocator *simulation_allocator(struct simulation *simulation);

/* One reason of one framework, with how many agents say so. */
struct simulation_wait {
    struct allocator_verdict why; /* of the first agent that says so */
    uint64_t agents;
};

struct simulation_framework {
    uint64_t running;
    struct quantities held;
    int64_t share; /* its dominant one, in parts of MESOS_ALLOCATOR_SHARE_ONE */
    VEC_OF(struct simulation_wait) waits; /* none when it wants nothing more */
};

struct simulation_role {
    uint32_t role;
    int64_t share, guaranteed; /* of all below it, as above; guaranteed 0: the policy has none */
};

struct simulation_result {
    VEC_OF(struct simulation_framework) frameworks; /* as in the scenario */
    VEC_OF(struct simulation_role) roles;           /* those of the scenario and above, by path */
    uint64_t decisions;                             /* tasks that were given room */
};

/* How everybody stands now. */
void simulation_result(struct simulation *simulation, struct simulation_result *out);
void simulation_result_fini(struct simulation_result *result);
DEFINE_AUTO_FINI(struct simulation_result, simulation_result_fini)

/* A reason in words: "not enough free: cpus". */
void simulation_print_why(const struct scenario *scenario, const struct allocator_verdict *why,
                          struct buf *out);
