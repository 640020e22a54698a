#include "common/wire/json.h"

#include "common/base/mem.h"
#include "common/wire/codec.h"
#include "common/wire/reflect.h"
#include "mesos/v1/mesos.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdlib.h>

static struct text print(struct arena *arena, const void *message) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    json_print(message, &out);
    return arena_text(arena, buf_text(&out));
}

static void *parse(const ProtobufCMessageDescriptor *type, const char *json, struct arena *arena) {
    ProtobufCMessage *message = NULL;
    struct error error = {0};
    if (!json_parse(type, text_of(json), arena, NULL, &message, &error))
        print_message("%s\n", error.message);
    return message;
}

static void assert_reads_as(const ProtobufCMessageDescriptor *type, const char *json,
                            const char *printed) {
    AUTO(arena_free) struct arena *arena = arena_new();
    void *message = parse(type, json, arena);
    assert_non_null(message);
    assert_text_equal(print(arena, message), printed);
}

static void assert_refused(const ProtobufCMessageDescriptor *type, const char *json,
                           const char *why) {
    AUTO(arena_free) struct arena *arena = arena_new();
    ProtobufCMessage *message;
    struct error error = {0};
    assert_false(json_parse(type, text_of(json), arena, NULL, &message, &error));
    assert_string_equal(error.message, why);
}

TEST(enums_go_by_name_and_bytes_as_base64) {
    assert_reads_as(&mesos__v1__task_status__descriptor,
                    "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_RUNNING\",\"data\":\"aGk=\"}",
                    "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_RUNNING\",\"data\":\"aGk=\"}");
}

TEST(maps_are_objects) {
    const char *json = "{\"quantities\":{\"cpus\":{\"value\":1.5},\"mem\":{\"value\":64.0}}}";
    assert_reads_as(&mesos__v1__offer_filters__resource_quantities__descriptor, json, json);
}

TEST(unset_fields_with_a_default_are_printed_and_others_are_not) {
    assert_reads_as(&mesos__v1__filters__descriptor, "{}", "{\"refuse_seconds\":5.0}");
    assert_reads_as(&mesos__v1__command_info__descriptor, "{}", "{\"shell\":true}");
    assert_reads_as(&mesos__v1__time_info__descriptor, "{\"nanoseconds\":0}",
                    "{\"nanoseconds\":0}");
}

TEST(null_is_absent_everywhere) {
    assert_reads_as(&mesos__v1__command_info__descriptor,
                    "{\"shell\":null,\"value\":null,\"uris\":null,\"environment\":null,"
                    "\"arguments\":[null,\"a\"]}",
                    "{\"shell\":true,\"arguments\":[\"a\"]}");
}

TEST(numbers_come_in_every_dress) {
    assert_reads_as(&mesos__v1__value__range__descriptor, "{\"begin\":3.6e+06,\"end\":\"7\"}",
                    "{\"begin\":3600000,\"end\":7}");
    assert_reads_as(&mesos__v1__value__range__descriptor,
                    "{\"begin\":18446744073709551615,\"end\":9223372036854775808}",
                    "{\"begin\":18446744073709551615,\"end\":9223372036854775808}");
    assert_reads_as(&mesos__v1__value__scalar__descriptor, "{\"value\":\"Infinity\"}",
                    "{\"value\":\"Infinity\"}");
    assert_reads_as(&mesos__v1__value__scalar__descriptor, "{\"value\":100000000000000000000}",
                    "{\"value\":1e+20}");
    assert_reads_as(&mesos__v1__command_info__descriptor, "{\"shell\":\"false\"}",
                    "{\"shell\":false}");
}

TEST(numbers_that_do_not_fit_are_refused_by_name) {
    assert_refused(&mesos__v1__value__range__descriptor, "{\"begin\":-1,\"end\":1}",
                   "begin is no such number or boolean");
    assert_refused(&mesos__v1__value__range__descriptor, "{\"begin\":1.5,\"end\":1}",
                   "begin is no such number or boolean");
    assert_refused(&mesos__v1__value__range__descriptor,
                   "{\"begin\":18446744073709551616,\"end\":1}",
                   "begin is no such number or boolean");
    assert_refused(&mesos__v1__value__scalar__descriptor, "{\"value\":\"NaN\"}",
                   "value is no such number or boolean");
}

