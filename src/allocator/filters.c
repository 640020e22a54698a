/*
 * Refusals. There may be millions, so a filter is a few numbers in a pool: found through its
 * client's table by agent, ended through its agent's list or the list of those that end at the same
 * time. What was refused on an agent is mostly the same for all, and kept once.
 */
#include "allocator/verdict.h"

#include <assert.h>

enum { CHUNK_BITS = 12, CHUNK = 1 << CHUNK_BITS, FIRST_BITS = 3 };

struct refusal {
    uint32_t users;
    struct resources what;
};

/* Those that end at one moment. */
struct moment {
    struct heap_node due;
    uint32_t first;
};

struct filter {
    struct refusal *refused;
    struct moment *moment;
    uint32_t slot, client;
    uint32_t older; /* of the same client on the same agent */
    uint32_t of_agent_previous, of_agent_next;
    uint32_t of_moment_previous, of_moment_next;
};

struct filter_pool {
    VEC_OF(struct filter *) chunks;
    uint32_t count; /* without holes: the last moves into one */
    struct heap moments;
    struct map by_time; /* end -> struct moment */
    struct moment *last;
};

/* Agent's slot -> the newest filter there; open addressing, a power of two. With a place for each
 * slot that was ever put in there it is direct: no search, and nothing moves up. */
struct filter_place {
    uint32_t slot, filter; /* NOWHERE: unused */
};

struct filter_table {
    uint32_t capacity, count, bits;
    uint32_t top; /* the largest slot */
    bool is_direct;
    struct filter_place *places;
    uint64_t *slots; /* a bit for each agent in the table; NULL while there are few */
    uint32_t words;
};

static struct filter *filter_at(const struct allocator *allocator, uint32_t index) {
    return &allocator->filters->chunks.items[index >> CHUNK_BITS][index & (CHUNK - 1)];
}

void filters_init(struct allocator *allocator) {
    allocator->filters = NEW(struct filter_pool);
}

/* --- a client's table --- */

/* Slots are dense: scattered, lest one long run of them be searched and moved. */
static uint32_t home_of(const struct filter_table *table, uint32_t slot) {
    return table->is_direct ? slot : slot * UINT32_C(2654435769) >> (32 - table->bits);
}

static struct filter_place *table_find(const struct filter_table *table, uint32_t slot) {
    uint32_t at = home_of(table, slot) & (table->capacity - 1);
    while (table->places[at].filter != NOWHERE && table->places[at].slot != slot)
        at = (at + 1) & (table->capacity - 1);
    return &table->places[at];
}

static void table_resize(struct filter_table *table, uint32_t bits) {
    struct filter_place *old = table->places;
    uint32_t old_capacity = table->capacity;
    table->bits = bits;
    table->capacity = UINT32_C(1) << bits;
    table->is_direct = table->top < table->capacity;
    table->places = NEW_ARRAY(struct filter_place, table->capacity);
    for (uint32_t i = 0; i < table->capacity; i++)
        table->places[i].filter = NOWHERE;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].filter != NOWHERE)
            *table_find(table, old[i].slot) = old[i];
    }
    mem_free(old);
}

static void set_slot(struct filter_table *table, uint32_t slot, bool is_there) {
    uint64_t bit = UINT64_C(1) << slot % 64;
    if (slot / 64 >= table->words)
        return;
    uint64_t *word = &table->slots[slot / 64];
    *word = is_there ? *word | bit : *word & ~bit;
}

/* Bits are kept once they cost no more than eight bytes a filter. */
static void table_grow_slots(struct filter_table *table, uint32_t slot, size_t agents) {
    uint32_t words = (uint32_t)(agents + 63) / 64;
    if ((table->slots == NULL && table->count < words) || slot / 64 < table->words)
        return;
    words = slot / 64 < words ? words : slot / 64 + 1;
    mem_free(table->slots);
    table->slots = NEW_ARRAY(uint64_t, words);
    table->words = words;
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->places[i].filter != NOWHERE)
            set_slot(table, table->places[i].slot, true);
}

static struct filter_place *table_put(struct client *client, uint32_t slot) {
    if (client->filters == NULL)
        client->filters = NEW(struct filter_table);
    struct filter_table *table = client->filters;
    bool is_beyond = slot > table->top;
    table->top = is_beyond ? slot : table->top;
    if (table->capacity == 0)
        table_resize(table, FIRST_BITS);
    else if (table->count * 4 >= table->capacity * 3)
        table_resize(table, table->bits + 1);
    else if (is_beyond && table->is_direct && slot >= table->capacity)
        table_resize(table, table->bits);
    struct filter_place *place = table_find(table, slot);
    if (place->filter == NOWHERE) {
        place->slot = slot;
        table->count++;
    }
    return place;
}

