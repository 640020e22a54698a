/*
 * The built-in policies through the header that users' modules see.
 */
#include "allocator/allocator.h"
#include "tests/support/unit.h"

enum { CLIENTS = 8 };

struct machine {
    const struct mesos_allocator *policy;
    void *self;
    int64_t free;
    int64_t tasks[CLIENTS];
    int running[CLIENTS];
    bool refuses[CLIENTS];
};

static enum mesos_allocator_answer fits(void *self, uint32_t client) {
    const struct machine *machine = self;
    return !machine->refuses[client] && machine->tasks[client] <= machine->free
               ? MESOS_ALLOCATOR_YES
               : MESOS_ALLOCATOR_NO;
}

static void machine_init(struct machine *machine, const struct mesos_allocator *policy,
                         int64_t capacity, uint64_t seed) {
    *machine = (struct machine){.policy = policy, .free = capacity};
    machine->self = policy->create((const char *[]){"cpus"}, 1, seed);
    policy->set_total(machine->self, &capacity);
}

static void machine_add(struct machine *machine, uint32_t client, const char *role,
                        int64_t weight_milli, int64_t task) {
    machine->tasks[client] = task;
    machine->policy->add_client(machine->self, client, role, client + 1, weight_milli);
    machine->policy->set_task(machine->self, client, &task);
    machine->policy->set_wants(machine->self, client, true);
}

static uint32_t serve(struct machine *machine) {
    const struct mesos_allocator_host host = {.size = sizeof(host), .self = machine, .fits = fits};
    struct mesos_allocator_pick pick;
    if (machine->policy->choose(machine->self, &host, &pick) != MESOS_ALLOCATOR_YES)
        return MESOS_ALLOCATOR_NOBODY;
    assert_int_equal(pick.agent, MESOS_ALLOCATOR_ANY_AGENT);
    assert_false(pick.has_amounts);
    machine->policy->charge(machine->self, pick.client, &machine->tasks[pick.client], 1);
    machine->free -= machine->tasks[pick.client];
    machine->running[pick.client]++;
    return pick.client;
}

static void end_task(struct machine *machine, uint32_t client) {
    machine->policy->charge(machine->self, client, &machine->tasks[client], -1);
    machine->free += machine->tasks[client];
    machine->running[client]--;
    machine->policy->reconsider(machine->self, MESOS_ALLOCATOR_NOBODY);
}

TEST(a_policy_is_found_by_its_name) {
    assert_ptr_equal(allocator_find_policy(TEXT("hdrf")), &allocator_hdrf);
    assert_ptr_equal(allocator_find_policy(TEXT("drf")), &allocator_drf);
    assert_ptr_equal(allocator_find_policy(TEXT("random")), &allocator_random);
    assert_null(allocator_find_policy(TEXT("HierarchicalDRF")));
}

TEST(the_built_in_policies_are_such_as_a_module_must_be) {
    struct error error;
    assert_true(allocator_check_policy(&allocator_hdrf, &error));
    assert_true(allocator_check_policy(&allocator_drf, &error));
    assert_true(allocator_check_policy(&allocator_random, &error));
}

TEST(a_module_of_another_version_is_refused) {
    struct mesos_allocator module = allocator_hdrf;
    struct error error;
    module.version = MESOS_ALLOCATOR_VERSION + 1;

    assert_false(allocator_check_policy(&module, &error));
    assert_non_null(strstr(error.message, "version 2"));
}

TEST(a_module_that_lacks_a_function_is_refused_by_its_name) {
    struct mesos_allocator module = allocator_hdrf;
    struct error error;
    module.choose = NULL;

    assert_false(allocator_check_policy(&module, &error));
    assert_non_null(strstr(error.message, "choose"));
    assert_false(allocator_check_policy(NULL, &error));
}

TEST(a_module_has_all_of_the_functions_for_big_tasks_or_none) {
    struct mesos_allocator module = allocator_hdrf;
    struct error error;
    module.claim = NULL;

    assert_false(allocator_check_policy(&module, &error));
}

TEST(random_serves_by_weight_at_each_level) {
    struct machine machine;
    machine_init(&machine, &allocator_random, 4000, 1);
    allocator_random.set_weight(machine.self, "a", 3000);
    machine_add(&machine, 0, "a", 1000, 1);
    machine_add(&machine, 1, "b", 1000, 1);
    machine_add(&machine, 2, "b", 3000, 1);
    while (serve(&machine) != MESOS_ALLOCATOR_NOBODY)
        continue;

    assert_in_range(machine.running[0], 2850, 3150);
    assert_in_range(machine.running[1], 180, 320);
    assert_in_range(machine.running[2], 640, 860);
    allocator_random.destroy(machine.self);
}

TEST(random_with_the_same_seed_draws_the_same) {
    struct machine left, right;
    machine_init(&left, &allocator_random, 1000, 7);
    machine_init(&right, &allocator_random, 1000, 7);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        machine_add(&left, i, "r", 1000 + i, 1 + i);
        machine_add(&right, i, "r", 1000 + i, 1 + i);
    }

    for (uint32_t client = 0; client != MESOS_ALLOCATOR_NOBODY;) {
        client = serve(&left);
        assert_int_equal(client, serve(&right));
    }
    allocator_random.destroy(left.self);
    allocator_random.destroy(right.self);
}

