/*
 * A crowd is not asked one by one whenever something ends: nobody misses anything by that.
 */
#include "allocator/verdict.h"
#include "common/base/rng.h"
#include "tests/unit/allocator/allocator_world.h"

#include <stdio.h>

enum {
    CROWD = 300,
    MACHINES = 12,
    MANY_MACHINES = 150, /* whoever looks in vain goes around by bits */
    STEPS = 300,
    RUNS_LIMIT = 100000,
    KINDS_OF_STEPS = 12,
};

static void note(const struct allocator_offer *offer, void *self) {
    struct world *world = self;
    assert_true(world->count < WORLD_OFFERS_LIMIT);
    world->offers[world->count++] = (struct world_offer){
        offer->framework, offer->role, offer->agent, resources_copy(offer->resources)};
}

static void settle(struct world *world, size_t budget) {
    for (int run = 0; allocator_allocate(world->allocator, world->now_ms, budget, note, world);
         run++)
        assert_true(run < RUNS_LIMIT);
    world_check(world);
}

static void drop_offer(struct world *world, size_t at) {
    resources_fini(&world->offers[at].resources);
    world->offers[at] = world->offers[--world->count];
}

/* Nothing that is there now could be given to anybody who wants it. */
static void check_nobody_fits(struct world *world) {
    struct allocator *allocator = world->allocator;
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL || !client_is_asking(*client))
            continue;
        VEC_EACH(wish, &(*client)->wishes) {
            VEC_EACH(agent, &allocator->slots) {
                if (wish_is_left(wish) && *agent != NULL && (*agent)->is_open)
                    assert_int_not_equal(verdict_of(allocator, *client, wish, *agent, NULL),
                                         ALLOCATOR_FITS);
            }
        }
    }
}

static void ask_something(struct world *world, struct rng *rng, uint32_t framework, uint32_t role) {
    if (rng_below(rng, 4) == 0)
        allocator_set_demand(world->allocator, framework, role, NULL, 0, false);
    else
        world_ask(world, framework, role, 1 + (int64_t)rng_below(rng, 6),
                  1 + (int64_t)rng_below(rng, 64),
                  rng_below(rng, 3) == 0 ? 1 + rng_below(rng, 3) : ALLOCATOR_COUNT_ENDLESS);
}

static void end_one(struct world *world, struct rng *rng, bool is_refused) {
    size_t at = (size_t)rng_below(rng, world->count);
    if (is_refused)
        world_decline(world, at, world->now_ms + 1 + (int64_t)rng_below(rng, 50));
    else if (rng_below(rng, 2) == 0)
        world_end_task(world, at);
    else
        world_decline(world, at, 0);
    drop_offer(world, at);
}

static void step(struct world *world, struct rng *rng, const uint32_t *roles, uint32_t machines,
                 bool has_quota) {
    uint32_t framework = 1 + (uint32_t)rng_below(rng, CROWD);
    uint32_t agent = 1 + (uint32_t)rng_below(rng, machines);
    switch (rng_below(rng, KINDS_OF_STEPS)) {
    case 0: ask_something(world, rng, framework, roles[framework]); break;
    case 1: allocator_suppress(world->allocator, framework, roles[framework]); break;
    case 2: allocator_revive(world->allocator, framework, roles[framework]); break;
    case 3: allocator_activate_agent(world->allocator, agent, false); break;
    case 4: allocator_activate_agent(world->allocator, agent, true); break;
    case 5: world->now_ms += (int64_t)rng_below(rng, 100); break;
    case 6:
        if (has_quota)
            world_limit(world, roles[framework], (int64_t)rng_below(rng, 2),
                        1 + (int64_t)rng_below(rng, 20));
        break;
    case 7:
    case 8:
        if (world->count > 0)
            end_one(world, rng, true);
        break;
    default:
        if (world->count > 0)
            end_one(world, rng, false);
        break;
    }
}

/* Some agents have something reserved. */
static void add_agents(struct world *world, uint32_t machines) {
    for (uint32_t agent = 1; agent <= machines; agent++) {
        AUTO_FINI(resources_fini) struct resources total = world_set(8, 128);
        if (agent % 4 == 0)
            world_put_reserved(world, &total, "cpus", "role1", 2);
        allocator_add_agent(world->allocator, agent, &total,
                            AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);
    }
}

