#include "common/wire/slice.h"

#include "common/base/buf.h"

static uint64_t take_varint(struct text *rest) {
    uint64_t value = 0;
    unsigned shift = 0;
    while (rest->size > 0) {
        uint8_t byte = (uint8_t)*rest->data;
        rest->data++;
        rest->size--;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (byte < 0x80)
            break;
    }
    return value;
}

bool slice_next(struct text *rest, struct slice *out) {
    if (rest->size == 0)
        return false;
    const char *begin = rest->data;
    uint64_t key = take_varint(rest), size = 0;
    *out = (struct slice){.number = (uint32_t)(key >> 3), .type = (ProtobufCWireType)(key & 7)};
    if (out->type == PROTOBUF_C_WIRE_TYPE_VARINT)
        take_varint(rest);
    else if (out->type == PROTOBUF_C_WIRE_TYPE_64BIT)
        size = 8;
    else if (out->type == PROTOBUF_C_WIRE_TYPE_32BIT)
        size = 4;
    else
        size = take_varint(rest);
    out->payload = text_sub(*rest, 0, size);
    *rest = text_sub(*rest, size, SIZE_MAX);
    out->whole = (struct text){begin, (size_t)(rest->data - begin)};
    return true;
}

struct text slice_find(struct text *rest, uint32_t number) {
    struct slice slice;
    while (slice_next(rest, &slice)) {
        if (slice.number == number && slice.type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return slice.payload;
    }
    return (struct text){0};
}

struct text slice_of(struct arena *arena, struct text bytes, uint32_t number,
                     const ProtobufCMessage *part) {
    struct text rest = bytes;
    struct text only = slice_find(&rest, number);
    if (only.data != NULL && slice_find(&rest, number).data == NULL)
        return only;
    size_t size = protobuf_c_message_get_packed_size(part);
    char *packed = arena_alloc(arena, size + 1);
    protobuf_c_message_pack(part, (uint8_t *)packed);
    return (struct text){packed, size};
}
