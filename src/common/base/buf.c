#include "common/base/buf.h"

#include "common/base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void buf_fini(struct buf *buf) {
    mem_free(buf->data);
    *buf = (struct buf){0};
}

void buf_reserve(struct buf *buf, size_t more) {
    size_t needed;
    if (__builtin_add_overflow(buf->size, more, &needed) ||
        __builtin_add_overflow(needed, (size_t)1, &needed))
        mem_crash("out of memory: buffer too large");
    if (needed <= buf->capacity)
        return;
    size_t capacity = buf->capacity + buf->capacity / 2;
    if (capacity < needed)
        capacity = needed;
    if (capacity < 64)
        capacity = 64;
    buf->data = mem_resize(buf->data, capacity, 1);
    buf->capacity = capacity;
}

void buf_append(struct buf *buf, const void *data, size_t size) {
    buf_reserve(buf, size);
    if (size > 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void buf_append_text(struct buf *buf, struct text text) {
    buf_append(buf, text.data, text.size);
}

void buf_append_string(struct buf *buf, const char *string) {
    buf_append(buf, string, strlen(string));
}

void buf_append_byte(struct buf *buf, char byte) {
    buf_append(buf, &byte, 1);
}

void buf_append_u64(struct buf *buf, uint64_t value) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    buf_reserve(buf, (size_t)size);
    vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
    va_end(again);
    buf->size += (size_t)size;
}

void buf_clear(struct buf *buf) {
    buf->size = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void buf_consume(struct buf *buf, size_t from_front) {
    assert(from_front <= buf->size);
    if (from_front == 0)
        return;
    buf->size -= from_front;
    memmove(buf->data, buf->data + from_front, buf->size + 1);
}

const char *buf_string(struct buf *buf) {
    buf_reserve(buf, 0);
    buf->data[buf->size] = '\0';
    return buf->data;
}

char *buf_take(struct buf *buf, size_t *size) {
    buf_string(buf);
    char *data = buf->data;
    if (size != NULL)
        *size = buf->size;
    *buf = (struct buf){0};
    return data;
}