static void run_history(const struct mesos_allocator *policy, struct rng *rng, uint32_t machines,
                        bool has_quota) {
    AUTO(world_free) struct world *world = world_new(policy);
    uint32_t roles[CROWD + 1];
    allocator_set_earmark_limit(world->allocator, 0); /* claims change what is kept for whom */
    for (uint32_t i = 1; i <= CROWD; i++) {
        char name[32];
        snprintf(name, sizeof(name), "role%u", i % 50);
        roles[i] = world_role(world, name);
        world_add_framework(world, i, roles[i]);
        if (rng_below(rng, 8) != 0)
            ask_something(world, rng, i, roles[i]);
    }
    add_agents(world, machines);
    for (int i = 0; i < STEPS; i++) {
        for (uint64_t more = 1 + rng_below(rng, 3); more > 0; more--)
            step(world, rng, roles, machines, has_quota);
        settle(world, rng_below(rng, 3) == 0 ? 1 + (size_t)rng_below(rng, 50) : WORLD_BUDGET);
        check_nobody_fits(world);
    }
}

TEST(in_a_crowd_whoever_fits_is_offered_something) {
    struct rng rng = rng_for_test();
    run_history(&allocator_hdrf, &rng, MACHINES, false);
    run_history(&allocator_hdrf, &rng, MANY_MACHINES, false);
    run_history(&allocator_drf, &rng, MACHINES, false);
    run_history(&allocator_random, &rng, MACHINES, false);
}

TEST(in_a_crowd_with_quota_whoever_fits_is_offered_something) {
    struct rng rng = rng_for_test();
    run_history(&allocator_hdrf, &rng, MACHINES, true);
    run_history(&allocator_hdrf, &rng, MANY_MACHINES, true);
}

/* All want tasks of one cpu, and one a whole agent, on agents full of tasks. */
static struct world *make_crowd(void) {
    struct world *world = world_new(&allocator_hdrf);
    for (uint32_t agent = 1; agent <= MACHINES; agent++) {
        AUTO_FINI(resources_fini) struct resources all = world_set(4, 64);
        world_add_agent(world, agent, 4, 64);
        world_add_framework(world, agent, ROLE_ANY);
        assert_true(allocator_adopt(world->allocator, agent, ROLE_ANY, agent, &all));
    }
    for (uint32_t i = MACHINES + 1; i <= CROWD; i++) {
        world_add_framework(world, i, ROLE_ANY);
        world_ask(world, i, ROLE_ANY, 1, 16, 1);
    }
    return world;
}

static void end_one_cpu(struct world *world, uint32_t agent) {
    AUTO_FINI(resources_fini) struct resources one = world_set(1, 16);
    assert_true(allocator_recover(world->allocator, agent, ROLE_ANY, agent, &one));
}

TEST(what_a_crowd_gets_does_not_depend_on_the_size_of_slices) {
    AUTO(world_free) struct world *whole = make_crowd();
    AUTO(world_free) struct world *sliced = make_crowd();
    settle(whole, WORLD_BUDGET);
    settle(sliced, 1);
    for (uint32_t i = 0; i < MACHINES * 3; i++) {
        end_one_cpu(whole, 1 + i % MACHINES);
        end_one_cpu(sliced, 1 + i % MACHINES);
        settle(whole, WORLD_BUDGET);
        settle(sliced, 1);
        assert_int_equal(whole->count, i + 1);
        assert_int_equal(sliced->count, i + 1);
        assert_int_equal(whole->offers[i].framework, sliced->offers[i].framework);
    }
}

TEST(an_agent_is_found_for_a_big_task_in_a_crowd) {
    AUTO(world_free) struct world *world = make_crowd();
    struct allocator_earmark mark;
    uint32_t role = world_role(world, "big");
    size_t earmarks = 0;
    settle(world, WORLD_BUDGET);
    allocator_set_weight(world->allocator, role, 1000000);
    world_add_framework(world, CROWD + 1, role);
    world_ask(world, CROWD + 1, role, 4, 64, ALLOCATOR_COUNT_ENDLESS);
    for (uint32_t i = 0; i < MACHINES * 3 && earmarks == 0; i++) {
        end_one_cpu(world, 1 + i % MACHINES);
        settle(world, WORLD_BUDGET);
        earmarks = allocator_earmarks(world->allocator, &mark, 1);
    }
    assert_int_equal(earmarks, 1);
    assert_int_equal(mark.framework, CROWD + 1);
}
