/*
 * Eight bytes of header, then the payload.
 */
#include "common/runtime/frame.h"

#include <assert.h>
#include <endian.h>

struct header {
    uint32_t size;
    uint16_t type;
    uint16_t reserved;
};

static struct header header_read(const char *bytes) {
    struct header header;
    memcpy(&header, bytes, sizeof(header));
    return (struct header){
        .size = be32toh(header.size),
        .type = be16toh(header.type),
        .reserved = header.reserved,
    };
}

void frame_header_write(uint8_t out[FRAME_HEADER_SIZE], uint16_t type, uint32_t payload_size) {
    struct header header = {.size = htobe32(payload_size), .type = htobe16(type)};
    _Static_assert(sizeof(header) == FRAME_HEADER_SIZE, "no padding on the wire");
    memcpy(out, &header, sizeof(header));
}

void frame_append(struct buf *out, uint16_t type, struct text payload) {
    uint8_t header[FRAME_HEADER_SIZE];
    assert(payload.size <= UINT32_MAX);
    frame_header_write(header, type, (uint32_t)payload.size);
    buf_reserve(out, sizeof(header) + payload.size);
    buf_append(out, header, sizeof(header));
    buf_append_text(out, payload);
}

enum frame_verdict frame_take(struct text *bytes, size_t limit_bytes, struct frame *out) {
    if (bytes->size < FRAME_HEADER_SIZE)
        return FRAME_PARTIAL;
    struct header header = header_read(bytes->data);
    if (header.reserved != 0)
        return FRAME_RESERVED;
    if (header.size > limit_bytes)
        return FRAME_OVERSIZE;
    if (bytes->size - FRAME_HEADER_SIZE < header.size)
        return FRAME_PARTIAL;

    out->type = header.type;
    out->payload = (struct text){bytes->data + FRAME_HEADER_SIZE, header.size};
    bytes->data += FRAME_HEADER_SIZE + header.size;
    bytes->size -= FRAME_HEADER_SIZE + header.size;
    return FRAME_READY;
}

size_t frame_size(struct text bytes) {
    if (bytes.size < FRAME_HEADER_SIZE)
        return 0;
    return (size_t)FRAME_HEADER_SIZE + header_read(bytes.data).size;
}

const char *frame_verdict_name(enum frame_verdict verdict) {
    switch (verdict) {
    case FRAME_READY: return "ready";
    case FRAME_PARTIAL: return "partial";
    case FRAME_OVERSIZE: return "frame beyond the limit";
    case FRAME_RESERVED: return "reserved bytes of a frame are not zero";
    }
    return "unknown";
}
