#include "master/core/role_rescind.h"

#include "allocator/explain.h"
#include "master/core/offer_book.h"
#include "master/core/role_book.h"
#include "master/core/role_use.h"
#include "master/core/supply.h"

/* So that a call that changes thousands of roles does not hold up the master: what is left then
 * runs out or is answered by itself. */
enum { LOOKS_LIMIT = 200000 };

struct rescue {
    struct master *master;
    size_t looks;
    struct quantities free; /* of connected agents, as quota counts */
    struct map used;        /* role -> struct quantities: of those looked at, kept right */
    struct offer **offers;  /* the newest first; NULL once it is taken back */
    size_t count;
};

static void add_free(const struct master *master, struct quantities *free) {
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        if (agent->state != AGENT_REGISTERED || agent->peer == NULL)
            continue;
        role_use_count(master, &agent->total, 1, free);
        role_use_count(master, &agent->used, -1, free);
        role_use_count(master, &agent->offered, -1, free);
    }
}

static struct rescue begin(struct master *master) {
    size_t count = master->offers.count, at = count;
    struct rescue rescue = {.master = master,
                            .offers = ARENA_ARRAY(master->out->arena, struct offer *, count),
                            .count = count};
    MAP_EACH(entry, &master->offers)
        rescue.offers[--at] = map_value(entry);
    add_free(master, &rescue.free);
    return rescue;
}

static void free_used(void *self) {
    struct quantities *used = self;
    quantities_fini(used);
    mem_free(used);
}

static bool is_within(const struct master *master, uint32_t role, uint32_t above) {
    while (role != ROLE_NONE && role != above)
        role = kinds_role_parent(master->kinds, role);
    return role == above;
}

/* What the offer has of it, as quota counts. */
static int64_t milli_in(const struct rescue *rescue, size_t place, uint32_t name) {
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    role_use_count(rescue->master, &rescue->offers[place]->resources, 1, &amounts);
    return quantities_milli(&amounts, name);
}

static void take_back(struct rescue *rescue, size_t place) {
    struct offer *offer = rescue->offers[place];
    role_use_count(rescue->master, &offer->resources, 1, &rescue->free);
    for (uint32_t role = offer->role; role != ROLE_NONE;
         role = kinds_role_parent(rescue->master->kinds, role)) {
        struct quantities *used = map_get(&rescue->used, role);
        if (used != NULL)
            role_use_count(rescue->master, &offer->resources, -1, used);
    }
    rescue->offers[place] = NULL;
    offer_book_rescind(rescue->master, offer);
}

static int64_t used_milli(struct rescue *rescue, uint32_t role, uint32_t name) {
    struct quantities *used = map_get(&rescue->used, role);
    if (used == NULL) {
        used = NEW(struct quantities);
        *used = quantities_copy(supply_consumed(rescue->master, role));
        map_put(&rescue->used, role, used);
    }
    return quantities_milli(used, name);
}

/* Called once a look. */
static bool is_tired(struct rescue *rescue) {
    return ++rescue->looks > LOOKS_LIMIT;
}

/* --- limits --- */

static void keep_limit(struct rescue *rescue, uint32_t role, const struct quota_line *line) {
    for (size_t i = 0; i < rescue->count; i++) {
        if (used_milli(rescue, role, line->name) <= line->limit_milli || is_tired(rescue))
            return;
        if (rescue->offers[i] != NULL && is_within(rescue->master, rescue->offers[i]->role, role) &&
            milli_in(rescue, i, line->name) > 0)
            take_back(rescue, i);
    }
}

/* --- guarantees --- */

/* Whether some role on the path has a guarantee that needs all it holds. */
static bool serves_guarantee(struct rescue *rescue, uint32_t role, uint32_t name) {
    for (; role != ROLE_NONE; role = kinds_role_parent(rescue->master->kinds, role)) {
        size_t count;
        const struct quota_line *lines = role_book_quota(rescue->master, role, &count);
        for (size_t i = 0; i < count; i++) {
            if (lines[i].name == name && lines[i].guarantee_milli > 0 &&
                used_milli(rescue, role, name) <= lines[i].guarantee_milli)
                return true;
        }
    }
    return false;
}

static void make_room(struct rescue *rescue, uint32_t role, const struct quota_line *line) {
    int64_t need_milli = line->guarantee_milli - used_milli(rescue, role, line->name);
    if (need_milli <= 0)
        return;
    for (size_t i = 0; i < rescue->count; i++) {
        if (quantities_milli(&rescue->free, line->name) >= need_milli || is_tired(rescue))
            return;
        if (rescue->offers[i] != NULL &&
            !is_within(rescue->master, rescue->offers[i]->role, role) &&
            milli_in(rescue, i, line->name) > 0 &&
            !serves_guarantee(rescue, rescue->offers[i]->role, line->name))
            take_back(rescue, i);
    }
}

void role_rescind_for_quota(struct master *master, struct role_node *const *nodes, size_t count) {
    if (master->offers.count == 0)
        return;
    struct rescue rescue = begin(master);
    for (size_t i = 0; i < count; i++) {
        for (size_t line = 0; line < nodes[i]->now.quota.count; line++)
            keep_limit(&rescue, nodes[i]->role, &nodes[i]->now.quota.items[line]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t line = 0; line < nodes[i]->now.quota.count; line++)
            make_room(&rescue, nodes[i]->role, &nodes[i]->now.quota.items[line]);
    }
    map_fini(&rescue.used, free_used);
    quantities_fini(&rescue.free);
}

/* --- weights --- */

/* Who is not known to be within its share is over it: as Mesos takes back all offers. */
static bool is_over_share(struct master *master, const struct offer *offer) {
    struct allocator_standing standing;
    if (!allocator_client_standing(master->allocator, offer->framework->number, offer->role,
                                   &standing))
        return true;
    return standing.share > standing.guaranteed;
}

void role_rescind_for_weights(struct master *master) {
    size_t count = master->offers.count, at = count;
    struct offer **offers = ARENA_ARRAY(master->out->arena, struct offer *, count);
    MAP_EACH(entry, &master->offers)
        offers[--at] = map_value(entry);
    for (size_t i = 0; i < count; i++) {
        if (is_over_share(master, offers[i]))
            offer_book_rescind(master, offers[i]);
    }
}
