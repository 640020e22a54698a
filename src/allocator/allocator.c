/*
 * The allocator as a whole: what it is made of, its settings, and one call of allocate, which ends
 * what has run out, lets the policy have a turn, and hands out the offers.
 */
#include "allocator/state.h"

enum { EARMARK_LIMIT_MS = 600000 };

struct allocator *allocator_new(const struct mesos_allocator *policy, const struct kinds *kinds,
                                uint64_t seed) {
    struct allocator *allocator = NEW(struct allocator);
    allocator->policy = policy;
    allocator->kinds = kinds;
    allocator->seed = seed;
    allocator->rng = rng_of(seed);
    allocator->gpus_are_reserved = true;
    allocator->earmark_limit_ms = EARMARK_LIMIT_MS;
    allocator->faded_ms = INT64_MIN;
    allocator->stage = STAGE_ALL;
    allocator->minima_count = 2;
    quantities_add(&allocator->minima[0], NAME_CPUS, 10);
    quantities_add(&allocator->minima[1], NAME_MEM, 32000);
    allocator->book = quota_book_new(kinds);
    allocator->lately_agents = NEW_ARRAY(struct lately, LATELY);
    allocator->lately_clients = NEW_ARRAY(struct lately, LATELY);
    filters_init(allocator);
    names_learn_first(allocator);
    return allocator;
}

static void clear_minima(struct allocator *allocator) {
    for (size_t i = 0; i < allocator->minima_count; i++)
        quantities_fini(&allocator->minima[i]);
    allocator->minima_count = 0;
}

void allocator_free(struct allocator *allocator) {
    if (allocator == NULL)
        return;
    filters_fini(allocator);
    earmarks_fini(allocator);
    agents_fini(allocator);
    clients_fini(allocator);
    news_fini(allocator);
    skip_fini(allocator);
    constraints_fini(allocator);
    clear_minima(allocator);
    quota_book_free(allocator->book);
    mem_free(allocator->lately_agents);
    mem_free(allocator->lately_clients);
    heap_fini(&allocator->marks);
    VEC_FINI(&allocator->open);
    VEC_FINI(&allocator->open_slots);
    VEC_FINI(&allocator->covered_slots);
    VEC_FINI(&allocator->dimension_of_name);
    VEC_FINI(&allocator->kind_info);
    VEC_FINI(&allocator->excluded);
    for (size_t i = 0; i < allocator->grants_made; i++)
        resources_fini(&allocator->grants.items[i].what);
    VEC_FINI(&allocator->grants);
    VEC_FINI(&allocator->complaints);
    quantities_fini(&allocator->scratch);
    quantities_fini(&allocator->lent_task);
    quantities_fini(&allocator->lent_held);
    resources_fini(&allocator->stripped);
    resources_fini(&allocator->composed);
    resources_fini(&allocator->recomposed);
    allocator->policy->destroy(allocator->order);
    mem_free(allocator);
}

void allocator_set_minima(struct allocator *allocator, const struct quantities *any_of,
                          size_t count) {
    clear_minima(allocator);
    for (size_t i = 0; i < count && i < ALLOCATOR_MINIMA_LIMIT; i++)
        allocator->minima[allocator->minima_count++] = quantities_copy(&any_of[i]);
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL)
            demand_tell_task(allocator, *client);
    }
    agents_mark_all(allocator);
    clients_look_again(allocator);
}

void allocator_set_gpus_reserved(struct allocator *allocator, bool reserved) {
    allocator->gpus_are_reserved = reserved;
    clients_look_again(allocator);
}

void allocator_exclude_name(struct allocator *allocator, uint32_t name) {
    VEC_PUSH(&allocator->excluded, name);
}

static void flush(struct allocator *allocator, allocator_sink *sink, void *self) {
    VEC_EACH(grant, &allocator->grants) {
        struct allocator_offer offer = {grant->client->framework->number, grant->client->role,
                                        grant->agent->number, &grant->what};
        holding_find(grant->agent, grant->client)->grant = 0;
        sink(&offer, self);
        resources_clear(&grant->what);
    }
    allocator->grants.count = 0;
}

/* Another total makes the policy reckon everybody anew: a look for every other client, but never
 * all of the turn, so that it gets on while agents come and go. */
static void pay_for_total(struct allocator *allocator) {
    int64_t most = allocator->budget / 4 * 3, cost = (int64_t)(allocator->clients.count / 2);
    allocator->budget -= cost < most ? cost : most;
}

bool allocator_allocate(struct allocator *allocator, int64_t now_ms, size_t budget,
                        allocator_sink *sink, void *self) {
    allocator->now_ms = now_ms;
    allocator->budget = budget < INT64_MAX ? (int64_t)budget : INT64_MAX;
    if (allocator->is_total_stale)
        pay_for_total(allocator);
    policy_tell_total(allocator);
    bool more = filters_expire(allocator);
    more = memory_fade(allocator) || more;
    earmarks_expire(allocator);
    if (turn_is_due(allocator))
        turn_run(allocator);
    else
        earmarks_review(allocator);
    flush(allocator, sink, self);
    open_compact(allocator);
    return more || turn_is_due(allocator);
}

int64_t allocator_deadline_ms(const struct allocator *allocator) {
    if (turn_is_due(allocator) || allocator->is_fading)
        return INT64_MIN;
    int64_t filters_ms = filters_deadline_ms(allocator);
    int64_t earmarks_ms = earmarks_deadline_ms(allocator);
    return filters_ms < earmarks_ms ? filters_ms : earmarks_ms;
}
