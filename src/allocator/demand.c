/*
 * What clients want: shapes with a count, or whole agents. Tasks that are offered and not launched
 * are pending and not offered again; they are wanted again when the offers on their agent have
 * ended, or when the client holds nothing there any more.
 */
#include "allocator/state.h"

#include <string.h>

static void wish_fini(struct allocator *allocator, struct wish *wish) {
    constraint_use(allocator, wish->constraint, -1);
    quantities_fini(&wish->shape);
    quantities_fini(&wish->others);
}

static void wish_learn_names(const struct allocator *allocator, struct wish *wish) {
    amounts_of_quantities(allocator, &wish->shape, &wish->need);
    quantities_clear(&wish->others);
    for (size_t i = 0; i < wish->shape.count; i++) {
        struct quantity one = wish->shape.items[i];
        if (name_dimension(allocator, one.name) == NO_DIMENSION)
            quantities_add(&wish->others, one.name, one.milli);
    }
}

void demand_learn_names(struct allocator *allocator) {
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL)
            continue;
        VEC_EACH(wish, &(*client)->wishes)
            wish_learn_names(allocator, wish);
    }
}

static void add_open_wish(struct allocator *allocator, struct client *client) {
    VEC_PUSH(&client->wishes, (struct wish){.serial = ++allocator->last_serial,
                                            .is_open = true,
                                            .count = ALLOCATOR_COUNT_ENDLESS});
}

void demand_init(struct allocator *allocator, struct client *client) {
    add_open_wish(allocator, client);
}

void demand_fini(struct allocator *allocator, struct client *client) {
    allocator->shaped_count -= client->has_demand;
    VEC_EACH(wish, &client->wishes)
        wish_fini(allocator, wish);
    VEC_FINI(&client->wishes);
}

bool wish_is_left(const struct wish *wish) {
    return wish->count == ALLOCATOR_COUNT_ENDLESS || wish->count > wish->pending;
}

bool demand_is_left(const struct client *client) {
    VEC_EACH(wish, &client->wishes) {
        if (wish_is_left(wish))
            return true;
    }
    return false;
}

struct wish *demand_find(struct client *client, uint64_t serial) {
    VEC_EACH(wish, &client->wishes) {
        if (wish->serial == serial)
            return wish;
    }
    return NULL;
}

/* --- the task that the policy is told --- */

/* The largest part it takes of the cluster, for comparing; names that the cluster lacks count as
 * all of it. */
static int64_t dominant_part(const struct allocator *allocator, const struct amounts *task) {
    int64_t largest = 0;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        if (task->at[i] == 0)
            continue;
        __int128 part = allocator->total.at[i] > 0
                            ? ((__int128)task->at[i] << 48) / allocator->total.at[i]
                            : INT64_MAX;
        int64_t clipped = part > INT64_MAX ? INT64_MAX : (int64_t)part;
        largest = clipped > largest ? clipped : largest;
    }
    return largest;
}

static void keep_smaller(const struct allocator *allocator, struct amounts *least,
                         const struct amounts *other, bool is_first) {
    if (is_first || dominant_part(allocator, other) < dominant_part(allocator, least))
        *least = *other;
}

void demand_guess_task(const struct allocator *allocator, const struct client *client,
                       struct amounts *out) {
    const struct quantities *minima = client->has_minima ? client->minima : allocator->minima;
    size_t count = client->has_minima ? client->minima_count : allocator->minima_count;
    size_t launched = client->launch_count < LAUNCHES_REMEMBERED ? client->launch_count
                                                                 : (size_t)LAUNCHES_REMEMBERED;
    *out = (struct amounts){0};
    size_t first = 0;
    while (first + 1 < allocator->dimensions && allocator->total.at[first] <= 0)
        first++;
    out->at[first] = 1;
    for (size_t i = 0; i < launched; i++)
        keep_smaller(allocator, out, &client->launches[i], i == 0);
    for (size_t i = 0; launched == 0 && i < count; i++) {
        struct amounts minimum;
        amounts_of_quantities(allocator, &minima[i], &minimum);
        keep_smaller(allocator, out, &minimum, i == 0);
    }
}

