/*
 * A record: u32 key size, i32 value size (REMOVED: none), key, value.
 */
#include "common/storage/batch.h"

#include "common/base/map.h"

#include <string.h>

enum { REMOVED = -1 };

struct record_header {
    uint32_t key_size;
    int32_t value_size;
};

static void append(struct buf *batch, struct text key, struct text value, int32_t value_size) {
    struct record_header header = {(uint32_t)key.size, value_size};
    buf_append(batch, &header, sizeof(header));
    buf_append_text(batch, key);
    buf_append_text(batch, value);
}

void batch_put(struct buf *batch, struct text key, struct text value) {
    append(batch, key, value, (int32_t)value.size);
}

void batch_remove(struct buf *batch, struct text key) {
    append(batch, key, (struct text){0}, REMOVED);
}

bool batch_next(struct text *rest, struct batch_record *out) {
    struct record_header header;
    if (rest->size == 0)
        return false;
    memcpy(&header, rest->data, sizeof(header));
    *rest = text_sub(*rest, sizeof(header), SIZE_MAX);
    *out = (struct batch_record){.is_removed = header.value_size == REMOVED};
    out->key = text_sub(*rest, 0, header.key_size);
    if (!out->is_removed)
        out->value = text_sub(*rest, header.key_size, (size_t)header.value_size);
    *rest = text_sub(*rest, header.key_size + out->value.size, SIZE_MAX);
    return true;
}

/* By key, how much is left behind its last record; +1, for NULL is none. */
static void list_last(const struct buf *batch, struct map *last) {
    struct text rest = buf_text(batch);
    struct batch_record record;
    while (batch_next(&rest, &record))
        map_put_text(last, record.key, (void *)(uintptr_t)(rest.size + 1));
}

void batch_compact(struct buf *batch) {
    struct map last = {0};
    list_last(batch, &last);
    struct text rest = buf_text(batch), before = rest;
    struct batch_record record;
    size_t kept = 0;
    for (; batch_next(&rest, &record); before = rest) {
        size_t size = before.size - rest.size;
        if ((uintptr_t)map_get_text(&last, record.key) != rest.size + 1)
            continue;
        memmove(batch->data + kept, before.data, size);
        kept += size;
    }
    batch->size = kept;
    map_fini(&last, NULL);
}
