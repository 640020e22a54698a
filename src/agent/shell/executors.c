#include "agent/shell/executors.h"

#include "agent/shell/daemon.h"
#include "common/base/map.h"
#include "common/model/frame_type.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_server.h"

enum { EXECUTOR_FRAME_LIMIT_BYTES = 16 << 20, CONNECTIONS_LIMIT = 10000 };

struct executors {
    struct daemon *daemon;
    struct map connections; /* connection id -> struct executor_connection, owned */
    uint64_t last_id;
};

struct executor_connection {
    struct executors *executors;
    struct connection_id id;
    struct frame_link *link;
};

struct executors *executors_new(struct daemon *daemon) {
    struct executors *executors = NEW(struct executors);
    executors->daemon = daemon;
    return executors;
}

static void connection_free(void *self) {
    struct executor_connection *connection = self;
    frame_link_free(connection->link);
    mem_free(connection);
}

void executors_free(struct executors *executors) {
    if (executors == NULL)
        return;
    map_fini(&executors->connections, connection_free);
    mem_free(executors);
}

/* Takes it out and tells the core, which may have asked for it. */
static void end_connection(struct executor_connection *connection) {
    struct daemon *daemon = connection->executors->daemon;
    struct agent_event event = {.kind = AGENT_EVENT_EXECUTOR_CLOSED, .connection = connection->id};
    map_remove(&connection->executors->connections, connection->id.value);
    frame_link_finish(TAKE(connection->link));
    mem_free(connection);
    daemon_feed(daemon, event);
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct executor_connection *connection = self;
    struct daemon *daemon = connection->executors->daemon;
    struct wire wire = daemon_wire(daemon);
    struct agent_event event = {.kind = AGENT_EVENT_EXECUTOR_CALL, .connection = connection->id};
    struct error error;
    if (type == FRAME_EXECUTOR_CALL &&
        executor_call_decode(&wire, payload, &event.executor, &error)) {
        daemon_feed(daemon, event);
        return;
    }
    if (type != FRAME_EXECUTOR_CALL)
        fail(&error, ERROR_INVALID, "frame type %u is not for an agent", type);
    log_warning(daemon->log, "executor_message_invalid", KV("error", &error),
                KV("note", "the connection is closed"));
    arena_reset(daemon->arena);
    end_connection(connection);
}

static void on_closed(void *self, const struct error *error) {
    struct executor_connection *connection = self;
    log_debug(connection->executors->daemon->log, "executor_connection_closed", KV("error", error));
    end_connection(connection);
}

void executors_accept(struct executors *executors, struct http_request *request) {
    static const struct frame_link_callbacks callbacks = {.on_frame = on_frame,
                                                          .on_closed = on_closed};
    if (executors->connections.count >= CONNECTIONS_LIMIT) {
        http_request_answer_text(request, 503, "too many connections");
        return;
    }
    struct error error;
    struct frame_link *link = http_request_upgrade(request, NULL, 0, &error);
    if (link == NULL) {
        http_request_drop(request);
        return;
    }
    struct executor_connection *connection = NEW(struct executor_connection);
    connection->executors = executors;
    connection->id.value = ++executors->last_id;
    connection->link = link;
    map_put(&executors->connections, connection->id.value, connection);
    frame_link_set_limits(
        link, (struct frame_link_limits){.frame_limit_bytes = EXECUTOR_FRAME_LIMIT_BYTES});
    frame_link_start(link, &callbacks, connection);
}

void executors_send(struct executors *executors, struct connection_id to, struct text event) {
    struct executor_connection *connection = map_get(&executors->connections, to.value);
    if (connection != NULL)
        frame_link_send(connection->link, FRAME_EXECUTOR_EVENT, event);
}

void executors_close(struct executors *executors, struct connection_id which, const char *reason) {
    struct executor_connection *connection = map_get(&executors->connections, which.value);
    if (connection == NULL)
        return;
    log_info(executors->daemon->log, "executor_connection_ended", KV("reason", reason));
    map_remove(&executors->connections, which.value);
    frame_link_finish(TAKE(connection->link));
    mem_free(connection);
}
