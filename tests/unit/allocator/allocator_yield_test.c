/*
 * Who makes room for big tasks, and that what was kept for one is not lost on the way.
 */
#include "tests/unit/allocator/allocator_world.h"

enum { SMALL = 1, BIG = 2 };

/* Four agents of 10 cpus, full of small tasks; then somebody wants tasks of 6. */
static struct world *full_world(void) {
    struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= 4; agent++)
        world_add_agent(world, agent, 10, 10);
    world_add_framework(world, SMALL, ROLE_ANY);
    world_ask(world, SMALL, ROLE_ANY, 1, 0, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    world_add_framework(world, BIG, ROLE_ANY);
    world_ask(world, BIG, ROLE_ANY, 6, 0, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    return world;
}

static void end_small(struct world *world, uint32_t agent, int64_t cpus) {
    AUTO_FINI(resources_fini) struct resources set = world_set(cpus, 0);
    assert_true(allocator_recover(world->allocator, SMALL, ROLE_ANY, agent, &set));
    world_allocate(world);
}

/* The agent that is kept for somebody; 0: none. */
static uint32_t kept_agent(const struct world *world) {
    struct allocator_earmark earmark;
    return allocator_earmarks(world->allocator, &earmark, 1) > 0 ? earmark.agent : 0;
}

TEST(an_agent_stays_kept_when_its_client_is_given_something_elsewhere) {
    AUTO(world_free) struct world *world = full_world();
    uint32_t kept = kept_agent(world), other = kept == 1 ? 2 : 1;
    assert_int_not_equal(kept, 0);
    end_small(world, kept, 3);
    assert_int_equal(world_held_cpus(world, SMALL), 37);

    end_small(world, other, 6);

    assert_int_equal(world_held_cpus(world, BIG), 6);
    assert_int_equal(kept_agent(world), kept);
    assert_int_equal(world_held_cpus(world, SMALL), 31);
    end_small(world, kept, 3);
    assert_int_equal(world_held_cpus(world, BIG), 12);
}

TEST(an_agent_stays_kept_when_the_same_is_asked_for_again) {
    AUTO(world_free) struct world *world = full_world();
    uint32_t kept = kept_agent(world);
    end_small(world, kept, 3);

    world_ask(world, BIG, ROLE_ANY, 6, 0, 2);
    world_allocate(world);

    assert_int_equal(kept_agent(world), kept);
    assert_int_equal(world_held_cpus(world, SMALL), 37);
}

TEST(what_was_kept_is_free_when_something_else_is_asked_for) {
    AUTO(world_free) struct world *world = full_world();
    end_small(world, kept_agent(world), 3);

    world_ask(world, BIG, ROLE_ANY, 11, 0, 2);
    world_allocate(world);

    assert_int_equal(kept_agent(world), 0);
    assert_int_equal(world_held_cpus(world, SMALL), 40);
}

TEST(room_is_not_sought_where_the_big_tasks_are_themselves) {
    AUTO(world_free) struct world *world = full_world();
    uint32_t first = kept_agent(world);

    end_small(world, first, 6);

    assert_int_equal(world_held_cpus(world, BIG), 6);
    assert_int_not_equal(kept_agent(world), 0);
    assert_int_not_equal(kept_agent(world), first);
}

/* --- one agent, which can be kept for one client at a time --- */

enum { SATED = 3, HUGE = 4 };

static struct world *single_agent_world(int64_t cpus) {
    struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, cpus, 1);
    return world;
}

static void come(struct world *world, uint32_t framework, int64_t cpus, uint64_t tasks) {
    world_add_framework(world, framework, ROLE_ANY);
    world_ask(world, framework, ROLE_ANY, cpus, 0, tasks);
}

/* It gets one task, which runs. */
static void run_one(struct world *world, uint32_t framework, int64_t cpus) {
    AUTO_FINI(resources_fini) struct resources task = world_set(cpus, 0);
    come(world, framework, cpus, 1);
    world_allocate(world);
    allocator_note_launch(world->allocator, framework, ROLE_ANY, 1, &task);
    allocator_note_offer_end(world->allocator, framework, ROLE_ANY, 1, ALLOCATOR_OFFER_ANSWERED);
    assert_int_equal(world_held_cpus(world, framework), cpus);
}

static void end_one(struct world *world, uint32_t framework, int64_t cpus) {
    AUTO_FINI(resources_fini) struct resources set = world_set(cpus, 0);
    assert_true(allocator_recover(world->allocator, framework, ROLE_ANY, 1, &set));
}

TEST(an_agent_stays_kept_when_its_client_gets_back_what_ended_there) {
    AUTO(world_free) struct world *world = single_agent_world(20);
    run_one(world, BIG, 4);
    come(world, SMALL, 1, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    world_ask(world, BIG, ROLE_ANY, 4, 0, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    end_small(world, 1, 2);

    end_one(world, BIG, 4);
    world_allocate(world);

    assert_int_equal(world_held_cpus(world, BIG), 4);
    assert_int_equal(world_held_cpus(world, SMALL), 14);
    assert_int_equal(kept_agent(world), 1);
}

TEST(an_agent_stays_kept_while_somebody_gets_back_what_makes_it_want_nothing_more) {
    AUTO(world_free) struct world *world = single_agent_world(24);
    run_one(world, BIG, 5);
    run_one(world, SATED, 4);
    come(world, SMALL, 1, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    world_ask(world, BIG, ROLE_ANY, 5, 0, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);
    end_small(world, 1, 2);

    /* As long as it wants, 12 cpus of BIG's are guaranteed no more, but 8. */
    end_one(world, SATED, 4);
    world_ask(world, SATED, ROLE_ANY, 4, 0, 1);
    world_allocate(world);

    assert_int_equal(world_held_cpus(world, SATED), 4);
    assert_int_equal(world_held_cpus(world, SMALL), 13);
    assert_int_equal(kept_agent(world), 1);
}

TEST(an_agent_is_kept_for_whom_it_is_due_to_before_those_with_empty_hands) {
    AUTO(world_free) struct world *world = single_agent_world(24);
    struct allocator_earmark earmark;
    run_one(world, BIG, 2);
    come(world, SMALL, 1, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    come(world, HUGE, 20, ALLOCATOR_COUNT_ENDLESS);
    world_ask(world, BIG, ROLE_ANY, 2, 0, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    assert_int_equal(allocator_earmarks(world->allocator, &earmark, 1), 1);
    assert_int_equal(earmark.framework, BIG);
}

TEST(of_two_agents_the_one_where_the_wealthy_hold_more_is_kept) {
    AUTO(world_free) struct world *world = single_agent_world(7);
    world_add_agent(world, 2, 20, 1);
    come(world, SMALL, 1, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    come(world, BIG, 6, ALLOCATOR_COUNT_ENDLESS);
    world_allocate(world);

    assert_int_equal(kept_agent(world), 2);
}
