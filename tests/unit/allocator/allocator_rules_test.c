#include "tests/unit/allocator/allocator_world.h"

/* --- quota --- */

TEST(a_whole_agent_is_cut_to_the_limit) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng");
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, 1, eng);
    world_limit(world, eng, 0, 3);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world_offered_cpus(world, 0), 3);
    assert_int_equal(resources_scalar_milli(&world->offers[0].resources, KIND_MEM), 1024000);
}

TEST(a_limit_above_counts_for_those_below_and_is_free_again_with_what_comes_back) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng"), ci = world_role(world, "eng/ci");
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, 1, ci);
    world_ask(world, 1, ci, 2, 64, ALLOCATOR_COUNT_ENDLESS);
    world_limit(world, eng, 0, 5);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 0), 4);
    assert_int_equal(world_reason(world, 1, ci, 1), ALLOCATOR_LIMIT);

    world_limit(world, eng, 0, 6);

    assert_int_equal(world_allocate(world), 1);
    world_end_task(world, 0);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 2), 4);
}

TEST(headroom_is_kept_for_a_guarantee_and_the_guaranteed_come_first) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng");
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 16, ALLOCATOR_COUNT_ENDLESS);
    world_limit(world, eng, 6, INT64_MAX);
    world_allocate(world);
    assert_int_equal(world_held_cpus(world, 1), 2);
    assert_int_equal(world_reason(world, 1, ROLE_ANY, 1), ALLOCATOR_HEADROOM);

    world_add_framework(world, 2, eng);
    world_ask(world, 2, eng, 3, 16, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    assert_int_equal(world_held_cpus(world, 1), 2);
    const struct resources *held = allocator_held(world->allocator, 2, eng, 1);
    assert_int_equal(resources_scalar_milli(held, KIND_CPUS), 6000);
}

TEST(a_guarantee_is_served_before_fair_shares) {
    AUTO(world_free) struct world *world = world_new(&allocator_drf);
    uint32_t eng = world_role(world, "eng");
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 2, 16, ALLOCATOR_COUNT_ENDLESS);
    world_add_framework(world, 2, eng);
    world_ask(world, 2, eng, 2, 16, ALLOCATOR_COUNT_ENDLESS);
    world_limit(world, eng, 6, INT64_MAX);
    world_add_agent(world, 1, 8, 1024);

    world_allocate(world);

    const struct resources *held = allocator_held(world->allocator, 2, eng, 1);
    assert_int_equal(resources_scalar_milli(held, KIND_CPUS), 6000);
}

TEST(what_is_reserved_counts_for_quota_once) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng");
    AUTO_FINI(resources_fini) struct resources total = world_set(8, 1024);
    world_put_reserved(world, &total, "cpus", "eng", 2);
    allocator_add_agent(world->allocator, 1, &total, AGENT_SERVES_MANY_ROLES);
    world_add_framework(world, 1, eng);
    world_limit(world, eng, 0, 3);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world_offered_cpus(world, 0), 3);
    assert_int_equal(quantities_milli(allocator_consumed(world->allocator, eng), NAME_CPUS), 3000);
}

/* --- minima, constraints --- */

TEST(a_client_may_have_minima_of_its_own) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(quantities_fini) struct quantities much = {0};
    quantities_add(&much, NAME_CPUS, 4000);
    world_add_framework(world, 1, ROLE_ANY);
    allocator_set_client_minima(world->allocator, 1, ROLE_ANY, &much, 1, true);
    world_add_agent(world, 1, 2, 1024);
    assert_int_equal(world_allocate(world), 0);
    assert_int_equal(world_reason(world, 1, ROLE_ANY, 1), ALLOCATOR_BELOW_MINIMUM);

    allocator_set_client_minima(world->allocator, 1, ROLE_ANY, NULL, 0, false);

    assert_int_equal(world_allocate(world), 1);
}

struct matcher {
    uint32_t wanted, asked;
};

