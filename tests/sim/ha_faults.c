#include "tests/sim/ha_faults.h"

#include "tests/sim/annals.h"
#include "tests/sim/candidate.h"
#include "tests/sim/ensemble.h"

enum { MASTERS = 3 };

struct master_node *ha_any_master(struct world *world) {
    /* Who leads has more to lose. */
    if (world_chance(world, 400))
        return world->master;
    return world->masters.items[world_draw(world, 0, (int64_t)world->masters.count - 1)];
}

static struct candidate *any_candidate(struct world *world) {
    return ha_any_master(world)->candidate;
}

/* A link of a master that is up, or NULL. */
static struct zk_link *any_link(struct world *world) {
    const struct candidate *candidate = any_candidate(world);
    if (world_chance(world, 150))
        return ensemble_any_link(world->ensemble);
    return candidate_is_up(candidate) ? candidate_link(candidate) : NULL;
}

/* --- back again --- */

static void start(void *self, uint64_t argument) {
    (void)argument;
    candidate_start(self);
}

static void join(void *self, uint64_t argument) {
    (void)argument;
    zk_link_part(self, false);
}

static void catch_up(void *self, uint64_t argument) {
    (void)argument;
    zk_link_lag(self, false);
}

static void start_ensemble(void *self, uint64_t argument) {
    const struct world *world = self;
    (void)argument;
    ensemble_start(world->ensemble);
}

static void resume(void *self, uint64_t argument) {
    (void)argument;
    candidate_resume(self);
}

/* --- each fault --- */

static int64_t a_while_ms(struct world *world) {
    return world_chance(world, 250) ? world_draw(world, 10000, 60000)
                                    : world_draw(world, 100, 8000);
}

static void crash(struct world *world) {
    struct master_node *node = ha_any_master(world);
    struct candidate *candidate = node->candidate;
    int64_t away_ms = a_while_ms(world);
    if (!candidate_is_up(candidate))
        return;
    switch (world_draw(world, 0, 2)) {
    case 0: candidate_crash(candidate); break;
    case 1: candidate_crash_at_request(candidate, world_draw(world, 1, 12)); break;
    default: node->process.effects_to_live = world_draw(world, 1, 8);
    }
    world_after(world, away_ms, start, candidate, 0);
}

static void resign(struct world *world) {
    struct candidate *candidate = any_candidate(world);
    if (!candidate_is_up(candidate))
        return;
    candidate_resign(candidate);
    world_after(world, 2500 + a_while_ms(world), start, candidate, 0);
}

static void pause(struct world *world) {
    struct candidate *candidate = any_candidate(world);
    candidate_pause(candidate);
    world_after(world, a_while_ms(world), resume, candidate, 0);
}

static void part_from_ensemble(struct world *world) {
    struct zk_link *link = any_link(world);
    if (link == NULL)
        return;
    zk_link_part(link, true);
    world_after(world, a_while_ms(world), join, link, 0);
}

static void break_link(struct world *world) {
    struct zk_link *link = any_link(world);
    if (link != NULL)
        zk_link_break(link);
}

static void expire(struct world *world) {
    struct zk_link *link = any_link(world);
    if (link != NULL)
        zk_link_expire(link);
}

static void lag(struct world *world) {
    struct zk_link *link = any_link(world);
    if (link == NULL)
        return;
    zk_link_lag(link, true);
    world_after(world, a_while_ms(world), catch_up, link, 0);
}

static void fail_requests(struct world *world) {
    struct zk_link *link = any_link(world);
    if (link != NULL)
        zk_link_fail(link, (size_t)world_draw(world, 1, 4));
}

static void delete_candidate(struct world *world) {
    ensemble_delete_candidate(world->ensemble);
}

static void stop_ensemble(struct world *world) {
    ensemble_stop(world->ensemble);
    world_after(world, a_while_ms(world), start_ensemble, world, 0);
}

void ha_something_happens(struct world *world) {
    static void (*const what[])(struct world *) = {
        crash,
        crash,
        resign,
        pause,
        pause,
        part_from_ensemble,
        part_from_ensemble,
        break_link,
        break_link,
        expire,
        lag,
        fail_requests,
        stop_ensemble,
        delete_candidate,
    };
    what[world_draw(world, 0, sizeof(what) / sizeof(what[0]) - 1)](world);
}

static void trouble(void *self, uint64_t what) {
    struct candidate *candidate = self;
    struct world *world = candidate_world(candidate);
    if (!candidate_is_up(candidate) || world->has_healed)
        return;
    switch (what) {
    case 0: zk_link_expire(candidate_link(candidate)); break;
    case 1: ensemble_delete_candidate(world->ensemble); break;
    case 2: candidate_crash_at_request(candidate, world_draw(world, 1, 12)); break;
    case 3: zk_link_break(candidate_link(candidate)); break;
    default:
        candidate_pause(candidate);
        world_after(world, a_while_ms(world), resume, candidate, 0);
    }
}

void ha_trouble_in_office(struct candidate *candidate) {
    struct world *world = candidate_world(candidate);
    if (!world->has_healed && world_chance(world, 250))
        world_after(world, world_draw(world, 0, 100), trouble, candidate,
                    (uint64_t)world_draw(world, 0, 4));
}

/* --- the whole --- */

void ha_populate(struct world *world) {
    int64_t timeout_ms = world_draw(world, 30000, 200000);
    world->ensemble = ensemble_new(world);
    world->annals = annals_new(world);
    for (size_t i = 0; i < MASTERS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "master%zu", i);
        struct master_node *node = master_node_new(world, name);
        node->reregister_timeout_ms = timeout_ms;
        node->candidate = candidate_new(node, i);
        world_after(world, world_draw(world, 0, 3000), start, node->candidate, 0);
    }
}

void ha_heal(struct world *world) {
    ensemble_heal(world->ensemble);
    VEC_EACH(node, &world->masters) {
        candidate_resume((*node)->candidate);
        candidate_crash_at_request((*node)->candidate, 0);
        (*node)->process.effects_to_live = 0;
        candidate_start((*node)->candidate);
    }
}
