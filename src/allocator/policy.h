/*
 * A policy orders the clients by need. It knows what each holds and how large the cluster is, and
 * nothing of agents: flat dominant shares today, a tree of roles with weights and quota behind the
 * same functions later.
 *
 * A client is a small number of the allocator's; it may come again for another once it was removed.
 */
#pragma once

#include "common/model/quantities.h"

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_NONE UINT32_MAX

extern const struct allocator_policy flat_drf;

struct allocator_policy {
    const char *name;
    void *(*make)(void);
    void (*free)(void *self);

    void (*add_client)(void *self, uint32_t client, uint32_t framework, uint32_t role);
    void (*remove_client)(void *self, uint32_t client); /* holds nothing, wants nothing */
    void (*set_wanting)(void *self, uint32_t client, bool wants);

    /* Scalars only; sign is 1 or -1. */
    void (*add_total)(void *self, const struct quantities *more, int sign);
    void (*charge)(void *self, uint32_t client, const struct quantities *more, int sign);

    /* The wanting clients, neediest first, each once. Charging the one just given is allowed on the
     * way: the walk goes on with those behind it. CLIENT_NONE at the end. */
    void (*walk_start)(void *self);
    uint32_t (*walk_next)(void *self);

    int64_t (*share_milli)(const void *self, uint32_t client);
};
