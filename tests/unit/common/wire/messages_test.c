/*
 * What is encoded is decoded again, field by field; and what the generated code packs, the
 * conversions read.
 */
#include "common/wire/messages.h"

#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "common/wire/put.h"
#include "internal/agent.pb-c.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/unit.h"

#define TASK_JSON                                                                                  \
    "{\"name\":\"n\",\"task_id\":{\"value\":\"t1\"},\"agent_id\":{\"value\":\"a1\"},"              \
    "\"resources\":["                                                                              \
    "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.5},"                           \
    "\"allocation_info\":{\"role\":\"dev\"}},"                                                     \
    "{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":10,\"end\":12}]}}]" \
    ","                                                                                            \
    "\"command\":{\"value\":\"true\",\"environment\":{\"variables\":[{\"name\":\"A\",\"value\":"   \
    "\"b\"}]}},"                                                                                   \
    "\"kill_policy\":{\"grace_period\":{\"nanoseconds\":7}},"                                      \
    "\"limits\":{\"mem\":{\"value\":\"Infinity\"},\"cpus\":{\"value\":2}}}"

#define FRAMEWORK_JSON                                                                             \
    "{\"user\":\"u\",\"name\":\"f\",\"roles\":[\"dev\",\"ops\"],\"failover_timeout\":3.5,"         \
    "\"capabilities\":[{\"type\":\"MULTI_ROLE\"},{\"type\":\"PARTITION_AWARE\"}]}"

struct fixture {
    struct arena *arena;
    struct kinds *kinds;
    struct wire wire;
};

static struct fixture begin(void) {
    struct fixture fixture = {.arena = arena_new(), .kinds = kinds_new()};
    fixture.wire = (struct wire){fixture.arena, fixture.kinds};
    return fixture;
}

static void end(struct fixture *fixture) {
    arena_free(fixture->arena);
    kinds_free(fixture->kinds);
}

#define FIXTURE(name) __attribute__((cleanup(end))) struct fixture name = begin()

/* The bytes of a message that is written here as JSON. */
static struct text packed(struct fixture *fixture, const ProtobufCMessageDescriptor *type,
                          const char *json) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    ProtobufCMessage *message;
    struct error error;
    if (!json_parse(type, text_of(json), fixture->arena, NULL, &message, &error))
        fail_msg("%s", error.message);
    wire_pack(message, &out);
    return arena_text(fixture->arena, buf_text(&out));
}

static struct text kept(struct fixture *fixture, struct buf *out) {
    struct text text = arena_text(fixture->arena, buf_text(out));
    buf_fini(out);
    return text;
}

static const struct task_status status_of_t1 = {
    .task = {{"t1", 2}},
    .state = TASK_STATE_FAILED,
    .has_source = true,
    .source = TASK_SOURCE_AGENT,
    .has_reason = true,
    .reason = TASK_REASON_CONTAINER_LIMITATION_MEMORY,
    .message = {"too much", 8},
    .agent = {{"a1", 2}},
    .executor = {{"e1", 2}},
    .timestamp_ns = 1500000000,
    .has_uuid = true,
    .uuid = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .has_healthy = true,
    .healthy = true,
    .unreachable_time_ns = 99,
    .has_termination = true,
    .termination = {.signal = 9,
                    .out_of_memory = true,
                    .peak_memory_bytes = 1 << 20,
                    .cpu_time_ns = 5,
                    .wall_time_ns = 6,
                    .killed_by = {"kernel", 6},
                    .stderr_tail = {"bye\n", 4}},
    .carried = {"\x1a\x02hi", 4}, /* data */
};

static void assert_status_of_t1(const struct task_status *status) {
    assert_text_equal(status->task.text, "t1");
    assert_int_equal(status->state, TASK_STATE_FAILED);
    assert_int_equal(status->source, TASK_SOURCE_AGENT);
    assert_int_equal(status->reason, TASK_REASON_CONTAINER_LIMITATION_MEMORY);
    assert_text_equal(status->message, "too much");
    assert_text_equal(status->agent.text, "a1");
    assert_text_equal(status->executor.text, "e1");
    assert_int_equal(status->timestamp_ns, 1500000000);
    assert_true(status->has_uuid && uuid_equal(status->uuid, status_of_t1.uuid));
    assert_true(status->has_healthy && status->healthy);
    assert_int_equal(status->unreachable_time_ns, 99);
    assert_true(status->has_termination && !status->termination.exited);
    assert_int_equal(status->termination.signal, 9);
    assert_true(status->termination.out_of_memory);
    assert_int_equal(status->termination.peak_memory_bytes, 1 << 20);
    assert_text_equal(status->termination.killed_by, "kernel");
    assert_text_equal(status->termination.stderr_tail, "bye\n");
    assert_true(text_equal(status->carried, status_of_t1.carried));
}

