#include "common/wire/scan.h"

#include "common/wire/codec.h"
#include "common/wire/put.h"
#include "mesos/v1/mesos.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/unit.h"

#include "common/base/mem.h"

static const ProtobufCMessageDescriptor *const status_type = &mesos__v1__task_status__descriptor;

static void put_status(struct buf *out) {
    put_id(out, 1, TEXT("task"));
    put_int(out, 2, MESOS__V1__TASK_STATE__TASK_RUNNING);
}

static enum error_code scan_of(const ProtobufCMessageDescriptor *type, const struct buf *bytes) {
    struct error error = {0};
    return wire_scan(type, buf_text(bytes), NULL, &error) ? ERROR_NONE : error.code;
}

/* A ContainerID whose parent is a ContainerID, and so on. */
static void put_nested(struct buf *out, int depth) {
    size_t *places = mem_alloc_array((size_t)depth, sizeof(*places));
    for (int i = 0; i < depth; i++) {
        put_bytes(out, 1, TEXT("c"));
        places[i] = put_begin(out, 2);
    }
    put_bytes(out, 1, TEXT("c"));
    while (depth-- > 0)
        put_end(out, places[depth]);
    mem_free(places);
}

TEST(a_message_that_is_right_passes) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_status(&bytes);

    assert_int_equal(scan_of(status_type, &bytes), ERROR_NONE);
}

TEST(a_message_cut_anywhere_is_refused_and_nothing_is_read_beyond_its_end) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_status(&bytes);
    put_bytes(&bytes, 4, TEXT("a message"));
    put_double(&bytes, 6, 1.5);

    for (size_t size = 0; size < bytes.size; size++) {
        char *exact = mem_dup(bytes.data, size);
        struct scan_result found;
        if (wire_scan(status_type, (struct text){exact, size}, &found, NULL))
            assert_true(size == 10 || size == 21); /* between two fields */
        mem_free(exact);
    }
}

TEST(sixty_four_messages_in_each_other_pass_and_one_more_does_not) {
    AUTO_FINI(buf_fini) struct buf deep = {0}, deeper = {0};
    put_nested(&deep, SCAN_DEPTH_LIMIT - 1);
    put_nested(&deeper, SCAN_DEPTH_LIMIT);

    assert_int_equal(scan_of(&mesos__v1__container_id__descriptor, &deep), ERROR_NONE);
    assert_int_equal(scan_of(&mesos__v1__container_id__descriptor, &deeper), ERROR_LIMIT);
}

TEST(ten_thousand_messages_in_each_other_are_refused_without_a_crash) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_nested(&bytes, 10000);

    assert_true(bytes.size > 60000);
    assert_int_equal(scan_of(&mesos__v1__container_id__descriptor, &bytes), ERROR_LIMIT);
}

TEST(a_string_must_be_utf8_without_nul) {
    const struct text bad[] = {TEXT("a\0b"), TEXT("longer than eight\0"), TEXT("\xff"),
                               TEXT("12345678\xc0\x80"), TEXT("\xed\xa0\x80")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_FINI(buf_fini) struct buf bytes = {0};
        put_status(&bytes);
        put_bytes(&bytes, 4, bad[i]);
        assert_int_equal(scan_of(status_type, &bytes), ERROR_INVALID);
    }
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_status(&bytes);
    put_bytes(&bytes, 4, TEXT("gr\xc3\xbc\xc3\x9f and more than eight"));
    assert_int_equal(scan_of(status_type, &bytes), ERROR_NONE);
}

TEST(a_missing_required_field_is_named) {
    struct error error;

    assert_false(wire_scan(status_type, (struct text){0}, NULL, &error));

    assert_string_equal(error.message, "mesos.v1.TaskStatus.task_id is missing");
}

TEST(an_unknown_number_of_an_enum_is_an_error_in_a_required_field_only) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf required = {0}, optional = {0};
    Mesos__V1__TaskStatus *status;
    put_id(&required, 1, TEXT("task"));
    put_int(&required, 2, 4711);
    put_status(&optional);
    put_int(&optional, 10, 4711);

    assert_int_equal(scan_of(status_type, &required), ERROR_INVALID);
    assert_true(
        wire_unpack(status_type, buf_text(&optional), arena, (ProtobufCMessage **)&status, NULL));
    assert_false(status->has_reason);
}

TEST(a_wrong_wire_type_and_a_group_are_refused) {
    AUTO_FINI(buf_fini) struct buf wrong = {0}, group = {0};
    put_status(&wrong);
    put_varint(&wrong, 4, 1);
    put_status(&group);
    buf_append(&group, "\xa3\x06\xa4\x06", 4);

    assert_int_equal(scan_of(status_type, &wrong), ERROR_INVALID);
    assert_int_equal(scan_of(status_type, &group), ERROR_INVALID);
}

TEST(a_singular_message_may_not_come_again_and_again) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_status(&bytes);
    for (int i = 0; i < 1000; i++)
        put_bytes(&bytes, 12, TEXT("\x0a\x03\x0a\x01k"));

    assert_int_equal(scan_of(status_type, &bytes), ERROR_LIMIT);
}

TEST(many_empty_messages_may_not_take_far_more_memory_than_their_bytes) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    for (int i = 0; i < 100000; i++) {
        size_t place = put_begin(&bytes, 1);
        put_bytes(&bytes, 2, TEXT(""));
        put_end(&bytes, place);
    }
    assert_int_equal(scan_of(&mesos__v1__resource_usage__descriptor, &bytes), ERROR_INVALID);

    AUTO_FINI(buf_fini) struct buf calls = {0};
    size_t accept = put_begin(&calls, 4);
    for (int i = 0; i < 1000000; i++)
        put_bytes(&calls, 2, TEXT(""));
    put_end(&calls, accept);
    assert_int_equal(scan_of(&mesos__v1__scheduler__call__descriptor, &calls), ERROR_LIMIT);
}

TEST(unknown_fields_pass_and_survive) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf bytes = {0}, again = {0};
    ProtobufCMessage *status;
    put_status(&bytes);
    put_bytes(&bytes, 5000, TEXT("from the future"));

    assert_true(wire_unpack(status_type, buf_text(&bytes), arena, &status, NULL));
    wire_pack(status, &again);

    assert_true(text_equal(buf_text(&bytes), buf_text(&again)));
}

/* What the scan lets through must unpack; the sanitizers watch. */
TEST(no_garbage_passes_the_scan_and_fails_to_unpack) {
    struct rng rng = rng_for_test();
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf seed = {0};
    put_status(&seed);
    put_bytes(&seed, 12, TEXT("\x0a\x03\x0a\x01k"));
    put_bytes(&seed, 11, TEXT("0123456789abcdef"));

    for (int round = 0; round < 20000; round++) {
        char *bytes = mem_dup(seed.data, seed.size);
        for (uint64_t flips = rng_below(&rng, 4) + 1; flips > 0; flips--)
            bytes[rng_below(&rng, seed.size)] = (char)(uint8_t)rng_next(&rng);
        struct text text = {bytes, rng_below(&rng, seed.size + 1)};
        ProtobufCMessage *message;
        if (wire_scan(status_type, text, NULL, NULL))
            assert_true(wire_unpack(status_type, text, arena, &message, NULL));
        mem_free(bytes);
        arena_reset(arena);
    }
}