TEST(a_number_in_a_string_of_the_text_is_left_alone) {
    assert_reads_as(&mesos__v1__parameter__descriptor,
                    "{\"key\":\"\\\"99999999999999999999\",\"value\":\"\\\\\"}",
                    "{\"key\":\"\\\"99999999999999999999\",\"value\":\"\\\\\"}");
}

TEST(strings_are_escaped) {
    assert_reads_as(&mesos__v1__parameter__descriptor,
                    "{\"key\":\"a\\u0001\\n\\t\\\"\\\\/\",\"value\":\"\\u00fc\"}",
                    "{\"key\":\"a\\u0001\\n\\t\\\"\\\\/\",\"value\":\"\xc3\xbc\"}");
}

TEST(unknown_fields_are_ignored_and_named_to_whoever_asks) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf unknown = {0};
    ProtobufCMessage *message;

    assert_true(
        json_parse(&mesos__v1__offer__descriptor,
                   TEXT("{\"color\":[1],\"id\":{\"value\":\"o\",\"x\":1},\"hostname\":\"h\","
                        "\"framework_id\":{\"value\":\"f\"},\"agent_id\":{\"value\":\"a\"}}"),
                   arena, &unknown, &message, NULL));

    assert_text_equal(buf_text(&unknown), "color\nid.x\n");
}

TEST(an_unknown_enum_name_is_as_unset_but_an_error_where_it_is_required) {
    assert_reads_as(&mesos__v1__task_status__descriptor,
                    "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_LOST\",\"reason\":\"NEW\"}",
                    "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_LOST\"}");
    assert_refused(&mesos__v1__task_status__descriptor,
                   "{\"task_id\":{\"value\":\"t\"},\"state\":\"NEW\"}",
                   "state has an unknown name");
}

TEST(what_is_no_such_message_is_refused) {
    assert_refused(&mesos__v1__task_id__descriptor, "{}", "value is missing");
    assert_refused(&mesos__v1__task_id__descriptor, "[]", "is no object");
    assert_refused(&mesos__v1__task_id__descriptor, "{\"value\":1}", "value is no string");
    assert_refused(&mesos__v1__labels__descriptor, "{\"labels\":[{\"key\":[]}]}",
                   "labels.key is no string");
    AUTO(arena_free) struct arena *arena = arena_new();
    assert_null(parse(&mesos__v1__task_id__descriptor, "{", arena));
    assert_null(parse(&mesos__v1__task_id__descriptor, "", arena));
    assert_null(parse(&mesos__v1__task_id__descriptor, "{\"value\":\"a\\u0000b\"}", arena));
    assert_null(parse(&mesos__v1__task_id__descriptor, "{\"value\":\"\xff\"}", arena));
}

TEST(json_that_nests_too_deep_is_refused) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf json = {0};
    for (int i = 0; i < 1000; i++)
        buf_append_string(&json, "{\"value\":\"c\",\"parent\":");
    buf_append_string(&json, "{\"value\":\"c\"}");
    for (int i = 0; i < 1000; i++)
        buf_append_byte(&json, '}');
    ProtobufCMessage *message;
    struct error error;

    assert_false(json_parse(&mesos__v1__container_id__descriptor, buf_text(&json), arena, NULL,
                            &message, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

TEST(of_a_oneof_one_member_is_set) {
    assert_reads_as(&mesos__v1__scheduler__attribute_constraint__selector__descriptor,
                    "{\"attribute_name\":\"rack\"}", "{\"attribute_name\":\"rack\"}");
}

TEST(doubles_are_the_shortest_that_read_back) {
    const double values[] = {0,
                             -0.0,
                             1,
                             0.1,
                             0.001,
                             1.5,
                             -2.25,
                             1e300,
                             5e-324,
                             1.0 / 3,
                             1e15,
                             123456789.123,
                             1700000000.123456,
                             0.30000000000000004};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        AUTO_FINI(buf_fini) struct buf out = {0};
        json_print_double(&out, values[i]);
        assert_true(strtod(buf_string(&out), NULL) == values[i]);
    }
    AUTO_FINI(buf_fini) struct buf out = {0};
    json_print_double(&out, 0.1);
    assert_text_equal(buf_text(&out), "0.1");
}

/* --- random messages --- */

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type, struct rng *rng,
                                        struct arena *arena, int depth);

