#include "common/model/operation.h"

#include "common/model/resources_translate.h"
#include "tests/support/resources_said.h"
#include "tests/support/unit.h"

struct row {
    enum operation_kind kind;
    const char *resources;
    const char *source;   /* NULL: none */
    const char *addition; /* NULL: none */
    int64_t subtract_milli;
    const char *from, *to; /* from NULL: it is refused, and `to` is in the reason */
};

static bool reckon(struct kinds *kinds, const struct row *row, struct conversion *out,
                   struct error *error) {
    AUTO_FINI(resources_fini) struct resources resources = resources_said(kinds, row->resources);
    AUTO_FINI(resources_fini)
    struct resources source = resources_said(kinds, row->source != NULL ? row->source : "");
    AUTO_FINI(resources_fini)
    struct resources addition = resources_said(kinds, row->addition != NULL ? row->addition : "");
    struct conversion_request request = {
        .kind = row->kind,
        .resources = &resources,
        .source = row->source != NULL ? &source : NULL,
        .addition = row->addition != NULL ? &addition : NULL,
        .subtract_milli = row->subtract_milli,
    };
    return conversion_of(&request, kinds, out, error);
}

static void check(const struct row *row) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(conversion_fini) struct conversion made = {0};
    struct error error = {0};
    bool is_good = reckon(kinds, row, &made, &error);
    if (row->from == NULL) {
        if (is_good || strstr(error.message, row->to) == NULL)
            fail_msg("%s %s: '%s' instead of '%s'", operation_kind_name(row->kind), row->resources,
                     is_good ? "done" : error.message, row->to);
        assert_true(resources_is_empty(&made.from) && resources_is_empty(&made.to));
        return;
    }
    if (!is_good)
        fail_msg("%s %s: %s", operation_kind_name(row->kind), row->resources, error.message);
    assert_resources(kinds, &made.from, row->from);
    assert_resources(kinds, &made.to, row->to);
}

#define CHECK(...) check(&(struct row){__VA_ARGS__})

TEST(reserving_puts_a_reservation_on_what_lies_below) {
    CHECK(OPERATION_RESERVE, "cpus(+eng):2;ports(+eng):[1-9];tags(+eng):{a,b}",
          .from = "cpus:2;ports:[1-9];tags:{a,b}",
          .to = "cpus(+eng):2;ports(+eng):[1-9];tags(+eng):{a,b}");
    CHECK(OPERATION_RESERVE, "cpus(eng+eng/ci):2", .from = "cpus(eng):2",
          .to = "cpus(eng+eng/ci):2");
    CHECK(OPERATION_RESERVE, "cpus(+eng=p+eng/ci):2", .from = "cpus(+eng=p):2",
          .to = "cpus(+eng=p+eng/ci):2");
    CHECK(OPERATION_RESERVE, "disk(+eng)<MOUNT>:2;disk(+eng)<MOUNT>:2;disk(+eng)<PATH>:7",
          .from = "disk<MOUNT>:2;disk<MOUNT>:2;disk<PATH>:7",
          .to = "disk(+eng)<MOUNT>:2;disk(+eng)<MOUNT>:2;disk(+eng)<PATH>:7");
}

TEST(only_dynamic_reservations_of_what_is_no_volume_and_not_revocable_are_made_and_ended) {
    static const enum operation_kind kinds[] = {OPERATION_RESERVE, OPERATION_UNRESERVE};
    for (size_t i = 0; i < 2; i++) {
        CHECK(kinds[i], "", .to = "names no resources");
        CHECK(kinds[i], "cpus:2", .to = "cpus is not reserved dynamically");
        CHECK(kinds[i], "mem(+eng):1;cpus(eng):2", .to = "cpus is not reserved dynamically");
        CHECK(kinds[i], "disk(+eng)[v]:2", .to = "'v' is a persistent volume");
        CHECK(kinds[i], "cpus(+eng){REV}:2", .to = "revocable");
    }
}

