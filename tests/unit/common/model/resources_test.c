/*
 * The twin keeps every element alone: for each kind a scalar, or one bit an element, or a count of
 * copies. What the real sets do in merges of ranges it does the slow way.
 */
#include "common/base/mem.h"
#include "common/model/resources.h"

#include "tests/support/unit.h"

enum { KIND_COUNT = 8, ELEMENTS = 64, VOLUME_SIZES = 3 };

static const struct reservation eng = {.type = RESERVATION_STATIC, .role = {"eng", 3}};

struct world {
    struct kinds *kinds;
    uint32_t kind[KIND_COUNT];
    uint32_t item[ELEMENTS];
};

struct twin {
    int64_t milli[KIND_COUNT];
    uint64_t bits[KIND_COUNT];                 /* ranges, sets */
    uint32_t copies[KIND_COUNT][VOLUME_SIZES]; /* exclusive and shared: of size 1, 2, 3 */
};

static uint32_t intern(struct kinds *kinds, const struct kind_info *info) {
    uint32_t kind = 0;
    assert_true(kinds_intern(kinds, info, &kind, NULL));
    return kind;
}

static struct world world_new(void) {
    struct world world = {.kinds = kinds_new()};
    struct kind_info volume = {.name = TEXT("disk"),
                               .reservations = &eng,
                               .reservation_count = 1,
                               .has_disk = true,
                               .disk = {.persistence_id = TEXT("v")}};
    struct kind_info shared = volume;
    shared.is_shared = true;
    const struct kind_info infos[KIND_COUNT] = {
        {.name = TEXT("cpus")},
        {.name = TEXT("cpus"), .reservations = &eng, .reservation_count = 1},
        {.name = TEXT("ports"), .type = VALUE_RANGES},
        {.name = TEXT("ids"), .type = VALUE_RANGES},
        {.name = TEXT("zones"), .type = VALUE_SET},
        volume,
        shared,
        {.name = TEXT("mem"), .is_revocable = true},
    };
    for (size_t i = 0; i < KIND_COUNT; i++)
        world.kind[i] = intern(world.kinds, &infos[i]);
    for (size_t i = 0; i < ELEMENTS; i++) {
        char text[1] = {(char)(i + 1)};
        struct text item = {text, 1};
        assert_true(kinds_intern_text(world.kinds, item, &world.item[i], NULL));
    }
    return world;
}

static bool is_counted(uint32_t kind) {
    return kind_is(kind, KIND_IS_EXCLUSIVE) || kind_is(kind, KIND_IS_SHARED);
}

static void put_bits(const struct world *world, struct resources *set, size_t at, uint64_t bits) {
    struct range ranges[ELEMENTS];
    uint32_t items[ELEMENTS];
    size_t count = 0;
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        ranges[count] = (struct range){i, i};
        items[count++] = world->item[i];
    }
    if (kind_type(world->kind[at]) == VALUE_RANGES)
        assert_true(resources_put_ranges(set, world->kind[at], ranges, count, NULL));
    else
        assert_true(resources_put_items(set, world->kind[at], items, count, NULL));
}

/* One random amount of one random kind, in both books. `disjoint` from `not` in ranges and sets. */
static void put_random(const struct world *world, struct rng *rng, struct resources *set,
                       struct twin *twin, const struct twin * not ) {
    size_t at = rng_below(rng, KIND_COUNT);
    uint32_t kind = world->kind[at];
    if (kind_type(kind) != VALUE_SCALAR) {
        uint64_t bits = rng_next(rng) & ~twin->bits[at];
        bits &= rng_next(rng); /* about a quarter of them */
        bits &= not != NULL ? ~not ->bits[at] : UINT64_MAX;
        put_bits(world, set, at, bits);
        twin->bits[at] |= bits;
        return;
    }
    int64_t milli =
        (int64_t)(is_counted(kind) ? 1 + rng_below(rng, VOLUME_SIZES) : rng_below(rng, 5000));
    assert_true(resources_put_scalar(set, kind, milli, NULL));
    if (is_counted(kind))
        twin->copies[at][milli - 1]++;
    else
        twin->milli[at] += milli;
}

static struct resources random_set(const struct world *world, struct rng *rng, struct twin *twin,
                                   const struct twin * not ) {
    struct resources set = {0};
    *twin = (struct twin){0};
    for (uint64_t left = rng_below(rng, 12); left > 0; left--)
        put_random(world, rng, &set, twin, not );
    return set;
}

