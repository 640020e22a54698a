/*
 * How what keeps a client changed: the last changes, the oldest first, written when it is found
 * that nothing fits and when it is offered something. What happens within a second is one change,
 * and its last word counts.
 */
#include "allocator/state.h"

#include <string.h>

enum { TOGETHER_MS = 1000 };

static void drop(struct client *client, size_t index) {
    client->change_count--;
    memmove(&client->changes[index], &client->changes[index + 1],
            (client->change_count - index) * sizeof(*client->changes));
}

void history_note(struct allocator *allocator, struct client *client,
                  enum allocator_reason reason) {
    struct allocator_change change = {allocator->now_ms, reason};
    client->since_ms = reason == ALLOCATOR_FITS        ? INT64_MIN
                       : client->since_ms == INT64_MIN ? allocator->now_ms
                                                       : client->since_ms;
    if (client->changes == NULL)
        client->changes = NEW_ARRAY(struct allocator_change, ALLOCATOR_HISTORY_LIMIT);
    if (client->change_count > 0) {
        const struct allocator_change *last = &client->changes[client->change_count - 1];
        if (last->reason == reason)
            return;
        if (allocator->now_ms - last->at_ms < TOGETHER_MS) {
            change.at_ms = last->at_ms;
            drop(client, client->change_count - 1);
        }
    }
    if (client->change_count > 0 && client->changes[client->change_count - 1].reason == reason)
        return; /* what came between was undone within the second */
    if (client->change_count == ALLOCATOR_HISTORY_LIMIT)
        drop(client, 0);
    client->changes[client->change_count++] = change;
}

size_t allocator_history(const struct allocator *allocator, uint32_t framework, uint32_t role,
                         struct allocator_change *out, size_t limit) {
    const struct client *client = client_find(allocator, framework, role);
    if (client == NULL)
        return 0;
    size_t count = client->change_count < limit ? client->change_count : limit;
    if (count > 0)
        memcpy(out, &client->changes[client->change_count - count], count * sizeof(*out));
    return count;
}
