/*
 * How effects get into an outbox.
 */
#include "lib/core/driver_io.h"

#include "common/wire/scan.h"
#include "common/wire/wire_arena.h"

void outbox_send_bytes(struct driver_outbox *outbox, enum frame_type type, struct text payload) {
    VEC_PUSH(&outbox->effects, (struct driver_effect){
                                   .kind = DRIVER_EFFECT_SEND,
                                   .send = {.type = (uint16_t)type, .payload = payload},
                               });
}

void outbox_send(struct driver_outbox *outbox, enum frame_type type,
                 const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(outbox->arena, size + 1);
    protobuf_c_message_pack(message, bytes);
    outbox_send_bytes(outbox, type, (struct text){(const char *)bytes, size});
}

void outbox_callback(struct driver_outbox *outbox, struct driver_callback callback) {
    VEC_PUSH(&outbox->effects,
             (struct driver_effect){.kind = DRIVER_EFFECT_CALLBACK, .callback = callback});
}

void outbox_push(struct driver_outbox *outbox, enum driver_effect_kind kind) {
    VEC_PUSH(&outbox->effects, (struct driver_effect){.kind = kind});
}

ProtobufCMessage *outbox_unpack(struct driver_outbox *outbox,
                                const ProtobufCMessageDescriptor *descriptor, struct text bytes,
                                struct error *error) {
    if (!wire_scan(descriptor, bytes, NULL, error))
        return NULL;
    ProtobufCAllocator allocator = wire_arena_allocator(outbox->arena);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.size, (const uint8_t *)bytes.data);
    if (message == NULL)
        fail(error, ERROR_INVALID, "%s: cannot be unpacked", descriptor->name);
    return message;
}