/* The first shape, without what not all of them need, so that a scarce resource of one does not
 * hold up the rest. */
static void common_task(const struct allocator *allocator, const struct client *client,
                        struct amounts *out) {
    bool is_first = true;
    VEC_EACH(wish, &client->wishes) {
        if (!wish_is_left(wish))
            continue;
        for (size_t i = 0; i < allocator->dimensions; i++) {
            if (is_first || wish->need.at[i] == 0)
                out->at[i] = wish->need.at[i];
        }
        is_first = false;
    }
}

void demand_tell_task(struct allocator *allocator, struct client *client) {
    struct amounts task = {0};
    if (!client->has_demand)
        demand_guess_task(allocator, client, &task);
    else
        common_task(allocator, client, &task);
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (name_is_excluded(allocator, allocator->names[i]))
            task.at[i] = 0;
    if (client->is_task_told &&
        memcmp(task.at, client->task.at, allocator->dimensions * sizeof(task.at[0])) == 0)
        return;
    client->task = task;
    client->is_task_told = true;
    allocator->policy->set_task(allocator->order, client->id, task.at);
}

/* --- declaring --- */

/* What is offered already for the same shape stays pending. */
static void carry_over(struct client *client, struct wish *fresh) {
    VEC_EACH(old, &client->wishes) {
        if (old->is_open || old->serial == 0 || old->constraint != fresh->constraint ||
            old->agent != fresh->agent || !quantities_contain(&old->shape, &fresh->shape) ||
            !quantities_contain(&fresh->shape, &old->shape))
            continue;
        fresh->serial = old->serial;
        fresh->pending = old->pending;
        fresh->last_agent = old->last_agent;
        old->serial = 0;
        return;
    }
}

static struct wish wish_of(struct allocator *allocator, struct client *client,
                           const struct allocator_request *request) {
    struct wish wish = {
        .serial = ++allocator->last_serial,
        .shape = quantities_copy(request->shape),
        .count = request->count,
        .constraint = request->constraint,
        .agent = request->agent,
    };
    wish_learn_names(allocator, &wish);
    constraint_use(allocator, wish.constraint, 1);
    carry_over(client, &wish);
    return wish;
}

static const struct wish *next_wish(const struct wish *wishes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (wish_is_left(&wishes[i]))
            return &wishes[i];
    }
    return NULL;
}

/* Said again, perhaps with another count: what is kept for it stays kept. */
static bool is_same_task(const struct wish *one, const struct wish *other) {
    return one != NULL && other != NULL && !one->is_open && !other->is_open &&
           one->constraint == other->constraint && one->agent == other->agent &&
           quantities_contain(&one->shape, &other->shape) &&
           quantities_contain(&other->shape, &one->shape);
}

void allocator_set_demand(struct allocator *allocator, uint32_t framework, uint32_t role,
                          const struct allocator_request *requests, size_t count, bool is_set) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL || (!is_set && !client->has_demand))
        return;
    __typeof__(client->wishes) wishes = {0};
    for (size_t i = 0; is_set && i < count && i < ALLOCATOR_REQUESTS_LIMIT; i++)
        if (requests[i].shape->count > 0 && requests[i].count > 0)
            VEC_PUSH(&wishes, wish_of(allocator, client, &requests[i]));
    bool is_same = is_same_task(next_wish(client->wishes.items, client->wishes.count),
                                next_wish(wishes.items, wishes.count));
    VEC_EACH(old, &client->wishes)
        wish_fini(allocator, old);
    VEC_FINI(&client->wishes);
    memcpy(&client->wishes, &wishes, sizeof(wishes));
    if (!is_set)
        add_open_wish(allocator, client);
    bool is_first = is_set && allocator->shaped_count == 0;
    allocator->shaped_count += (size_t)is_set - (size_t)client->has_demand;
    client->has_demand = is_set;
    if (is_first)
        agents_mark_all(allocator);
    if (client->earmark != NULL && !is_same)
        earmark_end(allocator, client->earmark);
    earmarks_forget_hopeless(allocator);
    demand_tell_task(allocator, client);
    client_look_again(allocator, client);
    client_refresh_wish(allocator, client);
}

