/*
 * Over evhttp, which reads and writes; what a request says is copied out of it at once, so that a
 * request outlives its connection.
 *
 * evhttp calls closecb when a connection goes. A request that has no answer yet is then either ours
 * to free (evhttp has cut it off the connection) or freed by evhttp in a moment;
 * evhttp_request_get_connection tells which. Connections that we end ourselves are doomed, and
 * freed at the end of the turn: never under evhttp's feet.
 */
#include "common/runtime/http_server.h"

#include "common/base/list.h"
#include "common/base/mem.h"
#include "common/runtime/frame_link_internal.h"
#include "common/runtime/log.h"
#include "common/runtime/loop_internal.h"
#include "common/runtime/socket.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    DOOMED_LIMIT = 64,
    ACCEPT_PAUSE_MS = 100,
    ACCEPT_TELL_MS = 60 * 1000,
};

struct route {
    char *prefix; /* without a slash at the end */
    void (*fn)(void *self, struct http_request *request);
    void *self;
};

struct http_server {
    struct loop *loop;
    struct evhttp *http;
    struct http_server_options options;
    VEC_OF(struct route) routes;
    VEC_OF(struct evhttp_connection *) doomed;
    int nowhere; /* /dev/null: take_socket */
    struct loop_task doom_task;
    struct link held;                          /* requests and streams of live connections */
    VEC_OF(struct evconnlistener *) listeners; /* evhttp's */
    struct loop_timer pause;                   /* they are off until then */
    int64_t tell_ms;                           /* of the pause that is told next */
    struct link in_thread;
    uint16_t port;
};

/* The bond to evhttp, the same for a request and the stream that it may become. */
struct bond {
    struct loop *loop;
    struct http_server *server; /* gone when ev is NULL, perhaps */
    struct evhttp_request *ev;  /* NULL: gone or answered */
    struct link link;           /* in server->held while ev is not NULL */
    void (*on_gone)(struct bond *bond);
};

struct http_request {
    struct bond bond;
    const char *method;
    struct http_head head; /* headers only */
    char *target, *path, *peer;
    size_t path_size, rest_offset;
    struct evkeyvalq query;
    struct buf body;
};

struct http_stream {
    struct bond bond;
    struct loop_task closed_task;
    struct error error;
    void (*on_closed)(void *self, const struct error *error);
    void *self;
};

/* ---- bonds and doom ---- */

static void bond_leave(struct bond *bond) {
    list_remove(&bond->link);
    bond->ev = NULL;
}

static void bond_gone(__attribute__((unused)) struct evhttp_connection *connection, void *self) {
    struct bond *bond = self;
    struct evhttp_request *ev = bond->ev;
    if (ev == NULL)
        return;
    loop_wake(bond->loop);
    bond_leave(bond);
    if (evhttp_request_get_connection(ev) == NULL)
        evhttp_request_free(ev);
    if (bond->on_gone != NULL)
        bond->on_gone(bond);
}

static void bond_make(struct bond *bond, struct http_server *server, struct evhttp_request *ev) {
    bond->loop = server->loop;
    bond->server = server;
    bond->ev = ev;
    list_append(&server->held, &bond->link);
    evhttp_connection_set_closecb(evhttp_request_get_connection(ev), bond_gone, bond);
}

/* Ends the bond from our side and gives back the request of evhttp. */
static struct evhttp_request *bond_take(struct bond *bond) {
    struct evhttp_request *ev = bond->ev;
    evhttp_connection_set_closecb(evhttp_request_get_connection(ev), NULL, NULL);
    bond_leave(bond);
    return ev;
}

static void undoom(struct evhttp_connection *connection, void *self) {
    struct http_server *server = self;
    for (size_t i = 0; i < server->doomed.count; i++) {
        if (server->doomed.items[i] == connection) {
            VEC_REMOVE(&server->doomed, i);
            return;
        }
    }
}

