/*
 * The containerizer: runs commands in containers and tells how they went.
 *
 * Everything is asynchronous in effect: a call begins something, and what came of it arrives as an
 * event through one callback, from the loop, never from inside a call. A container is known by its
 * id; the containerizer keeps nothing durable but one small status file a container in the runtime
 * directory, written for the time when the agent is away. Not thread-safe: the loop's thread only.
 *
 * The life of an id: launch -> STARTED -> ENDED, or launch -> ENDED (the command could not be
 * executed), or launch -> LAUNCH_FAILED (the container could not be made). Exactly one of ENDED and
 * LAUNCH_FAILED comes for every launch that returned true and for every container that was
 * recovered. After it the id is unknown here, and its cgroups and status file go by themselves.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct containerizer;
struct loop;

enum {
    CONTAINER_ID_LIMIT_BYTES = 200,
    CONTAINER_TAIL_BYTES = 4096,
    CONTAINER_GROUPS_LIMIT = 64,
    CONTAINER_RLIMITS_LIMIT = 16,
    CONTAINER_MOUNTS_LIMIT = 64,
    CONTAINER_SPEC_LIMIT_BYTES = 768 * 1024, /* argv, environment and paths together */
};

/* One limit of setrlimit(2); UINT64_MAX is no limit. */
struct container_rlimit {
    int resource; /* RLIMIT_... */
    uint64_t soft;
    uint64_t hard;
};

/* A directory of this machine that the task sees in its sandbox. */
struct container_mount {
    const char *source; /* absolute; an existing directory, reached without following a last link */
    const char *target; /* below the sandbox: parts without ".", ".." and empty ones; made where
                           it is missing, and no link in it is followed */
    bool read_only;
    bool is_given; /* the directory alone is given to uid and gid */
};

/* What a container may use. Zero means no limit, and for cpu_milli the smallest weight. */
struct container_limits {
    int64_t cpu_milli;       /* weight: 1000 is one cpu's share */
    int64_t cpu_quota_milli; /* hard cap on cpu time */
    int64_t memory_bytes;    /* hard cap, no swap; at least 4 MiB is given */
    int64_t pids;
};

/* All of it is borrowed for the call. Strings are NUL-terminated. */
struct container_spec {
    struct text id; /* [A-Za-z0-9._:-]+, not "." or ".."; a name of files and cgroups */

    /* An existing directory, absolute, reached without following a last symlink. It becomes the
     * working directory and is given (the directory alone) to uid and gid. */
    const char *sandbox;

    uid_t uid; /* numbers that the agent looked up itself */
    gid_t gid;
    const gid_t *groups; /* supplementary */
    size_t group_count;

    const char *shell; /* run by /bin/sh -c; NULL when argv is given */
    const char *const
        *argv; /* NULL-terminated; found in PATH of `environment` when without a slash */
    const char *const *environment; /* NULL-terminated "NAME=value", exactly what the task sees, but
                                       a default PATH is added when there is none */
    const char *hostname;           /* NULL: the host's */

    struct container_limits limits;
    int64_t log_cap_bytes; /* for stdout and for stderr, each; 0: 100 MB */
    const struct container_rlimit *rlimits;
    size_t rlimit_count;
    const struct container_mount *mounts; /* none below another */
    size_t mount_count;
    const void *seccomp; /* compiled BPF (seccomp_export_bpf), or NULL */
    size_t seccomp_bytes;

    /* A moment after this time on CLOCK_BOOTTIME mesos-init ends the task by itself, unless
     * containerizer_lease has put it off: SIGTERM, the grace, SIGKILL. 0: never, for good. */
    int64_t stop_at_ms;
    int64_t stop_grace_ms;
};

enum container_end {
    CONTAINER_EXITED,      /* `exit_code` */
    CONTAINER_KILLED,      /* by signal `signal`; `core_dumped` */
    CONTAINER_EXEC_FAILED, /* the command is missing, not executable, a directory: `exec_error` */
    CONTAINER_LOST, /* it ended, and its status is not known (the machine or root interfered) */
};

/* How a container ended. */
struct container_termination {
    enum container_end end;
    int exit_code;
    int signal;
    bool core_dumped;
    bool
        out_of_memory; /* the kernel killed in it for its own memory limit, and it did not exit 0 */
    int64_t peak_memory_bytes; /* -1: not known */
    int64_t cpu_time_ns;       /* of the task and all its descendants; -1: not known */
    int64_t start_ms, end_ms;  /* Unix time; 0: not known */
    /* The file `stdout` begins at logical offset rotations * (log_cap_bytes / 2), rounded as
     * container_log_half_bytes does. */
    uint32_t stdout_rotations, stderr_rotations;
    uint64_t dropped_bytes; /* output that could not be written, as when the disk was full */
    char exec_error[200];   /* "execute 'x': No such file or directory", or "" */
    struct text
        stderr_tail; /* at most CONTAINER_TAIL_BYTES, any bytes; empty when it exited with 0 */
};

enum container_event_kind {
    CONTAINER_EVENT_STARTED,
    CONTAINER_EVENT_ENDED,
    CONTAINER_EVENT_LAUNCH_FAILED,
};

