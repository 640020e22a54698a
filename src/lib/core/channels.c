/*
 * Windows are given back in halves: often enough that the sender never waits for one, seldom enough
 * that they cost nothing.
 */
#include "lib/core/channels.h"

#include "internal/channel.pb-c.h"

#include <string.h>

struct channel {
    uint64_t number;
    uint64_t window_bytes; /* that the sender has */
    uint64_t offset;       /* reached */
};

void channels_fini(struct channels *channels) {
    map_fini(&channels->open, mem_free);
}

static void tell_end(uint64_t channel, uint64_t offset, enum mesos_output_end end,
                     const char *message, struct driver_outbox *outbox) {
    outbox_callback(outbox, (struct driver_callback){
                                .kind = CALLBACK_OUTPUT,
                                .output = {.size = sizeof(struct mesos_output),
                                           .channel = channel,
                                           .offset = offset,
                                           .bytes = "",
                                           .end = end,
                                           .message = message},
                            });
}

void channels_refuse(uint64_t channel, enum mesos_output_end end, const char *message,
                     struct driver_outbox *outbox) {
    tell_end(channel, 0, end, message, outbox);
}

void channels_open(struct channels *channels, const struct output_request *request,
                   struct driver_outbox *outbox) {
    if (channels->open.count >= MESOS_OUTPUT_CHANNELS_LIMIT) {
        tell_end(request->channel, request->offset, MESOS_OUTPUT_ERROR, "too many open channels",
                 outbox);
        return;
    }
    struct channel *channel = NEW(struct channel);
    channel->number = request->channel;
    channel->window_bytes = CHANNEL_WINDOW_BYTES;
    channel->offset = request->offset;
    map_put(&channels->open, channel->number, channel);

    Mesos__Internal__ChannelMessage__Open open = MESOS__INTERNAL__CHANNEL_MESSAGE__OPEN__INIT;
    open.framework_id = (char *)request->framework_id;
    open.task_id = (char *)request->task_id;
    open.agent_id = (char *)request->agent_id;
    open.stream = request->stream == MESOS_OUTPUT_STDERR
                      ? MESOS__INTERNAL__CHANNEL_MESSAGE__STREAM__STDERR
                      : MESOS__INTERNAL__CHANNEL_MESSAGE__STREAM__STDOUT;
    open.has_offset = open.has_follow = true;
    open.offset = request->offset;
    open.follow = request->follow;
    open.window_bytes = CHANNEL_WINDOW_BYTES;
    Mesos__Internal__ChannelMessage message = MESOS__INTERNAL__CHANNEL_MESSAGE__INIT;
    message.kind = MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__OPEN;
    message.channel = channel->number;
    message.open = &open;
    outbox_send(outbox, FRAME_CHANNEL, &message.base);
}

static void send_cancel(uint64_t number, struct driver_outbox *outbox) {
    Mesos__Internal__ChannelMessage__Close close = MESOS__INTERNAL__CHANNEL_MESSAGE__CLOSE__INIT;
    close.end = MESOS__INTERNAL__CHANNEL_MESSAGE__END__CANCELLED;
    Mesos__Internal__ChannelMessage message = MESOS__INTERNAL__CHANNEL_MESSAGE__INIT;
    message.kind = MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__CLOSE;
    message.channel = number;
    message.close = &close;
    outbox_send(outbox, FRAME_CHANNEL, &message.base);
}

/* The only way out of the map. */
static void end_channel(struct channels *channels, struct channel *channel,
                        enum mesos_output_end end, const char *message,
                        struct driver_outbox *outbox) {
    tell_end(channel->number, channel->offset, end, message, outbox);
    mem_free(map_remove(&channels->open, channel->number));
}

static void take_data(struct channels *channels, struct channel *channel,
                      const Mesos__Internal__ChannelMessage__Data *data,
                      struct driver_outbox *outbox) {
    if (data->bytes.len > channel->window_bytes) {
        send_cancel(channel->number, outbox);
        end_channel(channels, channel, MESOS_OUTPUT_ERROR, "more came than was asked for", outbox);
        return;
    }
    channel->window_bytes -= data->bytes.len;
    channel->offset = data->offset + data->bytes.len;
    if (data->bytes.len > 0)
        outbox_callback(outbox, (struct driver_callback){
                                    .kind = CALLBACK_OUTPUT,
                                    .output = {.size = sizeof(struct mesos_output),
                                               .channel = channel->number,
                                               .offset = data->offset,
                                               .bytes = data->bytes.data,
                                               .byte_count = data->bytes.len,
                                               .message = ""},
                                });
    if (channel->window_bytes > CHANNEL_WINDOW_BYTES / 2)
        return;
    Mesos__Internal__ChannelMessage grant = MESOS__INTERNAL__CHANNEL_MESSAGE__INIT;
    grant.kind = MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__WINDOW;
    grant.channel = channel->number;
    grant.has_window_bytes = true;
    grant.window_bytes = CHANNEL_WINDOW_BYTES - channel->window_bytes;
    channel->window_bytes = CHANNEL_WINDOW_BYTES;
    outbox_send(outbox, FRAME_CHANNEL, &grant.base);
}

static enum mesos_output_end end_of(Mesos__Internal__ChannelMessage__End end) {
    switch ((int)end) {
    case MESOS__INTERNAL__CHANNEL_MESSAGE__END__COMPLETE: return MESOS_OUTPUT_COMPLETE;
    case MESOS__INTERNAL__CHANNEL_MESSAGE__END__NOT_FOUND: return MESOS_OUTPUT_NOT_FOUND;
    case MESOS__INTERNAL__CHANNEL_MESSAGE__END__UNAVAILABLE: return MESOS_OUTPUT_UNAVAILABLE;
    case MESOS__INTERNAL__CHANNEL_MESSAGE__END__CANCELLED: return MESOS_OUTPUT_CANCELLED;
    }
    return MESOS_OUTPUT_ERROR;
}

bool channels_take(struct channels *channels, struct text payload, struct driver_outbox *outbox,
                   struct error *error) {
    Mesos__Internal__ChannelMessage *message = (Mesos__Internal__ChannelMessage *)outbox_unpack(
        outbox, &mesos__internal__channel_message__descriptor, payload, error);
    if (message == NULL)
        return false;
    struct channel *channel = map_get(&channels->open, message->channel);
    /* What was on its way when we cancelled. */
    if (channel == NULL)
        return true;
    if (message->data != NULL)
        take_data(channels, channel, message->data, outbox);
    else if (message->close != NULL)
        end_channel(channels, channel, end_of(message->close->end),
                    message->close->message != NULL ? message->close->message : "", outbox);
    return true;
}

bool channels_cancel(struct channels *channels, uint64_t number, struct driver_outbox *outbox) {
    struct channel *channel = map_get(&channels->open, number);
    if (channel == NULL)
        return false;
    send_cancel(number, outbox);
    end_channel(channels, channel, MESOS_OUTPUT_CANCELLED, "", outbox);
    return true;
}

void channels_lose(struct channels *channels, const char *message, struct driver_outbox *outbox) {
    const char *kept = arena_string(outbox->arena, text_of(message));
    MAP_EACH(entry, &channels->open)
        end_channel(channels, map_value(entry), MESOS_OUTPUT_UNAVAILABLE, kept, outbox);
}
