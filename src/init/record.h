/*
 * What is known of a container in its status file, in the agent's runtime directory: the head,
 * which the agent writes before it lets mesos-init go on, and the record, which mesos-init writes
 * at each rotation of a log and, with `ended` set, as its last act. Each is written with one
 * pwrite, so a reader sees all of it or the one before; a file without an ended record and without
 * its process is a container that was killed together with its mesos-init.
 *
 * In the head the agent also says, again and again, how long a task that must not be without a
 * master may go on. mesos-init reads that when the time has come: should the agent be gone or hung,
 * it ends the task by itself.
 */
#pragma once

#include <stdint.h>

enum {
    RECORD_MAGIC = 0x31736d69,
    RECORD_OFFSET = 64, /* of the record; the head is at 0 */
};

struct record_head {
    uint32_t magic;
    int32_t pid;         /* of mesos-init, as the agent sees it */
    uint64_t start_time; /* of that process, in the kernel's ticks */
    /* Written when it has ended and before the cgroup goes, which is all that knew it. */
    uint32_t was_seen_ending;
    uint32_t out_of_memory;
    int64_t peak_memory_bytes;
    uint64_t boot; /* of the machine: pid and start_time mean nothing in another; 0: not said */
    int64_t stop_at_ms; /* CLOCK_BOOTTIME; 0: never. Missing in files of older agents */
};
_Static_assert(sizeof(struct record_head) <= RECORD_OFFSET, "the head must end before the record");

/* Where mesos-init was when it failed. */
enum init_stage {
    INIT_STAGE_NONE,
    INIT_STAGE_SPEC,
    INIT_STAGE_CGROUP,
    INIT_STAGE_HOSTNAME,
    INIT_STAGE_MOUNT,
    INIT_STAGE_TMP,
    INIT_STAGE_PROC,
    INIT_STAGE_SANDBOX,
    INIT_STAGE_VOLUME,
    INIT_STAGE_PIPE,
    INIT_STAGE_FORK,
    INIT_STAGE_RLIMIT,
    INIT_STAGE_PRIVILEGE,
    INIT_STAGE_SECCOMP,
    INIT_STAGE_EXEC,  /* the task's own fault; all others are ours */
    INIT_STAGE_LEASE, /* it would have begun when it had to be over */
};

/* Also what goes through the report pipe when there was no exec. */
struct init_failure {
    uint32_t stage; /* enum init_stage */
    int32_t error;  /* errno */
};

struct record {
    uint32_t magic;
    uint32_t ended;
    int32_t wait_status; /* of the task's main process, as wait(2) gives it */
    struct init_failure failure;
    uint32_t stdout_rotations, stderr_rotations;
    uint32_t stopped; /* the lease was over, and mesos-init ended it by itself */
    uint64_t dropped_bytes;
    int64_t cpu_time_ns;
    int64_t start_ms, end_ms; /* Unix time */
};
