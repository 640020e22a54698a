/*
 * Reads go into the loop's scratch and are handed on from there; only the rest of a frame that is
 * not whole yet is kept, so an idle connection holds no buffer. Writes gather in `out` until the
 * end of the turn.
 *
 * It sits on the socket itself, not on a bufferevent: libevent 2.1 reads 4 KiB at a time whatever
 * it is told and writes one poll later. TLS has its place in link_read and link_write.
 */
#include "common/runtime/frame_link.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/frame.h"
#include "common/runtime/frame_link_internal.h"
#include "common/runtime/loop_internal.h"
#include "common/runtime/socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WRITE_AT_ONCE_BYTES = 256 << 10, /* more than this does not wait for the end of the turn */
    KEPT_BYTES = 256 << 10,          /* an empty out buffer beyond this is given back */
};

struct frame_link {
    struct loop *loop;
    int fd;
    struct loop_watch *watch;
    const struct frame_link_callbacks *callbacks;
    void *self;
    struct frame_link_limits limits;
    struct buf in; /* the beginning of a frame, or what came while paused */
    struct buf out;
    size_t out_sent; /* bytes at the front of out that are gone */
    bool is_started, is_paused, is_closed, is_told, is_blocked, is_finishing, is_shut;
    bool *was_freed; /* of the delivery that is going on */
    struct error error;
    struct loop_task flush_task, deliver_task, closed_task, end_task;
    struct loop_timer finish_timer;
    char peer[PEER_TEXT_SIZE];
};

static void flush(void *self);
static void deliver_kept(void *self);
static void tell_closed(void *self);
static void on_ready(void *self, unsigned events);

static void free_finishing(void *self) {
    frame_link_free(self);
}

struct frame_link *frame_link_new_to(struct loop *loop, int fd, struct text peer,
                                     struct text already_read) {
    struct frame_link *link = NEW(struct frame_link);
    link->loop = loop;
    link->fd = fd;
    snprintf(link->peer, sizeof(link->peer), "%.*s", TEXT_ARGS(peer));
    buf_append_text(&link->in, already_read);
    loop_task_init(&link->flush_task, flush, link);
    loop_task_init(&link->deliver_task, deliver_kept, link);
    loop_task_init(&link->closed_task, tell_closed, link);
    loop_task_init(&link->end_task, free_finishing, link);
    loop_timer_init(&link->finish_timer, loop, free_finishing, link);
    frame_link_set_limits(link, (struct frame_link_limits){0});
    link->watch = loop_watch_new(loop, fd, LOOP_NONE, on_ready, link);
    return link;
}

struct frame_link *frame_link_new(struct loop *loop, int fd, struct text already_read) {
    char peer[PEER_TEXT_SIZE];
    socket_peer(fd, peer);
    return frame_link_new_to(loop, fd, text_of(peer), already_read);
}

