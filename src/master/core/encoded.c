/*
 * The id is a message with one string; both lengths are varints.
 */
#include "master/core/encoded.h"

/* Tags of length-delimited fields: number << 3 | 2. */
enum {
    TAG_FRAMEWORK_INFO_ID = 3 << 3 | 2,
    TAG_AGENT_INFO_ID = 6 << 3 | 2,
    TAG_ID_VALUE = 1 << 3 | 2,
    VARINT_BYTES = 10,
};

static char *put_varint(char *at, size_t value) {
    for (; value >= 0x80; value >>= 7)
        *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

static size_t varint_size(size_t value) {
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static struct text with_id(struct master *master, struct text info, char tag, struct text id) {
    size_t limit = info.size + id.size + 2 + 2 * VARINT_BYTES;
    char *bytes = arena_alloc(master->out->arena, limit), *at = bytes;
    if (info.size > 0)
        memcpy(at, info.data, info.size);
    at += info.size;
    *at++ = tag;
    at = put_varint(at, 1 + varint_size(id.size) + id.size);
    *at++ = TAG_ID_VALUE;
    at = put_varint(at, id.size);
    if (id.size > 0)
        memcpy(at, id.data, id.size);
    at += id.size;
    return (struct text){bytes, (size_t)(at - bytes)};
}

struct text encoded_framework_info(struct master *master, struct text info,
                                   struct framework_id id) {
    return with_id(master, info, TAG_FRAMEWORK_INFO_ID, id.text);
}

struct text encoded_agent_info(struct master *master, struct text info, struct agent_id id) {
    return with_id(master, info, TAG_AGENT_INFO_ID, id.text);
}
