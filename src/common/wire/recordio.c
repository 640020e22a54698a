#include "common/wire/recordio.h"

void recordio_encode(struct text record, struct buf *out) {
    buf_append_u64(out, record.size);
    buf_append_byte(out, '\n');
    buf_append_text(out, record);
}

void recordio_fini(struct recordio_decoder *decoder) {
    buf_fini(&decoder->pending);
}

void recordio_feed(struct recordio_decoder *decoder, struct text bytes) {
    if (decoder->failed)
        return;
    buf_consume(&decoder->pending, decoder->at);
    decoder->at = 0;
    buf_append_text(&decoder->pending, bytes);
}

static enum recordio_verdict break_stream(struct recordio_decoder *decoder) {
    decoder->failed = true;
    buf_fini(&decoder->pending);
    decoder->at = 0;
    return RECORDIO_FAILED;
}

enum recordio_verdict recordio_next(struct recordio_decoder *decoder, struct text *record,
                                    struct error *error) {
    size_t limit = decoder->limit_bytes > 0 ? decoder->limit_bytes : RECORDIO_RECORD_BYTES_LIMIT;
    if (decoder->failed) {
        fail(error, ERROR_INVALID, "the record stream is broken");
        return RECORDIO_FAILED;
    }
    struct text rest = text_sub(buf_text(&decoder->pending), decoder->at, SIZE_MAX);
    size_t searched = rest.size <= RECORDIO_HEADER_LIMIT ? rest.size : RECORDIO_HEADER_LIMIT + 1;
    const char *end = searched > 0 ? memchr(rest.data, '\n', searched) : NULL;
    size_t digits = end != NULL ? (size_t)(end - rest.data) : searched;
    uint64_t size = 0;
    bool is_number = text_to_u64(text_sub(rest, 0, digits), &size);
    if ((!is_number && (digits > 0 || end != NULL)) || digits > RECORDIO_HEADER_LIMIT) {
        fail(error, ERROR_INVALID, "a record header that is no number");
        return break_stream(decoder);
    }
    if (size > limit) {
        fail(error, ERROR_LIMIT, "a record of %llu bytes, more than %zu", (unsigned long long)size,
             limit);
        return break_stream(decoder);
    }
    if (end == NULL || rest.size - digits - 1 < size)
        return RECORDIO_MORE;
    *record = text_sub(rest, digits + 1, size);
    decoder->at += digits + 1 + size;
    return RECORDIO_RECORD;
}

bool recordio_is_at_end(const struct recordio_decoder *decoder) {
    return !decoder->failed && decoder->at == decoder->pending.size;
}
