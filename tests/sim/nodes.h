/*
 * The nodes of the world: real cores, each with a shell that is as thin as the real one and lives
 * on virtual time. A process that crashes loses its core, its connections and what it had not
 * stored.
 */
#pragma once

#include "agent/core/agent.h"
#include "lib/core/executor.h"
#include "lib/core/scheduler.h"
#include "master/core/master.h"
#include "master/core/master_view.h"
#include "tests/sim/drive.h"
#include "tests/sim/held_effects.h"
#include "tests/sim/machine.h"

/* --- the master --- */

struct master_node {
    struct process process;
    struct drive disk;
    struct master *core;
    struct kinds *kinds;
    struct arena *arena;
    struct master_outbox outbox;
    struct map ends; /* connection id -> struct end */
    uint64_t last_connection;
    struct held_effects held;
    int64_t reregister_timeout_ms;
    struct quota_watch *quota_watch;
    struct candidate *candidate; /* of several; then a life of the process is a term of office */
};

struct master_node *master_node_new(struct world *world, const char *name);
void master_node_free(struct master_node *node);
void master_node_start(struct master_node *node);
void master_node_crash(struct master_node *node);
/* For its candidate: a term begins with what the registry has (key -> struct buf), hears what is
 * stored, and ends with all connections. */
void master_node_begin_term(struct master_node *node, const struct map *content);
void master_node_stored(struct master_node *node, uint64_t ticket);
void master_node_end_term(struct master_node *node);
/* Sets the times of the event and carries out what comes of it. */
void master_node_feed(struct master_node *node, struct master_event *event);

/* --- agents --- */

struct agent_node {
    struct process process;
    struct drive disk;
    struct machine machine;
    struct agent *core;
    struct kinds *kinds;
    struct arena *arena;
    struct agent_outbox outbox;
    struct end *master_end; /* dialing or up */
    struct finder *finder;  /* of several masters; NULL: it has a list of them */
    size_t next_master, redirects;
    bool is_waiting; /* for a leader, to dial it */
    bool is_connected;
    bool is_recovered; /* every container was heard of */
    bool has_left;     /* for good */
    char id[100];      /* that it was given; "": none yet */
    char boot_id[32];
    unsigned boots;
    bool has_stopped; /* by its own STOP */
    struct map ends;  /* executors: connection id -> struct end */
    uint64_t last_connection;
    struct held_effects held;
    int64_t cpu_milli, mem_milli;
    struct map volumes;     /* path of a volume's directory -> the node: what is on the disk */
    struct buf last_update; /* for MUTATION_REPEAT_UPDATE */
    int mutations_done;
};

struct agent_node *agent_node_new(struct world *world, size_t number);
void agent_node_free(struct agent_node *node);
void agent_node_start(struct agent_node *node);
void agent_node_crash(struct agent_node *node);
/* The machine with all that runs on it is gone, and nobody is told. */
void agent_node_leave(struct agent_node *node);
/* It crashes, and all that runs with it. */
void agent_node_reboot(struct agent_node *node);
void agent_node_tell(struct agent_node *node, struct agent_event event);

/* --- executors --- */

struct executor_node {
    struct process process;
    struct container *container;
    struct executor *core;
    struct driver_outbox outbox;
    struct end *end;
    VEC_OF(struct executor_task *) tasks;
    bool has_ended;
};

struct executor_node *executor_node_new(struct container *container);
void executor_node_free(struct executor_node *node);
void executor_node_end(struct executor_node *node); /* its process is gone */

/* --- frameworks --- */

enum slot_state { SLOT_WANTED, SLOT_LAUNCHED, SLOT_DONE };

/* One thing that a framework wants done; each attempt is a task with an id of its own. */
struct slot {
    enum slot_state state;
    unsigned attempt;
    char agent[100];
    int last_state; /* -1: nothing heard */
    bool kill_wanted, in_executor, wants_port;
    int64_t cpu_milli, mem_milli, duration_ms;
};

/* Some tasks must not go on for long without a master (TASK_LABEL_STOP_AFTER). */
static inline bool slot_is_bound(int64_t duration_ms) {
    return duration_ms % 5 == 3;
}

struct workload_options {
    size_t tasks;
    bool in_executor, explicit_acks, partition_aware, multi_role, checkpoint;
    int64_t duration_ms, failover_timeout_ms;
    bool declares_demand; /* by REQUEST */
    bool keeps_volume;    /* needs a role */
    const char *role;     /* NULL: "blue" with multi_role, else none */
};

enum keeper_state { KEEPER_HAS_NONE, KEEPER_HAS_ASKED, KEEPER_HAS_IT };

struct keeper {
    enum keeper_state state;
    unsigned attempt; /* each volume has a name of its own */
    char hostname[64], agent[100];
};

struct workload {
    struct world *world;
    char name[32];
    struct workload_options options;
    char id[100]; /* "" before it is registered */
    VEC_OF(struct slot) slots;
    VEC_OF(struct scheduler_node *) nodes; /* the last is the one that counts */
    bool is_suppressed, is_leaving, is_over;
    uint64_t channels_opened, channels_ended, last_channel;
    uint64_t messages_sent;
    int64_t heard_ms;    /* when its scheduler last heard the leader */
    bool may_be_removed; /* it was silent for about its failover timeout */
    uint64_t round;
    struct keeper keeper;
    struct finder *finder; /* as an agent's */
};

struct scheduler_node {
    struct process process;
    struct workload *workload;
    struct scheduler *core;
    struct driver_outbox outbox;
    struct end *end;
    bool is_registered, is_feeding;
    VEC_OF(struct late_acknowledgement *) late; /* all that ever were */
    VEC_OF(struct queued_call)
    queue; /* calls made by callbacks: they wait for the end of the step */
};

struct late_acknowledgement {
    struct scheduler_node *node;
    Mesos__V1__TaskStatus *status;
};

struct queued_call {
    int type;
    struct buf bytes;
};

struct workload *workload_new(struct world *world, const struct workload_options *options);
void workload_free(struct workload *workload);
void workload_start(
    struct workload *workload); /* a new scheduler process; the old one may live on */
void workload_crash(struct workload *workload);
bool workload_has_all(const struct workload *workload);
void workload_leave(struct workload *workload); /* stops without failover */
void workload_kill(struct workload *workload, size_t slot);
void workload_suppress(struct workload *workload, bool suppress);
void workload_reconcile(struct workload *workload, bool explicit_tasks);
void workload_read_output(struct workload *workload, size_t slot);
void workload_message(struct workload *workload, size_t slot);
struct scheduler_node *workload_node(const struct workload *workload);

/* Between a workload and its node. */
void workload_callback(struct workload *workload, struct scheduler_node *node,
                       const struct driver_callback *callback);
void workload_ended(struct workload *workload, struct scheduler_node *node);
/* Another master leads, says the finder. */
void scheduler_node_found(struct scheduler_node *node, const struct master_node *leader);
struct scheduler_node *scheduler_node_new(struct workload *workload, size_t number);
void scheduler_node_free(struct scheduler_node *node);
void scheduler_node_crash(struct scheduler_node *node);
void scheduler_node_feed(struct scheduler_node *node, struct driver_event event);
void scheduler_node_call(struct scheduler_node *node, int type, const ProtobufCMessage *call);
