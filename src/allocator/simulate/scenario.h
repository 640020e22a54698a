/*
 * A cluster as somebody describes it: machines, roles, frameworks and their tasks, and how many
 * tasks end. The question that a simulation answers (simulation.h). A plain value: fill it in,
 * check it, and keep it as it is while a simulation runs. docs/simulate.md tells the meaning.
 */
#pragma once

#include "allocator/allocator.h"
#include "common/base/vec.h"

enum {
    SCENARIO_AGENTS_LIMIT = 50000, /* machines in all */
    SCENARIO_ROLES_LIMIT = 10000,
    SCENARIO_FRAMEWORKS_LIMIT = 10000,
    SCENARIO_NAMES_LIMIT = MESOS_ALLOCATOR_RESOURCES_LIMIT,
    SCENARIO_DEPTH_LIMIT = 16, /* components of a role */
    SCENARIO_NAME_BYTES_LIMIT = 255,
    SCENARIO_CHURN_LIMIT = 10000000,  /* steps */
    SCENARIO_PAIRS_LIMIT = 100000000, /* agents times frameworks, for each is asked for a reason */
};
#define SCENARIO_TASKS_LIMIT UINT64_C(1000000000000000)
#define SCENARIO_WEIGHT_LIMIT_MILLI INT64_C(1000000000)

/* So many machines of one kind; amounts are unreserved scalars. */
struct scenario_agents {
    uint64_t count;
    struct quantities resources;
};

struct scenario_role {
    uint32_t role;
    int64_t weight_milli;
    VEC_OF(struct quota_line) quota; /* each name once; none: no quota */
};

struct scenario_framework {
    char *name; /* on the heap; told apart by it */
    uint32_t role;
    int64_t weight_milli; /* among the frameworks of its role */
    struct quantities task;
    uint64_t tasks;    /* at a time: one that ends is wanted again; ALLOCATOR_COUNT_ENDLESS */
    uint64_t joins_at; /* the churn step with which it begins to want something; 0: at once */
};

struct scenario {
    const struct mesos_allocator *policy;
    uint64_t seed;
    int64_t task_life_ms; /* how long a task runs in the mean; at most a day */
    struct kinds *kinds;  /* of the names and roles below; owned */
    VEC_OF(struct scenario_agents) agents;
    VEC_OF(struct scenario_role) roles; /* those that differ from weight 1 and no quota */
    VEC_OF(struct scenario_framework) frameworks;
    uint64_t churn_steps;
};

/* hdrf, seed 1, tasks of half a minute, and nothing else. */
void scenario_init(struct scenario *scenario);
void scenario_fini(struct scenario *scenario);
DEFINE_AUTO_FINI(struct scenario, scenario_fini)

/* Whether it makes sense. Else false and one line that begins with the place, as the JSON of
 * `mesos simulate` has it: "frameworks[2].task: it wants nothing". */
bool scenario_check(const struct scenario *scenario, struct error *error);

/* What all machines have together. Replaces *out. */
void scenario_capacity(const struct scenario *scenario, struct quantities *out);
uint64_t scenario_agent_count(const struct scenario *scenario);