TEST(a_task_status_survives_and_goes_on_as_it_came) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0}, again = {0};
    struct task_status status;
    task_status_encode(&status_of_t1, &out);

    assert_true(task_status_decode(&f.wire, buf_text(&out), &status, NULL));
    task_status_encode(&status, &again);

    assert_status_of_t1(&status);
    assert_true(text_equal(buf_text(&again), buf_text(&out)));
}

TEST(a_status_with_a_crooked_uuid_is_refused) {
    FIXTURE(f);
    struct task_status status;
    struct text bytes = packed(&f, &mesos__v1__task_status__descriptor,
                               "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_LOST\","
                               "\"uuid\":\"aGk=\"}");

    assert_false(task_status_decode(&f.wire, bytes, &status, NULL));
}

TEST(a_task_info_gives_what_is_decided_by_and_keeps_its_bytes) {
    FIXTURE(f);
    struct task_info info;
    struct text bytes = packed(&f, &mesos__v1__task_info__descriptor, TASK_JSON);

    assert_true(task_info_decode(&f.wire, bytes, &info, NULL));

    assert_text_equal(info.id.text, "t1");
    assert_int_equal(resources_scalar_milli(info.resources, KIND_CPUS), 500);
    assert_int_equal(resources_quantity_milli(info.resources, f.kinds, NAME_PORTS), 3000);
    assert_text_equal(info.resource_role, "dev");
    assert_true(info.command.shell && info.command.has_value);
    assert_text_equal(info.command.environment[0].value, "b");
    assert_int_equal(info.kill_grace_ns, 7);
    assert_int_equal(info.limit_count, 2);
    assert_true(text_equal(info.encoded, bytes));
}

TEST(a_task_whose_resources_make_no_sense_says_which_and_does_not_spoil_its_call) {
    static const char *const bad[] = {"{\"value\":-1}", "{\"value\":0.0004}",
                                      "{\"value\":\"Infinity\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FIXTURE(f);
        struct error error;
        struct task_info info;
        struct text bytes =
            packed(&f, &mesos__v1__task_info__descriptor,
                   arena_printf(f.arena,
                                "{\"name\":\"n\",\"task_id\":{\"value\":\"t\"},\"agent_id\":{"
                                "\"value\":\"a\"},\"resources\":[{\"name\":\"cpus\",\"type\":"
                                "\"SCALAR\",\"scalar\":%s}]}",
                                bad[i]));
        assert_true(task_info_decode(&f.wire, bytes, &info, &error));
        assert_true(resources_is_empty(info.resources));
        assert_non_null(memmem(info.fault.data, info.fault.size, "cpus", 4));
    }
}

TEST(a_kind_of_resource_that_nobody_has_is_refused_and_not_remembered) {
    FIXTURE(f);
    struct error error;
    struct task_info info;
    uint32_t name;
    struct text bytes =
        packed(&f, &mesos__v1__task_info__descriptor,
               "{\"name\":\"n\",\"task_id\":{\"value\":\"t\"},\"agent_id\":{\"value\":\"a\"},"
               "\"resources\":[{\"name\":\"unicorns\",\"type\":\"SCALAR\","
               "\"scalar\":{\"value\":1}}]}");
    f.wire.finds_only = true;

    assert_true(task_info_decode(&f.wire, bytes, &info, &error));

    assert_true(info.fault.size > 0);
    assert_false(kinds_find_name(f.wire.kinds, TEXT("unicorns"), &name));
}

TEST(a_framework_info_is_read_and_gets_its_id) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf with_id = {0};
    struct framework_info info;
    struct text bytes = packed(&f, &mesos__v1__framework_info__descriptor, FRAMEWORK_JSON);

    framework_info_with_id(&f.wire, bytes, framework_id_of(TEXT("f-0001")), &with_id);
    assert_true(framework_info_decode(&f.wire, buf_text(&with_id), &info, NULL));

    assert_text_equal(info.id.text, "f-0001");
    assert_int_equal(info.role_count, 2);
    assert_int_equal(info.role.size, 0);
    assert_true(framework_can(&info, FRAMEWORK_MULTI_ROLE));
    assert_false(framework_can(&info, FRAMEWORK_GPU_RESOURCES));
}

TEST(an_accept_hands_out_its_tasks_with_their_own_bytes) {
    FIXTURE(f);
    struct scheduler_call call;
    struct text task = packed(&f, &mesos__v1__task_info__descriptor, TASK_JSON);
    struct text bytes = packed(
        &f, &mesos__v1__scheduler__call__descriptor,
        "{\"framework_id\":{\"value\":\"f1\"},\"type\":\"ACCEPT\",\"accept\":{\"offer_ids\":[{"
        "\"value\":\"o1\"}],\"operations\":[{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":"
        "[" TASK_JSON "," TASK_JSON "]}}],\"filters\":{\"refuse_seconds\":2}}}");

    assert_true(scheduler_call_decode(&f.wire, bytes, &call, NULL));

    assert_int_equal(call.kind, SCHEDULER_CALL_ACCEPT);
    assert_text_equal(call.accept.offers[0].text, "o1");
    assert_int_equal(call.accept.operations[0].task_count, 2);
    assert_true(text_equal(call.accept.operations[0].tasks[1].encoded, task));
    assert_true(call.accept.has_refuse_seconds && call.accept.refuse_seconds == 2);
}