static void twin_add(struct twin *to, const struct twin *more) {
    for (size_t at = 0; at < KIND_COUNT; at++) {
        to->milli[at] += more->milli[at];
        to->bits[at] |= more->bits[at];
        for (size_t size = 0; size < VOLUME_SIZES; size++)
            to->copies[at][size] += more->copies[at][size];
    }
}

static void twin_subtract(struct twin *from, const struct twin *less) {
    for (size_t at = 0; at < KIND_COUNT; at++) {
        from->milli[at] -= from->milli[at] < less->milli[at] ? from->milli[at] : less->milli[at];
        from->bits[at] &= ~less->bits[at];
        for (size_t size = 0; size < VOLUME_SIZES; size++) {
            uint32_t *copies = &from->copies[at][size];
            *copies -= *copies < less->copies[at][size] ? *copies : less->copies[at][size];
        }
    }
}

static bool twin_contains(const struct twin *whole, const struct twin *part) {
    for (size_t at = 0; at < KIND_COUNT; at++) {
        if (whole->milli[at] < part->milli[at] || (part->bits[at] & ~whole->bits[at]) != 0)
            return false;
        for (size_t size = 0; size < VOLUME_SIZES; size++) {
            if (whole->copies[at][size] < part->copies[at][size])
                return false;
        }
    }
    return true;
}

static void check_ranges(const struct resource *one, uint64_t bits) {
    size_t count;
    const struct range *ranges = resource_ranges(one, &count);
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(ranges[i].begin <= ranges[i].end && ranges[i].end < ELEMENTS);
        assert_true(i == 0 || ranges[i].begin > ranges[i - 1].end + 1);
        for (uint64_t element = ranges[i].begin; element <= ranges[i].end; element++)
            found |= 1ull << element;
    }
    assert_true(found == bits);
}

static void check_items(const struct world *world, const struct resource *one, uint64_t bits) {
    size_t count;
    const uint32_t *items = resource_items(one, &count);
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++)
        found |= 1ull << (items[i] - world->item[0]);
    assert_true(found == bits);
    assert_int_equal(count, __builtin_popcountll(bits));
}

/* Every entry is right, and there are as many as the twin has amounts: nothing is left over. */
static void check_same(const struct world *world, const struct resources *set,
                       const struct twin *twin) {
    size_t expected = 0;
    for (size_t at = 0; at < KIND_COUNT; at++) {
        expected += twin->milli[at] > 0;
        expected += twin->bits[at] != 0;
        for (size_t size = 0; size < VOLUME_SIZES; size++)
            expected += twin->copies[at][size] > 0;
    }
    assert_int_equal(set->count, expected);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        size_t at = 0;
        while (world->kind[at] != one->kind)
            at++;
        assert_true(i == 0 || one->kind > one[-1].kind ||
                    (one->kind == one[-1].kind && one->milli > one[-1].milli));
        if (kind_type(one->kind) == VALUE_RANGES)
            check_ranges(one, twin->bits[at]);
        else if (kind_type(one->kind) == VALUE_SET)
            check_items(world, one, twin->bits[at]);
        else if (is_counted(one->kind))
            assert_int_equal(one->copies, twin->copies[at][one->milli - 1]);
        else
            assert_int_equal(one->milli, twin->milli[at]);
    }
}

TEST(sets_add_subtract_and_contain_as_their_slow_twins_do) {
    struct world world = world_new();
    struct rng rng = rng_for_test();
    for (int i = 0; i < 3000; i++) {
        struct twin a_twin, b_twin;
        AUTO_FINI(resources_fini) struct resources a = random_set(&world, &rng, &a_twin, NULL);
        AUTO_FINI(resources_fini) struct resources b = random_set(&world, &rng, &b_twin, NULL);
        AUTO_FINI(resources_fini) struct resources sum = resources_copy(&a);
        AUTO_FINI(resources_fini) struct resources rest = resources_copy(&a);
        struct twin sum_twin = a_twin, rest_twin = a_twin;
        check_same(&world, &a, &a_twin);

        assert_true(resources_add(&sum, &b));
        resources_subtract_common(&rest, &b);
        twin_add(&sum_twin, &b_twin);
        twin_subtract(&rest_twin, &b_twin);

        check_same(&world, &sum, &sum_twin);
        check_same(&world, &rest, &rest_twin);
        check_same(&world, &a, &a_twin);
        assert_int_equal(resources_contains(&a, &b), twin_contains(&a_twin, &b_twin));
        assert_true(resources_contains(&sum, &a) && resources_contains(&sum, &b));
        assert_int_equal(resources_equal(&a, &b),
                         resources_contains(&a, &b) && resources_contains(&b, &a));
    }
    kinds_free(world.kinds);
}

