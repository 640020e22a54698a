#include "allocator/quota_book.h"

#include "common/base/mem.h"
#include "tests/support/unit.h"

#include <stdio.h>

enum { ROLES_LIMIT = 24, NAMES = 3, STEPS = 400, ROUNDS = 300 };

struct world {
    struct kinds *kinds;
    struct quota_book *book;
};

static struct world *world_new(void) {
    struct world *world = NEW(struct world);
    world->kinds = kinds_new();
    world->book = quota_book_new(world->kinds);
    return world;
}

static void world_free(struct world *world) {
    if (world == NULL)
        return;
    quota_book_free(world->book);
    kinds_free(world->kinds);
    mem_free(world);
}
DEFINE_AUTO(struct world, world_free)

static uint32_t role_of(struct world *world, const char *name) {
    uint32_t role;
    assert_true(kinds_intern_role(world->kinds, text_of(name), &role, NULL));
    return role;
}

/* Amounts of one name. */
#define CPUS(milli)                                                                                \
    (&(struct quantities){.items = &(struct quantity){NAME_CPUS, (milli)}, .count = 1})

static void set_cpus(struct world *world, uint32_t role, int64_t guarantee, int64_t limit) {
    quota_book_set(world->book, role, &(struct quota_line){NAME_CPUS, guarantee, limit}, 1);
}

static int64_t cut_cpus(struct world *world, uint32_t role, int64_t milli) {
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    quantities_add(&amounts, NAME_CPUS, milli);
    quota_book_cut(world->book, role, &amounts);
    return quantities_milli(&amounts, NAME_CPUS);
}

TEST(without_quota_everything_is_allowed_and_consumption_is_kept_all_the_same) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ci = role_of(world, "eng/ci");

    quota_book_consume(world->book, ci, CPUS(700), 1);
    quota_book_consume(world->book, eng, CPUS(50), 1);

    assert_false(quota_book_is_used(world->book));
    assert_false(quota_book_has_needs(world->book));
    assert_int_equal(quota_book_ask(world->book, eng, CPUS(INT64_MAX)).answer, QUOTA_ALLOWS);
    assert_int_equal(cut_cpus(world, eng, 1000), 1000);
    assert_int_equal(quantities_milli(quota_book_consumed(world->book, eng), NAME_CPUS), 750);
    assert_int_equal(quantities_milli(quota_book_consumed(world->book, ci), NAME_CPUS), 700);
}

TEST(a_limit_counts_what_the_role_and_all_below_it_hold_and_holds_for_all_below_it) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ci = role_of(world, "eng/ci");
    uint32_t deep = role_of(world, "eng/ci/deep");
    set_cpus(world, eng, 0, 1000);
    quota_book_consume(world->book, eng, CPUS(200), 1);
    quota_book_consume(world->book, ci, CPUS(500), 1);

    struct quota_verdict verdict = quota_book_ask(world->book, deep, CPUS(301));

    assert_int_equal(verdict.answer, QUOTA_LIMIT);
    assert_int_equal(verdict.name, NAME_CPUS);
    assert_int_equal(verdict.role, eng);
    assert_int_equal(verdict.room_milli, 300);
    assert_int_equal(quota_book_ask(world->book, deep, CPUS(300)).answer, QUOTA_ALLOWS);
    assert_int_equal(cut_cpus(world, deep, 1000), 300);
}

TEST(a_guarantee_keeps_headroom_from_others_and_not_from_its_own_role) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ops = role_of(world, "ops");
    set_cpus(world, eng, 600, INT64_MAX);
    quota_book_add_free(world->book, CPUS(1000), 1);

    assert_int_equal(cut_cpus(world, ops, 1000), 400);
    assert_int_equal(cut_cpus(world, eng, 1000), 1000);
    struct quota_verdict verdict = quota_book_ask(world->book, ops, CPUS(500));
    assert_int_equal(verdict.answer, QUOTA_HEADROOM);
    assert_int_equal(verdict.room_milli, 400);
}

TEST(of_one_guarantee_above_another_the_larger_is_kept) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ci = role_of(world, "eng/ci");
    uint32_t web = role_of(world, "eng/web"), ops = role_of(world, "ops");
    set_cpus(world, eng, 600, INT64_MAX);
    set_cpus(world, ci, 400, INT64_MAX);
    quota_book_add_free(world->book, CPUS(1000), 1);

    assert_int_equal(cut_cpus(world, ops, 1000), 400);
    /* 200 of what is kept for eng are not promised to ci, 400 are nobody's. */
    assert_int_equal(cut_cpus(world, web, 1000), 600);
    assert_int_equal(cut_cpus(world, ci, 1000), 1000);
}

