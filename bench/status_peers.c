#include "status_peers.h"

#include "support.h"

#include "common/base/mem.h"
#include "common/model/frame_type.h"
#include "common/model/resources_text.h"
#include "common/wire/codec.h"
#include "common/wire/put.h"
#include "common/wire/slice.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <stdio.h>

enum { DIGITS = 8 };
#define TASK_PREFIX "batch-"

static const struct uuid marker = {
    {0xf0, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 0xf1}};

void status_peers_init(struct status_peers *peers, size_t task_count) {
    peers->task_count = task_count;
    peers->sent = mem_resize(NULL, task_count, sizeof(*peers->sent));
    peers->wire = (struct wire){.arena = arena_new(), .kinds = kinds_new()};
}

void status_peers_fini(struct status_peers *peers) {
    buf_fini(&peers->framework_id);
    buf_fini(&peers->agent_id);
    buf_fini(&peers->update.bytes);
    buf_fini(&peers->acknowledge.bytes);
    mem_free(peers->sent);
    arena_free(peers->wire.arena);
    kinds_free(peers->wire.kinds);
}

/* --- messages whose bytes are known beforehand --- */

static void find_places(struct changing_message *message) {
    const char *data = message->bytes.data;
    const char *id = memmem(data, message->bytes.size, TASK_PREFIX, strlen(TASK_PREFIX));
    const char *uuid = memmem(data, message->bytes.size, &marker, sizeof(marker));
    if (id == NULL || uuid == NULL)
        bench_fail("message", "no task id or uuid in it");
    message->digits_at = (size_t)(id - data) + strlen(TASK_PREFIX);
    message->uuid_at = (size_t)(uuid - data);
}

static void make_update(struct status_peers *peers) {
    struct agent_message message = {
        .kind = AGENT_MESSAGE_UPDATE,
        .update = {.framework = {buf_text(&peers->framework_id)},
                   .latest_state = TASK_STATE_RUNNING,
                   .status = {.task = {TEXT(TASK_PREFIX "00000000")},
                              .state = TASK_STATE_RUNNING,
                              .has_source = true,
                              .source = TASK_SOURCE_EXECUTOR,
                              .message = TEXT("the container is up"),
                              .agent = {buf_text(&peers->agent_id)},
                              .timestamp_ns = INT64_C(1700000000123456000),
                              .has_uuid = true,
                              .uuid = marker,
                              .has_healthy = true,
                              .healthy = true}}};
    agent_message_encode(&peers->wire, &message, &peers->update.bytes);
    find_places(&peers->update);
}

static void make_acknowledge(struct status_peers *peers) {
    struct buf *out = &peers->acknowledge.bytes;
    put_id(out, 1, buf_text(&peers->framework_id));
    put_int(out, 2, SCHEDULER_CALL_ACKNOWLEDGE);
    size_t place = put_begin(out, 8);
    put_id(out, 1, buf_text(&peers->agent_id));
    put_id(out, 2, TEXT(TASK_PREFIX "00000000"));
    put_bytes(out, 3, uuid_text(&marker));
    put_end(out, place);
    find_places(&peers->acknowledge);
}

static struct text change(struct changing_message *message, size_t task, const struct uuid *uuid) {
    char *digit = message->bytes.data + message->digits_at + DIGITS;
    for (int i = 0; i < DIGITS; i++, task /= 10)
        *--digit = (char)('0' + task % 10);
    memcpy(message->bytes.data + message->uuid_at, uuid, sizeof(*uuid));
    return buf_text(&message->bytes);
}

/* --- getting there --- */

