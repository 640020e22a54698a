/*
 * Frameworks and their clients. A framework that was removed, or never added, lives on while it
 * holds resources: what is in use is in use, whoever is connected.
 */
#include "allocator/state.h"
#include "common/base/buf.h"

#include <assert.h>

enum { WEIGHT_ONE_MILLI = 1000 };

static struct framework *framework_find(const struct allocator *allocator, uint32_t number) {
    return map_get(&allocator->frameworks, number);
}

static struct framework *framework_get(struct allocator *allocator, uint32_t number) {
    struct framework *framework = framework_find(allocator, number);
    if (framework != NULL)
        return framework;
    framework = NEW(struct framework);
    framework->number = number;
    map_put(&allocator->frameworks, number, framework);
    return framework;
}

static void framework_forget_if_idle(struct allocator *allocator, struct framework *framework) {
    if (framework->is_known || framework->clients.count > 0)
        return;
    map_remove(&allocator->frameworks, framework->number);
    map_fini(&framework->clients, NULL);
    mem_free(framework);
}

static struct lately *lately_of(const struct allocator *allocator, uint32_t framework) {
    return &allocator->lately_clients[framework % LATELY];
}

static struct client *client_search(const struct allocator *allocator, uint32_t framework,
                                    uint32_t role) {
    const struct framework *found = framework_find(allocator, framework);
    return found != NULL ? map_get(&found->clients, role) : NULL;
}

struct client *client_find(const struct allocator *allocator, uint32_t framework, uint32_t role) {
    struct lately *lately = lately_of(allocator, framework);
    if (lately->found == NULL || lately->number != framework || lately->role != role)
        *lately = (struct lately){framework, role, client_search(allocator, framework, role)};
    return lately->found;
}

struct client *client_subscribed(const struct allocator *allocator, uint32_t framework,
                                 uint32_t role) {
    struct client *client = client_find(allocator, framework, role);
    return client != NULL && client->is_subscribed ? client : NULL;
}

static uint32_t take_id(struct allocator *allocator) {
    if (allocator->unused_ids.count > 0)
        return allocator->unused_ids.items[--allocator->unused_ids.count];
    VEC_PUSH(&allocator->clients, NULL);
    return (uint32_t)allocator->clients.count - 1;
}

static struct client *client_of(struct allocator *allocator, struct framework *framework,
                                uint32_t role) {
    struct client *client = map_get(&framework->clients, role);
    if (client != NULL)
        return client;
    AUTO_FINI(buf_fini) struct buf path = {0};
    client = NEW(struct client);
    client->id = take_id(allocator);
    client->role = role;
    client->framework = framework;
    client->weight_milli = WEIGHT_ONE_MILLI;
    client->since_ms = INT64_MIN;
    allocator->clients.items[client->id] = client;
    map_put(&framework->clients, role, client);
    demand_init(allocator, client);
    buf_append_text(&path, kinds_role_text(allocator->kinds, role));
    allocator->policy->add_client(allocator->order, client->id, buf_string(&path),
                                  framework->number, client->weight_milli);
    return client;
}

struct client *client_get(struct allocator *allocator, uint32_t framework, uint32_t role) {
    return client_of(allocator, framework_get(allocator, framework), role);
}

static void clear_minima(struct client *client) {
    for (size_t i = 0; i < client->minima_count; i++)
        quantities_fini(&client->minima[i]);
    mem_free(client->minima);
    client->minima = NULL;
    client->minima_count = 0;
}

static void client_free(struct allocator *allocator, struct client *client) {
    demand_fini(allocator, client);
    clear_minima(client);
    allocator->own_minima_count -= client->has_minima;
    constraint_use(allocator, client->constraint, -1);
    VEC_FINI(&client->retries);
    filters_drop_table(client);
    mem_free(client->past);
    mem_free(client->past_fine);
    mem_free(client->launches);
    mem_free(client->changes);
    mem_free(client);
}

