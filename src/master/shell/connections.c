#include "master/shell/connections.h"

#include "common/runtime/frame_link.h"
#include "common/runtime/http_server.h"
#include "master/shell/daemon.h"

enum {
    CONNECTIONS_LIMIT = 200000,
    CLIENT_FRAME_LIMIT_BYTES = 16 << 20,
    AGENT_FRAME_LIMIT_BYTES = 64 << 20, /* a returning agent reports all its tasks in one */
};

enum role { ROLE_SCHEDULER, ROLE_AGENT, ROLE_OPERATOR };

struct connections {
    struct daemon *daemon;
    struct map open;     /* number -> struct connection, owned */
    struct link closing; /* connections that ended and of which the core is yet to hear */
    struct loop_task tell_closed;
    uint64_t last_id;
};

struct connection {
    struct connections *connections;
    struct connection_id id;
    enum role role;
    struct frame_link *link;
    struct link place; /* in `closing` */
};

static void connection_free(void *self) {
    struct connection *connection = self;
    frame_link_free(connection->link);
    mem_free(connection);
}

static void tell_closed(void *self) {
    struct connections *connections = self;
    LIST_EACH(at, &connections->closing) {
        struct connection *connection = CONTAINER_OF(at, struct connection, place);
        struct master_event event = {.kind = MASTER_EVENT_CLOSED, .connection = connection->id};
        list_remove(at);
        connection_free(connection);
        daemon_feed(connections->daemon, &event);
    }
}

/* From now on nothing comes from it; the core hears of it at the end of the turn. */
static void end_connection(struct connection *connection) {
    struct connections *connections = connection->connections;
    map_remove(&connections->open, connection->id.value);
    frame_link_finish(TAKE(connection->link));
    list_append(&connections->closing, &connection->place);
    loop_defer(connections->daemon->loop, &connections->tell_closed);
}

struct connections *connections_new(struct daemon *daemon) {
    struct connections *connections = NEW(struct connections);
    connections->daemon = daemon;
    list_init(&connections->closing);
    loop_task_init(&connections->tell_closed, tell_closed, connections);
    return connections;
}

/* --- what arrives --- */

/* Whether a frame of this type may come from this role, decoded into the event. */
static bool decode(struct connection *connection, uint16_t type, struct text payload,
                   struct master_event *event, struct error *error) {
    struct wire wire = daemon_wire(connection->connections->daemon);
    event->connection = connection->id;
    if (type == FRAME_CHANNEL) {
        event->kind = MASTER_EVENT_CHANNEL;
        return channel_message_decode(&wire, payload, &event->channel, error);
    }
    if (type == FRAME_SCHEDULER_CALL && connection->role == ROLE_SCHEDULER) {
        event->kind = MASTER_EVENT_SCHEDULER_CALL;
        return scheduler_call_decode(&wire, payload, &event->call, error);
    }
    if (type == FRAME_AGENT_MESSAGE && connection->role == ROLE_AGENT) {
        event->kind = MASTER_EVENT_AGENT_MESSAGE;
        return agent_message_decode(&wire, payload, &event->agent_message, error);
    }
    return fail(error, ERROR_INVALID, "frame type %u does not belong on this connection", type);
}

/* A scheduler is told what was wrong before its connection ends. */
static void send_error(struct connection *connection, const struct error *error) {
    struct daemon *daemon = connection->connections->daemon;
    struct wire wire = daemon_wire(daemon);
    struct scheduler_event event = {.kind = SCHEDULER_EVENT_ERROR,
                                    .error = text_of(error->message)};
    buf_clear(&daemon->encoded);
    scheduler_event_encode(&wire, &event, &daemon->encoded);
    frame_link_send(connection->link, FRAME_SCHEDULER_EVENT, buf_text(&daemon->encoded));
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct connection *connection = self;
    struct daemon *daemon = connection->connections->daemon;
    struct master_event event;
    struct error error;
    if (decode(connection, type, payload, &event, &error)) {
        daemon_feed(daemon, &event);
        return;
    }
    log_warning(daemon->log, "message_invalid", KV("peer", frame_link_peer(connection->link)),
                KV("error", &error), KV("note", "the connection is closed"));
    if (connection->role == ROLE_SCHEDULER)
        send_error(connection, &error);
    arena_reset(daemon->arena);
    end_connection(connection);
}

static void on_closed(void *self, const struct error *error) {
    struct connection *connection = self;
    log_debug(connection->connections->daemon->log, "connection_closed",
              KV("peer", frame_link_peer(connection->link)), KV("error", error));
    end_connection(connection);
}

/* --- accepting, sending, closing --- */

static bool parse_role(struct text text, enum role *out) {
    if (text_equal(text, TEXT("scheduler")))
        *out = ROLE_SCHEDULER;
    else if (text_equal(text, TEXT("agent")))
        *out = ROLE_AGENT;
    else if (text_equal(text, TEXT("operator")))
        *out = ROLE_OPERATOR;
    else
        return false;
    return true;
}

void connections_accept(struct connections *connections, struct http_request *request) {
    static const struct frame_link_callbacks callbacks = {.on_frame = on_frame,
                                                          .on_closed = on_closed};
    enum role role;
    struct error error;
    if (!parse_role(http_request_header(request, FRAME_ROLE_HEADER), &role)) {
        http_request_answer_text(request, 400,
                                 FRAME_ROLE_HEADER " is none of scheduler, agent, operator");
        return;
    }
    if (connections->open.count >= CONNECTIONS_LIMIT) {
        http_request_answer_text(request, 503, "too many connections");
        return;
    }
    struct frame_link *link = http_request_upgrade(request, NULL, 0, &error);
    if (link == NULL) {
        http_request_drop(request);
        return;
    }
    struct connection *connection = NEW(struct connection);
    connection->connections = connections;
    connection->id.value = ++connections->last_id;
    connection->role = role;
    connection->link = link;
    map_put(&connections->open, connection->id.value, connection);
    size_t limit = role == ROLE_AGENT ? AGENT_FRAME_LIMIT_BYTES : CLIENT_FRAME_LIMIT_BYTES;
    frame_link_set_limits(link, (struct frame_link_limits){.frame_limit_bytes = limit});
    frame_link_start(link, &callbacks, connection);
}

void connections_send(struct connections *connections, struct connection_id to,
                      enum frame_type type, struct text payload) {
    struct connection *connection = map_get(&connections->open, to.value);
    if (connection != NULL)
        frame_link_send(connection->link, (uint16_t)type, payload);
}

void connections_end_all(struct connections *connections, const char *reason) {
    if (connections->open.count > 0)
        log_info(connections->daemon->log, "connections_ended",
                 KV("connections", connections->open.count), KV("reason", reason));
    loop_task_cancel(&connections->tell_closed);
    LIST_EACH(at, &connections->closing) {
        list_remove(at);
        connection_free(CONTAINER_OF(at, struct connection, place));
    }
    MAP_EACH(entry, &connections->open) {
        struct connection *connection = map_value(entry);
        map_remove(&connections->open, connection->id.value);
        frame_link_finish(TAKE(connection->link));
        connection_free(connection);
    }
}

void connections_close(struct connections *connections, struct connection_id which,
                       const char *reason) {
    struct connection *connection = map_get(&connections->open, which.value);
    if (connection == NULL)
        return;
    log_info(connections->daemon->log, "connection_ended",
             KV("peer", frame_link_peer(connection->link)), KV("reason", reason));
    end_connection(connection);
}
