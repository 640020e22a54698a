/*
 * What the agent tells mesos-init: one flat block of tagged values through a pipe, read once.
 *
 * A block is a spec_head, then fields: a spec_field and its payload, padded to 8 bytes. Strings
 * carry their NUL, so the reader points into the block and copies nothing. Both ends are built
 * together and run on one machine: numbers are in the machine's order, and an unknown tag is an
 * error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPEC_MAGIC = 0x31636573,
    SPEC_LIMIT_BYTES =
        900 * 1024, /* fits a pipe of 1 MiB, so that the agent never waits in write */
    SPEC_GROUPS_LIMIT = 64,
    SPEC_RLIMITS_LIMIT = 16,
    SPEC_SECCOMP_LIMIT = 4096, /* instructions, as the kernel has it */
    SPEC_MOUNTS_LIMIT = 64,
    SPEC_TARGET_LIMIT_BYTES = 1024, /* of a mount's target, without its NUL */
};

/* The descriptors mesos-init starts with, besides /dev/null as 0, 1 and 2. */
enum {
    INIT_SPEC_FD = 3, /* reading end of a pipe with the block */
    INIT_REPORT_FD =
        4, /* writing end: closed when the task's exec has happened, else one init_failure */
    INIT_SANDBOX_FD = 5, /* O_PATH of the sandbox */
    INIT_STATUS_FD = 6,  /* status file, for reading and writing */
    INIT_CGROUP_FD = 7,  /* the first of spec_numbers.cgroup_count files cgroup.procs to enter */
};

struct spec_head {
    uint32_t magic;
    uint32_t size; /* of the whole block, head included */
};

enum spec_tag {
    SPEC_NUMBERS = 1, /* one struct spec_numbers */
    SPEC_GROUPS,      /* uint32_t each */
    SPEC_RLIMITS,     /* struct spec_rlimit each */
    SPEC_SANDBOX,     /* the path at which the task sees it */
    SPEC_HOSTNAME,
    SPEC_ARGUMENT, /* once an argument */
    SPEC_VARIABLE, /* once a NAME=value */
    SPEC_SECCOMP,  /* struct sock_filter each */
    SPEC_MOUNT,    /* once a mount: a struct spec_mount and its two strings */
};

struct spec_field {
    uint32_t tag;
    uint32_t size; /* of the payload, without the padding */
};

struct spec_numbers {
    uint32_t uid;
    uint32_t gid;
    uint32_t cgroup_count;
    uint32_t flags; /* SPEC_FLAG_... */
    int64_t log_half_bytes;
    int64_t stop_grace_ms; /* of a leased one: between SIGTERM and SIGKILL */
};

enum {
    SPEC_FLAG_ROOTLESS = 1, /* in a user namespace of one user: groups cannot be set */
    SPEC_FLAG_LEASED = 2,   /* record_head.stop_at_ms counts */
};

struct spec_rlimit {
    uint64_t resource, soft, hard;
};

/* Followed by its source, an absolute path, and its target below the sandbox. */
struct spec_mount {
    uint64_t device, inode; /* of the source as the agent opened it */
    uint32_t flags;         /* SPEC_MOUNT_... */
    uint32_t target_at;     /* where the target begins, behind this struct */
};

enum { SPEC_MOUNT_READ_ONLY = 1 };

static inline const char *spec_mount_source(const struct spec_mount *mount) {
    return (const char *)(mount + 1);
}

static inline const char *spec_mount_target(const struct spec_mount *mount) {
    return (const char *)(mount + 1) + mount->target_at;
}

struct spec {
    struct spec_numbers numbers;
    const uint32_t *groups;
    size_t group_count;
    const struct spec_rlimit *rlimits;
    size_t rlimit_count;
    const char *sandbox;
    const char *hostname; /* or NULL */
    char **arguments;     /* NULL-terminated */
    char **variables;     /* NULL-terminated */
    const void *seccomp;  /* or NULL */
    size_t seccomp_count;
    const struct spec_mount *mounts[SPEC_MOUNTS_LIMIT];
    size_t mount_count;
};

/* How many bytes a payload takes with its padding. */
static inline size_t spec_padded(size_t size) {
    return (size + 7) & ~(size_t)7;
}

/* Arguments and variables together: how many pointers `pointers` of spec_parse must hold. False
 * when the block is not well-formed. */
bool spec_count_pointers(const char *block, size_t size, size_t *count);

/* Reads a block. Everything in *out points into the block or into `pointers`. Checks sizes, NULs,
 * counts, that a mount's target stays below the sandbox, and that sandbox and at least one argument
 * are there. */
bool spec_parse(char *block, size_t size, char **pointers, struct spec *out);
