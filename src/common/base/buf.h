/*
 * Bytes that grow. Zero-initialised is empty; buf_fini frees. The data is always followed by a NUL
 * that does not count, so buf_string gives a C string.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/text.h"

struct buf {
    char *data;
    size_t size;
    size_t capacity;
};

void buf_fini(struct buf *buf);
DEFINE_AUTO_FINI(struct buf, buf_fini)

void buf_reserve(struct buf *buf, size_t more); /* room for `more` bytes behind size */
void buf_append(struct buf *buf, const void *data, size_t size);
void buf_append_text(struct buf *buf, struct text text);
void buf_append_string(struct buf *buf, const char *string);
void buf_append_byte(struct buf *buf, char byte);
void buf_append_u64(struct buf *buf, uint64_t value); /* decimal */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *buf); /* empty, keeps the room */
void buf_consume(struct buf *buf, size_t from_front);
const char *buf_string(struct buf *buf);       /* never NULL; borrowed until the next change */
char *buf_take(struct buf *buf, size_t *size); /* hands the bytes over, leaves buf empty */

static inline struct text buf_text(const struct buf *buf) {
    return (struct text){buf->data, buf->size};
}
