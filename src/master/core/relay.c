/*
 * A relay is in two maps, under the asker's number on the asker's connection and under ours on the
 * agent's.
 */
#include "master/core/relay.h"

#include "master/core/emit.h"
#include "master/core/framework_book.h"
#include "master/core/task_book.h"

#include <stdio.h>

static void say_end(struct master *master, struct peer *peer, uint64_t channel,
                    enum channel_end end, const char *why) {
    struct channel_message message = {
        .kind = CHANNEL_CLOSE,
        .channel = channel,
        .close = {end, lend(master, text_of(why))},
    };
    emit_channel(master, peer, message);
}

static void forget(struct relay *relay) {
    map_remove(&relay->asker->channels, relay->asker_channel);
    map_remove(&relay->sender->channels, relay->sender_channel);
    mem_free(relay);
}

/* --- opening --- */

/* How many frameworks have such a task; *out is one of them. */
static size_t count_tasks(const struct map *frameworks, struct task_id id, struct task **out) {
    size_t count = 0;
    MAP_EACH(entry, frameworks) {
        struct task *task = task_book_find_any(map_value(entry), id);
        if (task != NULL) {
            *out = task;
            count++;
        }
    }
    return count;
}

/* An asker that is a framework sees its own tasks alone. */
static bool find_task(const struct master *master, const struct peer *asker,
                      const struct channel_message *message, struct task **out, struct error *why) {
    struct framework_id id = message->open.framework;
    const struct framework *framework = asker->framework;
    struct text task = message->open.task.text;
    if (framework != NULL && id.text.size > 0 && !framework_id_equal(id, framework->info.id))
        return fail(why, ERROR_REFUSED, "the task belongs to another framework");
    if (framework == NULL && id.text.size > 0) {
        framework = framework_book_find(master, id);
        if (framework == NULL)
            return fail(why, ERROR_NOT_FOUND, "no framework '%.*s'", TEXT_ARGS(id.text));
    }
    size_t count;
    if (framework != NULL) {
        *out = task_book_find_any(framework, message->open.task);
        count = *out != NULL;
    } else {
        count = count_tasks(&master->frameworks, message->open.task, out);
        if (count == 0)
            count = count_tasks(&master->completed, message->open.task, out);
    }
    if (count == 0)
        return fail(why, ERROR_NOT_FOUND, "no task '%.*s'", TEXT_ARGS(task));
    if (count > 1)
        return fail(why, ERROR_INVALID, "%zu frameworks have a task '%.*s': name one", count,
                    TEXT_ARGS(task));
    return true;
}

static void open_to(struct master *master, struct peer *asker, struct agent *agent,
                    struct framework_id framework, const struct channel_message *message) {
    struct peer *sender = agent->peer;
    struct relay *relay = NEW(struct relay);
    *relay = (struct relay){asker, sender, message->channel, ++sender->last_channel};
    map_put(&asker->channels, relay->asker_channel, relay);
    map_put(&sender->channels, relay->sender_channel, relay);
    struct channel_message forwarded = *message;
    forwarded.channel = relay->sender_channel;
    forwarded.open.framework = framework;
    forwarded.open.agent = agent->info.id;
    emit_channel(master, sender, forwarded);
}

static void open_channel(struct master *master, struct peer *asker,
                         const struct channel_message *message) {
    uint64_t channel = message->channel;
    if (asker->agent != NULL || map_get(&asker->channels, channel) != NULL) {
        emit_invalid(master, "channel=%llu error=\"cannot be opened here, or is open\"",
                     (unsigned long long)channel);
        if (asker->agent != NULL)
            say_end(master, asker, channel, CHANNEL_END_ERROR, "agents do not open channels");
        return;
    }
    if (asker->channels.count >= CHANNELS_PER_CONNECTION_LIMIT) {
        say_end(master, asker, channel, CHANNEL_END_ERROR, "too many channels on this connection");
        return;
    }
    if (message->open.window_bytes > CHANNEL_WINDOW_BYTES_LIMIT) {
        say_end(master, asker, channel, CHANNEL_END_ERROR, "the window is too large");
        return;
    }
    struct task *task = NULL;
    struct error why;
    if (!find_task(master, asker, message, &task, &why)) {
        enum channel_end end =
            why.code == ERROR_NOT_FOUND ? CHANNEL_END_NOT_FOUND : CHANNEL_END_ERROR;
        say_end(master, asker, channel, end, why.message);
        return;
    }
    assert(task != NULL);
    struct text id =
        message->open.agent.text.size > 0 ? message->open.agent.text : task->agent_id.text;
    struct agent *agent = map_get_text(&master->agents, id);
    if (agent == NULL || agent->peer == NULL) {
        say_end(master, asker, channel, CHANNEL_END_UNAVAILABLE, "its agent is not connected");
        return;
    }
    open_to(master, asker, agent, task->framework->info.id, message);
}

/* --- passing on --- */

static void pass(struct master *master, struct peer *to, uint64_t channel,
                 const struct channel_message *message) {
    struct channel_message forwarded = *message;
    forwarded.channel = channel;
    emit_channel(master, to, forwarded);
}

static void close_channel(struct master *master, struct peer *peer, struct relay *relay,
                          const struct channel_message *message) {
    if (peer == relay->asker)
        pass(master, relay->sender, relay->sender_channel, message);
    else
        pass(master, relay->asker, relay->asker_channel, message);
    forget(relay);
}

static void misuse(struct master *master, struct peer *peer, struct relay *relay) {
    const char *why = "the message goes the wrong way";
    say_end(master, peer, peer == relay->asker ? relay->asker_channel : relay->sender_channel,
            CHANNEL_END_ERROR, why);
    if (peer == relay->asker)
        say_end(master, relay->sender, relay->sender_channel, CHANNEL_END_CANCELLED, why);
    else
        say_end(master, relay->asker, relay->asker_channel, CHANNEL_END_ERROR, why);
    forget(relay);
}

void relay_step(struct master *master, struct peer *peer, const struct channel_message *message) {
    if (message->kind == CHANNEL_OPEN) {
        open_channel(master, peer, message);
        return;
    }
    /* What crosses a CLOSE on the wire finds nothing, and that is in order. */
    struct relay *relay = map_get(&peer->channels, message->channel);
    if (relay == NULL)
        return;
    switch (message->kind) {
    case CHANNEL_DATA:
        if (peer == relay->sender)
            pass(master, relay->asker, relay->asker_channel, message);
        else
            misuse(master, peer, relay);
        return;
    case CHANNEL_WINDOW:
        if (peer == relay->asker && message->window_bytes <= CHANNEL_WINDOW_BYTES_LIMIT)
            pass(master, relay->sender, relay->sender_channel, message);
        else
            misuse(master, peer, relay);
        return;
    case CHANNEL_CLOSE: close_channel(master, peer, relay, message); return;
    case CHANNEL_OPEN: return;
    }
    misuse(master, peer, relay);
}

void relay_end_all(struct master *master, struct peer *peer) {
    for (struct relay *relay; (relay = map_first(&peer->channels)) != NULL;) {
        if (peer == relay->asker)
            say_end(master, relay->sender, relay->sender_channel, CHANNEL_END_CANCELLED,
                    "the asker's connection is gone");
        else
            say_end(master, relay->asker, relay->asker_channel, CHANNEL_END_UNAVAILABLE,
                    "the agent's connection is gone");
        forget(relay);
    }
}
