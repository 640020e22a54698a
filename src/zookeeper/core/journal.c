/*
 * What is stored is kept as it was with the last commit that is known to be stored: commits on
 * their way are bytes in journal_commits. So a snapshot, which is taken while commits go on, never
 * has a half of one.
 */
#include "zookeeper/core/journal_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct journal *journal_new(struct text path, struct text fence) {
    struct journal *journal = NEW(struct journal);
    journal->path = text_dup(path);
    journal->fence = text_dup(fence);
    journal->phase = JOURNAL_WAITS;
    journal->load.retry_at_ms = INT64_MAX;
    journal_set_sizes(journal, JOURNAL_NODE_BYTES, JOURNAL_FOLD_BYTES);
    return journal;
}

void journal_set_sizes(struct journal *journal, size_t node_bytes, uint64_t fold_bytes) {
    assert(node_bytes > JOURNAL_FRAME_BYTES && node_bytes <= JOURNAL_NODE_BYTES);
    journal->body_bytes = node_bytes - JOURNAL_FRAME_BYTES;
    journal->fold_bytes = fold_bytes;
}

void journal_free(struct journal *journal) {
    if (journal == NULL)
        return;
    mem_free(journal->path);
    mem_free(journal->fence);
    map_fini(&journal->values, mem_free);
    VEC_FINI(&journal->generations);
    VEC_FINI(&journal->litter.items);
    VEC_FINI(&journal->tail.items);
    journal_load_fini(&journal->load);
    buf_fini(&journal->write.node);
    journal_commits_fini(&journal->commits);
    mem_free(journal);
}

/* --- what the parts share --- */

struct text journal_path(const struct journal *journal, struct journal_name name,
                         struct journal_outbox *outbox) {
    char printed[JOURNAL_NAME_BYTES];
    journal_name_print(name, printed);
    return text_of(arena_printf(outbox->arena, "%s/%s", journal->path, printed));
}

uint64_t journal_request(struct journal *journal, struct zk_request request,
                         struct journal_outbox *outbox) {
    request.number = ++journal->last_request;
    struct journal_effect effect = {.kind = JOURNAL_EFFECT_REQUEST};
    effect.request = request;
    VEC_PUSH(&outbox->effects, effect);
    return request.number;
}

static void push_why(enum journal_effect_kind kind, struct text why,
                     struct journal_outbox *outbox) {
    struct journal_effect effect = {.kind = kind};
    effect.why = why;
    VEC_PUSH(&outbox->effects, effect);
}

