/*
 * Opens a mesos/1 connection: connects, asks with an HTTP request for the upgrade, and tells once
 * how it ended. Names are resolved on a thread of their own; numbers and localhost at once.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/runtime/address.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_message.h"

#include <stddef.h>
#include <stdint.h>

struct loop;
struct frame_client;

enum { FRAME_CLIENT_TIMEOUT_MS = 10000, FRAME_CLIENT_REFUSAL_BYTES = 4096 };

struct frame_client_options {
    struct address address;
    const char *path;                  /* NULL: "/" */
    const struct http_header *headers; /* besides Host, Connection and Upgrade; copied */
    size_t header_count;
    int64_t timeout_ms;    /* for all of it; 0: FRAME_CLIENT_TIMEOUT_MS */
    const char *source_ip; /* NULL: any; else as connector_bind takes it */
};

enum frame_client_outcome {
    FRAME_CLIENT_CONNECTED,  /* link */
    FRAME_CLIENT_REDIRECTED, /* redirect: ask there */
    FRAME_CLIENT_REFUSED,    /* status, and error with the peer's own words */
    FRAME_CLIENT_FAILED, /* error: ERROR_IO, ERROR_TIMEOUT, ERROR_CLOSED, ERROR_NOT_FOUND (name) */
};

struct frame_client_result {
    enum frame_client_outcome outcome;
    struct frame_link *link;      /* the callback takes it; not started yet */
    const struct http_head *head; /* the answer, when there was one; borrowed for the call */
    struct address redirect;
    int status;
    struct error error;
};

/* on_done is called once, out of the loop. The client is freed by its owner, also inside on_done.
 */
struct frame_client *frame_client_new(struct loop *loop, const struct frame_client_options *options,
                                      void (*on_done)(void *self,
                                                      const struct frame_client_result *result),
                                      void *self);
void frame_client_free(struct frame_client *client); /* gives up when it is not done */
DEFINE_AUTO(struct frame_client, frame_client_free)