static bool is_wanted(void *self, uint32_t constraint, uint32_t agent) {
    struct matcher *matcher = self;
    matcher->asked++;
    return constraint == 7 && agent == matcher->wanted;
}

TEST(a_constraint_is_asked_once_an_agent_and_again_when_that_changed) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct matcher matcher = {.wanted = 2};
    allocator_set_matcher(world->allocator, is_wanted, &matcher);
    world_add_framework(world, 1, ROLE_ANY);
    allocator_set_client_constraint(world->allocator, 1, ROLE_ANY, 7);
    for (uint32_t agent = 1; agent <= 3; agent++)
        world_add_agent(world, agent, 1, 128);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[0].agent, 2);
    assert_int_equal(matcher.asked, 3);
    assert_int_equal(world_reason(world, 1, ROLE_ANY, 1), ALLOCATOR_CONSTRAINT);

    matcher.wanted = 3;
    AUTO_FINI(resources_fini) struct resources same = world_set(1, 128);
    allocator_update_agent(world->allocator, 3, &same,
                           AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE, true);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[1].agent, 3);
}

/* --- filters --- */

TEST(of_nine_refusals_on_one_agent_the_oldest_makes_room) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources less = world_set(1, 64);
    world_add_agent(world, 1, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_allocate(world);
    world_decline(world, 0, 5000);
    for (int i = 1; i < ALLOCATOR_FILTERS_LIMIT; i++)
        allocator_refuse(world->allocator, 1, ROLE_ANY, 1, &less, 5000);
    assert_int_equal(world_allocate(world), 0);

    allocator_refuse(world->allocator, 1, ROLE_ANY, 1, &less, 5000);

    assert_int_equal(world_allocate(world), 1);
}

TEST(everybody_refuses_everything_once_and_takes_it_when_the_filters_end) {
    enum { AGENTS = 150, FRAMEWORKS = 25 };
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t i = 1; i <= AGENTS; i++)
        world_add_agent(world, i, 4, 1024);
    for (uint32_t i = 1; i <= FRAMEWORKS; i++)
        world_add_framework(world, i, ROLE_ANY);
    size_t declined = 0;
    while (world_allocate(world) > 0) {
        for (; declined < world->count; declined++)
            world_decline(world, declined, 5000);
    }
    assert_int_equal(world->count, AGENTS * FRAMEWORKS);
    assert_true(allocator_deadline_ms(world->allocator) == 5000);

    world->now_ms = 5000;

    assert_int_equal(world_allocate(world), AGENTS);
}

/* --- hoarding --- */

TEST(who_lets_offers_run_out_is_offered_less_until_it_answers) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t i = 1; i <= 8; i++)
        world_add_agent(world, i, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    static const size_t expected[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1, 1};
    for (size_t wave = 0; wave < sizeof(expected) / sizeof(expected[0]); wave++) {
        size_t first = world->count;
        assert_int_equal(world_allocate(world), expected[wave]);
        assert_int_equal(world_allocate(world), 0);
        for (size_t i = first; i < world->count; i++)
            world_run_out(world, i);
    }
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(
        world_reason(world, 1, ROLE_ANY, world->offers[world->count - 1].agent == 1 ? 2 : 1),
        ALLOCATOR_HOARDS);

    world_launch(world, world->count - 1);

    assert_int_equal(world_allocate(world), 7);
}

TEST(a_filter_that_ends_while_its_client_is_offered_less_is_not_forgotten) {
    enum { WAVES = 4 };
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 4, 1024);
    world_add_agent(world, 2, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    assert_int_equal(world_allocate(world), 2);
    uint32_t other = world->offers[1].agent;
    world_decline(world, 0, 5000);
    for (size_t wave = 1; wave <= WAVES; wave++) {
        world_run_out(world, wave);
        assert_int_equal(world_allocate(world), 1);
        assert_int_equal(world->offers[wave + 1].agent, other);
    }
    world->now_ms = 5000;
    assert_int_equal(world_allocate(world), 0);

    allocator_remove_agent(world->allocator, other);

    assert_int_equal(world_allocate(world), 1);
}

