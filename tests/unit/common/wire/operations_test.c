/*
 * Operations as frameworks write them, and what the master and an agent tell each other of them.
 */
#include "common/wire/messages.h"

#include "common/wire/codec.h"
#include "common/wire/convert.h"
#include "common/wire/json.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/resources_said.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena *arena;
    struct kinds *kinds;
    struct wire wire;
};

static struct fixture begin(void) {
    struct fixture fixture = {.arena = arena_new(), .kinds = kinds_new()};
    fixture.wire = (struct wire){fixture.arena, fixture.kinds, false};
    return fixture;
}

static void end(struct fixture *fixture) {
    arena_free(fixture->arena);
    kinds_free(fixture->kinds);
}

#define FIXTURE(name) __attribute__((cleanup(end))) struct fixture name = begin()

static struct text packed(struct fixture *fixture, const char *json) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    ProtobufCMessage *message;
    struct error error;
    if (!json_parse(&mesos__v1__scheduler__call__descriptor, text_of(json), fixture->arena, NULL,
                    &message, &error))
        fail_msg("%s", error.message);
    wire_pack(message, &out);
    return arena_text(fixture->arena, buf_text(&out));
}

/* An ACCEPT with these operations. */
static struct scheduler_call accept_of(struct fixture *f, const char *operations) {
    struct scheduler_call call;
    struct error error;
    const char *json = arena_printf(f->arena,
                                    "{\"type\":\"ACCEPT\",\"accept\":{\"offer_ids\":[{\"value\":"
                                    "\"o\"}],\"operations\":[%s]}}",
                                    operations);
    if (!scheduler_call_decode(&f->wire, packed(f, json), &call, &error))
        fail_msg("%s", error.message);
    return call;
}

#define SCALAR(name, value, more)                                                                  \
    "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}" more "}"
#define STACK ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"eng\",\"principal\":\"p\"}]"
#define MOUNT_AT(path, mode) "\"volume\":{\"container_path\":\"" path "\",\"mode\":\"" mode "\"}"
#define DISK(volume) ",\"disk\":{\"persistence\":{\"id\":\"v\"}," volume "}"
#define VOLUME(size) SCALAR("disk", size, STACK DISK(MOUNT_AT("data", "RW")))

/* What the operation names, in the table of its call. */
static void assert_named(const struct scheduler_call *call, const struct resources *set,
                         const char *said) {
    struct kinds *kinds = (struct kinds *)call->accept.kinds; /* learns what the test says */
    assert_non_null(kinds);
    assert_non_null(set);
    assert_resources(kinds, set, said);
}

TEST(reservations_are_read_with_their_source) {
    FIXTURE(f);
    struct scheduler_call call = accept_of(
        &f, "{\"type\":\"RESERVE\",\"id\":{\"value\":\"r1\"},\"reserve\":{\"resources\":"
            "[" SCALAR("cpus", "2", STACK) "],\"source\":[" SCALAR(
                "cpus", "2", "") "]}},"
                                 "{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[" SCALAR(
                                     "mem", "5", STACK) "]}}");
    const struct operation *reserve = &call.accept.operations[0];
    const struct operation *unreserve = &call.accept.operations[1];

    assert_text_equal(reserve->id, "r1");
    assert_named(&call, reserve->resources, "cpus(+eng=p):2");
    assert_named(&call, reserve->source, "cpus:2");
    assert_named(&call, unreserve->resources, "mem(+eng=p):5");
    assert_null(unreserve->source);
    assert_int_equal(reserve->fault.size, 0);
}

