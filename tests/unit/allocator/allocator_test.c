#include "allocator/allocator.h"
#include "common/base/mem.h"

#include "tests/support/unit.h"

enum { OFFERS_LIMIT = 512, BUDGET = 1000000 };

/* An allocator, and what it has offered. */
struct world {
    struct kinds *kinds;
    struct allocator *allocator;
    struct {
        uint32_t framework, role, agent;
        struct resources resources;
    } offers[OFFERS_LIMIT];
    size_t count;
};

static const uint32_t any = ROLE_ANY;
static const struct reservation for_eng = {.type = RESERVATION_STATIC, .role = {"eng", 3}};

static struct world *world_new(void) {
    struct world *world = NEW(struct world);
    world->kinds = kinds_new();
    world->allocator = allocator_new(&allocator_hdrf, world->kinds, 1);
    return world;
}

static void world_free(struct world *world) {
    for (size_t i = 0; i < world->count; i++)
        resources_fini(&world->offers[i].resources);
    allocator_free(world->allocator);
    kinds_free(world->kinds);
    mem_free(world);
}
DEFINE_AUTO(struct world, world_free)

static void note(const struct allocator_offer *offer, void *self) {
    struct world *world = self;
    assert_true(world->count < OFFERS_LIMIT);
    world->offers[world->count].framework = offer->framework;
    world->offers[world->count].role = offer->role;
    world->offers[world->count].agent = offer->agent;
    world->offers[world->count++].resources = resources_copy(offer->resources);
}

/* Lets it offer all it will; gives how many offers were made. */
static size_t allocate(struct world *world, int64_t now_ms) {
    size_t before = world->count;
    while (allocator_allocate(world->allocator, now_ms, BUDGET, note, world))
        ;
    return world->count - before;
}

static struct resources cpus_and_mem(int64_t cpus, int64_t mem) {
    struct resources set = {0};
    assert_true(resources_put_scalar(&set, KIND_CPUS, cpus * 1000, NULL));
    assert_true(resources_put_scalar(&set, KIND_MEM, mem * 1000, NULL));
    return set;
}

static void add_agent(struct world *world, uint32_t agent, int64_t cpus, int64_t mem) {
    AUTO_FINI(resources_fini) struct resources total = cpus_and_mem(cpus, mem);
    allocator_add_agent(world->allocator, agent, &total, AGENT_SERVES_MANY_ROLES);
}

static void add_framework(struct world *world, uint32_t framework) {
    allocator_add_framework(world->allocator, framework, &any, 1, FRAMEWORK_HAS_MANY_ROLES);
}

/* Gives back the offer's resources, refusing them until then when that is not 0. */
static void decline(struct world *world, size_t offer, int64_t until_ms) {
    __auto_type made = &world->offers[offer];
    assert_true(allocator_recover(world->allocator, made->framework, made->role, made->agent,
                                  &made->resources));
    if (until_ms != 0)
        allocator_refuse(world->allocator, made->framework, made->role, made->agent,
                         &made->resources, until_ms);
}

TEST(free_resources_are_offered_whole_to_who_wants_them) {
    AUTO(world_free) struct world *world = world_new();
    add_agent(world, 1, 4, 1024);
    assert_int_equal(allocate(world, 0), 0);
    assert_true(allocator_deadline_ms(world->allocator) == INT64_MAX);

    add_framework(world, 7);
    assert_true(allocator_deadline_ms(world->allocator) == INT64_MIN);

    assert_int_equal(allocate(world, 0), 1);
    assert_int_equal(world->offers[0].framework, 7);
    assert_true(
        resources_equal(&world->offers[0].resources, allocator_agent_total(world->allocator, 1)));
    assert_true(resources_is_empty(allocator_agent_free(world->allocator, 1)));
    assert_int_equal(allocate(world, 0), 0);
}

