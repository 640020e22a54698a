/*
 * A stage for the cores of libmesos: one core, a clock that the test moves, and what came out of
 * the last step. Messages of the peer are built as structs and given as the bytes they are on the
 * wire.
 */
#pragma once

#include "internal/channel.pb-c.h"
#include "lib/core/driver_io.h"
#include "tests/support/unit.h"

struct stage {
    void *core;
    void (*step)(void *core, const struct driver_event *event, struct driver_outbox *outbox);
    struct driver_outbox outbox;
    int64_t now_ms;
};

static inline void stage_init(struct stage *stage, void *core,
                              void (*step)(void *core, const struct driver_event *event,
                                           struct driver_outbox *outbox)) {
    *stage = (struct stage){.core = core, .step = step, .now_ms = 1000};
    stage->outbox.arena = arena_new();
}

static inline void stage_fini(struct stage *stage) {
    arena_free(stage->outbox.arena);
    VEC_FINI(&stage->outbox.effects);
}

static inline void stage_feed(struct stage *stage, struct driver_event event) {
    event.now_ms = stage->now_ms;
    event.wall_ms = 1500000;
    arena_reset(stage->outbox.arena);
    stage->outbox.effects.count = 0;
    stage->step(stage->core, &event, &stage->outbox);
}

static inline void stage_tell(struct stage *stage, enum driver_event_kind kind) {
    stage_feed(stage, (struct driver_event){.kind = kind, .text = TEXT("because")});
}

/* The connection is lost, and there is another at once. */
static inline void stage_reconnect(struct stage *stage) {
    stage->now_ms += 5000;
    stage_tell(stage, DRIVER_EVENT_CLOSED);
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
}

static inline void stage_wait(struct stage *stage, int64_t until_ms) {
    stage->now_ms = until_ms;
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_TICK});
}

static inline void stage_frame(struct stage *stage, enum frame_type type,
                               const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    protobuf_c_message_pack(message, bytes);
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_FRAME,
                                            .frame = {(uint16_t)type, {(char *)bytes, size}}});
    /* What the core kept must be copies. */
    memset(bytes, 0xee, size);
    free(bytes);
}

static inline void stage_call(struct stage *stage, int type, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    protobuf_c_message_pack(message, bytes);
    stage_feed(stage,
               (struct driver_event){.kind = DRIVER_EVENT_CALL,
                                     .call = {.type = type, .encoded = {(char *)bytes, size}}});
    free(bytes);
}

/* The n-th effect of the kind, or NULL. */
static inline const struct driver_effect *stage_effect(struct stage *stage,
                                                       enum driver_effect_kind kind, size_t n) {
    VEC_EACH(effect, &stage->outbox.effects)
        if (effect->kind == kind && n-- == 0)
            return effect;
    return NULL;
}

static inline size_t stage_count(struct stage *stage, enum driver_effect_kind kind) {
    size_t count = 0;
    while (stage_effect(stage, kind, count) != NULL)
        count++;
    return count;
}

static inline const struct driver_callback *stage_callback(struct stage *stage,
                                                           enum driver_callback_kind kind) {
    VEC_EACH(effect, &stage->outbox.effects)
        if (effect->kind == DRIVER_EFFECT_CALLBACK && effect->callback.kind == kind)
            return &effect->callback;
    return NULL;
}

/* The n-th frame that was sent, unpacked into the outbox's arena; fails when there is none. */
static inline void *stage_sent(struct stage *stage, enum frame_type type,
                               const ProtobufCMessageDescriptor *descriptor, size_t n) {
    const struct driver_effect *effect = stage_effect(stage, DRIVER_EFFECT_SEND, n);
    assert_non_null(effect);
    assert_int_equal(effect->send.type, type);
    struct error error = {0};
    void *message = outbox_unpack(&stage->outbox, descriptor, effect->send.payload, &error);
    assert_non_null(message);
    return message;
}

static inline void stage_assert_dials(struct stage *stage, const char *address) {
    const struct driver_effect *effect = stage_effect(stage, DRIVER_EFFECT_CONNECT, 0);
    assert_non_null(effect);
    assert_text_equal(effect->address, address);
}