TEST(a_guarantee_is_given_even_when_more_is_promised_than_there_is) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ops = role_of(world, "ops");
    set_cpus(world, eng, 600, INT64_MAX);
    set_cpus(world, ops, 600, INT64_MAX);
    quota_book_add_free(world->book, CPUS(700), 1);

    assert_int_equal(cut_cpus(world, eng, 700), 600);
    assert_int_equal(cut_cpus(world, role_of(world, "web"), 700), 0);
}

TEST(a_name_of_which_nothing_is_kept_is_not_looked_at_for_headroom) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ops = role_of(world, "ops");
    quota_book_set(world->book, eng, &(struct quota_line){NAME_MEM, 600, INT64_MAX}, 1);

    assert_int_equal(cut_cpus(world, ops, 1000), 1000);
}

TEST(the_verdict_names_what_leaves_least_of_what_is_asked) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng");
    struct quota_line lines[] = {{NAME_MEM, 0, 10000}, {NAME_CPUS, 0, 500}};
    quota_book_set(world->book, eng, lines, 2);
    struct quantity asked[] = {{NAME_CPUS, 1000}, {NAME_MEM, 100000}};

    struct quota_verdict verdict =
        quota_book_ask(world->book, eng, &(struct quantities){.items = asked, .count = 2});

    assert_int_equal(verdict.answer, QUOTA_LIMIT);
    assert_int_equal(verdict.name, NAME_MEM);
    assert_int_equal(verdict.room_milli, 10000);
}

TEST(what_serves_a_need_is_what_lowers_the_amount_that_is_kept) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ci = role_of(world, "eng/ci");
    uint32_t ops = role_of(world, "ops");
    set_cpus(world, eng, 600, INT64_MAX);

    assert_true(quota_book_serves_need(world->book, ci, CPUS(1)));
    assert_false(quota_book_serves_need(world->book, ops, CPUS(1)));
    quota_book_consume(world->book, eng, CPUS(600), 1);
    assert_false(quota_book_serves_need(world->book, ci, CPUS(1)));
    assert_false(quota_book_has_needs(world->book));
}

TEST(what_is_kept_beyond_what_is_free_is_the_lack) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), web = role_of(world, "web");
    quota_book_add_free(world->book, CPUS(1000), 1);
    set_cpus(world, eng, 1500, INT64_MAX);
    set_cpus(world, web, 300, INT64_MAX);

    assert_int_equal(quota_book_lack(world->book, NAME_CPUS), 800);
    assert_int_equal(quota_book_lack(world->book, NAME_MEM), 0);
    quota_book_consume(world->book, eng, CPUS(900), 1);

    assert_int_equal(quota_book_lack(world->book, NAME_CPUS), 0);
}

TEST(no_lines_and_lines_that_say_nothing_end_the_quota) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng");
    const struct quota_line *lines;
    set_cpus(world, eng, 600, 700);
    assert_true(quota_book_is_used(world->book));

    set_cpus(world, eng, 0, INT64_MAX);

    assert_false(quota_book_is_used(world->book));
    assert_false(quota_book_has_needs(world->book));
    assert_int_equal(quota_book_lines(world->book, eng, &lines), 0);
}

TEST(the_lines_of_a_role_come_back_by_name_and_the_first_of_two_counts) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng");
    struct quota_line given[] = {{NAME_MEM, -5, 10}, {NAME_CPUS, 1, -3}, {NAME_MEM, 7, 70}};
    const struct quota_line *lines;

    quota_book_set(world->book, eng, given, 3);

    assert_int_equal(quota_book_lines(world->book, eng, &lines), 2);
    assert_int_equal(lines[0].name, NAME_CPUS);
    assert_int_equal(lines[0].limit_milli, 0);
    assert_int_equal(lines[1].guarantee_milli, 0);
    assert_int_equal(lines[1].limit_milli, 10);
}

