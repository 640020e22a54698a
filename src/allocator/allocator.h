/*
 * The allocator: who is offered what. It hears of agents, frameworks, and resources that come and
 * go, and gives free resources to whoever is furthest below its fair share.
 *
 * Pure: no I/O, no clock, no text; the same calls with the same seed give the same offers. Agents
 * and frameworks are numbers of the caller's; roles are those of kinds_intern_role. A framework
 * within a role is a client: clients want, hold, refuse, and are compared.
 *
 * What an agent has is free, or used by a client; offered or in use by a task is the same here.
 * Calls change what is free and mark the agent; allocator_allocate looks at marked agents only,
 * least loaded first. On each agent used + free = total, unless the agent shrank below what is in
 * use: then nothing is free until enough has come back.
 *
 * docs/allocator.md has the idea and what comes next.
 */
#pragma once

#include "common/base/auto.h"
#include "common/model/kinds.h"
#include "common/model/quantities.h"
#include "common/model/resources.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ALLOCATOR_MINIMA_LIMIT = 16, /* alternatives of min_allocatable_resources */
    ALLOCATOR_FILTERS_LIMIT =
        8, /* refusals of one client on one agent; the next drops the oldest */
};

/* What a framework can take. */
enum framework_trait {
    FRAMEWORK_TAKES_GPUS = 1,      /* GPU_RESOURCES; others get nothing from agents with gpus */
    FRAMEWORK_TAKES_REVOCABLE = 2, /* REVOCABLE_RESOURCES */
    FRAMEWORK_TAKES_SHARED = 4,    /* SHARED_RESOURCES */
    FRAMEWORK_TAKES_REFINED = 8,   /* RESERVATION_REFINEMENT */
    FRAMEWORK_TAKES_REMOTE = 16,   /* REGION_AWARE; others get nothing from remote agents */
    FRAMEWORK_HAS_MANY_ROLES = 32, /* MULTI_ROLE */
};

/* What an agent can serve. */
enum agent_trait {
    AGENT_SERVES_MANY_ROLES = 1, /* MULTI_ROLE */
    AGENT_SERVES_ROLE_TREE = 2,  /* HIERARCHICAL_ROLE */
    AGENT_IS_REMOTE = 4,         /* in another region than the master */
};

struct allocator_offer {
    uint32_t framework;
    uint32_t role;
    uint32_t agent;
    const struct resources *resources; /* lent for the call */
};

typedef void allocator_sink(const struct allocator_offer *offer, void *self);

struct allocator;
struct allocator_policy; /* policy.h */

extern const struct allocator_policy allocator_drf; /* dominant resource fairness over clients */

/* `kinds` must outlive it. The smallest offer is cpus:0.01 or mem:32, as in Mesos. */
struct allocator *allocator_new(const struct allocator_policy *policy, const struct kinds *kinds,
                                uint64_t seed);
void allocator_free(struct allocator *allocator);
DEFINE_AUTO(struct allocator, allocator_free)

/* An offer has at least one of these sets; none at all: anything but nothing. At most
 * ALLOCATOR_MINIMA_LIMIT, the rest is cut. Copied. */
void allocator_set_minima(struct allocator *allocator, const struct quantities *any_of,
                          size_t count);
/* --filter_gpu_resources; true unless said otherwise. */
void allocator_set_gpus_reserved(struct allocator *allocator, bool reserved);

/* Agents. The number must be new, or known; a call for an unknown one does nothing. Totals are
 * copied. An update, and only a real one, ends all filters on the agent. */
void allocator_add_agent(struct allocator *allocator, uint32_t agent, const struct resources *total,
                         uint32_t traits);
void allocator_update_agent(struct allocator *allocator, uint32_t agent,
                            const struct resources *total, uint32_t traits);
/* A new agent is active. An inactive one counts for the shares, but nothing of it is offered. */
void allocator_activate_agent(struct allocator *allocator, uint32_t agent, bool is_active);
/* What was used there is used no more. */
void allocator_remove_agent(struct allocator *allocator, uint32_t agent);

/* Frameworks, new or known; the roles are copied, each once. A framework is added active, wanting
 * in all roles. An update keeps what was suppressed; a role that is left keeps what it holds until
 * that is recovered. */
void allocator_add_framework(struct allocator *allocator, uint32_t framework, const uint32_t *roles,
                             size_t role_count, uint32_t capabilities);
void allocator_update_framework(struct allocator *allocator, uint32_t framework,
                                const uint32_t *roles, size_t role_count, uint32_t capabilities);
/* Inactive (disconnected): is offered nothing, keeps what it holds; its filters end. */
void allocator_activate_framework(struct allocator *allocator, uint32_t framework, bool is_active);
/* It wants nothing more, and is forgotten once all it holds is recovered. */
void allocator_remove_framework(struct allocator *allocator, uint32_t framework);

/* Wishes of a client. Reviving also ends its filters. A role that is not subscribed does nothing.
 */
void allocator_suppress(struct allocator *allocator, uint32_t framework, uint32_t role);
void allocator_revive(struct allocator *allocator, uint32_t framework, uint32_t role);

/* The client refuses to be offered on this agent what `refused` contains, until then. More than
 * that, or something else, it is offered. */
void allocator_refuse(struct allocator *allocator, uint32_t framework, uint32_t role,
                      uint32_t agent, const struct resources *refused, int64_t until_ms);

/* Resources in use already, of an agent that came back: known or not, the framework holds them now.
 * False, nothing changed: the sum is beyond int64, or the agent is unknown. */
bool allocator_adopt(struct allocator *allocator, uint32_t framework, uint32_t role, uint32_t agent,
                     const struct resources *resources) __attribute__((warn_unused_result));

/* They are free again. False, nothing changed: the client does not hold them there (the agent may
 * be gone). */
bool allocator_recover(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent, const struct resources *resources)
    __attribute__((warn_unused_result));

/* Ends filters that have run out, then offers what is free on marked agents: `sink` gets each
 * offer, and the client holds it from then on. sink must not call back. Stops after about `budget`
 * looks of a client at an agent, between two agents. True: there is more to do, call again. */
bool allocator_allocate(struct allocator *allocator, int64_t now_ms, size_t budget,
                        allocator_sink *sink, void *self);

/* When to call allocator_allocate: INT64_MIN when agents are marked and somebody wants, else when
 * the next filter ends, INT64_MAX for never. The caller may wait a few milliseconds and gather
 * more. */
int64_t allocator_deadline_ms(const struct allocator *allocator);

/* For checkers and /state; lent until the next call. NULL: nothing of that number, or nothing held.
 */
const struct resources *allocator_agent_total(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_agent_free(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_agent_used(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_held(const struct allocator *allocator, uint32_t framework,
                                       uint32_t role, uint32_t agent);

/* The client's dominant share as the policy sees it, in thousandths of the cluster; 0 if unknown.
 */
int64_t allocator_share_milli(const struct allocator *allocator, uint32_t framework, uint32_t role);
