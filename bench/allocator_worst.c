/*
 * What is hard for the allocator: crowds that nothing fits, agents whose rest nobody may have,
 * calls that concern everybody. A case prints one line of JSON, in processor time.
 *
 *     allocator_worst [all | CASE] [AGENTS FRAMEWORKS]
 *
 * whole       whole agents for all, who want more, and one task that fits nowhere; agents are freed
 * shapes      all is used by tasks of one size that all want more of; one after the other ends
 * remainder   the same, but half a task ends each time
 * mixed       remainder, and some want tasks as small as that on agents that are not there
 * quota       shapes, with a limit on each role that is not reached
 * limited     quota is reached on one resource, of which every agent has some left
 * reserved    twenty reservations on each agent, each with labels of its own, for roles in turn
 * calls       the first quota, a resource that is new, other minima: the longest call
 */
#include "allocator_world.h"

#include "common/base/vec.h"
#include "support.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 1000,
    RESERVATIONS = 20,
    TASKS_OF_AN_AGENT = 24,
    AGENTS_LIMIT = 200000,
    FRAMEWORKS_LIMIT = 100000,
    TURN_BUDGET_MS = 5,
};

static void line_begin(const char *name, const struct world_plan *plan) {
    printf("{\"bench\": \"allocator_worst\", \"case\": \"%s\", \"agents\": %u, "
           "\"frameworks\": %u",
           name, plan->agents, plan->frameworks);
}

static void line_ms(const char *name, int64_t ns) {
    printf(", \"%s_ms\": %.3f", name, (double)ns / 1e6);
}

static void line_turns(const struct world *world) {
    printf(", \"offers\": %llu, \"turns\": %llu", (unsigned long long)world->offers,
           (unsigned long long)world->turns);
    line_ms("all", world->spent_ns);
    line_ms("longest_turn", world->longest_ns);
    printf(", \"turn_budget_ms\": %d", TURN_BUDGET_MS);
}

static void line_end(struct world *world) {
    printf("}\n");
    fflush(stdout);
    world_fini(world);
}

/* Milli-cpus, and as much of the memory. */
static void ask(struct world *world, uint32_t framework, int64_t cpus_milli, uint32_t agent) {
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_add(&shape, NAME_CPUS, cpus_milli);
    quantities_add(&shape, NAME_MEM, cpus_milli * 2000);
    struct allocator_request request = {
        .shape = &shape, .count = ALLOCATOR_COUNT_ENDLESS, .agent = agent};
    allocator_set_demand(world->allocator, framework, world->roles[framework], &request, 1, true);
}

static void fill(struct world *world) {
    world_add_agents(world);
    world_start_clock(world);
    world_allocate(world);
    line_ms("fill", world->spent_ns);
    line_ms("fill_longest_turn", world->longest_ns);
}

static void end_part(struct world *world, uint32_t framework, uint32_t agent, int64_t cpus_milli) {
    AUTO_FINI(resources_fini) struct resources part = {0};
    if (!resources_put_scalar(&part, KIND_CPUS, cpus_milli, NULL) ||
        !resources_put_scalar(&part, KIND_MEM, cpus_milli * 2000, NULL) ||
        !allocator_recover(world->allocator, framework, world->roles[framework], agent, &part))
        bench_fail("recover", "it is not held");
}

static void line_rounds(struct world *world, int64_t *took_ns) {
    printf(", \"one_p50_us\": %.2f, \"one_p99_us\": %.2f",
           (double)bench_percentile(took_ns, ROUNDS, 50) / 1e3,
           (double)bench_percentile(took_ns, ROUNDS, 99) / 1e3);
    line_turns(world);
}

static void run_whole(struct world_plan plan) {
    struct world world;
    AUTO(mem_free) int64_t *took_ns = NEW_ARRAY(int64_t, ROUNDS);
    world_init(&world, plan);
    world_add_frameworks(&world);
    ask(&world, 1, 1000000, 0);
    line_begin("whole", &plan);
    fill(&world);
    world_start_clock(&world);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t before_ns = world.spent_ns;
        world_give_back(&world, 1 + (uint32_t)rng_below(&world.rng, plan.agents));
        world_allocate(&world);
        took_ns[i] = world.spent_ns - before_ns;
    }
    line_rounds(&world, took_ns);
    line_end(&world);
}

/* Each agent is full of tasks of one framework. */
static void fill_by_hand(struct world *world) {
    world_add_agents(world);
    for (uint32_t agent = 1; agent <= world->plan.agents; agent++) {
        AUTO_FINI(resources_fini) struct resources all = {0};
        uint32_t framework = 1 + agent % world->plan.frameworks;
        if (!resources_put_scalar(&all, KIND_CPUS, TASKS_OF_AN_AGENT * 1000, NULL) ||
            !resources_put_scalar(&all, KIND_MEM, TASKS_OF_AN_AGENT * 2000000, NULL) ||
            !allocator_adopt(world->allocator, framework, world->roles[framework], agent, &all))
            bench_fail("adopt", "it does not fit");
        world->owners[agent] = framework;
    }
    world_start_clock(world);
    world_allocate(world);
    line_ms("fill", world->spent_ns);
    line_ms("fill_longest_turn", world->longest_ns);
}

