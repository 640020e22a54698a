/*
 * What the master remembers, for the files of this folder only. The objects point to each other;
 * each file owns the life of one kind and keeps its indexes right, and master_check compares them
 * all.
 *
 *     peer -- framework -- tasks, offers          peer -- agent -- tasks, executors, offers
 *
 * A task is active (in framework->tasks and on its agent's list) until its terminal status is
 * acknowledged; then it is completed. While its agent is unreachable it is in
 * framework->unreachable.
 */
#pragma once

#include "allocator/allocator.h"
#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "master/core/master.h"

enum {
    CHANNELS_PER_CONNECTION_LIMIT = 256, /* that one asker may have open */
    CHANNEL_WINDOW_BYTES_LIMIT = 16 << 20,
    CONNECTIONS_LIMIT = 200000,
    FRAMEWORK_ROLES_LIMIT = 1000,
    STATUSES_PER_TASK_LIMIT = 64,     /* history; the oldest go */
    STATUS_CARRIED_BYTES_KEPT = 4096, /* of a status in the history; more is not kept */
    STATUS_MESSAGE_BYTES_KEPT = 4096,
    OFFERS_PER_CALL_LIMIT = 10000,
    OFFERS_PER_EVENT_LIMIT = 500, /* so that a frame stays small */
    HOSTNAME_BYTES_LIMIT = 255,
    ALLOCATION_BUDGET = 4000, /* looks in one step */
    FILTER_SECONDS_LIMIT = 31536000,
    REMOVED_FRAMEWORKS_LIMIT = 10000,  /* remembered, so that they do not come back */
    OPERATIONS_PER_CALL_LIMIT = 10000, /* of RECONCILE_OPERATIONS */
    OPERATIONS_PER_FRAMEWORK_LIMIT =
        1000,                           /* with an id, remembered after their end; the oldest go */
    OPERATIONS_PER_AGENT_LIMIT = 10000, /* whose answer is awaited */
    /* Kinds of resources, and what they carry, that operations may add to the table, which never
     * shrinks: of one framework (some 60,000 of usual size), and of all before so much is left to
     * the agents. */
    KINDS_PER_FRAMEWORK_BYTES_LIMIT = 32 << 20,
    KINDS_BY_OPERATIONS_BYTES_LIMIT = 512 << 20,
    KINDS_BY_OPERATIONS_LIMIT = KINDS_LIMIT / 2,
    PENDING_BY_OPERATOR_LIMIT = 100000, /* what waits for the registry; then calls are refused */
};
/* Of one resource of one agent: so many of them still add up. */
#define AGENT_AMOUNT_MILLI_LIMIT (INT64_C(1) << 46)
#define FILTER_SECONDS_DEFAULT 5.0

enum timer_kind {
    TIMER_FAILOVER,
    TIMER_HEARTBEAT,
    TIMER_PING,
    TIMER_REREGISTER,
    TIMER_REMOVAL,
    TIMER_REGISTRY,
};

struct timer {
    struct heap_node node;
    enum timer_kind kind;
};

struct framework;
struct agent;
struct role_book;
struct constraint_book;
struct maintenance;

/* One connection of whatever sort. */
struct peer {
    struct connection_id connection;
    struct framework *framework; /* that subscribed on it */
    struct agent *agent;         /* that registered on it */
    struct map channels;         /* number on this connection -> struct relay */
    uint64_t last_channel;       /* numbers we gave, towards an agent */
    bool is_closing;             /* we said CLOSE: what still comes does not count */
};

enum framework_state {
    FRAMEWORK_RECOVERED, /* known from the registry or an agent, not back yet */
    FRAMEWORK_CONNECTED,
    FRAMEWORK_DISCONNECTED,
    FRAMEWORK_COMPLETED,
};

