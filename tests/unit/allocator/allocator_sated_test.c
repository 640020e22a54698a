/*
 * Who refused all there is wants nothing until something else is there.
 */
#include "tests/unit/allocator/allocator_world.h"

enum { FIRST = 1, SECOND = 2, LATE_MS = 1000 };

/* Two frameworks; the first has refused both agents, the second has not been asked. */
static struct world *sated_world(void) {
    struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 8, 1024);
    world_add_agent(world, 2, 8, 1024);
    world_add_framework(world, FIRST, ROLE_ANY);
    assert_int_equal(world_allocate(world), 2);
    world_decline(world, 0, LATE_MS);
    world_decline(world, 1, LATE_MS);
    assert_int_equal(world_allocate(world), 0);
    return world;
}

static int64_t guaranteed(struct world *world, uint32_t framework) {
    struct allocator_standing standing;
    assert_true(allocator_client_standing(world->allocator, framework, ROLE_ANY, &standing));
    return standing.guaranteed;
}

TEST(who_refused_everything_leaves_the_whole_cluster_to_the_others) {
    AUTO(world_free) struct world *world = sated_world();
    world_add_framework(world, SECOND, ROLE_ANY);

    assert_int_equal(guaranteed(world, SECOND), MESOS_ALLOCATOR_SHARE_ONE);
    assert_int_equal(world_allocate(world), 2);
    assert_int_equal(world->offers[2].framework, SECOND);
    assert_int_equal(world->offers[3].framework, SECOND);
}

TEST(who_refused_everything_is_asked_again_when_its_filters_end) {
    AUTO(world_free) struct world *world = sated_world();

    world->now_ms = LATE_MS;

    assert_int_equal(world_allocate(world), 2);
}

TEST(who_refused_everything_is_asked_when_an_agent_comes) {
    AUTO(world_free) struct world *world = sated_world();

    world_add_agent(world, 3, 8, 1024);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[2].agent, 3);
}

TEST(who_refused_everything_is_asked_again_when_it_revives) {
    AUTO(world_free) struct world *world = sated_world();

    allocator_revive(world->allocator, FIRST, ROLE_ANY);

    assert_int_equal(world_allocate(world), 2);
}

TEST(who_refused_what_was_left_is_asked_when_more_is_free_there) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, SECOND, ROLE_ANY);
    world_ask(world, SECOND, ROLE_ANY, 5, 512, 1);
    assert_int_equal(world_allocate(world), 1);
    world_launch(world, 0);
    world_add_framework(world, FIRST, ROLE_ANY);
    assert_int_equal(world_allocate(world), 1);
    world_decline(world, 1, LATE_MS);
    assert_int_equal(world_allocate(world), 0);

    world_end_task(world, 0);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[2].framework, FIRST);
    assert_int_equal(world_offered_cpus(world, 2), 8);
}

TEST(an_agent_that_was_away_when_all_was_refused_is_offered_when_it_is_back) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 8, 1024);
    world_add_agent(world, 2, 8, 1024);
    allocator_activate_agent(world->allocator, 2, false);
    world_add_framework(world, FIRST, ROLE_ANY);
    assert_int_equal(world_allocate(world), 1);
    world_decline(world, 0, LATE_MS);
    assert_int_equal(world_allocate(world), 0);

    allocator_activate_agent(world->allocator, 2, true);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[1].agent, 2);
}

TEST(an_agent_that_another_held_and_refused_is_offered_to_who_refused_the_rest) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 8, 1024);
    world_add_framework(world, SECOND, ROLE_ANY);
    assert_int_equal(world_allocate(world), 1);
    world_add_agent(world, 2, 8, 1024);
    allocator_suppress(world->allocator, SECOND, ROLE_ANY);
    world_add_framework(world, FIRST, ROLE_ANY);
    assert_int_equal(world_allocate(world), 1);
    world_decline(world, 1, LATE_MS);
    assert_int_equal(world_allocate(world), 0);

    world_decline(world, 0, LATE_MS);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world->offers[2].framework, FIRST);
    assert_int_equal(world->offers[2].agent, 1);
}

/* Its table grows, goes without slots, and shrinks again. */
TEST(what_was_refused_on_hundreds_of_agents_is_offered_again_one_by_one) {
    enum { AGENTS = 500 };
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= AGENTS; agent++)
        world_add_agent(world, agent, 8, 1024);
    world_add_framework(world, FIRST, ROLE_ANY);
    assert_int_equal(world_allocate(world), AGENTS);
    for (size_t i = 0; i < AGENTS; i++)
        world_decline(world, i, LATE_MS + (int64_t)(i * 7 % AGENTS));
    assert_int_equal(world_allocate(world), 0);

    for (size_t i = 0; i < AGENTS; i++) {
        world->now_ms = LATE_MS + (int64_t)i;
        assert_int_equal(world_allocate(world), 1);
        size_t refused = i * 143 % AGENTS; /* 7 * 143 is 1 more than twice as many */
        assert_int_equal(world->offers[AGENTS + i].agent, world->offers[refused].agent);
    }
}
