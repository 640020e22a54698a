/*
 * mesos.v1.executor: what custom executors and their agent say to each other.
 */
#include "common/wire/convert.h"

#include "mesos/v1/executor/executor.pb-c.h"

static bool missing(struct error *error, const char *field) {
    return fail(error, ERROR_INVALID, "an executor call without its field %s", field);
}

static bool read_update(struct wire *wire, const Mesos__V1__Executor__Call__Update *from,
                        struct text bytes, struct task_status *out, struct error *error) {
    return task_status_convert(
        wire, from->status, slice_of(wire->arena, bytes, 1, (const ProtobufCMessage *)from->status),
        out, error);
}

static bool read_subscribe(struct wire *wire, const Mesos__V1__Executor__Call__Subscribe *from,
                           struct text bytes, struct executor_call *out, struct error *error) {
    struct task_info *tasks =
        ARENA_ARRAY(wire->arena, struct task_info, from->n_unacknowledged_tasks);
    struct task_status *updates =
        ARENA_ARRAY(wire->arena, struct task_status, from->n_unacknowledged_updates);
    struct text rest = bytes;
    for (size_t i = 0; i < from->n_unacknowledged_tasks; i++) {
        if (!task_info_convert(wire, from->unacknowledged_tasks[i], slice_find(&rest, 1), &tasks[i],
                               error))
            return false;
    }
    rest = bytes;
    for (size_t i = 0; i < from->n_unacknowledged_updates; i++) {
        if (!read_update(wire, from->unacknowledged_updates[i], slice_find(&rest, 2), &updates[i],
                         error))
            return false;
    }
    out->subscribe.tasks = tasks;
    out->subscribe.task_count = from->n_unacknowledged_tasks;
    out->subscribe.updates = updates;
    out->subscribe.update_count = from->n_unacknowledged_updates;
    return true;
}

static bool read_call(struct wire *wire, const Mesos__V1__Executor__Call *from, struct text bytes,
                      struct executor_call *out, struct error *error) {
    switch (out->kind) {
    case EXECUTOR_CALL_SUBSCRIBE:
        if (from->subscribe == NULL)
            return missing(error, "subscribe");
        bytes = slice_of(wire->arena, bytes, 4, (const ProtobufCMessage *)from->subscribe);
        return read_subscribe(wire, from->subscribe, bytes, out, error);
    case EXECUTOR_CALL_UPDATE:
        if (from->update == NULL)
            return missing(error, "update");
        bytes = slice_of(wire->arena, bytes, 5, (const ProtobufCMessage *)from->update);
        return read_update(wire, from->update, bytes, &out->update, error);
    case EXECUTOR_CALL_MESSAGE:
        if (from->message == NULL)
            return missing(error, "message");
        out->message = bytes_text(from->message->data);
        return true;
    case EXECUTOR_CALL_UNKNOWN:
    case EXECUTOR_CALL_HEARTBEAT: return true;
    }
    return true;
}

bool executor_call_decode(struct wire *wire, struct text bytes, struct executor_call *out,
                          struct error *error) {
    Mesos__V1__Executor__Call *message;
    if (!CONVERT_UNPACK(mesos__v1__executor__call, wire, bytes, &message, error))
        return false;
    struct executor_call call = {
        .kind = message->has_type ? (enum executor_call_kind)message->type : EXECUTOR_CALL_UNKNOWN,
        .executor = executor_id_of(text_of(message->executor_id->value)),
        .framework = framework_id_of(text_of(message->framework_id->value)),
    };
    if (!read_call(wire, message, bytes, &call, error))
        return false;
    *out = call;
    return true;
}

static void put_kill(const struct executor_event *event, struct buf *out) {
    put_id(out, 1, event->kill.task.text);
    if (!event->kill.has_grace)
        return;
    size_t policy = put_begin(out, 2);
    size_t grace = put_begin(out, 1);
    put_int(out, 1, event->kill.grace_ns);
    put_end(out, grace);
    put_end(out, policy);
}

/* The number of the field that goes with the kind; 0 for none. */
static uint32_t event_field(enum executor_event_kind kind) {
    switch (kind) {
    case EXECUTOR_EVENT_SUBSCRIBED: return 2;
    case EXECUTOR_EVENT_ACKNOWLEDGED: return 3;
    case EXECUTOR_EVENT_LAUNCH: return 4;
    case EXECUTOR_EVENT_KILL: return 5;
    case EXECUTOR_EVENT_MESSAGE: return 6;
    case EXECUTOR_EVENT_ERROR: return 7;
    case EXECUTOR_EVENT_SHUTDOWN:
    case EXECUTOR_EVENT_LAUNCH_GROUP:
    case EXECUTOR_EVENT_HEARTBEAT: return 0;
    }
    return 0;
}

static void put_event(const struct executor_event *event, struct buf *out) {
    switch (event->kind) {
    case EXECUTOR_EVENT_SUBSCRIBED:
        put_bytes(out, 1, event->subscribed.executor_info);
        put_bytes(out, 2, event->subscribed.framework_info);
        put_bytes(out, 3, event->subscribed.agent_info);
        put_some_id(out, 4, event->subscribed.container.text);
        return;
    case EXECUTOR_EVENT_ACKNOWLEDGED:
        put_id(out, 1, event->acknowledged.task.text);
        put_bytes(out, 2, uuid_text(&event->acknowledged.uuid));
        return;
    case EXECUTOR_EVENT_LAUNCH: put_bytes(out, 1, event->launch); return;
    case EXECUTOR_EVENT_KILL: put_kill(event, out); return;
    case EXECUTOR_EVENT_MESSAGE: put_bytes(out, 1, event->message); return;
    case EXECUTOR_EVENT_ERROR: put_bytes(out, 1, event->error); return;
    case EXECUTOR_EVENT_SHUTDOWN:
    case EXECUTOR_EVENT_LAUNCH_GROUP:
    case EXECUTOR_EVENT_HEARTBEAT: return;
    }
}

void executor_event_encode(struct wire *wire, const struct executor_event *event, struct buf *out) {
    (void)wire;
    uint32_t field = event_field(event->kind);
    put_int(out, 1, event->kind);
    if (field == 0)
        return;
    size_t place = put_begin(out, field);
    put_event(event, out);
    put_end(out, place);
}
