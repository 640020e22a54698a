/*
 * Refusals. There may be millions, so a filter is a few numbers in a pool: found through its
 * client's table by agent, ended through its agent's list or the list of those that end at the same
 * time. What was refused on an agent is mostly the same for all, and kept once.
 */
#include "allocator/verdict.h"

#include <assert.h>

enum { CHUNK_BITS = 12, CHUNK = 1 << CHUNK_BITS, FIRST_BITS = 3, DIRECT_BITS = 2 };

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
 * slot that was ever put in there it is direct: no search, no slots kept, and it may be full. */
struct filter_table {
    uint32_t capacity, count, bits;
    uint32_t top;     /* the largest slot */
    uint32_t *newest; /* NOWHERE: unused */
    uint32_t *keys;   /* the slot of each that is used; NULL: it is direct */
    uint64_t *slots;  /* a bit for each agent in the table; NULL while there are few */
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
    return slot * UINT32_C(2654435769) >> (32 - table->bits);
}

static uint32_t table_find(const struct filter_table *table, uint32_t slot) {
    if (table->keys == NULL)
        return slot;
    uint32_t at = home_of(table, slot);
    while (table->newest[at] != NOWHERE && table->keys[at] != slot)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

static uint32_t bits_to_be_direct(const struct filter_table *table) {
    uint32_t bits = FIRST_BITS;
    while (bits < 31 && table->top >> bits != 0)
        bits++;
    return bits;
}

/* Of so many places at least; four times as many if it is direct then. */
static void table_resize(struct filter_table *table, uint32_t bits) {
    struct filter_table old = *table;
    uint32_t direct = bits_to_be_direct(table);
    if (direct > bits && direct <= bits + DIRECT_BITS)
        bits = direct;
    table->bits = bits;
    table->capacity = UINT32_C(1) << bits;
    table->newest = mem_resize(NULL, table->capacity, sizeof(*table->newest));
    memset(table->newest, 0xff, table->capacity * sizeof(*table->newest));
    table->keys = table->top < table->capacity ? NULL : NEW_ARRAY(uint32_t, table->capacity);
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.newest[i] == NOWHERE)
            continue;
        uint32_t slot = old.keys != NULL ? old.keys[i] : i, at = table_find(table, slot);
        table->newest[at] = old.newest[i];
        if (table->keys != NULL)
            table->keys[at] = slot;
    }
    mem_free(old.newest);
    mem_free(old.keys);
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
        if (table->newest[i] != NOWHERE)
            set_slot(table, table->keys != NULL ? table->keys[i] : i, true);
}

/* As the bits have it: a table of millions of filters is in no cache. */
static bool is_surely_free(const struct filter_table *table, uint32_t slot) {
    return slot / 64 < table->words && (table->slots[slot / 64] >> slot % 64 & 1) == 0;
}

static void table_make_room(struct filter_table *table, uint32_t slot) {
    bool is_direct = table->capacity > 0 && table->keys == NULL;
    bool is_full = is_direct ? slot >= table->capacity : table->count * 4 >= table->capacity * 3;
    table->top = slot > table->top ? slot : table->top;
    if (table->capacity == 0)
        table_resize(table, FIRST_BITS);
    else if (is_full)
        table_resize(table, table->bits + 1);
}

/* The filter becomes the newest there; the one before it, or NOWHERE. */
static uint32_t table_put(struct client *client, uint32_t slot, uint32_t filter, size_t agents) {
    if (client->filters == NULL)
        client->filters = NEW(struct filter_table);
    struct filter_table *table = client->filters;
    table_make_room(table, slot);
    uint32_t at = table_find(table, slot);
    bool is_free = table->keys == NULL && is_surely_free(table, slot);
    uint32_t older = is_free ? NOWHERE : table->newest[at];
    table->newest[at] = filter;
    if (older != NOWHERE)
        return older;
    if (table->keys != NULL)
        table->keys[at] = slot;
    table->count++;
    set_slot(table, slot, true);
    table_grow_slots(table, slot, agents);
    return NOWHERE;
}

/* A table that is nearly empty; an empty one is none. */
static void table_shrink(struct client *client) {
    struct filter_table *table = client->filters;
    if (table->count == 0)
        filters_drop_table(client);
    else if (table->keys == NULL && table->count << (DIRECT_BITS + 4) < table->capacity)
        table_resize(table, table->bits - DIRECT_BITS - 1);
    else if (table->keys != NULL && table->count * 16 < table->capacity && table->bits > FIRST_BITS)
        table_resize(table, table->bits - 1);
}

/* Those behind move up, so that no search ends early. */
static void table_remove(struct filter_table *table, uint32_t hole, uint32_t slot) {
    set_slot(table, slot, false);
    uint32_t mask = table->capacity - 1;
    for (uint32_t at = (hole + 1) & mask; table->keys != NULL && table->newest[at] != NOWHERE;
         at = (at + 1) & mask) {
        uint32_t home = home_of(table, table->keys[at]);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->newest[hole] = table->newest[at];
        table->keys[hole] = table->keys[at];
        hole = at;
    }
    table->newest[hole] = NOWHERE;
    table->count--;
}

static uint32_t newest_of(const struct client *client, uint32_t slot) {
    const struct filter_table *table = client->filters;
    if (table == NULL || table->count == 0 || slot > table->top || is_surely_free(table, slot))
        return NOWHERE;
    return table->newest[table_find(table, slot)];
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
    uint32_t place = table_find(client->filters, filter->slot);
    uint32_t *newest = &client->filters->newest[place];
    if (*newest == index) {
        if (filter->older != NOWHERE)
            *newest = filter->older;
        else
            table_remove(client->filters, place, filter->slot);
        return;
    }
    struct filter *newer = filter_at(allocator, *newest);
    while (newer->older != index)
        newer = filter_at(allocator, newer->older);
    newer->older = filter->older;
}

/* Whoever leads to a filter is told where it is now. */
static void filter_move(struct allocator *allocator, uint32_t from, uint32_t to) {
    struct filter *filter = filter_at(allocator, to);
    *filter = *filter_at(allocator, from);
    struct client *client = allocator->clients.items[filter->client];
    uint32_t *at = &client->filters->newest[table_find(client->filters, filter->slot)];
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
    *filter = (struct filter){
        .refused = refusal_get(allocator, agent, refused),
        .moment = moment_get(allocator->filters, until_ms),
        .slot = agent->slot,
        .client = client->id,
        .older = table_put(client, agent->slot, index, allocator->slots.count),
        .of_agent_previous = NOWHERE,
        .of_agent_next = agent->filters,
        .of_moment_previous = NOWHERE,
    };
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
    return table != NULL && slot / 64 < table->words ? !is_surely_free(table, slot)
                                                     : newest_of(client, slot) != NOWHERE;
}

void filters_set_cover(struct allocator *allocator, struct agent *agent, enum filter_cover cover) {
    bool is_set = (agent->cover == COVER_FREE) == (cover == COVER_FREE) &&
                  agent->slot / 64 < allocator->covered_slots.count;
    agent->cover = cover;
    if (!is_set)
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
        mem_free(client->filters->newest);
        mem_free(client->filters->keys);
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
        while (client->filters->newest[i] != NOWHERE)
            filter_end(allocator, client->filters->newest[i]);
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
        const struct filter_table *table = *client != NULL ? (*client)->filters : NULL;
        if (table != NULL)
            bytes += table->capacity * (table->keys != NULL ? 2 : 1) * sizeof(uint32_t) +
                     table->words * sizeof(uint64_t);
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
