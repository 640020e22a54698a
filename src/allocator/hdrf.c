/*
 * The nodes of the tree: made when a weight or a leaf names them, forgotten when nothing is left in
 * them. Every change but a grant and the end of a wish starts a new round.
 */
#include "allocator/hdrf_state.h"
#include "common/model/roles.h"

struct hdrf *hdrf_new(size_t resource_count) {
    assert(resource_count >= 1 && resource_count <= HDRF_RESOURCES_LIMIT);
    struct hdrf *tree = NEW(struct hdrf);
    tree->resource_count = resource_count;
    tree->capacity = NEW_ARRAY(int64_t, resource_count);
    tree->is_stale = true;
    return tree;
}

static void node_free(void *freed) {
    struct hdrf_node *node = freed;
    if (node == NULL)
        return;
    map_fini(&node->children, node_free);
    node_free(node->frameworks);
    for (size_t i = 0; i < HDRF_ORDER_COUNT; i++)
        hdrf_heap_fini(&node->orders[i]);
    mem_free(node->name);
    mem_free(node->held);
    mem_free(node->vector);
    mem_free(node->task);
    mem_free(node->given);
    mem_free(node->direct);
    mem_free(node->blocked);
    mem_free(node);
}

void hdrf_free(struct hdrf *tree) {
    if (tree == NULL)
        return;
    node_free(tree->root);
    VEC_FINI(&tree->leaves);
    mem_free(tree->capacity);
    mem_free(tree);
}

static struct hdrf_node *node_new(struct hdrf *tree, enum hdrf_kind kind,
                                  struct hdrf_node *parent) {
    struct hdrf_node *node = NEW(struct hdrf_node);
    node->kind = kind;
    node->parent = parent;
    node->weight_milli = HDRF_WEIGHT_ONE_MILLI;
    node->held = NEW_ARRAY(int64_t, tree->resource_count);
    node->vector = NEW_ARRAY(int64_t, tree->resource_count);
    node->given = NEW_ARRAY(__int128, tree->resource_count);
    if (kind == HDRF_LEAF) {
        node->task = NEW_ARRAY(int64_t, tree->resource_count);
    } else {
        node->direct = NEW_ARRAY(__int128, tree->resource_count);
        node->blocked = NEW_ARRAY(__int128, tree->resource_count);
    }
    tree->node_count++;
    tree->is_stale = true;
    return node;
}

static struct hdrf_node *tree_root(struct hdrf *tree) {
    if (tree->root == NULL)
        tree->root = node_new(tree, HDRF_ROLE, NULL);
    return tree->root;
}

