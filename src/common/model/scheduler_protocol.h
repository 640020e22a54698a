/*
 * What a scheduler says to the master and hears from it: mesos.v1.scheduler.Call and Event as
 * values that borrow from the event that brought them, or from the outbox that carries them out.
 */
#pragma once

#include "common/model/agent_info.h"
#include "common/model/amounts.h"
#include "common/model/constraints.h"
#include "common/model/framework_info.h"
#include "common/model/machine.h"
#include "common/model/operation.h"
#include "common/model/task_info.h"
#include "common/model/task_status.h"

/* The numbers of mesos.v1.scheduler.Call.Type. */
enum scheduler_call_kind {
    SCHEDULER_CALL_UNKNOWN = 0,
    SCHEDULER_CALL_SUBSCRIBE = 1,
    SCHEDULER_CALL_TEARDOWN = 2,
    SCHEDULER_CALL_ACCEPT = 3,
    SCHEDULER_CALL_DECLINE = 4,
    SCHEDULER_CALL_REVIVE = 5,
    SCHEDULER_CALL_KILL = 6,
    SCHEDULER_CALL_SHUTDOWN = 7,
    SCHEDULER_CALL_ACKNOWLEDGE = 8,
    SCHEDULER_CALL_RECONCILE = 9,
    SCHEDULER_CALL_MESSAGE = 10,
    SCHEDULER_CALL_REQUEST = 11,
    SCHEDULER_CALL_SUPPRESS = 12,
    SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS = 13,
    SCHEDULER_CALL_DECLINE_INVERSE_OFFERS = 14,
    SCHEDULER_CALL_ACKNOWLEDGE_OPERATION_STATUS = 15,
    SCHEDULER_CALL_RECONCILE_OPERATIONS = 16,
    SCHEDULER_CALL_UPDATE_FRAMEWORK = 17,
};

struct operation {
    enum operation_kind kind;
    struct text id;                /* empty: no feedback wanted */
    const struct task_info *tasks; /* LAUNCH, LAUNCH_GROUP */
    size_t task_count;
    struct executor_info executor; /* LAUNCH_GROUP */
    /* RESERVE, UNRESERVE: the resources; CREATE, DESTROY: the volumes; GROW_VOLUME, SHRINK_VOLUME:
     * the volume. Without allocation_info; NULL: none. */
    const struct resources *resources;
    const struct resources *source;   /* RESERVE; NULL: not given */
    const struct resources *addition; /* GROW_VOLUME */
    int64_t subtract_milli;           /* SHRINK_VOLUME */
    struct text resource_role;        /* that allocation_info names, if any does */
    /* What of it makes no sense: it is dropped with these words, not the call that brought it.
     * Empty: nothing. */
    struct text fault;
    struct text encoded; /* the whole mesos.v1.Offer.Operation */
};

/* What became of an operation that has an id. Ours are made by the master and carry no uuid, so
 * they are not acknowledged; who missed one reconciles. */
struct operation_status {
    struct text operation; /* its id */
    enum operation_state state;
    struct text message;               /* may be empty */
    struct agent_id agent;             /* empty: not known */
    const struct resources *converted; /* FINISHED; NULL: none */
};

/* One shape of what a framework wants (mesos.v1.Request). */
struct resource_request {
    bool is_ours;           /* it has one of our fields: it narrows what is offered */
    struct text role;       /* empty: not given */
    struct text name;       /* empty: not given */
    struct amounts amounts; /* of its resources; whose they are and what disk makes no difference */
    bool has_count;
    uint64_t count;
    struct agent_id agent;                      /* empty: anywhere */
    const struct role_constraints *constraints; /* NULL: none; without a role */
    /* What of it makes no sense: it is refused with these words, not the call. Empty: nothing. */
    struct text fault;
};

struct task_reference {
    struct task_id task;
    struct agent_id agent; /* empty: not given */
};

struct operation_reference {
    struct text operation; /* its id */
    struct agent_id agent; /* empty: not given */
};

