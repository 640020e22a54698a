#include "common/model/kinds.h"

#include "tests/support/unit.h"

#include <stdio.h>

static const struct reservation eng = {.type = RESERVATION_STATIC, .role = {"eng", 3}};
static const struct reservation eng_web[] = {
    {.type = RESERVATION_STATIC, .role = {"eng", 3}},
    {.type = RESERVATION_DYNAMIC, .role = {"eng/web", 7}, .principal = {"p", 1}},
};

static uint32_t intern(struct kinds *kinds, const struct kind_info *info) {
    uint32_t kind = 0;
    struct error error = {0};
    if (!kinds_intern(kinds, info, &kind, &error))
        fail_msg("%s", error.message);
    return kind;
}

static struct kind_info volume(const char *id) {
    return (struct kind_info){.name = TEXT("disk"),
                              .reservations = &eng,
                              .reservation_count = 1,
                              .has_disk = true,
                              .disk = {.persistence_id = text_of(id)}};
}

TEST(the_plain_kinds_are_there_from_the_start) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info cpus = {.name = TEXT("cpus"), .type = VALUE_SCALAR};
    struct kind_info ports = {.name = TEXT("ports"), .type = VALUE_RANGES};

    assert_int_equal(intern(kinds, &cpus), KIND_CPUS);
    assert_int_equal(kinds_find(kinds, &ports), KIND_PORTS);
    assert_int_equal(kinds_name(kinds, KIND_GPUS), NAME_GPUS);
    assert_text_equal(kinds_info(kinds, KIND_MEM)->name, "mem");
}

TEST(equal_kinds_are_one_and_different_ones_differ) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info plain = {.name = TEXT("cpus")};
    struct kind_info reserved = {
        .name = TEXT("cpus"), .reservations = &eng, .reservation_count = 1};
    struct kind_info refined = {
        .name = TEXT("cpus"), .reservations = eng_web, .reservation_count = 2};
    struct kind_info revocable = {.name = TEXT("cpus"), .is_revocable = true};
    struct kind_info set = {.name = TEXT("cpus"), .type = VALUE_SET};
    struct kind_info provided = {.name = TEXT("cpus"), .provider_id = TEXT("x")};
    const struct kind_info *all[] = {&plain, &reserved, &refined, &revocable, &set, &provided};

    for (size_t i = 0; i < 6; i++) {
        uint32_t kind = intern(kinds, all[i]);
        assert_int_equal(intern(kinds, all[i]), kind);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(intern(kinds, all[j]), kind);
    }
    assert_true(kind_is(intern(kinds, &refined), KIND_IS_REFINED));
    assert_false(kind_is(intern(kinds, &reserved), KIND_IS_REFINED));
    assert_true(kind_is(intern(kinds, &revocable), KIND_IS_REVOCABLE));
    assert_int_equal(kind_type(intern(kinds, &set)), VALUE_SET);
}

TEST(an_absent_text_is_not_an_empty_one) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct reservation with = eng, without = eng;
    with.principal = TEXT("");
    struct kind_info a = {.name = TEXT("x"), .reservations = &with, .reservation_count = 1};
    struct kind_info b = {.name = TEXT("x"), .reservations = &without, .reservation_count = 1};

    uint32_t present = intern(kinds, &a);

    assert_int_not_equal(present, intern(kinds, &b));
    assert_non_null(kinds_info(kinds, present)->reservations[0].principal.data);
    assert_null(kinds_info(kinds, intern(kinds, &b))->reservations[0].principal.data);
}

TEST(looking_up_a_kind_does_not_make_it) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info strange = {.name = TEXT("unobtainium")};
    uint32_t name;

    assert_int_equal(kinds_find(kinds, &strange), 0);
    assert_false(kinds_find_name(kinds, strange.name, &name));
    uint32_t kind = intern(kinds, &strange);
    assert_int_equal(kinds_find(kinds, &strange), kind);
}

TEST(what_cannot_be_merged_or_cut_is_exclusive) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info disk = {.name = TEXT("disk"), .has_disk = true, .disk = {.has_source = true}};
    static const bool whole[] = {false, false, true, true, false};
    for (int type = DISK_SOURCE_UNKNOWN; type <= DISK_SOURCE_RAW; type++) {
        disk.disk.source.type = (enum disk_source_type)type;
        assert_int_equal(kind_is(intern(kinds, &disk), KIND_IS_EXCLUSIVE), whole[type]);
    }
    disk.disk.source.id = TEXT("raw-1");
    assert_true(kind_is(intern(kinds, &disk), KIND_IS_EXCLUSIVE));
}

