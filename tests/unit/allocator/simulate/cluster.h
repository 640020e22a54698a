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
    bool wants;
    bool may_fit;      /* some agent could hold its task were it empty */
    double share;      /* its dominant one */
    double task;       /* that of one of its tasks */
    double guaranteed; /* were it to want: the product of the parts on its path */
    double packable;   /* its share did it have all agents, empty, for itself */
    int levels;        /* of its path, itself included */
    bool is_below;     /* its guarantee, by more than one task a level */
    bool is_poor;      /* its guarantee's part of what it could pack, likewise */
    bool is_kept_out;  /* is_poor, and on some agent it would fit did those above give way */
};

/*
 * `out` has as many as there are frameworks. Whether one is above another is seen where their paths
 * part: there the branch of the one is above its guarantee by more than a task, and the branch of
 * the other below it by more than a task a level; and the one keeps its own guarantee with a task
 * less.
 */
void cluster_judge(struct simulation *simulation, const struct scenario *scenario,
                   struct standing *out);

/* The scenario as JSON, for `mesos simulate`. */
void cluster_print(const struct scenario *scenario, struct buf *out);

/* Makes the scenario smaller as long as `fails` holds. */
typedef bool cluster_fails(const struct scenario *scenario, void *self);
void cluster_shrink(struct scenario *scenario, cluster_fails *fails, void *self);