TEST(unreserving_takes_the_top_reservation_off) {
    CHECK(OPERATION_UNRESERVE, "cpus(+eng):2;ports(+eng):[1-9]",
          .from = "cpus(+eng):2;ports(+eng):[1-9]", .to = "cpus:2;ports:[1-9]");
    CHECK(OPERATION_UNRESERVE, "cpus(eng+eng/ci):2", .from = "cpus(eng+eng/ci):2",
          .to = "cpus(eng):2");
    CHECK(OPERATION_UNRESERVE, "cpus(+eng):1;cpus(+ops):2", .from = "cpus(+eng):1;cpus(+ops):2",
          .to = "cpus:3");
}

TEST(a_source_is_what_a_reservation_is_made_of_and_differs_in_dynamic_ones_only) {
    CHECK(OPERATION_RESERVE, "cpus(+ops):2", .source = "cpus(+eng):2", .from = "cpus(+eng):2",
          .to = "cpus(+ops):2");
    CHECK(OPERATION_RESERVE, "cpus(eng+eng/a):2", .source = "cpus(eng+eng/b):2",
          .from = "cpus(eng+eng/b):2", .to = "cpus(eng+eng/a):2");
    CHECK(OPERATION_RESERVE, "cpus(+eng):2", .source = "cpus(+eng):1", .to = "differ");
    CHECK(OPERATION_RESERVE, "cpus(+eng):2", .source = "mem(+eng):2", .to = "differ");
    CHECK(OPERATION_RESERVE, "cpus(+eng):2", .source = "cpus(ops):2", .to = "differ");
    CHECK(OPERATION_RESERVE, "disk(+eng):2", .source = "disk(+eng)[v]:2", .to = "volume");
}

TEST(creating_makes_volumes_of_reserved_disk) {
    CHECK(OPERATION_CREATE, "disk(+eng)[v]:100;disk(eng)[w]{SHARED}:20;disk(+eng)[x]:7",
          .from = "disk(+eng):107;disk(eng):20",
          .to = "disk(+eng)[v]:100;disk(eng)[w]{SHARED}:20;disk(+eng)[x]:7");
    CHECK(OPERATION_CREATE, "disk(+eng)<MOUNT>[v]:100;disk(+eng)<PATH>[w]:5",
          .from = "disk(+eng)<MOUNT>:100;disk(+eng)<PATH>:5",
          .to = "disk(+eng)<MOUNT>[v]:100;disk(+eng)<PATH>[w]:5");
}

TEST(destroying_makes_disk_of_volumes) {
    CHECK(OPERATION_DESTROY, "disk(+eng)[v]:100;disk(+eng)[w]{SHARED}:20",
          .from = "disk(+eng)[v]:100;disk(+eng)[w]{SHARED}:20", .to = "disk(+eng):120");
    CHECK(OPERATION_DESTROY, "disk(+eng)<MOUNT>[v]:100", .from = "disk(+eng)<MOUNT>[v]:100",
          .to = "disk(+eng)<MOUNT>:100");
}

