/*
 * Reading the master's state, for the API, the web UI and the tests' checkers: borrowed views that
 * hold until the next step. Nothing here changes anything.
 */
#pragma once

#include "allocator/allocator.h"
#include "master/core/master.h"

struct agent_view {
    const struct agent_info *info; /* with its id */
    bool connected;
    bool active;
    bool unreachable;                       /* then only info, drain and the times hold */
    bool recovered;                         /* of the registry, not back yet: info->encoded */
    int64_t registered_ns, reregistered_ns; /* wall clock; 0: never */
    int64_t unreachable_ns;
    struct agent_drain drain;
    const struct resources *total;
    const struct resources *used;    /* by tasks and executors */
    const struct resources *offered; /* in offers that are out */
};

/* A status of which only this is known: it went to an earlier master. */
struct task_past {
    enum task_state state;
    int64_t time_ns; /* wall clock */
};

enum { TASK_PASTS_LIMIT = 2 };

struct task_view {
    struct framework_id framework;
    struct task_id id;
    struct text name;
    struct agent_id agent;
    struct executor_id executor; /* empty: a command task */
    struct text role;
    const struct resources *resources;
    enum task_state state; /* the newest */
    enum task_state
        status_state; /* of the update that waits for its acknowledgement, or the last one */
    bool is_unreachable, is_completed;
    struct task_past past[TASK_PASTS_LIMIT]; /* before the statuses, oldest first */
    size_t past_count;
    /* All statuses kept: of consecutive equal states only the latest. With termination, for the
     * history. */
    const struct task_status *statuses;
    size_t status_count;
    struct text info; /* encoded mesos.v1.TaskInfo; empty when only the id is known */
};

struct framework_view {
    struct framework_id id;
    const struct framework_info *info;
    bool connected, active, recovered, completed;
    int64_t registered_ns, reregistered_ns, unregistered_ns;
    const struct resources *used;
    const struct resources *offered;
    size_t task_count; /* that are not terminal */
};

struct offer_view {
    struct offer_id id;
    struct framework_id framework;
    struct text framework_name;
    struct agent_id agent;
    struct text hostname; /* of the agent */
    struct text role;
    const struct resources *resources;
    int64_t made_ms, deadline_ms; /* monotonic; INT64_MAX: never */
};

struct executor_view {
    struct framework_id framework;
    struct executor_id id;
    struct agent_id agent;
    struct text role;
    const struct resources *resources;
    struct text info; /* encoded mesos.v1.ExecutorInfo */
};

struct role_view {
    struct text path;
    int64_t weight_milli; /* 1000 unless an operator said */
    const struct quota_line *quota;
    size_t quota_count;
    /* With all below it; of no meaning from master_each_setting. */
    const struct resources *held; /* allocated and offered; shared and exclusive ones each copy */
    const struct quantities *allocated, *offered, *reserved;
    const struct quantities *consumed; /* of quota, offers aside */
    const struct text *frameworks;     /* ids of those that subscribe to this very role */
    size_t framework_count;
};

/* Each role with frameworks, a weight, a quota or reservations, and those above, by path. Of very
 * many (role_cut.h) the deepest are left out: returns how many. */
size_t master_each_role(const struct master *master,
                        void (*fn)(void *self, const struct role_view *view), void *self);
/* Each that an operator gave a weight or a quota, likewise. */
void master_each_setting(const struct master *master,
                         void (*fn)(void *self, const struct role_view *view), void *self);

/* How a role and all below it stand, for metrics. */
struct role_figures {
    struct text path;
    const struct quota_line *quota;
    size_t quota_count;
    const struct quantities *held;     /* offered or allocated */
    const struct quantities *consumed; /* of quota, offers included */
    int64_t share;                     /* the dominant one, of MESOS_ALLOCATOR_SHARE_ONE */
};
/* Roles with frameworks, a weight or a quota, and those above, by path: the first of them, at most
 * MASTER_FIGURES_LIMIT. */
enum { MASTER_FIGURES_LIMIT = 256 };
void master_each_figures(const struct master *master,
                         void (*fn)(void *self, const struct role_figures *figures), void *self);
struct text master_name_text(const struct master *master, uint32_t name); /* of a resource */

/* Each calls fn for everything there is, in order of appearance. fn must not step the master. */
void master_each_agent(const struct master *master,
                       void (*fn)(void *self, const struct agent_view *view), void *self);
void master_each_framework(const struct master *master,
                           void (*fn)(void *self, const struct framework_view *view), void *self);
/* Tasks of one framework (NULL: of all): active, unreachable and completed ones. */
void master_each_task(const struct master *master, const struct framework_id *framework,
                      void (*fn)(void *self, const struct task_view *view), void *self);
void master_each_offer(const struct master *master,
                       void (*fn)(void *self, const struct offer_view *view), void *self);
void master_each_executor(const struct master *master,
                          void (*fn)(void *self, const struct executor_view *view), void *self);

/* What a framework answered to the inverse offers of an agent. */
struct inverse_view {
    struct framework_id framework;
    enum inverse_answer answer;
    int64_t answered_ns; /* wall clock; INVERSE_UNKNOWN: asked */
};
struct machine_view {
    struct machine_id id;
    uint32_t window; /* those of one window follow each other */
    struct unavailability unavailability;
    bool is_down;
    const struct inverse_view *answers;
    size_t answer_count;
};
/* The maintenance schedule, in its order. */
void master_each_machine(const struct master *master,
                         void (*fn)(void *self, const struct machine_view *view), void *self);

/* How much there is of everything, for metrics. */
struct master_counts {
    size_t agents_connected, agents_disconnected, agents_unreachable;
    size_t agents_active, agents_inactive; /* offered, and not (those that are away too) */
    size_t frameworks_connected, frameworks_disconnected, frameworks_completed;
    size_t tasks_active, offers;
    uint64_t tasks_by_state[TASK_STATE_COUNT]; /* how many ever reached it, as counters */
    uint64_t messages_invalid;
    uint64_t removals_waited, removals_done, removals_cancelled; /* of agents: removal.h */
    int64_t started_ns;
};
struct master_counts master_count(const struct master *master);

/* Checks what must hold after every step: on each agent offered + used + free = total, no resource
 * twice, indexes agree. False with what is broken in *why. For tests and the simulator; slow. */
bool master_check(const struct master *master, struct error *why);
