/*
 * Changes that wait for a commit: one flat buffer of records, each a key and its new value or
 * none. Of several records of one key the last alone matters.
 */
#pragma once

#include "common/base/buf.h"

#include <stdbool.h>

struct batch_record {
    struct text key, value; /* borrowed from the buffer */
    bool is_removed;        /* there is no value */
};

void batch_put(struct buf *batch, struct text key, struct text value);
void batch_remove(struct buf *batch, struct text key);

/* Takes the first record off *rest, which is a whole batch or what an earlier call left of it;
 * false at the end. */
bool batch_next(struct text *rest, struct batch_record *out);

/* Leaves the last record of each key, in their order. */
void batch_compact(struct buf *batch);
