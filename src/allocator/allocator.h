/*
 * The allocator: who is offered what. It hears of agents, frameworks, and resources that come and
 * go, and gives free resources to whoever is furthest below its fair share.
 *
 * Pure: no I/O, no clock, no text but the names of roles; the same calls with the same seed give
 * the same offers. Agents and frameworks are numbers of the caller's, above 0; roles are those of
 * kinds_intern_role. A framework within a role is a client: clients want, hold, refuse, and are
 * compared.
 *
 * What an agent has is free, or used by a client; offered or in use by a task is the same here.
 * Calls change what is free and note who may care; allocator_allocate alone offers. On each agent
 * used + free = total, unless the agent shrank below what is in use: then nothing is free until
 * enough has come back.
 *
 * Who comes next is the policy's choice (include/mesos/allocator.h); whether it may have it, and
 * where, is decided here by one function (verdict.h), which is also what explains a wait.
 *
 * docs/allocator.md has the ideas.
 */
#pragma once

#include "common/base/auto.h"
#include "common/model/kinds.h"
#include "common/model/quantities.h"
#include "common/model/resources.h"
#include "mesos/allocator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ALLOCATOR_MINIMA_LIMIT = 16, /* alternatives of min_allocatable_resources */
    ALLOCATOR_FILTERS_LIMIT =
        8, /* refusals of one client on one agent; the next drops the oldest */
    ALLOCATOR_REQUESTS_LIMIT = 64, /* shapes that one client may want at a time */
};
#define ALLOCATOR_COUNT_ENDLESS UINT64_MAX

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

/* The built-in policies. */
extern const struct mesos_allocator allocator_hdrf;   /* hierarchical, guarantees under churn */
extern const struct mesos_allocator allocator_drf;    /* as Mesos: sums up the tree */
extern const struct mesos_allocator allocator_random; /* a draw by weight, at each level */
/* By name; NULL: none of them. */
const struct mesos_allocator *allocator_find_policy(struct text name);
/* Whether a module's struct is one that this program can use; false with the line for the log. */
bool allocator_check_policy(const struct mesos_allocator *policy, struct error *error);

/* `kinds` must outlive it; `policy` is checked already and lives as long. The smallest offer is
 * cpus:0.01 or mem:32, as in Mesos. */
struct allocator *allocator_new(const struct mesos_allocator *policy, const struct kinds *kinds,
                                uint64_t seed);
void allocator_free(struct allocator *allocator);
DEFINE_AUTO(struct allocator, allocator_free)

/* --- settings --- */

/* An offer has at least one of these sets; none at all: anything but nothing. At most
 * ALLOCATOR_MINIMA_LIMIT, the rest is cut. Copied. */
void allocator_set_minima(struct allocator *allocator, const struct quantities *any_of,
                          size_t count);
/* --filter_gpu_resources; true unless said otherwise. */
void allocator_set_gpus_reserved(struct allocator *allocator, bool reserved);
/* Past use fades by half in so long and counts with present use; 0, the preset: no memory. */
void allocator_set_half_life(struct allocator *allocator, int64_t half_life_ms);
/* How long an agent is kept for a big task; 10 minutes unless said. 0: no earmarks. */
void allocator_set_earmark_limit(struct allocator *allocator, int64_t limit_ms);
/* Names that no share is reckoned with (--fair_sharing_excluded_resource_names). To be called
 * before agents are added. */
void allocator_exclude_name(struct allocator *allocator, uint32_t name);
/* Whether an agent meets a constraint: numbers of the caller's, above 0. Must be a function of what
 * the caller said of the agent: allocator_update_agent with has_changed makes it asked anew. */
/* A number keeps its meaning as long as a client or a request has it. */
typedef bool allocator_matcher(void *self, uint32_t constraint, uint32_t agent);
void allocator_set_matcher(struct allocator *allocator, allocator_matcher *matches, void *self);

/* --- roles --- */

/* In thousandths, 1 to 1,000,000,000; 1000 is what a role has unless said. */
void allocator_set_weight(struct allocator *allocator, uint32_t role, int64_t weight_milli);

