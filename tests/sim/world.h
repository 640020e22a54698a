/*
 * The world: one virtual clock, one source of chance, what is to happen and when, and the
 * transcript of what did. Everything in the simulator is owned by its world and goes with it.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/rng.h"
#include "common/base/text.h"
#include "common/base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LINES_KEPT = 100, HAPPENINGS_LIMIT = 100000, QUEUE_LIMIT = 20000 };

/* A fault of the simulator itself, to show that the checkers see it. */
enum mutation {
    MUTATION_NONE,
    MUTATION_DROP_LAUNCH,    /* an effect is not carried out */
    MUTATION_REPEAT_UPDATE,  /* a status is sent again after its acknowledgement is stored */
    MUTATION_FORGET_UPDATE,  /* a record is not stored */
    MUTATION_IGNORE_AFTER,   /* effects do not wait for their store */
    MUTATION_LAUNCH_TWICE,   /* a task gets two containers */
    MUTATION_SWALLOW_UPDATE, /* updates never come through */
    MUTATION_KEEP_CONTAINER, /* a container lives on though it was destroyed */
    MUTATION_FORGET_DRAIN,   /* an agent's record does not say that it is out of use */
    /* With three masters alone: */
    MUTATION_NO_FENCE,     /* the registry is written whoever leads */
    MUTATION_EARLY_ANSWER, /* what is on its way to ZooKeeper counts as stored */
    MUTATION_FORGET_WRITE, /* a change of the registry is not written */
    MUTATION_COUNT,
};
const char *mutation_name(enum mutation mutation);

struct happening {
    struct heap_node node;
    void (*fn)(void *self, uint64_t argument);
    void *self;
    uint64_t argument;
    bool is_owned; /* by the heap: freed when it has happened */
};

struct world {
    uint64_t seed;
    int64_t now_ms;
    struct rng rng;
    struct heap due;
    enum mutation mutation;
    bool is_random; /* else latencies are fixed and nothing goes wrong by itself: scenarios */
    bool has_healed;
    int64_t last_led_ms; /* when there was a leader, since then */
    int64_t unrest_ms;   /* the longest time between two faults */
    bool has_failed;
    char why[600];
    FILE *trace; /* NULL: lines are only kept */
    uint64_t hash;
    char *lines[LINES_KEPT];
    uint64_t line_count, step_count;

    /* The one there is; of several the last that began to lead. */
    struct master_node *master;
    VEC_OF(struct master_node *) masters;
    struct ensemble *ensemble; /* NULL: there is one master, without ZooKeeper */
    struct annals *annals;
    uint64_t last_term;
    VEC_OF(struct agent_node *) agents;
    VEC_OF(struct workload *) workloads;
    VEC_OF(struct connection *) connections;
    VEC_OF(struct partition) partitions;
    struct map removed; /* ids of frameworks that a master has removed */
    struct ledger *ledger;
    struct operator* operator;
    struct drains *drains;
    struct outages *outages;
    struct arena *scratch; /* of one print or check */
};

struct partition {
    struct process *a, *b;
};

struct world *world_new(uint64_t seed);
void world_free(struct world *world);

void world_after(struct world *world, int64_t delay_ms, void (*fn)(void *, uint64_t), void *self,
                 uint64_t argument);
/* Arms or moves one that is part of something else; INT64_MAX disarms. */
void world_arm(struct world *world, struct happening *happening, int64_t due_ms);
/* The next happening; false when there is none, or the world has failed. */
bool world_turn(struct world *world);
/* Turns until the clock shows `until_ms`. */
void world_run(struct world *world, int64_t until_ms);

/* Uniform, both may come; the least alone in a world without chance. */
int64_t world_draw(struct world *world, int64_t least, int64_t most);
bool world_chance(struct world *world, unsigned per_mille); /* false without chance */

void world_say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first failure counts. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_show_lines(const struct world *world, FILE *to);
int64_t world_wall_ns(const struct world *world);
