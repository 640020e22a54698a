#include "common/base/uuid.h"

struct uuid uuid_random(struct rng *rng) {
    uint64_t words[2] = {rng_next(rng), rng_next(rng)};
    struct uuid uuid;
    memcpy(uuid.bytes, words, sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

static bool dash_before(size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(struct uuid uuid, char out[UUID_TEXT_SIZE + 1]) {
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
        if (dash_before(i))
            *at++ = '-';
        *at++ = digits[uuid.bytes[i] >> 4];
        *at++ = digits[uuid.bytes[i] & 15];
    }
    *at = '\0';
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool uuid_parse(struct text text, struct uuid *out) {
    if (text.size != UUID_TEXT_SIZE)
        return false;
    struct uuid uuid;
    const char *at = text.data;
    for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
        if (dash_before(i) && *at++ != '-')
            return false;
        int high = hex_value(at[0]), low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return false;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = uuid;
    return true;
}

bool uuid_from_bytes(struct text bytes, struct uuid *out) {
    if (bytes.size != sizeof(out->bytes))
        return false;
    memcpy(out->bytes, bytes.data, sizeof(out->bytes));
    return true;
}

bool uuid_is_nil(struct uuid uuid) {
    static const struct uuid nil;
    return uuid_equal(uuid, nil);
}
