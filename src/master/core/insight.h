/*
 * Why somebody waits, and how everybody stands: the allocator's answers with the master's names.
 * Views are borrowed and hold until the next step; reckoned when they are asked for, never before.
 */
#pragma once

#include "allocator/explain.h"
#include "master/core/master.h"

/* --- why --- */

enum wish_state {
    WISH_WAITS,
    WISH_IS_INFEASIBLE,   /* no agent could hold it, were it empty */
    WISH_IS_CONTENT,      /* it wants nothing more now: what it asked for is running or offered */
    WISH_IS_SUPPRESSED,   /* the framework said so */
    WISH_IS_DISCONNECTED, /* the framework is not there */
};

/* One framework in one role, and of its demand one request. */
struct wish_view {
    struct framework_id framework;
    struct text framework_name;
    struct text role;
    struct text request; /* its name; empty: none, or no demand was declared */
    enum wish_state state;
    struct allocator_wish wish;
    int64_t waits_since_ns; /* wall clock; 0: does not wait */
    /* What the agents say: they add up to agent_count, which is all agents that are registered or
     * may come back. Those that are not here count as ALLOCATOR_INACTIVE. */
    size_t counts[ALLOCATOR_REASON_COUNT];
    size_t agent_count;
    /* The reason of the agents that are nearest to saying yes, and what one of them says. */
    enum allocator_reason main;
    struct allocator_verdict example;
    const struct agent_info *example_agent; /* NULL: there are no agents */
    struct text other_role;                 /* of the verdict: whose limit, to whom reserved */
    struct text other_framework;            /* for whom it is earmarked: its name */
    struct allocator_standing client, role_standing;          /* zeroes: not known */
    struct allocator_change history[ALLOCATOR_HISTORY_LIMIT]; /* at_ms: monotonic */
    size_t history_count;
    /* Known to the registry and not back yet: until then limits leave nothing. */
    size_t awaited_agents;
};

struct insight_question {
    /* Exactly one is set; else nothing is found. */
    struct text framework; /* its id, or its name */
    struct text role;      /* with all below it */
    struct text request;   /* its name */
};

typedef void insight_wish_fn(void *self, const struct wish_view *view);
typedef void insight_agent_fn(void *self, const struct agent_info *agent,
                              const struct allocator_verdict *verdict);

/* Calls fn for each wish that is meant; returns how many. */
size_t insight_each_wish(const struct master *master, const struct insight_question *question,
                         insight_wish_fn *fn, void *self);
/* It has a weight or a quota, be there frameworks in it or not. */
bool insight_knows_role(const struct master *master, struct text path);
/* Every agent's answer to that wish, in the order of registration; those that are not here are left
 * out. May be called from within an insight_wish_fn. */
void insight_each_agent(const struct master *master, const struct wish_view *wish,
                        insight_agent_fn *fn, void *self);
/* Why nothing of the agent is offered to anybody: a clause for people. */
const char *insight_absence(const struct master *master, const struct agent_info *agent);

/* --- shares --- */

struct standing_view {
    struct text role;
    const struct framework_info *framework; /* NULL: the role with all below it */
    struct allocator_standing standing;
    bool is_next;        /* would be served next, if every task fitted that some agent could hold */
    bool somebody_wants; /* in the whole cluster */
};
/* Each role that has a framework, a weight or a quota, and those above it, in the order of paths;
 * behind each its own frameworks. Of very many (role_cut.h) the deepest are left out: returns how
 * many. */
size_t insight_each_standing(const struct master *master,
                             void (*fn)(void *self, const struct standing_view *view), void *self);

struct earmark_view {
    const struct agent_info *agent;
    const struct framework_info *framework;
    struct text role;
    int64_t left_ms;
};
void insight_each_earmark(const struct master *master,
                          void (*fn)(void *self, const struct earmark_view *view), void *self);

const char *insight_policy(const struct master *master);
const struct kinds *insight_kinds(const struct master *master); /* for the names in what is shown */
int64_t insight_now_ms(const struct master *master);            /* of the last step */
int64_t insight_wall_offset_ns(const struct master *master); /* what makes wall time of monotonic */
