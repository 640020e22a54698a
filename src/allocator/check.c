/*
 * For tests: everything that is kept beside something else is reckoned anew and compared.
 */
#include "allocator/state.h"

#include <string.h>

static bool check_used(const struct agent *agent, struct error *why) {
    AUTO_FINI(resources_fini) struct resources used = {0};
    VEC_EACH(holding, &agent->holdings) {
        if (resources_is_empty(&holding->held) || !resources_add(&used, &holding->held))
            return fail(why, ERROR_INVALID, "agent %u: a holding of nothing", agent->number);
        if (holding->grant != 0)
            return fail(why, ERROR_INVALID, "agent %u: an offer was not handed out", agent->number);
    }
    if (!resources_equal(&used, &agent->used))
        return fail(why, ERROR_INVALID, "agent %u: used is not what is held", agent->number);
    AUTO_FINI(resources_fini) struct resources free = resources_copy(&agent->total);
    resources_subtract_common(&free, &used);
    if (!resources_equal(&free, &agent->free))
        return fail(why, ERROR_INVALID, "agent %u: free is not total without used", agent->number);
    return true;
}

static bool check_place(const struct allocator *allocator, const struct agent *agent,
                        struct error *why) {
    bool is_listed = agent->entry != NOWHERE;
    if (is_listed && (agent->entry >= allocator->open.count ||
                      allocator->open.items[agent->entry].agent != agent))
        return fail(why, ERROR_INVALID, "agent %u: its entry is another's", agent->number);
    if (agent->is_open != (is_listed || heap_holds(&agent->mark)))
        return fail(why, ERROR_INVALID, "agent %u: open or not, its entry says otherwise",
                    agent->number);
    if (allocator->slots.items[agent->slot] != agent)
        return fail(why, ERROR_INVALID, "agent %u: its slot is another's", agent->number);
    return true;
}

static bool check_agent(struct allocator *allocator, struct agent *agent, struct amounts *total,
                        struct amounts *free, struct error *why) {
    struct amounts size;
    if (!check_used(agent, why) || !check_place(allocator, agent, why))
        return false;
    amounts_of(allocator, &agent->total, false, &size);
    for (size_t i = 0; i < allocator->dimensions; i++) {
        if (size.at[i] != agent->size.at[i])
            return fail(why, ERROR_INVALID, "agent %u: its size is wrong", agent->number);
        total->at[i] += size.at[i];
        free->at[i] += agent->is_active ? agent->plain.at[i] : 0;
        if (agent->earmark != NULL && agent->earmark->kept.at[i] > agent->plain.at[i])
            return fail(why, ERROR_INVALID, "agent %u: more is kept than free", agent->number);
    }
    if (allocator->is_book_told) {
        AUTO_FINI(quantities_fini) struct quantities told = {0};
        if (agent->is_active)
            countable_of(allocator, &agent->free, &told);
        if (!quantities_contain(&told, &agent->told_free) ||
            !quantities_contain(&agent->told_free, &told))
            return fail(why, ERROR_INVALID, "agent %u: quota knows of other free amounts",
                        agent->number);
    }
    return true;
}

static bool check_sums(const struct allocator *allocator, const struct amounts *total,
                       const struct amounts *free, struct error *why) {
    size_t size = allocator->dimensions * sizeof(total->at[0]);
    if (memcmp(total->at, allocator->there.at, size) != 0)
        return fail(why, ERROR_INVALID, "the cluster's total is not the sum over agents");
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (allocator->total.at[i] !=
            (name_is_excluded(allocator, allocator->names[i]) ? 0 : total->at[i]))
            return fail(why, ERROR_INVALID, "shares are reckoned with another total");
    if (memcmp(free->at, allocator->free.at, size) != 0)
        return fail(why, ERROR_INVALID, "what is free is not the sum over agents");
    return true;
}

struct sums {
    struct amounts held;
    size_t holdings, offered;
    uint64_t pending;
};

static void sum_client(struct allocator *allocator, const struct client *client,
                       struct sums *sums) {
    MAP_EACH(entry, &allocator->agents) {
        const struct agent *agent = map_value(entry);
        const struct holding *holding = holding_find(agent, client);
        struct amounts held;
        if (holding == NULL)
            continue;
        amounts_of(allocator, &holding->held, true, &held);
        for (size_t i = 0; i < allocator->dimensions; i++)
            sums->held.at[i] += held.at[i];
        sums->holdings++;
        sums->offered += holding->offers_out > 0;
        for (const struct pending *at = holding->pending; at != NULL; at = at->next)
            sums->pending +=
                demand_find((struct client *)(uintptr_t)client, at->serial) != NULL ? at->count : 0;
    }
}

