/*
 * A master or agent as libmesos sees one: a server of frames on loopback in the test's own thread,
 * which answers with what the test makes it answer. peer_until pumps it until something has come
 * true.
 */
#pragma once

#include "common/base/vec.h"
#include "common/model/frame_type.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_server.h"
#include "common/runtime/loop.h"
#include "mesos/scheduler.h"
#include "tests/support/unit.h"

#include <pthread.h>
#include <stdio.h>

enum { PEER_PATIENCE_MS = 20000 };

struct fake_peer {
    struct loop *loop;
    struct http_server *server;
    struct frame_link *link; /* the last that came */
    char address[32];
    char role[32];
    const char *redirect; /* answered instead of an upgrade */
    unsigned connections;
    void (*on_frame)(struct fake_peer *peer, uint16_t type, struct text payload);
    void *self;
};

static inline void peer_on_frame(void *self, uint16_t type, struct text payload) {
    struct fake_peer *peer = self;
    peer->on_frame(peer, type, payload);
}

static inline void peer_on_closed(void *self, __attribute__((unused)) const struct error *error) {
    struct fake_peer *peer = self;
    frame_link_free(TAKE(peer->link));
}

static inline void peer_answer(void *self, struct http_request *request) {
    static const struct frame_link_callbacks callbacks = {.on_frame = peer_on_frame,
                                                          .on_closed = peer_on_closed};
    struct fake_peer *peer = self;
    struct error error;
    if (peer->redirect != NULL) {
        struct http_header location = {"Location", peer->redirect};
        http_request_answer(
            request, (struct http_answer){.status = 307, .headers = &location, .header_count = 1});
        return;
    }
    snprintf(peer->role, sizeof(peer->role), "%.*s",
             TEXT_ARGS(http_request_header(request, FRAME_ROLE_HEADER)));
    struct frame_link *link = http_request_upgrade(request, NULL, 0, &error);
    assert_non_null(link);
    frame_link_free(peer->link);
    peer->link = link;
    peer->connections++;
    frame_link_start(link, &callbacks, peer);
}

static inline void peer_init(struct fake_peer *peer,
                             void (*on_frame)(struct fake_peer *peer, uint16_t type,
                                              struct text payload)) {
    struct error error;
    *peer = (struct fake_peer){.on_frame = on_frame};
    peer->loop = loop_new(&error);
    peer->server = http_server_new(peer->loop, (struct http_server_options){0});
    assert_true(http_server_listen(peer->server, "127.0.0.1", 0, &error));
    http_server_route(peer->server, FRAME_UPGRADE_PATH, peer_answer, peer);
    snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%u", http_server_port(peer->server));
}

static inline void peer_fini(struct fake_peer *peer) {
    frame_link_free(peer->link);
    http_server_free(peer->server);
    loop_free(peer->loop);
}

static inline void peer_send(struct fake_peer *peer, enum frame_type type,
                             const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    protobuf_c_message_pack(message, bytes);
    frame_link_send(peer->link, (uint16_t)type, (struct text){(char *)bytes, size});
    free(bytes);
}

/* What was sent is still sent. */
static inline void peer_hang_up(struct fake_peer *peer) {
    frame_link_finish(TAKE(peer->link));
}

static inline void peer_until(struct fake_peer *peer, bool (*is_true)(void *self), void *self) {
    loop_turn(peer->loop, 0);
    int64_t patience_ms = loop_now_ms(peer->loop) + PEER_PATIENCE_MS;
    while (!is_true(self)) {
        assert_true(loop_now_ms(peer->loop) < patience_ms);
        loop_turn(peer->loop, 2);
    }
}
