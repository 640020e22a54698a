/*
 * Connect, ask, read the head of the answer. Bytes behind a 101 are frames already and go with the
 * link.
 */
#include "common/runtime/frame_client.h"

#include "common/base/mem.h"
#include "common/runtime/connector.h"
#include "common/runtime/loop_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_PORT = 5050 };

struct frame_client {
    struct loop *loop;
    struct connector *connector;
    int fd;
    struct loop_watch *watch;
    struct buf out, body;
    size_t out_sent;
    struct http_parser *parser;
    struct loop_timer timeout;
    struct loop_task failed_task;
    struct error error;
    bool is_done;
    void (*on_done)(void *self, const struct frame_client_result *result);
    void *self;
    char peer[ADDRESS_TEXT_SIZE];
};

static void let_go(struct frame_client *client) {
    connector_free(client->connector);
    client->connector = NULL;
    loop_watch_free(client->watch);
    client->watch = NULL;
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    loop_timer_disarm(&client->timeout);
    loop_task_cancel(&client->failed_task);
}

void frame_client_free(struct frame_client *client) {
    if (client == NULL)
        return;
    let_go(client);
    http_parser_free(client->parser);
    buf_fini(&client->out);
    buf_fini(&client->body);
    mem_free(client);
}

static void finish(struct frame_client *client, struct frame_client_result result) {
    if (client->is_done)
        return;
    client->is_done = true;
    let_go(client);
    if (http_parser_has_head(client->parser)) {
        result.head = http_parser_head(client->parser);
        result.status = result.head->status;
    }
    client->on_done(client->self, &result);
}

static void give_up(struct frame_client *client, const struct error *error) {
    finish(client, (struct frame_client_result){.outcome = FRAME_CLIENT_FAILED, .error = *error});
}

static void timed_out(void *self) {
    struct frame_client *client = self;
    struct error error;
    fail(&error, ERROR_TIMEOUT, "%s does not answer", client->peer);
    give_up(client, &error);
}

static void gather_body(void *self, struct text data) {
    struct frame_client *client = self;
    size_t room = FRAME_CLIENT_REFUSAL_BYTES - client->body.size;
    buf_append_text(&client->body, text_sub(data, 0, room));
}

/* The peer is a mesos/1 peer: the socket becomes a link. */
static void link_up(struct frame_client *client, struct text already_read) {
    struct text upgrade = http_head_find(http_parser_head(client->parser), "Upgrade");
    struct error error;
    if (!text_equal(upgrade, TEXT("mesos/1"))) {
        fail(&error, ERROR_UNSUPPORTED, "%s switches to '%.*s' instead of mesos/1", client->peer,
             TEXT_ARGS(upgrade));
        give_up(client, &error);
        return;
    }
    loop_watch_free(client->watch);
    client->watch = NULL;
    int fd = client->fd;
    client->fd = -1;
    finish(client, (struct frame_client_result){
                       .outcome = FRAME_CLIENT_CONNECTED,
                       .link = frame_link_new(client->loop, fd, already_read),
                   });
}

static void refused(struct frame_client *client) {
    const struct http_head *head = http_parser_head(client->parser);
    struct frame_client_result result = {.outcome = FRAME_CLIENT_REFUSED};
    struct text location = http_head_find(head, "Location");
    if (head->status == 307) {
        /* The path is our own again at the new place. */
        struct text place = location, host;
        if (text_starts_with(place, TEXT("http:")))
            place = text_sub(place, 5, place.size);
        if (text_starts_with(place, TEXT("//")))
            place = text_sub(place, 2, place.size);
        text_split(&place, '/', &host);
        if (address_parse(host, DEFAULT_PORT, &result.redirect, &result.error))
            result.outcome = FRAME_CLIENT_REDIRECTED;
        finish(client, result);
        return;
    }
    struct text why = text_trim(buf_text(&client->body));
    fail(&result.error, ERROR_REFUSED, "%s refuses: %d %s%s%.*s", client->peer, head->status,
         head->reason, why.size > 0 ? ": " : "", TEXT_ARGS(why));
    finish(client, result);
}

