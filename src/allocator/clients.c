/*
 * Frameworks and their clients. A framework that was removed, or never added, lives on while it
 * holds resources: what is in use is in use, whoever is connected.
 */
#include "allocator/state.h"
#include "common/base/mem.h"

#include <assert.h>

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

struct client *client_find(const struct allocator *allocator, uint32_t framework, uint32_t role) {
    const struct framework *found = framework_find(allocator, framework);
    return found != NULL ? map_get(&found->clients, role) : NULL;
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
    client = NEW(struct client);
    client->id = take_id(allocator);
    client->role = role;
    client->framework = framework;
    list_init(&client->filters);
    allocator->clients.items[client->id] = client;
    map_put(&framework->clients, role, client);
    allocator->policy->add_client(allocator->order, client->id, framework->number, role);
    return client;
}

struct client *client_get(struct allocator *allocator, uint32_t framework, uint32_t role) {
    return client_of(allocator, framework_get(allocator, framework), role);
}

void client_forget_if_idle(struct allocator *allocator, struct client *client) {
    struct framework *framework = client->framework;
    if (client->is_subscribed || client->holding_count > 0)
        return;
    assert(!client->wants && list_is_empty(&client->filters));
    allocator->policy->remove_client(allocator->order, client->id);
    allocator->clients.items[client->id] = NULL;
    VEC_PUSH(&allocator->unused_ids, client->id);
    map_remove(&framework->clients, client->role);
    mem_free(client);
    framework_forget_if_idle(allocator, framework);
}

/* Whether it wants follows from the rest; who begins to want may take something on any agent. */
static void refresh_wish(struct allocator *allocator, struct client *client) {
    bool wants = client->framework->is_known && client->framework->is_active &&
                 client->is_subscribed && !client->is_suppressed;
    if (wants == client->wants)
        return;
    client->wants = wants;
    allocator->wanting_count += wants ? 1 : (size_t)-1;
    allocator->policy->set_wanting(allocator->order, client->id, wants);
    if (wants)
        agents_mark_all(allocator);
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
        refresh_wish(allocator, client);
        filters_end_of_client(allocator, client);
        client_forget_if_idle(allocator, client);
    }
}

static void set_roles(struct allocator *allocator, struct framework *framework,
                      const uint32_t *roles, size_t role_count) {
    for (size_t i = 0; i < role_count; i++) {
        struct client *client = client_of(allocator, framework, roles[i]);
        client->is_subscribed = true;
        refresh_wish(allocator, client);
    }
    leave_roles(allocator, framework, roles, role_count);
}

void allocator_add_framework(struct allocator *allocator, uint32_t number, const uint32_t *roles,
                             size_t role_count, uint32_t capabilities) {
    struct framework *framework = framework_get(allocator, number);
    framework->is_known = framework->is_active = true;
    framework->capabilities = capabilities;
    MAP_EACH(entry, &framework->clients) {
        struct client *client = map_value(entry);
        client->is_suppressed = false;
    }
    set_roles(allocator, framework, roles, role_count);
}

void allocator_update_framework(struct allocator *allocator, uint32_t number, const uint32_t *roles,
                                size_t role_count, uint32_t capabilities) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known)
        return;
    bool can_more = (capabilities & ~framework->capabilities) != 0;
    framework->capabilities = capabilities;
    set_roles(allocator, framework, roles, role_count);
    if (can_more)
        agents_mark_all(allocator);
}

void allocator_activate_framework(struct allocator *allocator, uint32_t number, bool is_active) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known || framework->is_active == is_active)
        return;
    framework->is_active = is_active;
    MAP_EACH(entry, &framework->clients) {
        struct client *client = map_value(entry);
        refresh_wish(allocator, client);
        if (!is_active)
            filters_end_of_client(allocator, client);
    }
}

void allocator_remove_framework(struct allocator *allocator, uint32_t number) {
    struct framework *framework = framework_find(allocator, number);
    if (framework == NULL || !framework->is_known)
        return;
    leave_roles(allocator, framework, NULL, 0);
    framework->is_known = framework->is_active = false;
    framework_forget_if_idle(allocator, framework);
}

void allocator_suppress(struct allocator *allocator, uint32_t framework, uint32_t role) {
    struct client *client = client_find(allocator, framework, role);
    if (client == NULL || !client->is_subscribed)
        return;
    client->is_suppressed = true;
    refresh_wish(allocator, client);
}

void allocator_revive(struct allocator *allocator, uint32_t framework, uint32_t role) {
    struct client *client = client_find(allocator, framework, role);
    if (client == NULL || !client->is_subscribed)
        return;
    client->is_suppressed = false;
    filters_end_of_client(allocator, client);
    refresh_wish(allocator, client);
}

static void framework_free(void *value) {
    struct framework *framework = value;
    map_fini(&framework->clients, mem_free);
    mem_free(framework);
}

void clients_fini(struct allocator *allocator) {
    map_fini(&allocator->frameworks, framework_free);
    VEC_FINI(&allocator->clients);
    VEC_FINI(&allocator->unused_ids);
}
