/*
 * Calls wait in the order in which they were made and are answered in it, whoever knows the answer
 * first: the library, or this file when there is no server or the request cannot be made. When the
 * connection breaks everything that waits is answered at once (ZK_LOST), before that is told; what
 * the library says of those calls later is not heard.
 *
 * A server that answers pings and nothing else keeps a session for ever, and the library waits for
 * ever with it: a session in which nothing is answered for too long is given up.
 */
#include "zookeeper/shell/zk_client.h"

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/runtime/loop.h"
#include "zookeeper/shell/zk_keeper.h"

enum { CALLS_LIMIT = 20000, SILENT_SESSIONS = 3 /* session timeouts without an answer */ };

struct call {
    struct link link;
    uint64_t id;     /* ours, for the keeper */
    uint64_t number; /* the asker's */
    bool is_answered;
    struct zk_note *note; /* owned; NULL: `result` and `why` say all */
    enum zk_result result;
    struct text why; /* a literal */
};

struct zk_client {
    struct loop *loop;
    struct zk_client_options options; /* without url */
    struct zk_keeper *keeper;
    enum zk_session_state state;
    struct zk_session session; /* what a new handle resumes */
    bool is_opening;           /* notes are of the last handle */
    bool is_stale;             /* no server took it for a while: replaced next time */
    bool was_moved;            /* to a handle that watches nothing: all that is watched is told */
    struct link calls;
    size_t call_count;
    uint64_t last_id;
    struct map watched; /* path -> itself; only there while a watch may be set */
    struct loop_task flush;
    struct loop_timer timer; /* looks names up again; after a refusal: begins again */
    struct loop_timer silence;
    int64_t heard_ms; /* the last answer, or the first question since nothing was owed */
    bool *is_freed;   /* on the stack of whoever calls back */
};

static void call_free(struct call *call) {
    list_remove(&call->link);
    zk_note_free(call->note);
    mem_free(call);
}

/* --- calling back; each returns false when the client was freed in it --- */

static bool tell_session(struct zk_client *client, enum zk_session_state state, int64_t id) {
    bool is_freed = false;
    client->is_freed = &is_freed;
    client->options.on_session(client->options.self, state, id);
    if (!is_freed)
        client->is_freed = NULL;
    return !is_freed;
}

static bool tell_watch(struct zk_client *client, struct text path) {
    bool is_freed = false;
    map_remove_text(&client->watched, path);
    client->is_freed = &is_freed;
    client->options.on_watch(client->options.self, path);
    if (!is_freed)
        client->is_freed = NULL;
    return !is_freed;
}

/* Nothing is done after it, so it may free the client. */
static void tell_lookup(struct zk_client *client, struct text why) {
    if (client->options.on_lookup != NULL)
        client->options.on_lookup(client->options.self, why);
}

static bool tell_reply(struct zk_client *client, struct call *call) {
    bool is_freed = false;
    struct zk_reply reply = {.result = call->result, .why = call->why};
    AUTO(zk_note_free) struct zk_note *note = TAKE(call->note);
    if (note != NULL)
        reply = note->reply;
    reply.number = call->number;
    call_free(call);
    client->call_count--;
    client->is_freed = &is_freed;
    client->options.on_reply(client->options.self, &reply);
    if (!is_freed)
        client->is_freed = NULL;
    return !is_freed;
}

static bool flush_answered(struct zk_client *client) {
    struct link *at;
    while ((at = list_first(&client->calls)) != NULL) {
        struct call *call = CONTAINER_OF(at, struct call, link);
        if (!call->is_answered)
            return true;
        if (!tell_reply(client, call))
            return false;
    }
    return true;
}

static void on_flush(void *self) {
    flush_answered(self);
}

static void answer(struct call *call, enum zk_result result, struct text why) {
    call->is_answered = true;
    call->result = result;
    call->why = why;
}

static bool answer_all(struct zk_client *client, enum zk_result result) {
    LIST_EACH(at, &client->calls) {
        struct call *call = CONTAINER_OF(at, struct call, link);
        if (!call->is_answered)
            answer(call, result, (struct text){0});
    }
    return flush_answered(client);
}

/* --- the session --- */

static void open_handle(struct zk_client *client, const struct zk_session *session) {
    client->is_opening = true;
    zk_keeper_open(client->keeper, session);
    loop_timer_arm(&client->timer, loop_now_ms(client->loop) + ZK_RESOLVE_MS);
}

/* The names have other addresses: as long as no server answers, those are tried. */
static void follow_names(struct zk_client *client) {
    if (client->is_opening || client->state == ZK_SESSION_CONNECTED)
        return;
    client->was_moved = client->session.id != 0;
    open_handle(client, client->was_moved ? &client->session : NULL);
}

