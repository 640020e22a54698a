/*
 * How long the allocator takes, in processor time. A case prints one line of JSON; `floor` is the
 * same work done by a shuffle of the agents and a heap of frameworks in the same run, and nothing
 * else.
 *
 *     allocator [all] [AGENTS FRAMEWORKS]               each case at its budget's size, or at this
 *     allocator CASE [AGENTS FRAMEWORKS [POLICY [ROLES]]]  hdrf or drf; ROLES is one or each
 *     allocator grid                                    full for all sizes, policies and roles
 *
 * full        agents and frameworks are there, nothing was ever offered: everything is offered; all
 *             is given back and offered again; then one agent after the other is freed
 * join        frameworks are there, the agents come
 * storm       every framework declines everything with a filter until nothing is left to offer
 * filtered    a round in which everything is refused by everybody
 * quota       full, with a guarantee and a limit on every role
 * reserved    full, with four reservations on each agent, each with labels of its own
 * suppressed  a crowd that suppressed, 50 that decline everything, and one that takes all
 */
#include "allocator_world.h"

#include "common/base/vec.h"
#include "support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SINGLES = 10000, /* agents freed one by one */
    IDLE = 50,
    RESERVATIONS = 4,
    AGENTS_LIMIT = 200000,
    FRAMEWORKS_LIMIT = 100000,
};

struct budget {
    uint32_t agents, frameworks;
    int64_t ms; /* 0: none is set for this size */
};

/* --- one line --- */

static void line_begin(const char *name, const struct world_plan *plan) {
    printf("{\"bench\": \"allocator\", \"case\": \"%s\", \"policy\": \"%s\", \"roles\": \"%s\", "
           "\"agents\": %u, \"frameworks\": %u",
           name, plan->policy->name, plan->has_role_each ? "each" : "one", plan->agents,
           plan->frameworks);
}

static void line_ms(const char *name, int64_t ns) {
    printf(", \"%s_ms\": %.3f", name, (double)ns / 1e6);
}

static void line_us(const char *name, int64_t ns) {
    printf(", \"%s_us\": %.2f", name, (double)ns / 1e3);
}

static void line_number(const char *name, uint64_t number) {
    printf(", \"%s\": %llu", name, (unsigned long long)number);
}

static void line_budget(const char *name, const struct world_plan *plan,
                        const struct budget *budgets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (budgets[i].agents == plan->agents && budgets[i].frameworks == plan->frameworks)
            printf(", \"%s_budget_ms\": %lld", name, (long long)budgets[i].ms);
    }
}

static void line_turns(const struct world *world) {
    line_number("offers", world->offers);
    line_number("turns", world->turns);
    line_ms("longest_turn", world->longest_ns);
}

static void line_end(void) {
    printf("}\n");
    fflush(stdout);
}

static size_t allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* --- cases --- */

static void measure_singles(struct world *world) {
    AUTO(mem_free) int64_t *took_ns = NEW_ARRAY(int64_t, SINGLES);
    for (int i = 0; i < SINGLES; i++) {
        uint32_t agent = 1 + (uint32_t)rng_below(&world->rng, world->plan.agents);
        int64_t start_ns = world_now_ns();
        world_give_back(world, agent);
        world_allocate(world);
        took_ns[i] = world_now_ns() - start_ns;
    }
    line_us("one_p50", bench_percentile(took_ns, SINGLES, 50));
    line_us("one_p99", bench_percentile(took_ns, SINGLES, 99));
    printf(", \"one_budget_us\": 20");
}

static void run_full(struct world_plan plan) {
    static const struct budget budgets[] = {{20000, 2000, 40}, {50000, 6000, 150}};
    struct world world;
    world_init(&world, plan);
    line_begin("full", &plan);
    int64_t start_ns = world_now_ns();
    world_add_frameworks(&world);
    world_add_agents(&world);
    line_ms("add", world_now_ns() - start_ns);

    world_start_clock(&world);
    world_allocate(&world);
    line_ms("full", world.spent_ns);
    line_turns(&world);
    line_budget("full", &plan, budgets, 2);
    line_ms("floor", floor_full_ns(plan.agents, plan.frameworks, 1));

    start_ns = world_now_ns();
    world_give_back_all(&world);
    line_ms("give_back", world_now_ns() - start_ns);
    world_start_clock(&world);
    world_allocate(&world);
    line_ms("again", world.spent_ns);
    measure_singles(&world);
    line_end();
    world_fini(&world);
}

static void run_join(struct world_plan plan) {
    static const struct budget budgets[] = {{10000, 1000, 20}, {50000, 50, 100}};
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    world_allocate(&world);
    line_begin("join", &plan);

    world_start_clock(&world);
    int64_t start_ns = world_now_ns();
    world_add_agents(&world);
    line_ms("add", world_now_ns() - start_ns);
    world_allocate(&world);
    line_ms("join", world_now_ns() - start_ns);
    line_turns(&world);
    line_budget("join", &plan, budgets, 2);
    line_end();
    world_fini(&world);
}

