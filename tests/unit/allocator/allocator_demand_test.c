#include "tests/unit/allocator/allocator_world.h"

TEST(a_request_is_offered_exactly_and_the_rest_goes_to_another_at_once) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 128, 1);
    world_add_framework(world, 2, ROLE_ANY);
    world_add_agent(world, 1, 4, 1024);

    assert_int_equal(world_allocate(world), 2);

    assert_int_equal(world->offers[0].framework + world->offers[1].framework, 3);
    size_t asked = world->offers[0].framework == 1 ? 0 : 1;
    assert_int_equal(world_offered_cpus(world, asked), 1);
    assert_int_equal(world_offered_cpus(world, 1 - asked), 3);
}

TEST(of_a_request_no_more_than_its_count_is_out_at_a_time) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= 5; agent++)
        world_add_agent(world, agent, 1, 128);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 128, 3);
    assert_int_equal(world_allocate(world), 3);
    assert_int_equal(world_allocate(world), 0);

    world_launch(world, 0);
    world_decline(world, 1, 0);

    assert_int_equal(world_allocate(world), 1);
    world_launch(world, 2);
    world_launch(world, 3);
    assert_int_equal(world_allocate(world), 0);
    struct allocator_wish wish;
    assert_true(allocator_explain(world->allocator, 1, ROLE_ANY, SIZE_MAX, &wish, NULL, NULL));
    assert_false(wish.wants);
}

TEST(who_refused_a_request_there_is_not_offered_it_again_made_of_something_else) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t role = world_role(world, "a");
    AUTO_FINI(resources_fini) struct resources total = world_set(1, 0);
    world_put_reserved(world, &total, "cpus", "a", 1);
    allocator_add_agent(world->allocator, 1, &total,
                        AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);
    world_add_framework(world, 1, role);
    world_ask(world, 1, role, 1, 0, 1);
    assert_int_equal(world_allocate(world), 1);
    world_decline(world, 0, 5000);

    world_add_framework(world, 2, role);
    world_ask(world, 2, role, 1, 0, 1);

    assert_int_equal(world_allocate(world), 1); /* the reserved one */
    assert_int_equal(world->offers[1].framework, 2);
    assert_int_equal(world_reason(world, 1, role, 1), ALLOCATOR_FILTERED);
    world->now_ms = 5000;
    assert_int_equal(world_allocate(world), 1);
}

TEST(new_demand_counts_what_is_offered_already_for_the_same_shape) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= 5; agent++)
        world_add_agent(world, agent, 1, 128);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 128, 3);
    assert_int_equal(world_allocate(world), 3);

    world_ask(world, 1, ROLE_ANY, 1, 128, 4);

    assert_int_equal(world_allocate(world), 1);
}

TEST(no_demand_again_means_whole_agents_again_and_empty_demand_nothing) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 4, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    allocator_set_demand(world->allocator, 1, ROLE_ANY, NULL, 0, true);
    assert_int_equal(world_allocate(world), 0);

    allocator_set_demand(world->allocator, 1, ROLE_ANY, NULL, 0, false);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 0), 4);
}

TEST(a_task_is_placed_where_the_least_of_the_scarcest_resource_is_left_over) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 8, 512);
    world_add_agent(world, 2, 8, 128);
    world_add_agent(world, 3, 8, 256);
    AUTO_FINI(resources_fini) struct resources used = world_set(0, 400);
    assert_true(allocator_adopt(world->allocator, 9, ROLE_ANY, 1, &used)); /* mem is scarcest */
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 100, 1);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world->offers[0].agent, 1);
}

TEST(tasks_on_one_agent_come_as_one_offer) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 4, 512);
    world_add_framework(world, 1, ROLE_ANY);
    world_ask(world, 1, ROLE_ANY, 1, 128, 3);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world_offered_cpus(world, 0), 3);
    world_decline(world, 0, 0);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 1), 3);
}

TEST(a_request_is_made_of_what_is_reserved_first_the_deepest_before) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t ci = world_role(world, "eng/ci");
    AUTO_FINI(resources_fini) struct resources total = world_set(4, 1024);
    world_put_reserved(world, &total, "cpus", "eng", 2);
    world_put_reserved(world, &total, "cpus", "eng/ci", 1);
    allocator_add_agent(world->allocator, 1, &total,
                        AGENT_SERVES_ROLE_TREE | AGENT_SERVES_MANY_ROLES);
    world_add_framework(world, 1, ci);
    world_ask(world, 1, ci, 2, 128, 1);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world_offered_cpus(world, 0), 2);
    assert_int_equal(resources_scalar_milli(&world->offers[0].resources, KIND_CPUS), 0);
    assert_int_equal(resources_scalar_milli(allocator_agent_free(world->allocator, 1), KIND_CPUS),
                     4000);
}

