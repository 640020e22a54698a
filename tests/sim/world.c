#include "tests/sim/world.h"

#include "common/base/arena.h"
#include "tests/sim/annals.h"
#include "tests/sim/drains.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/ledger.h"
#include "tests/sim/operator.h"
#include "tests/sim/outages.h"
#include "tests/sim/network.h"
#include "tests/sim/nodes.h"

#include <assert.h>
#include <stdarg.h>

enum { WALL_START_S = 1700000000 };

const char *mutation_name(enum mutation mutation) {
    static const char *const names[MUTATION_COUNT] = {
        [MUTATION_NONE] = "none",
        [MUTATION_DROP_LAUNCH] = "drop_launch",
        [MUTATION_REPEAT_UPDATE] = "repeat_update",
        [MUTATION_FORGET_UPDATE] = "forget_update",
        [MUTATION_IGNORE_AFTER] = "ignore_after",
        [MUTATION_LAUNCH_TWICE] = "launch_twice",
        [MUTATION_SWALLOW_UPDATE] = "swallow_update",
        [MUTATION_KEEP_CONTAINER] = "keep_container",
        [MUTATION_FORGET_DRAIN] = "forget_drain",
        [MUTATION_NO_FENCE] = "no_fence",
        [MUTATION_EARLY_ANSWER] = "early_answer",
        [MUTATION_FORGET_WRITE] = "forget_write",
    };
    return names[mutation];
}

struct world *world_new(uint64_t seed) {
    struct world *world = NEW(struct world);
    world->seed = seed;
    world->rng = rng_of(seed);
    world->hash = UINT64_C(0xcbf29ce484222325);
    world->scratch = arena_new();
    world->ledger = ledger_new(world);
    world->operator= operator_new(world);
    world->drains = drains_new(world);
    world->outages = outages_new(world);
    return world;
}

void world_free(struct world *world) {
    if (world == NULL)
        return;
    for (struct heap_node *node; (node = heap_least(&world->due)) != NULL;) {
        struct happening *happening = CONTAINER_OF(node, struct happening, node);
        heap_remove(&world->due, node);
        if (happening->is_owned)
            mem_free(happening);
    }
    heap_fini(&world->due);
    VEC_EACH(workload, &world->workloads)
        workload_free(*workload);
    VEC_EACH(agent, &world->agents)
        agent_node_free(*agent);
    VEC_EACH(master, &world->masters)
        master_node_free(*master);
    ensemble_free(world->ensemble);
    annals_free(world->annals);
    VEC_EACH(connection, &world->connections)
        connection_free(*connection);
    VEC_FINI(&world->masters);
    VEC_FINI(&world->workloads);
    VEC_FINI(&world->agents);
    VEC_FINI(&world->connections);
    VEC_FINI(&world->partitions);
    map_fini(&world->removed, NULL);
    ledger_free(world->ledger);
    operator_free(world->operator);
    drains_free(world->drains);
    outages_free(world->outages);
    arena_free(world->scratch);
    for (size_t i = 0; i < LINES_KEPT; i++)
        mem_free(world->lines[i]);
    mem_free(world);
}

void world_after(struct world *world, int64_t delay_ms, void (*fn)(void *, uint64_t), void *self,
                 uint64_t argument) {
    struct happening *happening = NEW(struct happening);
    *happening = (struct happening){.fn = fn, .self = self, .argument = argument, .is_owned = true};
    heap_put(&world->due, &happening->node, world->now_ms + delay_ms);
    if (world->due.count > HAPPENINGS_LIMIT)
        world_fail(world, "more than %d things wait to happen", HAPPENINGS_LIMIT);
}

void world_arm(struct world *world, struct happening *happening, int64_t due_ms) {
    if (due_ms == INT64_MAX)
        heap_remove(&world->due, &happening->node);
    else
        heap_put(&world->due, &happening->node, due_ms > world->now_ms ? due_ms : world->now_ms);
}

bool world_turn(struct world *world) {
    struct heap_node *node = heap_least(&world->due);
    if (node == NULL || world->has_failed)
        return false;
    struct happening *happening = CONTAINER_OF(node, struct happening, node);
    if (node->key > world->now_ms)
        world->now_ms = node->key;
    heap_remove(&world->due, node);
    world->step_count++;
    happening->fn(happening->self, happening->argument);
    if (happening->is_owned)
        mem_free(happening);
    return true;
}

void world_run(struct world *world, int64_t until_ms) {
    for (struct heap_node *node; (node = heap_least(&world->due)) != NULL;)
        if (node->key > until_ms || !world_turn(world))
            break;
    if (world->now_ms < until_ms)
        world->now_ms = until_ms;
}

int64_t world_draw(struct world *world, int64_t least, int64_t most) {
    if (!world->is_random || most <= least)
        return least;
    return least + (int64_t)rng_below(&world->rng, (uint64_t)(most - least + 1));
}

bool world_chance(struct world *world, unsigned per_mille) {
    return world->is_random && rng_below(&world->rng, 1000) < per_mille;
}

static void keep_line(struct world *world, const char *line) {
    for (const char *at = line; *at != '\0'; at++)
        world->hash = (world->hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    char **place = &world->lines[world->line_count++ % LINES_KEPT];
    mem_free(*place);
    *place = mem_dup_string(line);
    if (world->trace != NULL)
        fprintf(world->trace, "%s\n", line);
}

void world_say(struct world *world, const char *format, ...) {
    char line[2000];
    int head = snprintf(line, sizeof(line), "%7lld.%03lld  ", (long long)(world->now_ms / 1000),
                        (long long)(world->now_ms % 1000));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + head, sizeof(line) - (size_t)head, format, arguments);
    va_end(arguments);
    keep_line(world, line);
}

void world_fail(struct world *world, const char *format, ...) {
    if (world->has_failed)
        return;
    world->has_failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->why, sizeof(world->why), format, arguments);
    va_end(arguments);
    world_say(world, "FAILED %s", world->why);
}

void world_show_lines(const struct world *world, FILE *to) {
    uint64_t first = world->line_count > LINES_KEPT ? world->line_count - LINES_KEPT : 0;
    for (uint64_t i = first; i < world->line_count; i++)
        fprintf(to, "%s\n", world->lines[i % LINES_KEPT]);
}

int64_t world_wall_ns(const struct world *world) {
    return WALL_START_S * INT64_C(1000000000) + world->now_ms * 1000000;
}