TEST(every_kind_of_call_wants_its_field) {
    for (int kind = SCHEDULER_CALL_SUBSCRIBE; kind <= SCHEDULER_CALL_UPDATE_FRAMEWORK; kind++) {
        FIXTURE(f);
        AUTO_FINI(buf_fini) struct buf out = {0};
        Mesos__V1__Scheduler__Call message = MESOS__V1__SCHEDULER__CALL__INIT;
        struct scheduler_call call;
        message.has_type = true;
        message.type = (Mesos__V1__Scheduler__Call__Type)kind;
        wire_pack(&message.base, &out);

        bool bare = kind == SCHEDULER_CALL_TEARDOWN || kind == SCHEDULER_CALL_REVIVE ||
                    kind == SCHEDULER_CALL_SUPPRESS ||
                    kind == SCHEDULER_CALL_ACKNOWLEDGE_OPERATION_STATUS ||
                    kind == SCHEDULER_CALL_RECONCILE_OPERATIONS;
        assert_int_equal(scheduler_call_decode(&f.wire, buf_text(&out), &call, NULL), bare);
    }
}

static Mesos__V1__Scheduler__Event *event_of(struct fixture *f,
                                             const struct scheduler_event *event) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    ProtobufCMessage *message;
    struct error error;
    scheduler_event_encode(&f->wire, event, &out);
    if (!wire_unpack(&mesos__v1__scheduler__event__descriptor, buf_text(&out), f->arena, &message,
                     &error))
        fail_msg("%s", error.message);
    return (Mesos__V1__Scheduler__Event *)message;
}

TEST(an_offer_is_written_as_the_framework_can_read_it) {
    FIXTURE(f);
    struct resources resources = {0};
    assert_true(resources_put_scalar(&resources, KIND_CPUS, 1500, NULL));
    struct offered offer = {.id = {TEXT("o1")},
                            .framework = {TEXT("f1")},
                            .agent = {TEXT("a1")},
                            .hostname = TEXT("h"),
                            .ip = TEXT("127.0.0.1"),
                            .port = 5051,
                            .role = TEXT("dev"),
                            .resources = &resources,
                            .attributes = TEXT("rack:r1;level:2")};
    struct scheduler_event event = {.kind = SCHEDULER_EVENT_OFFERS,
                                    .offers = {.offers = &offer, .offer_count = 1}};

    const Mesos__V1__Offer *old = event_of(&f, &event)->offers->offers[0];
    event.capabilities = 1 << FRAMEWORK_MULTI_ROLE | 1 << FRAMEWORK_RESERVATION_REFINEMENT;
    const Mesos__V1__Offer *new = event_of(&f, &event)->offers->offers[0];

    assert_null(old->allocation_info);
    assert_null(old->resources[0]->allocation_info);
    assert_string_equal(old->resources[0]->role, "*");
    assert_string_equal(new->allocation_info->role, "dev");
    assert_string_equal(new->resources[0]->allocation_info->role, "dev");
    assert_true(new->resources[0]->scalar->value == 1.5);
    assert_int_equal(new->n_attributes, 2);
    assert_int_equal(new->url->address->port, 5051);
    resources_fini(&resources);
}

TEST(an_offer_says_when_its_agent_will_be_away) {
    FIXTURE(f);
    struct resources resources = {0};
    const struct unavailability away = {5, 10}, for_ever = {6, -1};
    struct offered offer = {.id = {TEXT("o1")}, .resources = &resources, .unavailability = &away};
    struct inverse_offered inverse = {.id = {TEXT("o2")},
                                      .framework = {TEXT("f1")},
                                      .agent = {TEXT("a1")},
                                      .hostname = TEXT("h"),
                                      .unavailability = for_ever};
    struct scheduler_event event = {.kind = SCHEDULER_EVENT_OFFERS, .offers = {&offer, 1}};

    const Mesos__V1__Unavailability *said = event_of(&f, &event)->offers->offers[0]->unavailability;
    assert_int_equal(said->start->nanoseconds, 5);
    assert_int_equal(said->duration->nanoseconds, 10);
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_INVERSE_OFFERS,
                                     .inverse_offers = {&inverse, 1}};
    const Mesos__V1__InverseOffer *asked = event_of(&f, &event)->inverse_offers->inverse_offers[0];
    assert_string_equal(asked->id->value, "o2");
    assert_string_equal(asked->agent_id->value, "a1");
    assert_int_equal(asked->unavailability->start->nanoseconds, 6);
    assert_null(asked->unavailability->duration);
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_RESCIND_INVERSE_OFFER,
                                     .rescind = {TEXT("o2")}};
    assert_string_equal(event_of(&f, &event)->rescind_inverse_offer->inverse_offer_id->value, "o2");
}

