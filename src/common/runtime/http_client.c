/*
 * Connect, write the request as the socket takes it, feed what comes to the parser. An exchange
 * that is freed by a callback out of the parser lives until the parser has returned.
 */
#include "common/runtime/http_client.h"

#include "common/base/mem.h"
#include "common/runtime/connector.h"
#include "common/runtime/loop_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_exchange {
    struct loop *loop;
    struct http_exchange_callbacks callbacks;
    void *self;
    struct connector *connector;
    int fd;
    struct loop_watch *watch;
    struct buf out;
    size_t out_sent;
    struct http_parser *parser;
    bool is_head_told, is_done, is_feeding, is_freed;
    int64_t silence_ms;
    struct loop_timer timeout, silence;
    struct loop_task failed_task;
    struct error error; /* of a request that could not be written */
    char peer[ADDRESS_TEXT_SIZE];
};

static void let_go(struct http_exchange *exchange) {
    connector_free(exchange->connector);
    exchange->connector = NULL;
    loop_watch_free(exchange->watch);
    exchange->watch = NULL;
    if (exchange->fd >= 0)
        close(exchange->fd);
    exchange->fd = -1;
    loop_timer_disarm(&exchange->timeout);
    loop_timer_disarm(&exchange->silence);
    loop_task_cancel(&exchange->failed_task);
}

void http_exchange_free(struct http_exchange *exchange) {
    if (exchange == NULL)
        return;
    let_go(exchange);
    exchange->is_freed = true;
    if (exchange->is_feeding)
        return;
    http_parser_free(exchange->parser);
    buf_fini(&exchange->out);
    mem_free(exchange);
}

static void finish(struct http_exchange *exchange, const struct error *error) {
    if (exchange->is_done || exchange->is_freed)
        return;
    exchange->is_done = true;
    struct error copy = error != NULL ? *error : (struct error){0};
    let_go(exchange);
    const struct http_head *head =
        http_parser_has_head(exchange->parser) ? http_parser_head(exchange->parser) : NULL;
    exchange->callbacks.on_done(exchange->self, head, error != NULL ? &copy : NULL);
}

static void timed_out(void *self) {
    struct http_exchange *exchange = self;
    struct error error;
    fail(&error, ERROR_TIMEOUT, "no answer from %s in time", exchange->peer);
    finish(exchange, &error);
}

static void tell_head(struct http_exchange *exchange) {
    if (exchange->is_head_told || exchange->is_freed || !http_parser_has_head(exchange->parser))
        return;
    exchange->is_head_told = true;
    if (exchange->callbacks.on_head != NULL)
        exchange->callbacks.on_head(exchange->self, http_parser_head(exchange->parser));
}

static void on_data(void *self, struct text data) {
    struct http_exchange *exchange = self;
    tell_head(exchange);
    if (!exchange->is_freed && exchange->callbacks.on_data != NULL)
        exchange->callbacks.on_data(exchange->self, data);
}

static void feed(struct http_exchange *exchange, struct text bytes) {
    struct error error;
    exchange->is_feeding = true;
    bool is_fine = http_parser_feed(exchange->parser, &bytes, &error);
    if (is_fine)
        tell_head(exchange);
    if (!is_fine)
        finish(exchange, &error);
    else if (http_parser_is_done(exchange->parser))
        finish(exchange, NULL);
    exchange->is_feeding = false;
    if (exchange->is_freed)
        http_exchange_free(exchange);
}

static void hear_silence(struct http_exchange *exchange) {
    if (exchange->silence_ms > 0)
        loop_timer_arm(&exchange->silence, loop_now_ms(exchange->loop) + exchange->silence_ms);
}

