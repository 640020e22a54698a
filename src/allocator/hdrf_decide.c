/*
 * Rounds and decisions. Within a round only grants happen, and leaves that stop wanting: what does
 * not fit stays so. A resource is open, not saturated, as long as a witness is known: a leaf that
 * wants more, needs it and fits now. Witnesses are asked again after each grant; one that fits no
 * more is replaced by the next, and no leaf is asked twice after it failed, so a round asks each
 * leaf a bounded number of times. When a resource has no witness left the tree is reckoned anew.
 */
#include "allocator/hdrf_state.h"

struct question {
    struct hdrf *tree;
    hdrf_fits *fits;
    void *self;
};

static bool leaf_fits(const struct question *question, struct hdrf_node *leaf) {
    if (leaf->asked == question->tree->moment)
        return true;
    if (!question->fits(leaf, question->self))
        return false;
    leaf->asked = question->tree->moment;
    return true;
}

static void mark_unfit(struct hdrf *tree, struct hdrf_node *leaf) {
    leaf->is_unfit = true;
    if (!tree->is_stale)
        hdrf_refresh(tree, leaf);
}

/* Whether the leaf shows that the resource is not saturated. */
static bool bears_witness(const struct question *question, struct hdrf_node *leaf, size_t j) {
    if (!leaf->wants || leaf->is_unfit || leaf->task[j] == 0)
        return false;
    if (leaf_fits(question, leaf))
        return true;
    mark_unfit(question->tree, leaf);
    return false;
}

static struct hdrf_node *next_witness(const struct question *question, size_t j) {
    struct hdrf *tree = question->tree;
    for (; tree->cursors[j] < tree->leaves.count; tree->cursors[j]++) {
        struct hdrf_node *leaf = tree->leaves.items[tree->cursors[j]];
        if (bears_witness(question, leaf, j))
            return leaf;
    }
    return NULL;
}

static void begin_round(const struct question *question) {
    struct hdrf *tree = question->tree;
    tree->moment++;
    VEC_EACH(leaf, &tree->leaves)
        (*leaf)->is_unfit = false;
    for (size_t j = 0; j < tree->resource_count; j++) {
        tree->cursors[j] = 0;
        tree->witnesses[j] = next_witness(question, j);
    }
    hdrf_rebuild(tree);
    tree->is_stale = false;
}

/* Finds who bears witness now; reckons anew when a resource is saturated since. */
static void renew_witnesses(const struct question *question) {
    struct hdrf *tree = question->tree;
    bool is_less_open = false;
    for (size_t i = 0; i < tree->open_count; i++) {
        size_t j = tree->open[i];
        if (bears_witness(question, tree->witnesses[j], j))
            continue;
        struct hdrf_node *next = next_witness(question, j);
        is_less_open = is_less_open || next == NULL;
        /* The rest of this pass reads the old one's blocked leaves, which the rebuild puts right.
         */
        tree->witnesses[j] = next;
    }
    if (is_less_open)
        hdrf_rebuild(tree);
}

static struct hdrf_node *descend(const struct hdrf *tree) {
    struct hdrf_node *node = tree->root;
    while (node->kind != HDRF_LEAF) {
        if (node->orders[HDRF_HOPEFUL].count == 0)
            return NULL;
        node = node->orders[HDRF_HOPEFUL].items[0];
    }
    return node;
}

struct hdrf_node *hdrf_decide(struct hdrf *tree, hdrf_fits *fits, void *self) {
    const struct question question = {tree, fits, self};
    if (tree->root == NULL)
        return NULL;
    if (tree->is_stale)
        begin_round(&question);
    else
        renew_witnesses(&question);

    for (struct hdrf_node *leaf; (leaf = descend(tree)) != NULL;) {
        if (leaf_fits(&question, leaf))
            return leaf;
        mark_unfit(tree, leaf);
    }
    return NULL;
}
