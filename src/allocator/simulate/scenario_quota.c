#include "allocator/simulate/scenario_quota.h"

#include "common/base/map.h"
#include "common/model/value_fixed.h"
#include "common/model/value_text.h"

#include <stdlib.h>

/* A role that is listed, or one above it; of one name at a time. */
struct node {
    uint32_t role;
    int depth;
    size_t place;                       /* among the listed; SIZE_MAX: it is not */
    struct node *parent;                /* NULL above the first */
    int64_t guarantee_milli, sum_milli; /* its own; what its children come to */
    int64_t limit_milli;
};

struct tree {
    const struct scenario *scenario;
    struct map by_role;
    VEC_OF(struct node *) nodes; /* the deepest first */
};

static struct node *tree_get(struct tree *tree, uint32_t role) {
    struct node *node = map_get(&tree->by_role, role);
    if (node != NULL)
        return node;
    uint32_t parent = kinds_role_parent(tree->scenario->kinds, role);
    node = NEW(struct node);
    node->role = role;
    node->place = SIZE_MAX;
    node->parent = parent != ROLE_NONE ? tree_get(tree, parent) : NULL;
    node->depth = node->parent != NULL ? node->parent->depth + 1 : 1;
    map_put(&tree->by_role, role, node);
    VEC_PUSH(&tree->nodes, node);
    return node;
}

static int compare_depth(const void *a, const void *b) {
    const struct node *one = *(struct node *const *)a, *other = *(struct node *const *)b;
    if (one->depth != other->depth)
        return one->depth > other->depth ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

static void tree_init(struct tree *tree, const struct scenario *scenario) {
    *tree = (struct tree){.scenario = scenario};
    for (size_t i = 0; i < scenario->roles.count; i++)
        tree_get(tree, scenario->roles.items[i].role)->place = i;
    if (tree->nodes.count > 0)
        qsort(tree->nodes.items, tree->nodes.count, sizeof(*tree->nodes.items), compare_depth);
}

static void tree_fini(struct tree *tree) {
    map_fini(&tree->by_role, mem_free);
    VEC_FINI(&tree->nodes);
}

/* What the scenario says of the name. */
static void load(struct tree *tree, uint32_t name) {
    VEC_EACH(at, &tree->nodes) {
        struct node *node = *at;
        node->guarantee_milli = node->sum_milli = 0;
        node->limit_milli = INT64_MAX;
        if (node->place == SIZE_MAX)
            continue;
        VEC_EACH(line, &tree->scenario->roles.items[node->place].quota) {
            if (line->name != name)
                continue;
            node->guarantee_milli = line->guarantee_milli;
            node->limit_milli = line->limit_milli;
        }
    }
}

/* "roles[2].quota.WHAT.cpus: it is 4, but REASON 2" */
static bool refuse(const struct tree *tree, const struct node *node, uint32_t name,
                   const char *what, int64_t milli, const char *reason, int64_t other_milli,
                   struct error *error) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    struct text text = kinds_name_text(tree->scenario->kinds, name);
    buf_printf(&line, "roles[%zu].quota.%s.%.*s: it is ", node->place, what, TEXT_ARGS(text));
    milli_print(milli, &line);
    buf_printf(&line, ", but %s ", reason);
    milli_print(other_milli, &line);
    return fail(error, ERROR_INVALID, "%s", buf_string(&line));
}

static bool check_node(const struct tree *tree, struct node *node, uint32_t name,
                       struct error *error) {
    int64_t own = node->guarantee_milli, sum = node->sum_milli, limit = node->limit_milli;
    if (own > limit)
        return refuse(tree, node, name, "guarantee", own, "the limit is", limit, error);
    if (sum > limit)
        return refuse(tree, node, name, "limit", limit, "the roles below it are guaranteed", sum,
                      error);
    int64_t kept = own > sum ? own : sum;
    if (node->parent != NULL &&
        __builtin_add_overflow(node->parent->sum_milli, kept, &node->parent->sum_milli))
        node->parent->sum_milli = INT64_MAX;
    return true;
}

/* What the roles without a parent come to. */
static bool check_all(const struct tree *tree, uint32_t name, int64_t capacity_milli,
                      struct error *error) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    int64_t sum = 0;
    VEC_EACH(at, &tree->nodes) {
        const struct node *node = *at;
        int64_t own = node->guarantee_milli, below = node->sum_milli;
        if (node->parent == NULL && __builtin_add_overflow(sum, own > below ? own : below, &sum))
            sum = INT64_MAX;
    }
    if (sum <= capacity_milli)
        return true;
    buf_append_string(&line, "roles: they are guaranteed ");
    milli_print(sum, &line);
    buf_printf(&line, " %.*s in all, but the agents have ",
               TEXT_ARGS(kinds_name_text(tree->scenario->kinds, name)));
    milli_print(capacity_milli, &line);
    return fail(error, ERROR_INVALID, "%s", buf_string(&line));
}

static bool check_name(struct tree *tree, uint32_t name, int64_t capacity_milli,
                       struct error *error) {
    load(tree, name);
    VEC_EACH(node, &tree->nodes) {
        if (!check_node(tree, *node, name, error))
            return false;
    }
    return check_all(tree, name, capacity_milli, error);
}

static bool check_lines(const struct scenario *scenario, const struct quantities *capacity,
                        struct error *error) {
    for (size_t i = 0; i < scenario->roles.count; i++) {
        VEC_EACH(line, &scenario->roles.items[i].quota) {
            const char *what = line->guarantee_milli > 0 ? "guarantee" : "limit";
            struct text name = kinds_name_text(scenario->kinds, line->name);
            if (line->guarantee_milli < 0 || line->limit_milli < 0)
                return fail(error, ERROR_INVALID, "roles[%zu].quota.%s.%.*s: it is below 0", i,
                            line->guarantee_milli < 0 ? "guarantee" : "limit", TEXT_ARGS(name));
            if (quantities_milli(capacity, line->name) == 0)
                return fail(error, ERROR_INVALID, "roles[%zu].quota.%s.%.*s: no agent has any", i,
                            what, TEXT_ARGS(name));
        }
    }
    return true;
}

bool scenario_check_quota(const struct scenario *scenario, const struct quantities *capacity,
                          struct error *error) {
    struct tree tree;
    bool ok = check_lines(scenario, capacity, error);
    tree_init(&tree, scenario);
    for (size_t i = 0; ok && i < capacity->count; i++)
        ok = check_name(&tree, capacity->items[i].name, capacity->items[i].milli, error);
    tree_fini(&tree);
    return ok;
}