TEST(every_event_of_a_scheduler_reads_back) {
    FIXTURE(f);
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_SUBSCRIBED,
        .subscribed = {.framework = {TEXT("f1")},
                       .heartbeat_seconds = 15,
                       .master = {.id = TEXT("m"), .ip = TEXT("127.0.0.1"), .port = 5050}}};
    assert_string_equal(event_of(&f, &event)->subscribed->master_info->pid,
                        "master@127.0.0.1:5050");
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_UPDATE, .update = status_of_t1};
    assert_string_equal(event_of(&f, &event)->update->status->task_id->value, "t1");
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_RESCIND, .rescind = {TEXT("o1")}};
    assert_string_equal(event_of(&f, &event)->rescind->offer_id->value, "o1");
    event = (struct scheduler_event){
        .kind = SCHEDULER_EVENT_FAILURE,
        .failure = {.agent = {TEXT("a1")}, .has_status = true, .status = -1}};
    assert_int_equal(event_of(&f, &event)->failure->status, -1);
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_ERROR, .error = TEXT("no")};
    assert_string_equal(event_of(&f, &event)->error->message, "no");
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_HEARTBEAT};
    assert_int_equal(event_of(&f, &event)->type, MESOS__V1__SCHEDULER__EVENT__TYPE__HEARTBEAT);
    event = (struct scheduler_event){.kind = SCHEDULER_EVENT_MESSAGE,
                                     .message = {{TEXT("a1")}, {TEXT("e1")}, TEXT("x\0y")}};
    assert_int_equal(event_of(&f, &event)->message->data.len, 3);
}

TEST(an_executor_speaks_and_is_spoken_to) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct executor_call call;
    struct text bytes = packed(
        &f, &mesos__v1__executor__call__descriptor,
        "{\"executor_id\":{\"value\":\"e\"},\"framework_id\":{\"value\":\"f\"},\"type\":"
        "\"SUBSCRIBE\","
        "\"subscribe\":{\"unacknowledged_tasks\":[" TASK_JSON "],\"unacknowledged_updates\":[{"
        "\"status\":{\"task_id\":{\"value\":\"t2\"},\"state\":\"TASK_RUNNING\"}}]}}");
    assert_true(executor_call_decode(&f.wire, bytes, &call, NULL));
    assert_text_equal(call.subscribe.tasks[0].id.text, "t1");
    assert_text_equal(call.subscribe.updates[0].task.text, "t2");

    struct executor_event event = {
        .kind = EXECUTOR_EVENT_KILL,
        .kill = {.task = {TEXT("t1")}, .has_grace = true, .grace_ns = 3}};
    Mesos__V1__Executor__Event *message;
    executor_event_encode(&f.wire, &event, &out);
    assert_true(wire_unpack(&mesos__v1__executor__event__descriptor, buf_text(&out), f.arena,
                            (ProtobufCMessage **)&message, NULL));
    assert_int_equal(message->kill->kill_policy->grace_period->nanoseconds, 3);
}

static struct agent_message agent_round(struct fixture *f, const struct agent_message *message) {
    struct buf out = {0};
    struct agent_message back;
    struct error error;
    agent_message_encode(&f->wire, message, &out);
    if (!agent_message_decode(&f->wire, kept(f, &out), &back, &error))
        fail_msg("%s", error.message);
    assert_int_equal(back.kind, message->kind);
    return back;
}

TEST(an_agent_registers_with_all_it_has) {
    FIXTURE(f);
    struct resources resources = {0};
    assert_true(resources_put_scalar(&resources, KIND_MEM, 64000, NULL));
    struct framework_report framework = {
        .id = {TEXT("f1")},
        .info = packed(&f, &mesos__v1__framework_info__descriptor, FRAMEWORK_JSON)};
    struct task_report task = {.framework = {TEXT("f1")},
                               .info = packed(&f, &mesos__v1__task_info__descriptor, TASK_JSON),
                               .role = TEXT("dev"),
                               .latest_state = TASK_STATE_RUNNING,
                               .sent_state = TASK_STATE_STARTING,
                               .has_sent_uuid = true,
                               .sent_uuid = status_of_t1.uuid,
                               .running_since_ns = 1700000000000000001,
                               .sent_ns = 1700000000000000002};
    struct agent_message message = {.kind = AGENT_MESSAGE_REGISTER,
                                    .register_agent = {.info = {.id = {TEXT("a1")},
                                                                .hostname = TEXT("h"),
                                                                .port = 5051,
                                                                .ip = TEXT("10.0.0.1"),
                                                                .version = TEXT("0.1.0"),
                                                                .attributes = TEXT("rack:r1"),
                                                                .resources = &resources},
                                                       .frameworks = &framework,
                                                       .framework_count = 1,
                                                       .tasks = &task,
                                                       .task_count = 1}};

    struct agent_message back = agent_round(&f, &message);

    assert_text_equal(back.register_agent.info.id.text, "a1");
    assert_text_equal(back.register_agent.info.ip, "10.0.0.1");
    assert_text_equal(back.register_agent.info.attributes, "rack:r1");
    assert_true(resources_equal(back.register_agent.info.resources, &resources));
    assert_true(text_equal(back.register_agent.frameworks[0].info, framework.info));
    assert_text_equal(back.register_agent.tasks[0].id.text, "t1");
    assert_int_equal(back.register_agent.tasks[0].sent_state, TASK_STATE_STARTING);
    assert_true(uuid_equal(back.register_agent.tasks[0].sent_uuid, status_of_t1.uuid));
    assert_int_equal(back.register_agent.tasks[0].running_since_ns, 1700000000000000001);
    assert_int_equal(back.register_agent.tasks[0].sent_ns, 1700000000000000002);
    resources_fini(&resources);
}

