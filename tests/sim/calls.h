/*
 * The calls that workloads make, built as the generated structs that libmesos takes.
 */
#pragma once

#include "tests/sim/nodes.h"

enum { LAUNCHES_LIMIT = 16 };

/* What of an offer is left. */
struct offer_budget {
    double cpus, mem;
    uint64_t port, last_port; /* port > last_port: none */
};

struct launch_plan {
    const Mesos__V1__Offer *offer;
    size_t count;
    struct slot *slots[LAUNCHES_LIMIT];
    char ids[LAUNCHES_LIMIT][64];
    uint64_t ports[LAUNCHES_LIMIT]; /* 0: none */
    bool has_executor;              /* its resources are taken */
};

struct reconciliation {
    size_t count; /* 0: implicit */
    char ids[LAUNCHES_LIMIT][64];
    const char *agents[LAUNCHES_LIMIT];
};

void offer_budget_of(const Mesos__V1__Offer *offer, struct offer_budget *budget);
bool offer_budget_take(struct offer_budget *budget, const struct slot *slot,
                       struct launch_plan *plan);

void call_accept(struct scheduler_node *node, const struct launch_plan *plan);
void call_decline(struct scheduler_node *node, const Mesos__V1__Offer *offer, double seconds);
void call_kill(struct scheduler_node *node, const char *task, const char *agent);
void call_acknowledge(struct scheduler_node *node, const Mesos__V1__TaskStatus *status);
void call_reconcile(struct scheduler_node *node, const struct reconciliation *asked);
void call_revive(struct scheduler_node *node);
void call_suppress(struct scheduler_node *node);
/* All that the workload wants now, one request a slot; with nothing wanted it withdraws all. */
void call_request(struct scheduler_node *node);
void call_message(struct scheduler_node *node, const char *agent);
