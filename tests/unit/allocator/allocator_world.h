/*
 * An allocator and what it offers, for the tests of this folder. Amounts are whole cpus and MB.
 */
#pragma once

#include "allocator/allocator.h"
#include "allocator/explain.h"
#include "tests/support/unit.h"

enum { WORLD_OFFERS_LIMIT = 4096, WORLD_BUDGET = 1000000 };

struct world_offer {
    uint32_t framework, role, agent;
    struct resources resources;
};

struct world {
    struct kinds *kinds;
    struct allocator *allocator;
    int64_t now_ms;
    struct world_offer offers[WORLD_OFFERS_LIMIT];
    size_t count;
};

struct world *world_new(const struct mesos_allocator *policy);
void world_free(struct world *world);
DEFINE_AUTO(struct world, world_free)

/* Lets it offer all it will, and checks its books; gives how many offers were made. */
size_t world_allocate(struct world *world);
void world_check(const struct world *world);

uint32_t world_role(struct world *world, const char *path);
struct resources world_set(int64_t cpus, int64_t mem);
void world_put_reserved(struct world *world, struct resources *set, const char *name,
                        const char *role, int64_t amount);
void world_add_agent(struct world *world, uint32_t agent, int64_t cpus, int64_t mem);
/* An active framework in one role, ROLE_ANY for `*`, that can take everything. */
void world_add_framework(struct world *world, uint32_t framework, uint32_t role);
/* Its only request: so many tasks of that size. */
void world_ask(struct world *world, uint32_t framework, uint32_t role, int64_t cpus, int64_t mem,
               uint64_t count);
void world_limit(struct world *world, uint32_t role, int64_t guarantee_cpus, int64_t limit_cpus);

/* What becomes of an offer: all of it is used by one task; or it is given back, and refused until
 * then unless that is 0. */
void world_launch(struct world *world, size_t offer);
void world_decline(struct world *world, size_t offer, int64_t until_ms);
/* Gives what allocator_note_offer_end says. */
uint32_t world_run_out(struct world *world, size_t offer);
void world_end_task(struct world *world, size_t offer);

int64_t world_offered_cpus(const struct world *world, size_t offer);
int64_t world_held_cpus(const struct world *world, uint32_t framework);
enum allocator_reason world_reason(struct world *world, uint32_t framework, uint32_t role,
                                   uint32_t agent);
