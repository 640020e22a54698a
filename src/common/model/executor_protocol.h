/*
 * What an executor says to its agent and hears from it: mesos.v1.executor.Call and Event as
 * borrowed values.
 */
#pragma once

#include "common/model/task_info.h"
#include "common/model/task_status.h"

/* The numbers of mesos.v1.executor.Call.Type. */
enum executor_call_kind {
    EXECUTOR_CALL_UNKNOWN = 0,
    EXECUTOR_CALL_SUBSCRIBE = 1,
    EXECUTOR_CALL_UPDATE = 2,
    EXECUTOR_CALL_MESSAGE = 3,
    EXECUTOR_CALL_HEARTBEAT = 4,
};

struct executor_call {
    enum executor_call_kind kind;
    struct executor_id executor;
    struct framework_id framework;
    union {
        struct {
            const struct task_info *tasks; /* not yet acknowledged to it */
            size_t task_count;
            const struct task_status *updates;
            size_t update_count;
        } subscribe;
        struct task_status update;
        struct text message;
    };
};

/* The numbers of mesos.v1.executor.Event.Type. */
enum executor_event_kind {
    EXECUTOR_EVENT_SUBSCRIBED = 1,
    EXECUTOR_EVENT_LAUNCH = 2,
    EXECUTOR_EVENT_KILL = 3,
    EXECUTOR_EVENT_ACKNOWLEDGED = 4,
    EXECUTOR_EVENT_MESSAGE = 5,
    EXECUTOR_EVENT_ERROR = 6,
    EXECUTOR_EVENT_SHUTDOWN = 7,
    EXECUTOR_EVENT_LAUNCH_GROUP = 8,
    EXECUTOR_EVENT_HEARTBEAT = 9,
};

struct executor_event {
    enum executor_event_kind kind;
    union {
        struct {
            struct text executor_info;  /* encoded mesos.v1.ExecutorInfo */
            struct text framework_info; /* encoded mesos.v1.FrameworkInfo */
            struct text agent_info;     /* encoded mesos.v1.AgentInfo */
            struct container_id container;
        } subscribed;
        struct text launch; /* encoded mesos.v1.TaskInfo */
        struct {
            struct task_id task;
            bool has_grace;
            int64_t grace_ns;
        } kill;
        struct {
            struct task_id task;
            struct uuid uuid;
        } acknowledged;
        struct text message;
        struct text error;
    };
};
