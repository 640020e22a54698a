/*
 * Refusals. A filter is in three places: in its agent's map, where an offer looks; in its client's
 * list, for a revive; and in one heap by time. It leaves all three at once.
 */
#include "allocator/state.h"
#include "common/base/mem.h"

static void unchain(struct filter *filter) {
    struct filter *newest = map_get(&filter->agent->filters, filter->client->id);
    if (newest == filter) {
        if (filter->older != NULL)
            map_put(&filter->agent->filters, filter->client->id, filter->older);
        else
            map_remove(&filter->agent->filters, filter->client->id);
        return;
    }
    while (newest->older != filter)
        newest = newest->older;
    newest->older = filter->older;
}

/* Ends it; the agent is marked, for the client may take now what it refused. */
static void filter_end(struct allocator *allocator, struct filter *filter) {
    unchain(filter);
    list_remove(&filter->of_client);
    heap_remove(&allocator->expiries, &filter->expiry);
    resources_fini(&filter->refused);
    agent_mark(allocator, filter->agent);
    mem_free(filter);
}

static void drop_oldest(struct allocator *allocator, struct filter *newest) {
    size_t count = 1;
    while (newest->older != NULL) {
        newest = newest->older;
        count++;
    }
    if (count > ALLOCATOR_FILTERS_LIMIT)
        filter_end(allocator, newest);
}

void allocator_refuse(struct allocator *allocator, uint32_t framework, uint32_t role,
                      uint32_t agent_number, const struct resources *refused, int64_t until_ms) {
    struct agent *agent = agent_find(allocator, agent_number);
    struct client *client = client_find(allocator, framework, role);
    if (agent == NULL || client == NULL || !client->is_subscribed)
        return;
    struct filter *filter = NEW(struct filter);
    filter->agent = agent;
    filter->client = client;
    filter->refused = resources_copy(refused);
    filter->older = map_put(&agent->filters, client->id, filter);
    list_append(&client->filters, &filter->of_client);
    heap_put(&allocator->expiries, &filter->expiry, until_ms);
    drop_oldest(allocator, filter);
}

bool filters_block(const struct agent *agent, const struct client *client,
                   const struct resources *offered) {
    const struct filter *filter = map_get(&agent->filters, client->id);
    for (; filter != NULL; filter = filter->older) {
        if (resources_contains(&filter->refused, offered))
            return true;
    }
    return false;
}

void filters_expire(struct allocator *allocator, int64_t now_ms) {
    struct heap_node *least;
    while ((least = heap_least(&allocator->expiries)) != NULL && least->key <= now_ms)
        filter_end(allocator, CONTAINER_OF(least, struct filter, expiry));
}

void filters_end_of_client(struct allocator *allocator, struct client *client) {
    struct link *first;
    while ((first = list_first(&client->filters)) != NULL)
        filter_end(allocator, CONTAINER_OF(first, struct filter, of_client));
}

void filters_end_of_agent(struct allocator *allocator, struct agent *agent) {
    struct filter *newest;
    while ((newest = map_first(&agent->filters)) != NULL)
        filter_end(allocator, newest);
}