TEST(volumes_are_read_with_what_they_carry) {
    FIXTURE(f);
    struct scheduler_call call = accept_of(
        &f,
        "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" VOLUME(
            "100") "]}},"
                   "{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[" VOLUME(
                       "100") "]}},"
                              "{\"type\":\"GROW_VOLUME\",\"grow_volume\":{\"volume\":" VOLUME(
                                  "100") ","
                                         "\"addition\":" SCALAR(
                                             "disk", "7",
                                             STACK) "}},"
                                                    "{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":"
                                                    "{\"volume\":" VOLUME(
                                                        "100") ",\"subtract\":{\"value\":1.5}}}");
    const struct operation *operations = call.accept.operations;

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(operations[i].fault.size, 0);
        assert_named(&call, operations[i].resources, "disk(+eng=p)[v]:100");
        assert_int_not_equal(operations[i].resources->entries[0].carry, 0);
    }
    assert_named(&call, operations[2].addition, "disk(+eng=p):7");
    assert_int_equal(operations[3].subtract_milli, 1500);
}

TEST(what_operations_name_teaches_the_receiver_nothing) {
    FIXTURE(f);
    size_t before = kinds_size(f.kinds);
    uint32_t role;

    struct scheduler_call call = accept_of(
        &f, "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" SCALAR("cpus", "2", STACK) "]}}");

    assert_ptr_not_equal(call.accept.kinds, f.kinds);
    assert_int_equal(kinds_size(f.kinds), before);
    assert_false(kinds_find_role(f.kinds, TEXT("eng"), &role));
}

TEST(a_call_that_only_launches_has_no_table_of_its_own) {
    FIXTURE(f);

    struct scheduler_call call = accept_of(&f, "{\"type\":\"LAUNCH\",\"launch\":{}}");

    assert_null(call.accept.kinds);
}

TEST(tasks_beside_operations_are_numbered_in_the_table_of_the_call) {
    FIXTURE(f);
    struct scheduler_call call = accept_of(
        &f,
        "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" VOLUME(
            "100") "]}},"
                   "{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_id\":{"
                   "\"value\":\"t\"},\"agent_id\":{\"value\":\"a\"},\"resources\":[" VOLUME(
                       "100") "]}]}}");

    assert_named(&call, call.accept.operations[1].tasks[0].resources, "disk(+eng=p)[v]:100");
}

TEST(the_role_of_the_allocation_is_read_once) {
    FIXTURE(f);
#define FOR(role) STACK ",\"allocation_info\":{\"role\":\"" role "\"}"
    struct scheduler_call call = accept_of(
        &f, "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" SCALAR(
                "cpus", "2",
                FOR("eng")) "," SCALAR("mem", "2",
                                       STACK) "]}},"
                                              "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":"
                                              "[" SCALAR("cpus", "2", FOR("eng")) "," SCALAR(
                                                  "mem", "2", FOR("ops")) "]}}");

    assert_text_equal(call.accept.operations[0].resource_role, "eng");
    assert_text_equal(call.accept.operations[1].fault,
                      "its resources are allocated to more than one role");
}

