/*
 * The smallest slices of work: all that is to be done is done, and comes to an end.
 */
#include "allocator/state.h"
#include "common/base/rng.h"
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

TEST(a_client_that_refused_everything_and_revives_is_offered_everything) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
    enum { MANY = 50000 };
    world_add_framework(world, 1, ROLE_ANY);
    for (uint32_t agent = 1; agent <= MANY; agent++)
        world_add_agent(world, agent, 4, 64);
    for (uint32_t agent = 1; agent <= MANY; agent++)
        allocator_refuse(world->allocator, 1, ROLE_ANY, agent, &all, 1000);

    allocator_revive(world->allocator, 1, ROLE_ANY);

    size_t offers = 0;
    while (allocator_allocate(world->allocator, 0, WORLD_BUDGET, count, &offers))
        ;
    assert_int_equal(offers, MANY);
}

TEST(filters_on_few_of_many_agents_are_found_and_end_each_by_itself) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
    struct rng rng = rng_for_test();
    enum { MANY = 3000, SOME = 500 };
    bool is_refused[MANY + 1] = {0};
    size_t refused = 0, offers = 0;
    world_add_framework(world, 1, ROLE_ANY);
    for (uint32_t agent = 1; agent <= MANY; agent++)
        world_add_agent(world, agent, 4, 64);
    while (refused < SOME) {
        uint32_t agent = 1 + (uint32_t)rng_below(&rng, MANY);
        refused += !is_refused[agent];
        is_refused[agent] = true;
        allocator_refuse(world->allocator, 1, ROLE_ANY, agent, &all,
                         1000 + (int64_t)rng_below(&rng, 100));
    }

    while (allocator_allocate(world->allocator, 0, WORLD_BUDGET, count, &offers))
        ;
    assert_int_equal(offers, MANY - SOME);

    for (int64_t now_ms = 1000; now_ms < 1100; now_ms++) {
        while (allocator_allocate(world->allocator, now_ms, WORLD_BUDGET, count, &offers))
            ;
    }
    assert_int_equal(offers, MANY);
    world_check(world);
}

TEST(past_use_fades_in_slices_and_to_the_same_end) {
    AUTO(world_free) struct world *whole = world_new(&allocator_hdrf);
    AUTO(world_free) struct world *sliced = world_new(&allocator_hdrf);
    struct world *both[] = {whole, sliced};
    for (size_t i = 0; i < 2; i++) {
        allocator_set_half_life(both[i]->allocator, 256000);
        for (uint32_t framework = 1; framework <= 20; framework++) {
            AUTO_FINI(resources_fini) struct resources held = world_set(framework, 64);
            world_add_agent(both[i], framework, 30, 64);
            assert_true(allocator_adopt(both[i]->allocator, framework, ROLE_ANY, framework, &held));
        }
        world_allocate(both[i]);
        both[i]->now_ms = 256000;
    }

    world_allocate(whole);
    size_t offers = 0, slices = 0;
    while (allocator_allocate(sliced->allocator, 256000, 1, count, &offers)) {
        assert_int_equal(allocator_deadline_ms(sliced->allocator), INT64_MIN);
        slices++;
    }

    assert_true(slices >= 19);
    for (uint32_t framework = 1; framework <= 20; framework++) {
        struct allocator_standing one, other;
        assert_true(allocator_client_standing(whole->allocator, framework, ROLE_ANY, &one));
        assert_true(allocator_client_standing(sliced->allocator, framework, ROLE_ANY, &other));
        assert_int_equal(one.share, other.share);
    }
}

TEST(of_many_quotas_in_a_row_the_last_holds) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    enum { MANY = 3000 };
    uint32_t eng = world_role(world, "eng");
    for (uint32_t framework = 1; framework <= MANY; framework++)
        world_add_framework(world, framework, eng);
    world_add_agent(world, 1, 4, 64);

    for (int64_t limit = 1; limit <= MANY; limit++)
        world_limit(world, eng, 0, limit % 4);

    assert_int_equal(world_allocate(world), 1);
}

TEST(filters_that_have_ended_leave_no_memory_behind) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
    enum { MANY = 1000, CLIENTS = 30 };
    for (uint32_t agent = 1; agent <= MANY; agent++)
        world_add_agent(world, agent, 4, 64);
    for (uint32_t framework = 1; framework <= CLIENTS; framework++) {
        world_add_framework(world, framework, ROLE_ANY);
        for (uint32_t agent = 1; agent <= MANY; agent++)
            allocator_refuse(world->allocator, framework, ROLE_ANY, agent, &all,
                             framework == 7 && agent <= 20 ? 5000 : 1000 + agent % 10);
    }
    size_t most = filters_bytes(world->allocator), offers = 0;
    assert_true(most > (size_t)MANY * CLIENTS * sizeof(uint64_t));

    for (int64_t now_ms = 1000; now_ms < 1010; now_ms++) {
        while (allocator_allocate(world->allocator, now_ms, WORLD_BUDGET, count, &offers))
            ;
        world_check(world);
    }

    assert_true(filters_bytes(world->allocator) < most / 3);
    assert_int_equal(offers, MANY);
}