/* A handle remembers the newest change it has seen, and servers that have begun anew with less
 * refuse it for ever; so every other time it is replaced, in the same session. */
static void look_around(struct zk_client *client) {
    client->is_stale = !client->is_stale;
    if (client->is_stale)
        zk_keeper_resolve(client->keeper);
    else
        follow_names(client);
}

static void on_timer(void *self) {
    struct zk_client *client = self;
    switch (client->state) {
    case ZK_SESSION_REFUSED:
        client->state = ZK_SESSION_CONNECTING;
        open_handle(client, NULL);
        return;
    case ZK_SESSION_CONNECTING:
    case ZK_SESSION_EXPIRED:
        if (!client->is_opening)
            look_around(client);
        loop_timer_arm(&client->timer, loop_now_ms(client->loop) + ZK_RESOLVE_MS);
        return;
    case ZK_SESSION_CONNECTED: return;
    }
}

/* After a move: the new handle watches nothing, and who cares reads again. */
static void tell_watched(struct zk_client *client) {
    struct map lost = client->watched;
    bool goes_on = true;
    client->watched = (struct map){0};
    client->was_moved = false;
    MAP_EACH(entry, &lost) {
        goes_on = goes_on && tell_watch(client, map_key_text(entry));
    }
    map_fini(&lost, NULL);
}

static void connected(struct zk_client *client, const struct zk_session *session) {
    client->session = *session;
    client->is_stale = false;
    loop_timer_disarm(&client->timer);
    if (tell_session(client, ZK_SESSION_CONNECTED, session->id) && client->was_moved)
        tell_watched(client);
}

static void disconnected(struct zk_client *client) {
    zk_keeper_resolve(client->keeper);
    loop_timer_arm(&client->timer, loop_now_ms(client->loop) + ZK_RESOLVE_MS);
    if (answer_all(client, ZK_LOST))
        tell_session(client, ZK_SESSION_CONNECTING, 0);
}

static void ended(struct zk_client *client, enum zk_session_state state) {
    client->session = (struct zk_session){0};
    client->was_moved = false;
    map_fini(&client->watched, NULL);
    client->watched = (struct map){0};
    if (state == ZK_SESSION_REFUSED) {
        zk_keeper_close(client->keeper);
        client->is_opening = true;
        loop_timer_arm(&client->timer, loop_now_ms(client->loop) + ZK_REFUSED_PAUSE_MS);
    } else {
        open_handle(client, NULL);
    }
    if (answer_all(client, ZK_OVER))
        tell_session(client, state, 0);
}

static void session_changed(struct zk_client *client, const struct zk_note *note) {
    client->state = note->state;
    switch (note->state) {
    case ZK_SESSION_CONNECTED: connected(client, &note->session); return;
    case ZK_SESSION_CONNECTING: disconnected(client); return;
    case ZK_SESSION_EXPIRED:
    case ZK_SESSION_REFUSED: ended(client, note->state); return;
    }
}

static bool owes_answer(const struct zk_client *client) {
    LIST_EACH(at, &client->calls) {
        if (!CONTAINER_OF(at, struct call, link)->is_answered)
            return true;
    }
    return false;
}

static void on_silence(void *self) {
    struct zk_client *client = self;
    int64_t limit_ms = client->heard_ms + SILENT_SESSIONS * client->options.session_timeout_ms;
    if (client->state != ZK_SESSION_CONNECTED || client->is_opening || !owes_answer(client))
        return;
    if (loop_now_ms(client->loop) < limit_ms) {
        loop_timer_arm(&client->silence, limit_ms);
        return;
    }
    client->state = ZK_SESSION_EXPIRED;
    ended(client, ZK_SESSION_EXPIRED);
}

/* Before a request is sent: from now on an answer is due. */
static void expect_answer(struct zk_client *client) {
    if (owes_answer(client))
        return;
    client->heard_ms = loop_now_ms(client->loop);
    loop_timer_arm(&client->silence,
                   client->heard_ms + SILENT_SESSIONS * client->options.session_timeout_ms);
}

/* --- notes --- */

static void replied(struct zk_client *client, struct zk_note *owned) {
    AUTO(zk_note_free) struct zk_note *note = owned;
    client->heard_ms = loop_now_ms(client->loop);
    LIST_EACH(at, &client->calls) {
        struct call *call = CONTAINER_OF(at, struct call, link);
        if (call->id != note->call)
            continue;
        if (!call->is_answered) {
            call->is_answered = true;
            call->note = TAKE(note);
            flush_answered(client);
        }
        return;
    }
}

