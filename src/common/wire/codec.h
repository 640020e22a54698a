/*
 * From bytes to protobuf-c messages and back. Unpacked messages live in the arena and go with it:
 * free_unpacked is never called.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"

#include <protobuf-c/protobuf-c.h>

enum { WIRE_MESSAGE_BYTES_LIMIT = 64 * 1024 * 1024 };

/*
 * Scans, then unpacks into the arena. Strings and bytes are copied; unknown fields are kept. An
 * unknown enum number in an optional field is as if the field were unset, in a repeated field it is
 * left out. ERROR_INVALID or ERROR_LIMIT, with *out unchanged.
 */
bool wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct text bytes,
                 struct arena *arena, ProtobufCMessage **out, struct error *error);

/* Appends the bytes of the message, which must have all its required fields. */
void wire_pack(const ProtobufCMessage *message, struct buf *out);
