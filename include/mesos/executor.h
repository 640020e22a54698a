/*
 * The executor driver: what a custom executor links to get tasks from its agent and to say how they
 * fare.
 *
 * It finds the agent by its environment (MESOS_AGENT_ENDPOINT, MESOS_FRAMEWORK_ID,
 * MESOS_EXECUTOR_ID, MESOS_CHECKPOINT, MESOS_RECOVERY_TIMEOUT,
 * MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD). When the connection is lost and the framework checkpoints
 * (MESOS_CHECKPOINT=1), it looks for the agent until the recovery timeout and hands it what it may
 * have missed: tasks and updates not yet acknowledged. After that, or without checkpointing at
 * once, it calls shutdown.
 *
 * After shutdown was called the executor has the grace period to end its tasks, to say so, and to
 * call stop; a process that is still there then is killed, and its process group with it if it
 * leads one.
 *
 * Threads, ownership, return values and the two ways to be driven are those of mesos/scheduler.h.
 *
 * The fate of a call: send_status_update is kept and sent again after a reconnection, under the
 * same uuid, until the agent has acknowledged it (at most MESOS_EXECUTOR_UPDATES_LIMIT wait; the
 * call then returns DRIVER_ABORTED with the driver aborted, for such an executor has lost its
 * mind). send_framework_message is sent at most once, and dropped while not registered.
 */
#pragma once

#include "mesos/mesos.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mesos_executor_driver;

enum { MESOS_EXECUTOR_UPDATES_LIMIT = 100000 };

/* Any callback may be NULL; so may all behind `size`. */
struct mesos_executor_callbacks {
    size_t size; /* sizeof(struct mesos_executor_callbacks) */
    void *user;  /* the first argument of every callback */

    /* Subscribed for the first time. */
    void (*registered)(void *user, struct mesos_executor_driver *driver,
                       const Mesos__V1__ExecutorInfo *executor,
                       const Mesos__V1__FrameworkInfo *framework,
                       const Mesos__V1__AgentInfo *agent);
    void (*reregistered)(void *user, struct mesos_executor_driver *driver,
                         const Mesos__V1__AgentInfo *agent);
    void (*disconnected)(void *user, struct mesos_executor_driver *driver);
    /* Must not take long: run the task elsewhere. A task group comes as its tasks, one by one. */
    void (*launch_task)(void *user, struct mesos_executor_driver *driver,
                        const Mesos__V1__TaskInfo *task);
    /* `policy` may be NULL: the task's own. */
    void (*kill_task)(void *user, struct mesos_executor_driver *driver,
                      const Mesos__V1__TaskID *task_id, const Mesos__V1__KillPolicy *policy);
    void (*framework_message)(void *user, struct mesos_executor_driver *driver, const void *data,
                              size_t size);
    /* End all tasks, say so, call stop. Once. */
    void (*shutdown)(void *user, struct mesos_executor_driver *driver);
    /* The agent will not have this executor: the driver is aborted already. */
    void (*error)(void *user, struct mesos_executor_driver *driver, const char *message);
};

/* What is NULL or 0 comes from the environment. */
struct mesos_executor_options {
    size_t size;       /* sizeof(struct mesos_executor_options) */
    const char *agent; /* "host:port" */
    const char *framework_id;
    const char *executor_id;
    int checkpoint; /* 1 yes, -1 no */
    int64_t recovery_timeout_ms;
    int64_t shutdown_grace_ms;
    bool keep_process; /* at the end of the grace period abort the driver, kill nothing */
};

/* `options` may be NULL. NULL and *error (may be NULL) when something needed is missing or wrong.
 */
MESOS_API struct mesos_executor_driver *mesos_executor_driver_new(
    const struct mesos_executor_callbacks *callbacks, const struct mesos_executor_options *options,
    struct mesos_error *error);
/* A running driver is aborted and joined first. Never out of a callback. Takes NULL. */
MESOS_API void mesos_executor_driver_free(struct mesos_executor_driver *driver);

MESOS_API Mesos__V1__Status mesos_executor_driver_start(struct mesos_executor_driver *driver);
/* Waits for the end of the driver. Out of a callback it returns at once. */
MESOS_API Mesos__V1__Status mesos_executor_driver_join(struct mesos_executor_driver *driver);
MESOS_API Mesos__V1__Status mesos_executor_driver_run(struct mesos_executor_driver *driver);

MESOS_API int mesos_executor_driver_fd(struct mesos_executor_driver *driver);
MESOS_API int64_t mesos_executor_driver_deadline_ms(struct mesos_executor_driver *driver);
MESOS_API Mesos__V1__Status mesos_executor_driver_process(struct mesos_executor_driver *driver);

/* Ends when the agent has acknowledged every update, at most 5 s later. */
MESOS_API Mesos__V1__Status mesos_executor_driver_stop(struct mesos_executor_driver *driver);
/* Ends at once; what is not acknowledged is lost. */
MESOS_API Mesos__V1__Status mesos_executor_driver_abort(struct mesos_executor_driver *driver);

/* Task id and state are needed. The driver sets the executor id, uuid, source and, unless it is
 * there, the time. TASK_STAGING is not an executor's to say: the driver aborts. */
MESOS_API Mesos__V1__Status mesos_executor_driver_send_status_update(
    struct mesos_executor_driver *driver, const Mesos__V1__TaskStatus *status);
MESOS_API Mesos__V1__Status mesos_executor_driver_send_framework_message(
    struct mesos_executor_driver *driver, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
