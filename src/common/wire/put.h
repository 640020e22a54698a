/*
 * Writes the fields of a message straight from model values, whose texts have no NUL behind them.
 * Numbers are those of the .proto files; the tests read everything back through the generated code.
 */
#pragma once

#include "common/base/buf.h"

void put_varint(struct buf *out, uint32_t number, uint64_t value);
void put_double(struct buf *out, uint32_t number, double value);
void put_fixed32(struct buf *out, uint32_t number, uint32_t value);
void put_bytes(struct buf *out, uint32_t number, struct text bytes); /* strings and messages too */

static inline void put_int(struct buf *out, uint32_t number, int64_t value) {
    put_varint(out, number, (uint64_t)value);
}

/* Nothing for 0, which stands for an unset field. */
static inline void put_some_int(struct buf *out, uint32_t number, int64_t value) {
    if (value != 0)
        put_int(out, number, value);
}

/* Nothing for an empty text, which stands for an unset field. */
static inline void put_some(struct buf *out, uint32_t number, struct text bytes) {
    if (bytes.size > 0)
        put_bytes(out, number, bytes);
}

/* A message in a message: put_begin gives the place, fields follow, put_end closes it. */
size_t put_begin(struct buf *out, uint32_t number);
void put_end(struct buf *out, size_t place);

/* A message whose one field, number 1, is a string: every id. put_some_id leaves out an empty one.
 */
void put_id(struct buf *out, uint32_t number, struct text id);
void put_some_id(struct buf *out, uint32_t number, struct text id);
