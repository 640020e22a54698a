/*
 * One printer for all messages, led by their descriptors: fields of interest alone, messages that
 * are but an id as their value, UUIDs cut short. Fields that are only carried, as bytes, are looked
 * into.
 */
#include "tests/sim/print.h"

#include "common/base/arena.h"
#include "common/model/frame_type.h"
#include "common/wire/wire_arena.h"
#include "internal/agent.pb-c.h"
#include "internal/channel.pb-c.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <ctype.h>

enum { DEPTH_LIMIT = 8 };

static const char *const shown_fields[] = {
    "type",
    "kind",
    "framework_id",
    "task_id",
    "agent_id",
    "executor_id",
    "offer_id",
    "offer_ids",
    "state",
    "latest_state",
    "sent_state",
    "reason",
    "message",
    "status",
    "tasks",
    "task",
    "id",
    "value",
    "offers",
    "operations",
    "launch",
    "task_infos",
    "subscribe",
    "subscribed",
    "accept",
    "decline",
    "kill",
    "acknowledge",
    "acknowledged",
    "reconcile",
    "update",
    "rescind",
    "failure",
    "error",
    "register_",
    "registered",
    "refused",
    "run_task",
    "kill_task",
    "executor",
    "executors",
    "frameworks",
    "uuid",
    "sent_uuid",
    "register",
    "stop",
    "channel",
    "end",
    "executor_exited",
    "unacknowledged_tasks",
    "unacknowledged_updates",
    "shutdown",
};

static bool is_shown(const char *name) {
    for (size_t i = 0; i < sizeof(shown_fields) / sizeof(shown_fields[0]); i++) {
        if (shown_fields[i][0] == name[0] && strcmp(shown_fields[i], name) == 0)
            return true;
    }
    return false;
}

/* --- text --- */

static bool is_uuid_at(struct text text, size_t at) {
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size - at < sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        char c = text.data[at + i];
        if (form[i] == '-' ? c != '-' : !isxdigit((unsigned char)c))
            return false;
    }
    return true;
}

static void put_text(struct buf *out, struct text text) {
    for (size_t i = 0; i < text.size; i++) {
        if (is_uuid_at(text, i)) {
            buf_append(out, text.data + i, 4);
            i += 35;
        } else {
            buf_append_byte(out, text.data[i] == '\n' ? ' ' : text.data[i]);
        }
    }
}

const char *print_text(struct world *world, struct text text) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    put_text(&out, text);
    return arena_string(world->scratch, buf_text(&out));
}

/* --- messages --- */

static void put_message(struct arena *arena, const ProtobufCMessage *message, int depth,
                        struct buf *out);

/* What a field of bytes holds, if we know. */
static const ProtobufCMessageDescriptor *carried(const ProtobufCMessageDescriptor *in,
                                                 const char *field) {
    if (!text_starts_with(text_of(in->name), TEXT("mesos.internal.")))
        return NULL;
    if (text_equal(text_of(field), TEXT("status")))
        return &mesos__v1__task_status__descriptor;
    if (text_equal(text_of(field), TEXT("task")))
        return &mesos__v1__task_info__descriptor;
    if (text_equal(text_of(field), TEXT("info")) &&
        text_ends_with(text_of(in->name), TEXT(".Task")))
        return &mesos__v1__task_info__descriptor;
    return NULL;
}

static ProtobufCMessage *unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
                                struct text bytes) {
    ProtobufCAllocator allocator = wire_arena_allocator(arena);
    return protobuf_c_message_unpack(descriptor, &allocator, bytes.size,
                                     (const uint8_t *)bytes.data);
}

static void put_bytes(struct arena *arena, const ProtobufCMessageDescriptor *in,
                      const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *data,
                      int depth, struct buf *out) {
    const ProtobufCMessageDescriptor *inner = carried(in, field->name);
    struct text bytes = {(const char *)data->data, data->len};
    ProtobufCMessage *message = inner != NULL ? unpack(arena, inner, bytes) : NULL;
    if (message != NULL)
        put_message(arena, message, depth + 1, out);
    else if (data->len == 16)
        buf_printf(out, "%02x%02x", data->data[0], data->data[1]);
    else
        buf_printf(out, "%zu bytes", data->len);
}

static void put_value(struct arena *arena, const ProtobufCMessageDescriptor *in,
                      const ProtobufCFieldDescriptor *field, const void *value, int depth,
                      struct buf *out) {
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        put_text(out, text_of(*(char *const *)value));
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        put_message(arena, *(ProtobufCMessage *const *)value, depth + 1, out);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        put_bytes(arena, in, field, value, depth, out);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumValue *known =
            protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)value);
        buf_append_string(out, known != NULL ? known->name : "?");
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        buf_append_string(out, *(const protobuf_c_boolean *)value ? "yes" : "no");
    } else if (field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_INT64) {
        buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)value);
    } else {
        buf_printf(out, "%u", *(const uint32_t *)value);
    }
}