TEST(every_other_message_of_an_agent_survives) {
    FIXTURE(f);
    struct agent_message message = {.kind = AGENT_MESSAGE_UPDATE,
                                    .update = {{TEXT("f1")}, status_of_t1, TASK_STATE_LOST}};
    struct agent_message back = agent_round(&f, &message);
    assert_status_of_t1(&back.update.status);
    assert_int_equal(back.update.latest_state, TASK_STATE_LOST);
    message = (struct agent_message){.kind = AGENT_MESSAGE_EXECUTOR_EXITED,
                                     .executor_exited = {{TEXT("f")}, {TEXT("e")}, 1792}};
    assert_int_equal(agent_round(&f, &message).executor_exited.status, 1792);
    message = (struct agent_message){.kind = AGENT_MESSAGE_FRAMEWORK_MESSAGE,
                                     .framework_message = {{TEXT("f")}, {TEXT("e")}, TEXT("d")}};
    assert_text_equal(agent_round(&f, &message).framework_message.data, "d");
    message = (struct agent_message){.kind = AGENT_MESSAGE_PONG, .echo_ms = 17};
    assert_int_equal(agent_round(&f, &message).echo_ms, 17);
    message = (struct agent_message){.kind = AGENT_MESSAGE_UNREGISTER};
    agent_round(&f, &message);
    struct resources none = {0};
    message = (struct agent_message){.kind = AGENT_MESSAGE_RESOURCES, .resources = &none};
    assert_true(resources_is_empty(agent_round(&f, &message).resources));
}

TEST(bytes_in_our_messages_are_packed_like_the_message_itself) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf as_message = {0}, as_bytes = {0};
    struct text status = packed(&f, &mesos__v1__task_status__descriptor,
                                "{\"task_id\":{\"value\":\"t\"},\"state\":\"TASK_LOST\"}");
    Mesos__V1__Executor__Call__Update typed = MESOS__V1__EXECUTOR__CALL__UPDATE__INIT;
    Mesos__Internal__AgentMessage__Update carried = MESOS__INTERNAL__AGENT_MESSAGE__UPDATE__INIT;
    assert_true(wire_unpack(&mesos__v1__task_status__descriptor, status, f.arena,
                            (ProtobufCMessage **)&typed.status, NULL));
    wire_pack(&typed.base, &as_message);
    carried.framework_id = arena_string(f.arena, TEXT("f"));
    carried.status = (ProtobufCBinaryData){status.size, (uint8_t *)(uintptr_t)status.data};
    wire_pack(&carried.base, &as_bytes);

    /* the same payload, field 1 there and field 2 here */
    assert_memory_equal(as_message.data + 1, as_bytes.data + 3 + 1, status.size + 1);
}

static struct master_message master_round(struct fixture *f, const struct master_message *message) {
    struct buf out = {0};
    struct master_message back;
    struct error error;
    master_message_encode(&f->wire, message, &out);
    if (!master_message_decode(&f->wire, kept(f, &out), &back, &error))
        fail_msg("%s", error.message);
    assert_int_equal(back.kind, message->kind);
    return back;
}