/* A table that is nearly empty; an empty one is none. */
static void table_shrink(struct client *client) {
    struct filter_table *table = client->filters;
    if (table->count == 0)
        filters_drop_table(client);
    else if (table->count * 16 < table->capacity && table->bits > FIRST_BITS)
        table_resize(table, table->bits - 1);
}

/* Those behind move up, so that no search ends early. */
static void table_remove(struct filter_table *table, struct filter_place *place) {
    set_slot(table, place->slot, false);
    uint32_t mask = table->capacity - 1, hole = (uint32_t)(place - table->places);
    for (uint32_t at = (hole + 1) & mask; !table->is_direct && table->places[at].filter != NOWHERE;
         at = (at + 1) & mask) {
        uint32_t home = home_of(table, table->places[at].slot);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->places[hole] = table->places[at];
        hole = at;
    }
    table->places[hole].filter = NOWHERE;
    table->count--;
}

static uint32_t newest_of(const struct client *client, uint32_t slot) {
    if (client->filters == NULL || client->filters->count == 0 || slot > client->filters->top)
        return NOWHERE;
    return table_find(client->filters, slot)->filter;
}

/* --- making and ending --- */

static uint32_t filter_new(struct allocator *allocator) {
    struct filter_pool *pool = allocator->filters;
    if (pool->count == pool->chunks.count * CHUNK)
        VEC_PUSH(&pool->chunks, mem_resize(NULL, CHUNK, sizeof(struct filter)));
    return pool->count++;
}

static struct moment *moment_get(struct filter_pool *pool, int64_t until_ms) {
    if (pool->last != NULL && pool->last->due.key == until_ms)
        return pool->last;
    struct moment *moment = map_get(&pool->by_time, (uint64_t)until_ms);
    if (moment == NULL) {
        moment = NEW(struct moment);
        moment->first = NOWHERE;
        map_put(&pool->by_time, (uint64_t)until_ms, moment);
        heap_put(&pool->moments, &moment->due, until_ms);
    }
    pool->last = moment;
    return moment;
}

static void moment_drop(struct filter_pool *pool, struct moment *moment) {
    heap_remove(&pool->moments, &moment->due);
    map_remove(&pool->by_time, (uint64_t)moment->due.key);
    if (pool->last == moment)
        pool->last = NULL;
    mem_free(moment);
}

static void refusal_drop(struct refusal *refusal) {
    if (refusal == NULL || --refusal->users > 0)
        return;
    resources_fini(&refusal->what);
    mem_free(refusal);
}

static struct refusal *refusal_get(struct allocator *allocator, struct agent *agent,
                                   const struct resources *refused) {
    struct refusal *last = agent->last_refusal;
    if (last == NULL || !resources_equal(&last->what, refused)) {
        refusal_drop(last);
        last = agent->last_refusal = NEW(struct refusal);
        last->what = resources_copy(refused);
        last->users = 1;
        agent->is_mixed = agent->filters != NOWHERE;
        filters_set_cover(allocator, agent, COVER_UNKNOWN);
    }
    last->users++;
    return last;
}

static void leave_agent(struct allocator *allocator, const struct filter *filter) {
    struct agent *agent = allocator->slots.items[filter->slot];
    if (filter->of_agent_previous != NOWHERE)
        filter_at(allocator, filter->of_agent_previous)->of_agent_next = filter->of_agent_next;
    else
        agent->filters = filter->of_agent_next;
    if (filter->of_agent_next != NOWHERE)
        filter_at(allocator, filter->of_agent_next)->of_agent_previous = filter->of_agent_previous;
    if (agent->filters == NOWHERE) {
        refusal_drop(agent->last_refusal);
        agent->last_refusal = NULL;
        agent->is_mixed = false;
        filters_set_cover(allocator, agent, COVER_UNKNOWN);
    }
}

static void leave_moment(struct allocator *allocator, const struct filter *filter) {
    if (filter->of_moment_previous != NOWHERE)
        filter_at(allocator, filter->of_moment_previous)->of_moment_next = filter->of_moment_next;
    else
        filter->moment->first = filter->of_moment_next;
    if (filter->of_moment_next != NOWHERE)
        filter_at(allocator, filter->of_moment_next)->of_moment_previous =
            filter->of_moment_previous;
    if (filter->moment->first == NOWHERE)
        moment_drop(allocator->filters, filter->moment);
}

static void leave_client(struct allocator *allocator, struct client *client, uint32_t index) {
    struct filter *filter = filter_at(allocator, index);
    struct filter_place *place = table_find(client->filters, filter->slot);
    if (place->filter == index) {
        if (filter->older != NOWHERE)
            place->filter = filter->older;
        else
            table_remove(client->filters, place);
        return;
    }
    struct filter *newer = filter_at(allocator, place->filter);
    while (newer->older != index)
        newer = filter_at(allocator, newer->older);
    newer->older = filter->older;
}

