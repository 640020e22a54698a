/*
 * A machine and its containers, which live on when their agent does not: what the containerizer
 * does and tells, without processes.
 */
#pragma once

#include "agent/core/agent.h"
#include "tests/sim/network.h"

struct agent_node;
struct executor_node;

struct launch_order {
    char *id, *command, *framework, *executor;
    bool checkpoint;
    int64_t stop_at_ms, stop_grace_ms; /* its lease; 0: none */
};

void launch_order_free(struct launch_order *order);

enum container_state { CONTAINER_MAKING, CONTAINER_RUNNING, CONTAINER_OVER };

struct container {
    struct agent_node *agent;
    struct launch_order *order;
    enum container_state state;
    uint64_t life;   /* of the agent that knows it and hears of it; 0: nobody does */
    bool has_status; /* mesos-init wrote its file, and nobody removed it */
    bool is_told;    /* its end was told to this life */
    int32_t pid;
    uint64_t start_time;
    int pending_signal;
    enum container_outcome outcome;
    struct termination termination;
    const char *message;
    bool stopped; /* by its mesos-init */
    struct executor_node *executor;
};

struct machine {
    struct agent_node *agent;
    VEC_OF(struct container *) containers; /* all that ever were */
    int32_t last_pid;
};

void machine_fini(struct machine *machine);
void machine_launch(struct machine *machine, struct launch_order *order); /* takes it */
void machine_signal(struct machine *machine, struct text id, int signal);
void machine_destroy(struct machine *machine, struct text id);
void machine_forget(struct machine *machine, struct text id);
void machine_lease(struct machine *machine, struct text id, int64_t stop_at_ms);
/* The agent came back and remembers this container; it will hear of it. */
void machine_recover(struct machine *machine, struct text id, int32_t pid);
void machine_remove_orphans(struct machine *machine);
void machine_agent_crashed(struct machine *machine);
void machine_stop(struct machine *machine); /* it is switched off */
size_t machine_running_count(const struct machine *machine);
/* Called by an executor that ended by itself, or a fault. */
void container_end(struct container *container, bool exited, int code);
