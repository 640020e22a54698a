/*
 * A change of one guarantee is passed up the path as a difference, so that it costs the depth of
 * the path however many roles there are.
 */
#include "master/core/role_tree.h"

#include "common/base/mem.h"
#include "common/model/roles.h"
#include "common/model/value_text.h"

#include <assert.h>

/* More than that is promised by nobody; far below where sums would wrap. */
#define PROMISED_LIMIT_MILLI (INT64_C(1) << 61)

struct role_lines role_lines_copy(const struct role_lines *lines) {
    struct role_lines copy = {.count = lines->count};
    if (lines->count > 0)
        copy.items = mem_dup(lines->items, lines->count * sizeof(*lines->items));
    return copy;
}

void role_lines_fini(struct role_lines *lines) {
    mem_free(lines->items);
    *lines = (struct role_lines){0};
}

/* --- nodes --- */

static void free_node(void *self) {
    struct role_node *node = self;
    role_lines_fini(&node->now.quota);
    role_lines_fini(&node->next.quota);
    quantities_fini(&node->promised);
    mem_free((char *)node->path.data);
    mem_free(node);
}

void role_tree_fini(struct role_tree *tree) {
    map_fini(&tree->nodes, free_node);
    quantities_fini(&tree->root.promised);
}

struct role_node *role_tree_find(const struct role_tree *tree, struct text path) {
    return map_get_text(&tree->nodes, path);
}

static size_t missing_nodes(const struct role_tree *tree, struct text path) {
    size_t missing = 0;
    for (; path.size > 0 && role_tree_find(tree, path) == NULL; path = role_parent(path))
        missing++;
    return missing;
}

static struct role_node *find_or_make(struct role_tree *tree, struct text path) {
    struct role_node *made = NULL, *found;
    struct role_node *lowest = NULL;
    for (; path.size > 0 && (found = role_tree_find(tree, path)) == NULL;
         path = role_parent(path)) {
        struct role_node *node = NEW(struct role_node);
        node->path = (struct text){text_dup(path), path.size};
        node->role = ROLE_NONE;
        node->now.weight_milli = node->next.weight_milli = ROLE_WEIGHT_PRESET_MILLI;
        map_put_text(&tree->nodes, node->path, node);
        if (made != NULL) {
            made->above = node;
            node->below_count++;
        }
        made = node;
        lowest = lowest != NULL ? lowest : node;
    }
    struct role_node *above = path.size > 0 ? found : &tree->root;
    if (made == NULL)
        return above;
    made->above = above;
    above->below_count++;
    return lowest;
}

struct role_node *role_tree_hold(struct role_tree *tree, struct text path) {
    if (tree->nodes.count + missing_nodes(tree, path) > ROLE_NODES_LIMIT)
        return NULL;
    struct role_node *node = find_or_make(tree, path);
    node->holds++;
    return node;
}

static bool is_preset(const struct role_setting *setting) {
    return setting->weight_milli == ROLE_WEIGHT_PRESET_MILLI && setting->quota.count == 0;
}

static bool is_needed(const struct role_node *node) {
    return node->holds > 0 || node->below_count > 0 || !is_preset(&node->now) ||
           !is_preset(&node->next);
}

void role_tree_release(struct role_tree *tree, struct role_node *node) {
    assert(node->holds > 0);
    node->holds--;
    while (node != &tree->root && !is_needed(node)) {
        struct role_node *above = node->above;
        above->below_count--;
        map_remove_text(&tree->nodes, node->path);
        free_node(node);
        node = above;
    }
}

/* --- quota --- */

static const struct quota_line *find_line(const struct role_lines *lines, uint32_t name) {
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->items[i].name == name)
            return &lines->items[i];
    }
    return NULL;
}

int64_t role_tree_limit(const struct role_node *node, uint32_t name) {
    const struct quota_line *line = find_line(&node->next.quota, name);
    return line != NULL ? line->limit_milli : INT64_MAX;
}

static int64_t promise(const struct role_node *node, uint32_t name) {
    const struct quota_line *line = find_line(&node->next.quota, name);
    int64_t below_milli = quantities_milli(&node->promised, name);
    return line != NULL && line->guarantee_milli > below_milli ? line->guarantee_milli
                                                               : below_milli;
}

/* What the node promises was `before_milli`. */
static void pass_up(struct role_node *node, uint32_t name, int64_t before_milli) {
    while (node->above != NULL) {
        struct role_node *above = node->above;
        int64_t change_milli = promise(node, name) - before_milli;
        if (change_milli == 0)
            return;
        before_milli = promise(above, name);
        quantities_add(&above->promised, name, change_milli);
        node = above;
    }
}