TEST(every_message_of_a_master_survives) {
    FIXTURE(f);
    struct text framework = packed(&f, &mesos__v1__framework_info__descriptor, FRAMEWORK_JSON);
    struct master_message message = {
        .kind = MASTER_MESSAGE_RUN_TASK,
        .run_task = {.framework = {TEXT("f1")}, .framework_info = framework, .role = TEXT("dev")}};
    message.run_task.task.encoded = packed(&f, &mesos__v1__task_info__descriptor, TASK_JSON);
    assert_text_equal(master_round(&f, &message).run_task.task.id.text, "t1");
    message = (struct master_message){.kind = MASTER_MESSAGE_REGISTERED,
                                      .registered = {{TEXT("a1")}, 75000}};
    assert_int_equal(master_round(&f, &message).registered.ping_timeout_ms, 75000);
    message =
        (struct master_message){.kind = MASTER_MESSAGE_REFUSED, .refused = {TEXT("gone"), true}};
    assert_true(master_round(&f, &message).refused.stop);
    message = (struct master_message){.kind = MASTER_MESSAGE_PING, .echo_ms = 18};
    assert_int_equal(master_round(&f, &message).echo_ms, 18);
    message = (struct master_message){.kind = MASTER_MESSAGE_KILL_TASK,
                                      .kill_task = {{TEXT("f")}, {TEXT("t")}, true, 5, true}};
    assert_int_equal(master_round(&f, &message).kill_task.grace_ns, 5);
    message = (struct master_message){.kind = MASTER_MESSAGE_ACKNOWLEDGE,
                                      .acknowledge = {{TEXT("f")}, {TEXT("t")}, status_of_t1.uuid}};
    assert_true(uuid_equal(master_round(&f, &message).acknowledge.uuid, status_of_t1.uuid));
    message = (struct master_message){.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK,
                                      .shutdown_framework = {TEXT("f")}};
    assert_text_equal(master_round(&f, &message).shutdown_framework.text, "f");
    message = (struct master_message){.kind = MASTER_MESSAGE_SHUTDOWN_EXECUTOR,
                                      .executor = {{TEXT("f")}, {TEXT("e")}, {0}}};
    assert_text_equal(master_round(&f, &message).executor.executor.text, "e");
    message = (struct master_message){.kind = MASTER_MESSAGE_FRAMEWORK_MESSAGE,
                                      .executor = {{TEXT("f")}, {TEXT("e")}, TEXT("d")}};
    assert_text_equal(master_round(&f, &message).executor.data, "d");
    message = (struct master_message){.kind = MASTER_MESSAGE_UPDATE_FRAMEWORK,
                                      .update_framework = {{TEXT("f")}, framework}};
    assert_true(text_equal(master_round(&f, &message).update_framework.info, framework));
    struct task_key key = {{TEXT("f")}, {TEXT("t")}};
    message = (struct master_message){.kind = MASTER_MESSAGE_RECONCILE, .reconcile = {&key, 1}};
    assert_text_equal(master_round(&f, &message).reconcile.tasks[0].task.text, "t");
}

TEST(a_drain_and_a_dismissal_reach_the_agent) {
    FIXTURE(f);
    struct master_message message = {.kind = MASTER_MESSAGE_DRAIN, .drain = {true, 5, true}};
    struct master_message back = master_round(&f, &message);
    assert_true(back.drain.has_max_grace && back.drain.mark_gone);
    assert_int_equal(back.drain.max_grace_ns, 5);
    message = (struct master_message){.kind = MASTER_MESSAGE_DRAIN};
    assert_false(master_round(&f, &message).drain.has_max_grace);
    message = (struct master_message){.kind = MASTER_MESSAGE_REFUSED,
                                      .refused = {TEXT("gone"), true, true}};
    assert_true(master_round(&f, &message).refused.kill_tasks);
}

static struct agent_record record_round(struct fixture *f, const struct agent_record *record) {
    struct buf out = {0};
    struct agent_record back;
    agent_record_encode(&f->wire, record, &out);
    assert_true(agent_record_decode(&f->wire, kept(f, &out), &back, NULL));
    assert_int_equal(back.kind, record->kind);
    return back;
}

TEST(every_record_of_an_agent_survives) {
    FIXTURE(f);
    struct agent_record record = {.kind = AGENT_RECORD_SELF, .self = {{TEXT("a1")}, TEXT("boot")}};
    assert_text_equal(record_round(&f, &record).self.agent.text, "a1");
    record = (struct agent_record){.kind = AGENT_RECORD_FRAMEWORK,
                                   .framework = {{TEXT("f")}, TEXT("info")}};
    assert_text_equal(record_round(&f, &record).framework.info, "info");
    record = (struct agent_record){.kind = AGENT_RECORD_EXECUTOR,
                                   .executor = {.framework = {TEXT("f")},
                                                .info = TEXT("i"),
                                                .container = {TEXT("c")},
                                                .role = TEXT("dev"),
                                                .started = true,
                                                .pid = 77,
                                                .start_time = 88}};
    assert_int_equal(record_round(&f, &record).executor.start_time, 88);
    assert_text_equal(record_round(&f, &record).executor.role, "dev");
    record = (struct agent_record){.kind = AGENT_RECORD_TASK,
                                   .task = {.framework = {TEXT("f")},
                                            .info = TEXT("i"),
                                            .started = true,
                                            .pid = 5,
                                            .start_time = 6,
                                            .sandbox = TEXT("/s"),
                                            .latest_state = TASK_STATE_KILLING,
                                            .latest_ns = 21,
                                            .running_since_ns = 20,
                                            .launched_ns = 7,
                                            .kill_wanted = true,
                                            .killed_by = TEXT("operator")}};
    struct agent_record back = record_round(&f, &record);
    assert_int_equal(back.task.pid, 5);
    assert_text_equal(back.task.sandbox, "/s");
    assert_int_equal(back.task.latest_state, TASK_STATE_KILLING);
    assert_text_equal(back.task.killed_by, "operator");
    assert_int_equal(back.task.latest_ns, 21);
    assert_int_equal(back.task.running_since_ns, 20);
    record =
        (struct agent_record){.kind = AGENT_RECORD_UPDATE, .update = {{TEXT("f")}, status_of_t1}};
    back = record_round(&f, &record);
    assert_status_of_t1(&back.update.status);
    record = (struct agent_record){.kind = AGENT_RECORD_SANDBOX,
                                   .sandbox = {TEXT("/p"), {TEXT("f")}, {TEXT("t")}, 9, 1, 2}};
    assert_int_equal(record_round(&f, &record).sandbox.stderr_rotations, 2);
    record = (struct agent_record){.kind = AGENT_RECORD_LEASE, .lease_ms = 10};
    assert_int_equal(record_round(&f, &record).lease_ms, 10);
    record = (struct agent_record){.kind = AGENT_RECORD_DRAIN, .drain = {{true, 7, true}, 8}};
    back = record_round(&f, &record);
    assert_true(back.drain.terms.mark_gone);
    assert_int_equal(back.drain.terms.max_grace_ns, 7);
    assert_int_equal(back.drain.deadline_ns, 8);
}

