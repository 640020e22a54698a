/*
 * The tree of tree.h, for its own files: tree.c makes nodes and hears of changes, tree_share.c
 * reckons shares, tree_due.c says how much is guaranteed, tree_claim.c goes by what is due,
 * tree_decide.c chooses, tree_look.c tells.
 */
#pragma once

#include "allocator/tree.h"
#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/rng.h"
#include "common/base/vec.h"

/* A share is at most sixteen clusters (after a capacity shrank); terms of D carry 24 bits more. */
#define TREE_SHARE_LIMIT (TREE_SHARE_ONE * 16)
#define TREE_TERM_BITS 24

/* A claim is a part of 2^62 of the guarantee; more than all of it is none. */
#define CLAIM_ONE (UINT64_C(1) << 62)
#define CLAIM_NONE UINT64_MAX

/* So many are asked in a decision whether they show that a resource is not saturated. */
enum { TREE_WITNESSES_LIMIT = 16 };

/* The two sides of the leaves that want: those that may fit, and those that were found not to. */
enum tree_side { SIDE_HOPEFUL, SIDE_WAITING, SIDE_COUNT };

/* The orders of a node's children. */
enum tree_order {
    ORDER_ACTIVE,        /* those not blocked, by share / weight: the least is M */
    ORDER_HOPEFUL,       /* those with a leaf below that may fit, likewise: the descent */
    ORDER_CLAIM_HOPEFUL, /* not the root's: those with a claim below, least of its guarantee first
                          */
    ORDER_CLAIM_WAITING,
    ORDER_DUE_HOPEFUL, /* those of the claims that are within the guarantee, by sum / weight */
    ORDER_DUE_WAITING,
    ORDER_POOR_HOPEFUL, /* those with a leaf of that side below, by sum / weight */
    ORDER_POOR_WAITING,
    ORDER_TURN_HOPEFUL, /* those with a leaf of that side that holds nothing, by its wait */
    ORDER_TURN_WAITING,
    ORDER_COUNT,
};

/* A child in an order, and by what it is compared there. */
struct tree_place {
    uint64_t part;         /* less of it for its weight goes first, */
    uint64_t tie;          /* then less of this, */
    uint64_t name;         /* then less of this, the number or the beginning of the name */
    uint32_t weight_milli; /* below 2^30 */
    uint32_t seat;
};

struct tree_heap {
    struct tree_node *top;
    struct tree_place *items; /* not used for an only one, but in a draw */
    uint32_t count, capacity;
    uint32_t weight_milli; /* of all, unless ... */
    bool is_mixed;
};

/* The children, numbered without holes, and where each stands in the orders: one walk through a
 * heap moves many, and touches none of them. */
struct tree_seats {
    struct tree_node **nodes;
    uint32_t *places; /* for each order one for each seat: 1-based, what it is of if it is there */
    uint32_t count, capacity;
};

enum tree_kind {
    TREE_ROLE, /* the root too */
    TREE_VIRTUAL,
    TREE_LEAF,
};

struct tree_need {
    struct heap_node place;
    struct tree_node *leaf;
};

/* One piece of memory with its arrays: a decision walks through thousands of them. What a charge
 * looks at stands together, last, with what is held right behind it. */
struct tree_node {
    /* roles and virtual nodes */
    struct tree_node *frameworks; /* the virtual child, NULL: none */
    struct map children;          /* by name; of a virtual node by framework */
    struct tree_seats seats;
    struct tree_heap *orders;   /* ORDER_COUNT of them; NULL: there never were two children */
    int64_t *draws;             /* TREE_RANDOM: weights of the subtrees of the hopeful heap */
    __int128 *direct, *blocked; /* D and B */

    /* leaves */
    struct link unfit;
    struct tree_need *needs; /* for each resource: among those that may bear witness */

