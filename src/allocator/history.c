/*
 * How what keeps a client changed: a ring of the last changes, written when it is found that
 * nothing fits and when it is offered something.
 */
#include "allocator/state.h"

void history_note(struct allocator *allocator, struct client *client,
                  enum allocator_reason reason) {
    client->since_ms = reason == ALLOCATOR_FITS        ? INT64_MIN
                       : client->since_ms == INT64_MIN ? allocator->now_ms
                                                       : client->since_ms;
    if (client->changes == NULL)
        client->changes = NEW_ARRAY(struct allocator_change, ALLOCATOR_HISTORY_LIMIT);
    enum { TOGETHER_MS = 1000 }; /* what happens at once is one change: the last word counts */
    size_t last = (client->change_count + ALLOCATOR_HISTORY_LIMIT - 1) % ALLOCATOR_HISTORY_LIMIT;
    if (client->change_count > 0 && client->changes[last].reason == reason)
        return;
    if (client->change_count > 0 && allocator->now_ms - client->changes[last].at_ms < TOGETHER_MS) {
        client->changes[last].reason = reason;
        return;
    }
    client->changes[client->change_count++ % ALLOCATOR_HISTORY_LIMIT] =
        (struct allocator_change){allocator->now_ms, reason};
}

size_t allocator_history(const struct allocator *allocator, uint32_t framework, uint32_t role,
                         struct allocator_change *out, size_t limit) {
    const struct client *client = client_find(allocator, framework, role);
    if (client == NULL)
        return 0;
    size_t there = client->change_count < ALLOCATOR_HISTORY_LIMIT ? client->change_count
                                                                  : (size_t)ALLOCATOR_HISTORY_LIMIT;
    size_t count = there < limit ? there : limit;
    for (size_t i = 0; i < count; i++)
        out[i] = client->changes[(client->change_count - count + i) % ALLOCATOR_HISTORY_LIMIT];
    return count;
}