TEST(who_holds_the_smallest_dominant_share_is_next) {
    AUTO(world_free) struct world *world = world_new();
    add_agent(world, 1, 8, 1024);
    add_framework(world, 1);
    assert_int_equal(allocate(world, 0), 1);
    add_framework(world, 2);
    add_agent(world, 2, 2, 1024);
    assert_int_equal(allocate(world, 0), 1);
    assert_int_equal(world->offers[1].framework, 2);

    add_agent(world, 3, 1, 1024); /* 1 has 8 of 11 cpus, 2 has a third of the memory */
    assert_int_equal(allocate(world, 0), 1);

    assert_int_equal(world->offers[2].framework, 2);
}

TEST(equal_frameworks_get_equally_many_agents) {
    AUTO(world_free) struct world *world = world_new();
    size_t counts[4] = {0};
    for (uint32_t i = 0; i < 4; i++)
        add_framework(world, i);
    for (uint32_t i = 0; i < 100; i++)
        add_agent(world, i, 4, 1024);

    assert_int_equal(allocate(world, 0), 100);

    for (size_t i = 0; i < world->count; i++)
        counts[world->offers[i].framework]++;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(counts[i], 25);
}

TEST(a_refusal_holds_until_its_time_and_goes_to_another_meanwhile) {
    AUTO(world_free) struct world *world = world_new();
    add_agent(world, 1, 4, 1024);
    add_framework(world, 1);
    allocate(world, 0);
    decline(world, 0, 5000);

    assert_int_equal(allocate(world, 0), 0);
    assert_true(allocator_deadline_ms(world->allocator) == 5000);
    add_framework(world, 2);
    assert_int_equal(allocate(world, 1), 1);
    assert_int_equal(world->offers[1].framework, 2);
    decline(world, 1, 9000);
    assert_int_equal(allocate(world, 4999), 0);
    assert_int_equal(allocate(world, 5000), 1);
    assert_int_equal(world->offers[2].framework, 1);
}

TEST(a_refusal_does_not_hold_for_more_than_was_refused) {
    AUTO(world_free) struct world *world = world_new();
    AUTO_FINI(resources_fini) struct resources two = cpus_and_mem(2, 512);
    add_agent(world, 1, 4, 1024);
    assert_true(allocator_adopt(world->allocator, 9, ROLE_ANY, 1, &two));
    add_framework(world, 1);
    allocate(world, 0);
    decline(world, 0, 5000);
    assert_int_equal(allocate(world, 0), 0);

    assert_true(allocator_recover(world->allocator, 9, ROLE_ANY, 1, &two));

    assert_int_equal(allocate(world, 0), 1);
}

TEST(reviving_and_a_real_change_of_the_agent_end_a_refusal) {
    AUTO(world_free) struct world *world = world_new();
    add_agent(world, 1, 4, 1024);
    add_framework(world, 1);
    allocate(world, 0);
    decline(world, 0, 5000);
    allocator_revive(world->allocator, 1, ROLE_ANY);
    assert_int_equal(allocate(world, 0), 1);
    decline(world, 1, 5000);

    AUTO_FINI(resources_fini) struct resources same = cpus_and_mem(4, 1024);
    allocator_update_agent(world->allocator, 1, &same, AGENT_SERVES_MANY_ROLES, false);
    assert_int_equal(allocate(world, 0), 0);
    allocator_update_agent(world->allocator, 1, &same,
                           AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE, false);
    assert_int_equal(allocate(world, 0), 1);
}

TEST(the_suppressed_the_disconnected_and_the_removed_are_offered_nothing) {
    AUTO(world_free) struct world *world = world_new();
    add_agent(world, 1, 4, 1024);
    for (uint32_t i = 1; i <= 3; i++)
        add_framework(world, i);
    allocator_suppress(world->allocator, 1, ROLE_ANY);
    allocator_activate_framework(world->allocator, 2, false);
    allocator_remove_framework(world->allocator, 3);
    assert_int_equal(allocate(world, 0), 0);

    allocator_activate_framework(world->allocator, 2, true);
    assert_int_equal(allocate(world, 0), 1);
    assert_int_equal(world->offers[0].framework, 2);
}