TEST(sums_beyond_int64_are_held) {
    AUTO(world_free) struct world *world = world_new();
    uint32_t eng = role_of(world, "eng"), ops = role_of(world, "ops");
    uint32_t web = role_of(world, "web");
    set_cpus(world, eng, INT64_MAX, INT64_MAX);
    set_cpus(world, ops, INT64_MAX, INT64_MAX);
    for (int i = 0; i < 3; i++)
        quota_book_add_free(world->book, CPUS(INT64_MAX), 1);

    assert_int_equal(cut_cpus(world, web, INT64_MAX), INT64_MAX);
    quota_book_consume(world->book, eng, CPUS(INT64_MAX), 1);
    quota_book_consume(world->book, eng, CPUS(INT64_MAX), 1);
    assert_int_equal(quantities_milli(quota_book_consumed(world->book, eng), NAME_CPUS), INT64_MAX);
    for (int i = 0; i < 2; i++)
        quota_book_add_free(world->book, CPUS(INT64_MAX), -1);
    assert_int_equal(cut_cpus(world, web, INT64_MAX), 0);
    assert_int_equal(cut_cpus(world, ops, INT64_MAX), INT64_MAX);
    set_cpus(world, ops, 0, INT64_MAX);
    assert_false(quota_book_has_needs(world->book));
}

/* --- the slow twin: reckons everything anew, from the definition --- */

struct twin {
    size_t count;
    uint32_t roles[ROLES_LIMIT];
    size_t parents[ROLES_LIMIT]; /* SIZE_MAX: none */
    int64_t own[ROLES_LIMIT][NAMES], guarantee[ROLES_LIMIT][NAMES], limit[ROLES_LIMIT][NAMES];
    int64_t available[NAMES];
};

static bool is_below(const struct twin *twin, size_t one, size_t above) {
    while (one != above && one != SIZE_MAX)
        one = twin->parents[one];
    return one == above;
}

static int64_t twin_consumed(const struct twin *twin, size_t node, uint32_t name) {
    int64_t sum = 0;
    for (size_t i = 0; i < twin->count; i++)
        sum += is_below(twin, i, node) ? twin->own[i][name] : 0;
    return sum;
}

/* Of SIZE_MAX: of the whole tree. */
static int64_t twin_needs(const struct twin *twin, size_t node, uint32_t name) {
    int64_t below = 0, own = 0;
    for (size_t i = 0; i < twin->count; i++)
        below += twin->parents[i] == node ? twin_needs(twin, i, name) : 0;
    if (node != SIZE_MAX)
        own = twin->guarantee[node][name] - twin_consumed(twin, node, name);
    return own > below ? own : below;
}

static bool twin_is_within_limits(const struct twin *twin, size_t node, uint32_t name, int64_t x) {
    for (; node != SIZE_MAX; node = twin->parents[node]) {
        int64_t limit = twin->limit[node][name];
        if (limit < INT64_MAX && twin_consumed(twin, node, name) + x > limit)
            return false;
    }
    return true;
}

/* Gives it, looks, and takes it back. */
static bool twin_is_within_headroom(struct twin *twin, size_t node, uint32_t name, int64_t x) {
    int64_t before = twin_needs(twin, SIZE_MAX, name);
    int64_t spare = twin->available[name] - before;
    twin->own[node][name] += x;
    int64_t after = twin_needs(twin, SIZE_MAX, name);
    twin->own[node][name] -= x;
    return before == 0 || x == before - after || x - (before - after) <= spare;
}

static bool twin_allows(struct twin *twin, size_t node, uint32_t name, int64_t x) {
    return x == 0 || (twin_is_within_limits(twin, node, name, x) &&
                      twin_is_within_headroom(twin, node, name, x));
}

static void twin_grow(struct twin *twin, struct world *world, struct rng *rng) {
    twin->count = 1 + rng_below(rng, ROLES_LIMIT - 1);
    char names[ROLES_LIMIT][256];
    for (size_t i = 0; i < twin->count; i++) {
        twin->parents[i] = rng_below(rng, i + 1);
        if (twin->parents[i] == i)
            twin->parents[i] = SIZE_MAX;
        const char *above = twin->parents[i] != SIZE_MAX ? names[twin->parents[i]] : NULL;
        snprintf(names[i], sizeof(names[i]), "%.200s%sr%zu", above != NULL ? above : "",
                 above != NULL ? "/" : "", i);
        twin->roles[i] = role_of(world, names[i]);
        for (uint32_t name = 0; name < NAMES; name++)
            twin->limit[i][name] = INT64_MAX;
    }
}

static int64_t some(struct rng *rng, int64_t scale) {
    return (int64_t)rng_below(rng, 20) * scale + (int64_t)rng_below(rng, 2);
}

static void step_set(struct twin *twin, struct world *world, struct rng *rng, int64_t scale) {
    size_t at = rng_below(rng, twin->count), count = 0;
    struct quota_line lines[NAMES];
    for (uint32_t name = 0; name < NAMES; name++) {
        int64_t guarantee = rng_below(rng, 2) == 0 ? some(rng, scale) : 0;
        int64_t limit = rng_below(rng, 3) == 0 ? some(rng, 3 * scale) : INT64_MAX;
        twin->guarantee[at][name] = guarantee;
        twin->limit[at][name] = limit;
        lines[count++] = (struct quota_line){name, guarantee, limit};
    }
    quota_book_set(world->book, twin->roles[at], lines, count);
}

