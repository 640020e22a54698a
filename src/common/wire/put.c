#include "common/wire/put.h"

#include <protobuf-c/protobuf-c.h>

enum { VARINT_ROOM = 10 };

static size_t varint_write(uint64_t value, char *at) {
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        at[size++] = (char)(uint8_t)(value | 0x80);
    at[size++] = (char)value;
    return size;
}

static void append_varint(struct buf *out, uint64_t value) {
    char bytes[VARINT_ROOM];
    buf_append(out, bytes, varint_write(value, bytes));
}

static void append_key(struct buf *out, uint32_t number, ProtobufCWireType type) {
    append_varint(out, (uint64_t)number << 3 | (uint64_t)type);
}

void put_varint(struct buf *out, uint32_t number, uint64_t value) {
    append_key(out, number, PROTOBUF_C_WIRE_TYPE_VARINT);
    append_varint(out, value);
}

void put_double(struct buf *out, uint32_t number, double value) {
    append_key(out, number, PROTOBUF_C_WIRE_TYPE_64BIT);
    buf_append(out, &value, sizeof(value));
}

void put_fixed32(struct buf *out, uint32_t number, uint32_t value) {
    const char bytes[] = {(char)(value & 0xff), (char)(value >> 8 & 0xff),
                          (char)(value >> 16 & 0xff), (char)(value >> 24)};
    append_key(out, number, PROTOBUF_C_WIRE_TYPE_32BIT);
    buf_append(out, bytes, sizeof(bytes));
}

void put_bytes(struct buf *out, uint32_t number, struct text bytes) {
    append_key(out, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    append_varint(out, bytes.size);
    buf_append_text(out, bytes);
}

/* One byte is kept for the length, which is enough for most; put_end makes room for more. */
size_t put_begin(struct buf *out, uint32_t number) {
    append_key(out, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    buf_append_byte(out, 0);
    return out->size;
}

void put_end(struct buf *out, size_t place) {
    char length[VARINT_ROOM];
    size_t size = out->size - place;
    size_t room = varint_write(size, length);
    if (room > 1) {
        buf_append(out, length, room - 1);
        memmove(out->data + place + room - 1, out->data + place, size);
    }
    memcpy(out->data + place - 1, length, room);
}

void put_id(struct buf *out, uint32_t number, struct text id) {
    size_t place = put_begin(out, number);
    put_bytes(out, 1, id);
    put_end(out, place);
}

void put_some_id(struct buf *out, uint32_t number, struct text id) {
    if (id.size > 0)
        put_id(out, number, id);
}
