#include "agent/shell/effects.h"

#include "agent/container/stop_point.h"
#include "agent/shell/containers.h"
#include "agent/shell/executors.h"
#include "agent/shell/master_link.h"
#include "agent/shell/remover.h"
#include "agent/shell/volumes.h"
#include "common/storage/held.h"
#include "common/storage/storage.h"

/* An effect that waits, with everything it needs. */
struct held_effect {
    struct held place;
    enum agent_effect_kind kind;
    struct connection_id connection;
    bool is_status;
    int signal;
    int64_t cpu_milli, cpu_quota_milli, memory_bytes;
    int64_t stop_at_ms;
    struct buf bytes; /* the encoded message, the id, the path or the reason */
    struct launch_order *launch;
    struct volume_order *volumes;
};

static void held_effect_free(struct held_effect *held) {
    buf_fini(&held->bytes);
    launch_order_free(held->launch);
    volume_order_free(held->volumes);
    mem_free(held);
}

static void store(struct daemon *daemon, const struct agent_effect *effect) {
    struct wire wire = daemon_wire(daemon);
    AUTO_FINI(buf_fini) struct buf value = {0};
    for (size_t i = 0; i < effect->store.count; i++) {
        const struct store_change *change = &effect->store.changes[i];
        if (change->agent_record == NULL) {
            storage_remove(daemon->storage, change->key);
            continue;
        }
        buf_clear(&value);
        agent_record_encode(&wire, change->agent_record, &value);
        storage_put(daemon->storage, change->key, buf_text(&value));
    }
    daemon->made_ticket = effect->store.ticket;
    loop_defer(daemon->loop, &daemon->turn_end);
}

static void note(struct daemon *daemon, const struct agent_effect *effect) {
    static const enum log_level levels[] = {
        [AGENT_NOTE_ERROR] = LOG_LEVEL_ERROR,
        [AGENT_NOTE_WARNING] = LOG_LEVEL_WARNING,
        [AGENT_NOTE_INFO] = LOG_LEVEL_INFO,
        [AGENT_NOTE_DEBUG] = LOG_LEVEL_DEBUG,
    };
    enum log_level level = levels[effect->note.level];
    if (!log_wants(daemon->log, level))
        return;
    const char *what = arena_string(daemon->arena, effect->note.what);
    LOG_AT(daemon->log, level, what, KV("detail", effect->note.detail));
}

/* Turns an effect into what can be kept: its bytes, or its order to launch. */
static struct held_effect *hold(struct daemon *daemon, const struct agent_effect *effect) {
    struct held_effect *held = NEW(struct held_effect);
    struct wire wire = daemon_wire(daemon);
    held->place.after = effect->after;
    held->kind = effect->kind;
    held->connection = effect->connection;
    switch (effect->kind) {
    case AGENT_EFFECT_SEND_MASTER:
        agent_message_encode(&wire, &effect->master, &held->bytes);
        held->is_status = effect->master.kind == AGENT_MESSAGE_UPDATE;
        break;
    case AGENT_EFFECT_SEND_EXECUTOR:
        executor_event_encode(&wire, &effect->executor, &held->bytes);
        break;
    case AGENT_EFFECT_LAUNCH: held->launch = launch_order_new(&effect->launch); break;
    case AGENT_EFFECT_SIGNAL:
    case AGENT_EFFECT_DESTROY:
    case AGENT_EFFECT_FORGET:
        held->signal = effect->signal.signal;
        buf_append_text(&held->bytes, effect->signal.id.text);
        break;
    case AGENT_EFFECT_LIMIT:
        held->cpu_milli = effect->limit.cpu_milli;
        held->cpu_quota_milli = effect->limit.cpu_quota_milli;
        held->memory_bytes = effect->limit.memory_bytes;
        buf_append_text(&held->bytes, effect->limit.id.text);
        break;
    case AGENT_EFFECT_LEASE:
        held->stop_at_ms = effect->lease.stop_at_ms;
        buf_append_text(&held->bytes, effect->lease.id.text);
        break;
    case AGENT_EFFECT_REMOVE_SANDBOX: buf_append_text(&held->bytes, effect->sandbox); break;
    case AGENT_EFFECT_MAKE_VOLUMES:
    case AGENT_EFFECT_REMOVE_VOLUME: held->volumes = volume_order_new(effect); break;
    case AGENT_EFFECT_CLOSE_EXECUTOR:
    case AGENT_EFFECT_DISCONNECT:
    case AGENT_EFFECT_STOP:
    case AGENT_EFFECT_END: buf_append_text(&held->bytes, effect->reason); break;
    case AGENT_EFFECT_CONNECT:
    case AGENT_EFFECT_STORE:
    case AGENT_EFFECT_NOTE: break;
    }
    return held;
}

static void stop(struct daemon *daemon, const char *reason) {
    log_error(daemon->log, "agent_stops", KV("reason", reason));
    daemon->exit_code = 1;
    loop_stop(daemon->loop);
}

