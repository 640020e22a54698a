/*
 * The agent as a pure state machine: registration, frameworks, executors, tasks, status updates.
 * One event goes in with the time, effects come out as values; the shell owns containers, files and
 * sockets.
 *
 * What must be known before it is done is stored first: a launch, a kill, a status before it is
 * sent, an acknowledgement before the next status goes out. An effect with `after` != 0 waits until
 * the STORE with that ticket is done; tickets rise by one and are done in order, so a crash between
 * a store and its effects leaves a record from which recovery goes on.
 *
 * What effects point to lives in the outbox's arena, in the event, or in the agent until its next
 * step.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/vec.h"
#include "common/model/agent_protocol.h"
#include "common/model/connection.h"
#include "common/model/executor_protocol.h"
#include "common/model/records.h"

struct agent;

/* What is only carried stays encoded, but the agent must look into what it runs, also after a
 * restart: these read it (wire/messages.h has them). Pure; what they give lives in the arena and in
 * `bytes`. */
struct agent_codec {
    bool (*read_framework)(struct arena *arena, struct kinds *kinds, struct text bytes,
                           struct framework_info *out, struct error *error);
    bool (*read_executor)(struct arena *arena, struct kinds *kinds, struct text bytes,
                          struct executor_info *out, struct error *error);
    bool (*read_task)(struct arena *arena, struct kinds *kinds, struct text bytes,
                      struct task_info *out, struct error *error);
    /* What a resource of a persistent volume carries: where it is to be mounted. */
    bool (*read_mount)(struct arena *arena, struct text bytes, struct volume_mount *out,
                       struct error *error);
    /* An encoded mesos.v1.AgentInfo in the arena. */
    struct text (*write_agent)(struct arena *arena, struct kinds *kinds,
                               const struct agent_info *info);
};

/* Limits of what others may make an agent keep. */
enum {
    AGENT_TASKS_LIMIT = 100000, /* of all frameworks */
    /* Of their infos: the report to a new master, which has more besides, is one frame. */
    AGENT_TASKS_BYTES_LIMIT = 40 << 20,
    AGENT_QUEUED_TASKS_LIMIT = 10000, /* of one executor, before it has subscribed */
    AGENT_STREAM_UPDATES_LIMIT =
        1024, /* of one task, not yet acknowledged; a terminal one always fits */
    AGENT_SANDBOXES_LIMIT = 100000,      /* ended ones; the oldest goes early */
    AGENT_MESSAGE_BYTES_LIMIT = 4 << 20, /* between framework and executor */
    AGENT_MESSAGE_TEXT_LIMIT = 4096, /* of a status, from a container or an executor: cut there */
    AGENT_CONTAINER_VOLUMES_LIMIT = 64,
    AGENT_CONTAINER_PATH_LIMIT = 1024,    /* of where a volume is mounted */
    AGENT_OPERATIONS_LIMIT = 10000,       /* that wait for the disk */
    AGENT_DESTROYED_VOLUMES_LIMIT = 1000, /* of which the content is still there */
};

struct agent_options {
    struct agent_info info; /* without id; copied */
    struct agent_codec codec;
    struct text work_dir; /* sandboxes are below it */
    struct text boot_id;
    struct text endpoint;     /* "ip:port" for executors: MESOS_AGENT_ENDPOINT */
    struct text default_user; /* of tasks whose framework names none; empty: refuse those */
    uint64_t seed;
    int64_t registration_backoff_ms;            /* 1 s; doubles to a minute, with jitter */
    int64_t executor_registration_timeout_ms;   /* 1 min */
    int64_t executor_reregistration_timeout_ms; /* 2 s, after recovery */
    int64_t executor_shutdown_grace_ms;         /* 5 s */
    int64_t kill_grace_ms;                      /* 3 s, when nobody says */
    int64_t status_retry_ms;                    /* 10 s; doubles to 10 min */
    int64_t sandbox_age_ms;                     /* ended sandboxes are removed after it: a week */
    int64_t disk_headroom_milli;                /* of the disk, to be kept free: 100 */
    size_t max_completed_tasks;                 /* kept for views: 200 */
    bool cpu_quota;                             /* cpus are a hard cap too, not only a weight */
    bool force_resources; /* what does not fit into fewer resources ends, instead of a STOP */
};
struct agent_options agent_options_default(void);

/* --- what goes in --- */

/* How a container ended (src/agent/container/containerizer.h) in the core's words. */
enum container_outcome {
    CONTAINER_OUTCOME_ENDED,       /* `termination` holds */
    CONTAINER_OUTCOME_EXEC_FAILED, /* the command is missing, not executable, a directory: `message`
                                    */
    CONTAINER_OUTCOME_LAUNCH_FAILED, /* the container could not be made: `message` */
    CONTAINER_OUTCOME_LOST,          /* gone without a trace */
    CONTAINER_OUTCOME_REFUSED, /* nothing was begun, as the user is unknown or may not: `message` */
};