TEST(an_inactive_agent_is_not_offered) {
    AUTO(world_free) struct world *world = world_new();
    add_framework(world, 1);
    add_agent(world, 1, 4, 1024);
    allocator_activate_agent(world->allocator, 1, false);
    assert_int_equal(allocate(world, 0), 0);
    allocator_activate_agent(world->allocator, 1, true);
    assert_int_equal(allocate(world, 0), 1);
}

TEST(crumbs_are_not_offered) {
    AUTO(world_free) struct world *world = world_new();
    AUTO_FINI(resources_fini) struct resources crumbs = {0};
    assert_true(resources_put_scalar(&crumbs, KIND_CPUS, 9, NULL));
    assert_true(resources_put_scalar(&crumbs, KIND_MEM, 31999, NULL));
    allocator_add_agent(world->allocator, 1, &crumbs, AGENT_SERVES_MANY_ROLES);
    add_framework(world, 1);
    assert_int_equal(allocate(world, 0), 0);

    allocator_set_minima(world->allocator, NULL, 0);

    assert_int_equal(allocate(world, 0), 1);
}

TEST(what_is_reserved_goes_to_its_role_and_the_rest_to_the_next) {
    AUTO(world_free) struct world *world = world_new();
    struct kind_info info = {
        .name = TEXT("cpus"), .reservations = &for_eng, .reservation_count = 1};
    AUTO_FINI(resources_fini) struct resources total = cpus_and_mem(4, 1024);
    uint32_t kind, eng;
    assert_true(kinds_intern(world->kinds, &info, &kind, NULL));
    assert_true(kinds_intern_role(world->kinds, TEXT("eng"), &eng, NULL));
    assert_true(resources_put_scalar(&total, kind, 2000, NULL));
    allocator_add_framework(world->allocator, 1, &any, 1, 0);
    allocator_add_framework(world->allocator, 2, &eng, 1, 0);
    allocator_add_agent(world->allocator, 1, &total, AGENT_SERVES_MANY_ROLES);

    assert_int_equal(allocate(world, 0), 2);

    assert_int_equal(world->offers[0].framework, 1);
    assert_null(resources_find(&world->offers[0].resources, kind));
    assert_int_equal(world->offers[1].framework, 2);
    assert_int_equal(resources_scalar_milli(&world->offers[1].resources, kind), 2000);
}

TEST(revocable_resources_are_for_those_who_can) {
    AUTO(world_free) struct world *world = world_new();
    struct kind_info info = {.name = TEXT("cpus"), .is_revocable = true};
    AUTO_FINI(resources_fini) struct resources total = {0};
    uint32_t kind;
    assert_true(kinds_intern(world->kinds, &info, &kind, NULL));
    assert_true(resources_put_scalar(&total, kind, 2000, NULL));
    allocator_add_agent(world->allocator, 1, &total, 0);
    allocator_add_framework(world->allocator, 1, &any, 1, 0);
    assert_int_equal(allocate(world, 0), 0);

    allocator_update_framework(world->allocator, 1, &any, 1, FRAMEWORK_TAKES_REVOCABLE);

    assert_int_equal(allocate(world, 0), 1);
}

TEST(agents_with_gpus_are_for_those_who_can) {
    AUTO(world_free) struct world *world = world_new();
    AUTO_FINI(resources_fini) struct resources total = cpus_and_mem(4, 1024);
    assert_true(resources_put_scalar(&total, KIND_GPUS, 1000, NULL));
    allocator_add_agent(world->allocator, 1, &total, 0);
    allocator_add_framework(world->allocator, 1, &any, 1, 0);
    assert_int_equal(allocate(world, 0), 0);

    allocator_add_framework(world->allocator, 2, &any, 1, FRAMEWORK_TAKES_GPUS);

    assert_int_equal(allocate(world, 0), 1);
    assert_int_equal(world->offers[0].framework, 2);
}

