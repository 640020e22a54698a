/*
 * One HTTP request and its answer, a connection of its own each: what the CLI and the tests need.
 * http_exchange runs in a loop and streams the body; http_call waits for all of it.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/runtime/address.h"
#include "common/runtime/http_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_exchange;

enum { HTTP_CLIENT_BODY_LIMIT_BYTES = 1 << 30 };

struct http_ask {
    struct address address;
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *path;   /* NULL: "/" */
    const struct http_header *headers;
    size_t header_count;
    struct text body;
    const char *content_type; /* of the body; NULL: application/json */
    int64_t timeout_ms;       /* until the end of the answer; 0: none */
    int64_t silence_ms;       /* the longest time without a byte; 0: none */
    size_t body_limit_bytes;  /* of an http_call's answer; 0: HTTP_CLIENT_BODY_LIMIT_BYTES */
};

struct http_exchange_callbacks { /* any may be NULL but on_done */
    void (*on_head)(void *self, const struct http_head *head);
    void (*on_data)(void *self, struct text data);
    /* Once. error NULL: the answer is complete; head is then set. */
    void (*on_done)(void *self, const struct http_head *head, const struct error *error);
};

/* Copies what `ask` points to. Freed by the owner, also out of its callbacks. */
struct http_exchange *http_exchange_new(struct loop *loop, const struct http_ask *ask,
                                        const struct http_exchange_callbacks *callbacks,
                                        void *self);
void http_exchange_free(struct http_exchange *exchange);
DEFINE_AUTO(struct http_exchange, http_exchange_free)

struct http_response {
    struct http_head head;
    struct buf body;
};

void http_response_fini(struct http_response *response);
DEFINE_AUTO_FINI(struct http_response, http_response_fini)

/* Blocks, in a loop of its own. True for any status. *out is set on success only. */
bool http_call(const struct http_ask *ask, struct http_response *out, struct error *error);
