/*
 * Amounts at the end of what can be counted, and agents that say what cannot be.
 */
#include "tests/unit/allocator/allocator_world.h"

static struct resources cpus_of(int64_t milli) {
    struct resources set = {0};
    assert_true(resources_put_scalar(&set, KIND_CPUS, milli, NULL));
    return set;
}

static struct resources ports_of(uint64_t begin, uint64_t end) {
    struct resources set = {0};
    const struct range range = {begin, end};
    assert_true(resources_put_ranges(&set, KIND_PORTS, &range, 1, NULL));
    return set;
}

TEST(agents_that_are_larger_than_can_be_counted_are_cut) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources most = cpus_of(INT64_MAX);
    world_add_framework(world, 1, ROLE_ANY);
    world_add_agent(world, 1, 4, 64);

    for (uint32_t agent = 2; agent <= 4; agent++)
        allocator_add_agent(world->allocator, agent, &most,
                            AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);

    assert_int_equal(world_allocate(world), 2);
    const struct resources *second = allocator_agent_total(world->allocator, 2);
    assert_int_equal(resources_scalar_milli(second, KIND_CPUS), (INT64_C(1) << 61) - 4000);
    allocator_remove_agent(world->allocator, 2);
    allocator_update_agent(world->allocator, 1, &most,
                           AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE, false);
    world_allocate(world);
}

TEST(what_is_held_of_agents_that_shrank_counts_too) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources most = cpus_of(INT64_MAX), little = cpus_of(1000);
    const uint32_t traits = AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE;
    world_add_framework(world, 1, ROLE_ANY);

    for (uint32_t agent = 1; agent <= 20; agent++) {
        allocator_add_agent(world->allocator, agent, &most, traits);
        world_allocate(world);
        allocator_update_agent(world->allocator, agent, &little, traits, false);
    }

    world_allocate(world);
}

TEST(tasks_of_more_than_can_be_counted_are_not_adopted) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources half = cpus_of(INT64_C(1) << 60);
    for (uint32_t agent = 1; agent <= 3; agent++)
        world_add_agent(world, agent, 4, 64);

    assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, 1, &half));
    assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, 2, &half));
    assert_false(allocator_adopt(world->allocator, 1, ROLE_ANY, 3, &half));
    assert_true(allocator_recover(world->allocator, 1, ROLE_ANY, 1, &half));
    assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, 3, &half));
    world_allocate(world);
}

TEST(a_port_that_somebody_holds_is_not_adopted_again) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources first = ports_of(31000, 31005);
    AUTO_FINI(resources_fini) struct resources other = ports_of(31005, 31009);
    world_add_agent(world, 1, 4, 64);

    assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, 1, &first));
    assert_false(allocator_adopt(world->allocator, 2, ROLE_ANY, 1, &other));
    world_check(world);
    assert_true(allocator_recover(world->allocator, 1, ROLE_ANY, 1, &first));
    assert_true(allocator_adopt(world->allocator, 2, ROLE_ANY, 1, &other));
    world_allocate(world);
}

TEST(nothing_is_turned_into_a_port_that_somebody_holds) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    AUTO_FINI(resources_fini) struct resources ports = ports_of(31000, 31005), cpu = cpus_of(1000);
    world_add_agent(world, 1, 4, 64);
    assert_true(allocator_adopt(world->allocator, 1, ROLE_ANY, 1, &ports));
    assert_true(allocator_adopt(world->allocator, 2, ROLE_ANY, 1, &cpu));

    assert_false(allocator_convert(world->allocator, 2, ROLE_ANY, 1, &cpu, &ports));

    assert_true(allocator_recover(world->allocator, 2, ROLE_ANY, 1, &cpu));
    assert_true(allocator_recover(world->allocator, 1, ROLE_ANY, 1, &ports));
    world_allocate(world);
}