TEST(every_record_of_the_registry_survives) {
    FIXTURE(f);
    const struct registry_record records[] = {
        {.kind = REGISTRY_AGENT, .agent_info = TEXT("info")},
        {.kind = REGISTRY_UNREACHABLE, .agent = {{TEXT("a1")}, 5}},
        {.kind = REGISTRY_GONE, .agent = {{TEXT("a1")}, 6}},
        {.kind = REGISTRY_FRAMEWORK, .framework = {{TEXT("f")}, TEXT("info"), 7}},
        {.kind = REGISTRY_MASTER, .master_id = TEXT("m")},
        {.kind = REGISTRY_ROLE, .role = {TEXT("eng"), 2500, NULL, 0}},
        {.kind = REGISTRY_MACHINE, .machine = {TEXT("h"), TEXT("10.0.0.1"), 1, 2, 3, -1, true}},
        {.kind = REGISTRY_MACHINE, .machine = {TEXT("h"), {0}, 1, 2, 3, 4, false}},
        {.kind = REGISTRY_REMOVED, .removed = {{TEXT("f")}, 8}},
    };
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        AUTO_FINI(buf_fini) struct buf out = {0}, again = {0};
        struct registry_record back;
        registry_record_encode(&f.wire, &records[i], &out);
        assert_true(registry_record_decode(&f.wire, buf_text(&out), &back, NULL));
        assert_int_equal(back.kind, records[i].kind);
        registry_record_encode(&f.wire, &back, &again);
        assert_true(text_equal(buf_text(&again), buf_text(&out)));
    }
}

static void encode_role(struct fixture *f, struct buf *out) {
    struct registry_record record = {.kind = REGISTRY_ROLE};
    record.role.name = TEXT("engineering");
    record.role.weight_milli = 2000;
    registry_record_encode(&f->wire, &record, out);
}

TEST(a_record_of_the_registry_with_any_one_bit_flipped_is_not_taken_for_a_sound_one) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct registry_record back;
    struct error error;
    enum { SUM_KEY = 5 }; /* from the end: without it there is no sum, and nothing is wrong */
    encode_role(&f, &out);

    for (size_t bit = 0; bit < out.size * 8; bit++) {
        if (bit / 8 == out.size - SUM_KEY)
            continue;
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(registry_record_decode(&f.wire, buf_text(&out), &back, &error));
        out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    out.data[6] ^= 2;
    assert_false(registry_record_decode(&f.wire, buf_text(&out), &back, &error));
    assert_non_null(strstr(error.message, "damaged: CRC32C "));
}

TEST(a_record_of_the_registry_that_an_older_version_wrote_without_a_sum_is_read) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct registry_record back;
    enum { SUM_BYTES = 5 };
    encode_role(&f, &out);

    out.size -= SUM_BYTES;

    assert_true(registry_record_decode(&f.wire, buf_text(&out), &back, NULL));
    assert_text_equal(back.role.name, "engineering");
}

TEST(what_comes_behind_the_sum_of_a_record_is_damage) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct registry_record back;
    struct error error;
    encode_role(&f, &out);

    put_varint(&out, 902, 7);

    assert_false(registry_record_decode(&f.wire, buf_text(&out), &back, &error));
    assert_non_null(strstr(error.message, "behind its sum"));
}

TEST(the_record_of_an_agent_keeps_how_it_is_drained) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    const struct registry_record record = {
        .kind = REGISTRY_UNREACHABLE,
        .agent = {{TEXT("a1")}, 5},
        .drain = {DRAIN_DRAINING, {true, 1800000000000, true}, 77, true}};
    struct registry_record back;

    registry_record_encode(&f.wire, &record, &out);
    assert_true(registry_record_decode(&f.wire, buf_text(&out), &back, NULL));

    assert_int_equal(back.drain.state, DRAIN_DRAINING);
    assert_true(back.drain.terms.has_max_grace && back.drain.terms.mark_gone);
    assert_int_equal(back.drain.terms.max_grace_ns, 1800000000000);
    assert_int_equal(back.drain.since_ns, 77);
    assert_true(back.drain.is_deactivated);
}

