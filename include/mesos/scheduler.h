/*
 * The scheduler driver: what a framework links to take offers, launch tasks and hear of them.
 *
 * It holds one connection to the leading master, looks for it anew when it is lost (first at once,
 * then with doubling pauses of up to 30 s, a random half of each), follows redirects, and
 * resubscribes under the same framework id. Two ways to drive it, one of them a driver:
 *
 *   a thread of its own   start, ... callbacks come on that thread ..., stop or abort, join
 *   the caller's loop     poll fd until deadline_ms, call process; callbacks come out of process
 *
 * Threads: calls may be made from any thread, also out of callbacks; they never wait, but for join
 * and run. Callbacks are one at a time and must not free the driver. After stop or abort no further
 * callback begins; one that was running in another thread may do so until join returns.
 *
 * Ownership: what callbacks are given is lent until they return (MESOS_COPY keeps it); what calls
 * are given is copied before they return.
 *
 * Calls return the driver's state as it is after them: DRIVER_RUNNING means taken, anything else
 * that the call did nothing.
 *
 * The fate of a call that was taken:
 *
 * accept_offers, launch_tasks: sent at most once. While not registered: not sent, and every task it
 * would have launched gets a status update TASK_LOST (TASK_DROPPED for PARTITION_AWARE frameworks)
 * with REASON_MASTER_DISCONNECTED and without a uuid. When the connection is lost just after it,
 * whether the master had it is not known: reconcile_tasks and reconcile_operations tell.
 *
 * decline_offer, accept_inverse_offers, decline_inverse_offers, send_framework_message: sent at
 * most once. While not registered: dropped, for offers do not outlive their connection.
 *
 * request_resources, revive_offers, suppress_offers, update_framework, update: sent, and
 * remembered: what was last wished holds after every reregistration.
 *
 * kill_task, shutdown_executor, acknowledge_status_update, reconcile_tasks, reconcile_operations:
 * sent when registered, kept until then in their order, at most MESOS_SCHEDULER_KEPT_LIMIT of them;
 * one more is dropped. One that was on the way when the connection was lost is not repeated:
 * updates and kills are retried by whoever waits.
 *
 * read_output, cancel_output: see mesos/output.h.
 *
 * A call that is dropped is told to the call_dropped callback, if there is one.
 */
#pragma once

#include "mesos/mesos.h"
#include "mesos/output.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mesos_scheduler_driver;

enum {
    MESOS_SCHEDULER_KEPT_LIMIT = 100000,
    MESOS_CALL_LIMIT_BYTES = 8 << 20, /* of one call, encoded; a larger one is dropped */
};

/* Why a call was dropped. */
enum mesos_call_drop {
    MESOS_CALL_DISCONNECTED = 1, /* its fate while not registered */
    MESOS_CALL_QUEUE_FULL = 2,
    MESOS_CALL_TOO_LARGE = 3,
    MESOS_CALL_INVALID = 4, /* a message with a required field missing, or text that is no UTF-8 */
};

/* What the master says of a request. */
struct mesos_request_status {
    size_t size;      /* sizeof(struct mesos_request_status) in the library */
    const char *name; /* of the request; "": it has none, as with the next */
    const char *role;
    bool feasible;
    const char *message; /* a line for people: what is lacking, and where it lacks least */
    const Mesos__V1__AgentID *nearest; /* NULL: there is none */
};

/*
 * Any callback may be NULL; so may all behind `size`. Lists are arrays of `count` pointers.
 */
struct mesos_scheduler_callbacks {
    size_t size; /* sizeof(struct mesos_scheduler_callbacks) */
    void *user;  /* the first argument of every callback */

    /* Subscribed for the first time, with the id to use from now on. */
    void (*registered)(void *user, struct mesos_scheduler_driver *driver,
                       const Mesos__V1__FrameworkID *framework_id,
                       const Mesos__V1__MasterInfo *master);
    /* Subscribed again: offers of before are void, tasks may have changed meanwhile. */
    void (*reregistered)(void *user, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__MasterInfo *master);
    /* The connection was lost; the driver is looking for a master. */
    void (*disconnected)(void *user, struct mesos_scheduler_driver *driver);

    void (*resource_offers)(void *user, struct mesos_scheduler_driver *driver,
                            Mesos__V1__Offer *const *offers, size_t count);
    void (*offer_rescinded)(void *user, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__OfferID *offer_id);
    void (*inverse_offers)(void *user, struct mesos_scheduler_driver *driver,
                           Mesos__V1__InverseOffer *const *offers, size_t count);
    void (*inverse_offer_rescinded)(void *user, struct mesos_scheduler_driver *driver,
                                    const Mesos__V1__OfferID *offer_id);

