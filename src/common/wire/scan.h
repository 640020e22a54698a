/*
 * One pass over the bytes of a message from outside, along its descriptor, before protobuf-c sees
 * them: protobuf-c has no depth limit, cuts strings at a NUL and allocates as often as it is told
 * to. What the scan lets through, it unpacks.
 *
 * Checked: keys, lengths and varints are whole; wire types fit; strings are UTF-8 without NUL;
 * required fields are there and, if they are enums, have a known number; depth, number of elements,
 * the memory that unpacking will take and repeated singular messages (which protobuf-c merges by
 * copying) are limited. Pure, no allocation, linear in the size.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/text.h"

#include <protobuf-c/protobuf-c.h>

enum {
    SCAN_DEPTH_LIMIT = 64,                 /* messages within messages */
    SCAN_ELEMENTS_LIMIT = 8 * 1024 * 1024, /* fields and elements, all messages together */
    SCAN_MERGES_LIMIT = 16,                /* singular messages that come again */
    SCAN_MEMORY_FACTOR = 64,               /* unpacked bytes for each byte, */
    SCAN_MEMORY_FREE_BYTES = 1024 * 1024,  /* beyond these */
};

struct scan_result {
    size_t elements;
    size_t memory_bytes;  /* about what unpacking will take */
    size_t unknown_enums; /* optional or repeated ones with a number that the descriptor lacks */
};

/* ERROR_INVALID for what is no such message, ERROR_LIMIT for what is too much; the line names
 * message and field. `out` may be NULL and is set on success only. */
bool wire_scan(const ProtobufCMessageDescriptor *descriptor, struct text bytes,
               struct scan_result *out, struct error *error);