TEST(an_operation_that_makes_no_sense_says_why_and_does_not_spoil_its_call) {
    static const struct {
        const char *operation, *why;
    } rows[] = {
        {"{\"type\":\"RESERVE\"}", "its message is missing"},
        {"{\"type\":\"CREATE\"}", "its message is missing"},
        {"{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" SCALAR("cpus", "-2", STACK) "]}}",
         "resource cpus has the amount -2"},
        {"{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" SCALAR(
             "cpus", "2", ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a//b\"}]") "]}}",
         "a reservation's role 'a//b'"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR("disk", "2", STACK) "]}}",
         "disk has no 'disk.persistence'"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR(
             "disk", "2", STACK ",\"disk\":{\"persistence\":{\"id\":\"v\"}}") "]}}",
         "volume 'v' has no 'disk.volume'"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR(
             "disk", "2", STACK DISK(MOUNT_AT("data", "RO"))) "]}}",
         "volume 'v' is not of mode RW"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR(
             "disk", "2", STACK DISK(MOUNT_AT("", "RW"))) "]}}",
         "volume 'v' has no 'container_path'"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR(
             "disk", "2",
             STACK ",\"disk\":{\"persistence\":{\"id\":\"a/b\"}," MOUNT_AT("data", "RW") "}") "]}}",
         "a persistence id"},
        {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[" SCALAR(
             "disk", "2",
             STACK DISK("\"volume\":{\"container_path\":\"d\",\"mode\":\"RW\",\"host_path\":"
                        "\"/etc\"}")) "]}}",
         "volume 'v' names a 'host_path'"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FIXTURE(f);
        struct scheduler_call call = accept_of(
            &f, arena_printf(f.arena, "%s,{\"type\":\"LAUNCH\",\"launch\":{}}", rows[i].operation));
        struct text fault = call.accept.operations[0].fault;
        assert_int_equal(call.accept.operation_count, 2);
        if (!text_starts_with(fault, text_of(rows[i].why)))
            fail_msg("'%.*s' instead of '%s'", TEXT_ARGS(fault), rows[i].why);
        assert_null(call.accept.operations[0].resources);
    }
}

TEST(a_call_names_so_many_kinds_and_no_more) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf list = {0};
    for (int i = 0; i < 5; i++) {
        buf_append_string(&list, i > 0 ? "," : "");
        buf_append_string(&list, "{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[");
        for (int j = 0; j < 4000; j++)
            buf_printf(&list, "%s{\"name\":\"x%d\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}",
                       j > 0 ? "," : "", i * 4000 + j);
        buf_append_string(&list, "]}}");
    }

    struct scheduler_call call = accept_of(&f, buf_string(&list));

    assert_int_equal(call.accept.operations[3].fault.size, 0);
    assert_text_equal(call.accept.operations[4].fault,
                      "more than 16384 kinds of resources in one call");
}

TEST(a_reservation_may_come_in_both_ways_when_they_agree) {
    static const struct {
        const char *more;
        bool is_good;
    } rows[] = {
        {STACK ",\"role\":\"eng\",\"reservation\":{\"principal\":\"p\"}", true},
        {",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"eng\"}],\"role\":\"eng\"", true},
        {STACK ",\"role\":\"*\"", true},
        {STACK ",\"role\":\"ops\",\"reservation\":{\"principal\":\"p\"}", false},
        {STACK ",\"role\":\"eng\",\"reservation\":{\"principal\":\"q\"}", false},
        {STACK ",\"role\":\"eng\",\"reservation\":{}", false},
        {STACK ",\"role\":\"eng\"", false},
        {STACK ",\"reservation\":{\"principal\":\"p\"}", false},
        {",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"eng\"}],\"role\":\"eng\","
         "\"reservation\":{}",
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FIXTURE(f);
        struct scheduler_call call = accept_of(
            &f, arena_printf(f.arena,
                             "{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[{\"name\":"
                             "\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}%s}]}}",
                             rows[i].more));
        if ((call.accept.operations[0].fault.size == 0) != rows[i].is_good)
            fail_msg("%s: %.*s", rows[i].more, TEXT_ARGS(call.accept.operations[0].fault));
    }
}

TEST(a_task_mounts_a_volume_where_it_likes) {
    FIXTURE(f);
    AUTO_FINI(resources_fini)
    struct resources volume = resources_said(f.kinds, "disk(+eng=p)[v]:100");
    size_t before = kinds_size(f.kinds);

    struct scheduler_call call = accept_of(
        &f,
        "{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_id\":{"
        "\"value\":\"t\"},\"agent_id\":{\"value\":\"a\"},\"resources\":[" VOLUME("100") "]}]}}");
    const struct task_info *task = &call.accept.operations[0].tasks[0];

    assert_int_equal(task->fault.size, 0);
    assert_true(resources_equal(task->resources, &volume));
    assert_int_equal(kinds_size(f.kinds), before);
}

TEST(operations_to_reconcile_are_named_with_their_agents) {
    FIXTURE(f);
    struct scheduler_call call;
    struct text named = packed(&f, "{\"type\":\"RECONCILE_OPERATIONS\",\"reconcile_operations\":{"
                                   "\"operations\":[{\"operation_id\":{\"value\":\"x\"}},{"
                                   "\"operation_id\":{\"value\":\"y\"},\"agent_id\":{\"value\":"
                                   "\"a\"}}]}}");

    assert_true(scheduler_call_decode(&f.wire, named, &call, NULL));
    assert_int_equal(call.reconcile_operations.operation_count, 2);
    assert_text_equal(call.reconcile_operations.operations[0].operation, "x");
    assert_int_equal(call.reconcile_operations.operations[0].agent.text.size, 0);
    assert_text_equal(call.reconcile_operations.operations[1].agent.text, "a");
    assert_true(scheduler_call_decode(&f.wire, packed(&f, "{\"type\":\"RECONCILE_OPERATIONS\"}"),
                                      &call, NULL));
    assert_int_equal(call.reconcile_operations.operation_count, 0);
}

TEST(an_operations_status_is_written_in_the_way_of_the_framework) {
    FIXTURE(f);
    AUTO_FINI(resources_fini) struct resources made = resources_said(f.kinds, "cpus(+eng=p):2");
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_UPDATE_OPERATION_STATUS,
        .operation = {TEXT("x"), OPERATION_STATE_FINISHED, TEXT("done"), {TEXT("a")}, &made},
    };
    for (int refined = 0; refined < 2; refined++) {
        AUTO_FINI(buf_fini) struct buf out = {0};
        ProtobufCMessage *message;
        event.capabilities = refined ? 1 << FRAMEWORK_RESERVATION_REFINEMENT : 0;
        scheduler_event_encode(&f.wire, &event, &out);
        assert_true(wire_unpack(&mesos__v1__scheduler__event__descriptor, buf_text(&out), f.arena,
                                &message, NULL));
        const Mesos__V1__OperationStatus *status =
            ((Mesos__V1__Scheduler__Event *)message)->update_operation_status->status;
        assert_string_equal(status->operation_id->value, "x");
        assert_int_equal(status->state, MESOS__V1__OPERATION_STATE__OPERATION_FINISHED);
        assert_string_equal(status->agent_id->value, "a");
        assert_null(status->uuid);
        assert_int_equal(status->n_converted_resources, 1);
        assert_int_equal(status->converted_resources[0]->n_reservations, refined);
    }
}

TEST(an_order_to_an_agent_and_its_answer_survive_the_wire) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf order = {0}, answer = {0};
    AUTO_FINI(resources_fini) struct resources from = resources_said(f.kinds, "disk(+eng):9");
    AUTO_FINI(resources_fini) struct resources to = resources_said(f.kinds, "disk(+eng)[v]:9");
    struct master_message apply = {.kind = MASTER_MESSAGE_APPLY,
                                   .apply = {7, OPERATION_CREATE, &from, &to}};
    struct agent_message operation = {.kind = AGENT_MESSAGE_OPERATION,
                                      .operation = {7, false, TEXT("the disk is full")}};
    master_message_encode(&f.wire, &apply, &order);
    agent_message_encode(&f.wire, &operation, &answer);
    struct text order_bytes = buf_text(&order), answer_bytes = buf_text(&answer);

    struct master_message read;
    struct agent_message heard;
    assert_true(master_message_decode(&f.wire, order_bytes, &read, NULL));
    assert_true(agent_message_decode(&f.wire, answer_bytes, &heard, NULL));

    assert_int_equal(read.apply.number, 7);
    assert_int_equal(read.apply.kind, OPERATION_CREATE);
    assert_true(resources_equal(read.apply.from, &from) && resources_equal(read.apply.to, &to));
    assert_int_equal(heard.operation.number, 7);
    assert_false(heard.operation.is_applied);
    assert_text_equal(heard.operation.why, "the disk is full");
}
