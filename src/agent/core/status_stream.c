/*
 * The status update manager: each task's updates go to the master one at a time, in order, each
 * stored before it is sent and again and again until its framework has acknowledged it; the
 * acknowledgement is stored before the next one goes. Without a master the streams rest; a new
 * registration wakes them all.
 */
#include "agent/core/parts.h"

#include <assert.h>

enum { RETRY_LIMIT_MS = 10 * 60 * 1000 };

void stream_init(struct status_stream *stream, struct task *task) {
    list_init(&stream->updates);
    timer_init(&stream->retry, TIMER_STATUS_RETRY, task);
    stream->sent_state = TASK_STATE_STAGING;
}

const struct update *stream_head(const struct status_stream *stream) {
    struct link *first = list_first(&stream->updates);
    return first != NULL ? CONTAINER_OF(first, struct update, link) : NULL;
}

/* Moves one text into the block at *at. */
static void pack(struct text *text, char **at) {
    if (text->size > 0) {
        memcpy(*at, text->data, text->size);
        text->data = *at;
        *at += text->size;
    }
}

static struct update *update_of(const struct task_status *status, uint64_t sequence) {
    struct update *update = NEW(struct update);
    update->sequence = sequence;
    update->status = *status;
    struct task_status *kept = &update->status;
    struct text *texts[] = {
        &kept->task.text,
        &kept->message,
        &kept->agent.text,
        &kept->executor.text,
        &kept->termination.killed_by,
        &kept->termination.stderr_tail,
        &kept->carried,
        &kept->encoded,
    };
    size_t size = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        size += texts[i]->size;
    char *at = update->bytes = mem_alloc(size);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        pack(texts[i], &at);
    return update;
}

void update_free(struct update *update) {
    if (update == NULL)
        return;
    mem_free(update->bytes);
    mem_free(update);
}

void stream_restore(struct task *task, const struct task_status *status, uint64_t sequence) {
    struct status_stream *stream = &task->stream;
    struct update *update = update_of(status, sequence);
    struct link *place = &stream->updates;
    while (place->previous != &stream->updates &&
           CONTAINER_OF(place->previous, struct update, link)->sequence > sequence)
        place = place->previous;
    list_insert_before(place, &update->link);
    stream->count++;
    if (stream->next_sequence <= sequence)
        stream->next_sequence = sequence + 1;
}

void stream_push(struct agent *agent, struct task *task, const struct task_status *status) {
    struct status_stream *stream = &task->stream;
    struct update *update = update_of(status, stream->next_sequence++);
    list_append(&stream->updates, &update->link);
    stream->count++;
    if (!task->is_unknown) {
        struct agent_record record = {.kind = AGENT_RECORD_UPDATE};
        record.update.framework = task->framework->id;
        record.update.status = update->status;
        store_put(agent, key_update(agent, task, update->sequence), &record);
        update->ticket = store_ticket(agent);
    }
    if (stream->count == 1)
        stream_resend(agent, task);
}

void stream_send_head(struct agent *agent, struct task *task) {
    const struct update *head = stream_head(&task->stream);
    if (head == NULL || !registration_is_done(agent))
        return;
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    effect->after = store_after(agent, head->ticket);
    effect->master.kind = AGENT_MESSAGE_UPDATE;
    effect->master.update.framework = task->framework->id;
    effect->master.update.status = head->status;
    effect->master.update.latest_state = task->state;
    timer_set(agent, &task->stream.retry, task->stream.retry_ms);
}

void stream_resend(struct agent *agent, struct task *task) {
    task->stream.retry_ms = agent->options.status_retry_ms;
    stream_send_head(agent, task);
}

void stream_pause(struct agent *agent, struct task *task) {
    timer_cancel(agent, &task->stream.retry);
}

void stream_retry(struct agent *agent, struct task *task) {
    int64_t doubled_ms = task->stream.retry_ms * 2;
    task->stream.retry_ms = doubled_ms < RETRY_LIMIT_MS ? doubled_ms : RETRY_LIMIT_MS;
    effect_note(agent, AGENT_NOTE_DEBUG, "status_retry", "task=%.*s next_ms=%lld",
                TEXT_ARGS(task->id.text), (long long)task->stream.retry_ms);
    stream_send_head(agent, task);
}

bool stream_knows(const struct status_stream *stream, struct uuid uuid) {
    LIST_EACH(at, &stream->updates) {
        if (uuid_equal(CONTAINER_OF(at, struct update, link)->status.uuid, uuid))
            return true;
    }
    size_t known = stream->seen_count < STREAM_SEEN_LIMIT ? stream->seen_count : STREAM_SEEN_LIMIT;
    for (size_t i = 0; i < known; i++) {
        if (uuid_equal(stream->seen[i], uuid))
            return true;
    }
    return false;
}

/* Takes the head out; its record goes with this step's commit. */
static void drop_head(struct agent *agent, struct task *task) {
    struct status_stream *stream = &task->stream;
    struct update *head = CONTAINER_OF(list_first(&stream->updates), struct update, link);
    list_remove(&head->link);
    stream->count--;
    stream->seen[stream->seen_count++ % STREAM_SEEN_LIMIT] = head->status.uuid;
    if (!task->is_unknown)
        store_remove(agent, key_update(agent, task, head->sequence));
    VEC_PUSH(&agent->dead_updates, head);
}

void stream_acknowledge(struct agent *agent, struct task *task, struct uuid uuid) {
    struct status_stream *stream = &task->stream;
    const struct update *head = stream_head(stream);
    if (head == NULL || !uuid_equal(head->status.uuid, uuid)) {
        effect_note(agent, AGENT_NOTE_WARNING, "acknowledgement_ignored",
                    "task=%.*s why=\"not the update that waits\"", TEXT_ARGS(task->id.text));
        return;
    }
    stream->sent_state = head->status.state;
    stream->sent_ns = head->status.timestamp_ns;
    timer_cancel(agent, &stream->retry);
    drop_head(agent, task);
    if (task_state_is_terminal(stream->sent_state) && stream->count == 0)
        return task_complete(agent, task);

    struct link *next = list_first(&stream->updates);
    if (next == NULL)
        return;
    /* However often it is sent, never before this acknowledgement is stored. */
    if (!task->is_unknown)
        CONTAINER_OF(next, struct update, link)->ticket = store_ticket(agent);
    stream_resend(agent, task);
}

void stream_drop(struct agent *agent, struct task *task) {
    timer_cancel(agent, &task->stream.retry);
    while (task->stream.count > 0)
        drop_head(agent, task);
}

void stream_fini(struct status_stream *stream) {
    LIST_EACH(at, &stream->updates)
        update_free(CONTAINER_OF(at, struct update, link));
}

static void each_task(struct agent *agent, void (*fn)(struct agent *agent, struct task *task)) {
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks)
            fn(agent, map_value(place));
    }
}

void streams_resend(struct agent *agent) {
    each_task(agent, stream_resend);
}

void streams_pause(struct agent *agent) {
    each_task(agent, stream_pause);
}
