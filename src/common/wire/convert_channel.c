/*
 * mesos.internal.ChannelMessage. Field numbers are those of proto/internal/channel.proto.
 */
#include "common/wire/convert.h"

#include "internal/channel.pb-c.h"

static void put_open(const struct channel_message *message, struct buf *out) {
    size_t place = put_begin(out, 3);
    put_some(out, 1, message->open.framework.text);
    put_bytes(out, 2, message->open.task.text);
    put_some(out, 3, message->open.agent.text);
    put_int(out, 4, message->open.stream);
    put_varint(out, 5, message->open.offset);
    put_varint(out, 6, message->open.follow);
    put_varint(out, 7, message->open.window_bytes);
    put_end(out, place);
}

void channel_message_encode(const struct channel_message *message, struct buf *out) {
    size_t place;
    put_int(out, 1, message->kind);
    put_varint(out, 2, message->channel);
    switch (message->kind) {
    case CHANNEL_OPEN: put_open(message, out); return;
    case CHANNEL_DATA:
        place = put_begin(out, 4);
        put_varint(out, 1, message->data.offset);
        put_bytes(out, 2, message->data.bytes);
        put_end(out, place);
        return;
    case CHANNEL_WINDOW: put_varint(out, 5, message->window_bytes); return;
    case CHANNEL_CLOSE:
        place = put_begin(out, 6);
        put_int(out, 1, message->close.end);
        put_some(out, 2, message->close.message);
        put_end(out, place);
        return;
    }
}

static bool missing(struct error *error, const char *field) {
    return fail(error, ERROR_INVALID, "a channel message without its field %s", field);
}

static bool read_open(const Mesos__Internal__ChannelMessage__Open *from,
                      struct channel_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "open");
    if (from->stream == MESOS__INTERNAL__CHANNEL_MESSAGE__STREAM__NONE)
        return fail(error, ERROR_INVALID, "a channel for no stream");
    out->open.framework = framework_id_of(text_of(from->framework_id));
    out->open.task = task_id_of(text_of(from->task_id));
    out->open.agent = agent_id_of(text_of(from->agent_id));
    out->open.stream = (enum channel_stream)from->stream;
    out->open.offset = from->offset;
    out->open.follow = from->follow;
    out->open.window_bytes = from->window_bytes;
    return true;
}

static bool read_message(const Mesos__Internal__ChannelMessage *from, struct channel_message *out,
                         struct error *error) {
    switch (out->kind) {
    case CHANNEL_OPEN: return read_open(from->open, out, error);
    case CHANNEL_DATA:
        if (from->data == NULL)
            return missing(error, "data");
        out->data.offset = from->data->offset;
        out->data.bytes = bytes_text(from->data->bytes);
        return true;
    case CHANNEL_WINDOW:
        if (!from->has_window_bytes)
            return missing(error, "window_bytes");
        out->window_bytes = from->window_bytes;
        return true;
    case CHANNEL_CLOSE:
        if (from->close == NULL)
            return missing(error, "close");
        if (from->close->end == MESOS__INTERNAL__CHANNEL_MESSAGE__END__UNSET)
            return fail(error, ERROR_INVALID, "a channel that ends without a reason");
        out->close.end = (enum channel_end)from->close->end;
        out->close.message = text_of(from->close->message);
        return true;
    }
    return fail(error, ERROR_INVALID, "a channel message of unknown kind");
}

bool channel_message_decode(struct wire *wire, struct text bytes, struct channel_message *out,
                            struct error *error) {
    Mesos__Internal__ChannelMessage *message;
    if (!CONVERT_UNPACK(mesos__internal__channel_message, wire, bytes, &message, error))
        return false;
    struct channel_message value = {.kind = (enum channel_message_kind)message->kind,
                                    .channel = message->channel};
    if (!read_message(message, &value, error))
        return false;
    *out = value;
    return true;
}
