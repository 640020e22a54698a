/*
 * Random UUIDs (RFC 4122, version 4): 16 bytes by value, 36 characters as text.
 */
#pragma once

#include "common/base/rng.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <string.h>

enum { UUID_TEXT_SIZE = 36 };

struct uuid {
    uint8_t bytes[16];
};

struct uuid uuid_random(struct rng *rng);
void uuid_format(struct uuid uuid, char out[UUID_TEXT_SIZE + 1]);
bool uuid_parse(struct text text, struct uuid *out);
/* The 16 raw bytes as statuses carry them; false for any other size. */
bool uuid_from_bytes(struct text bytes, struct uuid *out);
bool uuid_is_nil(struct uuid uuid);

static inline bool uuid_equal(struct uuid a, struct uuid b) {
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static inline struct text uuid_text(const struct uuid *uuid) {
    return (struct text){(const char *)uuid->bytes, sizeof(uuid->bytes)};
}