/* --- launches and ends of offers --- */

static void remember_launch(struct allocator *allocator, struct client *client,
                            const struct resources *task) {
    struct amounts amounts = {0};
    if (client->launches == NULL)
        client->launches = NEW_ARRAY(struct amounts, LAUNCHES_REMEMBERED);
    amounts_of(allocator, task, false, &amounts);
    client->launches[client->launch_count++ % LAUNCHES_REMEMBERED] = amounts;
    demand_tell_task(allocator, client);
}

/* Equal, else the first that has room for it. */
static struct wish *best_wish(struct allocator *allocator, struct client *client,
                              const struct resources *task) {
    struct wish *roomy = NULL;
    quantities_clear(&allocator->scratch);
    for (uint32_t i = 0; i < task->count; i++) /* volumes come along unasked */
        if (!kind_is(task->entries[i].kind, KIND_IS_PERSISTENT))
            quantities_add(&allocator->scratch, kinds_name(allocator->kinds, task->entries[i].kind),
                           resource_quantity_milli(&task->entries[i]));
    VEC_EACH(wish, &client->wishes) {
        if (!quantities_contain(&wish->shape, &allocator->scratch))
            continue;
        if (quantities_contain(&allocator->scratch, &wish->shape))
            return wish;
        roomy = roomy == NULL ? wish : roomy;
    }
    return roomy;
}

static void pending_launched(struct holding *holding, struct wish *wish) {
    for (struct pending **at = holding != NULL ? &holding->pending : NULL;
         at != NULL && *at != NULL; at = &(*at)->next) {
        struct pending *pending = *at;
        if (pending->serial != wish->serial)
            continue;
        wish->pending--;
        if (--pending->count == 0) {
            *at = pending->next;
            mem_free(pending);
        }
        return;
    }
}

size_t allocator_note_launch(struct allocator *allocator, uint32_t framework, uint32_t role,
                             uint32_t agent_number, const struct resources *task) {
    struct client *client = client_find(allocator, framework, role);
    const struct agent *agent = agent_find(allocator, agent_number);
    if (client == NULL)
        return SIZE_MAX;
    if (!client->has_demand) {
        remember_launch(allocator, client, task);
        return SIZE_MAX;
    }
    struct wish *wish = best_wish(allocator, client, task);
    if (wish == NULL)
        return SIZE_MAX;
    bool is_counted = wish->count != ALLOCATOR_COUNT_ENDLESS;
    size_t place = (size_t)(wish - client->wishes.items);
    struct holding *holding = agent != NULL ? holding_find(agent, client) : NULL;
    pending_launched(holding, wish);
    if (holding != NULL)
        holding->launched++;
    if (is_counted)
        wish->count--;
    if (wish->count == 0) {
        wish_fini(allocator, wish);
        VEC_REMOVE(&client->wishes, place);
    }
    if (demand_is_left(client))
        demand_tell_task(allocator, client);
    client_refresh_wish(allocator, client);
    return is_counted ? place : SIZE_MAX;
}

void holding_add_pending(struct holding *holding, struct wish *wish) {
    wish->pending++;
    for (struct pending *at = holding->pending; at != NULL; at = at->next) {
        if (at->serial == wish->serial) {
            at->count++;
            return;
        }
    }
    struct pending *pending = NEW(struct pending);
    *pending = (struct pending){holding->pending, wish->serial, 1};
    holding->pending = pending;
}

void holding_drop_pending(struct allocator *allocator, struct client *client,
                          struct holding *holding) {
    if (holding->pending == NULL)
        return;
    for (struct pending *next; holding->pending != NULL; holding->pending = next) {
        struct wish *wish = demand_find(client, holding->pending->serial);
        next = holding->pending->next;
        if (wish != NULL)
            wish->pending -= holding->pending->count;
        mem_free(holding->pending);
    }
    if (demand_is_left(client))
        demand_tell_task(allocator, client);
    client_refresh_wish(allocator, client);
    if (client->wants)
        client_look_again(allocator, client);
}
