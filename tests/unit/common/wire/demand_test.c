/*
 * What frameworks want, as the generated code packs it: requests, constraints, offer filters.
 */
#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "common/wire/messages.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena *arena;
    struct kinds *kinds;
    struct wire wire;
};

static struct fixture begin(void) {
    struct fixture fixture = {.arena = arena_new(), .kinds = kinds_new()};
    fixture.wire = (struct wire){.arena = fixture.arena, .kinds = fixture.kinds};
    return fixture;
}

static void end(struct fixture *fixture) {
    arena_free(fixture->arena);
    kinds_free(fixture->kinds);
}

#define FIXTURE(name) __attribute__((cleanup(end))) struct fixture name = begin()

static struct scheduler_call call_of(struct fixture *fixture, const char *json) {
    ProtobufCMessage *message;
    struct error error;
    AUTO_FINI(buf_fini) struct buf out = {0};
    if (!json_parse(&mesos__v1__scheduler__call__descriptor, text_of(json), fixture->arena, NULL,
                    &message, &error))
        fail_msg("%s", error.message);
    wire_pack(message, &out);
    struct scheduler_call call;
    struct text bytes = arena_text(fixture->arena, buf_text(&out));
    if (!scheduler_call_decode(&fixture->wire, bytes, &call, &error))
        fail_msg("%s", error.message);
    return call;
}

#define REQUEST(fields) "{\"type\":\"REQUEST\",\"request\":{\"requests\":[{" fields "}]}}"
#define CPUS(amount) "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" #amount "}}"

TEST(a_request_as_Mesos_has_it_has_nothing_of_ours) {
    FIXTURE(fixture);
    struct scheduler_call call =
        call_of(&fixture, REQUEST("\"agent_id\":{\"value\":\"a1\"},\"resources\":[" CPUS(1.5) "]"));

    assert_int_equal(call.kind, SCHEDULER_CALL_REQUEST);
    assert_int_equal(call.request.request_count, 1);
    const struct resource_request *request = &call.request.requests[0];
    assert_false(request->is_ours);
    assert_false(request->has_count);
    assert_text_equal(request->agent.text, "a1");
    assert_int_equal(request->amounts.count, 1);
    assert_text_equal(request->amounts.items[0].name, "cpus");
    assert_int_equal(request->amounts.items[0].milli, 1500);
    assert_int_equal(request->fault.size, 0);
}

TEST(the_fields_of_ours_are_read) {
    FIXTURE(fixture);
    /* One group: HOSTNAME exists. */
    struct scheduler_call call = call_of(
        &fixture,
        REQUEST("\"resources\":[" CPUS(1) "],\"role\":\"dev\",\"name\":\"web\","
                                          "\"count\":3,\"constraints\":\"CggKBgoCCAESAAo=\""));
    const struct resource_request *request = &call.request.requests[0];

    assert_true(request->is_ours);
    assert_text_equal(request->role, "dev");
    assert_text_equal(request->name, "web");
    assert_true(request->has_count);
    assert_int_equal(request->count, 3);
    assert_true(request->fault.size > 0); /* a byte too many */
}

TEST(constraints_of_a_request_are_read) {
    FIXTURE(fixture);
    /* groups { attribute_constraints { selector { pseudoattribute_type: HOSTNAME }
     * predicate { exists {} } } } */
    struct scheduler_call call = call_of(
        &fixture, REQUEST("\"resources\":[" CPUS(1) "],\"constraints\":\"CgoKCAoCCAESAgoA\""));
    const struct resource_request *request = &call.request.requests[0];

    assert_int_equal(request->fault.size, 0);
    assert_non_null(request->constraints);
    assert_int_equal(request->constraints->group_count, 1);
    const struct constraint_group *group = &request->constraints->groups[0];
    assert_int_equal(group->term_count, 1);
    assert_int_equal(group->terms[0].subject, CONSTRAINT_HOSTNAME);
    assert_int_equal(group->terms[0].predicate, CONSTRAINT_EXISTS);
}

TEST(resources_that_nobody_has_are_read_and_teach_nothing) {
    FIXTURE(fixture);
    size_t names = kinds_name_count(fixture.kinds);
    struct scheduler_call call = call_of(
        &fixture,
        REQUEST("\"resources\":[{\"name\":\"licenses\",\"type\":\"SET\",\"set\":{\"item\":[\"a\","
                "\"b\"]}},{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\""
                ":10,\"end\":12}]}}]"));
    const struct resource_request *request = &call.request.requests[0];

    assert_text_equal(request->amounts.items[0].name, "licenses");
    assert_int_equal(request->amounts.items[0].milli, 2000);
    assert_int_equal(request->amounts.items[1].milli, 3000);
    assert_int_equal(kinds_name_count(fixture.kinds), names);
}