TEST(an_agent_that_shrinks_below_what_is_in_use_has_nothing_free) {
    AUTO(world_free) struct world *world = world_new();
    AUTO_FINI(resources_fini) struct resources small = cpus_and_mem(1, 1024);
    add_agent(world, 1, 4, 1024);
    add_framework(world, 1);
    allocate(world, 0);

    allocator_update_agent(world->allocator, 1, &small, AGENT_SERVES_MANY_ROLES, false);
    assert_true(resources_is_empty(allocator_agent_free(world->allocator, 1)));
    decline(world, 0, 0);

    assert_true(resources_equal(allocator_agent_free(world->allocator, 1), &small));
}

TEST(what_is_not_held_cannot_be_recovered) {
    AUTO(world_free) struct world *world = world_new();
    AUTO_FINI(resources_fini) struct resources one = cpus_and_mem(1, 0);
    add_agent(world, 1, 4, 1024);
    add_framework(world, 1);

    assert_false(allocator_recover(world->allocator, 1, ROLE_ANY, 1, &one));
    assert_false(allocator_recover(world->allocator, 1, ROLE_ANY, 2, &one));
    assert_false(allocator_recover(world->allocator, 3, ROLE_ANY, 1, &one));
    assert_false(allocator_adopt(world->allocator, 1, ROLE_ANY, 2, &one));
}

TEST(a_turn_stops_at_its_budget_and_goes_on_later) {
    AUTO(world_free) struct world *world = world_new();
    add_framework(world, 1);
    for (uint32_t i = 0; i < 100; i++)
        add_agent(world, i, 4, 1024);

    assert_true(allocator_allocate(world->allocator, 0, 40, note, world));

    assert_int_equal(world->count, 5);
    assert_true(allocator_deadline_ms(world->allocator) == INT64_MIN);
    assert_int_equal(allocate(world, 0), 95);
}

TEST(less_loaded_agents_are_offered_first) {
    AUTO(world_free) struct world *world = world_new();
    for (uint32_t i = 1; i <= 4; i++) {
        AUTO_FINI(resources_fini) struct resources used = cpus_and_mem(4 - i, 16);
        add_agent(world, i, 4, 1024);
        assert_true(allocator_adopt(world->allocator, 9, ROLE_ANY, i, &used));
    }
    add_framework(world, 1);

    assert_int_equal(allocate(world, 0), 4);

    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(world->offers[i].agent, 4 - i);
}

/* ---- random histories, kept in a second book ---- */

enum { AGENTS = 6, FRAMEWORKS = 5, ROLES = 3, STEPS = 3000 };

struct book {
    struct world *world;
    struct resources held[AGENTS][FRAMEWORKS][ROLES]; /* offered and in use */
    struct resources total[AGENTS];
    bool is_there[AGENTS];
    uint32_t roles[ROLES];
    struct rng rng;
    int64_t now_ms;
};

static struct resources random_total(struct book *book) {
    struct resources set =
        cpus_and_mem((int64_t)rng_below(&book->rng, 9), (int64_t)rng_below(&book->rng, 4096));
    struct range ports = {100, 100 + rng_below(&book->rng, 50)};
    assert_true(resources_put_ranges(&set, KIND_PORTS, &ports, 1, NULL));
    return set;
}

/* A random part: of each scalar some, of ports a piece. */
static struct resources random_part(struct book *book, const struct resources *whole) {
    struct resources part = {0};
    for (uint32_t i = 0; i < whole->count; i++) {
        const struct resource *one = &whole->entries[i];
        if (kind_type(one->kind) == VALUE_SCALAR) {
            int64_t milli = (int64_t)rng_below(&book->rng, (uint64_t)one->milli + 1);
            assert_true(resources_put_scalar(&part, one->kind, milli, NULL));
            continue;
        }
        size_t count;
        struct range piece = *resource_ranges(one, &count);
        piece.begin += rng_below(&book->rng, piece.end - piece.begin + 1);
        assert_true(resources_put_ranges(&part, one->kind, &piece, 1, NULL));
    }
    return part;
}

