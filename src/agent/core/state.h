/*
 * What an agent knows, all in one place. The parts around it, one noun a file, are in parts.h.
 *
 * Frameworks own executors and tasks; a task owns the stream of its updates. Containers, executors'
 * connections and ended sandboxes are indexes into them. What an event removes is freed at the next
 * step, so that effects may point to it.
 */
#pragma once

#include "agent/core/agent.h"
#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/rng.h"

enum timer_kind {
    TIMER_CONNECT,        /* agent: the back-off is over */
    TIMER_ANSWER,         /* agent: the master has not answered a registration */
    TIMER_PING,           /* agent: the master has been silent */
    TIMER_RECONNECT,      /* agent: executors had their time to come back */
    TIMER_SANDBOX,        /* agent: the oldest sandbox is due */
    TIMER_PARTITION,      /* agent: a task has been without a master for too long, or to ask */
    TIMER_STATUS_RETRY,   /* task */
    TIMER_KILL,           /* task: its grace is over */
    TIMER_COMPLETION,     /* task: max_completion_time */
    TIMER_EXECUTOR_START, /* executor: it should have subscribed */
    TIMER_EXECUTOR_GRACE, /* executor: it should have gone */
};

struct timer {
    struct heap_node node;
    enum timer_kind kind;
    void *owner;
};

struct framework {
    struct framework_id id;
    struct framework_info info; /* encoded empty: only the name is known */
    struct arena *arena;        /* of the id */
    struct arena *info_arena;
    bool is_stored;
    bool is_stopping;     /* the master removed it: nothing of it is reported any more */
    struct map tasks;     /* task id -> struct task, owned */
    struct map executors; /* executor id -> struct executor, owned */
};

enum executor_state { EXECUTOR_REGISTERING, EXECUTOR_RUNNING, EXECUTOR_TERMINATING };

struct executor {
    struct framework *framework;
    struct arena *arena;
    struct executor_info info;
    struct resources resources;
    struct text role;
    struct container_id container;
    struct text sandbox;
    enum executor_state state;
    struct connection_id connection;
    bool holds; /* its resources are counted as used */
    bool started;
    bool is_awaited;  /* recovered, and nothing heard of its container yet */
    bool must_return; /* recovered, and not subscribed again yet */
    int32_t pid;
    uint64_t start_time;
    uint64_t ticket;   /* of its record */
    struct link tasks; /* struct task.in_executor, in order of arrival */
    size_t queued_count;
    enum task_reason end_reason; /* when the agent ends it: why, for its tasks */
    const char *end_message;
    struct timer start_timer, grace_timer;
};

struct update {
    struct link link;
    uint64_t sequence;
    uint64_t ticket; /* of the store that keeps it; 0: it is not kept */
    struct task_status status;
    char *bytes; /* what status points to */
};

enum { STREAM_SEEN_LIMIT = 32 };

/* The updates of one task on their way to the master: the first is in flight, the others wait. */
struct status_stream {
    struct link updates;
    size_t count;
    uint64_t next_sequence;
    int64_t retry_ms;
    enum task_state sent_state; /* of the last one acknowledged */
    int64_t sent_ns;            /* its time, wall clock; 0: not known */
    struct timer retry;
    struct uuid
        seen[STREAM_SEEN_LIMIT]; /* acknowledged of late, so that an executor's repeats are known */
    size_t seen_count;
};

struct task {
    struct framework *framework;
    struct executor *executor; /* NULL: a command task, or its executor has ended */
    struct link in_executor;
    struct arena *arena;
    struct task_id id;
    struct executor_id executor_id; /* as statuses name it: the task's own for a command task */
    struct task_info info;
    struct text role;
    struct resources resources;
    enum task_state state;         /* the newest, at the tail of its stream */
    struct container_id container; /* of a command task */
    struct text sandbox;
    bool is_unknown; /* only a stream: the answer about a task that is not here */
    bool is_command;
    bool is_delivered; /* its executor has been told */
    bool is_awaited;   /* recovered, and nothing heard of its container yet */
    bool holds;        /* its resources are counted as used */
    bool started;
    bool ended; /* its container is gone, or there will never be one */
    bool kill_wanted;
    struct text killed_by;
    struct text lost_message; /* why its container may be lost; empty: not known */
    int32_t pid;
    uint64_t start_time;
    int64_t launched_ns;      /* wall clock, for people */
    int64_t launched_boot_ms; /* since the machine's boot */
    int64_t latest_ns;        /* wall clock, of its state; 0: not known */
    int64_t running_since_ns; /* likewise, of its first RUNNING */
    int64_t kill_deadline_ms;
    struct link in_bound; /* it must not go on without a master: partition.c */
    int64_t bound_ms;     /* when the master brought it; 0: before a restart */
    uint64_t ticket;      /* of its first record */
    struct status_stream stream;
    struct timer kill_timer, completion_timer;
};

