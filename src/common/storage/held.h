/*
 * What waits until a store is on the disk: a part of what is held, in a list by its ticket, and
 * else as it came. One that waits for long keeps none behind it waiting, for what is sent at once
 * would overtake that.
 */
#pragma once

#include "common/base/list.h"

#include <stdint.h>

struct held {
    struct link link;
    uint64_t after; /* the ticket it waits for */
};

static inline struct held *held_of(struct link *link) {
    return CONTAINER_OF(link, struct held, link);
}

static inline void held_add(struct link *queue, struct held *held) {
    struct link *place = queue;
    while (place->previous != queue && held_of(place->previous)->after > held->after)
        place = place->previous;
    list_insert_before(place, &held->link);
}

/* Takes out the first that waits for this ticket or an earlier one; NULL when there is none. */
static inline struct held *held_take(struct link *queue, uint64_t stored_ticket) {
    struct link *first = list_first(queue);
    if (first == NULL || held_of(first)->after > stored_ticket)
        return NULL;
    list_remove(first);
    return held_of(first);
}
