/*
 * A record stream in pieces whose size the first byte gives.
 */
#include "tests/fuzz/fuzz.h"

#include "common/wire/recordio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    AUTO_FINI(recordio_fini) struct recordio_decoder decoder = {.limit_bytes = 4096};
    struct text bytes = {(const char *)data + 1, size - 1}, record;
    size_t piece = (size_t)data[0] + 1;
    for (size_t at = 0; at < bytes.size; at += piece) {
        recordio_feed(&decoder, text_sub(bytes, at, piece));
        while (recordio_next(&decoder, &record, NULL) == RECORDIO_RECORD)
            continue;
    }
    return 0;
}
