/*
 * Calls that wait for a connection, encoded, in order, and bounded.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>

struct kept_call {
    char *bytes;
    size_t size;
};

struct kept_calls {
    struct kept_call *calls; /* a ring */
    size_t first, count, capacity;
    size_t bytes; /* of all */
};

enum { KEPT_CALLS_LIMIT_BYTES = 256 << 20 };

void kept_calls_fini(struct kept_calls *kept);
bool kept_calls_put(struct kept_calls *kept, struct text call, size_t limit); /* false: full */
/* Takes the oldest out; the caller frees it with mem_free. False when there is none. */
bool kept_calls_take(struct kept_calls *kept, struct kept_call *out);