TEST(what_is_created_and_destroyed_must_be_good_volumes_each_once) {
    static const enum operation_kind kinds[] = {OPERATION_CREATE, OPERATION_DESTROY};
    for (size_t i = 0; i < 2; i++) {
        CHECK(kinds[i], "", .to = "names no resources");
        CHECK(kinds[i], "disk(+eng):2", .to = "no persistent volume");
        CHECK(kinds[i], "disk[v]:2", .to = "not reserved");
        CHECK(kinds[i], "disk(+eng)[v]{REV}:2", .to = "revocable");
        CHECK(kinds[i], "disk(+eng)<RAW>[v]:2", .to = "RAW");
        CHECK(kinds[i], "disk(+eng)<BLOCK>[v]:2", .to = "BLOCK");
        CHECK(kinds[i], "disk(+eng)[v]:2;disk(+eng)[v]:2", .to = "'v' is there twice");
        CHECK(kinds[i], "disk(+eng)[v]:2;disk(+eng)[v]:3", .to = "'v' is there twice");
        CHECK(kinds[i], "disk(+eng)[v]:2;disk(+eng=p)[v]:3", .to = "'v' is there twice");
        CHECK(kinds[i], "disk(+eng)[v]{SHARED}:2;disk(+eng)[v]{SHARED}:2",
              .to = "'v' is there twice");
    }
    CHECK(OPERATION_CREATE, "disk(+eng)[v]:2;disk(+ops)[v]:2", .from = "disk(+eng):2;disk(+ops):2",
          .to = "disk(+eng)[v]:2;disk(+ops)[v]:2");
}

TEST(growing_adds_disk_of_the_same_sort) {
    CHECK(OPERATION_GROW_VOLUME, "disk(+eng)[v]:100", .addition = "disk(+eng):20",
          .from = "disk(+eng)[v]:100;disk(+eng):20", .to = "disk(+eng)[v]:120");
    CHECK(OPERATION_GROW_VOLUME, "disk(+eng)<PATH>[v]:100", .addition = "disk(+eng)<PATH>:20",
          .from = "disk(+eng)<PATH>[v]:100;disk(+eng)<PATH>:20", .to = "disk(+eng)<PATH>[v]:120");
    CHECK(OPERATION_GROW_VOLUME, "disk(+eng)[v]:100", .to = "the addition");
    CHECK(OPERATION_GROW_VOLUME, "disk(+eng)[v]:100", .addition = "disk(+ops):1",
          .to = "the addition");
    CHECK(OPERATION_GROW_VOLUME, "disk(+eng)[v]:100", .addition = "disk(+eng):1;cpus:1",
          .to = "the addition");
}

TEST(shrinking_frees_disk) {
    CHECK(OPERATION_SHRINK_VOLUME, "disk(+eng)[v]:100", .subtract_milli = 20000,
          .from = "disk(+eng)[v]:100", .to = "disk(+eng)[v]:80;disk(+eng):20");
    CHECK(OPERATION_SHRINK_VOLUME, "disk(+eng)[v]:100", .subtract_milli = 0, .to = "taken off");
    CHECK(OPERATION_SHRINK_VOLUME, "disk(+eng)[v]:100", .subtract_milli = -5, .to = "taken off");
    CHECK(OPERATION_SHRINK_VOLUME, "disk(+eng)[v]:100", .subtract_milli = 100000,
          .to = "taken off");
}

TEST(shared_and_mounted_volumes_keep_their_size) {
    static const enum operation_kind kinds[] = {OPERATION_GROW_VOLUME, OPERATION_SHRINK_VOLUME};
    for (size_t i = 0; i < 2; i++) {
        CHECK(kinds[i], "disk(+eng)[v]{SHARED}:9", .addition = "disk(+eng):1", .subtract_milli = 1,
              .to = "is shared");
        CHECK(kinds[i], "disk(+eng)<MOUNT>[v]:9", .addition = "disk(+eng)<MOUNT>:1",
              .subtract_milli = 1, .to = "MOUNT");
        CHECK(kinds[i], "disk(+eng):9", .addition = "disk(+eng):1", .subtract_milli = 1,
              .to = "no persistent volume");
        CHECK(kinds[i], "disk(+eng)[v]:9;disk(+eng)[w]:9", .addition = "disk(+eng):1",
              .subtract_milli = 1, .to = "one volume");
    }
}

TEST(what_is_no_conversion_is_refused_by_name) {
    CHECK(OPERATION_CREATE_DISK, "cpus:1", .to = "CREATE_DISK is not served");
    CHECK(OPERATION_LAUNCH, "cpus:1", .to = "LAUNCH is not served");
    CHECK((enum operation_kind)99, "cpus:1", .to = "UNKNOWN is not served");
}

