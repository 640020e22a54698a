/*
 * What is due to a node: the product, over its path, of its weight over the weights of its siblings
 * that want more. Rounded up at each level, so that a leaf exactly at its guarantee is not over it.
 */
#include "allocator/hdrf_state.h"

void hdrf_count_wanting(struct hdrf_node *leaf, bool wants) {
    for (struct hdrf_node *node = leaf; node->parent != NULL; node = node->parent) {
        bool did_want = node->wanting_count > 0;
        if (wants)
            node->wanting_count++;
        else
            node->wanting_count--;
        bool does_want = node->wanting_count > 0;
        if (does_want != did_want)
            node->parent->wanting_weight_milli += wants ? node->weight_milli : -node->weight_milli;
    }
}

int64_t hdrf_guaranteed_share(const struct hdrf_node *node) {
    int64_t share = HDRF_SHARE_ONE;
    for (; node->parent != NULL; node = node->parent) {
        __int128 weights = node->parent->wanting_weight_milli;
        if (node->wanting_count == 0)
            weights += node->weight_milli;
        share = (int64_t)(((__int128)share * node->weight_milli + weights - 1) / weights);
    }
    return share;
}

int64_t hdrf_dominant_share(const struct hdrf *tree, const struct hdrf_node *node) {
    int64_t share = 0;
    for (size_t j = 0; j < tree->resource_count; j++) {
        int64_t part = hdrf_fraction(node->held[j], tree->capacity[j]);
        share = part > share ? part : share;
    }
    return share;
}

bool hdrf_is_below_guarantee(const struct hdrf *tree, const struct hdrf_node *leaf) {
    if (!leaf->wants)
        return false;
    int64_t guaranteed = hdrf_guaranteed_share(leaf);
    for (size_t j = 0; j < tree->resource_count; j++) {
        __int128 then = (__int128)(leaf->held[j] + leaf->task[j]) * HDRF_SHARE_ONE;
        if (then > (__int128)guaranteed * tree->capacity[j])
            return false;
    }
    return true;
}

/* Less of its guarantee than the other; equals by framework, then by who was there first. */
static bool is_needier(const struct hdrf *tree, const struct hdrf_node *left,
                       const struct hdrf_node *right) {
    __int128 a = (__int128)hdrf_dominant_share(tree, left) * hdrf_guaranteed_share(right);
    __int128 b = (__int128)hdrf_dominant_share(tree, right) * hdrf_guaranteed_share(left);
    return a != b ? a < b : left->framework < right->framework;
}

struct hdrf_node *hdrf_next_earmark(const struct hdrf *tree) {
    struct hdrf_node *neediest = NULL;
    for (size_t i = 0; i < tree->leaves.count; i++) {
        struct hdrf_node *leaf = tree->leaves.items[i];
        if (!leaf->is_unfit || leaf->is_earmarked || !hdrf_is_below_guarantee(tree, leaf))
            continue;
        if (neediest == NULL || is_needier(tree, leaf, neediest))
            neediest = leaf;
    }
    return neediest;
}

void hdrf_set_earmarked(struct hdrf_node *leaf, bool earmarked) {
    leaf->is_earmarked = earmarked;
}

bool hdrf_is_earmarked(const struct hdrf_node *leaf) {
    return leaf->is_earmarked;
}
