/*
 * What a framework last asked for with REQUEST, and how much of it is left: said again to every
 * master that it subscribes with. Counts as the master counts (docs/demand.md): a launched task is
 * one of the request of its very size, else of the first that has room for it.
 */
#pragma once

#include "common/base/vec.h"
#include "lib/core/framework_wish.h"

enum { DEMAND_REQUESTS_LIMIT = 4096 }; /* the master takes no more in one call */

struct demand {
    VEC_OF(Mesos__V1__Request *) requests; /* owned; those with a field of ours */
};

void declared_demand_fini(struct demand *demand);

/* A REQUEST: replaces what was wanted in the roles it names; none at all: everything. */
void demand_replace(struct demand *demand, const struct framework_wish *wish,
                    Mesos__V1__Request *const *requests, size_t count);

/* Whether launches must be told. */
bool demand_counts(const struct demand *demand);
void demand_note_launch(struct demand *demand, const struct framework_wish *wish,
                        const Mesos__V1__TaskInfo *task);

bool demand_has_role(const struct demand *demand, const struct framework_wish *wish,
                     const char *role);