struct framework {
    enum framework_state state;
    struct framework_info info; /* kept */
    void *info_memory, *roles_memory;
    int64_t failover_timeout_ns; /* negative: none known, so it stays until it is torn down */
    struct peer *peer;           /* while connected */
    uint64_t last_connection;    /* the newest it subscribed on */
    uint64_t ticket;             /* what it hears waits for this STORE */
    struct text unknown;         /* of its record, kept */
    void *unknown_memory;
    int64_t registered_ns, reregistered_ns, unregistered_ns;
    uint64_t request_count;
    struct timer failover, heartbeat;
    uint32_t number;        /* for the allocator */
    struct map tasks;       /* active, by id */
    struct map unreachable; /* by id */
    struct map completed;   /* by id, the newest of each id */
    size_t live_tasks;      /* that hold resources, which is: that are not terminal */
    struct link offers;
    struct map demands;           /* by role: demand_book.c */
    struct map operations;        /* by id, the oldest first: operation_book.c */
    struct link ended_operations; /* of these, those that are not awaited any more */
    size_t ended_operation_count;
    size_t kinds_taught_bytes;      /* by its operations */
    VEC_OF(struct offer *) fresh;   /* made in this step, not yet said */
    struct resources used, offered; /* sums: scalars only */
};

enum agent_state {
    AGENT_RECOVERED,  /* in the registry, not back yet */
    AGENT_ADMITTING,  /* its admission is being stored */
    AGENT_REGISTERED, /* connected while it has a peer */
    AGENT_LEAVING,    /* its end (unreachable, or gone for good) is being stored */
    AGENT_UNREACHABLE,
};
enum { AGENT_STATE_COUNT = 5 };

enum departure {
    DEPARTURE_UNREACHABLE, /* it may come back */
    DEPARTURE_REMOVED,     /* it has unregistered, was replaced, or its machine is down */
    DEPARTURE_GONE,        /* an operator said so: it never comes back */
};

/* A shared volume in use. */
struct shared_use {
    struct resource volume;   /* one copy */
    uint32_t framework, role; /* the allocator's client that has it */
    uint32_t users;           /* tasks and executors */
};

struct agent {
    enum agent_state state;
    struct agent_info info; /* kept; info.resources points to total */
    void *info_memory;
    struct peer *peer;
    uint64_t last_connection;      /* the newest it registered on */
    uint64_t ticket;               /* of the last STORE about it; what it hears waits for it */
    enum departure leaves_as;      /* LEAVING */
    uint64_t gone_request;         /* DEPARTURE_GONE: whom to answer; 0: nobody */
    struct agent_drain drain;      /* in force */
    struct agent_drain drain_next; /* and once all that is on its way is stored */
    struct link drain_due;         /* in master->drains_due */
    struct link by_schedule;       /* in master->scheduled: its machine is in the schedule */
    struct map inverses;           /* by framework id: inverse_book.c */
    struct text unknown;           /* of its record, kept */
    void *unknown_memory;
    int64_t registered_ns, reregistered_ns, unreachable_ns;
    int64_t pings_unanswered;
    struct timer ping, reregister;
    struct link removal; /* waits to be lost (removal.h) */
    const char *removal_why;
    uint32_t number; /* for the allocator; 0: not in it */
    struct resources total, used, offered;
    VEC_OF(struct shared_use) shared;
    struct link tasks, offers;
    struct link operations; /* whose answers are awaited, in the order of sending */
    uint64_t last_apply;    /* on this connection */
    struct map executors;   /* by pair_key(framework, executor) */
};

struct executor {
    struct executor_id id; /* kept */
    struct framework *framework;
    struct agent *agent;
    uint32_t role;
    uint64_t reported; /* the last report of the agent that had it */
    struct resources resources;
    struct text info; /* encoded, kept */
    void *memory;
};

struct task {
    struct link by_agent;
    struct task_id id; /* kept, as all texts here */
    struct framework *framework;
    struct agent *agent;      /* while it is active */
    struct agent_id agent_id; /* for good */
    struct executor_id executor;
    struct text name, info;
    void *memory;
    uint32_t role;
    uint64_t reported;    /* the last report of the agent that had it */
    bool holds_resources; /* until it is terminal */
    bool is_unreachable, is_completed;
    bool has_sent_uuid; /* a status was forwarded and not yet acknowledged */
    bool kill_wanted, kill_by_operator, kill_has_grace;
    int64_t kill_grace_ns;
    struct uuid sent_uuid;
    enum task_state state, status_state;
    enum task_state told_state;        /* what its agent told that this master never heard: */
    int64_t told_ns, running_since_ns; /* wall clock; 0: not known */
    struct resources resources;
    VEC_OF(struct task_status) statuses; /* their texts are in status_memory */
    VEC_OF(void *) status_memory;
};

