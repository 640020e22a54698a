/*
 * What the network tells each kind of node.
 */
#pragma once

#include "tests/sim/nodes.h"

void master_node_accepted(struct master_node *node, struct end *end);
void master_node_frame(struct master_node *node, struct end *end, uint16_t type,
                       struct text payload);
void master_node_closed(struct master_node *node, struct end *end);

void agent_node_accepted(struct agent_node *node, struct end *end);
void agent_node_connected(struct agent_node *node, struct end *end);
void agent_node_refused(struct agent_node *node, struct end *end, const char *why);
void agent_node_frame(struct agent_node *node, struct end *end, uint16_t type, struct text payload);
void agent_node_closed(struct agent_node *node, struct end *end);

void scheduler_node_connected(struct scheduler_node *node, struct end *end);
void scheduler_node_refused(struct scheduler_node *node, struct end *end, const char *why);
void scheduler_node_frame(struct scheduler_node *node, struct end *end, uint16_t type,
                          struct text payload);
void scheduler_node_closed(struct scheduler_node *node, struct end *end);

void executor_node_connected(struct executor_node *node, struct end *end);
void executor_node_refused(struct executor_node *node, struct end *end, const char *why);
void executor_node_frame(struct executor_node *node, struct end *end, uint16_t type,
                         struct text payload);
void executor_node_closed(struct executor_node *node, struct end *end);

/* Counts one effect; false when the process died before it. */
bool process_survives_effect(struct process *process);
