/*
 * Who is next. In mode HDRF the way goes down by plain sums as long as a guarantee is due below. It
 * ends at a leaf, or in a role to which its guarantee is due as a whole, or at the root when
 * nothing is due. Within that node whoever has waited longest with empty hands is next, if one task
 * of it stays within the node's guarantee; else hierarchical dominant resource fairness decides.
 *
 * Whoever does not fit leaves the orders of the hopeful until it is reconsidered, so between two
 * reconsiderations nobody is asked in vain twice.
 *
 * The descent needs to know what is saturated: a resource is open as long as a leaf is found that
 * wants more, needs it and fits now. Those that need least of it are asked, a bounded number in a
 * decision. Only when other resources are open than before are the vectors reckoned anew.
 */
#include "allocator/tree_state.h"

struct question {
    struct tree *tree;
    tree_fits *fits;
    void *self;
};

static void set_unfit(struct tree *tree, struct tree_node *leaf, bool is_unfit) {
    leaf->is_unfit = is_unfit;
    tree_list_leaf(tree, leaf);
    tree_refresh_hope(tree, leaf);
}

void tree_reconsider(struct tree *tree, struct tree_node *leaf) {
    if (leaf != NULL) {
        if (leaf->is_unfit)
            set_unfit(tree, leaf, false);
        return;
    }
    LIST_EACH(at, &tree->unfit)
        set_unfit(tree, CONTAINER_OF(at, struct tree_node, unfit), false);
}

/* NO also takes it out of the hopeful. */
static enum mesos_allocator_answer ask(const struct question *question, struct tree_node *leaf) {
    enum mesos_allocator_answer answer = question->fits(leaf, question->self);
    switch (answer) {
    case MESOS_ALLOCATOR_YES:
        leaf->asked = question->tree->moment;
        leaf->call = question->tree->call;
        break;
    case MESOS_ALLOCATOR_NO: set_unfit(question->tree, leaf, true); break;
    case MESOS_ALLOCATOR_LATER: question->tree->was_interrupted = true; break;
    }
    return answer;
}

/* Whether it may be picked: asked in this call. */
static enum mesos_allocator_answer ask_to_pick(const struct question *question,
                                               struct tree_node *leaf) {
    bool is_known = leaf->call == question->tree->call && leaf->asked == question->tree->moment;
    return is_known ? MESOS_ALLOCATOR_YES : ask(question, leaf);
}

/* Looks for a leaf that shows that the resource is not saturated, those that need least first. */
static enum mesos_allocator_answer find_witness(const struct question *question, size_t j) {
    struct tree *tree = question->tree;
    int64_t free = tree->capacity[j] - tree->root->held[j];
    for (int asked = 0; asked < TREE_WITNESSES_LIMIT; asked++) {
        struct heap_node *least = heap_least(&tree->needs[j]);
        if (least == NULL)
            break;
        struct tree_node *leaf = CONTAINER_OF(least, struct tree_need, place)->leaf;
        if (leaf->asked == tree->moment)
            return MESOS_ALLOCATOR_YES;
        if (leaf->task[j] > free)
            break;
        enum mesos_allocator_answer answer = ask(question, leaf);
        if (answer != MESOS_ALLOCATOR_NO)
            return answer;
    }
    return MESOS_ALLOCATOR_NO;
}

/* Makes the vectors those for what is open now; `witness` is known to fit. Not NO. */
static enum mesos_allocator_answer open_resources(const struct question *question,
                                                  const struct tree_node *witness) {
    struct tree *tree = question->tree;
    bool shows_all = tree_needs_nothing(tree, witness);
    bool is_open[MESOS_ALLOCATOR_RESOURCES_LIMIT] = {false};
    for (size_t i = 0; i < tree->used_count; i++) {
        size_t j = tree->used[i];
        is_open[j] = shows_all || witness->task[j] > 0;
        if (is_open[j])
            continue;
        enum mesos_allocator_answer answer = find_witness(question, j);
        if (answer == MESOS_ALLOCATOR_LATER)
            return MESOS_ALLOCATOR_LATER;
        is_open[j] = answer == MESOS_ALLOCATOR_YES;
    }
    if (!tree->is_built || memcmp(is_open, tree->is_open, sizeof(is_open)) != 0)
        tree_rebuild(tree, is_open);
    return MESOS_ALLOCATOR_YES;
}