/* At any level of the tree. What counts for a role: what its clients and those below it hold of
 * unreserved, not revocable resources, and what is reserved to it or below it, held or not. */
struct quota_line {
    uint32_t name;
    int64_t guarantee_milli; /* 0: none */
    int64_t limit_milli;     /* INT64_MAX: none */
};
/* While held, roles with a limit (and all below them) get nothing of what it limits, for agents are
 * expected whose tasks may count for it. */
void allocator_hold_limits(struct allocator *allocator, bool is_held);
/* Replaces all of the role's; none at all: no quota. Nothing that is held is taken back. */
void allocator_set_quota(struct allocator *allocator, uint32_t role, const struct quota_line *lines,
                         size_t count);

/* --- agents ---
 * The number must be new, or known; a call for an unknown one does nothing. Totals are copied; what
 * is beyond 2^61 thousandths of a name in the whole cluster is left out, so that sums have room. */
void allocator_add_agent(struct allocator *allocator, uint32_t agent, const struct resources *total,
                         uint32_t traits);
/* An update, and only a real one (`has_changed` says that constraints may be met otherwise), ends
 * all filters on the agent. */
void allocator_update_agent(struct allocator *allocator, uint32_t agent,
                            const struct resources *total, uint32_t traits, bool has_changed);
/* A new agent is active. An inactive one counts for the shares, but nothing of it is offered. */
void allocator_activate_agent(struct allocator *allocator, uint32_t agent, bool is_active);
/* What was used there is used no more. */
void allocator_remove_agent(struct allocator *allocator, uint32_t agent);

/* --- frameworks --- */

/* New or known; the roles are copied, each once. A framework is added active, wanting in all roles.
 * An update keeps what was suppressed and what was requested; a role that is left keeps what it
 * holds until that is recovered. */
void allocator_add_framework(struct allocator *allocator, uint32_t framework, const uint32_t *roles,
                             size_t role_count, uint32_t traits);
void allocator_update_framework(struct allocator *allocator, uint32_t framework,
                                const uint32_t *roles, size_t role_count, uint32_t traits);
/* Inactive (disconnected): is offered nothing, keeps what it holds; its filters end. */
void allocator_activate_framework(struct allocator *allocator, uint32_t framework, bool is_active);
/* It wants nothing more, and is forgotten once all it holds is recovered. */
void allocator_remove_framework(struct allocator *allocator, uint32_t framework);

/* Of a client; a role that is not subscribed does nothing. Reviving also ends its filters. */
void allocator_suppress(struct allocator *allocator, uint32_t framework, uint32_t role);
void allocator_revive(struct allocator *allocator, uint32_t framework, uint32_t role);
/* Its weight among the frameworks of its role; 1000 unless said. */
void allocator_set_client_weight(struct allocator *allocator, uint32_t framework, uint32_t role,
                                 int64_t weight_milli);
/* Its own minima instead of the cluster's (FrameworkInfo.offer_filters); `is_set` false: the
 * cluster's. */
void allocator_set_client_minima(struct allocator *allocator, uint32_t framework, uint32_t role,
                                 const struct quantities *any_of, size_t count, bool is_set);
/* Only agents that meet it (OfferConstraints of the role); 0: all. */
void allocator_set_client_constraint(struct allocator *allocator, uint32_t framework, uint32_t role,
                                     uint32_t constraint);

/* --- demand --- */

/* So many tasks of one shape. The shape counts by name, ports and sets by the number of elements.
 */
struct allocator_request {
    const struct quantities *shape; /* not empty; copied */
    uint64_t count;                 /* above 0; ALLOCATOR_COUNT_ENDLESS */
    uint32_t constraint;            /* 0: none */
    uint32_t agent;                 /* only there; 0: anywhere */
};
/* What the client wants from now on, the most urgent first; at most ALLOCATOR_REQUESTS_LIMIT, the
 * rest is cut. `is_set` false: it declares nothing, and is offered whole agents. Set and none: it
 * wants nothing. */
void allocator_set_demand(struct allocator *allocator, uint32_t framework, uint32_t role,
                          const struct allocator_request *requests, size_t count, bool is_set);