/* Borrowed for the callback. */
struct container_event {
    enum container_event_kind kind;
    struct text id;
    pid_t pid;           /* STARTED: of mesos-init, in the agent's eyes */
    uint64_t start_time; /* STARTED: of that pid, in the kernel's ticks */
    const struct container_termination *termination; /* ENDED */
    const char *reason;                              /* LAUNCH_FAILED: one line */
    bool stopped; /* ENDED, LAUNCH_FAILED: its stop_at_ms was over, and mesos-init did it */
};

/* The callback queues and returns; it must not free the containerizer, and may call anything else.
 */
typedef void container_event_fn(void *self, const struct container_event *event);

struct containerizer_options {
    struct loop *loop;       /* kept */
    const char *cgroup_root; /* below each hierarchy, one agent's alone (locked); NULL: "mesos" */
    const char *runtime_dir; /* made when missing; one agent's alone (locked) */
    const char *init_path;   /* mesos-init; NULL: beside the running program */
    const void *init_bytes;  /* instead of init_path */
    size_t init_size;
    bool allow_missing; /* go on without what this machine lacks; containerizer_missing says what */
    container_event_fn *on_event;
    void *self;
};

/* Checks what the machine has; the error names everything that is missing, in one line. */
struct containerizer *containerizer_new(const struct containerizer_options *options,
                                        struct error *error);
/* Lets go of everything and leaves running containers running. Takes NULL. */
void containerizer_free(struct containerizer *containerizer);
DEFINE_AUTO(struct containerizer, containerizer_free)

/* "" or what the machine lacks, one line; only with allow_missing. */
const char *containerizer_missing(const struct containerizer *containerizer);
/* "v1", "v2", "hybrid" or "none": how this machine's cgroups are used. */
const char *containerizer_cgroup_version(const struct containerizer *containerizer);

/* False: nothing was begun, and no event follows. */
bool containerizer_launch(struct containerizer *containerizer, const struct container_spec *spec,
                          struct error *error);

/* Sends a signal to every process of the task; one that comes before STARTED waits for the task.
 * ERROR_NOT_FOUND when it has ended. */
bool containerizer_kill(struct containerizer *containerizer, struct text id, int signal,
                        struct error *error);

/* SIGKILL for everything in it; ENDED follows as after any end. ERROR_NOT_FOUND when it has ended.
 */
bool containerizer_destroy(struct containerizer *containerizer, struct text id,
                           struct error *error);

/* SIGKILL for everything in every container; an ENDED follows for each. */
void containerizer_destroy_all(struct containerizer *containerizer);
/* After that, once nothing is running or leaving: takes our groups' roots out of the hierarchies.
 */
void containerizer_remove_roots(struct containerizer *containerizer);

/* The end of a container is stored: its status file may go. Until then, but for an hour at most,
 * an agent that dies can still recover what ENDED said. Fine for an unknown id. */
void containerizer_forget(struct containerizer *containerizer, struct text id);

/* Changes limits of a running container. A limit of 0 stays as it was. */
bool containerizer_update(struct containerizer *containerizer, struct text id,
                          const struct container_limits *limits, struct error *error);

/* Another stop_at_ms (not 0) for a container that was launched with one. ERROR_NOT_FOUND when it
 * has ended. */
bool containerizer_lease(struct containerizer *containerizer, struct text id, int64_t stop_at_ms,
                         struct error *error);

struct container_usage {
    int64_t cpu_time_ns; /* -1 in any of them: not known */
    int64_t memory_bytes;
    int64_t peak_memory_bytes;
    int64_t pids;
};
bool containerizer_usage(struct containerizer *containerizer, struct text id,
                         struct container_usage *out, struct error *error);

/* Where the file `stdout` (`stderr`) begins in the task's whole output: rotations so far. */
struct container_log_position {
    uint32_t stdout_rotations, stderr_rotations;
};
/* Works while the container runs. */
bool containerizer_log_position(struct containerizer *containerizer, struct text id,
                                struct container_log_position *out, struct error *error);
/* How big a log file gets before it is rotated, for a cap (0: the default). */
int64_t container_log_half_bytes(int64_t log_cap_bytes);

/* What the agent remembered of a container. pid 0: it had not heard of STARTED. */
struct container_memory {
    struct text id;
    pid_t pid;
    uint64_t start_time;
    const char *sandbox; /* for stderr's tail */
};

/* Once, before the first launch. Each given container is found again and goes on (STARTED comes
 * again), or has ended meanwhile (ENDED comes), or was never begun (LAUNCH_FAILED comes). */
bool containerizer_recover(struct containerizer *containerizer,
                           const struct container_memory *memories, size_t count,
                           struct error *error);

/* Kills and removes containers, cgroups and status files of ours that nobody owns: after a recovery
 * and now and then. Returns how many were found; removal goes on by itself. */
size_t containerizer_remove_orphans(struct containerizer *containerizer);
/* What these were, since the start. */
struct container_orphans {
    uint64_t processes; /* containers in which something ran */
    uint64_t cgroups;   /* containers that had some */
    uint64_t status_files;
};
const struct container_orphans *containerizer_orphans(const struct containerizer *containerizer);

/* Containers whose end has not been told; and those of which cgroups or a status file are still
 * kept. */
size_t containerizer_running_count(const struct containerizer *containerizer);
size_t containerizer_leaving_count(const struct containerizer *containerizer);