static bool contains(const struct buf *bytes, const char *part) {
    return memmem(bytes->data, bytes->size, part, strlen(part)) != NULL;
}

/* As a newer version would write it: fields 900 beside and inside what this one knows. */
static void put_newer(uint32_t own, uint32_t id_field, struct buf *out) {
    put_varint(out, 1, 1);
    put_bytes(out, 900, TEXT("outside"));
    size_t place = put_begin(out, own);
    put_bytes(out, id_field, TEXT("x"));
    put_varint(out, 2, 1000);
    put_bytes(out, 901, TEXT("inside"));
    put_end(out, place);
    put_varint(out, 902, 7);
}

TEST(what_a_newer_version_wrote_is_given_back_when_a_record_is_written_again) {
    FIXTURE(f);
    static const uint32_t owns[] = {3, 7}; /* an unreachable agent, a role */
    for (size_t i = 0; i < 2; i++) {
        AUTO_FINI(buf_fini) struct buf newer = {0}, again = {0};
        struct registry_record record, back;
        put_newer(owns[i], 1, &newer);

        assert_true(registry_record_decode(&f.wire, buf_text(&newer), &record, NULL));
        registry_record_encode(&f.wire, &record, &again);
        assert_true(registry_record_decode(&f.wire, buf_text(&again), &back, NULL));

        assert_true(contains(&again, "outside"));
        assert_true(contains(&again, "inside"));
        assert_true(text_equal(back.unknown, record.unknown));
    }
}

TEST(an_agent_that_comes_back_keeps_what_a_newer_version_wrote_of_it) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf newer = {0}, again = {0};
    struct registry_record away, back;
    put_newer(3, 1, &newer);
    assert_true(registry_record_decode(&f.wire, buf_text(&newer), &away, NULL));
    struct registry_record admitted = {
        .kind = REGISTRY_AGENT, .agent_info = TEXT("info"), .unknown = away.unknown};

    registry_record_encode(&f.wire, &admitted, &again);

    assert_true(registry_record_decode(&f.wire, buf_text(&again), &back, NULL));
    assert_int_equal(back.kind, REGISTRY_AGENT);
    assert_true(contains(&again, "outside"));
}

TEST(the_record_of_a_role_keeps_its_weight_and_each_line_of_its_quota) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf out = {0};
    const struct quota_config_line lines[] = {
        {TEXT("cpus"), 1500, 4000}, {TEXT("mem"), 1, INT64_MAX}, {TEXT("gizmo"), 0, 0}};
    const struct registry_record record = {.kind = REGISTRY_ROLE,
                                           .role = {TEXT("eng/ci"), 1000000000, lines, 3}};
    struct registry_record back;

    registry_record_encode(&f.wire, &record, &out);
    assert_true(registry_record_decode(&f.wire, buf_text(&out), &back, NULL));

    assert_text_equal(back.role.name, "eng/ci");
    assert_int_equal(back.role.weight_milli, 1000000000);
    assert_int_equal(back.role.line_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(text_equal(back.role.lines[i].name, lines[i].name));
        assert_int_equal(back.role.lines[i].guarantee_milli, lines[i].guarantee_milli);
        assert_int_equal(back.role.lines[i].limit_milli, lines[i].limit_milli);
    }
}

TEST(every_channel_message_survives) {
    FIXTURE(f);
    const struct channel_message messages[] = {
        {.kind = CHANNEL_OPEN,
         .channel = 3,
         .open = {.task = {TEXT("t")},
                  .stream = CHANNEL_STDERR,
                  .offset = 5,
                  .follow = true,
                  .window_bytes = 65536}},
        {.kind = CHANNEL_DATA, .channel = 3, .data = {9, TEXT("x\0y")}},
        {.kind = CHANNEL_WINDOW, .channel = 3, .window_bytes = 70000},
        {.kind = CHANNEL_CLOSE, .channel = 3, .close = {CHANNEL_END_NOT_FOUND, TEXT("no task")}},
    };
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        AUTO_FINI(buf_fini) struct buf out = {0}, again = {0};
        struct channel_message back;
        channel_message_encode(&messages[i], &out);
        assert_true(channel_message_decode(&f.wire, buf_text(&out), &back, NULL));
        assert_int_equal(back.kind, messages[i].kind);
        channel_message_encode(&back, &again);
        assert_true(text_equal(buf_text(&again), buf_text(&out)));
    }
}

TEST(a_large_message_inside_another_gets_a_long_length) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf large = {0};
    for (int i = 0; i < 100000; i++)
        buf_append_byte(&large, 'x');
    struct agent_message message = {
        .kind = AGENT_MESSAGE_FRAMEWORK_MESSAGE,
        .framework_message = {{TEXT("f")}, {TEXT("e")}, buf_text(&large)}};

    assert_int_equal(agent_round(&f, &message).framework_message.data.size, 100000);
}
