/*
 * The tree of hdrf.h, for its own files: hdrf.c makes nodes, hdrf_share.c reckons, hdrf_decide.c
 * chooses, hdrf_guarantee.c says what is due.
 */
#pragma once

#include "allocator/hdrf.h"
#include "common/base/map.h"
#include "common/base/vec.h"

/* A share is at most sixteen clusters (after a capacity shrank); terms of D carry 24 bits more. */
#define HDRF_SHARE_LIMIT (HDRF_SHARE_ONE * 16)
#define HDRF_TERM_BITS 24

/* The two orders of a node's children by share / weight. */
enum hdrf_order {
    HDRF_ACTIVE,  /* those not blocked: their least is M */
    HDRF_HOPEFUL, /* those with a leaf below that may fit: the descent */
    HDRF_ORDER_COUNT,
};

struct hdrf_heap {
    struct hdrf_node **items;
    size_t count, capacity;
};

enum hdrf_kind {
    HDRF_ROLE, /* the root too */
    HDRF_VIRTUAL,
    HDRF_LEAF,
};

struct hdrf_node {
    enum hdrf_kind kind;
    struct hdrf_node *parent;
    char *name; /* the last component, owned; NULL for a leaf */
    uint32_t framework;
    int64_t weight_milli;
    void *owner;
    int64_t *held;   /* by all below */
    int64_t *vector; /* fractions; meant for what is not saturated only */
    int64_t share;
    bool is_active, is_hopeful;
    /* What it put into its parent's sums: terms of D when is_active, its vector else. */
    __int128 *given;
    size_t places[HDRF_ORDER_COUNT]; /* 1-based in the parent's heaps, 0: not there */
    size_t wanting_count;            /* leaves below that want */

    /* roles and virtual nodes */
    bool has_weight;              /* an operator said so: it stays */
    struct map children;          /* by name; of a virtual node by framework */
    struct hdrf_node *frameworks; /* the virtual child, NULL: none */
    struct hdrf_heap orders[HDRF_ORDER_COUNT];
    __int128 *direct, *blocked;   /* D and B */
    int64_t wanting_weight_milli; /* of the children that want */

    /* leaves */
    int64_t *task;
    size_t index; /* in the tree's leaves */
    bool wants, is_unfit, is_earmarked;
    uint64_t asked; /* the tree's moment at which it was known to fit */
};

struct hdrf {
    size_t resource_count;
    int64_t *capacity;
    struct hdrf_node *root;
    size_t node_count;
    VEC_OF(struct hdrf_node *) leaves;
    bool is_stale;                                     /* a round starts with the next decision */
    uint64_t moment;                                   /* goes on with each grant */
    struct hdrf_node *witnesses[HDRF_RESOURCES_LIMIT]; /* needs it and fits; NULL: saturated */
    size_t cursors[HDRF_RESOURCES_LIMIT];
    size_t open[HDRF_RESOURCES_LIMIT]; /* the resources that are not saturated */
    size_t open_count;
};

/* hdrf_heap.c */
void hdrf_heap_fini(struct hdrf_heap *heap);
/* Puts the node where its share belongs, or takes it out. */
void hdrf_heap_place(struct hdrf_node *parent, enum hdrf_order order, struct hdrf_node *node,
                     bool belongs);

/* hdrf_share.c */
int64_t hdrf_fraction(int64_t held, int64_t capacity);
void hdrf_refresh(struct hdrf *tree, struct hdrf_node *leaf); /* from a leaf that changed up */
void hdrf_rebuild(struct hdrf *tree);                         /* all of it, for what is open now */

/* hdrf_guarantee.c */
void hdrf_count_wanting(struct hdrf_node *leaf, bool wants);