static size_t role_index(const struct book *book, uint32_t role) {
    size_t at = 0;
    while (book->roles[at] != role)
        at++;
    return at;
}

static void note_in_book(const struct allocator_offer *offer, void *self) {
    struct book *book = self;
    assert_true(book->is_there[offer->agent]);
    assert_true(
        resources_add(&book->held[offer->agent][offer->framework][role_index(book, offer->role)],
                      offer->resources));
}

/* On each agent: used is what the book has, and used + free = total, or nothing of it is free. */
static void check_agent(const struct book *book, uint32_t agent) {
    const struct allocator *allocator = book->world->allocator;
    AUTO_FINI(resources_fini) struct resources used = {0};
    AUTO_FINI(resources_fini) struct resources expected = {0};
    for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++) {
        const struct resources *held = &book->held[agent][i / ROLES][i % ROLES];
        const struct resources *theirs =
            allocator_held(allocator, (uint32_t)(i / ROLES), book->roles[i % ROLES], agent);
        assert_true(resources_add(&used, held));
        assert_true(theirs != NULL ? resources_equal(theirs, held) : resources_is_empty(held));
    }
    expected = resources_copy(&book->total[agent]);
    resources_subtract_common(&expected, &used);
    assert_true(resources_equal(allocator_agent_used(allocator, agent), &used));
    assert_true(resources_equal(allocator_agent_total(allocator, agent), &book->total[agent]));
    assert_true(resources_equal(allocator_agent_free(allocator, agent), &expected));
}

static void change_agent(struct book *book, uint32_t agent) {
    struct allocator *allocator = book->world->allocator;
    if (book->is_there[agent] && rng_below(&book->rng, 2) == 0) {
        allocator_remove_agent(allocator, agent);
        book->is_there[agent] = false;
        for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
            resources_clear(&book->held[agent][i / ROLES][i % ROLES]);
        return;
    }
    resources_fini(&book->total[agent]);
    book->total[agent] = random_total(book);
    book->is_there[agent] = true;
    allocator_add_agent(allocator, agent, &book->total[agent], AGENT_SERVES_MANY_ROLES);
}

static void change_framework(struct book *book, uint32_t framework) {
    struct allocator *allocator = book->world->allocator;
    size_t first = rng_below(&book->rng, ROLES);
    size_t count = rng_below(&book->rng, ROLES - first + 1);
    uint32_t role = book->roles[rng_below(&book->rng, ROLES)];
    switch (rng_below(&book->rng, 6)) {
    case 0: allocator_add_framework(allocator, framework, book->roles + first, count, 0); break;
    case 1: allocator_update_framework(allocator, framework, book->roles + first, count, 0); break;
    case 2: allocator_remove_framework(allocator, framework); break;
    case 3:
        allocator_activate_framework(allocator, framework, rng_below(&book->rng, 2) == 0);
        break;
    case 4: allocator_suppress(allocator, framework, role); break;
    case 5: allocator_revive(allocator, framework, role); break;
    }
}

/* Takes back a part of what somebody holds, and sometimes refuses it; or adopts some more. */
static void change_holding(struct book *book, uint32_t agent, uint32_t framework) {
    struct allocator *allocator = book->world->allocator;
    size_t at = rng_below(&book->rng, ROLES);
    struct resources *held = &book->held[agent][framework][at];
    if (!book->is_there[agent])
        return;
    if (rng_below(&book->rng, 4) == 0) {
        AUTO_FINI(resources_fini)
        struct resources more = random_part(book, allocator_agent_free(allocator, agent));
        assert_true(allocator_adopt(allocator, framework, book->roles[at], agent, &more));
        assert_true(resources_add(held, &more));
        return;
    }
    AUTO_FINI(resources_fini) struct resources part = random_part(book, held);
    assert_true(allocator_recover(allocator, framework, book->roles[at], agent, &part));
    assert_true(resources_subtract(held, &part));
    if (rng_below(&book->rng, 2) == 0)
        allocator_refuse(allocator, framework, book->roles[at], agent, &part,
                         book->now_ms + (int64_t)rng_below(&book->rng, 50));
}

