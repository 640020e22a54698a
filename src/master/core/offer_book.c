/*
 * Numbers are given in order and all offers live equally long, so one map in order of insertion
 * serves look-up and expiry alike: its first offer is always the oldest.
 */
#include "master/core/offer_book.h"

#include "master/core/emit.h"
#include "master/core/maintenance.h"
#include "master/core/supply.h"
#include "master/core/usage.h"

#include <stdio.h>

static void must(bool held) {
    assert(held);
    (void)held;
}

struct offer *offer_book_make(struct master *master, struct framework *framework,
                              struct agent *agent, uint32_t role,
                              const struct resources *resources) {
    struct offer *offer = NEW(struct offer);
    offer->number = master->last_offer++;
    char id[UUID_TEXT_SIZE + 32];
    snprintf(id, sizeof(id), "%s-O%llu", master->id, (unsigned long long)offer->number);
    offer->id.text = text_of(mem_dup_string(id));
    offer->framework = framework;
    offer->agent = agent;
    offer->role = role;
    offer->resources = resources_copy(resources);
    offer->made_ms = master->now_ms;
    int64_t timeout_ms = master->options.offer_timeout_ms;
    offer->deadline_ms = timeout_ms > 0 ? master->now_ms + timeout_ms : INT64_MAX;
    list_append(&framework->offers, &offer->by_framework);
    list_append(&agent->offers, &offer->by_agent);
    sum_add(&framework->offered, resources);
    must(resources_add(&agent->offered, resources));
    map_put(&master->offers, offer->number, offer);
    return offer;
}

struct offer *offer_book_find(const struct master *master, struct offer_id id) {
    struct text prefix = text_of(master->id);
    uint64_t number;
    if (!text_starts_with(id.text, prefix))
        return NULL;
    struct text rest = text_sub(id.text, prefix.size, id.text.size);
    if (!text_starts_with(rest, TEXT("-O")) || !text_to_u64(text_sub(rest, 2, rest.size), &number))
        return NULL;
    struct offer *offer = map_get(&master->offers, number);
    return offer != NULL && offer_id_equal(offer->id, id) ? offer : NULL;
}

static const struct executor_id *executors_of(struct master *master, const struct offer *offer,
                                              size_t *count) {
    const struct map *all = &offer->agent->executors;
    *count = 0;
    if (all->count == 0)
        return NULL;
    struct executor_id *list = ARENA_ARRAY(master->out->arena, struct executor_id, all->count);
    MAP_EACH(entry, all) {
        const struct executor *executor = map_value(entry);
        if (executor->framework == offer->framework)
            list[(*count)++] = executor->id;
    }
    return list;
}

static void fini_set(void *set) {
    resources_fini(set);
}

/* Shared volumes that others use already are offered to all, beside what the offer holds. */
static const struct resources *with_shared(struct master *master, const struct offer *offer) {
    struct resources shareable =
        usage_shareable(master, offer->framework, offer->agent, offer->role);
    if (resources_is_empty(&shareable))
        return &offer->resources;
    struct resources *shown = ARENA_NEW(master->out->arena, struct resources);
    *shown = shareable;
    arena_defer(master->out->arena, fini_set, shown);
    must(resources_add(shown, &offer->resources));
    return shown;
}

static const struct unavailability *unavailability_of(struct master *master,
                                                      const struct agent *agent) {
    struct machine_view machine;
    if (!link_is_listed(&agent->by_schedule) || !maintenance_find(master, &agent->info, &machine))
        return NULL;
    struct unavailability *shown = ARENA_NEW(master->out->arena, struct unavailability);
    *shown = machine.unavailability;
    return shown;
}

struct offered offer_book_show(struct master *master, const struct offer *offer) {
    const struct agent_info *info = &offer->agent->info;
    struct offered shown = {
        .id = offer->id,
        .framework = offer->framework->info.id,
        .agent = info->id,
        .hostname = info->hostname,
        .ip = info->ip,
        .port = info->port,
        .role = kinds_role_text(master->kinds, offer->role),
        .attributes = info->attributes,
        .region = info->region,
        .zone = info->zone,
    };
    shown.resources = with_shared(master, offer);
    shown.executors = executors_of(master, offer, &shown.executor_count);
    shown.unavailability = unavailability_of(master, offer->agent);
    return shown;
}

