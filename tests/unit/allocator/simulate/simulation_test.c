#include "allocator/simulate/simulation.h"

#include "tests/support/unit.h"

#include <stdio.h>

static void add_agents(struct scenario *scenario, uint64_t count, int64_t cpus) {
    struct scenario_agents agents = {.count = count};
    quantities_add(&agents.resources, NAME_CPUS, cpus * 1000);
    VEC_PUSH(&scenario->agents, agents);
}

/* The framework's place. */
static size_t add_framework(struct scenario *scenario, const char *role, int64_t cpus,
                            uint64_t tasks) {
    char name[32];
    struct scenario_framework framework = {.weight_milli = 1000, .tasks = tasks};
    snprintf(name, sizeof(name), "f%zu", scenario->frameworks.count + 1);
    framework.name = mem_dup_string(name);
    quantities_add(&framework.task, NAME_CPUS, cpus * 1000);
    assert_true(kinds_intern_role(scenario->kinds, text_of(role), &framework.role, NULL));
    VEC_PUSH(&scenario->frameworks, framework);
    return scenario->frameworks.count - 1;
}

static void set_quota(struct scenario *scenario, const char *role, int64_t guarantee,
                      int64_t limit) {
    struct scenario_role one = {.weight_milli = 1000};
    assert_true(kinds_intern_role(scenario->kinds, text_of(role), &one.role, NULL));
    VEC_PUSH(&one.quota, (struct quota_line){NAME_CPUS, guarantee * 1000,
                                             limit > 0 ? limit * 1000 : INT64_MAX});
    VEC_PUSH(&scenario->roles, one);
}

static struct simulation *start(const struct scenario *scenario) {
    struct error error;
    if (!scenario_check(scenario, &error))
        fail_msg("%s", error.message);
    return simulation_new(scenario);
}

static void fill(struct simulation *simulation) {
    struct error error;
    if (!simulation_fill(simulation, &error))
        fail_msg("%s", error.message);
}

static void churn(struct simulation *simulation, uint64_t steps) {
    struct error error;
    for (uint64_t i = 0; i < steps; i++) {
        if (!simulation_step(simulation, &error))
            fail_msg("%s", error.message);
    }
    if (!allocator_check(simulation_allocator(simulation), &error))
        fail_msg("%s", error.message);
}

TEST(who_wants_without_end_gets_what_there_is) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    add_agents(&scenario, 3, 7);
    size_t one = add_framework(&scenario, "a", 2, ALLOCATOR_COUNT_ENDLESS);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);

    assert_int_equal(simulation_running(simulation, one), 9);
    assert_true(simulation_wants(simulation, one));
}

TEST(so_many_tasks_run_as_are_wanted_and_one_that_ends_is_wanted_again) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    add_agents(&scenario, 3, 7);
    size_t one = add_framework(&scenario, "a", 2, 4);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    assert_int_equal(simulation_running(simulation, one), 4);
    assert_false(simulation_wants(simulation, one));
    churn(simulation, 50);

    assert_int_equal(simulation_running(simulation, one), 4);
}

TEST(a_latecomer_wants_nothing_before_its_step) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    scenario.churn_steps = 5;
    add_agents(&scenario, 1, 10);
    size_t early = add_framework(&scenario, "a", 1, 2);
    size_t late = add_framework(&scenario, "b", 1, ALLOCATOR_COUNT_ENDLESS);
    scenario.frameworks.items[late].joins_at = 3;
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    churn(simulation, 2);
    assert_int_equal(simulation_running(simulation, late), 0);
    churn(simulation, 1);

    assert_int_equal(simulation_running(simulation, late), 8);
    assert_int_equal(simulation_running(simulation, early), 2);
}

TEST(without_tasks_churn_ends_nothing) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    add_agents(&scenario, 1, 10);
    size_t one = add_framework(&scenario, "a", 11, ALLOCATOR_COUNT_ENDLESS);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    churn(simulation, 10);

    assert_int_equal(simulation_running(simulation, one), 0);
}

TEST(a_limit_holds_and_a_guarantee_is_kept_free) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    add_agents(&scenario, 4, 5);
    size_t limited = add_framework(&scenario, "a/b", 1, ALLOCATOR_COUNT_ENDLESS);
    size_t other = add_framework(&scenario, "c", 1, ALLOCATOR_COUNT_ENDLESS);
    set_quota(&scenario, "a", 0, 3);
    set_quota(&scenario, "d", 6, 0);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    churn(simulation, 100);

    assert_int_equal(simulation_running(simulation, limited), 3);
    assert_int_equal(simulation_running(simulation, other), 20 - 3 - 6);
}