static void book_init(struct book *book, struct world *world, struct rng rng) {
    *book = (struct book){.world = world, .rng = rng};
    book->roles[0] = ROLE_ANY;
    assert_true(kinds_intern_role(world->kinds, TEXT("a"), &book->roles[1], NULL));
    assert_true(kinds_intern_role(world->kinds, TEXT("b"), &book->roles[2], NULL));
}

static void book_fini(struct book *book) {
    for (size_t agent = 0; agent < AGENTS; agent++) {
        resources_fini(&book->total[agent]);
        for (size_t i = 0; i < (size_t)FRAMEWORKS * ROLES; i++)
            resources_fini(&book->held[agent][i / ROLES][i % ROLES]);
    }
}

static void step(struct book *book) {
    uint32_t agent = (uint32_t)rng_below(&book->rng, AGENTS);
    uint32_t framework = (uint32_t)rng_below(&book->rng, FRAMEWORKS);
    uint64_t dice = rng_below(&book->rng, 20);
    if (dice == 0)
        change_agent(book, agent);
    else if (dice < 4)
        change_framework(book, framework);
    else if (dice < 14)
        change_holding(book, agent, framework);
    else
        allocator_allocate(book->world->allocator, book->now_ms, 1 + rng_below(&book->rng, 20),
                           note_in_book, book);
    book->now_ms += (int64_t)rng_below(&book->rng, 5);
}

TEST(whatever_happens_offered_and_used_and_free_are_the_total) {
    AUTO(world_free) struct world *world = world_new();
    struct book book;
    book_init(&book, world, rng_for_test());
    for (int i = 0; i < STEPS; i++) {
        step(&book);
        for (uint32_t agent = 0; agent < AGENTS; agent++) {
            if (book.is_there[agent])
                check_agent(&book, agent);
        }
        struct error why;
        if (!allocator_check(world->allocator, &why))
            fail_msg("%s", why.message);
    }
    book_fini(&book);
}

TEST(when_nothing_is_left_to_do_no_free_resource_waits_for_a_framework_that_would_take_it) {
    AUTO(world_free) struct world *world = world_new();
    struct book book;
    book_init(&book, world, rng_for_test());
    for (int i = 0; i < STEPS; i++) {
        step(&book);
        if (i % 100 != 99)
            continue;
        allocator_add_framework(world->allocator, 0, book.roles, 1, 0);
        allocator_revive(world->allocator, 0, ROLE_ANY);
        while (allocator_allocate(world->allocator, book.now_ms, BUDGET, note_in_book, &book))
            ;
        for (uint32_t agent = 0; agent < AGENTS; agent++) {
            if (!book.is_there[agent])
                continue;
            const struct resources *left = allocator_agent_free(world->allocator, agent);
            assert_true(resources_scalar_milli(left, KIND_CPUS) < 10);
            assert_true(resources_scalar_milli(left, KIND_MEM) < 32000);
        }
    }
    book_fini(&book);
}

TEST(the_same_calls_give_the_same_offers) {
    AUTO(world_free) struct world *one = world_new();
    AUTO(world_free) struct world *other = world_new();
    struct world *worlds[] = {one, other};
    for (size_t w = 0; w < 2; w++) {
        for (uint32_t i = 0; i < 7; i++)
            add_framework(worlds[w], i);
        for (uint32_t i = 0; i < 200; i++)
            add_agent(worlds[w], i, 1 + i % 5, 512 + 64 * (i % 7));
        allocate(worlds[w], 0);
    }

    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        assert_int_equal(one->offers[i].framework, other->offers[i].framework);
        assert_int_equal(one->offers[i].agent, other->offers[i].agent);
    }
}
