/*
 * Nothing is remembered but the numbers of offers: whether one is in the way is asked of what is in
 * force and held at that moment.
 */
#include "master/core/role_rescue.h"

#include "master/core/offer_book.h"
#include "master/core/role_book.h"
#include "master/core/role_use.h"
#include "master/core/supply.h"

enum { LOOKS_PER_STEP = 2000, RESCINDS_PER_STEP = 100 };

void role_rescue_fini(struct role_rescue *rescue) {
    VEC_FINI(&rescue->offers);
}

static void list_offers(struct role_rescue *rescue, const struct master *master) {
    rescue->offers.count = 0;
    MAP_EACH(entry, &master->offers)
        VEC_PUSH(&rescue->offers, map_key(entry));
    rescue->left = rescue->offers.count;
}

void role_rescue_begin(struct role_rescue *rescue, struct master *master,
                       enum role_rescue_reason reason) {
    list_offers(rescue, master);
    rescue->reasons |= (uint32_t)reason;
    rescue->has_kept_limits = false;
}

/* --- what is in the way --- */

static bool is_above_limit(const struct master *master, uint32_t role, uint32_t name) {
    for (; role != ROLE_NONE; role = kinds_role_parent(master->kinds, role)) {
        size_t count;
        const struct quota_line *lines = role_book_quota(master, role, &count);
        for (size_t i = 0; i < count; i++) {
            if (lines[i].name == name &&
                quantities_milli(supply_consumed(master, role), name) > lines[i].limit_milli)
                return true;
        }
    }
    return false;
}

/* Some role on the path has a guarantee that needs all it holds. */
static bool serves_guarantee(const struct master *master, uint32_t role, uint32_t name) {
    for (; role != ROLE_NONE; role = kinds_role_parent(master->kinds, role)) {
        size_t count;
        const struct quota_line *lines = role_book_quota(master, role, &count);
        for (size_t i = 0; i < count; i++) {
            if (lines[i].name == name && lines[i].guarantee_milli > 0 &&
                quantities_milli(supply_consumed(master, role), name) <= lines[i].guarantee_milli)
                return true;
        }
    }
    return false;
}

static bool breaks_quota(const struct role_rescue *rescue, const struct master *master,
                         const struct offer *offer) {
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    role_use_count(master, &offer->resources, 1, &amounts);
    for (size_t i = 0; i < amounts.count; i++) {
        uint32_t name = amounts.items[i].name;
        bool is_in_the_way =
            rescue->has_kept_limits
                ? supply_lack(master, name) > 0 && !serves_guarantee(master, offer->role, name)
                : is_above_limit(master, offer->role, name);
        if (is_in_the_way)
            return true;
    }
    return false;
}

static bool is_in_the_way(const struct role_rescue *rescue, const struct master *master,
                          const struct offer *offer) {
    if ((rescue->reasons & ROLE_RESCUE_QUOTA) != 0)
        return breaks_quota(rescue, master, offer);
    return supply_is_over_share(master, offer->framework, offer->role);
}

/* --- in slices --- */

/* All offers were looked at for the first reason that is left: limits, guarantees, weights. */
static void go_on(struct role_rescue *rescue) {
    rescue->left = rescue->offers.count;
    if ((rescue->reasons & ROLE_RESCUE_QUOTA) != 0 && !rescue->has_kept_limits)
        rescue->has_kept_limits = true;
    else if ((rescue->reasons & ROLE_RESCUE_QUOTA) != 0)
        rescue->reasons &= ~(uint32_t)ROLE_RESCUE_QUOTA;
    else
        rescue->reasons = 0;
    if (rescue->reasons == 0)
        VEC_FINI(&rescue->offers);
}

void role_rescue_step(struct role_rescue *rescue, struct master *master) {
    int rescinds = 0;
    for (int looks = 0; looks < LOOKS_PER_STEP && rescinds < RESCINDS_PER_STEP; looks++) {
        if (rescue->reasons == 0)
            return;
        if (rescue->left == 0) {
            go_on(rescue);
            continue;
        }
        struct offer *offer = map_get(&master->offers, rescue->offers.items[--rescue->left]);
        if (offer == NULL || !is_in_the_way(rescue, master, offer))
            continue;
        offer_book_rescind(master, offer);
        rescinds++;
    }
}
