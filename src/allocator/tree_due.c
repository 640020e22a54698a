/*
 * How much is guaranteed to a node. All of the cluster is the root's. Of what a node has, children
 * that want nothing more keep what they hold, up to what they would be due themselves; the rest is
 * for those that want, by weight. So every resource has a guarantee of its own: a sibling that
 * holds memory alone takes no cpus off the others.
 *
 * Those that want nothing more are taken together: what they hold in all, at most what their
 * weights come to. To tell them apart would take a pass over all siblings.
 *
 * Guarantees are in parts of TREE_SHARE_ONE, rounded up, so that who is exactly at its own is not
 * over it.
 */
#include "allocator/tree_state.h"

/* --- those that want nothing more --- */

static bool is_sated(const struct tree *tree, const struct tree_node *node) {
    if (node->wanting_count > 0 || node->parent == NULL)
        return false;
    for (size_t j = 0; j < tree->resource_count; j++)
        if (node->held[j] > 0)
            return true;
    return false;
}

void tree_count_sated(const struct tree *tree, const struct tree_node *node, int sign) {
    if (!is_sated(tree, node))
        return;
    node->parent->sated_weight_milli += sign * node->weight_milli;
    for (size_t j = 0; j < tree->resource_count; j++)
        node->parent->sated[j] += sign * node->held[j];
}

/* --- guarantees --- */

struct guarantee {
    int64_t parts[MESOS_ALLOCATOR_RESOURCES_LIMIT];
    bool is_even; /* the first one stands for all */
};

/* ceil(parts * weight / weights) */
static int64_t cut(int64_t parts, int64_t weight_milli, __int128 weights) {
    return (int64_t)(((__int128)parts * weight_milli + weights - 1) / weights);
}

/* What the siblings that want nothing more hold, without the node itself. */
static int64_t sated_part(const struct tree *tree, const struct tree_node *node, bool is_itself,
                          size_t j) {
    int64_t held = node->parent->sated[j] - (is_itself ? node->held[j] : 0);
    if (tree->capacity[j] <= 0)
        return 0;
    __int128 part = (__int128)held * TREE_SHARE_ONE / tree->capacity[j];
    return part < TREE_SHARE_ONE ? (int64_t)part : TREE_SHARE_ONE;
}

/* From what its parent is guaranteed. Were it to want, if it does not. */
static void narrow(const struct tree *tree, const struct tree_node *node, struct guarantee *all) {
    const struct tree_node *parent = node->parent;
    bool is_itself = is_sated(tree, node);
    __int128 weights = parent->wanting_weight_milli;
    __int128 sated_weight = parent->sated_weight_milli;
    if (node->wanting_count == 0)
        weights += node->weight_milli;
    if (is_itself)
        sated_weight -= node->weight_milli;
    if (sated_weight == 0 && all->is_even) {
        all->parts[0] = cut(all->parts[0], node->weight_milli, weights);
        return;
    }
    for (size_t j = tree->resource_count; j-- > 0;) {
        int64_t parts = all->parts[all->is_even ? 0 : j];
        int64_t left = parts - sated_part(tree, node, is_itself, j);
        int64_t rest = left > 0 ? cut(left, node->weight_milli, weights) : 0;
        int64_t least = cut(parts, node->weight_milli, weights + sated_weight);
        all->parts[j] = rest > least ? rest : least;
    }
    all->is_even = false;
}

/* No deeper than a role's name allows. */
static void guarantee_of(const struct tree *tree, const struct tree_node *node,
                         struct guarantee *out) {
    if (node->parent == NULL) {
        out->parts[0] = TREE_SHARE_ONE;
        out->is_even = true;
        return;
    }
    guarantee_of(tree, node->parent, out);
    narrow(tree, node, out);
}

/* Where one resource of it ends if it grows as it is, or by its task when it holds nothing: its
 * dominant share there. So it is above that when it holds more than it is owed of anything. */
static int64_t share_met(const struct tree *tree, const struct tree_node *node,
                         const struct guarantee *all) {
    bool is_empty = tree_dominant(tree, node, NULL) == tree->resource_count;
    const int64_t *amounts = is_empty && node->kind == TREE_LEAF ? node->task : node->held;
    int64_t largest = 0;
    for (size_t j = 0; j < tree->resource_count; j++) {
        int64_t part = tree_fraction(amounts[j], tree->capacity[j]);
        largest = part > largest ? part : largest;
    }
    __int128 least = INT64_MAX;
    for (size_t j = 0; j < tree->resource_count; j++) {
        int64_t part = tree_fraction(amounts[j], tree->capacity[j]);
        __int128 met = part > 0 ? (__int128)all->parts[j] * largest / part : all->parts[j];
        if ((part > 0 || largest == 0) && met < least)
            least = met;
    }
    return (int64_t)least;
}

int64_t tree_guaranteed_share(const struct tree *tree, const struct tree_node *node) {
    struct guarantee all;
    guarantee_of(tree, node, &all);
    return all.is_even ? all.parts[0] : share_met(tree, node, &all);
}

/* --- claims --- */

/* Whether the node is within its guarantee with one more task below it. */
static bool is_met_with(const struct tree *tree, const struct tree_node *node, const int64_t *task,
                        const struct guarantee *all) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (tree_fraction(node->held[j] + task[j], tree->capacity[j]) >
            all->parts[all->is_even ? 0 : j])
            return false;
    return true;
}

/* Whether a guarantee is due to it, or for it to one above; *all becomes that of the node. */
static bool is_due_at(const struct tree *tree, const struct tree_node *node, const int64_t *task,
                      struct guarantee *all) {
    if (node->parent == NULL) {
        guarantee_of(tree, node, all);
        return false;
    }
    if (is_due_at(tree, node->parent, task, all))
        return true;
    narrow(tree, node, all);
    return (node->kind == TREE_LEAF || !tree_is_whole(node)) && is_met_with(tree, node, task, all);
}

enum tree_claim tree_claim(const struct tree *tree, const struct tree_node *leaf) {
    if (tree->mode != TREE_HDRF || !leaf->wants || leaf->need == CLAIM_NONE)
        return TREE_CLAIM_NONE;
    struct guarantee all;
    if (is_due_at(tree, leaf, leaf->task, &all))
        return TREE_CLAIM_DUE;
    return leaf->since != 0 ? TREE_CLAIM_FIRST : TREE_CLAIM_NONE;
}