TEST(the_same_scenario_gives_the_same_result) {
    uint64_t running[2][3], decisions[2];
    for (int round = 0; round < 2; round++) {
        AUTO_FINI(scenario_fini) struct scenario scenario;
        AUTO_FINI(simulation_result_fini) struct simulation_result result;
        scenario_init(&scenario);
        add_agents(&scenario, 9, 7);
        add_framework(&scenario, "a", 1, ALLOCATOR_COUNT_ENDLESS);
        add_framework(&scenario, "a/b", 3, ALLOCATOR_COUNT_ENDLESS);
        add_framework(&scenario, "c", 2, 5);
        AUTO(simulation_free) struct simulation *simulation = start(&scenario);
        fill(simulation);
        churn(simulation, 200);
        simulation_result(simulation, &result);
        decisions[round] = result.decisions;
        for (size_t i = 0; i < 3; i++)
            running[round][i] = result.frameworks.items[i].running;
    }

    assert_memory_equal(running[0], running[1], sizeof(running[0]));
    assert_int_equal(decisions[0], decisions[1]);
}

static uint64_t said_by(const struct simulation_framework *framework) {
    uint64_t agents = 0;
    VEC_EACH(wait, &framework->waits)
        agents += wait->agents;
    return agents;
}

TEST(every_agent_gives_its_reason_to_whoever_waits) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    AUTO_FINI(simulation_result_fini) struct simulation_result result;
    AUTO_FINI(buf_fini) struct buf why = {0};
    scenario_init(&scenario);
    add_agents(&scenario, 4, 5);
    add_agents(&scenario, 3, 2);
    size_t big = add_framework(&scenario, "a", 4, ALLOCATOR_COUNT_ENDLESS);
    size_t done = add_framework(&scenario, "b", 1, 3);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);
    fill(simulation);

    simulation_result(simulation, &result);

    assert_int_equal(said_by(&result.frameworks.items[big]), 7);
    assert_int_equal(result.frameworks.items[big].waits.count, 2);
    assert_int_equal(result.frameworks.items[big].waits.items[0].why.reason, ALLOCATOR_NOT_ENOUGH);
    assert_int_equal(result.frameworks.items[big].waits.items[0].agents, 4);
    assert_int_equal(result.frameworks.items[big].waits.items[1].why.reason, ALLOCATOR_TOO_SMALL);
    assert_int_equal(result.frameworks.items[done].waits.count, 0);
    simulation_print_why(&scenario, &result.frameworks.items[big].waits.items[0].why, &why);
    assert_non_null(strstr(buf_string(&why), "cpus"));
}

TEST(shares_are_parts_of_the_whole_and_roles_hold_what_is_below) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    AUTO_FINI(simulation_result_fini) struct simulation_result result;
    scenario_init(&scenario);
    add_agents(&scenario, 4, 4);
    add_framework(&scenario, "a/b", 1, 6);
    add_framework(&scenario, "a", 1, 2);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);
    fill(simulation);

    simulation_result(simulation, &result);

    assert_int_equal(result.roles.count, 2);
    assert_text_equal(kinds_role_text(scenario.kinds, result.roles.items[0].role), "a");
    assert_text_equal(kinds_role_text(scenario.kinds, result.roles.items[1].role), "a/b");
    assert_true(result.roles.items[0].share == MESOS_ALLOCATOR_SHARE_ONE / 2);
    assert_true(result.roles.items[1].share == MESOS_ALLOCATOR_SHARE_ONE / 8 * 3);
    assert_true(result.frameworks.items[1].share == MESOS_ALLOCATOR_SHARE_ONE / 8);
    assert_int_equal(result.decisions, 8);
}

TEST(among_fifty_that_want_nothing_the_hungry_one_has_the_whole_cluster_at_once) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    char role[16];
    scenario_init(&scenario);
    add_agents(&scenario, 30, 16);
    for (int i = 0; i < 50; i++) {
        snprintf(role, sizeof(role), "idle/r%d", i);
        add_framework(&scenario, role, 1, 0);
    }
    size_t hungry = add_framework(&scenario, "hungry", 2, ALLOCATOR_COUNT_ENDLESS);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);

    assert_int_equal(simulation_running(simulation, hungry), 30 * 8);
}

