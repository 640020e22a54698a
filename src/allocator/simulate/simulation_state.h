/*
 * What a simulation knows, for its two files: simulation.c runs it, simulation_result.c looks at
 * it.
 */
#pragma once

#include "allocator/simulate/simulation.h"
#include "common/base/heap.h"
#include "common/base/rng.h"

struct client_state {
    struct resources task;
    uint64_t left; /* tasks wanted beside those that run; ALLOCATOR_COUNT_ENDLESS */
    uint64_t running;
    struct heap_node arrival; /* in simulation.latecomers, until it has joined */
    bool has_joined;
};

struct running_task {
    uint32_t framework; /* its place in the scenario */
    uint32_t agent;     /* the allocator's number */
};

struct kept_offer {
    uint32_t framework; /* its place in the scenario */
    uint32_t agent;
    struct resources resources;
};

struct simulation {
    const struct scenario *scenario;
    struct allocator *allocator;
    struct rng rng;
    struct client_state *clients; /* as the frameworks of the scenario */
    struct heap latecomers;       /* by the step with which they join */
    VEC_OF(struct running_task) tasks;
    VEC_OF(struct kept_offer) offers; /* that are not answered yet */
    uint64_t offered_tasks;           /* for which there is room in them */
    uint64_t agent_count, steps, decisions;
    int64_t now_us, now_ms;
};