void journal_refuse(struct journal *journal, struct journal_outbox *outbox, const char *format,
                    ...) {
    char why[ZK_PATH_BYTES_LIMIT * 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    journal->phase = JOURNAL_IS_OVER;
    push_why(JOURNAL_EFFECT_REFUSED, arena_text(outbox->arena, text_of(why)), outbox);
}

void journal_deposed(struct journal *journal, struct journal_outbox *outbox) {
    journal->phase = JOURNAL_IS_OVER;
    VEC_PUSH(&outbox->effects, (struct journal_effect){.kind = JOURNAL_EFFECT_DEPOSED});
}

void journal_trouble(struct journal *journal, struct text path, const struct zk_reply *reply,
                     struct journal_outbox *outbox) {
    if (journal->told_trouble)
        return;
    journal->told_trouble = true;
    bool has_words = reply->result == ZK_FAILED && reply->why.size > 0;
    struct text words = has_words ? reply->why : text_of(zk_result_text(reply->result));
    push_why(JOURNAL_EFFECT_TROUBLE,
             text_of(arena_printf(outbox->arena, "%.*s: %.*s", TEXT_ARGS(path), TEXT_ARGS(words))),
             outbox);
}

void journal_works(struct journal *journal, struct journal_outbox *outbox) {
    if (!journal->told_trouble)
        return;
    journal->told_trouble = false;
    push_why(JOURNAL_EFFECT_TROUBLE, TEXT(""), outbox);
}

static void put_value(struct journal *journal, struct text key, struct text value) {
    struct journal_value *kept = mem_alloc(sizeof(*kept) + value.size);
    kept->size = value.size;
    if (value.size > 0)
        memcpy(kept->data, value.data, value.size);
    mem_free(map_put_text(&journal->values, key, kept));
}

void journal_apply(struct journal *journal, struct text entries) {
    struct journal_entry entry;
    while (journal_entry_take(&entries, &entry)) {
        if (!entry.is_removed) {
            put_value(journal, entry.key, entry.value);
            continue;
        }
        journal_fold_forget(journal, entry.key);
        mem_free(map_remove_text(&journal->values, entry.key));
    }
}

/* --- events --- */

static void take_session(struct journal *journal, enum zk_session_state state,
                         struct journal_outbox *outbox) {
    journal->is_connected = state == ZK_SESSION_CONNECTED;
    switch (state) {
    case ZK_SESSION_CONNECTING: return;
    case ZK_SESSION_CONNECTED:
        if (journal->phase == JOURNAL_WAITS)
            journal_load_begin(journal, outbox);
        else if (journal->phase == JOURNAL_LOADS)
            journal_load_resume(journal, outbox);
        else
            journal_write_resume(journal, outbox);
        return;
    case ZK_SESSION_EXPIRED: journal_deposed(journal, outbox); return;
    case ZK_SESSION_REFUSED:
        /* Whoever was let in before leads no more, for the session is gone. */
        if (journal->phase != JOURNAL_WAITS)
            journal_deposed(journal, outbox);
        else
            journal_refuse(journal, outbox, "%s: ZooKeeper refuses our credentials", journal->path);
        return;
    }
}

static void take_tick(struct journal *journal, int64_t now_ms, struct journal_outbox *outbox) {
    if (!journal->is_connected || now_ms < journal_deadline_ms(journal))
        return;
    if (journal->phase == JOURNAL_LOADS)
        journal_load_resume(journal, outbox);
    else
        journal_write_resume(journal, outbox);
}

void journal_step(struct journal *journal, const struct journal_event *event,
                  struct journal_outbox *outbox) {
    if (journal->phase == JOURNAL_IS_OVER)
        return;
    switch (event->kind) {
    case JOURNAL_EVENT_SESSION: take_session(journal, event->session, outbox); break;
    case JOURNAL_EVENT_TICK: take_tick(journal, event->now_ms, outbox); break;
    case JOURNAL_EVENT_REPLY:
        if (event->reply.result == ZK_OVER)
            journal_deposed(journal, outbox);
        else if (journal->phase == JOURNAL_LOADS)
            journal_load_reply(journal, &event->reply, event->now_ms, outbox);
        else
            journal_write_reply(journal, &event->reply, event->now_ms, outbox);
        break;
    }
    if (journal->phase == JOURNAL_IS_LOADED)
        journal_write_next(journal, outbox);
}

int64_t journal_deadline_ms(const struct journal *journal) {
    if (!journal->is_connected)
        return INT64_MAX;
    if (journal->phase == JOURNAL_LOADS)
        return journal->load.retry_at_ms;
    bool waits = journal->phase == JOURNAL_IS_LOADED && journal->write.state == WRITE_WAITS;
    return waits ? journal->write.retry_at_ms : INT64_MAX;
}

/* --- reading --- */

static int compare_entries(const void *a, const void *b) {
    struct map_entry *const *first = a, *const *second = b;
    return text_compare(map_key_text(*first), map_key_text(*second));
}

bool journal_is_there(const struct journal *journal) {
    return journal->has_head;
}

bool journal_each(const struct journal *journal,
                  bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                  void *self, struct error *error) {
    size_t count = 0;
    struct map_entry **entries = NEW_ARRAY(struct map_entry *, journal->values.count);
    MAP_EACH(entry, &journal->values)
        entries[count++] = entry;
    qsort(entries, count, sizeof(struct map_entry *), compare_entries);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const struct journal_value *value = map_value(entries[i]);
        ok = fn(self, map_key_text(entries[i]), (struct text){value->data, value->size}, error);
    }
    mem_free(entries);
    return ok;
}