/* What a shape's offer took of an agent is the next to end there. */
static void run_crowd(const char *name, struct world_plan plan, int64_t ends_milli,
                      uint32_t elsewhere, bool has_quota) {
    assert(plan.frameworks > 0);
    struct world world;
    AUTO(mem_free) int64_t *took_ns = NEW_ARRAY(int64_t, ROUNDS);
    AUTO(mem_free) uint32_t *parts = NEW_ARRAY(uint32_t, plan.agents + 1);
    world_init(&world, plan);
    world_add_frameworks(&world);
    for (uint32_t i = 1; i <= plan.frameworks; i++)
        ask(&world, i, i <= elsewhere ? 500 : 1000, i <= elsewhere ? UINT32_MAX - 1 : 0);
    for (uint32_t i = 1; i <= plan.frameworks && has_quota; i++) {
        struct quota_line line = {NAME_CPUS, 0, 24000 * (int64_t)plan.agents};
        allocator_set_quota(world.allocator, world.roles[i], &line, 1);
    }
    line_begin(name, &plan);
    fill_by_hand(&world);
    world_start_clock(&world);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t agent = 1 + (uint32_t)rng_below(&world.rng, plan.agents);
        uint32_t owner = 1 + agent % plan.frameworks;
        if (++parts[agent] == TASKS_OF_AN_AGENT)
            parts[agent] = 0; /* this one is used up: another round of the dice */
        int64_t before_ns = world.spent_ns;
        if (parts[agent] != 0)
            end_part(&world, owner, agent, ends_milli);
        world_allocate(&world);
        took_ns[i] = world.spent_ns - before_ns;
    }
    line_rounds(&world, took_ns);
    line_end(&world);
}

static void run_shapes(struct world_plan plan) {
    run_crowd("shapes", plan, 1000, 0, false);
}

static void run_remainder(struct world_plan plan) {
    run_crowd("remainder", plan, 500, 0, false);
}

static void run_mixed(struct world_plan plan) {
    run_crowd("mixed", plan, 500, plan.frameworks / 100, false);
}

static void run_quota(struct world_plan plan) {
    run_crowd("quota", plan, 1000, 0, true);
}

static void run_limited(struct world_plan plan) {
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    int64_t cpus = 24000 * (int64_t)plan.agents / plan.frameworks / 2;
    for (uint32_t i = 1; i <= plan.frameworks; i++) {
        struct quota_line line = {NAME_CPUS, 0, cpus};
        allocator_set_quota(world.allocator, world.roles[i], &line, 1);
    }
    line_begin("limited", &plan);
    fill(&world);
    line_turns(&world);
    line_end(&world);
}

static void run_reserved(struct world_plan plan) {
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    for (uint32_t i = 1; i <= plan.agents; i++) {
        AUTO_FINI(resources_fini) struct resources total = resources_copy(&world.total);
        for (uint32_t number = 0; number < RESERVATIONS; number++)
            world_put_reserved(&world, &total, i * RESERVATIONS + number,
                               1 + (i * RESERVATIONS + number) % plan.frameworks);
        allocator_add_agent(world.allocator, i, &total, 0);
    }
    line_begin("reserved", &plan);
    world_start_clock(&world);
    world_allocate(&world);
    line_turns(&world);
    line_end(&world);
}

static void run_calls(struct world_plan plan) {
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    line_begin("calls", &plan);
    fill(&world);

    int64_t start_ns = world_now_ns();
    struct quota_line line = {NAME_CPUS, 0, 24000000};
    allocator_set_quota(world.allocator, world.roles[1], &line, 1);
    line_ms("first_quota", world_now_ns() - start_ns);
    world_start_clock(&world);
    world_allocate(&world);
    line_ms("after_quota_longest_turn", world.longest_ns);

    AUTO_FINI(resources_fini) struct resources total = resources_copy(&world.total);
    struct kind_info info = {.name = TEXT("novelty"), .type = VALUE_SCALAR};
    struct error error;
    uint32_t kind;
    if (!kinds_intern(world.kinds, &info, &kind, &error) ||
        !resources_put_scalar(&total, kind, 1000, &error))
        bench_fail("novelty", error.message);
    start_ns = world_now_ns();
    allocator_update_agent(world.allocator, 1, &total, 0, true);
    line_ms("new_name", world_now_ns() - start_ns);
    world_start_clock(&world);
    world_allocate(&world);
    line_ms("after_name_longest_turn", world.longest_ns);

    AUTO_FINI(quantities_fini) struct quantities minimum = {0};
    quantities_add(&minimum, NAME_CPUS, 100);
    start_ns = world_now_ns();
    allocator_set_minima(world.allocator, &minimum, 1);
    line_ms("minima", world_now_ns() - start_ns);
    world_start_clock(&world);
    world_allocate(&world);
    line_turns(&world);
    line_end(&world);
}

static const struct {
    const char *name;
    void (*run)(struct world_plan plan);
    uint32_t agents, frameworks;
} cases[] = {
    {"whole", run_whole, 10000, 6000},         {"shapes", run_shapes, 10000, 6000},
    {"remainder", run_remainder, 10000, 6000}, {"mixed", run_mixed, 10000, 6000},
    {"quota", run_quota, 10000, 6000},         {"limited", run_limited, 20000, 2000},
    {"reserved", run_reserved, 5000, 1000},    {"calls", run_calls, 50000, 6000},
};

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "all";
    bool has_run = false;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && argc != 3 && argc <= 4; i++) {
        if (strcmp(name, "all") != 0 && strcmp(name, cases[i].name) != 0)
            continue;
        struct world_plan plan = {.policy = &allocator_hdrf,
                                  .agents = cases[i].agents,
                                  .frameworks = cases[i].frameworks,
                                  .has_role_each = true};
        if (argc == 4) {
            plan.agents = (uint32_t)bench_number(argv[2], AGENTS_LIMIT);
            plan.frameworks = (uint32_t)bench_number(argv[3], FRAMEWORKS_LIMIT);
        }
        cases[i].run(plan);
        has_run = true;
    }
    if (!has_run)
        fprintf(stderr,
                "usage: allocator_worst [all | whole | shapes | remainder | mixed | quota | "
                "limited | reserved | calls] [AGENTS FRAMEWORKS]\n");
    return has_run ? 0 : 2;
}
