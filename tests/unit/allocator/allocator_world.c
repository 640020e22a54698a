#include "tests/unit/allocator/allocator_world.h"

#include "common/base/mem.h"

struct world *world_new(const struct mesos_allocator *policy) {
    struct world *world = NEW(struct world);
    world->kinds = kinds_new();
    world->allocator = allocator_new(policy, world->kinds, 1);
    return world;
}

void world_free(struct world *world) {
    for (size_t i = 0; i < world->count; i++)
        resources_fini(&world->offers[i].resources);
    allocator_free(world->allocator);
    kinds_free(world->kinds);
    mem_free(world);
}

static void note(const struct allocator_offer *offer, void *self) {
    struct world *world = self;
    assert_true(world->count < WORLD_OFFERS_LIMIT);
    world->offers[world->count++] = (struct world_offer){
        offer->framework, offer->role, offer->agent, resources_copy(offer->resources)};
}

void world_check(const struct world *world) {
    struct error why;
    if (!allocator_check(world->allocator, &why))
        fail_msg("%s", why.message);
}

size_t world_allocate(struct world *world) {
    size_t before = world->count;
    while (allocator_allocate(world->allocator, world->now_ms, WORLD_BUDGET, note, world))
        ;
    world_check(world);
    return world->count - before;
}

uint32_t world_role(struct world *world, const char *path) {
    uint32_t role;
    assert_true(kinds_intern_role(world->kinds, text_of(path), &role, NULL));
    return role;
}

struct resources world_set(int64_t cpus, int64_t mem) {
    struct resources set = {0};
    assert_true(resources_put_scalar(&set, KIND_CPUS, cpus * 1000, NULL));
    assert_true(resources_put_scalar(&set, KIND_MEM, mem * 1000, NULL));
    return set;
}

void world_put_reserved(struct world *world, struct resources *set, const char *name,
                        const char *role, int64_t amount) {
    const struct reservation reservation = {.type = RESERVATION_STATIC, .role = text_of(role)};
    struct kind_info info = {
        .name = text_of(name), .reservations = &reservation, .reservation_count = 1};
    uint32_t kind;
    assert_true(kinds_intern(world->kinds, &info, &kind, NULL));
    assert_true(resources_put_scalar(set, kind, amount * 1000, NULL));
}

void world_add_agent(struct world *world, uint32_t agent, int64_t cpus, int64_t mem) {
    AUTO_FINI(resources_fini) struct resources total = world_set(cpus, mem);
    allocator_add_agent(world->allocator, agent, &total,
                        AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE);
}

void world_add_framework(struct world *world, uint32_t framework, uint32_t role) {
    allocator_add_framework(world->allocator, framework, &role, 1,
                            FRAMEWORK_TAKES_GPUS | FRAMEWORK_TAKES_REVOCABLE |
                                FRAMEWORK_TAKES_SHARED | FRAMEWORK_TAKES_REFINED |
                                FRAMEWORK_TAKES_REMOTE | FRAMEWORK_HAS_MANY_ROLES);
}

void world_ask(struct world *world, uint32_t framework, uint32_t role, int64_t cpus, int64_t mem,
               uint64_t count) {
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_add(&shape, NAME_CPUS, cpus * 1000);
    quantities_add(&shape, NAME_MEM, mem * 1000);
    const struct allocator_request request = {.shape = &shape, .count = count};
    allocator_set_demand(world->allocator, framework, role, &request, 1, true);
}

void world_limit(struct world *world, uint32_t role, int64_t guarantee_cpus, int64_t limit_cpus) {
    const struct quota_line line = {NAME_CPUS, guarantee_cpus * 1000,
                                    limit_cpus == INT64_MAX ? INT64_MAX : limit_cpus * 1000};
    allocator_set_quota(world->allocator, role, &line, 1);
}

void world_launch(struct world *world, size_t offer) {
    const struct world_offer *made = &world->offers[offer];
    allocator_note_launch(world->allocator, made->framework, made->role, made->agent,
                          &made->resources);
    allocator_note_offer_end(world->allocator, made->framework, made->role, made->agent,
                             ALLOCATOR_OFFER_ANSWERED);
}

void world_end_task(struct world *world, size_t offer) {
    const struct world_offer *made = &world->offers[offer];
    assert_true(allocator_recover(world->allocator, made->framework, made->role, made->agent,
                                  &made->resources));
}

void world_decline(struct world *world, size_t offer, int64_t until_ms) {
    const struct world_offer *made = &world->offers[offer];
    if (until_ms != 0)
        allocator_refuse(world->allocator, made->framework, made->role, made->agent,
                         &made->resources, until_ms);
    world_end_task(world, offer);
    allocator_note_offer_end(world->allocator, made->framework, made->role, made->agent,
                             ALLOCATOR_OFFER_ANSWERED);
}

uint32_t world_run_out(struct world *world, size_t offer) {
    const struct world_offer *made = &world->offers[offer];
    world_end_task(world, offer);
    return allocator_note_offer_end(world->allocator, made->framework, made->role, made->agent,
                                    ALLOCATOR_OFFER_RAN_OUT);
}

int64_t world_offered_cpus(const struct world *world, size_t offer) {
    return resources_quantity_milli(&world->offers[offer].resources, world->kinds, NAME_CPUS) /
           1000;
}

int64_t world_held_cpus(const struct world *world, uint32_t framework) {
    int64_t sum = 0;
    for (uint32_t agent = 1; agent < 1000; agent++) {
        const struct resources *held = allocator_held(world->allocator, framework, ROLE_ANY, agent);
        if (held != NULL)
            sum += resources_quantity_milli(held, world->kinds, NAME_CPUS) / 1000;
    }
    return sum;
}

struct asked {
    uint32_t agent;
    enum allocator_reason reason;
};

static void note_reason(void *self, uint32_t agent, const struct allocator_verdict *verdict) {
    struct asked *asked = self;
    if (agent == asked->agent)
        asked->reason = verdict->reason;
}

enum allocator_reason world_reason(struct world *world, uint32_t framework, uint32_t role,
                                   uint32_t agent) {
    struct asked asked = {agent, ALLOCATOR_FITS};
    struct allocator_wish wish;
    assert_true(
        allocator_explain(world->allocator, framework, role, SIZE_MAX, &wish, note_reason, &asked));
    return asked.reason;
}