static void free_offer(struct offer *offer) {
    resources_fini(&offer->resources);
    mem_free((char *)offer->id.text.data);
    mem_free(offer);
}

/* The only way out of the book. */
struct resources offer_book_take(struct master *master, struct offer *offer) {
    sum_subtract(&offer->framework->offered, &offer->resources);
    must(resources_subtract(&offer->agent->offered, &offer->resources));
    list_remove(&offer->by_framework);
    list_remove(&offer->by_agent);
    map_remove(&master->offers, offer->number);
    struct resources resources = resources_take(&offer->resources);
    free_offer(offer);
    return resources;
}

/* Its end is said, and what it held is free again. */
static void give_back(struct master *master, struct offer *offer, int64_t refuse_ms,
                      enum allocator_offer_end how) {
    struct framework *framework = offer->framework;
    struct agent *agent = offer->agent;
    uint32_t role = offer->role;
    AUTO_FINI(resources_fini) struct resources resources = offer_book_take(master, offer);
    supply_end_offer(master, framework, role, agent, how);
    supply_decline(master, framework, role, agent, &resources, refuse_ms);
}

void offer_book_return(struct master *master, struct offer *offer, int64_t refuse_ms) {
    give_back(master, offer, refuse_ms, ALLOCATOR_OFFER_ANSWERED);
}

static void rescind(struct master *master, struct offer *offer, int64_t refuse_ms,
                    enum allocator_offer_end how) {
    struct offer_id id = {lend(master, offer->id.text)};
    emit_to_framework(master, offer->framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_RESCIND, .rescind = id});
    give_back(master, offer, refuse_ms, how);
}

void offer_book_rescind(struct master *master, struct offer *offer) {
    offer_book_rescind_for(master, offer, 0);
}

void offer_book_rescind_for(struct master *master, struct offer *offer, int64_t refuse_ms) {
    rescind(master, offer, refuse_ms, ALLOCATOR_OFFER_RESCINDED);
}

void offer_book_rescind_of_agent(struct master *master, struct agent *agent) {
    LIST_EACH(link, &agent->offers)
        offer_book_rescind(master, CONTAINER_OF(link, struct offer, by_agent));
}

void offer_book_return_of_framework(struct master *master, struct framework *framework) {
    LIST_EACH(link, &framework->offers)
        give_back(master, CONTAINER_OF(link, struct offer, by_framework), 0,
                  ALLOCATOR_OFFER_RESCINDED);
}

void offer_book_expire(struct master *master) {
    for (struct offer *oldest; (oldest = map_first(&master->offers)) != NULL;) {
        if (oldest->deadline_ms > master->now_ms)
            return;
        rescind(master, oldest, 0, ALLOCATOR_OFFER_RAN_OUT);
    }
}

/* In roles that it no longer subscribes to. */
void offer_book_rescind_of_other_roles(struct master *master, struct framework *framework) {
    LIST_EACH(link, &framework->offers) {
        struct offer *offer = CONTAINER_OF(link, struct offer, by_framework);
        struct text role = kinds_role_text(master->kinds, offer->role);
        bool is_subscribed = false;
        for (size_t i = 0; i < framework->info.role_count; i++)
            is_subscribed = is_subscribed || text_equal(framework->info.roles[i], role);
        if (!is_subscribed)
            offer_book_rescind(master, offer);
    }
}

int64_t offer_book_deadline_ms(const struct master *master) {
    const struct offer *oldest = map_first(&master->offers);
    return oldest != NULL ? oldest->deadline_ms : INT64_MAX;
}

void offer_book_fini(struct master *master) {
    MAP_EACH(entry, &master->offers)
        free_offer(map_value(entry));
    map_fini(&master->offers, NULL);
}
