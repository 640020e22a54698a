#include "common/wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buf *out, struct text bytes) {
    const uint8_t *data = (const uint8_t *)bytes.data;
    buf_reserve(out, bytes.size / 3 * 4 + 4);
    char *to = out->data + out->size;
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t group = (uint32_t)data[at] << 16;
        group |= left > 1 ? (uint32_t)data[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)data[at + 2] : 0;
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        *to++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *to++ = left > 2 ? alphabet[group & 63] : '=';
    }
    out->size = (size_t)(to - out->data);
    *to = '\0';
}

static int digit_of(char byte) {
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

bool base64_decode(struct arena *arena, struct text encoded, struct text *out) {
    for (int padding = 0; padding < 2 && encoded.size % 4 == 0 && encoded.size > 0; padding++) {
        if (encoded.data[encoded.size - 1 - (size_t)padding] != '=') {
            encoded.size -= (size_t)padding;
            break;
        }
        if (padding == 1)
            encoded.size -= 2;
    }
    if (encoded.size % 4 == 1)
        return false;
    char *data = arena_alloc(arena, encoded.size / 4 * 3 + 3);
    size_t size = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < encoded.size; i++) {
        int digit = digit_of(encoded.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            data[size++] = (char)(uint8_t)(bits >> held);
        }
    }
    *out = (struct text){data, size};
    return true;
}