static void swap_name(struct role_node *node, uint32_t name, struct role_lines *lines) {
    int64_t before_milli = promise(node, name);
    struct role_lines old = node->next.quota;
    node->next.quota = *lines;
    pass_up(node, name, before_milli);
    node->next.quota = old;
}

void role_tree_swap_quota(struct role_node *node, struct role_lines *lines) {
    struct role_lines old = node->next.quota;
    for (size_t i = 0; i < old.count; i++)
        swap_name(node, old.items[i].name, lines);
    for (size_t i = 0; i < lines->count; i++) {
        if (find_line(&old, lines->items[i].name) == NULL)
            swap_name(node, lines->items[i].name, lines);
    }
    node->next.quota = *lines;
    *lines = old;
}

static bool check_below(const struct role_node *node, const struct kinds *kinds,
                        struct error *error) {
    for (size_t i = 0; i < node->next.quota.count; i++) {
        const struct quota_line *line = &node->next.quota.items[i];
        int64_t promised_milli = quantities_milli(&node->promised, line->name);
        if (promised_milli <= line->limit_milli)
            continue;
        AUTO_FINI(buf_fini) struct buf limit = {0};
        AUTO_FINI(buf_fini) struct buf promised = {0};
        milli_print(line->limit_milli, &limit);
        milli_print(promised_milli, &promised);
        return fail(error, ERROR_REFUSED,
                    "the guarantees below role '%.100s' come to %s of %.*s, above its limit of %s",
                    node->path.data, buf_string(&promised),
                    TEXT_ARGS(kinds_name_text(kinds, line->name)), buf_string(&limit));
    }
    return true;
}

bool role_tree_check(const struct role_tree *tree, const struct role_node *node,
                     const struct kinds *kinds, struct error *error) {
    const struct quantities *all = &tree->root.promised;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].milli > PROMISED_LIMIT_MILLI)
            return fail(error, ERROR_LIMIT, "the guarantees of all roles are more than can be");
    }
    for (; node != &tree->root; node = node->above) {
        if (!check_below(node, kinds, error))
            return false;
    }
    return true;
}

/* --- for tests --- */

static void free_sum(void *self) {
    struct quantities *sum = self;
    quantities_fini(sum);
    mem_free(sum);
}

static struct quantities *sum_of(struct map *sums, const struct role_node *node) {
    struct quantities *sum = map_get(sums, (uintptr_t)node);
    if (sum == NULL) {
        sum = NEW(struct quantities);
        map_put(sums, (uintptr_t)node, sum);
    }
    return sum;
}

/* What the node promises, by what it and those below it say. */
static void add_promises(struct map *sums, const struct role_node *node) {
    for (size_t i = 0; i < node->next.quota.count; i++) {
        uint32_t name = node->next.quota.items[i].name;
        if (quantities_milli(&node->promised, name) == 0)
            quantities_add(sum_of(sums, node->above), name, promise(node, name));
    }
    for (size_t i = 0; i < node->promised.count; i++) {
        uint32_t name = node->promised.items[i].name;
        quantities_add(sum_of(sums, node->above), name, promise(node, name));
    }
}

static bool is_sum(const struct map *sums, const struct role_node *node) {
    static const struct quantities none;
    const struct quantities *sum = map_get(sums, (uintptr_t)node);
    sum = sum != NULL ? sum : &none;
    return quantities_contain(sum, &node->promised) && quantities_contain(&node->promised, sum);
}

bool role_tree_audit(const struct role_tree *tree, struct error *why) {
    struct map sums = {0};
    size_t below_count = tree->root.below_count;
    MAP_EACH(entry, &tree->nodes)
        add_promises(&sums, map_value(entry));
    bool is_right = is_sum(&sums, &tree->root) ||
                    fail(why, ERROR_INVALID, "the sum of all guarantees is another");
    MAP_EACH(entry, &tree->nodes) {
        const struct role_node *node = map_value(entry);
        below_count += node->below_count;
        if (is_right && !is_sum(&sums, node))
            is_right =
                fail(why, ERROR_INVALID, "role '%.100s' promises something else", node->path.data);
        if (is_right &&
            (!is_needed(node) || !text_equal(role_parent(node->path), node->above->path)))
            is_right =
                fail(why, ERROR_INVALID, "role '%.100s' has no place in the tree", node->path.data);
    }
    if (is_right && below_count != tree->nodes.count)
        is_right = fail(why, ERROR_INVALID, "%zu roles are below others, of %zu", below_count,
                        tree->nodes.count);
    map_fini(&sums, free_sum);
    return is_right;
}