static bool check_client(struct allocator *allocator, const struct client *client,
                         struct error *why) {
    struct sums sums = {0};
    uint64_t pending = 0;
    sum_client(allocator, client, &sums);
    VEC_EACH(wish, &client->wishes)
        pending += wish->pending;
    if (memcmp(sums.held.at, client->held.at, allocator->dimensions * sizeof(sums.held.at[0])) != 0)
        return fail(why, ERROR_INVALID, "framework %u: charged with what it does not hold",
                    client->framework->number);
    if (sums.holdings != client->holding_count || sums.offered != client->offered_agents)
        return fail(why, ERROR_INVALID, "framework %u: its holdings are miscounted",
                    client->framework->number);
    if (pending != sums.pending)
        return fail(why, ERROR_INVALID, "framework %u: its offered tasks are miscounted",
                    client->framework->number);
    return true;
}

static bool check_agent_is_sated_of(struct allocator *allocator, const struct client *client,
                                    struct agent *agent, struct error *why) {
    int64_t until_ms;
    if (agent->is_open && client->sated_place != 0 &&
        !filters_block(allocator, agent, client, &agent->free, &until_ms))
        return fail(why, ERROR_INVALID, "framework %u: sated, and did not refuse agent %u",
                    client->framework->number, agent->number);
    return true;
}

static bool check_sated(struct allocator *allocator, struct error *why) {
    size_t counting = 0, exposed = 0;
    MAP_EACH(entry, &allocator->agents) {
        struct agent *agent = map_value(entry);
        counting += agent->is_open || agent->filters != NOWHERE;
        exposed += agent->is_open && !filters_cover_free(allocator, agent);
        VEC_EACH(client, &allocator->clients) {
            if (*client != NULL && !check_agent_is_sated_of(allocator, *client, agent, why))
                return false;
        }
    }
    if (counting != allocator->counting || exposed != allocator->exposed)
        return fail(why, ERROR_INVALID, "%zu agents count and %zu are exposed, not %zu and %zu",
                    counting, exposed, allocator->counting, allocator->exposed);
    return true;
}

static bool check_book(const struct allocator *allocator, struct error *why) {
    AUTO(quota_book_free) struct quota_book *anew = quota_book_new(allocator->kinds);
    if (!allocator->is_book_told)
        return true;
    AUTO_FINI(quantities_fini) struct quantities amounts = {0};
    MAP_EACH(entry, &allocator->agents) {
        const struct agent *agent = map_value(entry);
        VEC_EACH(holding, &agent->holdings) {
            countable_of(allocator, &holding->held, &amounts);
            quota_book_consume(anew, allocator->clients.items[holding->client]->role, &amounts, 1);
        }
        for (uint32_t i = 0; i < agent->total.count; i++) {
            const struct resource *one = &agent->total.entries[i];
            if (kind_type(one->kind) != VALUE_SCALAR || !kind_is(one->kind, KIND_IS_RESERVED))
                continue;
            quantities_clear(&amounts);
            quantities_add(&amounts, kinds_name(allocator->kinds, one->kind),
                           resource_quantity_milli(one));
            quota_book_consume(anew, kinds_reserved_role(allocator->kinds, one->kind), &amounts, 1);
        }
    }
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL)
            continue;
        const struct quantities *told = quota_book_consumed(allocator->book, (*client)->role);
        const struct quantities *is = quota_book_consumed(anew, (*client)->role);
        if (!quantities_contain(told, is) || !quantities_contain(is, told))
            return fail(why, ERROR_INVALID, "role of framework %u: quota counts otherwise",
                        (*client)->framework->number);
    }
    return true;
}

bool allocator_check(const struct allocator *asked, struct error *why) {
    /* Only its tables of kinds grow. */
    struct allocator *allocator = (struct allocator *)(uintptr_t)asked;
    struct amounts total = {0}, free = {0};
    size_t wanting = 0, live = 0;
    MAP_EACH(entry, &allocator->agents) {
        if (!check_agent(allocator, map_value(entry), &total, &free, why))
            return false;
    }
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL && !check_client(allocator, *client, why))
            return false;
        wanting += *client != NULL && client_is_asking(*client);
    }
    VEC_EACH(entry, &allocator->open)
        live += entry->agent != NULL;
    if (wanting != allocator->wanting_count || live != allocator->open_live)
        return fail(why, ERROR_INVALID, "who wants or what is open is miscounted");
    return check_sums(allocator, &total, &free, why) && check_sated(allocator, why) &&
           check_book(allocator, why);
}