static void read_some(struct frame_client *client) {
    struct error error;
    char *scratch = loop_scratch(client->loop);
    ssize_t got = recv(client->fd, scratch, LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        fail(&error, ERROR_IO, "read from %s: %m", client->peer);
        give_up(client, &error);
        return;
    }
    struct text bytes = {scratch, (size_t)got};
    bool is_fine = got > 0 ? http_parser_feed(client->parser, &bytes, &error)
                           : http_parser_end(client->parser, &error);
    if (!is_fine && http_parser_has_head(client->parser) && error.code == ERROR_CLOSED)
        refused(client);
    else if (!is_fine)
        give_up(client, &error);
    else if (http_parser_is_done(client->parser) && http_parser_head(client->parser)->status == 101)
        link_up(client, bytes);
    else if (http_parser_is_done(client->parser) || client->body.size >= FRAME_CLIENT_REFUSAL_BYTES)
        refused(client);
}

static void write_some(struct frame_client *client) {
    ssize_t put = send(client->fd, client->out.data + client->out_sent,
                       client->out.size - client->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put > 0)
        client->out_sent += (size_t)put;
    else if (put < 0 && errno != EAGAIN && errno != EINTR)
        client->out_sent = client->out.size; /* reading tells why */
    bool is_sent = client->out_sent == client->out.size;
    loop_watch_set(client->watch, is_sent ? LOOP_READ : LOOP_READ | LOOP_WRITE);
}

static void on_ready(void *self, unsigned events) {
    struct frame_client *client = self;
    if (events & LOOP_WRITE)
        write_some(client);
    if (events & LOOP_READ)
        read_some(client);
}

static void on_connected(void *self, int fd, const struct error *error) {
    struct frame_client *client = self;
    if (fd < 0) {
        give_up(client, error);
        return;
    }
    client->fd = fd;
    client->watch = loop_watch_new(client->loop, fd, LOOP_NONE, on_ready, client);
    write_some(client);
}

static void failed(void *self) {
    struct frame_client *client = self;
    give_up(client, &client->error);
}

static bool write_request(struct frame_client *client, const struct frame_client_options *options) {
    VEC_OF(struct http_header) headers = {0};
    VEC_PUSH(&headers, (struct http_header){"Connection", "Upgrade"});
    VEC_PUSH(&headers, (struct http_header){"Upgrade", "mesos/1"});
    for (size_t i = 0; i < options->header_count; i++)
        VEC_PUSH(&headers, options->headers[i]);
    bool is_fine = http_write_request(
        &client->out, "GET", options->path != NULL ? options->path : "/", client->peer,
        headers.items, headers.count, (struct text){0}, &client->error);
    VEC_FINI(&headers);
    return is_fine;
}

struct frame_client *frame_client_new(struct loop *loop, const struct frame_client_options *options,
                                      void (*on_done)(void *self,
                                                      const struct frame_client_result *result),
                                      void *self) {
    struct frame_client *client = NEW(struct frame_client);
    int64_t timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : FRAME_CLIENT_TIMEOUT_MS;
    client->loop = loop;
    client->fd = -1;
    client->on_done = on_done;
    client->self = self;
    client->parser = http_parser_new(false, gather_body, client);
    address_format(&options->address, client->peer);
    loop_timer_init(&client->timeout, loop, timed_out, client);
    loop_task_init(&client->failed_task, failed, client);
    if (!write_request(client, options)) {
        loop_defer(loop, &client->failed_task);
        return client;
    }
    loop_timer_arm(&client->timeout, loop_now_ms(loop) + timeout_ms);
    client->connector = connector_new(loop, &options->address, on_connected, client);
    if (options->source_ip != NULL)
        connector_bind(client->connector, options->source_ip);
    return client;
}