static bool role_check(const struct hdrf *tree, struct text role, struct error *error) {
    const char *why;
    if (role.size > HDRF_ROLE_LIMIT)
        return fail(error, ERROR_LIMIT, "a role's name has at most %d bytes", HDRF_ROLE_LIMIT);
    if (!role_is_valid(role, &why))
        return fail(error, ERROR_INVALID, "role %.*s %s", TEXT_ARGS(role), why);
    size_t depth = 1;
    for (size_t i = 0; i < role.size; i++)
        depth += role.data[i] == '/';
    if (depth > HDRF_DEPTH_LIMIT)
        return fail(error, ERROR_LIMIT, "role %.*s is deeper than %d", TEXT_ARGS(role),
                    HDRF_DEPTH_LIMIT);
    /* A new path, its virtual node and a leaf. */
    if (tree->node_count + depth + 3 > HDRF_NODES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d roles and frameworks", HDRF_NODES_LIMIT);
    return true;
}

static bool weight_check(int64_t weight_milli, struct error *error) {
    if (weight_milli >= 1 && weight_milli <= HDRF_WEIGHT_LIMIT_MILLI)
        return true;
    return fail(error, ERROR_INVALID, "a weight is from 0.001 to 1000000");
}

static struct hdrf_node *role_get(struct hdrf *tree, struct text role) {
    struct hdrf_node *node = tree_root(tree);
    for (struct text part; text_split(&role, '/', &part);) {
        struct hdrf_node *child = map_get_text(&node->children, part);
        if (child == NULL) {
            child = node_new(tree, HDRF_ROLE, node);
            child->name = text_dup(part);
            map_put_text(&node->children, part, child);
        }
        node = child;
    }
    return node;
}

struct hdrf_node *hdrf_find_role(const struct hdrf *tree, struct text role) {
    struct hdrf_node *node = tree->root;
    for (struct text part; node != NULL && text_split(&role, '/', &part);)
        node = map_get_text(&node->children, part);
    return node;
}

struct hdrf_node *hdrf_find_leaf(const struct hdrf *tree, struct text role, uint32_t framework) {
    const struct hdrf_node *node = hdrf_find_role(tree, role);
    if (node == NULL || node->frameworks == NULL)
        return NULL;
    return map_get(&node->frameworks->children, framework);
}

/* Takes a node without children out, and those above it that were there for it only. */
static void node_forget(struct hdrf *tree, struct hdrf_node *node) {
    while (node->parent != NULL && !node->has_weight && node->children.count == 0 &&
           node->frameworks == NULL) {
        struct hdrf_node *parent = node->parent;
        switch (node->kind) {
        case HDRF_ROLE: map_remove_text(&parent->children, text_of(node->name)); break;
        case HDRF_VIRTUAL: parent->frameworks = NULL; break;
        case HDRF_LEAF: map_remove(&parent->children, node->framework); break;
        }
        node_free(node);
        tree->node_count--;
        tree->is_stale = true;
        node = parent;
    }
}

static void weight_put(struct hdrf *tree, struct hdrf_node *node, int64_t weight_milli) {
    if (node->wanting_count > 0)
        node->parent->wanting_weight_milli += weight_milli - node->weight_milli;
    node->weight_milli = weight_milli;
    tree->is_stale = true;
}

bool hdrf_set_weight(struct hdrf *tree, struct text role, int64_t weight_milli,
                     struct error *error) {
    if (!weight_check(weight_milli, error) || !role_check(tree, role, error))
        return false;
    struct hdrf_node *node = role_get(tree, role);
    node->has_weight = true;
    weight_put(tree, node, weight_milli);
    return true;
}

void hdrf_clear_weight(struct hdrf *tree, struct text role) {
    struct hdrf_node *node = hdrf_find_role(tree, role);
    if (node == NULL || node->parent == NULL)
        return;
    node->has_weight = false;
    weight_put(tree, node, HDRF_WEIGHT_ONE_MILLI);
    node_forget(tree, node);
}

struct hdrf_node *hdrf_add_leaf(struct hdrf *tree, struct text role, uint32_t framework,
                                int64_t weight_milli, struct error *error) {
    if (!weight_check(weight_milli, error) || !role_check(tree, role, error))
        return NULL;
    struct hdrf_node *parent = role_get(tree, role);
    if (parent->frameworks == NULL) {
        parent->frameworks = node_new(tree, HDRF_VIRTUAL, parent);
        parent->frameworks->name = mem_dup_string(".");
    }
    parent = parent->frameworks;
    if (map_get(&parent->children, framework) != NULL) {
        fail(error, ERROR_EXISTS, "the framework is in role %.*s already", TEXT_ARGS(role));
        return NULL;
    }
    struct hdrf_node *leaf = node_new(tree, HDRF_LEAF, parent);
    leaf->framework = framework;
    leaf->weight_milli = weight_milli;
    leaf->index = tree->leaves.count;
    VEC_PUSH(&tree->leaves, leaf);
    map_put(&parent->children, framework, leaf);
    return leaf;
}

/* Adds sign * amount along the path. */
static void charge(const struct hdrf *tree, struct hdrf_node *leaf, const int64_t *amount_milli,
                   int sign) {
    for (struct hdrf_node *node = leaf; node != NULL; node = node->parent)
        for (size_t j = 0; j < tree->resource_count; j++)
            node->held[j] += sign * amount_milli[j];
}

void hdrf_remove_leaf(struct hdrf *tree, struct hdrf_node *leaf) {
    hdrf_set_wants(tree, leaf, false);
    for (size_t j = 0; j < tree->resource_count; j++)
        for (struct hdrf_node *node = leaf->parent; node != NULL; node = node->parent)
            node->held[j] -= leaf->held[j];
    struct hdrf_node *last = tree->leaves.items[--tree->leaves.count];
    tree->leaves.items[leaf->index] = last;
    last->index = leaf->index;
    node_forget(tree, leaf);
}

bool hdrf_set_capacity(struct hdrf *tree, const int64_t *capacity_milli, struct error *error) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (capacity_milli[j] < 0 || capacity_milli[j] > HDRF_AMOUNT_LIMIT_MILLI)
            return fail(error, ERROR_LIMIT, "a cluster of more than can be counted");
    memcpy(tree->capacity, capacity_milli, tree->resource_count * sizeof(*capacity_milli));
    tree->is_stale = true;
    return true;
}

bool hdrf_set_task(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *task_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (task_milli[j] < 0 || task_milli[j] > HDRF_AMOUNT_LIMIT_MILLI)
            return false;
    size_t size = tree->resource_count * sizeof(*task_milli);
    if (memcmp(leaf->task, task_milli, size) == 0)
        return true;
    memcpy(leaf->task, task_milli, size);
    tree->is_stale = true;
    return true;
}

void hdrf_set_wants(struct hdrf *tree, struct hdrf_node *leaf, bool wants) {
    if (leaf->wants == wants)
        return;
    leaf->wants = wants;
    hdrf_count_wanting(leaf, wants);
    if (wants)
        tree->is_stale = true;
    else if (!tree->is_stale)
        hdrf_refresh(tree, leaf);
}

bool hdrf_grant(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *amount_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (amount_milli[j] < 0 || amount_milli[j] > HDRF_AMOUNT_LIMIT_MILLI ||
            tree->root->held[j] + amount_milli[j] > HDRF_AMOUNT_LIMIT_MILLI)
            return false;
    charge(tree, leaf, amount_milli, 1);
    tree->moment++;
    if (!tree->is_stale)
        hdrf_refresh(tree, leaf);
    return true;
}

bool hdrf_release(struct hdrf *tree, struct hdrf_node *leaf, const int64_t *amount_milli) {
    for (size_t j = 0; j < tree->resource_count; j++)
        if (amount_milli[j] < 0 || amount_milli[j] > leaf->held[j])
            return false;
    charge(tree, leaf, amount_milli, -1);
    tree->is_stale = true;
    return true;
}

void hdrf_start_round(struct hdrf *tree) {
    tree->is_stale = true;
}

void hdrf_set_owner(struct hdrf_node *node, void *owner) {
    node->owner = owner;
}

void *hdrf_owner(const struct hdrf_node *node) {
    return node->owner;
}

const int64_t *hdrf_task(const struct hdrf_node *leaf) {
    return leaf->task;
}

const int64_t *hdrf_held(const struct hdrf_node *node) {
    return node->held;
}

bool hdrf_is_blocked(const struct hdrf_node *node) {
    return !node->is_active;
}

int64_t hdrf_share(const struct hdrf_node *node) {
    return node->share;
}

bool hdrf_is_saturated(const struct hdrf *tree, size_t resource) {
    return tree->witnesses[resource] == NULL;
}
