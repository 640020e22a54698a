/*
 * Control groups, whatever version the machine has. Each container gets one group by its id below
 * our root in every hierarchy that has a controller we use: on v1 that is several hierarchies, on
 * v2 one, on hybrid hosts both. libcgroup says where they are; groups are made by mkdirat
 * (docs/decisions/0004).
 */
#pragma once

#include "agent/container/containerizer.h"
#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CGROUP_HIERARCHIES_LIMIT = 5 };

enum cgroup_bit {
    CGROUP_CPU = 1,
    CGROUP_CPUACCT = 2,
    CGROUP_MEMORY = 4,
    CGROUP_PIDS = 8,
};

struct cgroups;

/* Finds the hierarchies, makes our root in each and locks it against another agent. Appends the
 * names of missing controllers to *missing and goes on without them. */
struct cgroups *cgroups_new(const char *root_name, struct buf *missing, struct error *error);
/* For a machine that has none of it. */
struct cgroups *cgroups_none(void);
void cgroups_free(struct cgroups *cgroups);
DEFINE_AUTO(struct cgroups, cgroups_free)

/* Takes our empty roots out of the hierarchies: when the agent goes for good. */
void cgroups_remove_roots(struct cgroups *cgroups);

const char *cgroups_version(const struct cgroups *cgroups); /* "v1", "v2", "hybrid", "none" */

/* All or nothing. */
bool cgroups_make(struct cgroups *cgroups, const char *id, const struct container_limits *limits,
                  struct error *error);
bool cgroups_update(struct cgroups *cgroups, const char *id, const struct container_limits *limits,
                    struct error *error);

/* How a process gets into the groups: a directory for CLONE_INTO_CGROUP (-1: no v2 here), and files
 * cgroup.procs into which it writes "0" itself, so that nobody else waits for it. Owned by the
 * caller. */
struct cgroup_entry {
    int into;
    int procs[CGROUP_HIERARCHIES_LIMIT];
    size_t procs_count;
};
bool cgroups_open_entry(struct cgroups *cgroups, const char *id, struct cgroup_entry *out,
                        struct error *error);
void cgroup_entry_close(struct cgroup_entry *entry);

void cgroups_usage(struct cgroups *cgroups, const char *id, struct container_usage *out);
/* How often the kernel killed in the group for its memory limit. */
int64_t cgroups_oom_kills(struct cgroups *cgroups, const char *id);

/* SIGKILL to whatever is in the groups. */
void cgroups_kill(struct cgroups *cgroups, const char *id);
/* True when the groups are gone; false: something is still in them, try again later. Never waits.
 */
bool cgroups_remove(struct cgroups *cgroups, const char *id);

/* Calls fn for the name of every group below our roots, for some more than once. */
void cgroups_each(struct cgroups *cgroups, void (*fn)(void *self, const char *id), void *self);