/* From a node down by share / weight, or by the dice. */
static struct tree_node *descend(struct tree *tree, struct tree_node *node) {
    while (node != NULL && node->kind != TREE_LEAF)
        node =
            tree->mode == TREE_RANDOM ? tree_draw(tree, node) : tree_heap_top(node, ORDER_HOPEFUL);
    return node;
}

/* The modes without guarantees. */
static enum mesos_allocator_answer serve_plainly(const struct question *question,
                                                 struct tree_node **out) {
    struct tree *tree = question->tree;
    for (;;) {
        bool is_drawn = tree->drawn != NULL && tree->drawn->is_hopeful;
        struct tree_node *leaf = is_drawn ? tree->drawn : descend(tree, tree->root);
        if (leaf == NULL)
            return MESOS_ALLOCATOR_NO;
        enum mesos_allocator_answer answer = ask_to_pick(question, leaf);
        bool is_kept = answer == MESOS_ALLOCATOR_LATER && tree->mode == TREE_RANDOM;
        tree->drawn = is_kept ? leaf : NULL;
        if (answer == MESOS_ALLOCATOR_YES)
            *out = leaf;
        if (answer != MESOS_ALLOCATOR_NO)
            return answer;
    }
}

/* Within a node that is next as a whole, where `pick` fits. Not NO. */
static enum mesos_allocator_answer serve_fairly(const struct question *question,
                                                struct tree_node *node, struct tree_node *pick,
                                                struct tree_node **out) {
    struct tree *tree = question->tree;
    enum mesos_allocator_answer answer = open_resources(question, pick);
    if (answer != MESOS_ALLOCATOR_YES)
        return answer;
    struct tree_node *leaf;
    do { /* the pick fits, so this ends */
        leaf = descend(tree, node);
        answer = ask_to_pick(question, leaf);
    } while (answer == MESOS_ALLOCATOR_NO);
    if (answer == MESOS_ALLOCATOR_YES)
        *out = tree_is_within(tree, node, leaf->task) ? leaf : pick;
    return answer;
}

/* NO: somebody did not fit, so look again which node is next. */
static enum mesos_allocator_answer serve_within(const struct question *question,
                                                struct tree_node *node, struct tree_node **out) {
    struct tree_node *pick = node->picks[SIDE_HOPEFUL], *first = node->firsts[SIDE_HOPEFUL];
    /* That the node is next rests on this one. */
    enum mesos_allocator_answer answer = ask_to_pick(question, pick);
    if (answer != MESOS_ALLOCATOR_YES)
        return answer;
    if (first == NULL)
        return serve_fairly(question, node, pick, out);
    answer = ask_to_pick(question, first);
    if (answer != MESOS_ALLOCATOR_YES)
        return answer;
    if (!tree_is_within(question->tree, node, first->task))
        return serve_fairly(question, node, pick, out);
    *out = first;
    return MESOS_ALLOCATOR_YES;
}

static enum mesos_allocator_answer serve_leaf(const struct question *question,
                                              struct tree_node *leaf, struct tree_node **out) {
    enum mesos_allocator_answer answer = ask_to_pick(question, leaf);
    if (answer == MESOS_ALLOCATOR_YES)
        *out = leaf;
    return answer;
}

enum mesos_allocator_answer tree_decide(struct tree *tree, tree_fits *fits, void *self,
                                        struct tree_node **out) {
    const struct question question = {tree, fits, self};
    tree->call++;
    /* What was known to fit is so still when a slice of work goes on. */
    if (!tree->was_interrupted)
        tree->moment++;
    tree->was_interrupted = false;
    if (tree->mode != TREE_HDRF)
        return serve_plainly(&question, out);

    for (struct tree_node *node; (node = tree_first_due(tree, SIDE_HOPEFUL)) != NULL;) {
        enum mesos_allocator_answer answer = node->kind == TREE_LEAF
                                                 ? serve_leaf(&question, node, out)
                                                 : serve_within(&question, node, out);
        if (answer != MESOS_ALLOCATOR_NO)
            return answer;
    }
    return MESOS_ALLOCATOR_NO;
}
