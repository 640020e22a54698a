/*
 * Waiting requests are kept as copies in order; since all wait equally long, the first is the
 * oldest.
 */
#include "lib/core/reader.h"

#include <stdio.h>
#include <string.h>

struct waiting {
    struct output_request request;
    char *task_id, *agent_id, *framework_id; /* what the request points to */
    int64_t deadline_ms;
};

struct reader {
    struct dialer dialer;
    struct channels channels;
    struct map waiting; /* channel -> struct waiting, owned */
    int64_t connect_timeout_ms;
    char why[256]; /* the last attempt failed */
    bool is_done;
};

struct reader *reader_new(struct text masters, int64_t connect_timeout_ms, uint64_t seed) {
    struct reader *reader = NEW(struct reader);
    dialer_init(&reader->dialer, masters, 2000, seed);
    reader->connect_timeout_ms = connect_timeout_ms;
    return reader;
}

static void waiting_free(void *item) {
    struct waiting *waiting = item;
    if (waiting == NULL)
        return;
    mem_free(waiting->task_id);
    mem_free(waiting->agent_id);
    mem_free(waiting->framework_id);
    mem_free(waiting);
}

void reader_free(struct reader *reader) {
    if (reader == NULL)
        return;
    map_fini(&reader->waiting, waiting_free);
    channels_fini(&reader->channels);
    dialer_fini(&reader->dialer);
    mem_free(reader);
}

static void keep(struct reader *reader, const struct output_request *request, int64_t now_ms,
                 struct driver_outbox *outbox) {
    if (reader->waiting.count >= MESOS_OUTPUT_CHANNELS_LIMIT) {
        channels_refuse(request->channel, MESOS_OUTPUT_ERROR, "too many open channels", outbox);
        return;
    }
    struct waiting *waiting = NEW(struct waiting);
    waiting->request = *request;
    waiting->request.task_id = waiting->task_id = mem_dup_string(request->task_id);
    if (request->agent_id != NULL)
        waiting->request.agent_id = waiting->agent_id = mem_dup_string(request->agent_id);
    if (request->framework_id != NULL)
        waiting->request.framework_id = waiting->framework_id =
            mem_dup_string(request->framework_id);
    waiting->deadline_ms = now_ms + reader->connect_timeout_ms;
    map_put(&reader->waiting, request->channel, waiting);
    dialer_begin(&reader->dialer, now_ms);
}

static void open_all(struct reader *reader, struct driver_outbox *outbox) {
    MAP_EACH(entry, &reader->waiting) {
        struct waiting *waiting = map_value(entry);
        channels_open(&reader->channels, &waiting->request, outbox);
        waiting_free(map_remove(&reader->waiting, map_key(entry)));
    }
}

static void give_up(struct reader *reader, int64_t now_ms, struct driver_outbox *outbox) {
    MAP_EACH(entry, &reader->waiting) {
        struct waiting *waiting = map_value(entry);
        if (waiting->deadline_ms > now_ms)
            break;
        const char *why = reader->why[0] != '\0' ? reader->why : "no master answers";
        channels_refuse(waiting->request.channel, MESOS_OUTPUT_UNAVAILABLE,
                        arena_string(outbox->arena, text_of(why)), outbox);
        waiting_free(map_remove(&reader->waiting, map_key(entry)));
    }
    if (reader->waiting.count > 0 || reader->dialer.state == DIALER_UP)
        return;
    if (reader->dialer.state == DIALER_DIALING)
        outbox_push(outbox, DRIVER_EFFECT_CLOSE);
    dialer_rest(&reader->dialer);
}

/* Whoever still waits keeps the dialer going; with nobody there is no need of a connection. */
static void lose(struct reader *reader, struct text why, int64_t now_ms,
                 struct driver_outbox *outbox) {
    snprintf(reader->why, sizeof(reader->why), "%.*s", TEXT_ARGS(why));
    channels_lose(&reader->channels, reader->why, outbox);
    dialer_lost(&reader->dialer, now_ms);
    if (reader->waiting.count == 0)
        dialer_rest(&reader->dialer);
}