TEST(that_a_client_is_offered_less_is_told_once_for_each_step) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 4, 1024);
    world_add_agent(world, 2, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    uint32_t told[9] = {0};
    for (size_t wave = 0; wave < 9; wave++) {
        size_t first = world->count;
        world_allocate(world);
        for (size_t i = first; i < world->count; i++)
            told[wave] += world_run_out(world, i);
    }

    const uint32_t expected[9] = {[2] = 1};
    assert_memory_equal(told, expected, sizeof(told));
}

/* --- memory --- */

TEST(past_use_counts_and_fades) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_standing standing;
    allocator_set_half_life(world->allocator, 256000);
    world_add_agent(world, 1, 10, 1000);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 2, 16, 1);
    world_allocate(world);
    world_launch(world, 0);
    for (; world->now_ms < 256000; world->now_ms += 500)
        world_allocate(world);
    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &standing));
    int64_t tenth = MESOS_ALLOCATOR_SHARE_ONE / 10;
    assert_in_range(standing.share, tenth * 3 - tenth / 20, tenth * 3 + tenth / 20);

    world->now_ms = 100 * 256000;
    world_allocate(world);
    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &standing));
    assert_in_range(standing.share, tenth * 4 - 100, tenth * 4 + 100);
    world_end_task(world, 0);
    world->now_ms += 256000;
    world_allocate(world);

    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &standing));
    assert_in_range(standing.share, tenth - tenth / 20, tenth + tenth / 20);
}

/* --- names, conversions --- */

TEST(a_new_resource_name_changes_nothing_for_those_who_hold_something) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_standing before, after;
    world_add_agent(world, 1, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 128, 1);
    world_allocate(world);
    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &before));

    uint32_t kind;
    const struct kind_info info = {.name = TEXT("bandwidth")};
    assert_true(kinds_intern(world->kinds, &info, &kind, NULL));
    AUTO_FINI(resources_fini) struct resources total = {0};
    assert_true(resources_put_scalar(&total, kind, 5000, NULL));
    allocator_add_agent(world->allocator, 2, &total, AGENT_SERVES_MANY_ROLES);
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    uint32_t name;
    assert_true(kinds_find_name(world->kinds, TEXT("bandwidth"), &name));
    quantities_add(&shape, name, 2000);
    const struct allocator_request request = {.shape = &shape, .count = 1};
    world_add_framework(world, 2, ROLE_ANY);
    allocator_set_demand(world->allocator, 2, ROLE_ANY, &request, 1, true);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[1].framework, 2);
    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &after));
    assert_true(before.share == after.share);
}

TEST(an_excluded_name_is_offered_and_is_nobody_s_share) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_standing standing;
    allocator_exclude_name(world->allocator, NAME_MEM);
    world_add_agent(world, 1, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 1024, 1);
    assert_int_equal(world_allocate(world), 1);

    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &standing));

    assert_int_equal(standing.dominant, NAME_CPUS);
    assert_true(standing.share == MESOS_ALLOCATOR_SHARE_ONE / 4);
}

TEST(what_is_held_or_free_is_converted_and_the_total_with_it) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng");
    world_add_agent(world, 1, 4, 1024);
    world_limit(world, eng, 0, 100);
    AUTO_FINI(resources_fini) struct resources plain = world_set(2, 0);
    AUTO_FINI(resources_fini) struct resources reserved = {0};
    world_put_reserved(world, &reserved, "cpus", "eng", 2);
    assert_false(allocator_convert(world->allocator, 1, eng, 1, &plain, &reserved));

    assert_true(allocator_convert(world->allocator, 0, ROLE_ANY, 1, &plain, &reserved));

    world_check(world);
    assert_int_equal(quantities_milli(allocator_consumed(world->allocator, eng), NAME_CPUS), 2000);
    world_add_framework(world, 1, eng);
    assert_int_equal(world_allocate(world), 1);
    assert_true(allocator_convert(world->allocator, 1, eng, 1, &reserved, &plain));
    world_check(world);
    assert_int_equal(resources_scalar_milli(allocator_agent_total(world->allocator, 1), KIND_CPUS),
                     4000);
    assert_false(allocator_convert(world->allocator, 1, eng, 1, &reserved, &plain));
}

