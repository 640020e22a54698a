/*
 * What the tree tells those who look at it: shares, what is due, and who would be next. Slow where
 * that is simpler; nothing here changes a decision.
 */
#include "allocator/tree_state.h"

int64_t tree_dominant_share(const struct tree *tree, const struct tree_node *node,
                            uint32_t *dominant) {
    size_t j = tree_dominant(tree, node, NULL);
    bool is_any = j < tree->resource_count;
    if (dominant != NULL)
        *dominant = is_any ? (uint32_t)j : UINT32_MAX;
    return is_any ? tree_fraction(node->held[j], tree->capacity[j]) : 0;
}

/* Of two leaves the one that is served first: where their paths part, the poorer. */
static struct tree_node *earlier_due(const struct tree *tree, struct tree_node *left,
                                     struct tree_node *right) {
    if (left == NULL || right == NULL)
        return left == NULL ? right : left;
    size_t depths[2] = {0, 0};
    for (const struct tree_node *node = left; node != NULL; node = node->parent)
        depths[0]++;
    for (const struct tree_node *node = right; node != NULL; node = node->parent)
        depths[1]++;
    struct tree_node *a = left, *b = right;
    for (; depths[0] > depths[1]; depths[0]--)
        a = a->parent;
    for (; depths[1] > depths[0]; depths[1]--)
        b = b->parent;
    for (; a->parent != b->parent; a = a->parent)
        b = b->parent;
    return tree_is_poorer(tree, b, a) ? right : left;
}

/* Down to the wanting leaf with the least share for its weight, as the orders have it now. */
static struct tree_node *least_wanting(const struct tree *tree) {
    struct tree_node *node = tree->root;
    while (node != NULL && node->kind != TREE_LEAF) {
        struct tree_node *least = NULL;
        MAP_EACH(entry, &node->children) {
            struct tree_node *child = map_value(entry);
            if (child->wanting_count > 0 &&
                (least == NULL || tree_comes_before(tree, child, least)))
                least = child;
        }
        struct tree_node *own = node->frameworks;
        if (own != NULL && own->wanting_count > 0 &&
            (least == NULL || tree_comes_before(tree, own, least)))
            least = own;
        node = least;
    }
    return node;
}

struct tree_node *tree_next(struct tree *tree) {
    if (tree->mode != TREE_HDRF)
        return least_wanting(tree);
    struct tree_node *leaves[SIDE_COUNT] = {0};
    for (enum tree_side side = 0; side < SIDE_COUNT; side++) {
        struct tree_node *node = tree_first_due(tree, side);
        if (node != NULL && (node->kind == TREE_LEAF || !tree_is_whole(node)))
            leaves[side] = node->picks[side];
    }
    struct tree_node *leaf = earlier_due(tree, leaves[SIDE_HOPEFUL], leaves[SIDE_WAITING]);
    if (leaf != NULL || tree->root == NULL)
        return leaf;
    leaf = tree->root->firsts[SIDE_HOPEFUL];
    struct tree_node *other = tree->root->firsts[SIDE_WAITING];
    if (leaf == NULL || (other != NULL && other->since < leaf->since))
        leaf = other;
    return leaf != NULL ? leaf : least_wanting(tree);
}