TEST(a_shared_volume_is_counted_and_one_that_is_not_shared_exclusive) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info own = volume("v"), shared = volume("v");
    shared.is_shared = true;

    assert_true(kind_is(intern(kinds, &own), KIND_IS_EXCLUSIVE));
    assert_true(kind_is(intern(kinds, &shared), KIND_IS_SHARED));
    assert_false(kind_is(intern(kinds, &shared), KIND_IS_EXCLUSIVE));
    assert_true(kind_is(intern(kinds, &shared), KIND_IS_PERSISTENT));
}

TEST(a_kind_that_breaks_a_rule_is_refused_in_one_line) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct reservation star = {.type = RESERVATION_STATIC, .role = TEXT("*")};
    struct reservation untyped = {.role = TEXT("a")};
    struct reservation late[] = {eng, {.type = RESERVATION_STATIC, .role = TEXT("eng/web")}};
    struct reservation beside[] = {eng, {.type = RESERVATION_DYNAMIC, .role = TEXT("ops")}};
    struct kind_info bad_volume = volume("a/b");
    const struct kind_info wrong[] = {
        {.name = TEXT("")},
        {.name = TEXT("a\nb")},
        {.name = TEXT("x"), .type = VALUE_TEXT},
        {.name = TEXT("x"), .reservations = &star, .reservation_count = 1},
        {.name = TEXT("x"), .reservations = &untyped, .reservation_count = 1},
        {.name = TEXT("x"), .reservations = late, .reservation_count = 2},
        {.name = TEXT("x"), .reservations = beside, .reservation_count = 2},
        {.name = TEXT("x"), .reservations = &eng, .reservation_count = 1000},
        {.name = TEXT("x"), .is_shared = true},
        {.name = TEXT("x"), .type = VALUE_RANGES, .has_disk = true},
        bad_volume,
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint32_t kind;
        struct error error = {0};
        assert_false(kinds_intern(kinds, &wrong[i], &kind, &error));
        assert_true(error.message[0] != '\0' && strchr(error.message, '\n') == NULL);
        assert_int_equal(kinds_find(kinds, &wrong[i]), 0);
    }
}

TEST(a_reservation_may_be_offered_to_its_role_and_those_below) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info reserved = {
        .name = TEXT("cpus"), .reservations = &eng, .reservation_count = 1};
    uint32_t kind = intern(kinds, &reserved), role_eng, web, deep, ops, engine;
    assert_true(kinds_intern_role(kinds, TEXT("eng/web/a"), &deep, NULL));
    assert_true(kinds_find_role(kinds, TEXT("eng"), &role_eng));
    assert_true(kinds_find_role(kinds, TEXT("eng/web"), &web));
    assert_true(kinds_intern_role(kinds, TEXT("ops"), &ops, NULL));
    assert_true(kinds_intern_role(kinds, TEXT("engine"), &engine, NULL));

    assert_true(kinds_is_allocatable_to(kinds, kind, role_eng));
    assert_true(kinds_is_allocatable_to(kinds, kind, web));
    assert_true(kinds_is_allocatable_to(kinds, kind, deep));
    assert_false(kinds_is_allocatable_to(kinds, kind, ops));
    assert_false(kinds_is_allocatable_to(kinds, kind, engine));
    assert_false(kinds_is_allocatable_to(kinds, kind, ROLE_ANY));
    assert_true(kinds_is_allocatable_to(kinds, KIND_CPUS, ops));
    assert_int_equal(kinds_role_parent(kinds, deep), web);
    assert_int_equal(kinds_role_parent(kinds, role_eng), ROLE_NONE);
}

TEST(kinds_stay_where_they_are_when_many_more_come) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct kind_info first = volume("first");
    uint32_t kind = intern(kinds, &first);
    const struct kind_info *lent = kinds_info(kinds, kind);
    char name[32];

    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "v%d", i);
        struct kind_info more = volume(name);
        intern(kinds, &more);
    }

    assert_ptr_equal(kinds_info(kinds, kind), lent);
    assert_int_equal(kinds_find(kinds, &first), kind);
    assert_text_equal(lent->disk.persistence_id, "first");
}

TEST(texts_are_numbers_and_0_is_none) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    uint32_t a, b, empty, none;
    assert_true(kinds_intern_text(kinds, TEXT("a"), &a, NULL));
    assert_true(kinds_intern_text(kinds, TEXT("b"), &b, NULL));
    assert_true(kinds_intern_text(kinds, TEXT(""), &empty, NULL));
    assert_true(kinds_intern_text(kinds, (struct text){0}, &none, NULL));

    assert_int_equal(none, 0);
    assert_int_not_equal(empty, 0);
    assert_int_not_equal(a, b);
    assert_text_equal(kinds_text(kinds, b), "b");
    assert_null(kinds_text(kinds, 0).data);
}
