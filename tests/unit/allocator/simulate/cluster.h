/*
 * Random clusters, and who is treated unfairly there: what docs/allocator.md promises on
 * many agents, reckoned from what everybody holds and from nothing of the allocator's own.
 */
#pragma once

#include "allocator/simulate/simulation.h"
#include "common/base/rng.h"

/* Up to so many agents of mixed sizes and so many leaves in a weighted tree of roles, with
 * latecomers and with tasks ten times as large as others. *out is to be fini'd. */
void cluster_draw(struct rng *rng, size_t agents_limit, size_t leaves_limit, struct scenario *out);

/* How one leaf stands at a moment. */
struct standing {
    double share;          /* its dominant one */
    double task;           /* that of one of its tasks */
    double guaranteed;     /* its dominant share when its tasks meet the end of what it is owed */
    int levels;            /* of its path, itself included */
    bool is_below;         /* it wants, some empty agent could hold its task, and it has less than
                              its guarantee by more than one task a level */
    bool is_below_product; /* likewise, were what siblings that want nothing hold not counted */
    bool is_kept_out;      /* is_below, and on some agent its task would fit did all others give
                              way, task by task, while each keeps its own guarantee */
};

/* `out` has as many as there are frameworks. */
void cluster_judge(struct simulation *simulation, const struct scenario *scenario,
                   struct standing *out);

/* The scenario as JSON, for `mesos simulate`. */
void cluster_print(const struct scenario *scenario, struct buf *out);

/* Makes the scenario smaller as long as `fails` holds. */
typedef bool cluster_fails(const struct scenario *scenario, void *self);
void cluster_shrink(struct scenario *scenario, cluster_fails *fails, void *self);
