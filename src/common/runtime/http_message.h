/*
 * What HTTP/1.1 messages are made of, pure: headers, the head of an answer, its body however it is
 * framed (Content-Length, chunked, until the end). The parser takes bytes as they come and is
 * bounded.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_LIMIT_BYTES = 64 << 10, HTTP_HEADERS_LIMIT = 128 };

struct http_header {
    const char *name;
    const char *value;
};

/* As it came: views into the head. */
struct http_field {
    struct text name;
    struct text value;
};

/* The head of an answer: status and headers, with what they point into. */
struct http_head {
    int status;
    char reason[64];
    struct buf bytes;
    VEC_OF(struct http_field) headers;
};

void http_head_fini(struct http_head *head);
DEFINE_AUTO_FINI(struct http_head, http_head_fini)

/* Names are compared without regard to case; {NULL, 0} when there is none. */
struct text http_head_find(const struct http_head *head, const char *name);

struct http_parser;

/* `has_no_body`: it answers a HEAD. on_data gets the body without its framing, piece by piece. */
struct http_parser *http_parser_new(bool has_no_body, void (*on_data)(void *self, struct text data),
                                    void *self);
void http_parser_free(struct http_parser *parser);
DEFINE_AUTO(struct http_parser, http_parser_free)

/* Takes bytes off the front of *bytes until they are used up or the message has ended (or, for
 * status 101, its head). False on anything that is no HTTP answer or beyond a limit. */
bool http_parser_feed(struct http_parser *parser, struct text *bytes, struct error *error);
/* The peer closed: true when that is how this message may end. */
bool http_parser_end(struct http_parser *parser, struct error *error);

bool http_parser_has_head(const struct http_parser *parser);
bool http_parser_is_done(const struct http_parser *parser);
const struct http_head *http_parser_head(const struct http_parser *parser);

/* "GET path HTTP/1.1" with Host, the given headers, and Content-Length when there is a body. False
 * for a name, value or path with bytes that would break out of their line. */
bool http_write_request(struct buf *out, const char *method, const char *path, const char *host,
                        const struct http_header *headers, size_t header_count, struct text body,
                        struct error *error);

const char *http_reason(int status); /* "Not Found" */
