/*
 * Policies from shared objects: one that works, those that cannot be loaded, and those that do
 * wrong. Runs where run.sh has built them.
 */
#include "allocator/allocator.h"
#include "allocator/module/policy_module.h"
#include "common/base/mem.h"
#include "tests/support/unit.h"

enum { AGENTS = 3, TURNS_LIMIT = 10000, LOOKS = 64 };
static const uint32_t first = 1, second = 2;

struct world {
    struct kinds *kinds;
    struct allocator *allocator;
    struct resources total; /* of each agent: 4 cpus */
    int64_t cpus_milli[3];  /* offered, by framework */
    bool has_complaint;
    struct allocator_complaint complaint; /* the last */
};

static const struct mesos_allocator *load(const char *path) {
    const struct mesos_allocator *policy = NULL;
    struct error error = {0};
    if (!policy_module_load(path, &policy, &error))
        fail_msg("%s", error.message);
    return policy;
}

static struct world *world_new(const char *path) {
    struct world *world = NEW(struct world);
    world->kinds = kinds_new();
    world->allocator = allocator_new(load(path), world->kinds, 1);
    assert_true(resources_put_scalar(&world->total, KIND_CPUS, 4000, NULL));
    assert_true(resources_put_scalar(&world->total, KIND_MEM, 4096000, NULL));
    for (uint32_t i = 1; i <= AGENTS; i++)
        allocator_add_agent(world->allocator, i, &world->total, 0);
    return world;
}

static void world_free(struct world *world) {
    if (world == NULL)
        return;
    allocator_free(world->allocator);
    kinds_free(world->kinds);
    resources_fini(&world->total);
    mem_free(world);
}
DEFINE_AUTO(struct world, world_free)

static void add_framework(struct world *world, uint32_t framework) {
    static const uint32_t role = ROLE_ANY;
    allocator_add_framework(world->allocator, framework, &role, 1, 0);
}

static void want_tasks(struct world *world, uint32_t framework, uint64_t count) {
    struct quantity cpu = {NAME_CPUS, 1000};
    struct allocator_request request = {.shape = &(struct quantities){.items = &cpu, .count = 1},
                                        .count = count};
    allocator_set_demand(world->allocator, framework, ROLE_ANY, &request, 1, true);
}

static void note(const struct allocator_offer *offer, void *self) {
    struct world *world = self;
    assert_in_range(offer->framework, 1, 2);
    assert_in_range(offer->agent, 1, AGENTS);
    assert_true(resources_contains(&world->total, offer->resources));
    world->cpus_milli[offer->framework] += resources_scalar_milli(offer->resources, KIND_CPUS);
}

/* Until there is nothing more to do; the books agree after each call. */
static void allocate(struct world *world) {
    bool has_more = true;
    for (int turns = 0; has_more; turns++) {
        assert_true(turns < TURNS_LIMIT);
        has_more = allocator_allocate(world->allocator, 0, LOOKS, note, world);
        struct error why = {0};
        if (!allocator_check(world->allocator, &why))
            fail_msg("%s", why.message);
        while (allocator_take_complaint(world->allocator, &world->complaint))
            world->has_complaint = true;
    }
}

TEST(first_come_is_first_served_and_the_rest_goes_to_the_second) {
    AUTO(world_free) struct world *world = world_new("./first_come.so");
    add_framework(world, first);
    add_framework(world, second);
    want_tasks(world, first, 7);
    want_tasks(world, second, ALLOCATOR_COUNT_ENDLESS);

    allocate(world);

    assert_string_equal(allocator_policy_name(world->allocator), "first come, first served");
    assert_int_equal(world->cpus_milli[first], 7000);
    assert_int_equal(world->cpus_milli[second], AGENTS * 4000 - 7000);
    assert_false(world->has_complaint);
}

TEST(without_demand_the_first_has_every_agent_until_it_suppresses) {
    AUTO(world_free) struct world *world = world_new("./first_come.so");
    add_framework(world, first);
    add_framework(world, second);

    allocate(world);
    assert_int_equal(world->cpus_milli[first], AGENTS * 4000);
    allocator_suppress(world->allocator, first, ROLE_ANY);
    for (uint32_t i = 1; i <= AGENTS; i++) {
        allocator_note_offer_end(world->allocator, first, ROLE_ANY, i, ALLOCATOR_OFFER_ANSWERED);
        assert_true(allocator_recover(world->allocator, first, ROLE_ANY, i, &world->total));
    }
    allocate(world);

    assert_int_equal(world->cpus_milli[second], AGENTS * 4000);
}

