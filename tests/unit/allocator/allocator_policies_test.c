/*
 * Policies that misbehave: each is caught, named, does no harm, and is put aside.
 */
#include "common/base/mem.h"
#include "tests/unit/allocator/allocator_world.h"

struct fool {
    uint32_t last_client;
};

static void *fool_create(const char *const *names, size_t count, uint64_t seed) {
    (void)names;
    (void)count;
    (void)seed;
    return NEW(struct fool);
}

static void fool_set_total(void *self, const int64_t *total) {
    (void)self;
    (void)total;
}

static void fool_set_weight(void *self, const char *role, int64_t weight) {
    (void)self;
    (void)role;
    (void)weight;
}

static void fool_add(void *self, uint32_t client, const char *role, uint32_t framework,
                     int64_t weight) {
    struct fool *fool = self;
    (void)role;
    (void)framework;
    (void)weight;
    fool->last_client = client;
}

static void fool_forget(void *self, uint32_t client) {
    (void)self;
    (void)client;
}

static void fool_set_wants(void *self, uint32_t client, bool wants) {
    (void)self;
    (void)client;
    (void)wants;
}

static void fool_set_task(void *self, uint32_t client, const int64_t *task) {
    (void)self;
    (void)client;
    (void)task;
}

static void fool_charge(void *self, uint32_t client, const int64_t *amounts, int sign) {
    (void)self;
    (void)client;
    (void)amounts;
    (void)sign;
}

#define FOOL                                                                                       \
    .version = MESOS_ALLOCATOR_VERSION, .size = sizeof(struct mesos_allocator), .name = "fool",    \
    .create = fool_create, .destroy = mem_free, .set_total = fool_set_total,                       \
    .set_weight = fool_set_weight, .add_client = fool_add, .remove_client = fool_forget,           \
    .set_wants = fool_set_wants, .set_task = fool_set_task, .charge = fool_charge,                 \
    .reconsider = fool_forget

static enum mesos_allocator_answer pick_nobody(void *self, const struct mesos_allocator_host *host,
                                               struct mesos_allocator_pick *pick) {
    (void)self;
    (void)host;
    pick->client = 4711;
    return MESOS_ALLOCATOR_YES;
}

static enum mesos_allocator_answer pick_no_agent(void *self,
                                                 const struct mesos_allocator_host *host,
                                                 struct mesos_allocator_pick *pick) {
    (void)self;
    (void)host;
    pick->client = 0;
    pick->agent = 4711;
    return MESOS_ALLOCATOR_YES;
}

static enum mesos_allocator_answer pick_too_much(void *self,
                                                 const struct mesos_allocator_host *host,
                                                 struct mesos_allocator_pick *pick) {
    (void)self;
    (void)host;
    pick->client = 0;
    pick->agent = 1;
    pick->has_amounts = true;
    pick->amounts_milli[0] = 99000;
    return MESOS_ALLOCATOR_YES;
}

static enum mesos_allocator_answer pick_less_than_nothing(void *self,
                                                          const struct mesos_allocator_host *host,
                                                          struct mesos_allocator_pick *pick) {
    pick_too_much(self, host, pick);
    pick->amounts_milli[0] = -1;
    return MESOS_ALLOCATOR_YES;
}

static enum mesos_allocator_answer put_off(void *self, const struct mesos_allocator_host *host,
                                           struct mesos_allocator_pick *pick) {
    (void)self;
    (void)host;
    (void)pick;
    return MESOS_ALLOCATOR_LATER;
}

static enum mesos_allocator_answer pick_as_before(void *self,
                                                  const struct mesos_allocator_host *host,
                                                  struct mesos_allocator_pick *pick) {
    (void)self;
    (void)host;
    pick->client = 0;
    return MESOS_ALLOCATOR_YES;
}

static void is_caught(const struct mesos_allocator *policy, const char *text) {
    AUTO(world_free) struct world *world = world_new(policy);
    struct error error;
    struct allocator_complaint complaint;
    size_t complaints = 0;
    assert_true(allocator_check_policy(policy, &error));
    world_add_framework(world, 1, ROLE_ANY);
    world_add_agent(world, 1, 4, 1024);
    world_add_agent(world, 2, 4, 1024);

    assert_int_equal(world_allocate(world), 2);

    assert_string_equal(allocator_policy_name(world->allocator), "hdrf");
    assert_true(allocator_take_complaint(world->allocator, &complaint));
    if (strstr(complaint.message, text) == NULL || strstr(complaint.message, "fool") == NULL)
        fail_msg("%s", complaint.message);
    while (allocator_take_complaint(world->allocator, &complaint))
        complaints++;
    assert_int_equal(complaints, MESOS_ALLOCATOR_STRIKES - 1);
    assert_non_null(strstr(complaint.message, "16 times in a row"));
}

TEST(a_pick_of_a_client_that_is_not_there_is_caught) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_nobody};
    is_caught(&policy, "client 4711");
}

TEST(a_pick_of_an_agent_that_is_not_there_is_caught) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_no_agent};
    is_caught(&policy, "agent 4711");
}

TEST(a_pick_of_more_than_is_free_is_caught_with_what_is) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_too_much};
    is_caught(&policy, "offered 99000 thousandths of cpus on agent 1, where 4000 are free");
}

