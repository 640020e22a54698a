/*
 * The nodes of the tree: made when a weight or a leaf names them, forgotten when nothing is left in
 * them. Each change is carried up one path; only a new capacity costs a pass.
 */
#include "allocator/tree_state.h"
#include "common/model/roles.h"

struct tree *tree_new(enum tree_mode mode, size_t resource_count, uint64_t seed) {
    assert(resource_count >= 1 && resource_count <= MESOS_ALLOCATOR_RESOURCES_LIMIT);
    struct tree *tree = NEW(struct tree);
    tree->mode = mode;
    tree->resource_count = resource_count;
    tree->capacity = NEW_ARRAY(int64_t, resource_count);
    tree->rng = rng_of(seed);
    list_init(&tree->unfit);
    return tree;
}

static void node_free(void *freed) {
    struct tree_node *node = freed;
    if (node == NULL)
        return;
    map_fini(&node->children, node_free);
    node_free(node->frameworks);
    tree_orders_fini(node);
    mem_free(node->name);
    mem_free(node);
}

void tree_free(struct tree *tree) {
    if (tree == NULL)
        return;
    node_free(tree->root);
    for (size_t j = 0; j < tree->resource_count; j++)
        heap_fini(&tree->needs[j]);
    mem_free(tree->capacity);
    mem_free(tree);
}

/* The next so many bytes of a node's memory. */
static void *cut(char **room, size_t size) {
    void *piece = *room;
    *room += size;
    return piece;
}

static struct tree_node *node_new(struct tree *tree, enum tree_kind kind,
                                  struct tree_node *parent) {
    const size_t count = tree->resource_count, aligned = sizeof(__int128);
    const size_t wide = count * sizeof(__int128), narrow = count * sizeof(int64_t);
    const size_t narrows =
        (sizeof(struct tree_node) + 3 * narrow + aligned - 1) / aligned * aligned;
    const size_t needs = count * sizeof(struct tree_need);
    bool is_leaf = kind == TREE_LEAF;
    char *room = mem_alloc(narrows + wide + (is_leaf ? needs : 2 * wide)), *wides = room + narrows;
    struct tree_node *node = cut(&room, sizeof(*node));
    node->kind = kind;
    node->parent = parent;
    node->weight_milli = TREE_WEIGHT_ONE_MILLI;
    node->held = cut(&room, narrow);
    node->task = is_leaf ? cut(&room, narrow) : NULL;
    node->vector = cut(&room, narrow);
    node->sated = is_leaf ? NULL : cut(&room, narrow);
    node->given = cut(&wides, wide);
    node->direct = is_leaf ? NULL : cut(&wides, wide);
    node->blocked = is_leaf ? NULL : cut(&wides, wide);
    node->needs = is_leaf ? cut(&wides, needs) : NULL;
    for (size_t j = 0; is_leaf && j < count; j++)
        node->needs[j].leaf = node;
    for (size_t i = 0; i < SIDE_COUNT; i++)
        node->claims[i] = CLAIM_NONE;
    if (parent != NULL)
        tree_seat_take(tree, parent, node);
    tree->node_count++;
    return node;
}

/* Takes the name. Its beginning is kept where comparing looks at it anyway. */
static void node_name(struct tree_node *node, char *name) {
    node->name = name;
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof(node->name_start); i++) {
        uint64_t *start = &node->name_start[i / sizeof(*start)];
        *start = *start << 8 | (i < size ? (unsigned char)name[i] : 0);
    }
}

static struct tree_node *tree_root(struct tree *tree) {
    if (tree->root == NULL)
        tree->root = node_new(tree, TREE_ROLE, NULL);
    return tree->root;
}