    char *name;      /* the last component, owned; NULL for a leaf */
    int64_t share;   /* by which the descent goes */
    int64_t *vector; /* fractions; meant for what is not saturated only */
    /* What it put into its parent's sums: terms of D when is_active, its vector else. */
    __int128 *given;
    uint64_t name_start[2]; /* the name's first bytes: numbers in the order of names */

    /* roles and virtual nodes */
    int64_t sated_weight_milli;   /* of the children that want nothing and hold something, */
    int64_t *sated;               /* and what they hold */
    int64_t wanting_weight_milli; /* of the children that want */
    /* With what the due among the children were told from the others: a claim z of a child of
     * weight w is due when z * due_weights < due_limit * w. */
    uint64_t due_limit;
    int64_t due_weight_milli;
    /* The child, when there is one: its bits are all there is of the orders then. Never in
     * TREE_RANDOM, where there are draws. */
    struct tree_node *only;

    struct tree_node *parent;
    uint32_t orders_in; /* a bit for each of the parent's that it is in */
    uint32_t seat;
    enum tree_kind kind;
    bool is_active, is_hopeful, has_weight; /* has_weight: an operator said so, it stays */
    bool wants, is_unfit, is_earmarked;     /* a leaf's */
    int64_t weight_milli;
    size_t wanting_count;           /* leaves below that want */
    int64_t sum;                    /* dominant share of all that is held below, plainly added up */
    uint64_t needs_own[SIDE_COUNT]; /* what it and its pick's task would hold */
    uint64_t claims[SIDE_COUNT];    /* of the parent's guarantee: the least below, or CLAIM_NONE */
    struct tree_node *picks[SIDE_COUNT];  /* the leaf below that the plain sums would serve */
    struct tree_node *firsts[SIDE_COUNT]; /* that has waited longest with empty hands */
    uint64_t grants;                      /* made to it and below, ever */
    int64_t *held;                        /* by all below */

    /* leaves */
    uint32_t framework, mark;
    uint64_t need;  /* what it would hold with one more task, as a claim on the cluster */
    int64_t since;  /* when it began to want with empty hands; 0: it does not */
    uint64_t asked; /* the tree's moment at which it was known to fit */
    uint64_t call;  /* the decision in which it was known to fit */
    int64_t *task;
};

struct tree {
    enum tree_mode mode;
    size_t resource_count;
    int64_t *capacity;
    size_t used[MESOS_ALLOCATOR_RESOURCES_LIMIT]; /* the resources that the cluster has */
    size_t used_count;
    struct tree_node *root;
    size_t node_count;
    struct rng rng;

    uint64_t moment; /* goes on with all that may change an answer */
    uint64_t call;   /* goes on with each decision */
    bool was_interrupted;
    struct tree_node *drawn; /* TREE_RANDOM: LATER was said of it */

    struct link unfit; /* leaves that want and were found not to fit */
    struct heap needs[MESOS_ALLOCATOR_RESOURCES_LIMIT]; /* that may fit and need it, least first */
    int64_t last_since;

    /* The resources that are not saturated, as the vectors were reckoned with. */
    bool is_built;
    bool is_open[MESOS_ALLOCATOR_RESOURCES_LIMIT];
    size_t open[MESOS_ALLOCATOR_RESOURCES_LIMIT];
    size_t open_count;
};

/* tree_heap.c */
void tree_seat_take(const struct tree *tree, struct tree_node *parent, struct tree_node *child);
/* It is in no order. */
void tree_seat_leave(const struct tree *tree, struct tree_node *parent, struct tree_node *child);
void tree_orders_fini(struct tree_node *node);
/* That they are in it no more is the caller's to tell the children. */
void tree_heap_clear(struct tree_node *node, enum tree_order order);
static inline bool tree_is_in(const struct tree_node *node, enum tree_order order) {
    return (node->orders_in >> order & 1) != 0;
}
/* Puts the node where it belongs, or takes it out; to be called whenever what it is compared by
 * changed, unless it is the only one there. */