TEST(what_is_added_can_be_taken_away_again) {
    struct world world = world_new();
    struct rng rng = rng_for_test();
    for (int i = 0; i < 3000; i++) {
        struct twin a_twin, b_twin;
        AUTO_FINI(resources_fini) struct resources a = random_set(&world, &rng, &a_twin, NULL);
        AUTO_FINI(resources_fini) struct resources b = random_set(&world, &rng, &b_twin, &a_twin);
        AUTO_FINI(resources_fini) struct resources there = resources_copy(&a);

        assert_true(resources_add(&there, &b));
        assert_true(resources_subtract(&there, &b));

        assert_true(resources_equal(&there, &a));
    }
    kinds_free(world.kinds);
}

TEST(the_order_of_adding_does_not_matter) {
    struct world world = world_new();
    struct rng rng = rng_for_test();
    for (int i = 0; i < 1000; i++) {
        struct twin twin;
        AUTO_FINI(resources_fini) struct resources a = random_set(&world, &rng, &twin, NULL);
        AUTO_FINI(resources_fini) struct resources b = random_set(&world, &rng, &twin, NULL);
        AUTO_FINI(resources_fini) struct resources c = random_set(&world, &rng, &twin, NULL);
        AUTO_FINI(resources_fini) struct resources one = resources_copy(&a);
        AUTO_FINI(resources_fini) struct resources other = resources_copy(&c);

        assert_true(resources_add(&one, &b) && resources_add(&one, &c));
        assert_true(resources_add(&other, &b) && resources_add(&other, &a));

        assert_true(resources_equal(&one, &other));
    }
    kinds_free(world.kinds);
}

TEST(what_is_not_there_cannot_be_taken_and_nothing_changes) {
    AUTO_FINI(resources_fini) struct resources have = {0};
    AUTO_FINI(resources_fini) struct resources want = {0};
    assert_true(resources_put_scalar(&have, KIND_CPUS, 1000, NULL));
    assert_true(resources_put_scalar(&have, KIND_MEM, 64000, NULL));
    assert_true(resources_put_scalar(&want, KIND_CPUS, 500, NULL));
    assert_true(resources_put_scalar(&want, KIND_MEM, 64001, NULL));

    assert_false(resources_subtract(&have, &want));

    assert_int_equal(resources_scalar_milli(&have, KIND_CPUS), 1000);
    assert_int_equal(resources_scalar_milli(&have, KIND_MEM), 64000);
}

TEST(a_sum_beyond_int64_is_refused_and_nothing_changes) {
    AUTO_FINI(resources_fini) struct resources most = {0};
    AUTO_FINI(resources_fini) struct resources more = {0};
    struct error error = {0};
    assert_true(resources_put_scalar(&most, KIND_MEM, INT64_MAX, NULL));
    assert_true(resources_put_scalar(&more, KIND_CPUS, 1, NULL));
    assert_true(resources_put_scalar(&more, KIND_MEM, 1, NULL));

    assert_false(resources_add(&most, &more));
    assert_false(resources_put_scalar(&most, KIND_MEM, 1, &error));

    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(most.count, 1);
    assert_int_equal(resources_scalar_milli(&most, KIND_MEM), INT64_MAX);
}

TEST(a_set_can_be_added_to_and_taken_from_itself) {
    AUTO_FINI(resources_fini) struct resources set = {0};
    static const struct range ports = {1, 9};
    assert_true(resources_put_scalar(&set, KIND_CPUS, 7, NULL));
    assert_true(resources_put_ranges(&set, KIND_PORTS, &ports, 1, NULL));

    assert_true(resources_add(&set, &set));
    assert_int_equal(resources_scalar_milli(&set, KIND_CPUS), 14);
    assert_true(resources_subtract(&set, &set));
    assert_true(resources_is_empty(&set));
}

TEST(the_largest_range_is_a_range_like_any_other) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources all = {0};
    AUTO_FINI(resources_fini) struct resources middle = {0};
    static const struct range everything = {0, UINT64_MAX};
    static const struct range cut[] = {{0, 0}, {5, 6}, {UINT64_MAX, UINT64_MAX}};
    size_t count;
    assert_true(resources_put_ranges(&all, KIND_PORTS, &everything, 1, NULL));
    assert_true(resources_put_ranges(&middle, KIND_PORTS, cut, 3, NULL));
    assert_true(resources_quantity_milli(&all, kinds, NAME_PORTS) == INT64_MAX);

    assert_true(resources_subtract(&all, &middle));

    const struct range *left = resource_ranges(&all.entries[0], &count);
    assert_int_equal(count, 2);
    assert_true(left[0].begin == 1 && left[0].end == 4);
    assert_true(left[1].begin == 7 && left[1].end == UINT64_MAX - 1);
    assert_true(resources_add(&all, &middle));
    assert_int_equal((resource_ranges(&all.entries[0], &count), count), 1);
}

