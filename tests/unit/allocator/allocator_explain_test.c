#include "tests/unit/allocator/allocator_world.h"

struct counted {
    size_t agents;
    uint32_t last;
    size_t reasons[ALLOCATOR_REASON_COUNT];
    struct allocator_verdict verdicts[16];
};

static void count(void *self, uint32_t agent, const struct allocator_verdict *verdict) {
    struct counted *counted = self;
    assert_true(agent > counted->last);
    counted->last = agent;
    counted->agents++;
    counted->reasons[verdict->reason]++;
    counted->verdicts[agent] = *verdict;
}

static struct allocator_wish explain(struct world *world, uint32_t framework,
                                     struct counted *counted) {
    struct allocator_wish wish;
    *counted = (struct counted){0};
    assert_true(
        allocator_explain(world->allocator, framework, ROLE_ANY, SIZE_MAX, &wish, count, counted));
    return wish;
}

TEST(each_agent_has_its_reason_and_the_counts_add_up) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct counted counted;
    uint32_t revocable;
    const struct kind_info info = {.name = TEXT("cpus"), .is_revocable = true};
    assert_true(kinds_intern(world->kinds, &info, &revocable, NULL));
    for (uint32_t agent = 1; agent <= 8; agent++) {
        AUTO_FINI(resources_fini) struct resources total = world_set(agent == 2 ? 1 : 4, 1024);
        if (agent == 3)
            world_put_reserved(world, &total, "cpus", "eng", 4);
        if (agent == 4)
            assert_true(resources_put_scalar(&total, KIND_GPUS, 1000, NULL));
        if (agent == 8)
            assert_true(resources_put_scalar(&total, revocable, 8000, NULL));
        allocator_add_agent(
            world->allocator, agent, &total,
            agent == 5 ? 0 : AGENT_SERVES_MANY_ROLES | (agent == 6 ? AGENT_IS_REMOTE : 0));
        AUTO_FINI(resources_fini) struct resources used = world_set(2, 16);
        if (agent == 3 || agent == 7)
            assert_true(allocator_adopt(world->allocator, 9, ROLE_ANY, agent, &used));
    }
    allocator_activate_agent(world->allocator, 1, false);
    const uint32_t any = ROLE_ANY;
    allocator_add_framework(world->allocator, 1, &any, 1, FRAMEWORK_HAS_MANY_ROLES);
    world_ask(world, 1, ROLE_ANY, 5, 16, 1);
    assert_int_equal(world_allocate(world), 0);
    struct allocator_wish wish = explain(world, 1, &counted);
    assert_false(wish.is_feasible);
    assert_int_equal(counted.verdicts[7].reason, ALLOCATOR_TOO_SMALL);
    assert_int_equal(counted.verdicts[7].have_milli, 4000);
    assert_int_equal(counted.verdicts[8].reason, ALLOCATOR_NOT_TAKEN);

    world_ask(world, 1, ROLE_ANY, 4, 16, 1);
    allocator_suppress(world->allocator, 1, ROLE_ANY);
    wish = explain(world, 1, &counted);

    assert_true(wish.is_suppressed && wish.has_demand && !wish.wants && wish.is_feasible);
    assert_int_equal(counted.agents, 8);
    static const enum allocator_reason expected[] = {
        [1] = ALLOCATOR_INACTIVE,   [2] = ALLOCATOR_TOO_SMALL, [3] = ALLOCATOR_RESERVED,
        [4] = ALLOCATOR_NO_GPUS,    [5] = ALLOCATOR_NO_ROLES,  [6] = ALLOCATOR_NO_REMOTE,
        [7] = ALLOCATOR_NOT_ENOUGH, [8] = ALLOCATOR_FITS};
    for (uint32_t agent = 1; agent <= 8; agent++)
        assert_int_equal(counted.verdicts[agent].reason, expected[agent]);
    assert_int_equal(counted.verdicts[7].need_milli, 4000);
    assert_int_equal(counted.verdicts[7].have_milli, 2000);
    assert_int_equal(counted.verdicts[7].name, NAME_CPUS);
}

