/*
 * Effects are appended in the order of their making. Texts are lent by whoever calls; what may be
 * freed before the outbox is carried out was copied with lend().
 */
#include "master/core/emit.h"

#include <stdio.h>

static void emit(struct master *master, struct master_effect effect) {
    VEC_PUSH(&master->out->effects, effect);
}

__attribute__((format(printf, 2, 0))) static struct text print(struct master *master,
                                                               const char *format,
                                                               va_list arguments) {
    char line[512];
    int size = vsnprintf(line, sizeof(line), format, arguments);
    size_t shown = size < 0 ? 0 : (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1;
    return arena_text(master->out->arena, (struct text){line, shown});
}

void emit_note(struct master *master, enum note_level level, const char *what, const char *format,
               ...) {
    va_list arguments;
    va_start(arguments, format);
    struct text detail = print(master, format, arguments);
    va_end(arguments);
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_NOTE,
                                        .note = {level, text_of(what), detail}});
}

void emit_stop(struct master *master, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    struct text why = print(master, format, arguments);
    va_end(arguments);
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_STOP, .stop_reason = why});
}

void emit_invalid(struct master *master, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    struct text detail = print(master, format, arguments);
    va_end(arguments);
    master->messages_invalid++;
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_NOTE,
                                        .note = {NOTE_WARNING, TEXT("message_dropped"), detail}});
}

/* A ticket that is stored need not be waited for. */
static uint64_t still_awaited(const struct master *master, uint64_t ticket) {
    return ticket > master->stored_ticket ? ticket : 0;
}

void emit_to_framework(struct master *master, struct framework *framework,
                       struct scheduler_event event) {
    if (framework->peer == NULL)
        return;
    event.capabilities = framework->info.capabilities;
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_SCHEDULER,
                                        .after = still_awaited(master, framework->ticket),
                                        .connection = framework->peer->connection,
                                        .scheduler = event});
}

void emit_to_agent(struct master *master, struct agent *agent, struct master_message message) {
    if (agent->peer == NULL)
        return;
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_AGENT,
                                        .after = still_awaited(master, agent->ticket),
                                        .connection = agent->peer->connection,
                                        .agent = message});
}

void emit_to_scheduler(struct master *master, struct peer *peer, struct scheduler_event event) {
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_SCHEDULER,
                                        .connection = peer->connection,
                                        .scheduler = event});
}

static void refuse(struct master *master, struct peer *peer, struct text reason, bool stop,
                   bool kill_tasks) {
    struct master_message message = {.kind = MASTER_MESSAGE_REFUSED,
                                     .refused = {reason, stop, kill_tasks}};
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_AGENT,
                                        .connection = peer->connection,
                                        .agent = message});
}

void emit_refusal(struct master *master, struct peer *peer, struct text reason, bool stop) {
    refuse(master, peer, reason, stop, false);
}

void emit_dismissal(struct master *master, struct peer *peer, struct text reason, bool stop) {
    refuse(master, peer, reason, stop, true);
}

void emit_channel(struct master *master, struct peer *peer, struct channel_message message) {
    if (peer->is_closing)
        return;
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_CHANNEL,
                                        .connection = peer->connection,
                                        .channel = message});
}

static void close_after(struct master *master, struct peer *peer, struct text reason,
                        uint64_t ticket) {
    if (peer->is_closing)
        return;
    peer->is_closing = true;
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_CLOSE,
                                        .after = still_awaited(master, ticket),
                                        .connection = peer->connection,
                                        .close_reason = lend(master, reason)});
}

void emit_close(struct master *master, struct peer *peer, struct text reason) {
    close_after(master, peer, reason, 0);
}

void emit_shutdown_framework(struct master *master, struct agent *agent, struct framework_id id) {
    uint64_t ticket = master->removal_ticket;
    struct master_message message = {.kind = MASTER_MESSAGE_SHUTDOWN_FRAMEWORK,
                                     .shutdown_framework = id};
    if (agent->peer == NULL)
        return;
    emit(master,
         (struct master_effect){
             .kind = MASTER_EFFECT_SEND_AGENT,
             .after = still_awaited(master, ticket > agent->ticket ? ticket : agent->ticket),
             .connection = agent->peer->connection,
             .agent = message});
}

void emit_end_of_framework(struct master *master, struct peer *peer, struct text error,
                           struct text reason) {
    struct scheduler_event event = {.kind = SCHEDULER_EVENT_ERROR, .error = error};
    if (error.size > 0 && !peer->is_closing)
        emit(master, (struct master_effect){.kind = MASTER_EFFECT_SEND_SCHEDULER,
                                            .after = still_awaited(master, master->removal_ticket),
                                            .connection = peer->connection,
                                            .scheduler = event});
    close_after(master, peer, reason, master->removal_ticket);
}

void emit_removed(struct master *master, uint64_t request) {
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_ANSWER,
                                        .after = still_awaited(master, master->removal_ticket),
                                        .answer = {request, 200, {0}}});
}

void emit_answer(struct master *master, uint64_t request, int status, struct text message) {
    emit(master, (struct master_effect){.kind = MASTER_EFFECT_ANSWER,
                                        .answer = {request, status, lend(master, message)}});
}

uint64_t emit_store(struct master *master, const struct store_change *changes, size_t count) {
    size_t size = count * sizeof(*changes);
    struct store_change *kept = arena_alloc(master->out->arena, size);
    memcpy(kept, changes, size);
    uint64_t ticket = ++master->last_ticket;
    emit(master,
         (struct master_effect){.kind = MASTER_EFFECT_STORE, .store = {ticket, kept, count}});
    return ticket;
}

struct store_change store_change_of(struct master *master, const char *prefix, struct text id,
                                    const struct registry_record *record) {
    char *key = arena_printf(master->out->arena, "%s/%.*s", prefix, TEXT_ARGS(id));
    struct registry_record *kept = NULL;
    if (record != NULL) {
        kept = ARENA_NEW(master->out->arena, struct registry_record);
        *kept = *record;
    }
    return (struct store_change){.key = text_of(key), .registry_record = kept};
}