static void step_consume(struct twin *twin, struct world *world, struct rng *rng, int64_t scale) {
    size_t at = rng_below(rng, twin->count);
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    int sign = rng_below(rng, 2) == 0 ? 1 : -1;
    for (uint32_t name = 0; name < NAMES; name++) {
        int64_t amount = some(rng, scale);
        if (sign < 0 && amount > twin->own[at][name])
            amount = twin->own[at][name];
        twin->own[at][name] += amount * sign;
        quantities_add(&amounts, name, amount);
    }
    quota_book_consume(world->book, twin->roles[at], &amounts, sign);
}

static void step_free(struct twin *twin, struct world *world, struct rng *rng, int64_t scale) {
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    int sign = rng_below(rng, 5) < 3 ? 1 : -1;
    for (uint32_t name = 0; name < NAMES; name++) {
        int64_t amount = some(rng, 2 * scale);
        twin->available[name] += amount * sign;
        quantities_add(&amounts, name, amount);
    }
    quota_book_add_free(world->book, &amounts, sign);
}

static void compare_state(const struct twin *twin, struct world *world) {
    bool needs = false;
    for (uint32_t name = 0; name < NAMES; name++) {
        needs |= twin_needs(twin, SIZE_MAX, name) > 0;
        for (size_t i = 0; i < twin->count; i++)
            assert_int_equal(
                quantities_milli(quota_book_consumed(world->book, twin->roles[i]), name),
                twin_consumed(twin, i, name));
    }
    assert_int_equal(quota_book_has_needs(world->book), needs);
}

/* What is left of a cut is right, one milli more of it would not be, and the answers agree. */
static void compare_answers(struct twin *twin, struct world *world, struct rng *rng,
                            int64_t scale) {
    size_t at = rng_below(rng, twin->count);
    AUTO_FINI(quantities_fini) struct quantities asked = {0};
    for (uint32_t name = 0; name < NAMES; name++)
        quantities_add(&asked, name, some(rng, scale));
    AUTO_FINI(quantities_fini) struct quantities cut = quantities_copy(&asked);
    quota_book_cut(world->book, twin->roles[at], &cut);

    bool is_allowed = true, serves = false;
    for (uint32_t name = 0; name < NAMES; name++) {
        int64_t most = quantities_milli(&asked, name), got = quantities_milli(&cut, name);
        assert_true(got >= 0 && got <= most);
        assert_true(twin_allows(twin, at, name, got));
        assert_true(got == most || !twin_allows(twin, at, name, got + 1));
        is_allowed &= got == most;
        int64_t before = twin_needs(twin, SIZE_MAX, name);
        twin->own[at][name] += most;
        serves |= twin_needs(twin, SIZE_MAX, name) < before;
        twin->own[at][name] -= most;
    }
    struct quota_verdict verdict = quota_book_ask(world->book, twin->roles[at], &asked);
    assert_int_equal(verdict.answer == QUOTA_ALLOWS, is_allowed);
    assert_int_equal(quota_book_ask(world->book, twin->roles[at], &cut).answer, QUOTA_ALLOWS);
    assert_int_equal(quota_book_serves_need(world->book, twin->roles[at], &asked), serves);
    if (verdict.answer != QUOTA_ALLOWS)
        assert_int_equal(verdict.room_milli, quantities_milli(&cut, verdict.name));
}

static void run_history(struct rng *rng, int64_t scale) {
    AUTO(world_free) struct world *world = world_new();
    struct twin twin = {0};
    twin_grow(&twin, world, rng);
    for (int i = 0; i < STEPS; i++) {
        switch (rng_below(rng, 8)) {
        case 0: step_set(&twin, world, rng, scale); break;
        case 1: step_free(&twin, world, rng, scale); break;
        default: step_consume(&twin, world, rng, scale); break;
        }
        compare_answers(&twin, world, rng, scale);
    }
    compare_state(&twin, world);
}

TEST(random_histories_agree_with_reckoning_everything_anew) {
    struct rng rng = rng_for_test();
    for (int i = 0; i < ROUNDS; i++)
        run_history(&rng, 1);
}

TEST(random_histories_of_huge_amounts_agree_too) {
    struct rng rng = rng_for_test();
    for (int i = 0; i < ROUNDS / 10; i++)
        run_history(&rng, INT64_C(200000000000000));
}