enum agent_event_kind {
    /* First of all: what was stored. Every stored container that has not ended follows as
     * CONTAINER_STARTED or CONTAINER_ENDED (LAUNCH_FAILED: it was never begun, and is begun now),
     * then CONTAINERS_RECOVERED; one of which nothing is heard was never begun if its record says
     * so, else it is lost. */
    AGENT_EVENT_RECOVERED = 1,
    AGENT_EVENT_CONTAINERS_RECOVERED,
    AGENT_EVENT_TICK,
    AGENT_EVENT_MASTER_CONNECTED, /* answers AGENT_EFFECT_CONNECT */
    AGENT_EVENT_MASTER_CLOSED,    /* or could not be reached */
    AGENT_EVENT_MASTER_FOUND, /* another leads than the one that is connected or was tried last */
    AGENT_EVENT_MASTER_MESSAGE,
    AGENT_EVENT_EXECUTOR_CALL,
    AGENT_EVENT_EXECUTOR_CLOSED,
    AGENT_EVENT_CONTAINER_STARTED,
    AGENT_EVENT_CONTAINER_ENDED,
    AGENT_EVENT_STORED,
    AGENT_EVENT_DISK_FULL,    /* sandboxes are to be removed early; `fraction_milli` of the disk is
                                 used */
    AGENT_EVENT_RESOURCES,    /* what this machine has (without operations) has changed */
    AGENT_EVENT_VOLUMES_MADE, /* or not; answers AGENT_EFFECT_MAKE_VOLUMES */
    AGENT_EVENT_VOLUME_REMOVED, /* or not; answers AGENT_EFFECT_REMOVE_VOLUME */
};

/* Where a persistent volume is kept. */
struct volume_place {
    struct text root;     /* absolute: the work_dir, or the root of its disk; it must be there */
    struct text relative; /* directories below it, to be made; empty: the root itself, which is
                             emptied and never removed */
};

struct agent_event {
    enum agent_event_kind kind;
    int64_t now_ms;
    int64_t wall_ns;
    int64_t suspended_ms; /* since the machine's boot; now_ms, which goes on while an agent is
                             restarted, does not count it */
    struct connection_id connection; /* executors */
    union {
        struct {
            const struct agent_record *records;
            const struct text *keys;
            size_t count;
            bool same_boot;
        } recovered;
        struct text closed_reason;
        struct master_message master;
        struct executor_call executor;
        struct {
            struct container_id id;
            int32_t pid;
            uint64_t start_time;
        } started;
        struct {
            struct container_id id;
            enum container_outcome outcome;
            struct termination termination;
            struct text message;
            uint64_t stdout_rotations, stderr_rotations;
            uint64_t dropped_bytes; /* output that no disk took */
            bool stopped; /* it had no lease any more, and mesos-init ended it by itself */
        } ended;
        uint64_t stored_ticket;
        int64_t used_fraction_milli;
        const struct resources *resources;
        struct {
            uint64_t order;  /* of the effect */
            struct text why; /* empty: it is done */
        } volumes;           /* VOLUMES_MADE, VOLUME_REMOVED */
    };
};

/* --- what comes out --- */

/* A persistent volume in a container. */
struct container_volume {
    struct volume_place place; /* a container without it must not run */
    struct text path;          /* below the sandbox; no part of it is "..", "." or empty */
    bool read_only;
    bool is_given; /* the directory alone becomes the user's */
};

/* Everything the shell needs to make a container; it looks up the user and makes the sandbox. */
struct container_launch {
    struct container_id id;
    struct text sandbox; /* absolute path, to be made with mode 0750 for the user */
    struct text user;
    bool shell;
    struct text command;          /* for sh -c; or the file when !shell */
    const struct text *arguments; /* argv when !shell; none: just the command */
    size_t argument_count;
    const struct environment_variable *environment; /* complete: MESOS_* and the framework's */
    size_t environment_count;
    struct text hostname; /* empty: the host's */
    int64_t cpu_milli;
    int64_t cpu_quota_milli; /* 0: none */
    int64_t memory_bytes;    /* 0: no limit */
    const struct container_volume *volumes;
    size_t volume_count;
    int64_t stop_at_ms;    /* as in AGENT_EFFECT_LEASE; 0: it has no lease and needs none */
    int64_t stop_grace_ms; /* and then, between SIGTERM and SIGKILL */
};