TEST(a_complaint_says_whom_the_policy_picked_when_they_are_there) {
    static const struct mesos_allocator too_much = {FOOL, .choose = pick_too_much};
    static const struct mesos_allocator no_agent = {FOOL, .choose = pick_no_agent};
    AUTO(world_free) struct world *one = world_new(&too_much);
    AUTO(world_free) struct world *other = world_new(&no_agent);
    struct allocator_complaint complaint;
    world_add_framework(one, 3, ROLE_ANY);
    world_add_agent(one, 1, 4, 1024);
    world_add_framework(other, 3, ROLE_ANY);
    world_add_agent(other, 1, 4, 1024);

    world_allocate(one);
    world_allocate(other);

    assert_true(allocator_take_complaint(one->allocator, &complaint));
    assert_int_equal(complaint.framework, 3);
    assert_int_equal(complaint.agent, 1);
    assert_true(allocator_take_complaint(other->allocator, &complaint));
    assert_int_equal(complaint.framework, 3);
    assert_int_equal(complaint.agent, 0);
}

TEST(a_pick_of_less_than_nothing_is_caught) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_less_than_nothing};
    is_caught(&policy, "offered -1 thousandths");
}

TEST(a_policy_that_puts_off_for_ever_is_caught) {
    static const struct mesos_allocator policy = {FOOL, .choose = put_off};
    is_caught(&policy, "put off");
}

TEST(a_policy_that_picks_for_ever_does_not_hang_a_turn) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_as_before};
    AUTO(world_free) struct world *world = world_new(&policy);
    world_add_framework(world, 1, ROLE_ANY);
    world_add_agent(world, 1, 4, 1024);
    assert_int_equal(world_allocate(world), 1);
    assert_int_equal(world_allocate(world), 0);

    world_end_task(world, 0);

    assert_int_equal(world_allocate(world), 1);
}

static enum mesos_allocator_answer place_half(void *self, const struct mesos_allocator_host *host,
                                              struct mesos_allocator_pick *pick) {
    (void)self;
    for (uint32_t agent = MESOS_ALLOCATOR_ANY_AGENT;
         (agent = host->next_agent(host->self, agent)) != MESOS_ALLOCATOR_ANY_AGENT;) {
        int64_t free_milli[MESOS_ALLOCATOR_RESOURCES_LIMIT];
        if (!host->free_milli(host->self, agent, free_milli) || free_milli[0] < 2000 ||
            host->fits_on(host->self, 0, agent) != MESOS_ALLOCATOR_YES)
            continue;
        *pick = (struct mesos_allocator_pick){.client = 0, .agent = agent, .has_amounts = true};
        pick->amounts_milli[0] = 2000;
        return MESOS_ALLOCATOR_YES;
    }
    return MESOS_ALLOCATOR_NO;
}

TEST(a_policy_may_place_and_size_by_itself) {
    static const struct mesos_allocator policy = {FOOL, .choose = place_half};
    AUTO(world_free) struct world *world = world_new(&policy);
    struct allocator_complaint complaint;
    world_add_framework(world, 1, ROLE_ANY);
    world_add_agent(world, 1, 3, 1024);
    world_add_agent(world, 2, 5, 1024);

    assert_int_equal(world_allocate(world), 2);

    assert_int_equal(world_offered_cpus(world, 0), 2);
    assert_int_equal(world_offered_cpus(world, 1), 4);
    assert_false(allocator_take_complaint(world->allocator, &complaint));
}

static void *create_nothing(const char *const *names, size_t count, uint64_t seed) {
    (void)names;
    (void)count;
    (void)seed;
    return NULL;
}

TEST(a_policy_that_cannot_be_made_is_put_aside_at_once) {
    static struct mesos_allocator policy = {FOOL, .choose = pick_nobody};
    policy.create = create_nothing;
    AUTO(world_free) struct world *world = world_new(&policy);
    struct allocator_complaint complaint;
    world_add_framework(world, 1, ROLE_ANY);
    world_add_agent(world, 1, 4, 1024);

    assert_int_equal(world_allocate(world), 1);

    assert_string_equal(allocator_policy_name(world->allocator), "hdrf");
    assert_true(allocator_take_complaint(world->allocator, &complaint));
    assert_non_null(strstr(complaint.message, "policy fool: create gave nothing"));
}

TEST(shares_are_of_the_books_where_the_policy_tells_none) {
    static const struct mesos_allocator policy = {FOOL, .choose = pick_as_before};
    AUTO(world_free) struct world *world = world_new(&policy);
    struct allocator_standing standing;
    world_add_framework(world, 1, ROLE_ANY);
    world_add_framework(world, 2, ROLE_ANY);
    world_add_agent(world, 1, 4, 256);
    assert_int_equal(world_allocate(world), 1);
    world_launch(world, 0);

    world_add_agent(world, 2, 4, 768);

    assert_true(allocator_client_standing(world->allocator, 1, ROLE_ANY, &standing));
    assert_true(standing.share == MESOS_ALLOCATOR_SHARE_ONE / 2);
    assert_int_equal(standing.dominant, NAME_CPUS);
    assert_int_equal(standing.guaranteed, 0);
    assert_true(allocator_client_standing(world->allocator, 2, ROLE_ANY, &standing));
    assert_int_equal(standing.share, 0);
    AUTO(role_sums_free) struct role_sums *sums = allocator_sum_roles(world->allocator);
    assert_true(allocator_role_standing(world->allocator, sums, ROLE_ANY, &standing));
    assert_true(standing.share == MESOS_ALLOCATOR_SHARE_ONE / 2);
    assert_int_equal(standing.dominant, NAME_CPUS);
}
