/*
 * The tree of roles, and which framework in which role gets the next task: the three built-in
 * policies are three modes of it.
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
#include "mesos/allocator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tree_mode {
    TREE_HDRF,   /* guarantees first, then hierarchical dominant resource fairness */
    TREE_DRF,    /* what is held is added up the tree; the least dominant share is next */
    TREE_RANDOM, /* a draw by weight at each level */
};

enum {
    TREE_NODES_LIMIT = 1 << 20,           /* roles and leaves; the bound of the sums rests on it */
    TREE_WEIGHT_ONE_MILLI = 1000,         /* weights are whole thousandths, from 0.001 */
    TREE_WEIGHT_LIMIT_MILLI = 1000000000, /* to 1,000,000 */
};

#define TREE_AMOUNT_LIMIT_MILLI                                                                    \
    (INT64_C(1) << 60) /* of one resource, in capacity and in all leaves */
#define TREE_SHARE_ONE MESOS_ALLOCATOR_SHARE_ONE

struct tree;
struct tree_node; /* a role, a virtual node or a leaf; the tree's, until it is removed */

/* 1 to MESOS_ALLOCATOR_RESOURCES_LIMIT resources; the seed matters to TREE_RANDOM only. */
struct tree *tree_new(enum tree_mode mode, size_t resource_count, uint64_t seed);
void tree_free(struct tree *tree);
DEFINE_AUTO(struct tree, tree_free)

/* What the cluster has; resource_count amounts from 0 to the limit, else false. Copied. Costs a
 * pass over the tree. */
bool tree_set_capacity(struct tree *tree, const int64_t *capacity_milli, struct error *error);

/* Gives a role a weight; it is there from then on, also without frameworks. */
bool tree_set_weight(struct tree *tree, struct text role, int64_t weight_milli,
                     struct error *error);
/* Back to 1. A role with nothing in it and no weight is forgotten. */
void tree_clear_weight(struct tree *tree, struct text role);

/* A new leaf holds nothing, needs nothing and wants nothing. NULL: it is there already, the role or
 * the weight makes no sense, or there are too many. */
struct tree_node *tree_add_leaf(struct tree *tree, struct text role, uint32_t framework,
                                int64_t weight_milli, struct error *error);
/* What it holds is held no more. Roles that are empty then are forgotten with it. */
void tree_remove_leaf(struct tree *tree, struct tree_node *leaf);
struct tree_node *tree_find_leaf(const struct tree *tree, struct text role, uint32_t framework);
/* `eng/.` is the virtual node of eng. */
struct tree_node *tree_find_role(const struct tree *tree, struct text role);
/* The caller's own mark on a node; 0 at first. */
void tree_set_mark(struct tree_node *node, uint32_t mark);
uint32_t tree_mark(const struct tree_node *node);

/* The next task of a leaf; amounts from 0 to the limit, else false. Copied. One of all zeroes is
 * anything: it is in need of no resource, and shows that none is saturated if it fits. */
bool tree_set_task(struct tree *tree, struct tree_node *leaf, const int64_t *task_milli);
void tree_set_wants(struct tree *tree, struct tree_node *leaf, bool wants);
const int64_t *tree_task(const struct tree_node *leaf); /* lent while the leaf is there */

/* A leaf gets or gives back so much. False, nothing changed: beyond the limit, or more than it
 * holds. */
bool tree_grant(struct tree *tree, struct tree_node *leaf, const int64_t *amount_milli)
    __attribute__((warn_unused_result));
bool tree_release(struct tree *tree, struct tree_node *leaf, const int64_t *amount_milli)
    __attribute__((warn_unused_result));
/* The caller's answers of "fits" may have become better, for this leaf or for all (NULL). A leaf of
 * which NO was said is not asked again before; nothing else makes it asked. Costs what was asked in
 * vain since. */
void tree_reconsider(struct tree *tree, struct tree_node *leaf);

/* Whether the leaf's next task fits now; must not call back. LATER ends the decision, which goes on
 * with the next one. */
typedef enum mesos_allocator_answer tree_fits(const struct tree_node *leaf, void *self);

/* Sets *out to the leaf whose next task comes next; `fits` said YES of it in this very call. NO:
 * none fits. Nothing is granted by it. */
enum mesos_allocator_answer tree_decide(struct tree *tree, tree_fits *fits, void *self,
                                        struct tree_node **out);

/* --- guarantees --- */

enum tree_claim {
    TREE_CLAIM_NONE,
    TREE_CLAIM_FIRST, /* it wants, holds nothing, and its task is over its guarantee */
    TREE_CLAIM_DUE, /* it wants, and one more task is within its guarantee, or a role's above it */
};
enum tree_claim tree_claim(const struct tree *tree, const struct tree_node *leaf);
/*
 * Big tasks: the leaf for which freed resources are to be held back, NULL for none. It is the one
 * with the highest claim, of those the one that is served first, of all whose task did not fit
 * since they were reconsidered and could be held by the whole cluster; those marked as earmarked
 * already are left out.
 */
struct tree_node *tree_next_earmark(struct tree *tree);
void tree_set_earmarked(struct tree *tree, struct tree_node *leaf, bool is_earmarked);

/* --- for those who look --- */

/* What a node and all below it hold, of resource_count resources; lent. */
const int64_t *tree_held(const struct tree_node *node);
/* The largest part it holds of any resource, in parts of TREE_SHARE_ONE, rounded up; *dominant (may
 * be NULL) is that resource, UINT32_MAX for none. */
int64_t tree_dominant_share(const struct tree *tree, const struct tree_node *node,
                            uint32_t *dominant);
/* What is guaranteed to it, were it to want: the product of the parts that its weight and those of
 * its siblings that want more give to the nodes on its path, of what siblings that want nothing
 * more leave. In parts of TREE_SHARE_ONE, rounded up. */
int64_t tree_guaranteed_share(const struct tree *tree, const struct tree_node *node);
/* Who would be next did every task fit; NULL: nobody wants. Changes nothing that decides. */
struct tree_node *tree_next(struct tree *tree);

/* For checkers: as the last decision of class HDRF saw it. */
bool tree_is_blocked(const struct tree_node *node);
int64_t tree_share(const struct tree_node *node); /* over what is not saturated, rescaled */
bool tree_is_saturated(const struct tree *tree, size_t resource);
