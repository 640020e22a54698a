/*
 * Messages as JSON, both ways, by reflection over protobuf-c's descriptors: names as in the .proto
 * files, enums by name, bytes in base64, maps as objects, infinities as strings. Pure.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"

#include <protobuf-c/protobuf-c.h>

enum {
    JSON_DEPTH_LIMIT = 64,                /* messages within messages */
    JSON_BYTES_LIMIT = 64 * 1024 * 1024,  /* of one text */
    JSON_MEMORY_FACTOR = 64,              /* unpacked bytes for each byte of text, */
    JSON_MEMORY_FREE_BYTES = 1024 * 1024, /* beyond these */
};

/*
 * Appends the message as compact JSON on one line. Unset optional fields are left out unless they
 * have an explicit default (and are not deprecated); so are empty repeated ones. Strings must be
 * UTF-8. An enum number without a name is printed as a number.
 */
void json_print(const ProtobufCMessage *message, struct buf *out);

/*
 * Reads one JSON object into a message in the arena. null is absent; numbers and booleans may stand
 * in strings; an unknown enum name is as unset, in a required field an error. Unknown fields are
 * ignored; when `unknown` is not NULL, the path of each is appended to it, one a line
 * ("offers.offers.color"). ERROR_INVALID with path and reason, or ERROR_LIMIT; *out is set on
 * success only.
 */
bool json_parse(const ProtobufCMessageDescriptor *descriptor, struct text json, struct arena *arena,
                struct buf *unknown, ProtobufCMessage **out, struct error *error);

/* Appends `string` in quotes, escaped. */
void json_print_string(struct buf *out, struct text string);
/* Appends the shortest number that reads back as `value`; infinities and NaN in quotes. */
void json_print_double(struct buf *out, double value);