static void read_some(struct http_exchange *exchange) {
    struct error error;
    char *scratch = loop_scratch(exchange->loop);
    ssize_t got = recv(exchange->fd, scratch, LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
    if (got > 0) {
        hear_silence(exchange);
        feed(exchange, (struct text){scratch, (size_t)got});
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        fail(&error, ERROR_IO, "read from %s: %m", exchange->peer);
        finish(exchange, &error);
        return;
    }
    finish(exchange, http_parser_end(exchange->parser, &error) ? NULL : &error);
}

/* A write that fails is no verdict yet: the peer may have answered and closed before it read all.
 */
static void write_some(struct http_exchange *exchange) {
    ssize_t put = send(exchange->fd, exchange->out.data + exchange->out_sent,
                       exchange->out.size - exchange->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put > 0) {
        exchange->out_sent += (size_t)put;
        hear_silence(exchange);
    } else if (put < 0 && errno != EAGAIN && errno != EINTR) {
        exchange->out_sent = exchange->out.size;
    }
    if (exchange->out_sent == exchange->out.size)
        loop_watch_set(exchange->watch, LOOP_READ);
}

static void on_ready(void *self, unsigned events) {
    struct http_exchange *exchange = self;
    if (events & LOOP_WRITE)
        write_some(exchange);
    if (events & LOOP_READ)
        read_some(exchange);
}

static void on_connected(void *self, int fd, const struct error *error) {
    struct http_exchange *exchange = self;
    if (fd < 0) {
        finish(exchange, error);
        return;
    }
    exchange->fd = fd;
    exchange->watch =
        loop_watch_new(exchange->loop, fd, LOOP_READ | LOOP_WRITE, on_ready, exchange);
}

static void failed(void *self) {
    struct http_exchange *exchange = self;
    finish(exchange, &exchange->error);
}

static bool write_request(struct http_exchange *exchange, const struct http_ask *ask,
                          const char *method) {
    const char *type = ask->content_type != NULL ? ask->content_type : "application/json";
    VEC_OF(struct http_header) headers = {0};
    VEC_PUSH(&headers, (struct http_header){"Connection", "close"});
    if (ask->body.size > 0)
        VEC_PUSH(&headers, (struct http_header){"Content-Type", type});
    for (size_t i = 0; i < ask->header_count; i++)
        VEC_PUSH(&headers, ask->headers[i]);
    bool is_fine = http_write_request(&exchange->out, method, ask->path != NULL ? ask->path : "/",
                                      exchange->peer, headers.items, headers.count, ask->body,
                                      &exchange->error);
    VEC_FINI(&headers);
    return is_fine;
}

struct http_exchange *http_exchange_new(struct loop *loop, const struct http_ask *ask,
                                        const struct http_exchange_callbacks *callbacks,
                                        void *self) {
    struct http_exchange *exchange = NEW(struct http_exchange);
    const char *method = ask->method != NULL ? ask->method : ask->body.size > 0 ? "POST" : "GET";
    exchange->loop = loop;
    exchange->callbacks = *callbacks;
    exchange->self = self;
    exchange->fd = -1;
    exchange->silence_ms = ask->silence_ms;
    exchange->parser = http_parser_new(strcmp(method, "HEAD") == 0, on_data, exchange);
    address_format(&ask->address, exchange->peer);
    loop_timer_init(&exchange->timeout, loop, timed_out, exchange);
    loop_timer_init(&exchange->silence, loop, timed_out, exchange);
    loop_task_init(&exchange->failed_task, failed, exchange);
    if (!write_request(exchange, ask, method)) {
        loop_defer(loop, &exchange->failed_task);
        return exchange;
    }
    if (ask->timeout_ms > 0)
        loop_timer_arm(&exchange->timeout, loop_now_ms(loop) + ask->timeout_ms);
    hear_silence(exchange);
    exchange->connector = connector_new(loop, &ask->address, on_connected, exchange);
    return exchange;
}

void http_response_fini(struct http_response *response) {
    http_head_fini(&response->head);
    buf_fini(&response->body);
}

struct call {
    struct loop *loop;
    struct http_response response;
    size_t limit_bytes;
    struct error error;
    bool is_fine, is_over;
};

static void call_data(void *self, struct text data) {
    struct call *call = self;
    if (call->response.body.size + data.size > call->limit_bytes) {
        fail(&call->error, ERROR_LIMIT, "the answer has more than %zu bytes", call->limit_bytes);
        call->is_over = true;
        loop_stop(call->loop);
    }
    if (!call->is_over)
        buf_append_text(&call->response.body, data);
}

static void copy_head(struct http_head *to, const struct http_head *from) {
    *to = (struct http_head){.status = from->status};
    memcpy(to->reason, from->reason, sizeof(to->reason));
    buf_append_text(&to->bytes, buf_text(&from->bytes));
    for (size_t i = 0; i < from->headers.count; i++) {
        struct http_field field = from->headers.items[i];
        field.name.data = to->bytes.data + (field.name.data - from->bytes.data);
        field.value.data = to->bytes.data + (field.value.data - from->bytes.data);
        VEC_PUSH(&to->headers, field);
    }
}

static void call_done(void *self, const struct http_head *head, const struct error *error) {
    struct call *call = self;
    loop_stop(call->loop);
    if (call->is_over)
        return;
    call->is_fine = error == NULL;
    if (call->is_fine)
        copy_head(&call->response.head, head);
    else
        call->error = *error;
}

bool http_call(const struct http_ask *ask, struct http_response *out, struct error *error) {
    static const struct http_exchange_callbacks callbacks = {
        .on_data = call_data,
        .on_done = call_done,
    };
    AUTO(loop_free) struct loop *loop = loop_new(error);
    if (loop == NULL)
        return false;
    struct call call = {.loop = loop, .limit_bytes = ask->body_limit_bytes};
    if (call.limit_bytes == 0)
        call.limit_bytes = HTTP_CLIENT_BODY_LIMIT_BYTES;
    struct http_exchange *exchange = http_exchange_new(loop, ask, &callbacks, &call);
    loop_run(loop);
    http_exchange_free(exchange);
    if (call.is_fine) {
        *out = call.response;
        return true;
    }
    http_response_fini(&call.response);
    return fail(error, call.error.code, "%s", call.error.message);
}