static void free_doomed(void *self) {
    struct http_server *server = self;
    while (server->doomed.count > 0) {
        struct evhttp_connection *connection = server->doomed.items[--server->doomed.count];
        evhttp_connection_set_closecb(connection, NULL, NULL); /* undoom would look for it */
        evhttp_connection_free(connection);
    }
}

/* Each holds a file until it is freed, and thousands may come in one turn: those doomed before,
 * whose callbacks are over, need not wait for its end. */
static void doom(struct http_server *server, struct evhttp_connection *connection) {
    if (server->doomed.count >= DOOMED_LIMIT)
        free_doomed(server);
    bufferevent_disable(evhttp_connection_get_bufferevent(connection), EV_READ | EV_WRITE);
    evhttp_connection_set_closecb(connection, undoom, server);
    VEC_PUSH(&server->doomed, connection);
    loop_defer(server->loop, &server->doom_task);
}

/* ---- what a request says ---- */

static const char *method_name(enum evhttp_cmd_type command) {
    switch (command) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_HEAD: return "HEAD";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_OPTIONS: return "OPTIONS";
    case EVHTTP_REQ_TRACE: return "TRACE";
    case EVHTTP_REQ_CONNECT: return "CONNECT";
    case EVHTTP_REQ_PATCH: return "PATCH";
    }
    return "";
}

static void copy_headers(struct http_head *head, struct evhttp_request *ev) {
    struct evkeyval *header;
    size_t size = 0;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(ev), next)
    size += strlen(header->key) + strlen(header->value);
    buf_reserve(&head->bytes, size);
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(ev), next) {
        struct http_field field = {text_of(header->key), text_of(header->value)};
        const char *at = head->bytes.data + head->bytes.size;
        buf_append_text(&head->bytes, field.name);
        buf_append_text(&head->bytes, field.value);
        field.name.data = at;
        field.value.data = at + field.name.size;
        VEC_PUSH(&head->headers, field);
    }
}

static void copy_target(struct http_request *request, struct evhttp_request *ev) {
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
    if (path == NULL || path[0] == '\0')
        path = "/";
    request->path = evhttp_uridecode(path, 0, &request->path_size);
    if (request->path == NULL)
        mem_crash("out of memory");
    AUTO_FINI(buf_fini) struct buf target = {0};
    buf_append_string(&target, path);
    if (query != NULL)
        buf_printf(&target, "?%s", query);
    request->target = buf_take(&target, NULL);
    if (query == NULL || evhttp_parse_query_str(query, &request->query) != 0)
        TAILQ_INIT(&request->query);
}

static void copy_body(struct http_request *request, struct evhttp_request *ev) {
    struct evbuffer *input = evhttp_request_get_input_buffer(ev);
    size_t size = evbuffer_get_length(input);
    buf_reserve(&request->body, size + 1);
    evbuffer_remove(input, request->body.data, size);
    request->body.size = size;
    request->body.data[size] = '\0';
}

static void copy_peer(struct http_request *request, struct evhttp_request *ev) {
    char peer[PEER_TEXT_SIZE] = "?";
    const struct sockaddr *address = evhttp_connection_get_addr(evhttp_request_get_connection(ev));
    if (address != NULL)
        socket_format(address, peer);
    request->peer = mem_dup_string(peer);
}

static struct http_request *request_new(struct http_server *server, struct evhttp_request *ev) {
    struct http_request *request = NEW(struct http_request);
    request->method = method_name(evhttp_request_get_command(ev));
    copy_headers(&request->head, ev);
    copy_target(request, ev);
    copy_body(request, ev);
    copy_peer(request, ev);
    bond_make(&request->bond, server, ev);
    return request;
}

static void request_free(struct http_request *request) {
    assert(request->bond.ev == NULL);
    http_head_fini(&request->head);
    evhttp_clear_headers(&request->query);
    buf_fini(&request->body);
    mem_free(request->target);
    free(request->path); /* evhttp's */
    mem_free(request->peer);
    mem_free(request);
}