static void assert_fault(const char *json) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(&fixture, json);
    if (call.request.requests[0].fault.size == 0)
        fail_msg("no fault in %s", json);
}

TEST(an_amount_that_makes_no_sense_is_a_fault_of_the_request) {
    assert_fault(REQUEST("\"resources\":[" CPUS(-1) "]"));
    assert_fault(REQUEST("\"resources\":[" CPUS(0.0001) "]"));
    assert_fault(REQUEST("\"resources\":[" CPUS(1e300) "]"));
    assert_fault(REQUEST("\"resources\":[" CPUS("Infinity") "]"));
    assert_fault(REQUEST("\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\"}]"));
    assert_fault(REQUEST("\"resources\":[{\"name\":\"\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
                         "1}}]"));
    assert_fault(REQUEST("\"resources\":[{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{"
                         "\"range\":[{\"begin\":0,\"end\":18446744073709551615}]}}]"));
    assert_fault(REQUEST("\"resources\":[{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{"
                         "\"range\":[{\"begin\":9,\"end\":3}]}}]"));
}

TEST(an_empty_request_has_no_requests) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(&fixture, "{\"type\":\"REQUEST\",\"request\":{}}");

    assert_int_equal(call.request.request_count, 0);
}

#define SUBSCRIBE(info, rest)                                                                      \
    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":"          \
    "\"n\"" info "}" rest "}}"
#define TERM(selector, predicate) "{\"selector\":{" selector "},\"predicate\":{" predicate "}}"

/* clang-format off: it would indent each piece under the one before. */
static const char two_roles_json[] =
    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":\"n\"},"
    "\"suppressed_roles\":[\"dev\"],\"offer_constraints\":{\"role_constraints\":{"
    "\"dev\":{\"groups\":["
    "{\"attribute_constraints\":[" TERM(
        "\"attribute_name\":\"rack\"",
        "\"text_matches\":{\"regex\":\"r.\"}") "," TERM("\"pseudoattribute_type\":\"ZONE\"",
                                                        "\"not_exists\":{}") "]},"
                                                                             "{\"attribute_"
                                                                             "constraints\":[" TERM(
                                                                                 "\"attribute_"
                                                                                 "name\":\"rack\"",
                                                                                 "\"text_not_"
                                                                                 "equals\":{"
                                                                                 "\"value\":"
                                                                                 "\"r1\"}") "]}]},"
                                                                                            "\"ops"
                                                                                            "\":{}}"
                                                                                            "}}}";
/* clang-format on */

TEST(offer_constraints_of_each_role_are_read) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(&fixture, two_roles_json);

    assert_int_equal(call.subscribe.suppressed_role_count, 1);
    assert_int_equal(call.subscribe.constraint_count, 2);
    const struct role_constraints *dev = &call.subscribe.constraints[0];
    assert_text_equal(dev->role, "dev");
    assert_int_equal(dev->group_count, 2);
    const struct constraint_term *terms = dev->groups[0].terms;
    assert_int_equal(dev->groups[0].term_count, 2);
    assert_int_equal(terms[0].subject, CONSTRAINT_ATTRIBUTE);
    assert_text_equal(terms[0].attribute, "rack");
    assert_int_equal(terms[0].predicate, CONSTRAINT_TEXT_MATCHES);
    assert_text_equal(terms[0].value, "r.");
    assert_int_equal(terms[1].subject, CONSTRAINT_ZONE);
    assert_int_equal(terms[1].predicate, CONSTRAINT_NOT_EXISTS);
    assert_int_equal(dev->groups[1].terms[0].predicate, CONSTRAINT_TEXT_NOT_EQUALS);
    assert_int_equal(call.subscribe.constraints[1].group_count, 0);
    assert_true(dev->encoded.size > 0);
}

TEST(a_selector_or_predicate_that_is_not_known_is_told_as_such) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(
        &fixture, SUBSCRIBE("", ",\"offer_constraints\":{\"role_constraints\":{\"*\":{\"groups\":[{"
                                "\"attribute_constraints\":[" TERM("", "") "]}]}}}"));
    const struct constraint_term *term = call.subscribe.constraints[0].groups[0].terms;

    assert_int_equal(term->subject, CONSTRAINT_NOTHING);
    assert_int_equal(term->predicate, CONSTRAINT_UNKNOWN);
}