/* The floor of a storm: as many rounds as it takes until everybody was offered everything. */
static int64_t floor_storm_ns(const struct world_plan *plan) {
    int64_t spent_ns = 0;
    for (uint32_t i = 0; i < plan->frameworks; i++)
        spent_ns += floor_full_ns(plan->agents, plan->frameworks, i);
    return spent_ns;
}

static void run_storm(struct world_plan plan) {
    static const struct budget budgets[] = {{2000, 2000, 4000}};
    struct world world;
    world_init(&world, plan);
    world.keeps_given = true;
    world_add_frameworks(&world);
    world_add_agents(&world);
    line_begin("storm", &plan);
    size_t before_bytes = allocated_bytes();
    int64_t before_kb = bench_memory_kb(getpid(), "RssAnon");

    world_start_clock(&world);
    int64_t declining_ns = 0;
    for (bool has_more = true; has_more || world.given.count > 0;) {
        int64_t start_ns = world_now_ns();
        world_decline_given(&world, 1);
        declining_ns += world_now_ns() - start_ns;
        has_more = world_turn(&world);
    }
    line_ms("storm", world.spent_ns + declining_ns);
    line_budget("storm", &plan, budgets, 1);
    line_ms("offering", world.spent_ns);
    line_ms("declining", declining_ns);
    line_turns(&world);
    VEC_FINI(&world.given);
    if (world.offers > 0) {
        line_number("filter_bytes", (allocated_bytes() - before_bytes) / world.offers);
        line_number("filter_rss_bytes",
                    (uint64_t)(bench_memory_kb(getpid(), "RssAnon") - before_kb) * 1024 /
                        world.offers);
    }
    printf(", \"filter_budget_bytes\": 150");
    line_ms("floor", floor_storm_ns(&plan));
    line_end();
    world_fini(&world);
}

/* Each agent goes and comes back, so that it is looked at again with all its filters. */
static void touch_agents(struct world *world) {
    for (uint32_t i = 1; i <= world->plan.agents; i++) {
        allocator_activate_agent(world->allocator, i, false);
        allocator_activate_agent(world->allocator, i, true);
    }
}

static void run_filtered(struct world_plan plan) {
    static const struct budget budgets[] = {{1000, 200, 1}};
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    world_add_agents(&world);
    for (uint32_t agent = 1; agent <= plan.agents; agent++) {
        for (uint32_t i = 1; i <= plan.frameworks; i++)
            allocator_refuse(world.allocator, i, world.roles[i], agent, &world.total, 1000000);
    }
    line_begin("filtered", &plan);

    world_start_clock(&world);
    world_allocate(&world);
    line_ms("first", world.spent_ns);
    line_budget("first", &plan, budgets, 1);
    line_turns(&world);
    world_start_clock(&world);
    world_allocate(&world);
    line_ms("again", world.spent_ns);
    touch_agents(&world);
    world_start_clock(&world);
    world_allocate(&world);
    line_ms("all_touched", world.spent_ns);
    line_end();
    world_fini(&world);
}

/* Guarantees come to half of the cluster, limits to twice a fair share. */
static void set_quota(struct world *world, uint32_t role, uint32_t roles) {
    int64_t cpus = 24000 * (int64_t)world->plan.agents / roles;
    int64_t mem = 64000000 * (int64_t)world->plan.agents / roles;
    struct quota_line lines[] = {{NAME_CPUS, cpus / 2, cpus * 2}, {NAME_MEM, mem / 2, mem * 2}};
    allocator_set_quota(world->allocator, role, lines, 2);
}

static void run_quota(struct world_plan plan) {
    static const struct budget budgets[] = {{20000, 2000, 40}};
    struct world world;
    world_init(&world, plan);
    world_add_frameworks(&world);
    world_add_agents(&world);
    uint32_t roles = plan.has_role_each ? plan.frameworks : 1;
    for (uint32_t i = 1; i <= roles; i++)
        set_quota(&world, world.roles[i], roles);
    line_begin("quota", &plan);

    world_start_clock(&world);
    world_allocate(&world);
    line_ms("full", world.spent_ns);
    line_budget("full", &plan, budgets, 1);
    line_turns(&world);
    line_end();
    world_fini(&world);
}

static void run_reserved(struct world_plan plan) {
    struct world world;
    world_init(&world, plan);
    world.keeps_given = true;
    world_add_frameworks(&world);
    for (uint32_t i = 1; i <= plan.agents; i++) {
        AUTO_FINI(resources_fini) struct resources total = resources_copy(&world.total);
        for (uint32_t number = 0; number < RESERVATIONS; number++)
            world_put_reserved(&world, &total, i * RESERVATIONS + number,
                               plan.has_role_each ? 1 + (i + number) % plan.frameworks : 0);
        allocator_add_agent(world.allocator, i, &total, 0);
    }
    line_begin("reserved", &plan);

    world_start_clock(&world);
    world_allocate(&world);
    line_ms("full", world.spent_ns);
    line_turns(&world);
    line_end();
    world_fini(&world);
}