/* One that the master waits for: its directories are being made, or could not be. */
struct operation {
    struct link link;
    uint64_t order;  /* of its MAKE_VOLUMES */
    uint64_t number; /* the master's; 0: its connection is gone */
    struct resources from, to;
    char *why; /* not NULL: it failed, and is undone once nobody uses what came of it */
};

/* A destroyed volume whose content may still be there. */
struct removal {
    struct link link;
    uint64_t order;
    struct resource volume; /* scalar: owns nothing */
    char *path;
    bool is_slow; /* its place is free only when it is removed */
    bool has_failed;
};

/* Whose container it is: one of the two. */
struct container {
    struct task *task;
    struct executor *executor;
};

/* An ended container whose directory is still there. */
struct sandbox {
    struct container_id container;
    struct framework_id framework;
    struct task_id task;
    struct text path;
    int64_t ended_ns;
    uint64_t stdout_rotations, stderr_rotations;
    uint64_t dropped_bytes; /* of its output */
    char *bytes;            /* what the texts point to */
};

/* For views only. */
struct completed_task {
    struct link link;
    struct framework_id framework;
    struct task_id id;
    struct container_id container;
    enum task_state state;
    struct resources resources;
    char *bytes;
};

enum registration_state {
    REGISTRATION_RECOVERING,
    REGISTRATION_WAITING, /* for the back-off */
    REGISTRATION_CONNECTING,
    REGISTRATION_ASKED, /* REGISTER is sent */
    REGISTRATION_DONE,
    REGISTRATION_STOPPED,
};

enum recovery_state { RECOVERY_BEGIN, RECOVERY_CONTAINERS, RECOVERY_EXECUTORS, RECOVERY_DONE };

struct agent {
    struct agent_options options; /* texts live in `arena` */
    struct kinds *kinds;
    struct arena *arena;
    struct rng rng;
    char *id;                    /* NULL: never registered */
    struct resources configured; /* what the machine has without any operation */
    struct resources total;      /* and with those that were applied */
    struct resources used;       /* by tasks that are not terminal, and executors */
    bool total_has_changed;
    bool owes_report;       /* a master that was reached must hear REGISTER */
    bool owes_total;        /* the master must hear of the total when no operation waits */
    uint64_t total_ticket;  /* of the last store of what operations made */
    uint64_t last_order;    /* given to an effect on volumes */
    struct link operations; /* struct operation, owned, in the order of the connection */
    struct link removals;   /* struct removal, owned */
    size_t operation_count, removal_count;

    bool is_draining; /* and then: */
    struct drain_terms drain;
    int64_t drain_deadline_ns; /* wall clock; 0: none */
    char *end_reason;          /* not NULL: when the last container is gone the agent stops */
    bool has_ended;
    bool must_be_empty; /* before it asks a master again: its machine is down */

    struct link bound;        /* struct task.in_bound */
    int64_t lease_ms;         /* a master heard the agent then; boot clock, as the others here */
    int64_t register_sent_ms; /* REGISTER */
    int64_t asked_ms;         /* PONG that wants an answer */
    struct timer partition_timer;

    enum registration_state registration;
    enum recovery_state recovery;
    int64_t backoff_ms;
    int64_t ping_timeout_ms;
    struct timer connect_timer, answer_timer, ping_timer, reconnect_timer, sandbox_timer;
    struct heap timers;

    struct map frameworks;  /* id -> struct framework, owned */
    struct map containers;  /* id -> struct container, owned: those that have not ended */
    struct map connections; /* number -> struct executor */
    struct map sandboxes;   /* container id -> struct sandbox, owned, in order of ending */
    struct link completed;  /* struct completed_task */
    size_t completed_count;
    size_t task_count;
    size_t task_bytes;                         /* of their infos */
    uint64_t tasks_by_state[TASK_STATE_COUNT]; /* ended ones */

    uint64_t last_ticket; /* given */
    uint64_t done_ticket; /* stored */

    /* Of the step that is being made. */
    struct agent_outbox *outbox;
    size_t first_effect;
    int64_t now_ms;
    int64_t wall_ns;
    int64_t suspended_ms;
    VEC_OF(struct store_change) changes;
    struct map change_places; /* key -> its index in changes, plus one */

    /* Removed by the last step, freed by the next. */
    VEC_OF(struct framework *) dead_frameworks;
    VEC_OF(struct executor *) dead_executors;
    VEC_OF(struct task *) dead_tasks;
    VEC_OF(struct update *) dead_updates;
    VEC_OF(struct sandbox *) dead_sandboxes;
    VEC_OF(struct arena *) dead_arenas;
};