    /* May tell the same update again (same uuid) until it is acknowledged, and be told again after
     * a reconnection. With implicit acknowledgements it is acknowledged when the callback returns.
     */
    void (*status_update)(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__TaskStatus *status);
    void (*framework_message)(void *user, struct mesos_scheduler_driver *driver,
                              const Mesos__V1__ExecutorID *executor_id,
                              const Mesos__V1__AgentID *agent_id, const void *data, size_t size);
    void (*agent_lost)(void *user, struct mesos_scheduler_driver *driver,
                       const Mesos__V1__AgentID *agent_id);
    /* `status` as waitpid(2) gives it, -1 when it is not known. */
    void (*executor_lost)(void *user, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__ExecutorID *executor_id,
                          const Mesos__V1__AgentID *agent_id, int status);
    /* The master will not have this framework (any more): the driver is aborted already. */
    void (*error)(void *user, struct mesos_scheduler_driver *driver, const char *message);

    /* A piece or the end of a stream asked for with read_output. */
    void (*output)(void *user, struct mesos_scheduler_driver *driver,
                   const struct mesos_output *output);
    /* `call` names it ("DECLINE"); one of each, in order. */
    void (*call_dropped)(void *user, struct mesos_scheduler_driver *driver, const char *call,
                         enum mesos_call_drop why);
    /* One attempt to reach a master failed, and why; the driver tries on by itself. */
    void (*connect_failed)(void *user, struct mesos_scheduler_driver *driver, const char *why);
    /* Of a request that has a name, a role, a count or constraints: it was refused, or no agent
     * could ever hold it; or, after that, an agent now could. */
    void (*request_status)(void *user, struct mesos_scheduler_driver *driver,
                           const struct mesos_request_status *status);
    /* What became of an operation on resources (RESERVE, CREATE and so on) that was given an id.
     * Needs no acknowledgement; one that was missed is asked for with reconcile_operations. */
    void (*operation_status)(void *user, struct mesos_scheduler_driver *driver,
                             const Mesos__V1__OperationStatus *status);
    /* The master would not do this and changed nothing; `call` names it: "UPDATE_FRAMEWORK". After
     * an update the driver still subscribes anew with what was wished, so wish something else. */
    void (*call_refused)(void *user, struct mesos_scheduler_driver *driver, const char *call,
                         const char *message);
};

struct mesos_scheduler_options {
    size_t size; /* sizeof(struct mesos_scheduler_options) */
    /* "host:port", or a list of masters, "h1:5050,h2:5050"; a missing port is 5050. Or where the
     * masters elect their leader, "zk://[user:password@]h1:2181,h2:2181/mesos", or "file:///path"
     * of a file that has this. */
    const char *master;
    /* With an id: this process takes the framework over (failover). A failover_timeout that is not
     * set is a week. */
    const Mesos__V1__FrameworkInfo *framework;
    /* Updates are acknowledged by acknowledge_status_update alone, not when status_update returns.
     */
    bool explicit_acknowledgements;
    /* Roles that get no offers from the first subscription on. */
    const char *const *suppressed_roles;
    size_t suppressed_role_count;
    /* Which agents offers may come from, by role; NULL: all. */
    const Mesos__V1__Scheduler__OfferConstraints *offer_constraints;
};

/* NULL and *error (may be NULL) when an option makes no sense. Copies options and callbacks. */
MESOS_API struct mesos_scheduler_driver *mesos_scheduler_driver_new(
    const struct mesos_scheduler_callbacks *callbacks,
    const struct mesos_scheduler_options *options, struct mesos_error *error);
/* A running driver is aborted and joined first, which leaves the framework to its failover timeout.
 * Never out of a callback. Takes NULL. */
MESOS_API void mesos_scheduler_driver_free(struct mesos_scheduler_driver *driver);

/* --- a thread of its own --- */

MESOS_API Mesos__V1__Status mesos_scheduler_driver_start(struct mesos_scheduler_driver *driver);
/* Waits until the driver has stopped or aborted and all it still had to send is sent, at most some
 * 20 s after that (see stop). Out of a callback it returns at once. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_join(struct mesos_scheduler_driver *driver);
/* start, then join. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_run(struct mesos_scheduler_driver *driver);

/* --- the caller's loop: these three on one thread, instead of start --- */

/* Readable when there is work for process; the driver owns it. The first call starts the driver. -1
 * when it was started with a thread. */
MESOS_API int mesos_scheduler_driver_fd(struct mesos_scheduler_driver *driver);
/* When process is due even so, in ms of CLOCK_MONOTONIC; INT64_MAX: not. */
MESOS_API int64_t mesos_scheduler_driver_deadline_ms(struct mesos_scheduler_driver *driver);
/* Does what is ready, without waiting. join may be called instead to run it to its end. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_process(struct mesos_scheduler_driver *driver);

/* --- the end --- */

/* failover: the framework and its tasks stay for the next process until the failover timeout.
 * Otherwise it is torn down and its tasks are killed; a master that cannot be reached is looked for
 * 20 s long, and one that dies before it has done so is followed by the next: longer than a change
 * of the leader takes. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_stop(struct mesos_scheduler_driver *driver,
                                                        bool failover);
/* Ends at once: nothing is sent any more but what went before; the framework stays for its
 * failover. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_abort(struct mesos_scheduler_driver *driver);

/* --- calls; every filter, policy and agent id may be NULL --- */