/* Whoever leads to a filter is told where it is now. */
static void filter_move(struct allocator *allocator, uint32_t from, uint32_t to) {
    struct filter *filter = filter_at(allocator, to);
    *filter = *filter_at(allocator, from);
    struct client *client = allocator->clients.items[filter->client];
    uint32_t *at = &table_find(client->filters, filter->slot)->filter;
    while (*at != from)
        at = &filter_at(allocator, *at)->older;
    *at = to;
    if (filter->of_agent_previous != NOWHERE)
        filter_at(allocator, filter->of_agent_previous)->of_agent_next = to;
    else
        allocator->slots.items[filter->slot]->filters = to;
    if (filter->of_agent_next != NOWHERE)
        filter_at(allocator, filter->of_agent_next)->of_agent_previous = to;
    if (filter->of_moment_previous != NOWHERE)
        filter_at(allocator, filter->of_moment_previous)->of_moment_next = to;
    else
        filter->moment->first = to;
    if (filter->of_moment_next != NOWHERE)
        filter_at(allocator, filter->of_moment_next)->of_moment_previous = to;
}

/* What is not needed goes back; a chunk is kept, for there may be more at once. */
static void filter_drop(struct allocator *allocator, uint32_t index) {
    struct filter_pool *pool = allocator->filters;
    uint32_t last = --pool->count;
    if (index != last)
        filter_move(allocator, last, index);
    if (pool->count + 2 * CHUNK <= pool->chunks.count * CHUNK)
        mem_free(pool->chunks.items[--pool->chunks.count]);
}

/* The client may take now what it refused: it looks there again, nobody else does. */
static void look_again_there(struct allocator *allocator, struct client *client,
                             const struct agent *agent) {
    if (!client->wants || !agent->is_open)
        return;
    if (client->retries.count > allocator->open_live + 64) {
        client_look_again(allocator, client);
        return;
    }
    VEC_PUSH(&client->retries, agent->slot);
    policy_reconsider(allocator, client);
}

static void filter_end(struct allocator *allocator, uint32_t index) {
    struct filter *filter = filter_at(allocator, index);
    struct client *client = allocator->clients.items[filter->client];
    struct agent *agent = allocator->slots.items[filter->slot];
    sated_wake(allocator, client);
    leave_client(allocator, client, index);
    leave_agent(allocator, filter);
    leave_moment(allocator, filter);
    refusal_drop(filter->refused);
    filter_drop(allocator, index);
    sated_review_agent(allocator, agent);
    look_again_there(allocator, client, agent);
}

static void drop_oldest(struct allocator *allocator, uint32_t index) {
    for (size_t count = 1; filter_at(allocator, index)->older != NOWHERE; count++) {
        index = filter_at(allocator, index)->older;
        if (count >= ALLOCATOR_FILTERS_LIMIT) {
            filter_end(allocator, index);
            return;
        }
    }
}

void allocator_refuse(struct allocator *allocator, uint32_t framework, uint32_t role,
                      uint32_t agent_number, const struct resources *refused, int64_t until_ms) {
    struct agent *agent = agent_find(allocator, agent_number);
    struct client *client = client_subscribed(allocator, framework, role);
    if (agent == NULL || client == NULL)
        return;
    uint32_t index = filter_new(allocator);
    struct filter *filter = filter_at(allocator, index);
    struct filter_place *place = table_put(client, agent->slot);
    *filter = (struct filter){
        .refused = refusal_get(allocator, agent, refused),
        .moment = moment_get(allocator->filters, until_ms),
        .slot = agent->slot,
        .client = client->id,
        .older = place->filter,
        .of_agent_previous = NOWHERE,
        .of_agent_next = agent->filters,
        .of_moment_previous = NOWHERE,
    };
    place->filter = index;
    set_slot(client->filters, agent->slot, true);
    table_grow_slots(client->filters, agent->slot, allocator->slots.count);
    if (agent->filters != NOWHERE)
        filter_at(allocator, agent->filters)->of_agent_previous = index;
    agent->filters = index;
    filter->of_moment_next = filter->moment->first;
    if (filter->moment->first != NOWHERE)
        filter_at(allocator, filter->moment->first)->of_moment_previous = index;
    filter->moment->first = index;
    if (agent->cover == COVER_NONE)
        agent->cover = COVER_UNKNOWN; /* its bit is not set */
    drop_oldest(allocator, index);
    sated_review_agent(allocator, agent);
    sated_try(allocator, client);
}

bool filters_cover_free(struct allocator *allocator, struct agent *agent) {
    if (agent->cover == COVER_UNKNOWN) {
        bool covers = agent->filters != NOWHERE && !agent->is_mixed &&
                      resources_contains(&agent->last_refusal->what, &agent->free);
        filters_set_cover(allocator, agent, covers ? COVER_FREE : COVER_NONE);
    }
    return agent->cover == COVER_FREE;
}

