/*
 * What a hierarchical decision costs: one pool, ten thousand leaves in a hundred roles of weights 1
 * to 5. First filled until a million tasks run: decisions a second (budget 1,000,000). Then, with
 * the machine full, tasks end one by one: a release, reconsideration of those who were refused and
 * whose task fits now, a decision and a grant. Of processor time, for both are bound by it.
 *
 * The fewer shapes of tasks there are, the fewer leaves are asked in vain for what was freed.
 *
 *     bench_hdrf [leaves decisions shapes]     prints one line of JSON
 */
#include "support.h"

#include "allocator/tree.h"
#include "common/base/vec.h"

#include <stdio.h>
#include <time.h>

enum {
    RESOURCES = 4,
    ROLES = 100,
    SHAPES_LIMIT = 7 * 5 * 3,
    FREED_LIMIT = 100000,
    LEAVES_LIMIT = 500000,
    DECISIONS_LIMIT = 100000000
};

struct machine {
    int64_t free[RESOURCES];
    VEC_OF(struct tree_node *) refused[SHAPES_LIMIT]; /* by the shape of their tasks */
    uint32_t shapes;
    uint64_t asks;
};

static void shape_of(uint32_t shape, int64_t *task) {
    task[0] = 100 + shape % 7 * 100;
    task[1] = 32000 + shape / 7 % 5 * 1000;
    task[2] = shape / 35 * 1000;
    task[3] = 0;
}

static bool is_free(const struct machine *machine, const int64_t *task) {
    for (size_t j = 0; j < RESOURCES; j++)
        if (task[j] > machine->free[j])
            return false;
    return true;
}

static enum mesos_allocator_answer fits(const struct tree_node *leaf, void *self) {
    struct machine *machine = self;
    machine->asks++;
    if (is_free(machine, tree_task(leaf)))
        return MESOS_ALLOCATOR_YES;
    VEC_PUSH(&machine->refused[tree_mark(leaf) % machine->shapes],
             (struct tree_node *)(uintptr_t)leaf);
    return MESOS_ALLOCATOR_NO;
}

static int64_t cpu_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct tree_node **add_leaves(struct tree *tree, uint32_t count, uint32_t shapes) {
    struct error error;
    struct tree_node **leaves = NEW_ARRAY(struct tree_node *, count);
    for (uint32_t i = 0; i < count; i++) {
        char role[64];
        uint32_t number = i % ROLES;
        snprintf(role, sizeof(role), "top%u/r%u", number % 10, number);
        if (!tree_set_weight(tree, text_of(role), 1000 * (1 + number % 5), &error))
            bench_fail("weight", error.message);
        leaves[i] = tree_add_leaf(tree, text_of(role), i, 1000, &error);
        if (leaves[i] == NULL)
            bench_fail("leaf", error.message);
        int64_t task[RESOURCES];
        shape_of(i % shapes, task);
        tree_set_mark(leaves[i], i);
        tree_set_task(tree, leaves[i], task);
        tree_set_wants(tree, leaves[i], true);
    }
    return leaves;
}

static bool serve_one(struct tree *tree, struct machine *machine) {
    struct tree_node *leaf;
    if (tree_decide(tree, fits, machine, &leaf) != MESOS_ALLOCATOR_YES)
        return false;
    for (size_t j = 0; j < RESOURCES; j++)
        machine->free[j] -= tree_task(leaf)[j];
    return tree_grant(tree, leaf, tree_task(leaf));
}

static void reconsider(struct tree *tree, struct machine *machine) {
    for (uint32_t i = 0; i < machine->shapes; i++) {
        int64_t task[RESOURCES];
        shape_of(i, task);
        if (machine->refused[i].count == 0 || !is_free(machine, task))
            continue;
        VEC_EACH(leaf, &machine->refused[i])
            tree_reconsider(tree, *leaf);
        machine->refused[i].count = 0;
    }
}

/* One task of a leaf that runs some ends, and what is free goes to whoever is next. */
static void end_one(struct tree *tree, struct machine *machine, struct tree_node *leaf) {
    if (tree_held(leaf)[0] < tree_task(leaf)[0])
        return;
    for (size_t j = 0; j < RESOURCES; j++)
        machine->free[j] += tree_task(leaf)[j];
    if (!tree_release(tree, leaf, tree_task(leaf)))
        bench_fail("release", "it does not hold its task");
    reconsider(tree, machine);
    serve_one(tree, machine);
}

int main(int argc, char **argv) {
    uint32_t count = argc > 1 ? (uint32_t)bench_number(argv[1], LEAVES_LIMIT) : 10000;
    uint64_t decisions = argc > 2 ? bench_number(argv[2], DECISIONS_LIMIT) : 1000000;
    uint32_t shapes = argc > 3 ? (uint32_t)bench_number(argv[3], SHAPES_LIMIT) : SHAPES_LIMIT;
    AUTO(tree_free) struct tree *tree = tree_new(TREE_HDRF, RESOURCES, 0);
    struct machine machine = {.free = {6400000000, 50000000000000, 500000000000, 1000},
                              .shapes = shapes};
    tree_set_capacity(tree, machine.free, NULL);
    AUTO(mem_free) struct tree_node **leaves = add_leaves(tree, count, shapes);

    int64_t start_ns = cpu_now_ns();
    for (uint64_t i = 0; i < decisions; i++)
        if (!serve_one(tree, &machine))
            bench_fail("decide", "nobody is next");
    int64_t filled_ns = cpu_now_ns() - start_ns;

    /* What is free now is taken away: the machine is full. */
    int64_t full[RESOURCES];
    for (size_t j = 0; j < RESOURCES; j++) {
        full[j] = (int64_t[]){6400000000, 50000000000000, 500000000000, 1000}[j] - machine.free[j];
        machine.free[j] = 0;
    }
    tree_set_capacity(tree, full, NULL);
    serve_one(tree, &machine);
    uint64_t freed = decisions < FREED_LIMIT ? decisions : FREED_LIMIT;
    machine.asks = 0;
    start_ns = cpu_now_ns();
    for (uint64_t i = 0; i < freed; i++)
        end_one(tree, &machine, leaves[i * 7919 % count]);
    int64_t steady_ns = cpu_now_ns() - start_ns;
    for (size_t i = 0; i < shapes; i++)
        VEC_FINI(&machine.refused[i]);
    printf("{\"leaves\": %u, \"shapes\": %u, \"decisions\": %llu, "
           "\"decisions_per_second\": %.0f, \"budget\": 1000000, \"one_freed_ns\": %.0f, "
           "\"asked_for_one_freed\": %.1f}\n",
           count, shapes, (unsigned long long)decisions,
           (double)decisions * 1e9 / (double)filled_ns, (double)steady_ns / (double)freed,
           (double)machine.asks / (double)freed);
    return 0;
}