static bool role_check(const struct tree *tree, struct text role, struct error *error) {
    const char *why;
    if (!role_is_valid(role, &why))
        return fail(error, ERROR_INVALID, "role %.*s %s", TEXT_ARGS(role), why);
    size_t depth = 1;
    for (size_t i = 0; i < role.size; i++)
        depth += role.data[i] == '/';
    /* A new path, its virtual node and a leaf. */
    if (tree->node_count + depth + 3 > TREE_NODES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d roles and frameworks", TREE_NODES_LIMIT);
    return true;
}

static bool weight_check(int64_t weight_milli, struct error *error) {
    if (weight_milli >= 1 && weight_milli <= TREE_WEIGHT_LIMIT_MILLI)
        return true;
    return fail(error, ERROR_INVALID, "a weight is from 0.001 to 1000000");
}

static struct tree_node *role_get(struct tree *tree, struct text role) {
    struct tree_node *node = tree_root(tree);
    for (struct text part; text_split(&role, '/', &part);) {
        struct tree_node *child = map_get_text(&node->children, part);
        if (child == NULL) {
            child = node_new(tree, TREE_ROLE, node);
            node_name(child, text_dup(part));
            map_put_text(&node->children, part, child);
        }
        node = child;
    }
    return node;
}

struct tree_node *tree_find_role(const struct tree *tree, struct text role) {
    struct tree_node *node = tree->root;
    for (struct text part; node != NULL && text_split(&role, '/', &part);) {
        if (node->kind == TREE_VIRTUAL)
            return NULL;
        node = text_equal(part, TEXT(".")) ? node->frameworks : map_get_text(&node->children, part);
    }
    return node;
}

struct tree_node *tree_find_leaf(const struct tree *tree, struct text role, uint32_t framework) {
    const struct tree_node *node = tree_find_role(tree, role);
    if (node == NULL || node->frameworks == NULL)
        return NULL;
    return map_get(&node->frameworks->children, framework);
}

/* Takes a node without children out, and those above it that were there for it only. Such a node
 * holds and wants nothing, so it is in no order and has no part in a sum. */
static void node_forget(struct tree *tree, struct tree_node *node) {
    while (node->parent != NULL && !node->has_weight && node->children.count == 0 &&
           node->frameworks == NULL) {
        struct tree_node *parent = node->parent;
        switch (node->kind) {
        case TREE_ROLE: map_remove_text(&parent->children, text_of(node->name)); break;
        case TREE_VIRTUAL: parent->frameworks = NULL; break;
        case TREE_LEAF: map_remove(&parent->children, node->framework); break;
        }
        tree_seat_leave(tree, parent, node);
        node_free(node);
        tree->node_count--;
        node = parent;
    }
}

static void weight_put(struct tree *tree, struct tree_node *node, int64_t weight_milli) {
    if (node->wanting_count > 0)
        node->parent->wanting_weight_milli += weight_milli - node->weight_milli;
    tree_count_sated(tree, node, -1);
    node->weight_milli = weight_milli;
    tree_count_sated(tree, node, 1);
    tree_refresh(tree, node);
}

bool tree_set_weight(struct tree *tree, struct text role, int64_t weight_milli,
                     struct error *error) {
    if (!weight_check(weight_milli, error) || !role_check(tree, role, error))
        return false;
    struct tree_node *node = role_get(tree, role);
    node->has_weight = true;
    weight_put(tree, node, weight_milli);
    return true;
}

void tree_clear_weight(struct tree *tree, struct text role) {
    struct tree_node *node = tree_find_role(tree, role);
    if (node == NULL || node->parent == NULL)
        return;
    node->has_weight = false;
    weight_put(tree, node, TREE_WEIGHT_ONE_MILLI);
    node_forget(tree, node);
}

struct tree_node *tree_add_leaf(struct tree *tree, struct text role, uint32_t framework,
                                int64_t weight_milli, struct error *error) {
    if (!weight_check(weight_milli, error) || !role_check(tree, role, error))
        return NULL;
    struct tree_node *parent = role_get(tree, role);
    if (parent->frameworks == NULL) {
        parent->frameworks = node_new(tree, TREE_VIRTUAL, parent);
        node_name(parent->frameworks, mem_dup_string("."));
    }
    parent = parent->frameworks;
    if (map_get(&parent->children, framework) != NULL) {
        fail(error, ERROR_EXISTS, "the framework is in role %.*s already", TEXT_ARGS(role));
        return NULL;
    }
    struct tree_node *leaf = node_new(tree, TREE_LEAF, parent);
    leaf->framework = framework;
    leaf->weight_milli = weight_milli;
    map_put(&parent->children, framework, leaf);
    return leaf;
}

/* Adds sign * amount along the path. */
static void charge(const struct tree *tree, struct tree_node *leaf, const int64_t *amount_milli,
                   int sign) {
    for (struct tree_node *node = leaf; node != NULL; node = node->parent) {
        bool is_idle = node->wanting_count == 0;
        if (is_idle)
            tree_count_sated(tree, node, -1);
        for (size_t j = 0; j < tree->resource_count; j++)
            node->held[j] += sign * amount_milli[j];
        if (is_idle)
            tree_count_sated(tree, node, 1);
    }
}

/* What a leaf holds, needs or wants is otherwise now. */
static void leaf_changed(struct tree *tree, struct tree_node *leaf) {
    tree_claim_leaf(tree, leaf);
    tree_refresh(tree, leaf);
}

void tree_remove_leaf(struct tree *tree, struct tree_node *leaf) {
    AUTO(mem_free) int64_t *held = mem_dup(leaf->held, tree->resource_count * sizeof(*held));
    tree_set_wants(tree, leaf, false);
    charge(tree, leaf, held, -1);
    leaf->is_unfit = false;
    tree_list_leaf(tree, leaf);
    leaf_changed(tree, leaf);
    if (tree->drawn == leaf)
        tree->drawn = NULL;
    node_forget(tree, leaf);
}

bool tree_set_capacity(struct tree *tree, const int64_t *capacity_milli, struct error *error) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (capacity_milli[j] < 0 || capacity_milli[j] > TREE_AMOUNT_LIMIT_MILLI)
            return fail(error, ERROR_LIMIT, "a cluster of more than can be counted");
    size_t size = tree->resource_count * sizeof(*capacity_milli);
    if (memcmp(tree->capacity, capacity_milli, size) == 0)
        return true;
    memcpy(tree->capacity, capacity_milli, size);
    tree->used_count = 0;
    for (size_t j = 0; j < tree->resource_count; j++)
        if (capacity_milli[j] > 0)
            tree->used[tree->used_count++] = j;
    tree_recount(tree);
    return true;
}