TEST(an_update_brings_what_a_subscription_brings) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(
        &fixture,
        "{\"type\":\"UPDATE_FRAMEWORK\",\"update_framework\":{\"framework_info\":{\"user\":\"u\","
        "\"name\":\"n\",\"id\":{\"value\":\"f1\"}},\"suppressed_roles\":[\"a\",\"b\"],"
        "\"offer_constraints\":{\"role_constraints\":{\"a\":{}}}}}");

    assert_int_equal(call.kind, SCHEDULER_CALL_UPDATE_FRAMEWORK);
    assert_text_equal(call.subscribe.info.id.text, "f1");
    assert_int_equal(call.subscribe.suppressed_role_count, 2);
    assert_int_equal(call.subscribe.constraint_count, 1);
}

TEST(offer_filters_are_read_by_role) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(
        &fixture,
        SUBSCRIBE(",\"offer_filters\":{\"dev\":{\"min_allocatable_resources\":{\"quantities\":[{"
                  "\"quantities\":{\"cpus\":{\"value\":2},\"mem\":{\"value\":64}}},{\"quantities\":"
                  "{\"gpus\":{\"value\":1}}}]}},\"any\":{\"min_allocatable_resources\":{}},\"none\""
                  ":{}}",
                  ""));
    const struct framework_info *info = &call.subscribe.info;

    assert_int_equal(info->offer_filter_count, 3);
    assert_text_equal(info->offer_filters[0].role, "dev");
    assert_int_equal(info->offer_filters[0].minimum_count, 2);
    assert_int_equal(info->offer_filters[0].minima[0].count, 2);
    assert_text_equal(info->offer_filters[0].minima[0].items[1].name, "mem");
    assert_int_equal(info->offer_filters[0].minima[0].items[1].milli, 64000);
    assert_true(info->offer_filters[1].has_minima);
    assert_int_equal(info->offer_filters[1].minimum_count, 0);
    assert_false(info->offer_filters[2].has_minima);
}

TEST(an_offer_filter_that_makes_no_sense_is_a_fault_of_the_framework) {
    FIXTURE(fixture);
    struct scheduler_call call = call_of(
        &fixture, SUBSCRIBE(",\"offer_filters\":{\"dev\":{\"min_allocatable_resources\":{"
                            "\"quantities\":[{\"quantities\":{\"cpus\":{\"value\":-2}}}]}}}",
                            ""));

    assert_true(call.subscribe.info.fault.size > 0);
}

TEST(a_refusal_is_read_back) {
    FIXTURE(fixture);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_CALL_REFUSED,
        .call_refused = {TEXT("UPDATE_FRAMEWORK"), 403, TEXT("no")},
    };
    ProtobufCMessage *message;
    struct error error;

    scheduler_event_encode(&fixture.wire, &event, &out);

    if (!wire_unpack(&mesos__v1__scheduler__event__descriptor, buf_text(&out), fixture.arena,
                     &message, &error))
        fail_msg("%s", error.message);
    const Mesos__V1__Scheduler__Event *read = (const Mesos__V1__Scheduler__Event *)message;
    assert_string_equal(read->call_refused->call, "UPDATE_FRAMEWORK");
    assert_int_equal(read->call_refused->status_code, 403);
    assert_string_equal(read->call_refused->message, "no");
}

TEST(a_request_status_is_read_back) {
    FIXTURE(fixture);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_REQUEST_STATUS,
        .request_status = {TEXT("web"), TEXT("dev"), false, TEXT("too large"), {TEXT("a1")}},
    };
    ProtobufCMessage *message;
    struct error error;

    scheduler_event_encode(&fixture.wire, &event, &out);

    if (!wire_unpack(&mesos__v1__scheduler__event__descriptor, buf_text(&out), fixture.arena,
                     &message, &error))
        fail_msg("%s", error.message);
    const Mesos__V1__Scheduler__Event *read = (const Mesos__V1__Scheduler__Event *)message;
    assert_int_equal(read->type, MESOS__V1__SCHEDULER__EVENT__TYPE__REQUEST_STATUS);
    assert_string_equal(read->request_status->name, "web");
    assert_string_equal(read->request_status->role, "dev");
    assert_false(read->request_status->feasible);
    assert_string_equal(read->request_status->message, "too large");
    assert_string_equal(read->request_status->nearest_agent_id->value, "a1");
}
