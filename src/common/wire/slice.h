/*
 * Fields of an encoded message as views of its bytes, for what is only carried. The bytes must have
 * passed wire_scan; nothing is checked twice.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/text.h"

#include <protobuf-c/protobuf-c.h>

struct slice {
    uint32_t number;
    ProtobufCWireType type;
    struct text whole;   /* key and value */
    struct text payload; /* of a length-prefixed field: the bytes in it */
};

/* Takes the first field off *rest; false at the end. */
bool slice_next(struct text *rest, struct slice *out);

/* The next length-prefixed field with that number; {0} when there is none. */
struct text slice_find(struct text *rest, uint32_t number);

/* The bytes of `part`, which is the field `number` of the message with these bytes: a view, or
 * packed anew into the arena when the field comes in several pieces. */
struct text slice_of(struct arena *arena, struct text bytes, uint32_t number,
                     const ProtobufCMessage *part);