TEST(drf_breaks_ties_by_who_was_served_less_often) {
    struct machine machine;
    machine_init(&machine, &allocator_drf, 10, 1);
    machine_add(&machine, 0, "r", 1000, 1);
    machine_add(&machine, 1, "r", 1000, 1);

    assert_int_equal(serve(&machine), 0);
    assert_int_equal(serve(&machine), 1);
    end_task(&machine, 0);
    assert_int_equal(serve(&machine), 0);
    end_task(&machine, 0);
    end_task(&machine, 1);
    assert_int_equal(serve(&machine),
                     1); /* both hold nothing; it was served once, the other twice */
    allocator_drf.destroy(machine.self);
}

TEST(who_did_not_fit_is_asked_again_when_it_is_reconsidered) {
    struct machine machine;
    machine_init(&machine, &allocator_hdrf, 10, 1);
    machine_add(&machine, 0, "r", 1000, 1);
    machine.refuses[0] = true;

    assert_int_equal(serve(&machine), MESOS_ALLOCATOR_NOBODY);
    machine.refuses[0] = false;
    assert_int_equal(serve(&machine), MESOS_ALLOCATOR_NOBODY);
    allocator_hdrf.reconsider(machine.self, 0);
    assert_int_equal(serve(&machine), 0);
    allocator_hdrf.destroy(machine.self);
}

TEST(the_earmark_goes_to_the_guarantee_and_then_to_the_first_task) {
    struct machine machine;
    machine_init(&machine, &allocator_hdrf, 100, 1);
    machine_add(&machine, 0, "a", 1000, 10);
    while (serve(&machine) != MESOS_ALLOCATOR_NOBODY)
        continue;
    machine_add(&machine, 1, "b", 1000, 60);
    machine_add(&machine, 2, "c", 1000, 30);
    assert_int_equal(serve(&machine), MESOS_ALLOCATOR_NOBODY);

    assert_int_equal(allocator_hdrf.claim(machine.self, 0), 0);
    assert_int_equal(allocator_hdrf.claim(machine.self, 1), 1);
    assert_int_equal(allocator_hdrf.claim(machine.self, 2), 2);
    assert_int_equal(allocator_hdrf.next_earmark(machine.self), 2);
    allocator_hdrf.set_earmarked(machine.self, 2, true);
    assert_int_equal(allocator_hdrf.next_earmark(machine.self), 1);
    allocator_hdrf.set_earmarked(machine.self, 1, true);
    assert_int_equal(allocator_hdrf.next_earmark(machine.self), MESOS_ALLOCATOR_NOBODY);
    allocator_hdrf.destroy(machine.self);
}

TEST(standings_tell_share_guarantee_and_who_is_next) {
    struct machine machine;
    machine_init(&machine, &allocator_hdrf, 100, 1);
    allocator_hdrf.set_weight(machine.self, "a", 3000);
    machine_add(&machine, 0, "a/x", 1000, 10);
    machine_add(&machine, 1, "b", 1000, 10);
    serve(&machine);
    struct mesos_allocator_standing standing;

    assert_true(allocator_hdrf.client_standing(machine.self, 0, &standing));
    assert_int_equal(standing.guaranteed, MESOS_ALLOCATOR_SHARE_ONE / 4 * 3);
    assert_int_equal(standing.dominant, 0);
    assert_true(allocator_hdrf.role_standing(machine.self, "a", &standing));
    assert_int_equal(standing.share, MESOS_ALLOCATOR_SHARE_ONE / 10 + 1); /* rounded up */
    assert_true(allocator_hdrf.role_standing(machine.self, "b/.", &standing));
    assert_int_equal(standing.dominant, UINT32_MAX);
    assert_false(allocator_hdrf.role_standing(machine.self, "nobody", &standing));
    assert_int_equal(allocator_hdrf.next(machine.self), 1);
    assert_int_equal(serve(&machine), 1);
    allocator_hdrf.destroy(machine.self);
}

TEST(a_client_that_the_tree_does_not_take_is_never_next) {
    struct machine machine;
    machine_init(&machine, &allocator_hdrf, 100, 1);
    machine_add(&machine, 0, "a//b", 1000, 10);

    assert_int_equal(serve(&machine), MESOS_ALLOCATOR_NOBODY);
    assert_int_equal(allocator_hdrf.claim(machine.self, 0), 0);
    allocator_hdrf.remove_client(machine.self, 0);
    allocator_hdrf.destroy(machine.self);
}

TEST(a_client_number_serves_another_once_it_was_removed) {
    struct machine machine;
    machine_init(&machine, &allocator_hdrf, 100, 1);
    machine_add(&machine, 0, "a", 1000, 10);
    allocator_hdrf.set_wants(machine.self, 0, false);
    allocator_hdrf.remove_client(machine.self, 0);
    machine_add(&machine, 0, "b", 1000, 20);
    struct mesos_allocator_standing standing;

    assert_int_equal(serve(&machine), 0);
    assert_false(allocator_hdrf.role_standing(machine.self, "a", &standing));
    allocator_hdrf.destroy(machine.self);
}
