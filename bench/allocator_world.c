#include "allocator_world.h"

#include "common/base/vec.h"
#include "support.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

enum { TURNS_LIMIT = 100000000, FILTER_MS = 3600000 };

static void make_total(struct world *world) {
    static const struct range ports = {31000, 32000};
    bool ok = resources_put_scalar(&world->total, KIND_CPUS, 24000, NULL) &&
              resources_put_scalar(&world->total, KIND_MEM, 64000000, NULL) &&
              resources_put_scalar(&world->total, KIND_DISK, 500000000, NULL) &&
              resources_put_ranges(&world->total, KIND_PORTS, &ports, 1, NULL);
    assert(ok);
}

uint32_t world_role(struct world *world, const char *name) {
    struct error error;
    uint32_t role;
    if (!kinds_intern_role(world->kinds, text_of(name), &role, &error))
        bench_fail(name, error.message);
    return role;
}

void world_init(struct world *world, struct world_plan plan) {
    *world = (struct world){.plan = plan, .rng = rng_of(1)};
    world->kinds = kinds_new();
    world->allocator = allocator_new(plan.policy, world->kinds, 1);
    world->roles = NEW_ARRAY(uint32_t, plan.frameworks + 1);
    world->offers_of = NEW_ARRAY(uint64_t, plan.frameworks + 1);
    world->owners = NEW_ARRAY(uint32_t, plan.agents + 1);
    make_total(world);
    for (uint32_t i = 1; i <= plan.frameworks; i++) {
        char name[32];
        snprintf(name, sizeof(name), "role%u", plan.has_role_each ? i : 0);
        world->roles[i] = world_role(world, name);
    }
}

static void clear_given(struct world *world) {
    VEC_EACH(one, &world->given)
        resources_fini(&one->what);
    world->given.count = 0;
}

void world_fini(struct world *world) {
    allocator_free(world->allocator);
    kinds_free(world->kinds);
    resources_fini(&world->total);
    clear_given(world);
    VEC_FINI(&world->given);
    mem_free(world->roles);
    mem_free(world->offers_of);
    mem_free(world->owners);
}

void world_add_frameworks(struct world *world) {
    for (uint32_t i = 1; i <= world->plan.frameworks; i++)
        allocator_add_framework(world->allocator, i, &world->roles[i], 1, 0);
}

void world_add_agents(struct world *world) {
    for (uint32_t i = 1; i <= world->plan.agents; i++)
        allocator_add_agent(world->allocator, i, &world->total, 0);
}

/* --- turns --- */

/* The label is a field of Labels with one label: key "n", value the number in hex. */
void world_put_reserved(struct world *world, struct resources *total, uint32_t number,
                        uint32_t role) {
    char labels[16], name[32];
    int size = snprintf(labels, sizeof(labels), "\n\r\n\x01n\x12\x08%08x", number);
    snprintf(name, sizeof(name), "role%u", role);
    struct reservation reservation = {.type = RESERVATION_DYNAMIC,
                                      .role = text_of(name),
                                      .principal = TEXT("bench"),
                                      .labels = {labels, (size_t)size}};
    struct kind_info info = {.name = TEXT("cpus"),
                             .type = VALUE_SCALAR,
                             .reservations = &reservation,
                             .reservation_count = 1};
    struct error error;
    uint32_t kind;
    if (!kinds_intern(world->kinds, &info, &kind, &error) ||
        !resources_put_scalar(total, kind, 1000, &error))
        bench_fail("reserve", error.message);
}

int64_t world_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void world_start_clock(struct world *world) {
    world->offers = world->turns = 0;
    world->spent_ns = world->longest_ns = 0;
}

static void note(const struct allocator_offer *offer, void *self) {
    struct world *world = self;
    world->owners[offer->agent] = offer->framework;
    world->offers_of[offer->framework]++;
    world->offers++;
    if (world->keeps_given)
        VEC_PUSH(&world->given, (struct world_given){offer->framework, offer->agent,
                                                     resources_copy(offer->resources)});
}