void client_forget_if_idle(struct allocator *allocator, struct client *client) {
    struct framework *framework = client->framework;
    if (client->is_subscribed || client->holding_count > 0)
        return;
    assert(!client->wants && client->filters == NULL);
    memory_forget(allocator, client);
    allocator->policy->remove_client(allocator->order, client->id);
    allocator->clients.items[client->id] = NULL;
    VEC_PUSH(&allocator->unused_ids, client->id);
    map_remove(&framework->clients, client->role);
    lately_of(allocator, framework->number)->found = NULL;
    client_free(allocator, client);
    framework_forget_if_idle(allocator, framework);
}

void client_rewind(struct client *client) {
    VEC_EACH(wish, &client->wishes) {
        wish->position = 0;
        wish->retried = 0;
        wish->lap_left = 0;
    }
    client->retries.count = 0;
    client->was_limited = false;
    client->seen = ALLOCATOR_FITS;
}

void client_look_again(struct allocator *allocator, struct client *client) {
    client_rewind(client);
    if (client->wants)
        policy_reconsider(allocator, client);
}

void clients_look_again(struct allocator *allocator) {
    allocator->is_rewind_due = true;
    earmarks_forget_hopeless(allocator);
    news_for_all(allocator);
}

void clients_rewind(struct allocator *allocator) {
    if (!allocator->is_rewind_due)
        return;
    allocator->is_rewind_due = false;
    VEC_EACH(client, &allocator->clients) {
        if (*client != NULL)
            client_rewind(*client);
    }
}

void client_refresh_wish(struct allocator *allocator, struct client *client) {
    bool wants = client->framework->is_known && client->framework->is_active &&
                 client->is_subscribed && !client->is_suppressed && demand_is_left(client);
    if (wants == client->wants)
        return;
    sated_wake(allocator, client);
    news_of_client(allocator, client);
    client->wants = wants;
    client->since_ms = INT64_MIN;
    allocator->wanting_count += wants ? 1 : (size_t)-1;
    if (wants)
        demand_tell_task(allocator, client);
    else if (client->earmark != NULL)
        earmark_end(allocator, client->earmark);
    allocator->policy->set_wants(allocator->order, client->id, wants);
    if (wants)
        client_look_again(allocator, client);
}

static bool is_in(uint32_t role, const uint32_t *roles, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (roles[i] == role)
            return true;
    }
    return false;
}

static void leave_roles(struct allocator *allocator, struct framework *framework,
                        const uint32_t *roles, size_t role_count) {
    MAP_EACH(entry, &framework->clients) {
        struct client *client = map_value(entry);
        if (is_in(client->role, roles, role_count))
            continue;
        client->is_subscribed = client->is_suppressed = false;
        client_refresh_wish(allocator, client);
        filters_end_of_client(allocator, client);
        client_forget_if_idle(allocator, client);
    }
}

static void set_roles(struct allocator *allocator, struct framework *framework,
                      const uint32_t *roles, size_t role_count) {
    for (size_t i = 0; i < role_count; i++) {
        struct client *client = client_of(allocator, framework, roles[i]);
        client->is_subscribed = true;
        client_refresh_wish(allocator, client);
    }
    leave_roles(allocator, framework, roles, role_count);
}

void allocator_add_framework(struct allocator *allocator, uint32_t number, const uint32_t *roles,
                             size_t role_count, uint32_t traits) {
    struct framework *framework = framework_get(allocator, number);
    bool can_more = (traits & ~framework->traits) != 0;
    framework->is_known = framework->is_active = true;
    framework->traits = traits;
    MAP_EACH(entry, &framework->clients) {
        struct client *client = map_value(entry);
        client->is_suppressed = false;
        if (can_more)
            client_look_again(allocator, client);
    }
    set_roles(allocator, framework, roles, role_count);
}

void allocator_update_framework(struct allocator *allocator, uint32_t number, const uint32_t *roles,
                                size_t role_count, uint32_t traits) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known)
        return;
    bool can_more = framework->traits != traits;
    framework->traits = traits;
    set_roles(allocator, framework, roles, role_count);
    MAP_EACH(entry, &framework->clients) {
        if (can_more)
            client_look_again(allocator, map_value(entry));
    }
}