TEST(a_refusal_says_until_when_and_a_limit_whose) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct counted counted;
    world_add_agent(world, 1, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_allocate(world);
    world_decline(world, 0, 7000);
    explain(world, 1, &counted);
    assert_int_equal(counted.verdicts[1].reason, ALLOCATOR_FILTERED);
    assert_true(counted.verdicts[1].until_ms == 7000);

    world_limit(world, ROLE_ANY, 0, 1);
    allocator_revive(world->allocator, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 2, 16, 1);
    explain(world, 1, &counted);

    assert_int_equal(counted.verdicts[1].reason, ALLOCATOR_LIMIT);
    assert_int_equal(counted.verdicts[1].role, ROLE_ANY);
    assert_int_equal(counted.verdicts[1].need_milli, 2000);
    assert_int_equal(counted.verdicts[1].have_milli, 1000);
}

TEST(what_a_guarantee_takes_is_no_limit_though_another_minimum_would_be_allowed) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    const int64_t cpus[] = {10, 0}, mem[] = {0, 32};
    struct quantities minima[2] = {0};
    struct counted counted;
    for (size_t i = 0; i < 2; i++) {
        quantities_add(&minima[i], NAME_CPUS, cpus[i]);
        quantities_add(&minima[i], NAME_MEM, mem[i] * 1000);
    }
    world_add_agent(world, 1, 4, 16);
    world_add_framework(world, 1, ROLE_ANY);
    allocator_set_minima(world->allocator, minima, 2);
    world_limit(world, world_role(world, "eng"), 4, INT64_MAX);
    assert_int_equal(world_allocate(world), 0);

    explain(world, 1, &counted);

    assert_int_equal(counted.verdicts[1].reason, ALLOCATOR_HEADROOM);
    assert_int_equal(counted.verdicts[1].name, NAME_CPUS);
    assert_int_equal(counted.verdicts[1].have_milli, 0);
    quantities_fini(&minima[0]);
    quantities_fini(&minima[1]);
}

TEST(what_no_agent_could_ever_hold_is_infeasible_with_the_nearest_agent) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct counted counted;
    for (uint32_t agent = 1; agent <= 5; agent++)
        world_add_agent(world, agent, agent, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 7, 16, 1);
    assert_int_equal(world_allocate(world), 0);

    struct allocator_wish wish = explain(world, 1, &counted);

    assert_false(wish.is_feasible);
    assert_int_equal(wish.nearest, 5);
    assert_int_equal(wish.lack.reason, ALLOCATOR_TOO_SMALL);
    assert_int_equal(wish.lack.have_milli, 5000);
    assert_int_equal(counted.reasons[ALLOCATOR_TOO_SMALL], 5);
}

/* Offered at once what it asks for, or nothing as no agent is so large. */
static void ask_for_cpus(struct world *world, int64_t cpus, size_t offers) {
    world_ask(world, 1, ROLE_ANY, cpus, 16, 1);
    assert_int_equal(world_allocate(world), offers);
}

TEST(the_history_has_each_change_once_and_the_last_sixteen) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_change changes[ALLOCATOR_HISTORY_LIMIT];
    world_add_agent(world, 1, 100, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    for (int i = 0; i < 20; i++, world->now_ms += 1000) {
        ask_for_cpus(world, 1, 1);
        world->now_ms += 1000;
        ask_for_cpus(world, 101, 0);
        assert_int_equal(world_allocate(world), 0);
    }

    assert_int_equal(allocator_history(world->allocator, 1, ROLE_ANY, changes, 16), 16);

    assert_int_equal(changes[15].reason, ALLOCATOR_NOT_ENOUGH);
    assert_int_equal(changes[14].reason, ALLOCATOR_FITS);
    for (size_t i = 1; i < 16; i++)
        assert_true(changes[i].reason != changes[i - 1].reason &&
                    changes[i].at_ms == changes[i - 1].at_ms + 1000);
    assert_int_equal(allocator_history(world->allocator, 1, ROLE_ANY, changes, 2), 2);
    assert_int_equal(changes[1].reason, ALLOCATOR_NOT_ENOUGH);
}