static void take_note(struct zk_client *client, struct zk_note *owned) {
    AUTO(zk_note_free) struct zk_note *note = owned;
    switch (note->kind) {
    case ZK_NOTE_OPENED:
    case ZK_NOTE_LOOKUP: return;
    case ZK_NOTE_SESSION: session_changed(client, note); return;
    case ZK_NOTE_REPLY: replied(client, TAKE(note)); return;
    case ZK_NOTE_WATCH: tell_watch(client, note->path); return;
    case ZK_NOTE_MOVED: follow_names(client); return;
    }
}

/* While a handle is being opened the notes are of the last, but for what opening itself tells. */
static void on_note(void *self, struct zk_note *owned) {
    struct zk_client *client = self;
    AUTO(zk_note_free) struct zk_note *note = owned;
    if (note->kind == ZK_NOTE_OPENED)
        client->is_opening = false;
    if (note->kind == ZK_NOTE_LOOKUP)
        tell_lookup(client, note->reply.why);
    else if (!client->is_opening)
        take_note(client, TAKE(note));
}

/* --- requests --- */

static bool path_is_valid(struct text path) {
    return path.size > 0 && path.size <= ZK_PATH_BYTES_LIMIT && path.data[0] == '/' &&
           (path.size == 1 || path.data[path.size - 1] != '/') && text_is_utf8(path) &&
           !text_contains_byte(path, '\0') && memmem(path.data, path.size, "//", 2) == NULL;
}

/* "" when it may be sent. */
static const char *multi_refusal(const struct zk_request *request) {
    size_t bytes = 0;
    if (request->write_count > ZK_MULTI_WRITES_LIMIT)
        return "more writes in a multi than ZK_MULTI_WRITES_LIMIT";
    for (size_t i = 0; i < request->write_count; i++) {
        if (!path_is_valid(request->writes[i].path))
            return "no path as ZooKeeper has them";
        bytes += request->writes[i].path.size + request->writes[i].data.size + 64;
    }
    return bytes > ZK_NODE_BYTES_LIMIT ? "more bytes in a request than ZK_NODE_BYTES_LIMIT" : "";
}

static const char *refusal(const struct zk_client *client, const struct zk_request *request) {
    if (client->call_count > CALLS_LIMIT)
        return "more requests wait than CALLS_LIMIT";
    if (request->kind == ZK_MULTI)
        return multi_refusal(request);
    if (!path_is_valid(request->path))
        return "no path as ZooKeeper has them";
    if (request->path.size + request->data.size + 128 > ZK_NODE_BYTES_LIMIT)
        return "more bytes in a request than ZK_NODE_BYTES_LIMIT";
    return "";
}

void zk_client_send(struct zk_client *client, const struct zk_request *request) {
    struct call *call = NEW(struct call);
    call->id = ++client->last_id;
    call->number = request->number;
    const char *why = refusal(client, request);
    expect_answer(client);
    list_append(&client->calls, &call->link);
    client->call_count++;
    if (*why != '\0')
        answer(call, ZK_FAILED, text_of(why));
    else if (client->state != ZK_SESSION_CONNECTED || client->is_opening)
        answer(call, ZK_LOST, (struct text){0});
    else {
        enum zk_result result = zk_keeper_send(client->keeper, call->id, request);
        if (result != ZK_OK)
            answer(call, result, TEXT("the request cannot be made"));
        else if (request->watch)
            map_put_text(&client->watched, request->path, client);
    }
    if (call->is_answered)
        loop_defer(client->loop, &client->flush);
}

struct zk_client *zk_client_new(struct loop *loop, const struct zk_client_options *options,
                                struct error *error) {
    struct zk_client *client = NEW(struct zk_client);
    struct zk_keeper_options keeper = {.servers = options->url->servers,
                                       .credentials = options->url->credentials,
                                       .session_timeout_ms = options->session_timeout_ms,
                                       .on_note = on_note,
                                       .self = client};
    client->keeper = zk_keeper_new(loop, &keeper, error);
    if (client->keeper == NULL) {
        mem_free(client);
        return NULL;
    }
    client->loop = loop;
    client->options = *options;
    client->options.url = NULL;
    client->state = ZK_SESSION_CONNECTING;
    list_init(&client->calls);
    loop_task_init(&client->flush, on_flush, client);
    loop_timer_init(&client->timer, loop, on_timer, client);
    loop_timer_init(&client->silence, loop, on_silence, client);
    open_handle(client, NULL);
    return client;
}

void zk_client_free(struct zk_client *client) {
    if (client == NULL)
        return;
    if (client->is_freed != NULL)
        *client->is_freed = true;
    zk_keeper_free(client->keeper, ZK_CLOSE_MS);
    loop_timer_disarm(&client->timer);
    loop_timer_disarm(&client->silence);
    loop_task_cancel(&client->flush);
    LIST_EACH(at, &client->calls) {
        call_free(CONTAINER_OF(at, struct call, link));
    }
    map_fini(&client->watched, NULL);
    mem_free(client);
}
