/*
 * sim: many small clusters, one after the other, each by a seed of its own; or one seed, one
 * mutation, one scenario. docs/simulator.md says how to read what it prints.
 */
#include "tests/sim/checks.h"
#include "tests/sim/faults.h"
#include "tests/sim/nodes.h"
#include "tests/sim/scenario.h"

#include <stdlib.h>
#include <time.h>

enum {
    SEEDS_DEFAULT = 200,
    SETTLE_LIMIT_MS = 45 * 60 * 1000,
    SETTLE_LOOK_MS = 1000,
    MUTATION_SEEDS = 60,
    STEPS_LIMIT = 400000,
    LEADER_LIMIT_MS = 30000,
    LONG_SEEDS = 100000,
    LONG_REPORT = 5000, /* a line after so many */
};

struct choices {
    uint64_t seed;
    bool has_seed, trace, twice, quiet, is_long;
    unsigned masters; /* 0: one or three by seed */
    enum mutation mutation;
    const char *scenario;
};

static void leave_when_done(struct world *world) {
    VEC_EACH(workload, &world->workloads) {
        if (workload_has_all(*workload) && !(*workload)->is_over)
            workload_leave(*workload);
    }
}

/* After all is well: a session that has to run out, an answer that is asked for again. */
static void check_there_is_a_leader(struct world *world) {
    if (world->master->process.is_up)
        world->last_led_ms = world->now_ms;
    else if (world->now_ms - world->last_led_ms > LEADER_LIMIT_MS)
        world_fail(world, "nobody leads for %d s, and all is well", LEADER_LIMIT_MS / 1000);
}

static void settle(struct world *world) {
    AUTO_FINI(buf_fini) struct buf why = {0};
    int64_t limit_ms = world->now_ms + SETTLE_LIMIT_MS;
    faults_heal(world);
    world->last_led_ms = world->now_ms;
    while (world->now_ms < limit_ms && !world->has_failed) {
        world_run(world, world->now_ms + SETTLE_LOOK_MS);
        leave_when_done(world);
        check_there_is_a_leader(world);
        if (check_is_settled(world, NULL))
            return;
        if (world->step_count > STEPS_LIMIT)
            world_fail(world, "more than %d steps", STEPS_LIMIT);
    }
    if (check_is_settled(world, &why))
        return;
    world_fail(world, "not settled: %s", buf_string(&why));
}

static bool has_many_masters(uint64_t seed, const struct choices *choices) {
    return choices->masters > 0 ? choices->masters > 1 : seed % 2 == 0;
}

/* Runs one seed; the transcript's hash, and whether it went well. */
static bool run_seed(uint64_t seed, const struct choices *choices, uint64_t *hash) {
    struct world *world = world_new(seed);
    world->is_random = true;
    world->mutation = choices->mutation;
    world->trace = choices->trace ? stdout : NULL;
    faults_populate(world, has_many_masters(seed, choices));
    faults_begin(world);
    if (!world->has_failed)
        settle(world);
    *hash = world->hash;
    bool good = !world->has_failed;
    if (!good && !choices->quiet) {
        if (!choices->trace)
            world_show_lines(world, stderr);
        fprintf(stderr, "SEED=%llu\n%s\n", (unsigned long long)seed, world->why);
    } else if (!good) {
        printf("caught by seed %llu: %s\n", (unsigned long long)seed, world->why);
    }
    world_free(world);
    return good;
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *given = getenv(name);
    uint64_t value;
    return given != NULL && text_to_u64(text_of(given), &value) ? value : otherwise;
}

static int run_many(const struct choices *choices) {
    uint64_t seeds = number_of("SIM_SEEDS", choices->is_long ? LONG_SEEDS : SEEDS_DEFAULT);
    uint64_t first = number_of("SIM_FIRST", 1), seconds = number_of("SIM_SECONDS", 0);
    uint64_t failed = 0, many = 0, done = 0, hash;
    time_t began = time(NULL);
    for (; (done < seeds || (uint64_t)(time(NULL) - began) < seconds) && failed < 5; done++) {
        failed += !run_seed(first + done, choices, &hash);
        many += has_many_masters(first + done, choices);
        if (choices->is_long && (done + 1) % LONG_REPORT == 0)
            fprintf(stderr, "%llu seeds, %llu failed, %lld s\n", (unsigned long long)done + 1,
                    (unsigned long long)failed, (long long)(time(NULL) - began));
    }
    if (failed > 0)
        return 1;
    printf("%llu seeds, of which %llu with three masters, none failed\n", (unsigned long long)done,
           (unsigned long long)many);
    return 0;
}

/* The checkers must see it: one seed of some must fail. */
static int run_mutation(const struct choices *choices) {
    struct choices quiet = *choices;
    uint64_t hash;
    quiet.quiet = true;
    for (uint64_t seed = 1; seed <= MUTATION_SEEDS; seed++) {
        if (!run_seed(seed, &quiet, &hash))
            return 0;
    }
    fprintf(stderr, "mutation %s is not caught by %d seeds\n", mutation_name(choices->mutation),
            MUTATION_SEEDS);
    return 1;
}

static int run_twice(const struct choices *choices) {
    uint64_t first = 0, second = 0;
    bool good = run_seed(choices->seed, choices, &first);
    if (run_seed(choices->seed, choices, &second) != good || first != second) {
        fprintf(stderr, "SEED=%llu gives two transcripts\n", (unsigned long long)choices->seed);
        return 1;
    }
    printf("%016llx\n", (unsigned long long)first);
    return 0;
}

static bool parse_mutation(struct text name, enum mutation *out) {
    for (int i = 0; i < MUTATION_COUNT; i++) {
        if (!text_equal(text_of(mutation_name((enum mutation)i)), name))
            continue;
        *out = (enum mutation)i;
        return true;
    }
    return false;
}

static bool parse(int count, char **arguments, struct choices *choices) {
    const char *seed = getenv("SEED");
    choices->has_seed = seed != NULL && text_to_u64(text_of(seed), &choices->seed);
    for (int i = 1; i < count; i++) {
        struct text argument = text_of(arguments[i]);
        if (text_equal(argument, TEXT("--trace")))
            choices->trace = true;
        else if (text_equal(argument, TEXT("--twice")))
            choices->twice = true;
        else if (text_starts_with(argument, TEXT("--mutation=")) &&
                 parse_mutation(text_sub(argument, 11, SIZE_MAX), &choices->mutation))
            continue;
        else if (text_equal(argument, TEXT("--long")))
            choices->is_long = true;
        else if (text_equal(argument, TEXT("--masters=1")))
            choices->masters = 1;
        else if (text_equal(argument, TEXT("--masters=3")))
            choices->masters = 3;
        else if (text_starts_with(argument, TEXT("--scenario=")))
            choices->scenario = arguments[i] + 11;
        else
            return false;
    }
    return true;
}

int main(int count, char **arguments) {
    struct choices choices = {.seed = 1};
    uint64_t hash;
    if (!parse(count, arguments, &choices)) {
        fprintf(stderr,
                "usage: [SEED=n] [SIM_SEEDS=n] sim [--trace] [--twice] [--long] [--masters=1|3] "
                "[--mutation=NAME] [--scenario=FILE]\n");
        return 2;
    }
    if (choices.scenario != NULL)
        return scenario_run(choices.scenario);
    if (choices.twice)
        return run_twice(&choices);
    if (choices.mutation != MUTATION_NONE && !choices.has_seed)
        return run_mutation(&choices);
    if (choices.has_seed)
        return run_seed(choices.seed, &choices, &hash) ? 0 : 1;
    return run_many(&choices);
}