/* --- earmarks --- */

/* An agent of 8 cpus full of 1's tasks, and 2 that asks for all of it at once. */
static struct world *world_with_a_big_task(void) {
    struct world *world = world_new(&allocator_hdrf);
    uint32_t a = world_role(world, "a"), b = world_role(world, "b");
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, 1, a);
    world_ask(world, 1, a, 1, 16, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    world_add_framework(world, 2, b);
    world_ask(world, 2, b, 4, 16, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    return world;
}

static void end_one(struct world *world, uint32_t framework, uint32_t role) {
    AUTO_FINI(resources_fini) struct resources one = world_set(1, 16);
    assert_true(allocator_recover(world->allocator, framework, role, 1, &one));
}

TEST(what_is_freed_on_an_earmarked_agent_is_kept_until_the_big_task_fits) {
    AUTO(world_free) struct world *world = world_with_a_big_task();
    uint32_t a = world_role(world, "a"), b = world_role(world, "b");
    struct allocator_earmark earmark;
    assert_int_equal(allocator_earmarks(world->allocator, &earmark, 1), 1);
    assert_int_equal(earmark.agent, 1);
    assert_int_equal(earmark.framework, 2);
    size_t before = world->count;
    for (int i = 0; i < 3; i++) {
        end_one(world, 1, a);
        assert_int_equal(world_allocate(world), 0);
    }
    assert_int_equal(world_reason(world, 1, a, 1), ALLOCATOR_EARMARKED);

    end_one(world, 1, a);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[before].framework, 2);
    assert_int_equal(world_offered_cpus(world, before), 4);
    assert_int_equal(world_reason(world, 2, b, 1), ALLOCATOR_NOT_ENOUGH);
}

TEST(an_earmark_ends_at_its_limit_and_when_its_holder_wants_nothing_more) {
    AUTO(world_free) struct world *world = world_with_a_big_task();
    uint32_t a = world_role(world, "a"), b = world_role(world, "b");
    end_one(world, 1, a);
    assert_int_equal(world_allocate(world), 0);
    assert_true(allocator_deadline_ms(world->allocator) == 600000);

    allocator_suppress(world->allocator, 2, b);

    assert_int_equal(world_allocate(world), 1);
    allocator_revive(world->allocator, 2, b);
    assert_int_equal(world_allocate(world), 0);
    end_one(world, 1, a);
    assert_int_equal(world_allocate(world), 0);
    world->now_ms = 600000;
    assert_int_equal(world_allocate(world), 1);
}

TEST(no_earmarks_when_their_limit_is_zero) {
    AUTO(world_free) struct world *world = world_with_a_big_task();
    allocator_set_earmark_limit(world->allocator, 0);
    assert_int_equal(allocator_earmarks(world->allocator, NULL, 0), 0);
    end_one(world, 1, world_role(world, "a"));

    assert_int_equal(world_allocate(world), 1);
}

TEST(a_guarantee_that_is_met_by_what_runs_already_leaves_the_rest_to_others) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
    uint32_t eng = world_role(world, "eng");
    world_add_framework(world, 1, ROLE_ANY);
    world_limit(world, eng, 4, INT64_MAX);
    world_add_agent(world, 1, 4, 64);
    world_add_agent(world, 2, 4, 64);
    allocator_activate_agent(world->allocator, 2, false);
    world_allocate(world);
    assert_int_equal(world_held_cpus(world, 1), 0);

    assert_true(allocator_adopt(world->allocator, 2, eng, 2, &all));

    world_allocate(world);
    assert_int_equal(world_held_cpus(world, 1), 4);
}
