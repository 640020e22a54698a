/*
 * What differs between the versions of control groups: one table of functions each. They act on one
 * group of one hierarchy, `id` below the directory `root`.
 */
#pragma once

#include "agent/container/containerizer.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_at {
    int root;
    const char *id;
    unsigned controllers; /* enum cgroup_bit: of this hierarchy, that we use */
};

struct cgroup_version {
    const char *name;
    bool clone_into; /* CLONE_INTO_CGROUP works */
    bool (*set_limits)(const struct cgroup_at *at, const struct container_limits *limits,
                       struct error *error);
    void (*read_usage)(const struct cgroup_at *at, struct container_usage *out);
    int64_t (*oom_kills)(const struct cgroup_at *at);
    void (*kill)(const struct cgroup_at *at);
};

extern const struct cgroup_version cgroup_version_1;
extern const struct cgroup_version cgroup_version_2;

/* Files of a group. */
bool cgroup_write(const struct cgroup_at *at, const char *file, const char *value,
                  struct error *error);
bool cgroup_write_number(const struct cgroup_at *at, const char *file, int64_t value,
                         struct error *error);
bool cgroup_has(const struct cgroup_at *at, const char *file);
/* A number that is the whole file, or stands behind `key` on a line of it; -1 when there is none.
 */
int64_t cgroup_read_number(const struct cgroup_at *at, const char *file, const char *key);
void cgroup_kill_each(const struct cgroup_at *at); /* SIGKILL to every process that is in it now */
