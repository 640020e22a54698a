/*
 * The ring grows by halves and never shrinks; what waits is few as a rule.
 */
#include "lib/core/kept_calls.h"

#include "common/base/mem.h"

#include <string.h>

void kept_calls_fini(struct kept_calls *kept) {
    struct kept_call call;
    while (kept_calls_take(kept, &call))
        mem_free(call.bytes);
    mem_free(kept->calls);
    *kept = (struct kept_calls){0};
}

static void grow(struct kept_calls *kept) {
    size_t capacity = kept->capacity + kept->capacity / 2 + 16;
    struct kept_call *calls = NEW_ARRAY(struct kept_call, capacity);
    for (size_t i = 0; i < kept->count; i++)
        calls[i] = kept->calls[(kept->first + i) % kept->capacity];
    mem_free(kept->calls);
    kept->calls = calls;
    kept->first = 0;
    kept->capacity = capacity;
}

bool kept_calls_put(struct kept_calls *kept, struct text call, size_t limit) {
    if (kept->count >= limit || kept->bytes + call.size > KEPT_CALLS_LIMIT_BYTES)
        return false;
    if (kept->count == kept->capacity)
        grow(kept);
    kept->calls[(kept->first + kept->count++) % kept->capacity] =
        (struct kept_call){mem_dup(call.data, call.size), call.size};
    kept->bytes += call.size;
    return true;
}

bool kept_calls_take(struct kept_calls *kept, struct kept_call *out) {
    if (kept->count == 0)
        return false;
    *out = kept->calls[kept->first];
    kept->first = (kept->first + 1) % kept->capacity;
    kept->count--;
    kept->bytes -= out->size;
    return true;
}