TEST(a_volume_is_known_by_its_id_and_role) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources volume = resources_said(kinds, "disk(+eng)[v]:9");
    static const struct {
        const char *among;
        bool has;
    } rows[] = {
        {"disk(+eng)[v]:9", true},  {"disk(+eng=p)[v]:3", true}, {"disk(eng)<PATH>[v]:1", true},
        {"disk(+ops)[v]:9", false}, {"disk(+eng)[w]:9", false},  {"disk(+eng):9;cpus:1", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_FINI(resources_fini) struct resources among = resources_said(kinds, rows[i].among);
        const struct kind_info *info = kinds_info(kinds, volume.entries[0].kind);
        assert_int_equal(volume_has_twin(info, kinds, &among), rows[i].has);
    }
}

/* --- between tables --- */

#define EVERYTHING                                                                                 \
    "cpus(+eng=p):2;cpus:1;ports:[1-9];tags(eng+eng/ci):{b,a};disk(+eng)<MOUNT>[v]:9;"             \
    "disk(+eng)[s]{SHARED}:4;mem{REV}:3;disk<MOUNT>:2;disk<MOUNT>:2"

TEST(a_set_is_the_same_in_another_table) {
    AUTO(kinds_free) struct kinds *one = kinds_new();
    AUTO(kinds_free) struct kinds *other = kinds_new();
    AUTO_FINI(resources_fini) struct resources other_first = resources_said(other, "x:1;tags:{c}");
    assert_int_equal(other_first.count, 2);
    AUTO_FINI(resources_fini) struct resources set = resources_said(one, EVERYTHING);
    AUTO_FINI(resources_fini) struct resources found = {0};
    AUTO_FINI(resources_fini) struct resources there = {0};

    assert_true(resources_translate(&set, one, other, TRANSLATE_INTERN, &there, NULL));
    assert_resources(other, &there, EVERYTHING);
    assert_true(resources_translate(&set, one, other, TRANSLATE_FIND, &found, NULL));
    assert_true(resources_equal(&there, &found));
}

TEST(finding_teaches_a_table_nothing) {
    static const char *const unknown[] = {"cpus(+eng):1", "x:1", "tags:{a,new}", "disk[v]:1"};
    AUTO(kinds_free) struct kinds *other = kinds_new();
    AUTO_FINI(resources_fini) struct resources known = resources_said(other, "tags:{a,b}");
    assert_int_equal(known.count, 1);
    size_t before = kinds_size(other);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        AUTO(kinds_free) struct kinds *one = kinds_new();
        AUTO_FINI(resources_fini) struct resources set = resources_said(one, unknown[i]);
        struct resources out = {0};
        struct error error = {0};
        assert_false(resources_translate(&set, one, other, TRANSLATE_FIND, &out, &error));
        assert_int_equal(error.code, ERROR_NOT_FOUND);
        assert_true(resources_is_empty(&out));
        resources_fini(&out);
    }
    assert_int_equal(kinds_size(other), before);
}

TEST(what_is_carried_and_not_known_is_left_out_when_only_finding) {
    AUTO(kinds_free) struct kinds *one = kinds_new();
    AUTO(kinds_free) struct kinds *other = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = resources_said(one, "disk:5");
    AUTO_FINI(resources_fini) struct resources found = {0};
    AUTO_FINI(resources_fini) struct resources there = {0};
    assert_true(kinds_intern_text(one, TEXT("where it goes"), &set.entries[0].carry, NULL));

    assert_true(resources_translate(&set, one, other, TRANSLATE_FIND, &found, NULL));
    assert_int_equal(found.entries[0].carry, 0);
    assert_true(resources_translate(&set, one, other, TRANSLATE_INTERN, &there, NULL));
    assert_text_equal(kinds_text(other, there.entries[0].carry), "where it goes");
}