/* A task of the client was launched there: the request that it fits best loses one, and for a
 * client without demand its size is remembered. To be said before the end of the offer it came
 * from. The place of that request among those declared, and when that was its last the ones behind
 * it move up; SIZE_MAX: none lost one. */
size_t allocator_note_launch(struct allocator *allocator, uint32_t framework, uint32_t role,
                             uint32_t agent, const struct resources *task);
/* How an offer ended. */
enum allocator_offer_end {
    ALLOCATOR_OFFER_ANSWERED, /* accepted or declined */
    ALLOCATOR_OFFER_RAN_OUT,  /* unanswered. Who lets them again and again is offered less */
    ALLOCATOR_OFFER_RESCINDED,
};
/* An offer of the client's on that agent is out no more. To be said for each, once; tasks that were
 * requested and offered there, and not launched, are then wanted again. On how many agents at a
 * time the client is offered something from now on, when that is fewer than before; else 0. */
uint32_t allocator_note_offer_end(struct allocator *allocator, uint32_t framework, uint32_t role,
                                  uint32_t agent, enum allocator_offer_end how);

/* The client refuses to be offered on this agent what `refused` contains, until then. More than
 * that, or something else, it is offered. */
void allocator_refuse(struct allocator *allocator, uint32_t framework, uint32_t role,
                      uint32_t agent, const struct resources *refused, int64_t until_ms);

/* --- what is held --- */

/* Resources in use already, of an agent that came back: known or not, the framework holds them now.
 * False, nothing changed: it is more than can be added up, a port or an item is held there already,
 * or the agent is unknown. */
bool allocator_adopt(struct allocator *allocator, uint32_t framework, uint32_t role, uint32_t agent,
                     const struct resources *resources) __attribute__((warn_unused_result));

/* They are free again. False, nothing changed: the client does not hold them there (the agent may
 * be gone). */
bool allocator_recover(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent, const struct resources *resources)
    __attribute__((warn_unused_result));

/* An operation (RESERVE, CREATE and so on) turned `from`, which the client holds there, into `to`:
 * it holds that now, and the agent's total changes alike. framework 0: `from` is free there, and so
 * is `to` then. Ends no filter. False, nothing changed: it is not held (free) there, or `to` is
 * there already (ports, items), or too much to be added up. */
bool allocator_convert(struct allocator *allocator, uint32_t framework, uint32_t role,
                       uint32_t agent, const struct resources *from, const struct resources *to)
    __attribute__((warn_unused_result));

/* --- offers --- */

/* Ends what has run out, then offers what is free to those who want: `sink` gets each offer (of one
 * client on one agent at most one in a call), and the client holds it from then on. sink must not
 * call back. Stops after about `budget` looks of a client at an agent. True: there is more to do,
 * call again. */
bool allocator_allocate(struct allocator *allocator, int64_t now_ms, size_t budget,
                        allocator_sink *sink, void *self);

/* When to call allocator_allocate: INT64_MIN when somebody wants and something may fit, else when
 * the next filter or earmark ends, INT64_MAX for never. The caller may wait a few milliseconds and
 * gather more. */
int64_t allocator_deadline_ms(const struct allocator *allocator);

/* What the policy did wrong since it was asked last, for the log. False: nothing. */
struct allocator_complaint {
    char message[256];
    uint32_t framework, agent; /* those it picked, when they are there; else 0 */
};
bool allocator_take_complaint(struct allocator *allocator, struct allocator_complaint *out);
/* The one in use: the built-in one after a module had its strikes. */
const char *allocator_policy_name(const struct allocator *allocator);

/* --- for checkers and /state; lent until the next call. NULL: no such number, or nothing held ---
 */

const struct resources *allocator_agent_total(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_agent_free(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_agent_used(const struct allocator *allocator, uint32_t agent);
const struct resources *allocator_held(const struct allocator *allocator, uint32_t framework,
                                       uint32_t role, uint32_t agent);
/* Everything above agrees with everything else. False, with what is broken. Slow. */
bool allocator_check(const struct allocator *allocator, struct error *why);