const char *http_request_method(const struct http_request *request) {
    return request->method;
}

struct text http_request_path(const struct http_request *request) {
    return (struct text){request->path, request->path_size};
}

struct text http_request_rest(const struct http_request *request) {
    return text_sub(http_request_path(request), request->rest_offset, request->path_size);
}

struct text http_request_target(const struct http_request *request) {
    return text_of(request->target);
}

struct text http_request_body(const struct http_request *request) {
    return buf_text(&request->body);
}

struct text http_request_peer(const struct http_request *request) {
    return text_of(request->peer);
}

struct text http_request_header(const struct http_request *request, const char *name) {
    return http_head_find(&request->head, name);
}

struct text http_request_query(const struct http_request *request, const char *name) {
    struct evkeyval *pair;
    TAILQ_FOREACH(pair, &request->query, next) {
        if (strcmp(pair->key, name) == 0)
            return text_of(pair->value);
    }
    return (struct text){0};
}

bool http_request_is_gone(const struct http_request *request) {
    return request->bond.ev == NULL;
}

/* ---- routes ---- */

static struct text without_slash(struct text path) {
    while (text_ends_with(path, TEXT("/")))
        path.size--;
    return path;
}

void http_server_route(struct http_server *server, const char *prefix,
                       void (*fn)(void *self, struct http_request *request), void *self) {
    assert(server->routes.count < HTTP_SERVER_ROUTES_LIMIT);
    VEC_PUSH(&server->routes, (struct route){text_dup(without_slash(text_of(prefix))), fn, self});
}

static const struct route *find_route(const struct http_server *server, struct text path) {
    const struct route *best = NULL;
    size_t best_size = 0;
    for (size_t i = 0; i < server->routes.count; i++) {
        const struct route *route = &server->routes.items[i];
        struct text prefix = text_of(route->prefix);
        bool fits = text_starts_with(path, prefix) &&
                    (path.size == prefix.size || path.data[prefix.size] == '/');
        if (fits && (best == NULL || prefix.size >= best_size)) {
            best = route;
            best_size = prefix.size;
        }
    }
    return best;
}

static void on_request(struct evhttp_request *ev, void *self) {
    struct http_server *server = self;
    loop_wake(server->loop);
    struct http_request *request = request_new(server, ev);
    const struct route *route = find_route(server, http_request_path(request));
    if (route == NULL) {
        http_request_answer_text(request, 404, "Nothing is at %s\n", request->target);
        return;
    }
    request->rest_offset = strlen(route->prefix);
    route->fn(route->self, request);
}

/* ---- answers ---- */

static void add_headers(struct evhttp_request *ev, const struct http_answer *answer) {
    struct evkeyvalq *out = evhttp_request_get_output_headers(ev);
    if (answer->content_type != NULL)
        evhttp_add_header(out, "Content-Type", answer->content_type);
    else if (answer->body.size > 0)
        evhttp_add_header(out, "Content-Type", "text/plain; charset=utf-8");
    for (size_t i = 0; i < answer->header_count; i++)
        evhttp_add_header(out, answer->headers[i].name, answer->headers[i].value);
}

void http_request_answer(struct http_request *request, struct http_answer answer) {
    if (request->bond.ev != NULL) {
        struct evhttp_request *ev = bond_take(&request->bond);
        add_headers(ev, &answer);
        evbuffer_add(evhttp_request_get_output_buffer(ev), answer.body.data, answer.body.size);
        evhttp_send_reply(ev, answer.status, http_reason(answer.status), NULL);
    }
    request_free(request);
}

