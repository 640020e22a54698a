/*
 * What agents and masters say to each other (proto/internal/agent.proto) as borrowed values.
 */
#pragma once

#include "common/model/agent_info.h"
#include "common/model/drain.h"
#include "common/model/framework_info.h"
#include "common/model/operation.h"
#include "common/model/task_info.h"
#include "common/model/task_status.h"

enum agent_message_kind {
    AGENT_MESSAGE_REGISTER = 1, /* first on every connection; with an id it is a return */
    AGENT_MESSAGE_UNREGISTER = 2,
    AGENT_MESSAGE_PONG = 3,
    AGENT_MESSAGE_UPDATE = 4,
    AGENT_MESSAGE_EXECUTOR_EXITED = 5,
    AGENT_MESSAGE_FRAMEWORK_MESSAGE = 6,
    AGENT_MESSAGE_RESOURCES = 7, /* its total has changed */
    AGENT_MESSAGE_OPERATION = 8, /* what became of an APPLY */
};

/* A framework with something on the agent. */
struct framework_report {
    struct framework_id id;
    struct text info; /* encoded mesos.v1.FrameworkInfo */
};

/* An executor that runs, for its resources. */
struct executor_report {
    struct framework_id framework;
    struct text info; /* encoded mesos.v1.ExecutorInfo */
    struct executor_id id;
    struct text role; /* whose share it uses; empty: not known */
    const struct resources *resources;
};

/* A task that is not yet terminal or whose last status is not yet acknowledged. */
struct task_report {
    struct framework_id framework;
    struct task_id id;
    struct executor_id executor; /* empty: a command task */
    struct text name;
    struct text role;
    const struct resources *resources;
    enum task_state latest_state; /* the newest the agent knows */
    enum task_state
        sent_state; /* of the status that waits for its acknowledgement, or the last acknowledged */
    bool has_sent_uuid; /* one waits for its acknowledgement */
    struct uuid sent_uuid;
    int64_t running_since_ns; /* wall clock, of its first RUNNING; 0: not known, likewise below */
    int64_t sent_ns;          /* of the status that sent_state is of */
    struct text info;         /* encoded mesos.v1.TaskInfo */
};

struct agent_message {
    enum agent_message_kind kind;
    union {
        struct {
            struct agent_info info;
            const struct framework_report *frameworks;
            size_t framework_count;
            const struct executor_report *executors;
            size_t executor_count;
            const struct task_report *tasks;
            size_t task_count;
        } register_agent;
        /* PONG: not 0 wants a PING that says it again, for then this PONG was heard. */
        int64_t echo_ms;
        struct {
            struct framework_id framework;
            struct task_status status;    /* has its uuid */
            enum task_state latest_state; /* of the newest update behind it */
        } update;
        struct {
            struct framework_id framework;
            struct executor_id executor;
            int32_t status; /* raw wait status */
        } executor_exited;
        struct {
            struct framework_id framework;
            struct executor_id executor;
            struct text data;
        } framework_message;
        const struct resources *resources; /* RESOURCES: all, with reservations and volumes */
        struct {
            uint64_t number; /* of the APPLY */
            bool is_applied; /* and stored: it survives a crash of the agent */
            struct text why; /* when it is not */
        } operation;
    };
};

struct task_key {
    struct framework_id framework;
    struct task_id task;
};

enum master_message_kind {
    MASTER_MESSAGE_REGISTERED = 1,
    MASTER_MESSAGE_REFUSED = 2, /* and why; the agent stops or tries again as it says */
    MASTER_MESSAGE_PING = 3,
    MASTER_MESSAGE_RUN_TASK = 4,
    MASTER_MESSAGE_KILL_TASK = 5,
    MASTER_MESSAGE_ACKNOWLEDGE = 6,
    MASTER_MESSAGE_SHUTDOWN_FRAMEWORK = 7,
    MASTER_MESSAGE_SHUTDOWN_EXECUTOR = 8,
    MASTER_MESSAGE_FRAMEWORK_MESSAGE = 9,
    MASTER_MESSAGE_UPDATE_FRAMEWORK = 10,
    MASTER_MESSAGE_RECONCILE = 11, /* the master knows these tasks; say what you do not */
    /* RESERVE, CREATE and so on: `from` becomes `to` in the agent's total. Applied in the order of
     * the connection, before the RUN_TASKs behind it, and answered by OPERATION. One that cannot be
     * applied changes nothing; then the agent also sends RESOURCES, the truth. */
    MASTER_MESSAGE_APPLY = 12,
    MASTER_MESSAGE_DRAIN = 13, /* end all tasks and take no more until they have ended */
};

struct master_message {
    enum master_message_kind kind;
    union {
        struct {
            struct agent_id agent;
            int64_t
                ping_timeout_ms; /* silence of the master after which the agent looks for it anew */
        } registered;
        struct {
            struct text reason;
            bool stop;       /* never try again with this id */
            bool kill_tasks; /* and end all there is: nobody will hear of it */
        } refused;
        int64_t echo_ms; /* PING: not 0 answers a PONG, and wants none */
        struct {
            struct framework_id framework;
            struct text framework_info; /* encoded */
            struct task_info task;
            struct text role;
        } run_task;
        struct {
            struct framework_id framework;
            struct task_id task;
            bool has_grace;
            int64_t grace_ns;
            bool by_operator;
        } kill_task;
        struct {
            struct framework_id framework;
            struct task_id task;
            struct uuid uuid;
        } acknowledge;
        struct framework_id shutdown_framework;
        struct {
            struct framework_id framework;
            struct executor_id executor;
            struct text data; /* FRAMEWORK_MESSAGE only */
        } executor;           /* SHUTDOWN_EXECUTOR, FRAMEWORK_MESSAGE */
        struct framework_report update_framework;
        struct {
            const struct task_key *tasks;
            size_t task_count;
        } reconcile;
        struct {
            uint64_t number; /* of the connection, from 1 */
            enum operation_kind kind;
            const struct resources *from, *to;
        } apply;
        struct drain_terms drain;
    };
};