/* Reading goes on through the master that leads. */
static void found_master(struct reader *reader, const struct driver_event *event,
                         struct driver_outbox *outbox) {
    if (dialer_found(&reader->dialer, event->text, event->now_ms))
        return;
    outbox_push(outbox, DRIVER_EFFECT_CLOSE);
    lose(reader, TEXT("another master leads"), event->now_ms, outbox);
    dialer_found(&reader->dialer, event->text, event->now_ms);
}

static void take_frame(struct reader *reader, const struct driver_event *event,
                       struct driver_outbox *outbox) {
    struct error error = {0};
    if (event->frame.type != FRAME_CHANNEL ||
        channels_take(&reader->channels, event->frame.payload, outbox, &error))
        return;
    outbox_push(outbox, DRIVER_EFFECT_CLOSE);
    lose(reader, text_of(error.message), event->now_ms, outbox);
}

static void cancel(struct reader *reader, uint64_t channel, struct driver_outbox *outbox) {
    if (channels_cancel(&reader->channels, channel, outbox))
        return;
    struct waiting *waiting = map_remove(&reader->waiting, channel);
    if (waiting != NULL)
        channels_refuse(channel, MESOS_OUTPUT_CANCELLED, "", outbox);
    waiting_free(waiting);
}

static void handle(struct reader *reader, const struct driver_event *event,
                   struct driver_outbox *outbox) {
    switch (event->kind) {
    case DRIVER_EVENT_CONNECTED:
        dialer_connected(&reader->dialer);
        dialer_proven(&reader->dialer, event->now_ms);
        open_all(reader, outbox);
        break;
    case DRIVER_EVENT_CONNECT_FAILED:
        snprintf(reader->why, sizeof(reader->why), "%.*s", TEXT_ARGS(event->text));
        dialer_failed(&reader->dialer, event->now_ms);
        break;
    case DRIVER_EVENT_REDIRECTED:
        dialer_redirected(&reader->dialer, event->text, event->now_ms);
        break;
    case DRIVER_EVENT_MASTER_FOUND: found_master(reader, event, outbox); break;
    case DRIVER_EVENT_FIND_FAILED:
        snprintf(reader->why, sizeof(reader->why), "%.*s", TEXT_ARGS(event->text));
        break;
    case DRIVER_EVENT_CLOSED: lose(reader, event->text, event->now_ms, outbox); break;
    case DRIVER_EVENT_FRAME: take_frame(reader, event, outbox); break;
    case DRIVER_EVENT_READ_OUTPUT:
        if (reader->dialer.state == DIALER_UP)
            channels_open(&reader->channels, &event->output, outbox);
        else
            keep(reader, &event->output, event->now_ms, outbox);
        break;
    case DRIVER_EVENT_CANCEL_OUTPUT: cancel(reader, event->channel, outbox); break;
    case DRIVER_EVENT_STOP:
    case DRIVER_EVENT_ABORT:
        reader->is_done = true;
        outbox_push(outbox, DRIVER_EFFECT_DONE);
        break;
    case DRIVER_EVENT_START:
    case DRIVER_EVENT_TICK:
    case DRIVER_EVENT_CALL:
    case DRIVER_EVENT_CALL_LOST: break;
    }
}

void reader_step(struct reader *reader, const struct driver_event *event,
                 struct driver_outbox *outbox) {
    if (reader->is_done)
        return;
    handle(reader, event, outbox);
    if (reader->is_done)
        return;
    give_up(reader, event->now_ms, outbox);
    const char *address = dialer_take(&reader->dialer, event->now_ms);
    if (address != NULL)
        VEC_PUSH(&outbox->effects, (struct driver_effect){.kind = DRIVER_EFFECT_CONNECT,
                                                          .address = text_of(address)});
}

int64_t reader_deadline_ms(const struct reader *reader) {
    if (reader->is_done)
        return INT64_MAX;
    int64_t deadline = dialer_deadline_ms(&reader->dialer);
    const struct waiting *oldest = map_first(&reader->waiting);
    if (oldest != NULL && oldest->deadline_ms < deadline)
        deadline = oldest->deadline_ms;
    return deadline;
}