void status_peers_register(struct status_peers *peers) {
    AUTO_FINI(resources_fini) struct resources total = {0};
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct error error;
    if (!resources_parse(peers->wire.kinds, TEXT("cpus:100000;mem:10000000"), TEXT("*"), &total,
                         NULL, &error))
        bench_fail("resources", error.message);
    struct agent_message message = {.kind = AGENT_MESSAGE_REGISTER,
                                    .register_agent.info = {.hostname = TEXT("node1"),
                                                            .ip = TEXT("127.0.0.1"),
                                                            .port = 5051,
                                                            .resources = &total,
                                                            .version = TEXT(MESOS_VERSION)}};
    agent_message_encode(&peers->wire, &message, &bytes);
    peers->send(peers->self, PEER_AGENT, FRAME_AGENT_MESSAGE, buf_text(&bytes));
}

void status_peers_subscribe(struct status_peers *peers) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_int(&bytes, 2, SCHEDULER_CALL_SUBSCRIBE);
    size_t call = put_begin(&bytes, 3), info = put_begin(&bytes, 1);
    put_bytes(&bytes, 1, TEXT("nobody"));
    put_bytes(&bytes, 2, TEXT("status_updates"));
    put_end(&bytes, info);
    put_end(&bytes, call);
    peers->send(peers->self, PEER_FRAMEWORK, FRAME_SCHEDULER_CALL, buf_text(&bytes));
}

static void put_scalar(struct buf *out, const char *name, double value) {
    size_t place = put_begin(out, 4);
    put_bytes(out, 1, text_of(name));
    put_int(out, 2, 0);
    size_t scalar = put_begin(out, 3);
    put_double(out, 1, value);
    put_end(out, scalar);
    put_end(out, place);
}

static void put_task(struct status_peers *peers, struct buf *out, size_t number) {
    char id[64];
    snprintf(id, sizeof(id), TASK_PREFIX "%08zu", number);
    size_t place = put_begin(out, 1);
    put_bytes(out, 1, TEXT("task"));
    put_id(out, 2, text_of(id));
    put_id(out, 3, buf_text(&peers->agent_id));
    put_scalar(out, "cpus", 0.1);
    put_scalar(out, "mem", 32);
    size_t command = put_begin(out, 7);
    put_bytes(out, 3, TEXT("sleep 1000"));
    put_end(out, command);
    put_end(out, place);
}

static void accept_offer(struct status_peers *peers, struct text offer) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_id(&bytes, 1, buf_text(&peers->framework_id));
    put_int(&bytes, 2, SCHEDULER_CALL_ACCEPT);
    size_t accept = put_begin(&bytes, 4);
    put_id(&bytes, 1, offer);
    size_t operation = put_begin(&bytes, 2);
    put_int(&bytes, 1, OPERATION_LAUNCH);
    size_t launch = put_begin(&bytes, 2);
    for (size_t i = 0; i < peers->task_count; i++)
        put_task(peers, &bytes, i);
    put_end(&bytes, launch);
    put_end(&bytes, operation);
    /* The rest of the agent is not wanted again while this runs. */
    size_t filters = put_begin(&bytes, 3);
    put_double(&bytes, 1, 100000);
    put_end(&bytes, filters);
    put_end(&bytes, accept);
    peers->send(peers->self, PEER_FRAMEWORK, FRAME_SCHEDULER_CALL, buf_text(&bytes));
}

static void take_offers(struct status_peers *peers, const Mesos__V1__Scheduler__Event *event) {
    if (event->offers->n_offers != 1 || peers->update.bytes.size > 0)
        bench_fail("offers", "more than the one of the only agent");
    make_update(peers);
    make_acknowledge(peers);
    accept_offer(peers, text_of(event->offers->offers[0]->id->value));
}

static void hear_event(struct status_peers *peers, struct text payload) {
    ProtobufCMessage *message;
    struct error error;
    if (!wire_unpack(&mesos__v1__scheduler__event__descriptor, payload, peers->wire.arena, &message,
                     &error))
        bench_fail("event", error.message);
    const Mesos__V1__Scheduler__Event *event = (const Mesos__V1__Scheduler__Event *)message;
    if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED)
        buf_append_string(&peers->framework_id, event->subscribed->framework_id->value);
    else if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS)
        take_offers(peers, event);
    else if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR)
        bench_fail("the master says", event->error->message);
    arena_reset(peers->wire.arena);
}

