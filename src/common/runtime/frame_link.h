/*
 * A connection that carries frames both ways. Comes from http_request_upgrade, frame_client or, in
 * tests, a socketpair.
 *
 * What is sent in a turn gathers in one buffer and goes out in one write at the turn's end. What
 * arrives is read in large pieces and handed on frame by frame, FRAME_LINK_TURN_BYTES at most
 * before the others have their turn. Whoever reads too slowly, so that more than queue_limit_bytes
 * wait, is cut off.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct frame_link;

enum {
    FRAME_LINK_TURN_BYTES = 64 << 10,
    FRAME_LINK_QUEUE_LIMIT_BYTES = 64 << 20,
    FRAME_LINK_FINISH_MS = 5000,
};

struct frame_link_limits {
    size_t frame_limit_bytes; /* the largest payload let in; 0: FRAME_LIMIT_BYTES */
    size_t queue_limit_bytes; /* what may wait to be sent; 0: FRAME_LINK_QUEUE_LIMIT_BYTES */
};

struct frame_link_callbacks {
    /* The payload is borrowed for the call. */
    void (*on_frame)(void *self, uint16_t type, struct text payload);
    /* Once, at the end of a turn or out of the loop, never out of frame_link_send; nothing is
     * called after it. The owner still frees the link. ERROR_CLOSED: the peer closed it;
     * ERROR_LIMIT: it read too slowly or sent too much; ERROR_INVALID: no frames; ERROR_IO. */
    void (*on_closed)(void *self, const struct error *error);
};

/* Takes the connected fd, which closes on exec; `already_read` are bytes that came behind the
 * handshake. */
struct frame_link *frame_link_new(struct loop *loop, int fd, struct text already_read);
/* At once, unsent bytes are dropped; also out of its own callbacks. */
void frame_link_free(struct frame_link *link);
DEFINE_AUTO(struct frame_link, frame_link_free)

void frame_link_set_limits(struct frame_link *link, struct frame_link_limits limits);
/* Begins to read. Until then bytes wait in the kernel and nothing is called. */
void frame_link_start(struct frame_link *link, const struct frame_link_callbacks *callbacks,
                      void *self);

/* Queues one frame, in order. False when the link is closed or has just passed its limit (on_closed
 * follows); nobody needs to look at it. */
bool frame_link_send(struct frame_link *link, uint16_t type, struct text payload);
/* The same without a copy: room for payload_size bytes, to be filled before anything else is done
 * with the link. NULL as frame_link_send is false. */
uint8_t *frame_link_reserve(struct frame_link *link, uint16_t type, size_t payload_size);

void frame_link_pause(
    struct frame_link *link); /* no on_frame until resumed; the peer feels it in time */
void frame_link_resume(struct frame_link *link);

/* Takes the link: what is queued is still sent, for FRAME_LINK_FINISH_MS at most, then it is closed
 * and freed. Nothing is called any more. loop_free ends such links at once. */
void frame_link_finish(struct frame_link *link);

struct text frame_link_peer(const struct frame_link *link); /* "127.0.0.1:40312" */
bool frame_link_is_closed(const struct frame_link *link);
size_t frame_link_queued_bytes(const struct frame_link *link);
