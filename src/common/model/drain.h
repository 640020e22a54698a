/*
 * How an operator takes an agent out of use: draining ends its tasks, deactivated means that
 * nothing of it is offered. Kept in the registry, so it outlives masters and absences.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The exit code of an agent that was told to end for good: starting it again is of no use. */
enum { AGENT_EXIT_GONE = 3 };

/* The numbers of mesos.v1.DrainState. */
enum drain_state {
    DRAIN_NONE = 0,
    DRAIN_DRAINING = 1,
    DRAIN_DRAINED = 2, /* no task and no operation is left */
};

/* What the agent is told of it. */
struct drain_terms {
    bool has_max_grace;
    int64_t max_grace_ns; /* no task has longer to end than this */
    bool mark_gone;       /* once it is drained it is gone for good */
};

struct agent_drain {
    enum drain_state state;
    struct drain_terms terms;
    int64_t since_ns; /* wall clock: when it began */
    bool is_deactivated;
};
