/*
 * Hierarchical dominant resource fairness: which framework in which role gets the next task, so
 * that each node of the tree of roles has at least its weight's part of what its parent has.
 *
 * Roles are paths as `eng/ci`. The frameworks of a role hang under a virtual node `role/.` of
 * weight 1, so that one more of them never shrinks the child roles. A leaf is a framework in a
 * role; only leaves hold something, in whole milli-units of a scalar resource, which is an index
 * here.
 *
 * Pure, and it knows no agents: the caller says what fits. docs/allocator.md tells the algorithm,
 * its bounds and its rounding; nothing is decided by floating point.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HDRF_RESOURCES_LIMIT = 32,
    HDRF_DEPTH_LIMIT = 16,                /* components of a role's path */
    HDRF_NODES_LIMIT = 1 << 20,           /* roles and leaves; the bound of the sums rests on it */
    HDRF_ROLE_LIMIT = 1024,               /* bytes of a path */
    HDRF_WEIGHT_ONE_MILLI = 1000,         /* weights are whole thousandths, from 0.001 */
    HDRF_WEIGHT_LIMIT_MILLI = 1000000000, /* to 1,000,000 */
};

#define HDRF_AMOUNT_LIMIT_MILLI                                                                    \
    (INT64_C(1) << 60)                    /* of one resource, in capacity and in all leaves */
#define HDRF_SHARE_ONE (INT64_C(1) << 48) /* the whole cluster, as a share */

struct hdrf;
struct hdrf_node; /* a role, a virtual node or a leaf; the tree's, until it is removed */

struct hdrf *hdrf_new(size_t resource_count); /* 1 to HDRF_RESOURCES_LIMIT */
void hdrf_free(struct hdrf *tree);
DEFINE_AUTO(struct hdrf, hdrf_free)

/* What the cluster has; resource_count amounts from 0 to the limit, else false. Copied. */
bool hdrf_set_capacity(struct hdrf *tree, const int64_t *capacity_milli, struct error *error);

/* Gives a role a weight; it is there from then on, also without frameworks. */
bool hdrf_set_weight(struct hdrf *tree, struct text role, int64_t weight_milli,
                     struct error *error);
/* Back to 1. A role with nothing in it and no weight is forgotten. */
void hdrf_clear_weight(struct hdrf *tree, struct text role);

/* A new leaf holds nothing, needs nothing and wants nothing. NULL: it is there already, the role or
 * the weight makes no sense, or there are too many. */
struct hdrf_node *hdrf_add_leaf(struct hdrf *tree, struct text role, uint32_t framework,
                                int64_t weight_milli, struct error *error);
/* What it holds is held no more. Roles that are empty then are forgotten with it. */
void hdrf_remove_leaf(struct hdrf *tree, struct hdrf_node *leaf);
struct hdrf_node *hdrf_find_leaf(const struct hdrf *tree, struct text role, uint32_t framework);
struct hdrf_node *hdrf_find_role(const struct hdrf *tree, struct text role);
/* The caller's own mark on a node; NULL at first. */
void hdrf_set_owner(struct hdrf_node *node, void *owner);
void *hdrf_owner(const struct hdrf_node *node);

/* The next task of a leaf; amounts from 0 to the limit, else false. Copied. */
bool hdrf_set_task(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *task_milli);
void hdrf_set_wants(struct hdrf *tree, struct hdrf_node *leaf, bool wants);
const int64_t *hdrf_task(const struct hdrf_node *leaf); /* lent while the leaf is there */

/* A leaf gets or gives back so much. False, nothing changed: beyond the limit, or more than it
 * holds. */
bool hdrf_grant(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *amount_milli)
    __attribute__((warn_unused_result));
bool hdrf_release(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *amount_milli)
    __attribute__((warn_unused_result));
/* The caller's answers of "fits" may have become better; grants alone make them worse only. */
void hdrf_start_round(struct hdrf *tree);

/* Whether the leaf's next task fits now; must not call back. */
typedef bool hdrf_fits(const struct hdrf_node *leaf, void *self);

/* The leaf whose next task comes next, NULL when none fits. Nothing is granted by it. */
struct hdrf_node *hdrf_decide(struct hdrf *tree, hdrf_fits *fits, void *self);

/* What a node and all below it hold, of resource_count resources; lent. */
const int64_t *hdrf_held(const struct hdrf_node *node);
/* The largest part it holds of any resource, in parts of HDRF_SHARE_ONE, rounded up. */
int64_t hdrf_dominant_share(const struct hdrf *tree, const struct hdrf_node *node);
/* What its weight and those of the others that want more give it, were it to want: the product of
 * the parts on its path, in parts of HDRF_SHARE_ONE, rounded up. */
int64_t hdrf_guaranteed_share(const struct hdrf_node *node);
/* It wants more, and one more task would not take it over its guaranteed share. */
bool hdrf_is_below_guarantee(const struct hdrf *tree, const struct hdrf_node *leaf);

/*
 * Big tasks: the leaf for which freed resources are to be held back, NULL for none. It is the one
 * least of its guarantee, of those below it whose task did not fit in this round and could be held
 * by the whole cluster; those marked as earmarked already are left out. To be asked after
 * hdrf_decide; costs one pass over the leaves.
 */
struct hdrf_node *hdrf_next_earmark(const struct hdrf *tree);
void hdrf_set_earmarked(struct hdrf_node *leaf, bool earmarked);
bool hdrf_is_earmarked(const struct hdrf_node *leaf);

/* For checkers: as the last decision saw it. */
bool hdrf_is_blocked(const struct hdrf_node *node);
int64_t hdrf_share(const struct hdrf_node *node); /* over what is not saturated, rescaled */
bool hdrf_is_saturated(const struct hdrf *tree, size_t resource);
