/*
 * The framing of mesos/1, pure: a header of 8 bytes (u32 big-endian payload size, u16 big-endian
 * type, u16 zero), then the payload. Nothing is copied when reading.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/text.h"

#include <stdint.h>

enum {
    FRAME_HEADER_SIZE = 8,
    FRAME_LIMIT_BYTES =
        64 << 20, /* the payload that is let in unless a connection says otherwise */
};

struct frame {
    uint16_t type;
    struct text payload; /* borrowed from the bytes it was read from */
};

enum frame_verdict {
    FRAME_READY,    /* *out is set and taken off the bytes */
    FRAME_PARTIAL,  /* more bytes are needed */
    FRAME_OVERSIZE, /* the payload would pass the limit: the connection is lost */
    FRAME_RESERVED, /* the last two bytes of the header are not zero: this is no mesos/1 */
};

void frame_append(struct buf *out, uint16_t type, struct text payload);
void frame_header_write(uint8_t out[FRAME_HEADER_SIZE], uint16_t type, uint32_t payload_size);

/* Takes one frame off the front of *bytes; *bytes and *out are untouched unless FRAME_READY. A
 * header that is wrong is found before its payload is there. */
enum frame_verdict frame_take(struct text *bytes, size_t limit_bytes, struct frame *out);

/* How many bytes (header included) the frame at the front of `bytes` has; 0 when the header is
 * partial. */
size_t frame_size(struct text bytes);

const char *frame_verdict_name(enum frame_verdict verdict);