void http_request_answer_text(struct http_request *request, int status, const char *format, ...) {
    char body[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(body, sizeof(body), format, arguments);
    va_end(arguments);
    http_request_answer(request, (struct http_answer){.status = status, .body = text_of(body)});
}

void http_request_drop(struct http_request *request) {
    struct http_server *server = request->bond.server;
    if (request->bond.ev != NULL)
        doom(server, evhttp_request_get_connection(bond_take(&request->bond)));
    request_free(request);
}

/* ---- streams ---- */

static void stream_tell(void *self) {
    struct http_stream *stream = self;
    struct error error = stream->error;
    if (stream->on_closed != NULL)
        stream->on_closed(stream->self, &error);
}

static void stream_gone(struct bond *bond) {
    struct http_stream *stream = CONTAINER_OF(bond, struct http_stream, bond);
    if (stream->error.code == ERROR_NONE)
        fail(&stream->error, ERROR_CLOSED, "the reader of the stream went away");
    loop_defer(bond->loop, &stream->closed_task);
}

static void set_timeout(struct evhttp_request *ev, int64_t idle_ms) {
    struct bufferevent *wire = evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
    struct timeval idle = {.tv_sec = idle_ms / 1000, .tv_usec = idle_ms % 1000 * 1000};
    bufferevent_set_timeouts(wire, idle_ms > 0 ? &idle : NULL, idle_ms > 0 ? &idle : NULL);
}

struct http_stream *http_request_stream(struct http_request *request, struct http_answer answer,
                                        void (*on_closed)(void *self, const struct error *error),
                                        void *self) {
    struct http_stream *stream = NEW(struct http_stream);
    stream->on_closed = on_closed;
    stream->self = self;
    stream->bond.loop = request->bond.loop;
    stream->bond.on_gone = stream_gone;
    loop_task_init(&stream->closed_task, stream_tell, stream);
    if (request->bond.ev == NULL) {
        stream_gone(&stream->bond);
    } else {
        struct evhttp_request *ev = bond_take(&request->bond);
        bond_make(&stream->bond, request->bond.server, ev);
        add_headers(ev, &answer);
        set_timeout(ev, 0); /* a reader of a stream has nothing to say for hours */
        evhttp_send_reply_start(ev, answer.status, http_reason(answer.status));
        if (answer.body.size > 0)
            http_stream_write(stream, answer.body);
    }
    request_free(request);
    return stream;
}

size_t http_stream_backlog_bytes(const struct http_stream *stream) {
    if (stream->bond.ev == NULL)
        return 0;
    struct evhttp_connection *connection = evhttp_request_get_connection(stream->bond.ev);
    return evbuffer_get_length(
        bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

bool http_stream_write(struct http_stream *stream, struct text chunk) {
    struct bond *bond = &stream->bond;
    if (bond->ev == NULL)
        return false;
    size_t waits = http_stream_backlog_bytes(stream);
    if (waits > 0 && waits + chunk.size > bond->server->options.stream_limit_bytes) {
        fail(&stream->error, ERROR_LIMIT, "the reader is too slow: %zu bytes wait for it", waits);
        doom(bond->server, evhttp_request_get_connection(bond_take(bond)));
        stream_gone(bond);
        return false;
    }
    if (chunk.size == 0) /* an empty chunk would end the stream */
        return true;
    struct evbuffer *out = evbuffer_new();
    evbuffer_add(out, chunk.data, chunk.size);
    evhttp_send_reply_chunk(bond->ev, out);
    evbuffer_free(out);
    return true;
}

void http_stream_end(struct http_stream *stream) {
    if (stream == NULL)
        return;
    loop_task_cancel(&stream->closed_task);
    if (stream->bond.ev != NULL) {
        int64_t idle_ms = stream->bond.server->options.idle_ms;
        struct evhttp_request *ev = bond_take(&stream->bond);
        set_timeout(ev, idle_ms);
        evhttp_send_reply_end(ev);
    }
    mem_free(stream);
}

/* ---- the switch to mesos/1 ---- */

bool http_request_wants_upgrade(const struct http_request *request) {
    struct text upgrade = http_request_header(request, "Upgrade");
    return upgrade.size == 7 && strncasecmp(upgrade.data, "mesos/1", 7) == 0;
}

/* Takes the socket from under evhttp: a duplicate becomes ours, and /dev/null takes its number,
 * since evhttp shuts down and closes that number when the connection is freed. */
static int take_socket(const struct http_server *server, struct evhttp_connection *connection,
                       struct error *error) {
    struct bufferevent *wire = evhttp_connection_get_bufferevent(connection);
    bufferevent_disable(wire, EV_READ | EV_WRITE);
    int old = bufferevent_getfd(wire);
    int taken = fcntl(old, F_DUPFD_CLOEXEC, 3);
    if (taken < 0 || dup3(server->nowhere, old, O_CLOEXEC) < 0) {
        fail(error, ERROR_IO, "take over the connection: %m");
        if (taken >= 0)
            close(taken);
        taken = -1;
    }
    return taken;
}

static void send_101(struct frame_link *link, const struct http_header *headers, size_t count) {
    AUTO_FINI(buf_fini) struct buf head = {0};
    buf_append_string(&head, "HTTP/1.1 101 Switching Protocols\r\n"
                             "Connection: Upgrade\r\nUpgrade: mesos/1\r\n");
    for (size_t i = 0; i < count; i++) {
        assert(strpbrk(headers[i].value, "\r\n") == NULL);
        buf_printf(&head, "%s: %s\r\n", headers[i].name, headers[i].value);
    }
    buf_append_string(&head, "\r\n");
    frame_link_send_raw(link, buf_text(&head));
}

struct frame_link *http_request_upgrade(struct http_request *request,
                                        const struct http_header *headers, size_t header_count,
                                        struct error *error) {
    struct http_server *server = request->bond.server;
    if (!http_request_wants_upgrade(request)) {
        fail(error, ERROR_INVALID, "the request does not ask for mesos/1");
        return NULL;
    }
    if (request->bond.ev == NULL) {
        fail(error, ERROR_CLOSED, "the peer went away");
        return NULL;
    }
    struct evhttp_connection *connection = evhttp_request_get_connection(request->bond.ev);
    struct evbuffer *input = bufferevent_get_input(evhttp_connection_get_bufferevent(connection));
    int fd = take_socket(server, connection, error);
    if (fd < 0)
        return NULL;
    size_t early = evbuffer_get_length(input);
    struct text already_read = {(const char *)evbuffer_pullup(input, -1), early};
    struct frame_link *link =
        frame_link_new_to(server->loop, fd, http_request_peer(request), already_read);
    bond_take(&request->bond);
    doom(server, connection);
    send_101(link, headers, header_count);
    request_free(request);
    return link;
}

/* ---- when no connection can be taken ---- */

/* libevent would try again at once, and write a line each time. What it calls knows evhttp alone,
 * so each thread has a list of its servers. */
static _Thread_local struct link servers;

static void accept_again(void *self) {
    struct http_server *server = self;
    VEC_EACH(listener, &server->listeners)
        evconnlistener_enable(*listener);
}

static void pause_accepting(struct http_server *server, int code) {
    int64_t now_ms = loop_now_ms(server->loop);
    VEC_EACH(listener, &server->listeners)
        evconnlistener_disable(*listener);
    loop_timer_arm(&server->pause, now_ms + ACCEPT_PAUSE_MS);
    if (now_ms < server->tell_ms || server->options.on_backlog == NULL)
        return;
    struct error why = {0};
    errno = code;
    fail(&why, ERROR_LIMIT, "accept a connection: %m");
    server->tell_ms = now_ms + ACCEPT_TELL_MS;
    server->options.on_backlog(server->options.self, &why);
}

void http_server_log_backlog(void *log, const struct error *why) {
    log_error(log, "connections_wait", KV("error", why),
              KV("note", "tried again every tenth of a second; raise the limit of open files"));
}

static void on_accept_error(struct evconnlistener *listener, void *http) {
    int code = errno;
    (void)listener;
    LIST_EACH(at, &servers) {
        struct http_server *server = CONTAINER_OF(at, struct http_server, in_thread);
        if (server->http == http)
            pause_accepting(server, code);
    }
}

/* ---- the server ---- */

/* As evhttp would make it, but for writing, which evhttp turns off a moment later and on when it
 * has something to say: three calls of epoll_ctl less for each connection. */
static struct bufferevent *make_wire(struct event_base *base, void *self) {
    (void)self;
    struct bufferevent *wire = bufferevent_socket_new(base, -1, 0);
    if (wire != NULL)
        bufferevent_disable(wire, EV_WRITE);
    return wire;
}

struct http_server *http_server_new(struct loop *loop, struct http_server_options options) {
    struct event_base *base = loop_event_base(loop);
    struct http_server *server = NEW(struct http_server);
    if (options.head_limit_bytes == 0)
        options.head_limit_bytes = HTTP_HEAD_LIMIT_BYTES;
    if (options.body_limit_bytes == 0)
        options.body_limit_bytes = HTTP_SERVER_BODY_LIMIT_BYTES;
    if (options.stream_limit_bytes == 0)
        options.stream_limit_bytes = HTTP_SERVER_STREAM_LIMIT_BYTES;
    if (options.idle_ms == 0)
        options.idle_ms = HTTP_SERVER_IDLE_MS;
    server->loop = loop;
    server->options = options;
    list_init(&server->held);
    if (servers.next == NULL)
        list_init(&servers);
    list_append(&servers, &server->in_thread);
    loop_timer_init(&server->pause, loop, accept_again, server);
    loop_task_init(&server->doom_task, free_doomed, server);
    server->http = base != NULL ? evhttp_new(base) : NULL;
    server->nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (server->http == NULL || server->nowhere < 0)
        mem_crash("no event base for HTTP");
    struct timeval idle = {.tv_sec = options.idle_ms / 1000,
                           .tv_usec = options.idle_ms % 1000 * 1000};
    evhttp_set_timeout_tv(server->http, &idle);
    evhttp_set_max_headers_size(server->http, (ssize_t)options.head_limit_bytes);
    evhttp_set_max_body_size(server->http, (ssize_t)options.body_limit_bytes);
    evhttp_set_allowed_methods(server->http, UINT16_MAX);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_bevcb(server->http, make_wire, NULL);
    evhttp_set_gencb(server->http, on_request, server);
    return server;
}

bool http_server_listen(struct http_server *server, const char *ip, uint16_t port,
                        struct error *error) {
    int fd = socket_listen(ip, port, HTTP_SERVER_BACKLOG, error);
    if (fd < 0)
        return false;
    uint16_t bound = socket_port(fd);
    struct evhttp_bound_socket *socket = evhttp_accept_socket_with_handle(server->http, fd);
    if (socket == NULL) {
        close(fd);
        return fail(error, ERROR_IO, "listen on %s port %u: libevent refuses", ip, bound);
    }
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(socket);
    evconnlistener_set_error_cb(listener, on_accept_error);
    VEC_PUSH(&server->listeners, listener);
    server->port = bound;
    return true;
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

void http_server_free(struct http_server *server) {
    if (server == NULL)
        return;
    loop_task_cancel(&server->doom_task);
    loop_timer_disarm(&server->pause);
    list_remove(&server->in_thread);
    evhttp_free(server->http); /* calls bond_gone for every connection that holds a request */
    assert(list_is_empty(&server->held));
    for (size_t i = 0; i < server->routes.count; i++)
        mem_free(server->routes.items[i].prefix);
    VEC_FINI(&server->routes);
    VEC_FINI(&server->doomed);
    VEC_FINI(&server->listeners);
    close(server->nowhere);
    mem_free(server);
}