TEST(what_is_undone_within_a_second_is_no_change) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_change changes[ALLOCATOR_HISTORY_LIMIT];
    world_add_agent(world, 1, 100, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    ask_for_cpus(world, 1, 1);
    for (int i = 1; i <= 10; i++) {
        world->now_ms = 10000 * i;
        ask_for_cpus(world, 101, 0);
        world->now_ms += 999;
        ask_for_cpus(world, 1, 1);
    }

    assert_int_equal(allocator_history(world->allocator, 1, ROLE_ANY, changes, 16), 1);

    assert_int_equal(changes[0].reason, ALLOCATOR_FITS);
}

TEST(who_asks_for_fewer_than_are_offered_already_has_none_left) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct counted counted;
    world_add_agent(world, 1, 8, 128);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 16, 8);
    world_allocate(world);

    world_ask(world, 1, ROLE_ANY, 1, 16, 2);

    assert_int_equal(explain(world, 1, &counted).count, 0);
}

TEST(a_client_waits_since_nothing_fitted) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct counted counted;
    world_add_agent(world, 1, 2, 128);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 16, ALLOCATOR_COUNT_ENDLESS);
    world->now_ms = 5;
    world_allocate(world);
    world->now_ms = 9;
    world_allocate(world);
    assert_true(explain(world, 1, &counted).since_ms == 5);

    allocator_suppress(world->allocator, 1, ROLE_ANY);

    assert_true(explain(world, 1, &counted).since_ms == INT64_MIN);
}

static bool role_standing(const struct world *world, uint32_t role,
                          struct allocator_standing *out) {
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(world->allocator);
    return allocator_role_standing(world->allocator, sums, role, out);
}

TEST(a_role_stands_with_all_that_is_below_it_and_nothing_beside_it) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_standing standing;
    uint32_t idle = world_role(world, "idle"), low = world_role(world, "eng/ci/low");
    uint32_t eng = world_role(world, "eng"), ci = world_role(world, "eng/ci");
    uint32_t other = world_role(world, "engine/ci");
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, 1, low);
    world_ask(world, 1, low, 1, 16, 1);
    world_add_framework(world, 2, ci);
    world_ask(world, 2, ci, 2, 16, 1);
    world_add_framework(world, 3, other);
    world_ask(world, 3, other, 64, 16, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    assert_true(role_standing(world, low, &standing));
    assert_int_equal(quantities_milli(standing.held, NAME_CPUS), 1000);
    assert_true(role_standing(world, ci, &standing));
    assert_int_equal(quantities_milli(standing.held, NAME_CPUS), 3000);
    assert_true(role_standing(world, eng, &standing));
    assert_int_equal(quantities_milli(standing.held, NAME_CPUS), 3000);
    assert_false(standing.wants);
    assert_true(role_standing(world, other, &standing));
    assert_int_equal(standing.held->count, 0);
    assert_true(standing.wants);
    assert_false(role_standing(world, idle, &standing));
}

TEST(roles_and_clients_have_standings_and_somebody_is_next) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_standing standing;
    uint32_t eng = world_role(world, "eng"), ci = world_role(world, "eng/ci"), framework, role;
    world_add_agent(world, 1, 8, 1024);
    assert_false(role_standing(world, eng, &standing));
    assert_false(allocator_next(world->allocator, &framework, &role));
    allocator_set_weight(world->allocator, eng, 3000);
    world_add_framework(world, 1, ci);
    world_ask(world, 1, ci, 2, 16, 2);
    world_add_framework(world, 2, ROLE_ANY);
    world_ask(world, 2, ROLE_ANY, 2, 16, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    assert_true(role_standing(world, eng, &standing));

    assert_int_equal(standing.weight_milli, 3000);
    assert_true(standing.share == MESOS_ALLOCATOR_SHARE_ONE / 2);
    assert_int_equal(standing.dominant, NAME_CPUS);
    assert_int_equal(quantities_milli(standing.held, NAME_CPUS), 4000);
    assert_int_equal(quantities_milli(standing.consumed, NAME_CPUS), 4000);
    assert_false(standing.wants);
    assert_true(allocator_client_standing(world->allocator, 2, ROLE_ANY, &standing));
    assert_true(standing.wants);
    assert_true(allocator_next(world->allocator, &framework, &role));
    assert_int_equal(framework, 2);
    assert_false(allocator_client_standing(world->allocator, 3, ROLE_ANY, &standing));
}
