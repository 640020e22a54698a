/*
 * What the allocator knows, for the files of this folder: agents.c, clients.c, filters.c,
 * allocator.c.
 */
#pragma once

#include "allocator/allocator.h"
#include "allocator/policy.h"
#include "common/base/heap.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/rng.h"
#include "common/base/vec.h"

struct framework {
    uint32_t number;
    uint32_t capabilities;
    bool is_known; /* added and not removed; else it only holds what is not yet recovered */
    bool is_active;
    struct map clients; /* role -> struct client */
};

struct client {
    uint32_t id; /* its place in allocator.clients, its number for the policy */
    uint32_t role;
    struct framework *framework;
    bool is_subscribed, is_suppressed;
    bool wants;
    size_t holding_count; /* agents on which it holds something */
    struct link filters;  /* filter.of_client */
};

struct agent {
    uint32_t number;
    uint32_t traits;
    bool is_active;
    bool has_gpus;
    struct resources total, used, free;
    struct quantities scalars; /* of total */
    struct map holdings;       /* client id -> struct resources, owned */
    struct map filters;        /* client id -> struct filter, the newest of a chain */
    struct heap_node mark;     /* in allocator.marks: to be looked at */
};

struct filter {
    struct heap_node expiry; /* in allocator.expiries */
    struct link of_client;
    struct filter *older; /* of the same client on the same agent */
    struct agent *agent;
    struct client *client;
    struct resources refused;
};

struct allocator {
    const struct allocator_policy *policy;
    void *order; /* the policy's */
    const struct kinds *kinds;
    struct rng rng;
    struct map agents;               /* number -> struct agent */
    struct map frameworks;           /* number -> struct framework */
    VEC_OF(struct client *) clients; /* by id; NULL: unused */
    VEC_OF(uint32_t) unused_ids;
    size_t wanting_count;
    struct heap marks;    /* agents by load */
    struct heap expiries; /* filters by time */
    struct quantities minima[ALLOCATOR_MINIMA_LIMIT];
    size_t minima_count;
    bool gpus_are_reserved;
    struct quantities scratch;
    struct resources stripped;
};

/* clients.c */
struct client *client_find(const struct allocator *allocator, uint32_t framework, uint32_t role);
struct client *client_get(struct allocator *allocator, uint32_t framework, uint32_t role);
void client_forget_if_idle(struct allocator *allocator, struct client *client);
void clients_fini(struct allocator *allocator);

/* agents.c */
struct agent *agent_find(const struct allocator *allocator, uint32_t number);
void agent_mark(struct allocator *allocator, struct agent *agent);
void agents_mark_all(struct allocator *allocator);
/* False: beyond int64; nothing changed. */
bool agent_give(struct allocator *allocator, struct agent *agent, struct client *client,
                const struct resources *what);
void agents_fini(struct allocator *allocator);

/* filters.c */
bool filters_block(const struct agent *agent, const struct client *client,
                   const struct resources *offered);
void filters_expire(struct allocator *allocator, int64_t now_ms);
void filters_end_of_client(struct allocator *allocator, struct client *client);
void filters_end_of_agent(struct allocator *allocator, struct agent *agent);

/* allocator.c */
bool is_allocatable(struct allocator *allocator, const struct resources *set);
