/*
 * Why a client waits, and how everybody stands. Nothing here is reckoned unless it is asked for;
 * it is the same function that decides (verdict.h), asked again.
 */
#pragma once

#include "allocator/allocator.h"

/* What one agent says to one client's next task. */
enum allocator_reason {
    ALLOCATOR_FITS,       /* it fits now: it is about to be offered, or others are further below
                             their share and come first */
    ALLOCATOR_INACTIVE,   /* the agent is deactivated, draining or disconnected */
    ALLOCATOR_NO_GPUS,    /* the agent has gpus and the framework lacks GPU_RESOURCES */
    ALLOCATOR_NO_REMOTE,  /* in another region, and the framework lacks REGION_AWARE */
    ALLOCATOR_NO_ROLES,   /* the agent lacks MULTI_ROLE or HIERARCHICAL_ROLE */
    ALLOCATOR_CONSTRAINT, /* an offer constraint, or the request names another agent */
    ALLOCATOR_TOO_SMALL,  /* never: not even the empty agent has it */
    ALLOCATOR_RESERVED,   /* what it lacks is there, reserved to another role */
    ALLOCATOR_NOT_ENOUGH, /* what it lacks is in use */
    ALLOCATOR_NOT_TAKEN,  /* what it lacks is there, revocable or shared, and it cannot take that */
    ALLOCATOR_FILTERED,   /* it refused as much there, until until_ms */
    ALLOCATOR_EARMARKED,  /* freed resources there are kept for another's big task */
    ALLOCATOR_LIMIT,      /* the quota limit of its role or one above */
    ALLOCATOR_HEADROOM,   /* what is left of the cluster is kept for guarantees of others */
    ALLOCATOR_HOARDS,     /* it lets offers run out: it gets a new one when fewer are out */
    ALLOCATOR_BELOW_MINIMUM, /* what is left there is too little to be offered */
};
enum { ALLOCATOR_REASON_COUNT = ALLOCATOR_BELOW_MINIMUM + 1 };

/* Two or three words, in the field's terms: "not enough free". */
const char *allocator_reason_text(enum allocator_reason reason);

struct allocator_verdict {
    enum allocator_reason reason;
    uint32_t name;                  /* of what is short, limited, kept */
    int64_t need_milli, have_milli; /* of that; have: free, left below the limit, left over */
    uint32_t role;                  /* whose limit; to whom it is reserved */
    uint32_t framework;             /* for whom it is earmarked */
    int64_t until_ms;
};

/* What one wish comes to, over all agents. */
struct allocator_wish {
    bool is_subscribed, is_active, is_suppressed, wants;
    bool has_demand;
    size_t request;                /* which one; of no meaning without demand */
    uint64_t count;                /* still wanted */
    const struct quantities *task; /* lent until the next call: its next task */
    bool is_feasible;              /* some agent could hold it were it empty */
    uint32_t nearest;              /* the agent that lacks least; 0: there is none */
    struct allocator_verdict lack; /* what that one says */
    int64_t since_ms;              /* since when it waits; INT64_MIN: it does not */
};

typedef void allocator_agent_fn(void *self, uint32_t agent,
                                const struct allocator_verdict *verdict);

/* Asks every agent, in the order of numbers, about request `request` of the client (SIZE_MAX: its
 * next task). False: there is no such client or request. `each` may be NULL. */
bool allocator_explain(struct allocator *allocator, uint32_t framework, uint32_t role,
                       size_t request, struct allocator_wish *out, allocator_agent_fn *each,
                       void *self);

/* The last changes of what mainly kept the client, the oldest first; at most `limit` are written,
 * the newest then. */
enum { ALLOCATOR_HISTORY_LIMIT = 16 };
struct allocator_change {
    int64_t at_ms;
    enum allocator_reason reason; /* ALLOCATOR_FITS: it was offered something */
};
size_t allocator_history(const struct allocator *allocator, uint32_t framework, uint32_t role,
                         struct allocator_change *out, size_t limit);

/* How a role or a client stands. */
struct allocator_standing {
    int64_t weight_milli;
    int64_t share, guaranteed;         /* parts of MESOS_ALLOCATOR_SHARE_ONE */
    uint32_t dominant;                 /* a name; UINT32_MAX: holds nothing */
    bool wants;                        /* it, or one below it */
    const struct quantities *held;     /* offers included; lent until the next call */
    const struct quantities *consumed; /* of quota; NULL for a client */
};
/* What the clients of all roles hold and want, each with those below it: one pass, for as many
 * questions as there are until something changes. */
struct role_sums;
struct role_sums *allocator_sum_roles(const struct allocator *allocator);
void role_sums_free(struct role_sums *sums);
DEFINE_AUTO(struct role_sums, role_sums_free)
/* False: no client is there or below, and no operator said anything of it. */
bool allocator_role_standing(struct allocator *allocator, const struct role_sums *sums,
                             uint32_t role, struct allocator_standing *out);
bool allocator_client_standing(struct allocator *allocator, uint32_t framework, uint32_t role,
                               struct allocator_standing *out);
/* What counts for the role's quota, its own and of all below it, offers included; lent until the
 * next call. Costs nothing. */
const struct quantities *allocator_consumed(struct allocator *allocator, uint32_t role);
/* How much of a name must be kept for guarantees beyond what is free. Costs nothing. */
int64_t allocator_lack(struct allocator *allocator, uint32_t name);
/* Who would be next if every task fitted; false: nobody wants. */
bool allocator_next(struct allocator *allocator, uint32_t *framework, uint32_t *role);

/* Agents kept for big tasks. */
struct allocator_earmark {
    uint32_t agent, framework, role;
    int64_t until_ms;
};
size_t allocator_earmarks(const struct allocator *allocator, struct allocator_earmark *out,
                          size_t limit); /* how many there are; at most limit are written */
