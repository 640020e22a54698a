/*
 * What every agent says to one wish. The verdict is the one that decides; only what could be were
 * an agent empty is asked in addition.
 */
#include "allocator/verdict.h"

#include <stdlib.h>

enum { LACK_BITS = 30 };

const char *allocator_reason_text(enum allocator_reason reason) {
    switch (reason) {
    case ALLOCATOR_FITS: return "fits now";
    case ALLOCATOR_INACTIVE: return "agent inactive";
    case ALLOCATOR_NO_GPUS: return "lacks GPU_RESOURCES";
    case ALLOCATOR_NO_REMOTE: return "lacks REGION_AWARE";
    case ALLOCATOR_NO_ROLES: return "agent lacks roles";
    case ALLOCATOR_CONSTRAINT: return "offer constraint";
    case ALLOCATOR_TOO_SMALL: return "agent too small";
    case ALLOCATOR_RESERVED: return "reserved to another";
    case ALLOCATOR_NOT_ENOUGH: return "not enough free";
    case ALLOCATOR_NOT_TAKEN: return "revocable or shared";
    case ALLOCATOR_FILTERED: return "refused before";
    case ALLOCATOR_EARMARKED: return "kept for another";
    case ALLOCATOR_LIMIT: return "quota limit";
    case ALLOCATOR_HEADROOM: return "headroom for guarantees";
    case ALLOCATOR_HOARDS: return "lets offers expire";
    case ALLOCATOR_BELOW_MINIMUM: return "below minimum offer";
    }
    return "";
}

struct asking {
    struct allocator *allocator;
    const struct client *client;
    const struct wish *wish;
    struct allocator_wish *out;
    int64_t least_lack;
};

/* The largest part of the task that is not there. */
static int64_t lack_in(const struct asking *asking, const struct amounts *there) {
    int64_t largest = 0;
    for (size_t i = 0; i < asking->out->task->count; i++) {
        struct quantity need = asking->out->task->items[i];
        uint8_t at = name_dimension(asking->allocator, need.name);
        int64_t have = at != NO_DIMENSION ? there->at[at] : 0;
        if (need.milli <= have)
            continue;
        int64_t lack = (int64_t)(((__int128)(need.milli - have) << LACK_BITS) / need.milli);
        largest = lack > largest ? lack : largest;
    }
    return largest;
}

static bool could_hold(const struct asking *asking, const struct agent *agent) {
    struct allocator *allocator = asking->allocator;
    if (verdict_of_pair(allocator, asking->client, asking->wish, agent) != ALLOCATOR_FITS)
        return false;
    if (!asking->wish->is_open)
        return verdict_compose(allocator, asking->client, asking->wish, &agent->total, NULL,
                               &allocator->composed, NULL);
    return lack_in(asking, &agent->size) == 0;
}

/* Agents that could hold it come before those that could if they were larger, and these before
 * those that could never. */
static void ask_one(struct asking *asking, const struct agent *agent,
                    const struct allocator_verdict *verdict) {
    const int64_t step = INT64_C(2) << LACK_BITS;
    bool could = could_hold(asking, agent);
    bool may = could || verdict_of_pair(asking->allocator, asking->client, asking->wish, agent) ==
                            ALLOCATOR_FITS;
    int64_t lack = could ? lack_in(asking, &agent->plain)
                         : lack_in(asking, &agent->size) + (may ? step : 2 * step);
    asking->out->is_feasible = asking->out->is_feasible || could;
    if (verdict->reason == ALLOCATOR_FITS)
        lack = -1;
    if (asking->out->nearest != 0 && lack >= asking->least_lack)
        return;
    asking->least_lack = lack;
    asking->out->nearest = agent->number;
    asking->out->lack = *verdict;
}

static int compare_numbers(const void *a, const void *b) {
    const struct agent *const *x = a, *const *y = b;
    return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static void ask_all(struct asking *asking, allocator_agent_fn *each, void *self) {
    struct allocator *allocator = asking->allocator;
    VEC_OF(const struct agent *) agents = {0};
    struct allocator_verdict everywhere = {0};
    /* Truer than that an agent is full. */
    bool is_in_vain = verdict_is_in_vain(allocator, asking->client, asking->wish, &everywhere);
    MAP_EACH(entry, &allocator->agents)
        VEC_PUSH(&agents, map_value(entry));
    if (agents.count > 0)
        qsort(agents.items, agents.count, sizeof(agents.items[0]), compare_numbers);
    VEC_EACH(agent, &agents) {
        struct allocator_verdict verdict;
        verdict_of(allocator, asking->client, asking->wish, *agent, &verdict);
        if (is_in_vain && verdict.reason == ALLOCATOR_NOT_ENOUGH)
            verdict = everywhere;
        ask_one(asking, *agent, &verdict);
        if (each != NULL)
            each(self, (*agent)->number, &verdict);
    }
    VEC_FINI(&agents);
}

static const struct wish *wish_asked(const struct client *client, size_t request) {
    if (client->has_demand && request != SIZE_MAX)
        return request < client->wishes.count ? &client->wishes.items[request] : NULL;
    VEC_EACH(wish, &client->wishes) {
        if (wish_is_left(wish))
            return wish;
    }
    return client->wishes.count > 0 ? &client->wishes.items[0] : NULL;
}

/* A REQUEST may have lowered the count below what is offered already. */
static uint64_t count_left(const struct wish *wish) {
    if (wish == NULL || !wish_is_left(wish))
        return 0;
    return wish->count == ALLOCATOR_COUNT_ENDLESS ? wish->count : wish->count - wish->pending;
}

static void lend_task(struct allocator *allocator, const struct client *client,
                      const struct wish *wish, struct allocator_wish *out) {
    struct quantities *task = &allocator->lent_task;
    quantities_clear(task);
    if (wish != NULL && !wish->is_open) {
        quantities_add_all(task, &wish->shape, 1);
    } else if (wish != NULL) {
        struct amounts guess;
        demand_guess_task(allocator, client, &guess);
        for (size_t i = 0; i < allocator->dimensions; i++)
            quantities_add(task, allocator->names[i], guess.at[i]);
    }
    out->task = task;
}

bool allocator_explain(struct allocator *allocator, uint32_t framework, uint32_t role,
                       size_t request, struct allocator_wish *out, allocator_agent_fn *each,
                       void *self) {
    const struct client *client = client_find(allocator, framework, role);
    if (client == NULL)
        return false;
    const struct wish *wish = wish_asked(client, request);
    if (wish == NULL && request != SIZE_MAX)
        return false;
    *out = (struct allocator_wish){
        .is_subscribed = client->is_subscribed,
        .is_active = client->framework->is_known && client->framework->is_active,
        .is_suppressed = client->is_suppressed,
        .wants = client->wants,
        .has_demand = client->has_demand,
        .request = wish != NULL ? (size_t)(wish - client->wishes.items) : 0,
        .count = count_left(wish),
        .since_ms = client->wants ? client->since_ms : INT64_MIN,
    };
    lend_task(allocator, client, wish, out);
    /* All that it asked for is given: an empty shape is asked about, which lacks nothing. */
    static const struct wish nothing;
    struct asking asking = {allocator, client, wish != NULL ? wish : &nothing, out, INT64_MAX};
    ask_all(&asking, each, self);
    return true;
}