/* What the framework wants, so that offers are of the right size and of nothing else. Replaces what
 * was wanted in the roles that the requests name (one that names none is for the framework's only
 * role); count 0: nothing is declared any more, and whole agents are offered. A request of which
 * `count` tasks are wanted loses one with each task that is launched for it: one of its very size,
 * else one that has room in it. Remembered, and sent again with what is left when the driver has
 * reregistered. docs/demand.md has the rules. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_request_resources(
    struct mesos_scheduler_driver *driver, const Mesos__V1__Request *const *requests, size_t count);

struct mesos_accept {
    size_t size;                                /* sizeof(struct mesos_accept) */
    const Mesos__V1__OfferID *const *offer_ids; /* all of one agent */
    size_t offer_count;
    const Mesos__V1__Offer__Operation *const *operations;
    size_t operation_count;
    const Mesos__V1__TaskInfo *const *tasks; /* one LAUNCH of all of them, behind the operations */
    size_t task_count;
    const Mesos__V1__Filters *filters; /* for what is left over */
};

MESOS_API Mesos__V1__Status mesos_scheduler_driver_accept_offers(
    struct mesos_scheduler_driver *driver, const struct mesos_accept *accept);
/* One offer, some tasks: accept_offers for the usual case. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_launch_tasks(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *offer_id,
    const Mesos__V1__TaskInfo *const *tasks, size_t count, const Mesos__V1__Filters *filters);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_decline_offer(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *offer_id,
    const Mesos__V1__Filters *filters);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_accept_inverse_offers(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *const *offer_ids, size_t count,
    const Mesos__V1__Filters *filters);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_decline_inverse_offers(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *const *offer_ids, size_t count,
    const Mesos__V1__Filters *filters);
/* No roles (count 0): all of the framework's. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_revive_offers(
    struct mesos_scheduler_driver *driver, const char *const *roles, size_t count);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_suppress_offers(
    struct mesos_scheduler_driver *driver, const char *const *roles, size_t count);
struct mesos_framework_update {
    size_t size; /* sizeof(struct mesos_framework_update) */
    const Mesos__V1__FrameworkInfo *framework;
    const char *const *suppressed_roles;
    size_t suppressed_role_count;
    const Mesos__V1__Scheduler__OfferConstraints *offer_constraints; /* NULL: none */
};

/* The whole new description, suppressed roles and constraints: what is not given ends. User,
 * principal and checkpoint cannot change. Offers of roles that are left are rescinded. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_update(
    struct mesos_scheduler_driver *driver, const struct mesos_framework_update *update);
/* The same without constraints. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_update_framework(
    struct mesos_scheduler_driver *driver, const Mesos__V1__FrameworkInfo *framework,
    const char *const *suppressed_roles, size_t count);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_kill_task(struct mesos_scheduler_driver *driver,
                                                             const Mesos__V1__TaskID *task_id,
                                                             const Mesos__V1__AgentID *agent_id,
                                                             const Mesos__V1__KillPolicy *policy);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_shutdown_executor(
    struct mesos_scheduler_driver *driver, const Mesos__V1__ExecutorID *executor_id,
    const Mesos__V1__AgentID *agent_id);
/* With explicit acknowledgements only. An update without a uuid needs none: then nothing is sent.
 */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_acknowledge_status_update(
    struct mesos_scheduler_driver *driver, const Mesos__V1__TaskStatus *status);
MESOS_API Mesos__V1__Status mesos_scheduler_driver_send_framework_message(
    struct mesos_scheduler_driver *driver, const Mesos__V1__ExecutorID *executor_id,
    const Mesos__V1__AgentID *agent_id, const void *data, size_t size);
/* Of each status the task id and, if there, the agent id count. None: all tasks of the framework.
 */
MESOS_API Mesos__V1__Status
mesos_scheduler_driver_reconcile_tasks(struct mesos_scheduler_driver *driver,
                                       const Mesos__V1__TaskStatus *const *statuses, size_t count);

/* Of each status the operation id, which must be there, and, if there, the agent id count. None:
 * all operations of the framework that the master remembers. */
MESOS_API Mesos__V1__Status mesos_scheduler_driver_reconcile_operations(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OperationStatus *const *statuses,
    size_t count);

/* --- output (mesos/output.h) --- */

/* The number of the new channel, or 0 when the driver does not run or the request makes no sense.
 * While not registered the channel ends with MESOS_OUTPUT_UNAVAILABLE. */
MESOS_API uint64_t mesos_scheduler_driver_read_output(struct mesos_scheduler_driver *driver,
                                                      const struct mesos_output_request *request);
MESOS_API void mesos_scheduler_driver_cancel_output(struct mesos_scheduler_driver *driver,
                                                    uint64_t channel);

#ifdef __cplusplus
}
#endif
