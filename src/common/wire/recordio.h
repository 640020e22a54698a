/*
 * RecordIO: a record is its length in decimal, a line feed, and that many bytes. The decoder takes
 * bytes as they come, in any pieces; once it has seen a bad header it has failed for good.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/error.h"

enum {
    RECORDIO_HEADER_LIMIT = 20, /* digits */
    RECORDIO_RECORD_BYTES_LIMIT = 64 * 1024 * 1024,
};

/* Appends one record. */
void recordio_encode(struct text record, struct buf *out);

/* Zero-initialised is ready. */
struct recordio_decoder {
    struct buf pending; /* what has come and is not yet handed out */
    size_t at;          /* where in it the next record begins */
    size_t limit_bytes; /* of one record; 0: RECORDIO_RECORD_BYTES_LIMIT */
    bool failed;
};

enum recordio_verdict {
    RECORDIO_RECORD, /* *record is set */
    RECORDIO_MORE,   /* no whole record is there yet */
    RECORDIO_FAILED, /* the stream is broken, for good */
};

void recordio_fini(struct recordio_decoder *decoder);
DEFINE_AUTO_FINI(struct recordio_decoder, recordio_fini)

/* Takes in bytes; copies them. */
void recordio_feed(struct recordio_decoder *decoder, struct text bytes);

/* Hands out the next record, a view that holds until the decoder is fed again. ERROR_INVALID for a
 * bad header, ERROR_LIMIT for a record that is too large. */
enum recordio_verdict recordio_next(struct recordio_decoder *decoder, struct text *record,
                                    struct error *error);

/* Whether the stream may end here: nothing is pending. */
bool recordio_is_at_end(const struct recordio_decoder *decoder);