void tree_heap_place(const struct tree *tree, struct tree_node *parent, enum tree_order order,
                     struct tree_node *node, bool belongs);
/* Whether the node is served before its sibling: by share / weight, in mode DRF then by grants. */
bool tree_comes_before(const struct tree *tree, struct tree_node *left, struct tree_node *right);
/* Less of the plain sum for its weight than its sibling. */
bool tree_is_poorer(const struct tree *tree, struct tree_node *left, struct tree_node *right);
static inline struct tree_node *tree_heap_top(const struct tree_node *node, enum tree_order order) {
    if (node->only != NULL)
        return tree_is_in(node->only, order) ? node->only : NULL;
    return node->orders != NULL ? node->orders[order].top : NULL;
}
static inline size_t tree_heap_count(const struct tree_node *node, enum tree_order order) {
    if (node->only != NULL)
        return tree_is_in(node->only, order);
    return node->orders != NULL ? node->orders[order].count : 0;
}
static inline struct tree_node *tree_heap_at(const struct tree_node *node, enum tree_order order,
                                             size_t index) {
    if (node->only != NULL)
        return node->only;
    const struct tree_heap *heap = &node->orders[order];
    return heap->count == 1 ? heap->top : node->seats.nodes[heap->items[index].seat];
}
/* TREE_RANDOM: one of the hopeful children. */
struct tree_node *tree_draw(struct tree *tree, const struct tree_node *node);

/* tree_share.c */
int64_t tree_fraction(int64_t held, int64_t capacity);
/* Of what all below a node hold, and the task (NULL: none), the resource that is the largest part
 * of the cluster's; tree->resource_count: it has none. */
size_t tree_dominant(const struct tree *tree, const struct tree_node *node, const int64_t *task);
bool tree_needs_nothing(const struct tree *tree, const struct tree_node *leaf);
/* From a node up: what changed is what it holds, its weight, its task, or whether it wants. */
void tree_refresh(struct tree *tree, struct tree_node *node);
/* From a leaf up: only whether it may fit changed, or its task. */
void tree_refresh_hope(struct tree *tree, struct tree_node *leaf);
void tree_rebuild(struct tree *tree, const bool *is_open); /* vectors, for what is open now */
void tree_recount(struct tree *tree);                      /* what the capacity decides */

/* tree_claim.c; `only` is a node's only child, as it holds the same, or NULL: it has others, or
 * that is not known */
void tree_count_wanting(const struct tree *tree, struct tree_node *leaf, bool wants);
/* What it needs with one more task, and since when its hands are empty; to be called when what it
 * holds, its task, or whether it wants changed. */
void tree_claim_leaf(struct tree *tree, struct tree_node *leaf);
/* Its claims from those below it. False: they are what they were. */
bool tree_claim_reckon(const struct tree *tree, struct tree_node *node,
                       const struct tree_node *only);
void tree_claim_place(const struct tree *tree, struct tree_node *node);
/* Down by plain sums as long as a guarantee is due: a leaf, the role to which it is due as a whole,
 * or the root, or what is as good as the root, when nothing is due. NULL: nobody is there. */
struct tree_node *tree_first_due(const struct tree *tree, enum tree_side side);
/* Whether nobody beside those below it wants: its guarantee is all, and says nothing. */
bool tree_is_whole(const struct tree_node *node);
/* Whether one more task of a leaf below is within the node's own guarantee; the root's is all. */
bool tree_is_within(const struct tree *tree, const struct tree_node *node, const int64_t *task);
/* tree_due.c: adds the node to what its parent's children that want nothing hold, or takes it away;
 * to be called before and after what it holds, its weight or whether it wants changes. */
void tree_count_sated(const struct tree *tree, const struct tree_node *node, int sign);
/* The lists of who may bear witness; when it wants, fits or needs otherwise. */
void tree_list_leaf(struct tree *tree, struct tree_node *leaf);