static void run_suppressed(struct world_plan plan) {
    struct world world;
    plan.frameworks += IDLE + 1;
    world_init(&world, plan);
    world.keeps_given = true;
    world_add_frameworks(&world);
    for (uint32_t i = IDLE + 2; i <= plan.frameworks; i++)
        allocator_suppress(world.allocator, i, world.roles[i]);
    world_add_agents(&world);
    line_begin("suppressed", &plan);

    world_start_clock(&world);
    int64_t start_ns = world_now_ns();
    for (bool has_more = true; has_more || world.given.count > 0;) {
        world_decline_given(&world, 2);
        has_more = world_turn(&world);
    }
    line_ms("settled", world_now_ns() - start_ns);
    line_turns(&world);
    line_number("hungry_agents", world.offers_of[1]);
    touch_agents(&world);
    measure_singles(&world);
    line_end();
    world_fini(&world);
}

/* --- which --- */

struct bench_case {
    const char *name;
    void (*run)(struct world_plan plan);
    uint32_t agents, frameworks;
    bool is_drf_too;
};

static const struct bench_case cases[] = {
    {"full", run_full, 20000, 2000, true},
    {"full", run_full, 50000, 6000, true},
    {"join", run_join, 10000, 1000, false},
    {"join", run_join, 50000, 50, false},
    {"storm", run_storm, 2000, 2000, false},
    {"filtered", run_filtered, 1000, 200, false},
    {"quota", run_quota, 20000, 2000, false},
    {"reserved", run_reserved, 10000, 1000, false},
    {"suppressed", run_suppressed, 20000, 6000, false},
};
enum { CASE_COUNT = sizeof(cases) / sizeof(cases[0]) };

static void run_grid(void) {
    static const uint32_t agents[] = {1000, 5000, 10000, 20000, 50000};
    static const uint32_t frameworks[] = {1, 100, 500, 1000, 2000, 6000};
    static const struct mesos_allocator *const policies[] = {&allocator_hdrf, &allocator_drf};
    for (size_t which = 0; which < 4; which++) {
        for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
            for (size_t j = 0; j < sizeof(frameworks) / sizeof(frameworks[0]); j++)
                run_full((struct world_plan){.policy = policies[which / 2],
                                             .agents = agents[i],
                                             .frameworks = frameworks[j],
                                             .has_role_each = which % 2 == 0});
        }
    }
}

_Noreturn static void end_with_usage(void) {
    fprintf(stderr, "usage: allocator [all | grid | full | join | storm | filtered | quota | "
                    "reserved | suppressed] [AGENTS FRAMEWORKS [hdrf | drf [each | one]]]\n");
    exit(2);
}

/* Size 0: the case's own; policy NULL: hdrf, and drf too where that is asked. */
static void run_case(const struct bench_case *one, struct world_plan given) {
    struct world_plan plan = given;
    if (plan.agents == 0) {
        plan.agents = one->agents;
        plan.frameworks = one->frameworks;
    }
    if (plan.policy == NULL)
        plan.policy = &allocator_hdrf;
    one->run(plan);
    if (given.policy == NULL && one->is_drf_too) {
        plan.policy = &allocator_drf;
        one->run(plan);
    }
}

static struct world_plan read_plan(int argc, char **argv) {
    struct world_plan plan = {.has_role_each = true};
    if (argc == 3 || argc > 6)
        end_with_usage();
    if (argc > 3) {
        plan.agents = (uint32_t)bench_number(argv[2], AGENTS_LIMIT);
        plan.frameworks = (uint32_t)bench_number(argv[3], FRAMEWORKS_LIMIT);
    }
    if (argc > 4 && strcmp(argv[4], "hdrf") != 0 && strcmp(argv[4], "drf") != 0)
        end_with_usage();
    if (argc > 4)
        plan.policy = strcmp(argv[4], "drf") == 0 ? &allocator_drf : &allocator_hdrf;
    if (argc > 5 && strcmp(argv[5], "each") != 0 && strcmp(argv[5], "one") != 0)
        end_with_usage();
    if (argc > 5)
        plan.has_role_each = strcmp(argv[5], "each") == 0;
    return plan;
}

/* With a size of one's own a case that stands there twice runs once. */
static bool is_repeated(size_t at, const struct world_plan *plan) {
    return plan->agents != 0 && at > 0 && cases[at].run == cases[at - 1].run;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "all";
    struct world_plan plan = read_plan(argc, argv);
    if (strcmp(name, "grid") == 0) {
        run_grid();
        return 0;
    }
    bool has_run = false;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        bool is_meant = strcmp(name, "all") == 0 || strcmp(name, cases[i].name) == 0;
        if (!is_meant || is_repeated(i, &plan))
            continue;
        run_case(&cases[i], plan);
        has_run = true;
    }
    if (!has_run)
        end_with_usage();
    return 0;
}
