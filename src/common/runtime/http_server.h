/*
 * The HTTP side of a daemon's one port. A handler gets a request and owns it: it answers it (now or
 * in a later turn), turns it into a stream, or turns the connection into frames; each of these
 * takes it. When the peer goes away first the request stays valid and its answer goes nowhere, so
 * nobody has to ask.
 *
 * What evhttp cannot parse it answers with 400 and closes; heads over the limit the same, bodies
 * over the limit with 413.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/runtime/http_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct frame_link;
struct http_server;
struct http_request;
struct http_stream;

enum {
    HTTP_SERVER_BODY_LIMIT_BYTES = 16 << 20,
    HTTP_SERVER_STREAM_LIMIT_BYTES = 64 << 20,
    HTTP_SERVER_IDLE_MS = 120000,
    HTTP_SERVER_BACKLOG = 65535, /* the kernel takes net.core.somaxconn when that is less */
    HTTP_SERVER_ROUTES_LIMIT = 256,
};

struct http_server_options { /* 0 anywhere: the limit above */
    size_t head_limit_bytes;
    size_t body_limit_bytes;
    size_t stream_limit_bytes; /* what may wait for a slow reader of one stream */
    int64_t idle_ms;           /* a connection without a request, and a half-sent request */
    /* New connections wait in the backlog, for want of file descriptors as a rule; they are taken
     * as soon as that has passed. Told once a minute at most. */
    void (*on_backlog)(void *self, const struct error *why);
    void *self;
};

/* For on_backlog, with the struct log as self: a line that says so. */
void http_server_log_backlog(void *log, const struct error *why);

struct http_server *http_server_new(struct loop *loop, struct http_server_options options);
/* Closes every connection. Requests and streams still held stay valid and go nowhere. */
void http_server_free(struct http_server *server);
DEFINE_AUTO(struct http_server, http_server_free)

/* ip is numeric, v4 or v6; port 0: any, http_server_port tells which. ERROR_EXISTS: the port is in
 * use. May be called again for another address. */
bool http_server_listen(struct http_server *server, const char *ip, uint16_t port,
                        struct error *error);
uint16_t http_server_port(const struct http_server *server); /* of the last listen */

/* The longest prefix of whole path segments wins; a slash at the end means nothing. "/": all the
 * rest. Without a route the answer is 404. The prefix is copied. */
void http_server_route(struct http_server *server, const char *prefix,
                       void (*fn)(void *self, struct http_request *request), void *self);

/* Borrowed from the request. */
/* "GET"; "" for a method that HTTP does not know, so that handlers can answer 405. */
const char *http_request_method(const struct http_request *request);
struct text http_request_path(const struct http_request *request); /* decoded, begins with '/' */
struct text http_request_rest(const struct http_request *request); /* the path behind its route */
struct text http_request_target(
    const struct http_request *request); /* path and query as they came */
struct text http_request_body(const struct http_request *request);
struct text http_request_peer(const struct http_request *request); /* "127.0.0.1:40312" */
/* Any case; {NULL, 0}: not there. */
struct text http_request_header(const struct http_request *request, const char *name);
struct text http_request_query(const struct http_request *request, const char *name);
bool http_request_is_gone(const struct http_request *request); /* the peer went away */

struct http_answer {
    int status;
    const char *content_type; /* NULL: text/plain; charset=utf-8, when there is a body */
    struct text body;
    const struct http_header *headers;
    size_t header_count;
};

/* These take the request. */
void http_request_answer(struct http_request *request, struct http_answer answer);
void http_request_answer_text(struct http_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Leaves it without an answer and closes the connection. */
void http_request_drop(struct http_request *request);

/* A chunked answer of unknown length; answer.body, unless empty, is its first chunk. on_closed is
 * called once, out of the loop, when the peer went away or fell too far behind; the stream is still
 * to be ended. */
struct http_stream *http_request_stream(struct http_request *request, struct http_answer answer,
                                        void (*on_closed)(void *self, const struct error *error),
                                        void *self);
/* One chunk. False when the peer is gone or has just passed its limit. */
bool http_stream_write(struct http_stream *stream, struct text chunk);
size_t http_stream_backlog_bytes(const struct http_stream *stream);
void http_stream_end(
    struct http_stream *stream); /* takes it: sends the last chunk, frees; NULL is fine */

/* The switch to mesos/1: wants_upgrade says whether the request asked for it; upgrade answers 101
 * with the given headers and hands the connection over as a link that is not started yet. NULL (and
 * the request is still the caller's) when it did not ask or the peer is gone. */
bool http_request_wants_upgrade(const struct http_request *request);
struct frame_link *http_request_upgrade(struct http_request *request,
                                        const struct http_header *headers, size_t header_count,
                                        struct error *error);