static char *random_string(struct rng *rng, struct arena *arena) {
    static const char *const pieces[] = {
        "a", "\"", "\\", "\n", "\x01", "\xc3\xbc", "12345678", "/", "\xf0\x9f\x98\x80", ""};
    AUTO_FINI(buf_fini) struct buf made = {0};
    for (uint64_t count = rng_below(rng, 8); count > 0; count--)
        buf_append_string(&made, pieces[rng_below(rng, 10)]);
    return arena_string(arena, buf_text(&made));
}

static double random_double(struct rng *rng) {
    switch (rng_below(rng, 4)) {
    case 0: return (double)rng_below(rng, 1000000) / 1000;
    case 1: return rng_below(rng, 2) ? INFINITY : -INFINITY;
    case 2: return (double)rng_next(rng);
    default: return (double)rng_next(rng) / 3e18;
    }
}

static void random_value(const ProtobufCFieldDescriptor *field, struct rng *rng,
                         struct arena *arena, int depth, void *out) {
    const ProtobufCEnumDescriptor *names = field->descriptor;
    uint64_t bits = rng_next(rng) >> rng_below(rng, 64);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        *(ProtobufCMessage **)out = random_message(field->descriptor, rng, arena, depth + 1);
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        *(int *)out = names->values[rng_below(rng, names->n_values)].value;
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)out = random_string(rng, arena);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        *(ProtobufCBinaryData *)out =
            (ProtobufCBinaryData){rng_below(rng, 9), (uint8_t *)random_string(rng, arena)};
    else if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        *(double *)out = random_double(rng);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)out = (protobuf_c_boolean)(bits & 1);
    else
        memcpy(out, &bits, reflect_size(field->type));
}

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type, struct rng *rng,
                                        struct arena *arena, int depth) {
    ProtobufCMessage *message = arena_alloc_zeroed(arena, 1, type->sizeof_message);
    protobuf_c_message_init(type, message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool required = field->label == PROTOBUF_C_LABEL_REQUIRED;
        bool is_entry = strcmp(type->fields[0].name, "key") == 0 && type->n_fields == 2;
        if (!required && !is_entry && (rng_below(rng, 3) != 0 || depth > 6))
            continue;
        size_t count = field->label == PROTOBUF_C_LABEL_REPEATED ? 1 + rng_below(rng, 3) : 1;
        if (reflect_is_map(type, field))
            count = 1; /* random keys may be equal */
        char *items = arena_alloc_zeroed(arena, count, 16);
        for (size_t at = 0; at < count; at++)
            random_value(field, rng, arena, depth, items + at * reflect_size(field->type));
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            *(void **)reflect_member(message, field) = items;
            *(size_t *)reflect_quantifier(message, field) = count;
        } else {
            memcpy(reflect_member(message, field), items, reflect_size(field->type));
            reflect_mark_set(message, field);
        }
    }
    return message;
}

TEST(random_messages_survive_json_and_binary) {
    static const ProtobufCMessageDescriptor *const types[] = {
        &mesos__v1__scheduler__call__descriptor, &mesos__v1__scheduler__event__descriptor,
        &mesos__v1__task_info__descriptor, &mesos__v1__framework_info__descriptor,
        &mesos__v1__task_status__descriptor};
    struct rng rng = rng_for_test();
    AUTO(arena_free) struct arena *arena = arena_new();
    for (int round = 0; round < 300; round++) {
        AUTO_FINI(buf_fini) struct buf json = {0}, binary = {0}, again = {0};
        ProtobufCMessage *message = random_message(types[round % 5], &rng, arena, 0), *read;
        struct error error = {0};
        json_print(message, &json);

        if (!json_parse(message->descriptor, buf_text(&json), arena, NULL, &read, &error))
            fail_msg("%s: %s", error.message, buf_string(&json));
        wire_pack(read, &binary);
        if (!wire_unpack(message->descriptor, buf_text(&binary), arena, &read, &error))
            fail_msg("%s", error.message);
        json_print(read, &again);

        assert_string_equal(buf_string(&again), buf_string(&json));
        arena_reset(arena);
    }
}
