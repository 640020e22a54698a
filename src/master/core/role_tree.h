/*
 * Weights and quota as a tree of role paths. Each role has what is in force and what will be once
 * everything on its way to the registry is stored; what is asked for is checked against the latter.
 * Pure; knows neither the registry nor the allocator.
 *
 * A role promises, of each resource, its guarantee or what all below it promise, whichever is more.
 * What is promised below a role must fit under its limit; what is promised in all is the root's.
 */
#pragma once

#include "allocator/allocator.h"
#include "common/base/error.h"
#include "common/base/map.h"
#include "common/model/kinds.h"

enum {
    ROLE_NODES_LIMIT = 100000, /* with a weight or quota, and those above them */
    ROLE_LINES_LIMIT = 32,     /* resources in one role's quota */
    ROLE_WEIGHT_PRESET_MILLI = 1000,
};

struct role_lines {
    struct quota_line *items; /* each name once; owned */
    size_t count;
};

struct role_setting {
    int64_t weight_milli;
    struct role_lines quota;
};

struct role_node {
    struct text path; /* kept */
    uint32_t role;    /* its number; ROLE_NONE until role_tree_settle */
    struct role_node *above;
    size_t below_count;
    size_t holds;               /* changes on their way */
    struct role_setting now;    /* in force */
    struct role_setting next;   /* will be */
    struct quantities promised; /* by all below it, in `next` */
};

struct role_tree {
    struct map nodes; /* by path */
    struct role_node root;
};

void role_tree_fini(struct role_tree *tree);

/* NULL: nothing was ever set there or below. */
struct role_node *role_tree_find(const struct role_tree *tree, struct text path);

/* Finds or makes it, and keeps it until it is released; NULL: there are too many. The path must be
 * a valid role. */
struct role_node *role_tree_hold(struct role_tree *tree, struct text path);
/* One that holds nothing but presets goes. */
void role_tree_release(struct role_tree *tree, struct role_node *node);

/* Exchanges what its quota will be; once more undoes it. */
void role_tree_swap_quota(struct role_node *node, struct role_lines *lines);
/* Whether what will be of this role agrees with itself and with those above it. False with a line
 * that names the roles. */
bool role_tree_check(const struct role_tree *tree, const struct role_node *node,
                     const struct kinds *kinds, struct error *error);

/* Whether what is kept of the tree is what the nodes say, reckoned anew. For tests. */
bool role_tree_audit(const struct role_tree *tree, struct error *why);

/* The limit that will be; INT64_MAX: none. */
int64_t role_tree_limit(const struct role_node *node, uint32_t name);

struct role_lines role_lines_copy(const struct role_lines *lines);
void role_lines_fini(struct role_lines *lines);