static void hear_order(struct status_peers *peers, struct text payload) {
    struct master_message message;
    struct error error;
    if (!master_message_decode(&peers->wire, payload, &message, &error))
        bench_fail("master's message", error.message);
    if (message.kind == MASTER_MESSAGE_REGISTERED) {
        buf_append_text(&peers->agent_id, message.registered.agent.text);
    } else if (message.kind == MASTER_MESSAGE_RUN_TASK) {
        peers->launched++;
    } else if (message.kind == MASTER_MESSAGE_PING) {
        AUTO_FINI(buf_fini) struct buf bytes = {0};
        agent_message_encode(&peers->wire, &(struct agent_message){.kind = AGENT_MESSAGE_PONG},
                             &bytes);
        peers->send(peers->self, PEER_AGENT, FRAME_AGENT_MESSAGE, buf_text(&bytes));
    } else if (message.kind == MASTER_MESSAGE_REFUSED) {
        bench_fail("the agent", "is refused");
    }
    arena_reset(peers->wire.arena);
}

/* --- the loop that is measured --- */

static void send_update(struct status_peers *peers, size_t task) {
    struct uuid *uuid = &peers->sent[task];
    *uuid = marker;
    peers->updates++;
    memcpy(uuid->bytes + 1, &peers->updates, sizeof(peers->updates) - 2);
    peers->send(peers->self, PEER_AGENT, FRAME_AGENT_MESSAGE, change(&peers->update, task, uuid));
}

static size_t task_number(const struct status_peers *peers, struct text id) {
    uint64_t number;
    if (id.size != strlen(TASK_PREFIX) + DIGITS ||
        !text_to_u64(text_sub(id, strlen(TASK_PREFIX), DIGITS), &number) ||
        number >= peers->task_count)
        bench_fail("a message", "names no task of ours");
    return (size_t)number;
}

static void check_uuid(const struct status_peers *peers, size_t task, struct text uuid) {
    if (!text_equal(uuid, uuid_text(&peers->sent[task])))
        bench_fail("a message", "carries another uuid than was sent last");
}

/* An Event UPDATE: {update = 5 {status = 1 {task_id = 1 {value = 1}, uuid = 11}}}. */
static void hear_update(struct status_peers *peers, struct text update) {
    struct text status = slice_find(&update, 1), rest = status, id = slice_find(&rest, 1);
    size_t task = task_number(peers, slice_find(&id, 1));
    check_uuid(peers, task, slice_find(&rest, 11));
    peers->send(peers->self, PEER_FRAMEWORK, FRAME_SCHEDULER_CALL,
                change(&peers->acknowledge, task, &peers->sent[task]));
}

/* A MasterMessage ACKNOWLEDGE: {acknowledge = 7 {framework_id = 1, task_id = 2, uuid = 3}}. */
static void hear_acknowledge(struct status_peers *peers, struct text acknowledge) {
    size_t task = task_number(peers, slice_find(&acknowledge, 2));
    check_uuid(peers, task, slice_find(&acknowledge, 3));
    peers->acknowledged++;
    send_update(peers, task);
}

bool status_peers_are_ready(const struct status_peers *peers) {
    return peers->launched == peers->task_count;
}

void status_peers_begin(struct status_peers *peers) {
    for (size_t i = 0; i < peers->task_count; i++)
        send_update(peers, i);
}

void status_peers_hear(struct status_peers *peers, enum peer_role who, struct text payload) {
    struct text rest = payload;
    struct text part = slice_find(&rest, who == PEER_AGENT ? 7 : 5);
    if (part.data == NULL && who == PEER_AGENT)
        hear_order(peers, payload);
    else if (part.data == NULL)
        hear_event(peers, payload);
    else if (who == PEER_AGENT)
        hear_acknowledge(peers, part);
    else
        hear_update(peers, part);
}
