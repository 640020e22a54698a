/*
 * The smallest slices of work: all that is to be done is done, and comes to an end.
 */
#include "tests/unit/allocator/allocator_world.h"

enum { TURNS_LIMIT = 10000, MACHINES = 40, BIG = 4 };

static void count(const struct allocator_offer *offer, void *self) {
    size_t *offers = self;
    (void)offer;
    ++*offers;
}

/* Returns how many offers were made. */
static size_t allocate_in_slices_of_one(struct world *world) {
    size_t offers = 0;
    for (int turn = 0; allocator_allocate(world->allocator, world->now_ms, 1, count, &offers);
         turn++)
        assert_true(turn < TURNS_LIMIT);
    world_check(world);
    return offers;
}

static void end_one_cpu(struct world *world, uint32_t agent) {
    AUTO_FINI(resources_fini) struct resources one = world_set(1, 16);
    assert_true(allocator_recover(world->allocator, 1, ROLE_ANY, agent, &one));
}

TEST(who_may_not_have_what_is_kept_for_others_is_not_asked_for_ever) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    struct allocator_earmark marks[BIG];
    world_add_framework(world, 1, ROLE_ANY);
    for (uint32_t agent = 1; agent <= MACHINES; agent++) {
        AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
        world_add_agent(world, agent, 4, 64);
        assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, agent, &all));
    }
    for (uint32_t framework = 2; framework < 2 + BIG; framework++) {
        world_add_framework(world, framework, ROLE_ANY);
        world_ask(world, framework, ROLE_ANY, 4, 64, ALLOCATOR_COUNT_ENDLESS);
    }
    assert_int_equal(allocate_in_slices_of_one(world), 0);
    assert_int_equal(allocator_earmarks(world->allocator, marks, BIG), BIG);

    world_add_framework(world, 2 + BIG, ROLE_ANY);
    world_ask(world, 2 + BIG, ROLE_ANY, 1, 16, ALLOCATOR_COUNT_ENDLESS);
    for (size_t i = 0; i < BIG; i++)
        end_one_cpu(world, marks[i].agent);

    assert_int_equal(allocate_in_slices_of_one(world), 0);
}
