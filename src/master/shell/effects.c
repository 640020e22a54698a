/*
 * Most effects are sent at once, out of one buffer that is used again and again; those that wait
 * for a store keep their bytes in a held_effect.
 */
#include "master/shell/effects.h"

#include "common/runtime/http_server.h"
#include "common/storage/held.h"
#include "master/shell/connections.h"
#include "master/shell/registry.h"

struct held_effect {
    struct held place;
    enum master_effect_kind kind;
    struct connection_id connection;
    uint64_t request;
    int status;
    struct buf bytes; /* the encoded message, the reason or the answer */
};

static void store(struct daemon *daemon, const struct master_effect *effect) {
    struct wire wire = daemon_wire(daemon);
    for (size_t i = 0; i < effect->store.count; i++) {
        const struct store_change *change = &effect->store.changes[i];
        if (change->registry_record == NULL) {
            registry_remove(daemon->registry, change->key);
            continue;
        }
        buf_clear(&daemon->encoded);
        registry_record_encode(&wire, change->registry_record, &daemon->encoded);
        registry_put(daemon->registry, change->key, buf_text(&daemon->encoded));
    }
    daemon->made_ticket = effect->store.ticket;
    loop_defer(daemon->loop, &daemon->turn_end);
}

static void note(struct daemon *daemon, const struct master_effect *effect) {
    static const enum log_level levels[] = {
        [NOTE_ERROR] = LOG_LEVEL_ERROR,
        [NOTE_WARNING] = LOG_LEVEL_WARNING,
        [NOTE_INFO] = LOG_LEVEL_INFO,
        [NOTE_DEBUG] = LOG_LEVEL_DEBUG,
    };
    enum log_level level = levels[effect->note.level];
    if (!log_wants(daemon->log, level))
        return;
    const char *what = arena_string(daemon->arena, effect->note.what);
    LOG_AT(daemon->log, level, what, KV("detail", effect->note.detail));
}

/* What an effect says, as bytes. */
static void encode(struct daemon *daemon, const struct master_effect *effect, struct buf *out) {
    struct wire wire = daemon_wire(daemon);
    switch (effect->kind) {
    case MASTER_EFFECT_SEND_SCHEDULER:
        scheduler_event_encode(&wire, &effect->scheduler, out);
        break;
    case MASTER_EFFECT_SEND_AGENT: master_message_encode(&wire, &effect->agent, out); break;
    case MASTER_EFFECT_SEND_CHANNEL: channel_message_encode(&effect->channel, out); break;
    case MASTER_EFFECT_CLOSE: buf_append_text(out, effect->close_reason); break;
    case MASTER_EFFECT_ANSWER: buf_append_text(out, effect->answer.message); break;
    case MASTER_EFFECT_STORE:
    case MASTER_EFFECT_STOP:
    case MASTER_EFFECT_NOTE: break;
    }
}

static void answer(struct daemon *daemon, uint64_t number, int status, struct text message) {
    struct http_request *request = map_remove(&daemon->requests, number);
    if (request != NULL)
        http_request_answer(request, (struct http_answer){.status = status, .body = message});
}

static void carry_out(struct daemon *daemon, const struct held_effect *held, struct buf *bytes) {
    struct text payload = buf_text(bytes);
    switch (held->kind) {
    case MASTER_EFFECT_SEND_SCHEDULER:
        connections_send(daemon->connections, held->connection, FRAME_SCHEDULER_EVENT, payload);
        break;
    case MASTER_EFFECT_SEND_AGENT:
        connections_send(daemon->connections, held->connection, FRAME_MASTER_MESSAGE, payload);
        break;
    case MASTER_EFFECT_SEND_CHANNEL:
        connections_send(daemon->connections, held->connection, FRAME_CHANNEL, payload);
        break;
    case MASTER_EFFECT_CLOSE:
        connections_close(daemon->connections, held->connection, buf_string(bytes));
        break;
    case MASTER_EFFECT_ANSWER: answer(daemon, held->request, held->status, payload); break;
    case MASTER_EFFECT_STORE:
    case MASTER_EFFECT_STOP:
    case MASTER_EFFECT_NOTE: break;
    }
}

static struct held_effect outline(const struct master_effect *effect) {
    bool is_answer = effect->kind == MASTER_EFFECT_ANSWER;
    return (struct held_effect){
        .place.after = effect->after,
        .kind = effect->kind,
        .connection = effect->connection,
        .request = is_answer ? effect->answer.request : 0,
        .status = is_answer ? effect->answer.status : 0,
    };
}

static void hold(struct daemon *daemon, const struct master_effect *effect) {
    struct held_effect *held = NEW(struct held_effect);
    *held = outline(effect);
    encode(daemon, effect, &held->bytes);
    held_add(&daemon->held, &held->place);
}

void effects_carry_out(struct daemon *daemon) {
    for (size_t i = 0; i < daemon->outbox.effects.count; i++) {
        const struct master_effect *effect = &daemon->outbox.effects.items[i];
        if (effect->kind == MASTER_EFFECT_STORE) {
            store(daemon, effect);
        } else if (effect->kind == MASTER_EFFECT_STOP) {
            fail(&daemon->term_error, ERROR_LIMIT, "%.*s", TEXT_ARGS(effect->stop_reason));
            daemon_review(daemon);
        } else if (effect->kind == MASTER_EFFECT_NOTE) {
            note(daemon, effect);
        } else if (effect->after > daemon->stored_ticket) {
            hold(daemon, effect);
        } else {
            struct held_effect now = outline(effect);
            buf_clear(&daemon->encoded);
            encode(daemon, effect, &daemon->encoded);
            carry_out(daemon, &now, &daemon->encoded);
        }
    }
    daemon->outbox.effects.count = 0;
}

/* Out of those held; NULL when none waits for this ticket or an earlier one. */
static struct held_effect *take(struct daemon *daemon, uint64_t stored_ticket) {
    struct held *place = held_take(&daemon->held, stored_ticket);
    return place != NULL ? CONTAINER_OF(place, struct held_effect, place) : NULL;
}

static void held_effect_free(struct held_effect *held) {
    buf_fini(&held->bytes);
    mem_free(held);
}

void effects_release(struct daemon *daemon) {
    struct held_effect *held;
    while ((held = take(daemon, daemon->stored_ticket)) != NULL) {
        carry_out(daemon, held, &held->bytes);
        held_effect_free(held);
    }
}

void effects_drop(struct daemon *daemon) {
    struct held_effect *held;
    while ((held = take(daemon, UINT64_MAX)) != NULL)
        held_effect_free(held);
}
