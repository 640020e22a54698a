/*
 * Frames out of arbitrary bytes: what is taken lies inside what was given, nothing is taken unless
 * a frame is whole, and what was taken can be put together again to the same bytes.
 */
#include "common/runtime/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FINI(buf_fini) struct buf again = {0};
    struct text rest = {(const char *)data, size};
    size_t limit_bytes = 1000;
    struct frame frame;
    enum frame_verdict verdict;
    while ((verdict = frame_take(&rest, limit_bytes, &frame)) == FRAME_READY) {
        check(frame.payload.size <= limit_bytes);
        check(frame.payload.data + frame.payload.size == rest.data);
        frame_append(&again, frame.type, frame.payload);
    }
    check(again.size + rest.size == size);
    check(again.size == 0 || memcmp(again.data, data, again.size) == 0);
    if (verdict == FRAME_PARTIAL && rest.size >= FRAME_HEADER_SIZE)
        check(frame_size(rest) > rest.size);
    return 0;
}