TEST(too_many_ranges_or_items_are_refused) {
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO(mem_free) struct range *ranges = NEW_ARRAY(struct range, RANGES_LIMIT + 1);
    AUTO(mem_free) uint32_t *items = NEW_ARRAY(uint32_t, SET_ITEMS_LIMIT + 1);
    for (uint32_t i = 0; i <= RANGES_LIMIT; i++)
        ranges[i] = (struct range){2 * i, 2 * i};
    for (uint32_t i = 0; i <= SET_ITEMS_LIMIT; i++)
        items[i] = i;
    struct error error = {0};

    assert_false(resources_put_ranges(&set, KIND_PORTS, ranges, RANGES_LIMIT + 1, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_true(resources_put_ranges(&set, KIND_PORTS, ranges, RANGES_LIMIT, NULL));
    assert_false(resources_put_items(&set, 99 << 8 | VALUE_SET, items, SET_ITEMS_LIMIT + 1, NULL));
    assert_true(resources_put_items(&set, 99 << 8 | VALUE_SET, items, SET_ITEMS_LIMIT, NULL));
}

TEST(a_shared_volume_is_there_until_its_last_copy_is_taken) {
    struct world world = world_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO_FINI(resources_fini) struct resources one = {0};
    uint32_t shared = world.kind[6];
    assert_true(resources_put_scalar(&set, shared, 1000, NULL));
    assert_true(resources_put_scalar(&set, shared, 1000, NULL));
    assert_true(resources_put_scalar(&one, shared, 1000, NULL));

    assert_int_equal(resources_quantity_milli(&set, world.kinds, NAME_DISK), 1000);
    assert_false(resources_contains(&one, &set));
    assert_true(resources_subtract(&set, &one));
    assert_true(resources_equal(&set, &one));
    assert_true(resources_subtract(&set, &one));
    assert_true(resources_is_empty(&set));
    kinds_free(world.kinds);
}

TEST(a_persistent_volume_is_taken_whole_or_not_at_all) {
    struct world world = world_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO_FINI(resources_fini) struct resources part = {0};
    assert_true(resources_put_scalar(&set, world.kind[5], 1000, NULL));
    assert_true(resources_put_scalar(&part, world.kind[5], 500, NULL));

    assert_false(resources_contains(&set, &part));
    assert_false(resources_subtract(&set, &part));
    kinds_free(world.kinds);
}

TEST(what_a_resource_carries_is_kept_and_not_compared) {
    struct world world = world_new();
    AUTO_FINI(resources_fini) struct resources a = {0};
    AUTO_FINI(resources_fini) struct resources b = {0};
    struct resource one = {.kind = world.kind[5], .copies = 1, .carry = 7, .milli = 1000};
    assert_true(resources_put(&a, &one));
    one.carry = 8;
    assert_true(resources_put(&b, &one));

    assert_true(resources_equal(&a, &b));
    assert_int_equal(a.entries[0].carry, 7);
    assert_true(resources_subtract(&a, &b));
    kinds_free(world.kinds);
}

TEST(a_role_keeps_what_is_free_for_all_or_reserved_to_it) {
    struct world world = world_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    uint32_t ops;
    assert_true(kinds_intern_role(world.kinds, TEXT("ops"), &ops, NULL));
    assert_true(resources_put_scalar(&set, KIND_CPUS, 1000, NULL));
    assert_true(resources_put_scalar(&set, world.kind[1], 1000, NULL));
    assert_true(resources_put_scalar(&set, world.kind[7], 1000, NULL));

    resources_keep_role(&set, world.kinds, ops);
    assert_int_equal(set.count, 2);
    resources_drop(&set, KIND_IS_REVOCABLE);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.entries[0].kind, KIND_CPUS);
    kinds_free(world.kinds);
}

TEST(revocable_and_plain_of_one_name_are_noticed) {
    struct world world = world_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    assert_true(resources_put_scalar(&set, world.kind[7], 1000, NULL));
    assert_true(resources_put_scalar(&set, KIND_CPUS, 1000, NULL));
    assert_false(resources_mixes_revocable(&set, world.kinds));
    assert_true(resources_put_scalar(&set, KIND_MEM, 1000, NULL));
    assert_true(resources_mixes_revocable(&set, world.kinds));
    kinds_free(world.kinds);
}