static void check_refused(const char *path, const char *expected) {
    const struct mesos_allocator *policy = &allocator_drf;
    struct error error = {0};

    assert_false(policy_module_load(path, &policy, &error));

    if (strstr(error.message, expected) == NULL)
        fail_msg("%s: '%s' does not say '%s'", path, error.message, expected);
    assert_non_null(strstr(error.message, path));
    assert_null(strchr(error.message, '\n'));
    assert_ptr_equal(policy, &allocator_drf);
}

TEST(a_path_without_a_slash_is_told_to_have_one) {
    check_refused("first_come.so", "write ./first_come.so");
}

TEST(a_file_that_is_not_there_is_named) {
    check_refused("./nowhere.so", "No such file");
}

TEST(a_file_that_is_no_shared_object_is_named) {
    check_refused("./text.so", "file too short");
}

TEST(an_object_without_the_function_is_told_its_name) {
    check_refused("./exports_nothing.so", "mesos_allocator");
}

TEST(an_object_whose_function_gives_nothing_is_refused) {
    check_refused("./GIVES_NO_STRUCT.so", "no policy");
}

TEST(a_module_of_another_version_is_refused_with_both_versions) {
    check_refused("./HAS_ANOTHER_VERSION.so", "version 2");
    check_refused("./HAS_ANOTHER_VERSION.so", "has 1");
}

TEST(a_module_of_another_size_is_refused) {
    check_refused("./HAS_ANOTHER_SIZE.so", "bytes");
}

TEST(a_module_without_a_name_is_refused) {
    check_refused("./HAS_NO_NAME.so", "name");
}

TEST(a_module_without_a_function_that_is_needed_is_refused) {
    check_refused("./HAS_NO_CHOOSE.so", "choose");
}

/* Whatever it picks: it is named, put aside, and everything is offered all the same. */
static void check_put_aside(const char *path) {
    AUTO(world_free) struct world *world = world_new(path);
    add_framework(world, first);
    add_framework(world, second);
    want_tasks(world, first, 5);
    want_tasks(world, second, ALLOCATOR_COUNT_ENDLESS);

    allocate(world);

    assert_true(world->has_complaint);
    assert_non_null(strstr(world->complaint.message, "wrong"));
    assert_string_equal(allocator_policy_name(world->allocator), "hdrf");
    assert_int_equal(world->cpus_milli[first] + world->cpus_milli[second], AGENTS * 4000);
    assert_int_equal(world->cpus_milli[first], 5000);
}

TEST(who_picks_a_client_that_does_not_exist_is_put_aside) {
    check_put_aside("./PICKS_A_GHOST.so");
}

TEST(who_picks_an_agent_that_does_not_exist_is_put_aside) {
    check_put_aside("./PICKS_A_GHOST_AGENT.so");
}

TEST(who_picks_what_is_not_free_is_put_aside) {
    check_put_aside("./PICKS_WHAT_IS_NOT_FREE.so");
}

TEST(who_picks_less_than_nothing_is_put_aside) {
    check_put_aside("./PICKS_LESS_THAN_NOTHING.so");
}

TEST(who_picks_exactly_nothing_is_put_aside) {
    check_put_aside("./PICKS_NOTHING.so");
}

TEST(who_answers_what_is_no_answer_is_put_aside) {
    check_put_aside("./ANSWERS_NONSENSE.so");
}

TEST(who_puts_off_for_ever_is_put_aside) {
    check_put_aside("./PUTS_OFF_FOR_EVER.so");
}

TEST(who_picks_the_same_that_wants_nothing_for_ever_is_put_aside) {
    AUTO(world_free) struct world *world = world_new("./PICKS_THE_SATED.so");
    add_framework(world, first);
    add_framework(world, second); /* the latest, which it picks */
    want_tasks(world, first, ALLOCATOR_COUNT_ENDLESS);
    want_tasks(world, second, 2);

    allocate(world);

    assert_true(world->has_complaint);
    assert_string_equal(allocator_policy_name(world->allocator), "hdrf");
    assert_int_equal(world->cpus_milli[second], 2000);
    assert_int_equal(world->cpus_milli[first], AGENTS * 4000 - 2000);
}