bool tree_set_task(struct tree *tree, struct tree_node *leaf, const int64_t *task_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (task_milli[j] < 0 || task_milli[j] > TREE_AMOUNT_LIMIT_MILLI)
            return false;
    size_t size = tree->resource_count * sizeof(*task_milli);
    if (memcmp(leaf->task, task_milli, size) == 0)
        return true;
    memcpy(leaf->task, task_milli, size);
    leaf->is_unfit = false;
    tree_list_leaf(tree, leaf);
    leaf_changed(tree, leaf);
    return true;
}

void tree_set_wants(struct tree *tree, struct tree_node *leaf, bool wants) {
    if (leaf->wants == wants)
        return;
    leaf->wants = wants;
    leaf->is_unfit = false;
    tree_count_wanting(tree, leaf, wants);
    tree_list_leaf(tree, leaf);
    leaf_changed(tree, leaf);
}

bool tree_grant(struct tree *tree, struct tree_node *leaf, const int64_t *amount_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (amount_milli[j] < 0 || amount_milli[j] > TREE_AMOUNT_LIMIT_MILLI ||
            tree->root->held[j] + amount_milli[j] > TREE_AMOUNT_LIMIT_MILLI)
            return false;
    charge(tree, leaf, amount_milli, 1);
    for (struct tree_node *node = leaf; node != NULL; node = node->parent)
        node->grants++;
    tree->moment++;
    leaf_changed(tree, leaf);
    return true;
}

bool tree_release(struct tree *tree, struct tree_node *leaf, const int64_t *amount_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (amount_milli[j] < 0 || amount_milli[j] > leaf->held[j])
            return false;
    charge(tree, leaf, amount_milli, -1);
    leaf_changed(tree, leaf);
    return true;
}

void tree_set_mark(struct tree_node *node, uint32_t mark) {
    node->mark = mark;
}

uint32_t tree_mark(const struct tree_node *node) {
    return node->mark;
}

const int64_t *tree_task(const struct tree_node *leaf) {
    return leaf->task;
}

const int64_t *tree_held(const struct tree_node *node) {
    return node->held;
}

bool tree_is_blocked(const struct tree_node *node) {
    return !node->is_active;
}

int64_t tree_share(const struct tree_node *node) {
    return node->share;
}

bool tree_is_saturated(const struct tree *tree, size_t resource) {
    return !tree->is_open[resource];
}