static void end(struct daemon *daemon, const char *reason) {
    log_warning(daemon->log, "agent_ends_for_good", KV("reason", reason),
                KV("note", "starting it again is of no use, until its work_dir is removed"));
    daemon->exit_code = AGENT_EXIT_GONE;
    loop_stop(daemon->loop);
}

static void stop_before(const struct held_effect *held) {
    if (held->is_status)
        stop_point(STOP_STATUS_SENDS);
    if (held->kind == AGENT_EFFECT_LAUNCH)
        stop_point(STOP_LAUNCH_BEGINS);
    if (held->kind == AGENT_EFFECT_SIGNAL)
        stop_point(STOP_SIGNAL_SENDS);
}

static void stop_behind(const struct held_effect *held) {
    if (held->is_status)
        stop_point(STOP_STATUS_SENT);
    if (held->kind == AGENT_EFFECT_SIGNAL)
        stop_point(STOP_SIGNAL_SENT);
    if (held->kind == AGENT_EFFECT_DESTROY)
        stop_point(STOP_DESTROYED);
    if (held->kind == AGENT_EFFECT_FORGET)
        stop_point(STOP_END_FORGOTTEN);
    if (held->kind == AGENT_EFFECT_SEND_EXECUTOR)
        stop_point(STOP_EXECUTOR_TOLD);
}

static void carry_out(struct daemon *daemon, struct held_effect *held) {
    stop_before(held);
    switch (held->kind) {
    case AGENT_EFFECT_CONNECT: master_link_connect(daemon->master); break;
    case AGENT_EFFECT_DISCONNECT:
        master_link_disconnect(daemon->master, buf_string(&held->bytes));
        break;
    case AGENT_EFFECT_SEND_MASTER: master_link_send(daemon->master, buf_text(&held->bytes)); break;
    case AGENT_EFFECT_SEND_EXECUTOR:
        executors_send(daemon->executors, held->connection, buf_text(&held->bytes));
        break;
    case AGENT_EFFECT_CLOSE_EXECUTOR:
        executors_close(daemon->executors, held->connection, buf_string(&held->bytes));
        break;
    case AGENT_EFFECT_LAUNCH: containers_launch(daemon->containers, TAKE(held->launch)); break;
    case AGENT_EFFECT_SIGNAL:
        containers_signal(daemon->containers, buf_text(&held->bytes), held->signal);
        break;
    case AGENT_EFFECT_DESTROY:
        containers_destroy(daemon->containers, buf_text(&held->bytes));
        break;
    case AGENT_EFFECT_FORGET: containers_forget(daemon->containers, buf_text(&held->bytes)); break;
    case AGENT_EFFECT_LIMIT:
        containers_limit(daemon->containers, buf_text(&held->bytes), held->cpu_milli,
                         held->cpu_quota_milli, held->memory_bytes);
        break;
    case AGENT_EFFECT_LEASE:
        containers_lease(daemon->containers, buf_text(&held->bytes), held->stop_at_ms);
        break;
    case AGENT_EFFECT_REMOVE_SANDBOX: remover_add(daemon->remover, buf_string(&held->bytes)); break;
    case AGENT_EFFECT_MAKE_VOLUMES: volumes_make(daemon->volumes, TAKE(held->volumes)); break;
    case AGENT_EFFECT_REMOVE_VOLUME: volumes_remove(daemon->volumes, TAKE(held->volumes)); break;
    case AGENT_EFFECT_STOP: stop(daemon, buf_string(&held->bytes)); break;
    case AGENT_EFFECT_END: end(daemon, buf_string(&held->bytes)); break;
    case AGENT_EFFECT_STORE:
    case AGENT_EFFECT_NOTE: break;
    }
    stop_behind(held);
}

/* Out of those held; NULL when none waits for this ticket or an earlier one. */
static struct held_effect *take(struct daemon *daemon, uint64_t stored_ticket) {
    struct held *place = held_take(&daemon->held, stored_ticket);
    return place != NULL ? CONTAINER_OF(place, struct held_effect, place) : NULL;
}

void effects_carry_out(struct daemon *daemon) {
    for (size_t i = 0; i < daemon->outbox.effects.count; i++) {
        const struct agent_effect *effect = &daemon->outbox.effects.items[i];
        if (effect->kind == AGENT_EFFECT_STORE) {
            store(daemon, effect);
            continue;
        }
        if (effect->kind == AGENT_EFFECT_NOTE) {
            note(daemon, effect);
            continue;
        }
        struct held_effect *held = hold(daemon, effect);
        if (held->place.after > daemon->stored_ticket) {
            held_add(&daemon->held, &held->place);
            continue;
        }
        carry_out(daemon, held);
        held_effect_free(held);
    }
    daemon->outbox.effects.count = 0;
}

void effects_release(struct daemon *daemon) {
    struct held_effect *held;
    while ((held = take(daemon, daemon->stored_ticket)) != NULL) {
        carry_out(daemon, held);
        held_effect_free(held);
    }
}

void effects_drop(struct daemon *daemon) {
    struct held_effect *held;
    while ((held = take(daemon, UINT64_MAX)) != NULL)
        held_effect_free(held);
}