bool world_turn(struct world *world) {
    int64_t start_ns = world_now_ns();
    bool has_more = allocator_allocate(world->allocator, 0, WORLD_LOOKS, note, world);
    int64_t took_ns = world_now_ns() - start_ns;
    world->spent_ns += took_ns;
    if (took_ns > world->longest_ns)
        world->longest_ns = took_ns;
    if (++world->turns > TURNS_LIMIT)
        bench_fail("allocate", "it does not come to an end");
    return has_more;
}

void world_allocate(struct world *world) {
    while (world_turn(world))
        ;
}

/* --- what comes back --- */

static void end_offer(struct world *world, uint32_t framework, uint32_t agent) {
    allocator_note_offer_end(world->allocator, framework, world->roles[framework], agent,
                             ALLOCATOR_OFFER_ANSWERED);
}

static void recover(struct world *world, uint32_t framework, uint32_t agent,
                    const struct resources *what) {
    if (!allocator_recover(world->allocator, framework, world->roles[framework], agent, what))
        bench_fail("recover", "it is not held");
}

void world_give_back(struct world *world, uint32_t agent) {
    end_offer(world, world->owners[agent], agent);
    recover(world, world->owners[agent], agent, &world->total);
}

void world_give_back_all(struct world *world) {
    for (uint32_t i = 1; i <= world->plan.agents; i++)
        world_give_back(world, i);
}

void world_decline_given(struct world *world, uint32_t from) {
    VEC_EACH(one, &world->given) {
        if (one->framework < from)
            continue;
        end_offer(world, one->framework, one->agent);
        allocator_refuse(world->allocator, one->framework, world->roles[one->framework], one->agent,
                         &one->what, FILTER_MS);
        recover(world, one->framework, one->agent, &one->what);
    }
    clear_given(world);
}

/* --- the floor --- */

enum { SCALARS = 4 };

struct floor_framework {
    int64_t share; /* parts of 2^40 */
    uint32_t number;
};

static void shuffle(uint32_t *numbers, uint32_t count, struct rng *rng) {
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)rng_below(rng, i), kept = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = kept;
    }
}

/* The first one's share has grown. */
static void sink_first(struct floor_framework *heap, uint32_t count) {
    struct floor_framework one = heap[0];
    uint32_t at = 0;
    for (uint32_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1].share < heap[child].share)
            child++;
        if (heap[child].share >= one.share)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = one;
}

static int64_t decide(struct floor_framework *heap, int64_t *held, const int64_t *total,
                      int64_t *available) {
    int64_t *mine = held + (size_t)heap[0].number * SCALARS, share = 0;
    for (int i = 0; i < SCALARS; i++) {
        mine[i] += available[i];
        available[i] = 0;
        int64_t part = total[i] > 0 ? (int64_t)(((__int128)mine[i] << 40) / total[i]) : 0;
        share = part > share ? part : share;
    }
    return share;
}

int64_t floor_full_ns(uint32_t agents, uint32_t frameworks, uint64_t seed) {
    static const int64_t one[SCALARS] = {24000, 64000000, 500000000, 1002000};
    struct rng rng = rng_of(seed);
    AUTO(mem_free) uint32_t *order = NEW_ARRAY(uint32_t, agents);
    AUTO(mem_free) int64_t *available = NEW_ARRAY(int64_t, (size_t)agents * SCALARS);
    AUTO(mem_free) int64_t *held = NEW_ARRAY(int64_t, (size_t)frameworks * SCALARS);
    AUTO(mem_free) struct floor_framework *heap = NEW_ARRAY(struct floor_framework, frameworks);
    int64_t total[SCALARS];
    for (uint32_t i = 0; i < agents; i++) {
        order[i] = i;
        memcpy(available + (size_t)i * SCALARS, one, sizeof(one));
    }
    for (uint32_t i = 0; i < frameworks; i++)
        heap[i].number = i;
    for (int i = 0; i < SCALARS; i++)
        total[i] = one[i] * agents;

    int64_t start_ns = world_now_ns();
    shuffle(order, agents, &rng);
    for (uint32_t i = 0; i < agents; i++) {
        heap[0].share = decide(heap, held, total, available + (size_t)order[i] * SCALARS);
        sink_first(heap, frameworks);
    }
    return world_now_ns() - start_ns;
}
