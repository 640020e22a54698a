/*
 * Which node a process is, for the network.
 */
#include "tests/sim/nodes.h"

#include "tests/sim/shells.h"

void process_accepted(struct process *process, struct end *end) {
    if (process->kind == PROCESS_MASTER)
        master_node_accepted(CONTAINER_OF(process, struct master_node, process), end);
    else if (process->kind == PROCESS_AGENT)
        agent_node_accepted(CONTAINER_OF(process, struct agent_node, process), end);
}

void process_connected(struct process *process, struct end *end) {
    switch (process->kind) {
    case PROCESS_MASTER: return;
    case PROCESS_AGENT:
        agent_node_connected(CONTAINER_OF(process, struct agent_node, process), end);
        return;
    case PROCESS_SCHEDULER:
        scheduler_node_connected(CONTAINER_OF(process, struct scheduler_node, process), end);
        return;
    case PROCESS_EXECUTOR:
        executor_node_connected(CONTAINER_OF(process, struct executor_node, process), end);
        return;
    }
}

void process_refused(struct process *process, struct end *end, const char *why) {
    switch (process->kind) {
    case PROCESS_MASTER: return;
    case PROCESS_AGENT:
        agent_node_refused(CONTAINER_OF(process, struct agent_node, process), end, why);
        return;
    case PROCESS_SCHEDULER:
        scheduler_node_refused(CONTAINER_OF(process, struct scheduler_node, process), end, why);
        return;
    case PROCESS_EXECUTOR:
        executor_node_refused(CONTAINER_OF(process, struct executor_node, process), end, why);
        return;
    }
}

void process_frame(struct process *process, struct end *end, uint16_t type, struct text payload) {
    switch (process->kind) {
    case PROCESS_MASTER:
        master_node_frame(CONTAINER_OF(process, struct master_node, process), end, type, payload);
        return;
    case PROCESS_AGENT:
        agent_node_frame(CONTAINER_OF(process, struct agent_node, process), end, type, payload);
        return;
    case PROCESS_SCHEDULER:
        scheduler_node_frame(CONTAINER_OF(process, struct scheduler_node, process), end, type,
                             payload);
        return;
    case PROCESS_EXECUTOR:
        executor_node_frame(CONTAINER_OF(process, struct executor_node, process), end, type,
                            payload);
        return;
    }
}

void process_closed(struct process *process, struct end *end) {
    switch (process->kind) {
    case PROCESS_MASTER:
        master_node_closed(CONTAINER_OF(process, struct master_node, process), end);
        return;
    case PROCESS_AGENT:
        agent_node_closed(CONTAINER_OF(process, struct agent_node, process), end);
        return;
    case PROCESS_SCHEDULER:
        scheduler_node_closed(CONTAINER_OF(process, struct scheduler_node, process), end);
        return;
    case PROCESS_EXECUTOR:
        executor_node_closed(CONTAINER_OF(process, struct executor_node, process), end);
        return;
    }
}

bool process_survives_effect(struct process *process) {
    if (process->effects_to_live > 0 && --process->effects_to_live == 0)
        process->is_dying = true;
    return !process->is_dying;
}
