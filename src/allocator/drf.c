/*
 * Flat dominant resource fairness: a client's share is the largest part it holds of any one
 * resource; the smallest share is served first, then who was served less often, then the older
 * number.
 *
 * The wanting clients stand in one sorted array; a charge moves one of them. A change of the
 * cluster's size changes every share, so it only marks the array, and the next walk sorts it once.
 */
#include "allocator/allocator.h"
#include "allocator/policy.h"
#include "common/base/mem.h"
#include "common/base/vec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE_BITS = 40 }; /* a share is a part of 2^40 */

struct drf_client {
    struct quantities held;
    uint64_t grants;
    int64_t share;
    uint32_t framework, role;
    bool wants;
};

struct place {
    int64_t share;
    uint64_t grants;
    uint32_t framework, role, client;
};

struct drf {
    VEC_OF(struct drf_client) clients;
    VEC_OF(struct place) order; /* the wanting ones; sorted unless stale */
    struct quantities total;
    size_t walked;
    bool is_stale;
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->share != y->share)
        return x->share < y->share ? -1 : 1;
    if (x->grants != y->grants)
        return x->grants < y->grants ? -1 : 1;
    if (x->framework != y->framework)
        return x->framework < y->framework ? -1 : 1;
    return (x->role > y->role) - (x->role < y->role);
}

static int64_t share_of(const struct drf *drf, const struct drf_client *client) {
    int64_t largest = 0;
    for (size_t i = 0; i < client->held.count; i++) {
        struct quantity held = client->held.items[i];
        int64_t total = quantities_milli(&drf->total, held.name);
        if (total <= 0)
            continue;
        __int128 share = ((__int128)held.milli << SHARE_BITS) / total;
        int64_t clipped = share > INT64_MAX ? INT64_MAX : (int64_t)share;
        if (clipped > largest)
            largest = clipped;
    }
    return largest;
}

static struct place place_of(const struct drf *drf, uint32_t client) {
    const struct drf_client *c = &drf->clients.items[client];
    return (struct place){c->share, c->grants, c->framework, c->role, client};
}

/* The first place that is not before `place`. */
static size_t find_place(const struct drf *drf, const struct place *place) {
    size_t low = 0, high = drf->order.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(&drf->order.items[middle], place) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void leave_order(struct drf *drf, uint32_t client) {
    struct place place = place_of(drf, client);
    size_t at = find_place(drf, &place);
    assert(at < drf->order.count && drf->order.items[at].client == client);
    VEC_REMOVE(&drf->order, at);
    if (at < drf->walked)
        drf->walked--;
}

static void enter_order(struct drf *drf, uint32_t client) {
    struct place place = place_of(drf, client);
    size_t at = find_place(drf, &place);
    VEC_RESERVE(&drf->order, 1);
    memmove(drf->order.items + at + 1, drf->order.items + at,
            (drf->order.count - at) * sizeof(place));
    drf->order.items[at] = place;
    drf->order.count++;
    if (at < drf->walked)
        drf->walked++;
}

/* Every share anew, and the order from scratch. */
static void freshen(struct drf *drf) {
    if (!drf->is_stale)
        return;
    drf->order.count = 0;
    for (uint32_t i = 0; i < drf->clients.count; i++) {
        struct drf_client *client = &drf->clients.items[i];
        client->share = share_of(drf, client);
        if (client->wants)
            VEC_PUSH(&drf->order, place_of(drf, i));
    }
    if (drf->order.count > 0)
        qsort(drf->order.items, drf->order.count, sizeof(drf->order.items[0]), compare_places);
    drf->is_stale = false;
}

static void *drf_make(void) {
    return NEW(struct drf);
}

static void drf_free(void *self) {
    struct drf *drf = self;
    VEC_EACH(client, &drf->clients)
        quantities_fini(&client->held);
    VEC_FINI(&drf->clients);
    VEC_FINI(&drf->order);
    quantities_fini(&drf->total);
    mem_free(drf);
}

static void drf_add_client(void *self, uint32_t client, uint32_t framework, uint32_t role) {
    struct drf *drf = self;
    while (drf->clients.count <= client)
        VEC_PUSH(&drf->clients, (struct drf_client){.wants = false});
    struct drf_client *fresh = &drf->clients.items[client];
    quantities_clear(&fresh->held);
    fresh->grants = 0;
    fresh->share = 0;
    fresh->framework = framework;
    fresh->role = role;
}

static void drf_set_wanting(void *self, uint32_t client, bool wants) {
    struct drf *drf = self;
    if (drf->clients.items[client].wants == wants)
        return;
    drf->clients.items[client].wants = wants;
    if (drf->is_stale)
        return;
    if (wants)
        enter_order(drf, client);
    else
        leave_order(drf, client);
}

static void drf_remove_client(void *self, uint32_t client) {
    struct drf *drf = self;
    assert(!drf->clients.items[client].wants);
    quantities_fini(&drf->clients.items[client].held);
}

static void drf_add_total(void *self, const struct quantities *more, int sign) {
    struct drf *drf = self;
    quantities_add_all(&drf->total, more, sign);
    drf->is_stale = true;
}

static void drf_charge(void *self, uint32_t client, const struct quantities *more, int sign) {
    struct drf *drf = self;
    struct drf_client *charged = &drf->clients.items[client];
    bool is_placed = charged->wants && !drf->is_stale;
    if (is_placed)
        leave_order(drf, client);
    quantities_add_all(&charged->held, more, sign);
    charged->grants += sign > 0;
    charged->share = share_of(drf, charged);
    if (is_placed)
        enter_order(drf, client);
}

static void drf_walk_start(void *self) {
    struct drf *drf = self;
    freshen(drf);
    drf->walked = 0;
}

static uint32_t drf_walk_next(void *self) {
    struct drf *drf = self;
    return drf->walked < drf->order.count ? drf->order.items[drf->walked++].client : CLIENT_NONE;
}

static int64_t drf_share_milli(const void *self, uint32_t client) {
    const struct drf *drf = self;
    __int128 milli = (__int128)share_of(drf, &drf->clients.items[client]) * 1000;
    milli >>= SHARE_BITS;
    return milli > INT64_MAX ? INT64_MAX : (int64_t)milli;
}

const struct allocator_policy flat_drf = {
    .name = "drf",
    .make = drf_make,
    .free = drf_free,
    .add_client = drf_add_client,
    .remove_client = drf_remove_client,
    .set_wanting = drf_set_wanting,
    .add_total = drf_add_total,
    .charge = drf_charge,
    .walk_start = drf_walk_start,
    .walk_next = drf_walk_next,
    .share_milli = drf_share_milli,
};