enum agent_effect_kind {
    AGENT_EFFECT_CONNECT = 1, /* to the master, wherever it is; one answer follows */
    AGENT_EFFECT_DISCONNECT,  /* drop the connection to the master; no MASTER_CLOSED need follow */
    AGENT_EFFECT_SEND_MASTER,
    AGENT_EFFECT_SEND_EXECUTOR,
    AGENT_EFFECT_CLOSE_EXECUTOR,
    AGENT_EFFECT_STORE,
    AGENT_EFFECT_LAUNCH,  /* CONTAINER_STARTED and CONTAINER_ENDED follow */
    AGENT_EFFECT_SIGNAL,  /* to all processes of a container */
    AGENT_EFFECT_DESTROY, /* SIGKILL for everything in it, also before it has started */
    AGENT_EFFECT_LIMIT,   /* an executor's container may use more or less from now on */
    /* A container that must not go on without a master may do so until then: should nobody have
     * ended it or put that off, not the agent either, mesos-init ends it. */
    AGENT_EFFECT_LEASE,
    AGENT_EFFECT_FORGET, /* the end of a container is stored: containerizer_forget */
    AGENT_EFFECT_REMOVE_SANDBOX,
    /* Makes the directories, those that are there already are fine; when one cannot be made, those
     * that were made for this order go again. One VOLUMES_MADE follows. */
    AGENT_EFFECT_MAKE_VOLUMES,
    /* Takes the volume's content away, so that a MAKE_VOLUMES of the same place that comes later
     * finds nothing of it (where the root is emptied: from VOLUME_REMOVED on). One VOLUME_REMOVED
     * follows. */
    AGENT_EFFECT_REMOVE_VOLUME,
    AGENT_EFFECT_STOP, /* the agent cannot go on, and why */
    AGENT_EFFECT_END,  /* it was told to end for good, all it had has ended, and why */
    AGENT_EFFECT_NOTE,
};

enum agent_note_level { AGENT_NOTE_ERROR, AGENT_NOTE_WARNING, AGENT_NOTE_INFO, AGENT_NOTE_DEBUG };

struct agent_effect {
    enum agent_effect_kind kind;
    uint64_t after; /* ticket, or 0 */
    struct connection_id connection;
    union {
        struct agent_message master;
        struct executor_event executor;
        struct text reason; /* CLOSE_EXECUTOR, DISCONNECT, STOP, END */
        struct {
            uint64_t ticket;
            const struct store_change *changes;
            size_t count;
        } store;
        struct container_launch launch;
        struct {
            struct container_id id;
            int signal;
        } signal; /* SIGNAL, DESTROY, FORGET */
        struct {
            struct container_id id;
            int64_t cpu_milli, cpu_quota_milli, memory_bytes; /* as in container_launch */
        } limit;
        struct {
            struct container_id id;
            int64_t stop_at_ms; /* now_ms and suspended_ms together: time since the boot */
        } lease;
        struct text sandbox;
        struct {
            uint64_t order; /* comes back with the event */
            const struct volume_place *places;
            size_t count;
        } volumes; /* MAKE_VOLUMES; REMOVE_VOLUME has one */
        struct {
            enum agent_note_level level;
            struct text what;
            struct text detail;
        } note;
    };
};

struct agent_outbox {
    struct arena *arena;
    VEC_OF(struct agent_effect) effects;
};

/* --- the machine --- */

struct agent *agent_new(const struct agent_options *options, struct kinds *kinds);
void agent_free(struct agent *agent);
DEFINE_AUTO(struct agent, agent_free)

void agent_step(struct agent *agent, const struct agent_event *event, struct agent_outbox *outbox);

/* When the next TICK is due (now_ms); INT64_MAX for never. */
int64_t agent_deadline_ms(const struct agent *agent);

struct agent_id agent_own_id(const struct agent *agent); /* empty before it is registered; lent */

/* --- reading --- */

/* The total, with everything operations made of it. Lent until the next step. */
const struct resources *agent_resources(const struct agent *agent);

/* Where the output of a task is, for channels and /files. Lent until the next step. */
struct sandbox_view {
    struct container_id container;
    struct text path;
    bool running;
    uint64_t stdout_rotations, stderr_rotations; /* when it has ended */
    uint64_t dropped_bytes;                      /* of its output, when it has ended */
};
/* `framework` may be empty when the task id is unique. False: not known, or already removed. */
bool agent_find_sandbox(const struct agent *agent, struct framework_id framework,
                        struct task_id task, struct sandbox_view *out);

struct agent_task_view {
    struct framework_id framework;
    struct task_id id;
    struct container_id container;
    enum task_state state;
    bool completed;
    const struct resources *resources;
};
void agent_each_task(const struct agent *agent,
                     void (*fn)(void *self, const struct agent_task_view *view), void *self);

/* Whether anything here is, or has been and is kept: its sandbox stays. */
bool agent_knows_container(const struct agent *agent, struct container_id id);
/* And it has not ended. */
bool agent_runs_container(const struct agent *agent, struct container_id id);

struct agent_counts {
    bool is_registered;
    size_t frameworks, executors_registering, executors_running, executors_terminating;
    size_t tasks_staging, tasks_starting, tasks_running, tasks_killing;
    size_t updates_waiting;         /* for their acknowledgement */
    size_t sandboxes;               /* of ended containers */
    const uint64_t *tasks_by_state; /* TASK_STATE_COUNT: how many ever ended so */
};
struct agent_counts agent_count(const struct agent *agent);

/* Checks what must hold after every step. For tests and the simulator; slow. */
bool agent_check(const struct agent *agent, struct error *why);