bool filters_cover(struct allocator *allocator, struct agent *agent, const struct client *client) {
    const struct filter_table *table = client->filters;
    uint32_t slot = agent->slot;
    if (!filters_cover_free(allocator, agent))
        return false;
    return table != NULL && slot / 64 < table->words
               ? (table->slots[slot / 64] >> slot % 64 & 1) != 0
               : newest_of(client, slot) != NOWHERE;
}

void filters_set_cover(struct allocator *allocator, struct agent *agent, enum filter_cover cover) {
    agent->cover = cover;
    slots_set(&allocator->covered_slots, agent->slot, cover == COVER_FREE);
}

const uint64_t *filters_slots(const struct client *client, uint32_t *words) {
    *words = client->filters != NULL ? client->filters->words : 0;
    return *words > 0 ? client->filters->slots : NULL;
}

size_t filters_count(const struct client *client) {
    return client->filters != NULL ? client->filters->count : 0;
}

bool filters_block(const struct allocator *allocator, const struct agent *agent,
                   const struct client *client, const struct resources *offered,
                   int64_t *until_ms) {
    for (uint32_t at = newest_of(client, agent->slot); at != NOWHERE;) {
        const struct filter *filter = filter_at(allocator, at);
        if (resources_contains(&filter->refused->what, offered)) {
            *until_ms = filter->moment->due.key;
            return true;
        }
        at = filter->older;
    }
    return false;
}

/* Not by the set that would be offered: that may be another one when a reservation is given to
 * somebody else, and what was refused would fit anew although nothing has become better. */
bool filters_block_wish(struct allocator *allocator, const struct agent *agent,
                        const struct client *client, const struct wish *wish, int64_t *until_ms) {
    for (uint32_t at = newest_of(client, agent->slot); at != NOWHERE;) {
        const struct filter *filter = filter_at(allocator, at);
        if (verdict_compose(allocator, client, wish, &filter->refused->what, NULL,
                            &allocator->recomposed, NULL)) {
            *until_ms = filter->moment->due.key;
            return true;
        }
        at = filter->older;
    }
    return false;
}

bool filters_expire(struct allocator *allocator) {
    struct heap_node *least;
    while ((least = heap_least(&allocator->filters->moments)) != NULL &&
           least->key <= allocator->now_ms) {
        if (allocator->budget <= 0)
            return true;
        allocator->budget--;
        uint32_t index = CONTAINER_OF(least, struct moment, due)->first;
        struct client *client = allocator->clients.items[filter_at(allocator, index)->client];
        filter_end(allocator, index);
        table_shrink(client);
    }
    return false;
}

int64_t filters_deadline_ms(const struct allocator *allocator) {
    const struct heap_node *least = heap_least(&allocator->filters->moments);
    return least != NULL ? least->key : INT64_MAX;
}

void filters_drop_table(struct client *client) {
    if (client->filters != NULL) {
        mem_free(client->filters->places);
        mem_free(client->filters->slots);
    }
    mem_free(client->filters);
    client->filters = NULL;
}

void filters_end_of_client(struct allocator *allocator, struct client *client) {
    if (client->filters == NULL)
        return;
    sated_wake(allocator, client);
    bool wanted = client->wants;
    client->wants = false; /* no retries: it looks at everything again */
    for (uint32_t i = 0; client->filters->count > 0; i = (i + 1) & (client->filters->capacity - 1))
        while (client->filters->places[i].filter != NOWHERE)
            filter_end(allocator, client->filters->places[i].filter);
    client->wants = wanted;
    filters_drop_table(client);
    client_look_again(allocator, client);
}

void filters_end_of_agent(struct allocator *allocator, struct agent *agent) {
    while (agent->filters != NOWHERE)
        filter_end(allocator, agent->filters);
}

size_t filters_bytes(const struct allocator *allocator) {
    const struct filter_pool *pool = allocator->filters;
    size_t bytes = pool->chunks.count * CHUNK * sizeof(struct filter);
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL && (*client)->filters != NULL)
            bytes += (*client)->filters->capacity * sizeof(struct filter_place) +
                     (*client)->filters->words * sizeof(uint64_t);
    }
    return bytes;
}

void filters_fini(struct allocator *allocator) {
    struct filter_pool *pool = allocator->filters;
    while (pool->moments.count > 0)
        filter_end(allocator, CONTAINER_OF(heap_least(&pool->moments), struct moment, due)->first);
    VEC_EACH(chunk, &pool->chunks)
        mem_free(*chunk);
    VEC_FINI(&pool->chunks);
    heap_fini(&pool->moments);
    map_fini(&pool->by_time, NULL);
    mem_free(pool);
    allocator->filters = NULL;
}