struct scheduler_call {
    enum scheduler_call_kind kind;
    struct framework_id framework; /* empty: not given */
    union {
        struct {
            struct framework_info info;
            const struct text *suppressed_roles;
            size_t suppressed_role_count;
            const struct role_constraints *constraints; /* of several roles, each once */
            size_t constraint_count;
        } subscribe; /* UPDATE_FRAMEWORK too */
        struct {
            const struct offer_id *offers; /* ACCEPT, DECLINE and both for inverse offers */
            size_t offer_count;
            const struct operation *operations;
            size_t operation_count;
            /* The table that all resources of the operations are numbered in; NULL: the receiver's.
             * A call that reserves may name what nobody has yet, so it brings a table of its own,
             * and only what is carried out is learned. */
            struct kinds *kinds;
            bool has_refuse_seconds;
            double refuse_seconds;
        } accept;
        struct {
            const struct text *roles; /* none: all of the framework's */
            size_t role_count;
        } roles; /* REVIVE, SUPPRESS */
        struct {
            struct task_id task;
            struct agent_id agent;
            bool has_grace;
            int64_t grace_ns;
        } kill;
        struct {
            struct executor_id executor;
            struct agent_id agent;
        } shutdown;
        struct {
            struct agent_id agent;
            struct task_id task;
            struct text uuid; /* as sent; 16 bytes when it is right */
        } acknowledge;
        struct {
            const struct task_reference *tasks; /* none: implicit */
            size_t task_count;
        } reconcile;
        struct {
            struct agent_id agent;
            struct executor_id executor;
            struct text data;
        } message;
        struct {
            const struct resource_request *requests;
            size_t request_count;
        } request;
        struct {
            const struct operation_reference *operations; /* none: implicit */
            size_t operation_count;
        } reconcile_operations;
    };
};

/* The numbers of mesos.v1.scheduler.Event.Type. */
enum scheduler_event_kind {
    SCHEDULER_EVENT_SUBSCRIBED = 1,
    SCHEDULER_EVENT_OFFERS = 2,
    SCHEDULER_EVENT_RESCIND = 3,
    SCHEDULER_EVENT_UPDATE = 4,
    SCHEDULER_EVENT_MESSAGE = 5,
    SCHEDULER_EVENT_FAILURE = 6,
    SCHEDULER_EVENT_ERROR = 7,
    SCHEDULER_EVENT_HEARTBEAT = 8,
    SCHEDULER_EVENT_INVERSE_OFFERS = 9,
    SCHEDULER_EVENT_RESCIND_INVERSE_OFFER = 10,
    SCHEDULER_EVENT_UPDATE_OPERATION_STATUS = 11,
    SCHEDULER_EVENT_REQUEST_STATUS = 1000, /* ours, as is the next */
    SCHEDULER_EVENT_CALL_REFUSED = 1001,
};

/* One offer as a framework sees it. */
struct offered {
    struct offer_id id;
    struct framework_id framework;
    struct agent_id agent;
    struct text hostname;
    struct text ip; /* of the agent's port, for the offer's url */
    uint16_t port;
    struct text role;
    const struct resources *resources;
    struct text attributes; /* as in struct agent_info, and so are these two */
    struct text region, zone;
    const struct executor_id *executors; /* the framework's on that agent */
    size_t executor_count;
    const struct unavailability *unavailability; /* NULL: none is planned */
};

/* An agent that will be away, to a framework that uses it. */
struct inverse_offered {
    struct offer_id id;
    struct framework_id framework;
    struct agent_id agent;
    struct text hostname;
    struct text ip;
    uint16_t port;
    struct unavailability unavailability;
};

struct master_info {
    struct text id;
    struct text hostname;
    struct text ip;
    uint16_t port;
    struct text version;
    struct text region, zone; /* empty: none */
};

struct scheduler_event {
    enum scheduler_event_kind kind;
    /* Of the receiving framework: decides whether offers carry allocation_info (MULTI_ROLE) and in
     * which format reservations are written (RESERVATION_REFINEMENT). */
    uint32_t capabilities;
    union {
        struct {
            struct framework_id framework;
            double heartbeat_seconds;
            struct master_info master;
        } subscribed;
        struct {
            const struct offered *offers;
            size_t offer_count;
        } offers;
        struct {
            const struct inverse_offered *offers;
            size_t offer_count;
        } inverse_offers;
        struct offer_id rescind; /* RESCIND_INVERSE_OFFER too */
        struct task_status update;
        struct {
            struct agent_id agent;
            struct executor_id executor;
            struct text data;
        } message;
        struct {
            struct agent_id agent;       /* empty: not given */
            struct executor_id executor; /* empty: the whole agent is gone */
            bool has_status;
            int32_t status; /* raw wait status */
        } failure;
        struct operation_status operation;
        /* To whom uses our fields of Request only: no agent could ever hold it, or one could again
         * (is_feasible). */
        struct {
            struct text name, role;
            bool is_feasible;
            struct text message;     /* with the nearest agent and what it lacks */
            struct agent_id nearest; /* empty: there are no agents */
        } request_status;
        /* An UPDATE_FRAMEWORK that changed nothing. */
        struct {
            struct text call;
            int status; /* as HTTP has it: 400, 403 */
            struct text message;
        } call_refused;
        struct text error;
    };
};
