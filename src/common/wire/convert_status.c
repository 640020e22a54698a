/*
 * Task statuses: the one message that passes by the hundred thousand. What we know goes into the
 * value; what is only carried stays the bytes it came in.
 */
#include "common/wire/convert.h"

#include <math.h>

#define NS_PER_SECOND 1e9
#define SECONDS_LIMIT 9e9 /* what still fits int64_t in nanoseconds */

static int64_t seconds_to_ns(double seconds) {
    if (!(seconds > -SECONDS_LIMIT && seconds < SECONDS_LIMIT))
        return 0;
    return (int64_t)llround(seconds * NS_PER_SECOND);
}

static bool is_known_field(uint32_t number) {
    switch (number) {
    case 1:
    case 2:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 14:
    case 1000: return true;
    default: return false;
    }
}

/* A view of the bytes while the carried fields lie side by side, a copy in the arena when they do
 * not. */
static struct text carried_fields(struct wire *wire, struct text bytes) {
    struct text rest = bytes, carried = {0};
    struct slice slice;
    while (slice_next(&rest, &slice)) {
        if (is_known_field(slice.number))
            continue;
        if (carried.data == NULL) {
            carried = slice.whole;
        } else if (carried.data + carried.size == slice.whole.data) {
            carried.size += slice.whole.size;
        } else {
            char *joined = arena_alloc(wire->arena, carried.size + slice.whole.size);
            memcpy(joined, carried.data, carried.size);
            memcpy(joined + carried.size, slice.whole.data, slice.whole.size);
            carried = (struct text){joined, carried.size + slice.whole.size};
        }
    }
    return carried;
}

static struct termination read_termination(const Mesos__V1__Termination *from) {
    return (struct termination){
        .exited = from->has_exit_code,
        .exit_code = from->exit_code,
        .signal = from->signal,
        .core_dumped = from->core_dumped,
        .out_of_memory = from->oom,
        .peak_memory_bytes = from->peak_memory_bytes,
        .cpu_time_ns = from->cpu_time_ns,
        .wall_time_ns = from->wall_time_ns,
        .killed_by = text_of(from->killed_by),
        .stderr_tail = text_of(from->stderr_tail),
    };
}

bool task_status_convert(struct wire *wire, const Mesos__V1__TaskStatus *from, struct text encoded,
                         struct task_status *out, struct error *error) {
    struct task_status status = {
        .task = task_id_of(text_of(from->task_id->value)),
        .state = (enum task_state)from->state,
        .has_source = from->has_source,
        .source = (enum task_source)from->source,
        .has_reason = from->has_reason,
        .reason = from->has_reason ? (enum task_reason)from->reason : TASK_REASON_NONE,
        .message = text_of(from->message),
        .agent = agent_id_of(ID_TEXT(from->agent_id)),
        .executor = executor_id_of(ID_TEXT(from->executor_id)),
        .timestamp_ns = from->has_timestamp ? seconds_to_ns(from->timestamp) : 0,
        .has_uuid = from->has_uuid,
        .has_healthy = from->has_healthy,
        .healthy = from->healthy,
        .unreachable_time_ns =
            from->unreachable_time != NULL ? from->unreachable_time->nanoseconds : 0,
        .has_termination = from->termination != NULL,
        .carried = carried_fields(wire, encoded),
        .encoded = encoded,
    };
    if (from->has_uuid && !uuid_from_bytes(bytes_text(from->uuid), &status.uuid))
        return fail(error, ERROR_INVALID, "TaskStatus.uuid has %zu bytes instead of 16",
                    from->uuid.len);
    if (from->termination != NULL)
        status.termination = read_termination(from->termination);
    *out = status;
    return true;
}

bool task_status_decode(struct wire *wire, struct text bytes, struct task_status *out,
                        struct error *error) {
    Mesos__V1__TaskStatus *message;
    return CONVERT_UNPACK(mesos__v1__task_status, wire, bytes, &message, error) &&
           task_status_convert(wire, message, bytes, out, error);
}

static void put_termination(const struct termination *from, struct buf *out) {
    size_t place = put_begin(out, 1000);
    if (from->exited)
        put_int(out, 1000, from->exit_code);
    else
        put_int(out, 1001, from->signal);
    if (from->core_dumped)
        put_varint(out, 1002, 1);
    if (from->out_of_memory)
        put_varint(out, 1003, 1);
    if (from->peak_memory_bytes > 0)
        put_varint(out, 1004, from->peak_memory_bytes);
    put_some(out, 1005, from->killed_by);
    put_some(out, 1006, from->stderr_tail);
    put_varint(out, 1007, from->cpu_time_ns);
    put_varint(out, 1008, from->wall_time_ns);
    put_end(out, place);
}

/* Times are doubles in seconds on the wire: good for a microsecond. */
static void put_status_rest(const struct task_status *status, struct buf *out) {
    if (status->timestamp_ns != 0)
        put_double(out, 6, (double)status->timestamp_ns / NS_PER_SECOND);
    if (status->has_healthy)
        put_varint(out, 8, status->healthy);
    if (status->has_uuid)
        put_bytes(out, 11, uuid_text(&status->uuid));
    if (status->unreachable_time_ns != 0) {
        size_t place = put_begin(out, 14);
        put_int(out, 1, status->unreachable_time_ns);
        put_end(out, place);
    }
    if (status->has_termination)
        put_termination(&status->termination, out);
}

void task_status_encode(const struct task_status *status, struct buf *out) {
    if (status->encoded.size > 0) {
        buf_append_text(out, status->encoded);
        return;
    }
    put_id(out, 1, status->task.text);
    put_int(out, 2, status->state);
    put_some(out, 4, status->message);
    put_some_id(out, 5, status->agent.text);
    put_some_id(out, 7, status->executor.text);
    if (status->has_source)
        put_int(out, 9, status->source);
    if (status->has_reason && status->reason != TASK_REASON_NONE)
        put_int(out, 10, status->reason);
    put_status_rest(status, out);
    buf_append_text(out, status->carried);
}
