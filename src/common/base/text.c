#include "common/base/text.h"

#include "common/base/mem.h"

#include <limits.h>

int text_compare(struct text a, struct text b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool text_starts_with(struct text text, struct text prefix) {
    return text.size >= prefix.size && text_equal(text_sub(text, 0, prefix.size), prefix);
}

bool text_ends_with(struct text text, struct text suffix) {
    return text.size >= suffix.size &&
           text_equal(text_sub(text, text.size - suffix.size, suffix.size), suffix);
}

bool text_contains_byte(struct text text, char byte) {
    return text.size > 0 && memchr(text.data, byte, text.size) != NULL;
}

/* How many bytes the sequence that begins here has; 0 when it is not UTF-8 (RFC 3629). */
static size_t utf8_sequence(const unsigned char *bytes, size_t left) {
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (lead == 0xe0 && bytes[1] < 0xa0) || (lead == 0xf0 && bytes[1] < 0x90);
    bool surrogate = lead == 0xed && bytes[1] > 0x9f;
    bool beyond = lead == 0xf4 && bytes[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : size;
}

bool text_is_utf8(struct text text) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_sequence(bytes + at, text.size - at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

struct text text_trim(struct text text) {
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

struct text text_sub(struct text text, size_t from, size_t size) {
    if (from >= text.size)
        return (struct text){text.data != NULL ? text.data + text.size : NULL, 0};
    size_t left = text.size - from;
    return (struct text){text.data + from, size < left ? size : left};
}

bool text_split(struct text *rest, char separator, struct text *part) {
    if (rest->data == NULL)
        return false;
    const char *end = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    if (end == NULL) {
        *part = *rest;
        *rest = (struct text){0};
        return true;
    }
    *part = (struct text){rest->data, (size_t)(end - rest->data)};
    *rest = text_sub(*rest, part->size + 1, SIZE_MAX);
    return true;
}

bool text_to_u64(struct text text, uint64_t *out) {
    uint64_t value = 0;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool text_to_i64(struct text text, int64_t *out) {
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t magnitude;
    if (!text_to_u64(negative ? text_sub(text, 1, SIZE_MAX) : text, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

char *text_dup(struct text text) {
    char *copy = mem_alloc(text.size + 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

/* wyhash's idea in small: fold 64x64 products. Fast on the short ids that maps are keyed by. */
static uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t text_hash(struct text text) {
    uint64_t hash = 0x9e3779b97f4a7c15u ^ text.size;
    const char *at = text.data;
    size_t left = text.size;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = fold(hash ^ word, 0xe7037ed1a0b428dbu);
    }
    if (left > 0) {
        uint64_t word = 0;
        memcpy(&word, at, left);
        hash = fold(hash ^ word, 0x8ebc6af09c88c6e3u);
    }
    return fold(hash, 0x589965cc75374cc3u);
}