struct round {
    struct allocator *allocator;
    uint64_t hungry_offers;
    VEC_OF(struct allocator_offer) declined;
};

static void note(const struct allocator_offer *offer, void *self) {
    struct round *round = self;
    if (offer->framework == 51)
        round->hungry_offers++;
    else
        VEC_PUSH(&round->declined, *offer);
}

/* As Mesos's frameworks do that want nothing and say nothing of it: they decline for five seconds.
 */
TEST(among_fifty_that_decline_all_the_hungry_one_has_the_whole_cluster_in_one_round) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources total = {0};
    AUTO(allocator_free) struct allocator *allocator = allocator_new(&allocator_hdrf, kinds, 1);
    struct round round = {.allocator = allocator};
    uint32_t role;
    assert_true(kinds_intern_role(kinds, TEXT("all"), &role, NULL));
    assert_true(resources_put_scalar(&total, KIND_CPUS, 8000, NULL));
    for (uint32_t i = 1; i <= 30; i++)
        allocator_add_agent(allocator, i, &total, AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);
    for (uint32_t i = 1; i <= 51; i++)
        allocator_add_framework(allocator, i, &role, 1, 0);

    while (allocator_deadline_ms(allocator) <= 1000) {
        while (allocator_allocate(allocator, 1000, SIZE_MAX, note, &round))
            continue;
        VEC_EACH(offer, &round.declined) {
            allocator_note_offer_end(allocator, offer->framework, role, offer->agent,
                                     ALLOCATOR_OFFER_ANSWERED);
            assert_true(allocator_recover(allocator, offer->framework, role, offer->agent, &total));
            allocator_refuse(allocator, offer->framework, role, offer->agent, &total, 6000);
        }
        round.declined.count = 0;
    }

    assert_int_equal(round.hungry_offers, 30);
    for (uint32_t i = 1; i <= 30; i++)
        assert_true(resources_equal(allocator_held(allocator, 51, role, i), &total));
    VEC_FINI(&round.declined);
}

TEST(among_ninety_eight_tiny_ones_the_hungry_one_has_half_of_what_they_leave) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    char role[16];
    scenario_init(&scenario);
    scenario.churn_steps = 1;
    add_agents(&scenario, 50, 20);
    size_t hog = add_framework(&scenario, "hog", 1, ALLOCATOR_COUNT_ENDLESS);
    for (int i = 0; i < 98; i++) {
        snprintf(role, sizeof(role), "tiny%d", i);
        add_framework(&scenario, role, 1, 2);
    }
    size_t hungry = add_framework(&scenario, "hungry", 1, ALLOCATOR_COUNT_ENDLESS);
    scenario.frameworks.items[hungry].joins_at = 1;
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    assert_int_equal(simulation_running(simulation, hog), 1000 - 98 * 2);
    churn(simulation, 10000);

    assert_int_equal(simulation_running(simulation, hog), 402);
    assert_int_equal(simulation_running(simulation, hungry), 402);
}

/* The remainders of what is freed fit the small tasks alone. */
TEST(who_has_large_tasks_is_not_worn_down_by_small_ones) {
    AUTO_FINI(scenario_fini) struct scenario scenario;
    scenario_init(&scenario);
    add_agents(&scenario, 14, 13);
    size_t three = add_framework(&scenario, "a", 3, ALLOCATOR_COUNT_ENDLESS);
    size_t two = add_framework(&scenario, "b", 2, ALLOCATOR_COUNT_ENDLESS);
    size_t one = add_framework(&scenario, "c", 1, ALLOCATOR_COUNT_ENDLESS);
    struct scenario_role light = {.role = scenario.frameworks.items[one].role, .weight_milli = 100};
    VEC_PUSH(&scenario.roles, light);
    AUTO(simulation_free) struct simulation *simulation = start(&scenario);

    fill(simulation);
    churn(simulation, 10000);

    /* 182 cpus, of which 86.7 are guaranteed to each of the two. */
    assert_true(simulation_running(simulation, three) * 3 >= 84);
    assert_true(simulation_running(simulation, two) * 2 >= 84);
}