static size_t size_of(const ProtobufCFieldDescriptor *field) {
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    }
    return 4;
}

static bool is_there(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    const char *base = (const char *)message;
    const void *member = base + field->offset;
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)member != NULL && *(void *const *)member != field->default_value;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    return *(const protobuf_c_boolean *)(base + field->quantifier_offset) != 0;
}

static void put_field(struct arena *arena, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field, int depth, struct buf *out) {
    const char *base = (const char *)message;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        put_value(arena, message->descriptor, field, base + field->offset, depth, out);
        return;
    }
    size_t count = *(const size_t *)(base + field->quantifier_offset);
    const char *items = *(const char *const *)(base + field->offset);
    buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_byte(out, ' ');
        put_value(arena, message->descriptor, field, items + i * size_of(field), depth, out);
    }
    buf_append_byte(out, ']');
}

static void put_message(struct arena *arena, const ProtobufCMessage *message, int depth,
                        struct buf *out) {
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    bool is_id =
        descriptor->n_fields == 1 && text_equal(text_of(descriptor->fields[0].name), TEXT("value"));
    size_t put = 0;
    if (depth > DEPTH_LIMIT)
        return;
    if (depth > 0 && !is_id)
        buf_append_byte(out, '{');
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
        bool shown = is_shown(field->name) || carried(descriptor, field->name) != NULL;
        if (!shown ||
            (is_list && *(const size_t *)((const char *)message + field->quantifier_offset) == 0) ||
            (!is_list && !is_there(message, field)))
            continue;
        if (put++ > 0)
            buf_append_byte(out, ' ');
        if (!is_id && field->type != PROTOBUF_C_TYPE_ENUM)
            buf_printf(out, "%s=", field->name);
        put_field(arena, message, field, depth, out);
    }
    if (depth > 0 && !is_id)
        buf_append_byte(out, '}');
}

static const ProtobufCMessageDescriptor *descriptor_of(uint16_t type) {
    switch ((enum frame_type)type) {
    case FRAME_SCHEDULER_CALL: return &mesos__v1__scheduler__call__descriptor;
    case FRAME_SCHEDULER_EVENT: return &mesos__v1__scheduler__event__descriptor;
    case FRAME_EXECUTOR_CALL: return &mesos__v1__executor__call__descriptor;
    case FRAME_EXECUTOR_EVENT: return &mesos__v1__executor__event__descriptor;
    case FRAME_AGENT_MESSAGE: return &mesos__internal__agent_message__descriptor;
    case FRAME_MASTER_MESSAGE: return &mesos__internal__master_message__descriptor;
    case FRAME_CHANNEL: return &mesos__internal__channel_message__descriptor;
    }
    return NULL;
}

const char *print_frame(struct world *world, uint16_t type, struct text payload) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(type);
    arena_reset(world->scratch);
    ProtobufCMessage *message =
        descriptor != NULL ? unpack(world->scratch, descriptor, payload) : NULL;
    if (message == NULL)
        return "(unreadable)";
    put_message(world->scratch, message, 0, &out);
    return arena_string(world->scratch, buf_text(&out));
}

const char *print_callback(enum driver_callback_kind kind) {
    static const char *const names[] = {
        [CALLBACK_REGISTERED] = "registered",
        [CALLBACK_REREGISTERED] = "reregistered",
        [CALLBACK_DISCONNECTED] = "disconnected",
        [CALLBACK_OFFERS] = "offers",
        [CALLBACK_OFFER_RESCINDED] = "offer_rescinded",
        [CALLBACK_INVERSE_OFFERS] = "inverse_offers",
        [CALLBACK_INVERSE_OFFER_RESCINDED] = "inverse_offer_rescinded",
        [CALLBACK_STATUS_UPDATE] = "status_update",
        [CALLBACK_FRAMEWORK_MESSAGE] = "framework_message",
        [CALLBACK_AGENT_LOST] = "agent_lost",
        [CALLBACK_EXECUTOR_LOST] = "executor_lost",
        [CALLBACK_ERROR] = "error",
        [CALLBACK_OUTPUT] = "output",
        [CALLBACK_CALL_DROPPED] = "call_dropped",
        [CALLBACK_CONNECT_FAILED] = "connect_failed",
        [CALLBACK_LAUNCH_TASK] = "launch_task",
        [CALLBACK_KILL_TASK] = "kill_task",
        [CALLBACK_SHUTDOWN] = "shutdown",
    };
    return names[kind];
}