static void drop_socket(struct frame_link *link) {
    loop_watch_free(link->watch);
    link->watch = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

void frame_link_free(struct frame_link *link) {
    if (link == NULL)
        return;
    if (link->was_freed != NULL)
        *link->was_freed = true;
    drop_socket(link);
    loop_task_cancel(&link->flush_task);
    loop_task_cancel(&link->deliver_task);
    loop_task_cancel(&link->closed_task);
    loop_task_cancel(&link->end_task);
    loop_timer_disarm(&link->finish_timer);
    buf_fini(&link->in);
    buf_fini(&link->out);
    mem_free(link);
}

void frame_link_set_limits(struct frame_link *link, struct frame_link_limits limits) {
    link->limits.frame_limit_bytes =
        limits.frame_limit_bytes != 0 ? limits.frame_limit_bytes : FRAME_LIMIT_BYTES;
    link->limits.queue_limit_bytes =
        limits.queue_limit_bytes != 0 ? limits.queue_limit_bytes : FRAME_LINK_QUEUE_LIMIT_BYTES;
}

static void watch_what_matters(struct frame_link *link) {
    if (link->watch == NULL)
        return;
    bool reads = (link->is_started && !link->is_paused) || link->is_finishing;
    loop_watch_set(link->watch,
                   (reads ? LOOP_READ : LOOP_NONE) | (link->is_blocked ? LOOP_WRITE : LOOP_NONE));
}

/* The end of the connection; the owner hears of it at the end of the turn. The first reason stays.
 */
static void link_break(struct frame_link *link, const struct error *error) {
    if (link->is_closed)
        return;
    link->is_closed = true;
    link->error = *error;
    buf_fini(&link->out);
    link->out_sent = 0;
    drop_socket(link);
    if (link->is_started || link->is_finishing)
        loop_defer(link->loop, &link->closed_task);
}

static void tell_closed(void *self) {
    struct frame_link *link = self;
    if (link->is_finishing) {
        frame_link_free(link);
        return;
    }
    if (link->is_told)
        return;
    link->is_told = true;
    /* By value: the owner may free the link while it reads the error. */
    struct error error = link->error;
    if (link->callbacks->on_closed != NULL)
        link->callbacks->on_closed(link->self, &error);
}

void frame_link_start(struct frame_link *link, const struct frame_link_callbacks *callbacks,
                      void *self) {
    assert(!link->is_started);
    link->is_started = true;
    link->callbacks = callbacks;
    link->self = self;
    if (link->in.size > 0)
        loop_defer(link->loop, &link->deliver_task);
    if (link->is_closed)
        loop_defer(link->loop, &link->closed_task);
    watch_what_matters(link);
}

/* Hands whole frames on and takes them off *bytes. False when the link was freed on the way. */
static bool deliver(struct frame_link *link, struct text *bytes) {
    bool was_freed = false;
    struct frame frame;
    enum frame_verdict verdict = FRAME_READY;
    link->was_freed = &was_freed;
    while (!link->is_closed && !link->is_paused && verdict == FRAME_READY) {
        verdict = frame_take(bytes, link->limits.frame_limit_bytes, &frame);
        if (verdict == FRAME_READY)
            link->callbacks->on_frame(link->self, frame.type, frame.payload);
        if (was_freed)
            return false;
    }
    link->was_freed = NULL;
    if (verdict == FRAME_OVERSIZE || verdict == FRAME_RESERVED) {
        struct error error;
        fail(&error, verdict == FRAME_OVERSIZE ? ERROR_LIMIT : ERROR_INVALID, "%s from %s",
             frame_verdict_name(verdict), link->peer);
        link_break(link, &error);
    }
    return true;
}

/* Delivers out of link->in, which is put aside meanwhile: a payload outlives the link it came by.
 */
static bool deliver_in(struct frame_link *link) {
    AUTO_FINI(buf_fini) struct buf bytes = link->in;
    link->in = (struct buf){0};
    struct text rest = buf_text(&bytes);
    if (!deliver(link, &rest))
        return false;
    if (rest.size == 0 || link->is_closed)
        return true;
    buf_consume(&bytes, bytes.size - rest.size);
    link->in = bytes;
    bytes = (struct buf){0};
    return true;
}

static void deliver_kept(void *self) {
    struct frame_link *link = self;
    if (!link->is_closed && !link->is_paused && link->in.size > 0)
        deliver_in(link);
}

static ssize_t link_read(struct frame_link *link, void *into, size_t size) {
    return recv(link->fd, into, size, MSG_DONTWAIT);
}

static ssize_t link_write(struct frame_link *link, const void *from, size_t size) {
    return send(link->fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Nothing was read: finds out what that means. */
static void read_ended(struct frame_link *link, ssize_t got) {
    struct error error;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0)
        fail(&error, errno == ECONNRESET ? ERROR_CLOSED : ERROR_IO, "read from %s: %m", link->peer);
    else if (link->in.size > 0)
        fail(&error, ERROR_CLOSED, "%s closed the connection inside a frame", link->peer);
    else
        fail(&error, ERROR_CLOSED, "%s closed the connection", link->peer);
    link_break(link, &error);
}

static void read_into_scratch(struct frame_link *link) {
    char *scratch = loop_scratch(link->loop);
    ssize_t got = link_read(link, scratch, FRAME_LINK_TURN_BYTES);
    if (got <= 0) {
        read_ended(link, got);
        return;
    }
    struct text rest = {scratch, (size_t)got};
    if (deliver(link, &rest) && !link->is_closed)
        buf_append_text(&link->in, rest);
}

/* A large frame is read where it will be handed on from, in growing steps: its header alone is no
 * reason to give it all the room it claims. */
static void read_into_kept(struct frame_link *link) {
    size_t step = link->in.size > FRAME_LINK_TURN_BYTES ? link->in.size : FRAME_LINK_TURN_BYTES;
    size_t whole = frame_size(buf_text(&link->in));
    if (whole > link->in.size && whole - link->in.size < step &&
        whole - link->in.size > FRAME_LINK_TURN_BYTES)
        step = whole - link->in.size;
    buf_reserve(&link->in, step);
    ssize_t got = link_read(link, link->in.data + link->in.size, step);
    if (got <= 0) {
        read_ended(link, got);
        return;
    }
    link->in.size += (size_t)got;
    link->in.data[link->in.size] = '\0';
    deliver_in(link);
}

static void discard(struct frame_link *link) {
    ssize_t got = link_read(link, loop_scratch(link->loop), LOOP_SCRATCH_BYTES);
    if (got <= 0)
        read_ended(link, got);
}

static void on_ready(void *self, unsigned events) {
    struct frame_link *link = self;
    if (events & LOOP_WRITE) {
        flush(link);
        if (link->is_closed)
            return;
    }
    if (!(events & LOOP_READ))
        return;
    if (link->is_finishing)
        discard(link);
    else if (link->in.size > 0)
        read_into_kept(link);
    else
        read_into_scratch(link);
}

static void out_sent_all(struct frame_link *link) {
    link->out_sent = 0;
    if (link->out.capacity > KEPT_BYTES)
        buf_fini(&link->out);
    else
        buf_clear(&link->out);
    if (link->is_finishing && !link->is_shut) {
        link->is_shut = true;
        shutdown(link->fd, SHUT_WR);
    }
}

static void flush(void *self) {
    struct frame_link *link = self;
    loop_task_cancel(&link->flush_task);
    if (link->is_closed)
        return;
    link->is_blocked = false;
    while (link->out_sent < link->out.size) {
        ssize_t put =
            link_write(link, link->out.data + link->out_sent, link->out.size - link->out_sent);
        if (put >= 0) {
            link->out_sent += (size_t)put;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            struct error error;
            fail(&error, errno == EPIPE || errno == ECONNRESET ? ERROR_CLOSED : ERROR_IO,
                 "write to %s: %m", link->peer);
            link_break(link, &error);
            return;
        }
        link->is_blocked = true;
        break;
    }
    if (link->out_sent == link->out.size) {
        out_sent_all(link);
    } else if (link->out_sent > link->out.size / 2) {
        buf_consume(&link->out, link->out_sent);
        link->out_sent = 0;
    }
    watch_what_matters(link);
}

size_t frame_link_queued_bytes(const struct frame_link *link) {
    return link->out.size - link->out_sent;
}

/* Decides about `more` bytes before they are queued. */
static bool may_queue(struct frame_link *link, size_t payload_size) {
    if (link->is_closed)
        return false;
    assert(payload_size <= UINT32_MAX);
    size_t waits = frame_link_queued_bytes(link);
    if (waits + payload_size + FRAME_HEADER_SIZE > WRITE_AT_ONCE_BYTES && waits > 0 &&
        !link->is_blocked)
        flush(link);
    if (link->is_closed)
        return false;
    waits = frame_link_queued_bytes(link);
    if (waits + payload_size + FRAME_HEADER_SIZE <= link->limits.queue_limit_bytes)
        return true;
    struct error error;
    fail(&error, ERROR_LIMIT, "%s reads too slowly: %zu bytes wait for it, %zu are allowed",
         link->peer, waits + payload_size, link->limits.queue_limit_bytes);
    link_break(link, &error);
    return false;
}

uint8_t *frame_link_reserve(struct frame_link *link, uint16_t type, size_t payload_size) {
    uint8_t header[FRAME_HEADER_SIZE];
    if (!may_queue(link, payload_size))
        return NULL;
    frame_header_write(header, type, (uint32_t)payload_size);
    buf_reserve(&link->out, sizeof(header) + payload_size);
    buf_append(&link->out, header, sizeof(header));
    uint8_t *payload = (uint8_t *)link->out.data + link->out.size;
    link->out.size += payload_size;
    link->out.data[link->out.size] = '\0';
    if (!link->is_blocked)
        loop_defer(link->loop, &link->flush_task);
    return payload;
}

bool frame_link_send(struct frame_link *link, uint16_t type, struct text payload) {
    uint8_t *room = frame_link_reserve(link, type, payload.size);
    if (room == NULL)
        return false;
    if (payload.size > 0)
        memcpy(room, payload.data, payload.size);
    return true;
}

void frame_link_send_raw(struct frame_link *link, struct text bytes) {
    buf_append_text(&link->out, bytes);
    loop_defer(link->loop, &link->flush_task);
}

void frame_link_pause(struct frame_link *link) {
    link->is_paused = true;
    watch_what_matters(link);
}

void frame_link_resume(struct frame_link *link) {
    link->is_paused = false;
    if (link->is_started && link->in.size > 0)
        loop_defer(link->loop, &link->deliver_task);
    watch_what_matters(link);
}

void frame_link_finish(struct frame_link *link) {
    if (link == NULL)
        return;
    if (link->is_closed) {
        frame_link_free(link);
        return;
    }
    if (link->was_freed != NULL)
        *link->was_freed = true;
    link->was_freed = NULL;
    link->is_finishing = true;
    loop_task_cancel(&link->deliver_task);
    loop_at_end(link->loop, &link->end_task);
    loop_timer_arm(&link->finish_timer, loop_now_ms(link->loop) + FRAME_LINK_FINISH_MS);
    loop_defer(link->loop, &link->flush_task);
    watch_what_matters(link);
}

struct text frame_link_peer(const struct frame_link *link) {
    return text_of(link->peer);
}

bool frame_link_is_closed(const struct frame_link *link) {
    return link->is_closed;
}