void allocator_activate_framework(struct allocator *allocator, uint32_t number, bool is_active) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known || framework->is_active == is_active)
        return;
    framework->is_active = is_active;
    MAP_EACH(entry, &framework->clients) {
        struct client *client = map_value(entry);
        client_refresh_wish(allocator, client);
        if (!is_active)
            filters_end_of_client(allocator, client);
    }
}

void allocator_remove_framework(struct allocator *allocator, uint32_t number) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known)
        return;
    size_t clients = framework->clients.count;
    framework->is_known = framework->is_active = false;
    if (clients == 0)
        framework_forget_if_idle(allocator, framework);
    else
        leave_roles(allocator, framework, NULL, 0);
}

void allocator_suppress(struct allocator *allocator, uint32_t framework, uint32_t role) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL)
        return;
    client->is_suppressed = true;
    client_refresh_wish(allocator, client);
}

void allocator_revive(struct allocator *allocator, uint32_t framework, uint32_t role) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL)
        return;
    client->is_suppressed = false;
    filters_end_of_client(allocator, client);
    client_refresh_wish(allocator, client);
}

void allocator_set_client_weight(struct allocator *allocator, uint32_t framework, uint32_t role,
                                 int64_t weight_milli) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL || client->weight_milli == weight_milli)
        return;
    client->weight_milli = weight_milli;
    policy_tell_again(allocator, client);
}

void allocator_set_client_minima(struct allocator *allocator, uint32_t framework, uint32_t role,
                                 const struct quantities *any_of, size_t count, bool is_set) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL || (!is_set && !client->has_minima))
        return;
    clear_minima(client);
    bool is_first = is_set && allocator->own_minima_count == 0;
    allocator->own_minima_count += (size_t)is_set - (size_t)client->has_minima;
    client->has_minima = is_set;
    if (is_set && count > 0) {
        client->minima = NEW_ARRAY(struct quantities, ALLOCATOR_MINIMA_LIMIT);
        for (size_t i = 0; i < count && i < ALLOCATOR_MINIMA_LIMIT; i++)
            client->minima[client->minima_count++] = quantities_copy(&any_of[i]);
    }
    if (is_first)
        agents_mark_all(allocator);
    demand_tell_task(allocator, client);
    client_look_again(allocator, client);
}

void allocator_set_client_constraint(struct allocator *allocator, uint32_t framework, uint32_t role,
                                     uint32_t constraint) {
    struct client *client = client_subscribed(allocator, framework, role);
    if (client == NULL || client->constraint == constraint)
        return;
    constraint_use(allocator, constraint, 1);
    constraint_use(allocator, client->constraint, -1);
    client->constraint = constraint;
    client_look_again(allocator, client);
}

void allocator_set_weight(struct allocator *allocator, uint32_t role, int64_t weight_milli) {
    AUTO_FINI(buf_fini) struct buf path = {0};
    while (allocator->weights.count <= role)
        VEC_PUSH(&allocator->weights, 0);
    allocator->weights.items[role] = weight_milli;
    buf_append_text(&path, kinds_role_text(allocator->kinds, role));
    allocator->policy->set_weight(allocator->order, buf_string(&path), weight_milli);
    news_for_all(allocator);
}

void clients_fini(struct allocator *allocator) {
    MAP_EACH(entry, &allocator->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(of_role, &framework->clients)
            client_free(allocator, map_value(of_role));
        map_fini(&framework->clients, NULL);
        mem_free(framework);
    }
    map_fini(&allocator->frameworks, NULL);
    VEC_FINI(&allocator->clients);
    VEC_FINI(&allocator->unused_ids);
    VEC_FINI(&allocator->sated);
    VEC_FINI(&allocator->maybe_sated);
    VEC_FINI(&allocator->weights);
}