struct offer {
    struct link by_framework, by_agent;
    uint64_t number;
    struct offer_id id; /* kept */
    struct framework *framework;
    struct agent *agent;
    uint32_t role;
    struct resources resources;
    int64_t made_ms, deadline_ms;
};

struct relay {
    struct peer *asker, *sender;
    uint64_t asker_channel, sender_channel;
};

enum pending_kind { PENDING_ADMISSION, PENDING_DEPARTURE, PENDING_DRAIN };

/* What goes on once a STORE is done. */
struct pending {
    uint64_t ticket;
    enum pending_kind kind;
    struct text agent; /* kept */
    uint64_t request;  /* DRAIN: whom to answer; 0: nobody */
    struct agent_drain drain;
};

/* removal.h */
struct removals {
    struct link waiting; /* agents, the first first */
    struct timer timer;
    int64_t next_ms;  /* when the next may be lost */
    size_t recovered; /* agents that the registry knew as admitted */
    bool is_recovery_judged, is_beyond;
    uint64_t scheduled, done, cancelled;
};

struct master {
    struct master_options options; /* texts kept */
    void *options_memory;
    struct kinds *kinds;
    struct allocator *allocator;
    struct rng rng;
    char id[UUID_TEXT_SIZE + 1];
    bool is_recovered;

    /* of the step that runs */
    int64_t now_ms, wall_ns;
    struct master_outbox *out;

    struct map peers;      /* by connection */
    struct map frameworks; /* by id, but completed ones */
    struct map completed;  /* frameworks by id, the oldest first */
    struct map removed;    /* ids of those that must not come back, the oldest first */
    struct map agents;     /* by id, in every state */
    struct map endpoints;  /* "hostname:port" -> registered agent */
    struct map gone;       /* ids of agents that must not return */
    struct map agent_numbers, framework_numbers; /* the allocator's -> ours */
    struct map offers;                           /* by number, the oldest first */
    struct role_book *roles;
    struct constraint_book *constraints;
    size_t wish_count;       /* of all frameworks */
    uint64_t demand_turn;    /* of looking at what is wanted: each wish once a turn */
    int64_t demand_due_ms;   /* when to look; INT64_MAX: all is looked at */
    int64_t demand_stale_ms; /* when to begin anew; INT64_MAX: no need */
    struct removals removals;
    struct timer registry_timer; /* old_book.h */
    struct heap timers;
    VEC_OF(struct pending) pending;
    struct link drains_due; /* agents that may be drained */
    struct maintenance *maintenance;
    struct link scheduled;     /* agents whose machines are in the maintenance schedule */
    struct map inverse_offers; /* that are out, by id */
    uint64_t inverse_round;    /* of looking who uses an agent */
    int64_t inverse_due_ms;    /* when to look */

    uint64_t last_ticket, stored_ticket;
    uint64_t removal_ticket;                         /* of the last framework that was removed */
    uint64_t last_framework, last_agent, last_offer; /* counters of ids */
    uint64_t last_report;                            /* of an agent that registers */
    uint32_t last_number;
    size_t agents_by_state[AGENT_STATE_COUNT];
    int64_t gather_due_ms; /* when to allocate; INT64_MAX: nothing to do */
    uint64_t tasks_by_state[TASK_STATE_COUNT];
    uint64_t messages_invalid;
    int64_t started_ns;
};

/* --- texts that are kept: one block for all texts of an object --- */

/* Copies the texts into one block, which is returned and owned by the caller (NULL when all are
 * empty), and points them to it. */
void *keep_texts(struct text *const *texts, size_t count);
/* A key of two ids; neither can hold a control character. In the step's arena. */
struct text pair_key(struct master *master, struct text first, struct text second);
/* A copy that lives as long as the outbox. */
struct text lend(struct master *master, struct text text);

/* Sums over several agents, of scalars only. */
void sum_add(struct resources *sum, const struct resources *more);
void sum_subtract(struct resources *sum, const struct resources *less);
