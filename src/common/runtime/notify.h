/*
 * A queue from any thread to the loop's: items wait under a mutex, an eventfd wakes the loop, which
 * gets all that waited in one call a item, in order. The storage thread answers through one of
 * these.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct notify;

/* fn(self, item) runs on the loop's thread. `limit` items may wait. */
struct notify *notify_new(struct loop *loop, size_t limit, void (*fn)(void *self, void *item),
                          void *self, struct error *error);
/* On the loop's thread, once no other can push. Waiting items are given to free_item (unless NULL).
 */
void notify_free(struct notify *notify, void (*free_item)(void *item));

/* Any thread. False when `limit` items wait already; the item stays the caller's. */
bool notify_push(struct notify *notify, void *item);