TEST(ports_are_asked_for_by_number) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    const struct range ports[] = {{100, 101}, {200, 299}};
    AUTO_FINI(resources_fini) struct resources total = world_set(4, 1024);
    assert_true(resources_put_ranges(&total, KIND_PORTS, ports, 2, NULL));
    allocator_add_agent(world->allocator, 1, &total, AGENT_SERVES_MANY_ROLES);
    world_add_framework(world, 1, ROLE_ANY);
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_add(&shape, NAME_CPUS, 1000);
    quantities_add(&shape, NAME_PORTS, 5000);
    const struct allocator_request request = {.shape = &shape, .count = 1};
    allocator_set_demand(world->allocator, 1, ROLE_ANY, &request, 1, true);

    assert_int_equal(world_allocate(world), 1);

    size_t count;
    const struct range *given =
        resource_ranges(resources_find(&world->offers[0].resources, KIND_PORTS), &count);
    assert_int_equal(count, 2);
    assert_int_equal(given[0].begin, 100);
    assert_int_equal(given[1].end, 202);
}

TEST(a_volume_of_its_role_goes_along_with_a_request) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    uint32_t eng = world_role(world, "eng"), kind;
    const struct reservation reservation = {.type = RESERVATION_DYNAMIC, .role = TEXT("eng")};
    const struct kind_info info = {.name = TEXT("disk"),
                                   .reservations = &reservation,
                                   .reservation_count = 1,
                                   .has_disk = true,
                                   .disk = {.persistence_id = TEXT("v")}};
    assert_true(kinds_intern(world->kinds, &info, &kind, NULL));
    AUTO_FINI(resources_fini) struct resources total = world_set(4, 1024);
    assert_true(resources_put_scalar(&total, kind, 100000, NULL));
    allocator_add_agent(world->allocator, 1, &total, AGENT_SERVES_MANY_ROLES);
    world_add_framework(world, 1, eng);
    world_ask(world, 1, eng, 1, 128, 2);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(resources_scalar_milli(&world->offers[0].resources, kind), 100000);
}

TEST(a_request_may_name_its_agent) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= 5; agent++)
        world_add_agent(world, agent, 4, 128);
    world_add_framework(world, 1, ROLE_ANY);
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_add(&shape, NAME_CPUS, 1000);
    const struct allocator_request request = {.shape = &shape, .count = 100, .agent = 3};
    allocator_set_demand(world->allocator, 1, ROLE_ANY, &request, 1, true);

    assert_int_equal(world_allocate(world), 1);

    assert_int_equal(world->offers[0].agent, 3);
    assert_int_equal(world_offered_cpus(world, 0), 4);
    assert_int_equal(world_reason(world, 1, ROLE_ANY, 2), ALLOCATOR_CONSTRAINT);
}

TEST(a_request_that_fits_nowhere_does_not_hold_up_the_next) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 2, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    AUTO_FINI(quantities_fini) struct quantities big = {0};
    AUTO_FINI(quantities_fini) struct quantities small = {0};
    quantities_add(&big, NAME_CPUS, 3000);
    quantities_add(&small, NAME_CPUS, 1000);
    const struct allocator_request requests[] = {{.shape = &big, .count = 1},
                                                 {.shape = &small, .count = 1}};
    allocator_set_demand(world->allocator, 1, ROLE_ANY, requests, 2, true);

    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 0), 1);

    world_add_agent(world, 2, 4, 1024);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_offered_cpus(world, 1), 3);
}

TEST(a_launch_lowers_the_request_that_it_equals) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_framework(world, 1, ROLE_ANY);
    AUTO_FINI(quantities_fini) struct quantities two = {0};
    AUTO_FINI(quantities_fini) struct quantities one = {0};
    AUTO_FINI(resources_fini) struct resources task = world_set(1, 0);
    quantities_add(&two, NAME_CPUS, 2000);
    quantities_add(&one, NAME_CPUS, 1000);
    const struct allocator_request requests[] = {{.shape = &two, .count = 1},
                                                 {.shape = &one, .count = 1}};
    allocator_set_demand(world->allocator, 1, ROLE_ANY, requests, 2, true);

    allocator_note_launch(world->allocator, 1, ROLE_ANY, 1, &task);

    struct allocator_wish wish;
    assert_true(allocator_explain(world->allocator, 1, ROLE_ANY, 0, &wish, NULL, NULL));
    assert_int_equal(quantities_milli(wish.task, NAME_CPUS), 2000);
    assert_false(allocator_explain(world->allocator, 1, ROLE_ANY, 1, &wish, NULL, NULL));
}

TEST(without_demand_the_smallest_recent_launch_is_its_task) {
    AUTO(world_free) struct world *world = world_new(&allocator_hdrf);
    world_add_agent(world, 1, 16, 1024);
    world_add_framework(world, 1, ROLE_ANY);
    struct allocator_wish wish;
    for (int64_t cpus = 4; cpus >= 2; cpus--) {
        AUTO_FINI(resources_fini) struct resources task = world_set(cpus, 16);
        allocator_note_launch(world->allocator, 1, ROLE_ANY, 1, &task);
    }

    assert_true(allocator_explain(world->allocator, 1, ROLE_ANY, SIZE_MAX, &wish, NULL, NULL));

    assert_int_equal(quantities_milli(wish.task, NAME_CPUS), 2000);
}
