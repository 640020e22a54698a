#include "tests/sim/candidate.h"

#include "tests/sim/annals.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/finder.h"
#include "tests/sim/ha_faults.h"
#include "zookeeper/core/election.h"
#include "zookeeper/core/journal.h"

enum { RESIGN_MS = 2000 };

struct candidate {
    struct master_node *node;
    struct world *world;
    size_t number;
    bool is_up, is_paused, is_dying, is_ending, is_deposed;
    uint64_t life, stands;
    int64_t requests_to_live; /* 0: no end is set */
    struct zk_link *link;
    struct election *election;
    uint64_t election_user;
    struct journal *journal; /* of a term: from its beginning, before the core */
    uint64_t journal_user, term;
    struct happening election_tick, journal_tick;
    uint64_t made_ticket, handed_ticket;
    bool has_small_nodes;
};

/* --- requests --- */

static void die_now(void *self, uint64_t life) {
    struct candidate *candidate = self;
    if (candidate->is_up && candidate->life == life)
        candidate_crash(candidate);
}

static void send(struct candidate *candidate, uint64_t user, const struct zk_request *request) {
    if (candidate->is_dying)
        return;
    bool is_last = candidate->requests_to_live > 0 && --candidate->requests_to_live == 0;
    if (!is_last || world_chance(candidate->world, 500))
        zk_link_send(candidate->link, user, request);
    if (!is_last)
        return;
    candidate->is_dying = candidate->node->process.is_dying = true;
    world_after(candidate->world, 0, die_now, candidate, candidate->life);
}

/* --- the registry --- */

static void review_soon(struct candidate *candidate);

static void value_free(void *memory) {
    buf_fini(memory);
    mem_free(memory);
}

static bool collect(void *self, struct text key, struct text value, struct error *error) {
    struct buf *copy = NEW(struct buf);
    (void)error;
    buf_append_text(copy, value);
    map_put_text(self, key, copy);
    return true;
}

/* One whose node has gone while it read leads nobody, and does not know. */
static void loaded(struct candidate *candidate) {
    struct world *world = candidate->world;
    struct map content = {0};
    struct error error = {0};
    if (!journal_each(candidate->journal, collect, &content, &error))
        world_fail(world, "journal_each: %s", error.message);
    bool leads = ensemble_leads(world->ensemble, election_node(candidate->election));
    world_say(world, "term    %s has read %zu records%s", candidate->node->process.name,
              content.count, leads ? "" : ", and is deposed already");
    if (leads) {
        annals_loaded(world->annals, candidate->term, &content);
        world->master = candidate->node;
    }
    master_node_begin_term(candidate->node, &content);
    map_fini(&content, value_free);
}

static void refused(struct candidate *candidate, struct text why) {
    struct world *world = candidate->world;
    bool leads = ensemble_leads(world->ensemble, election_node(candidate->election));
    world_say(world, "term    %s refuses the registry: %.*s", candidate->node->process.name,
              TEXT_ARGS(why));
    if (leads)
        world_fail(world, "%s refuses the registry: %.*s", candidate->node->process.name,
                   TEXT_ARGS(why));
    candidate->is_deposed = true;
    review_soon(candidate);
}

static void is_stored(struct candidate *candidate, uint64_t ticket) {
    annals_acknowledged(candidate->world->annals, candidate->term, ticket);
    world_say(candidate->world, "stored  %s #%llu", candidate->node->process.name,
              (unsigned long long)ticket);
    if (candidate->node->process.is_up)
        master_node_stored(candidate->node, ticket);
}

static void on_journal_effect(struct candidate *candidate, const struct journal_effect *effect) {
    switch (effect->kind) {
    case JOURNAL_EFFECT_REQUEST: send(candidate, candidate->journal_user, &effect->request); return;
    case JOURNAL_EFFECT_LOADED: loaded(candidate); return;
    case JOURNAL_EFFECT_STORED: is_stored(candidate, effect->ticket); return;
    case JOURNAL_EFFECT_DEPOSED:
        world_say(candidate->world, "term    %s is told by its fence",
                  candidate->node->process.name);
        candidate->is_deposed = true;
        review_soon(candidate);
        return;
    case JOURNAL_EFFECT_REFUSED: refused(candidate, effect->why); return;
    case JOURNAL_EFFECT_TROUBLE:
        world_say(candidate->world, "note    %s registry %.*s", candidate->node->process.name,
                  TEXT_ARGS(effect->why));
        return;
    }
}

/* The core may die of what it is told, and the journal with it. */
static void carry_out_journal(struct candidate *candidate, struct journal_outbox *outbox) {
    const struct journal *journal = candidate->journal;
    VEC_EACH(effect, &outbox->effects) {
        if (candidate->journal == journal)
            on_journal_effect(candidate, effect);
    }
    VEC_FINI(&outbox->effects);
    arena_free(outbox->arena);
    if (candidate->journal == journal && journal != NULL)
        world_arm(candidate->world, &candidate->journal_tick, journal_deadline_ms(journal));
}

static void step_journal(struct candidate *candidate, struct journal_event event) {
    struct journal_outbox outbox = {.arena = arena_new()};
    event.now_ms = candidate->world->now_ms;
    journal_step(candidate->journal, &event, &outbox);
    carry_out_journal(candidate, &outbox);
}

static void journal_on_session(void *self, enum zk_session_state state, int64_t id) {
    (void)id;
    step_journal(self, (struct journal_event){.kind = JOURNAL_EVENT_SESSION, .session = state});
}

static void journal_on_reply(void *self, const struct zk_reply *reply) {
    step_journal(self, (struct journal_event){.kind = JOURNAL_EVENT_REPLY, .reply = *reply});
}

static void journal_on_watch(void *self, struct text path) {
    (void)self;
    (void)path;
}

static void journal_on_tick(void *self, uint64_t argument) {
    struct candidate *candidate = self;
    (void)argument;
    if (candidate->journal != NULL && !candidate->is_paused)
        step_journal(candidate, (struct journal_event){.kind = JOURNAL_EVENT_TICK});
}

static void commit(struct candidate *candidate) {
    struct journal_outbox outbox = {.arena = arena_new()};
    if (candidate->journal == NULL || candidate->made_ticket == candidate->handed_ticket) {
        arena_free(outbox.arena);
        return;
    }
    candidate->handed_ticket = candidate->made_ticket;
    annals_commit(candidate->world->annals, candidate->term, candidate->handed_ticket);
    journal_commit(candidate->journal, candidate->handed_ticket, candidate->world->now_ms, &outbox);
    carry_out_journal(candidate, &outbox);
    if (candidate->world->mutation == MUTATION_EARLY_ANSWER && candidate->journal != NULL)
        is_stored(candidate, candidate->handed_ticket);
}

static void turn_ends(void *self, uint64_t term) {
    struct candidate *candidate = self;
    if (candidate->term == term)
        commit(candidate);
}

void candidate_put(struct candidate *candidate, struct text key, const struct buf *value) {
    annals_put(candidate->world->annals, candidate->term, key, value);
    if (candidate->world->mutation == MUTATION_FORGET_WRITE && world_chance(candidate->world, 100))
        return;
    if (value != NULL)
        journal_put(candidate->journal, key, buf_text(value));
    else
        journal_remove(candidate->journal, key);
}

void candidate_made(struct candidate *candidate, uint64_t ticket) {
    if (candidate->made_ticket == candidate->handed_ticket)
        world_after(candidate->world, 0, turn_ends, candidate, candidate->term);
    candidate->made_ticket = ticket;
}

/* --- terms --- */

static void begin_term(struct candidate *candidate) {
    struct world *world = candidate->world;
    struct text node = election_node(candidate->election);
    world_say(world, "term    %s is elected as %.*s", candidate->node->process.name,
              TEXT_ARGS(node));
    candidate->is_deposed = false;
    candidate->term = ++world->last_term;
    candidate->made_ticket = candidate->handed_ticket = 0;
    candidate->journal = journal_new(
        TEXT(ZK_REGISTRY), world->mutation == MUTATION_NO_FENCE ? (struct text){0} : node);
    if (candidate->has_small_nodes)
        journal_set_sizes(candidate->journal, 1000, 8192);
    candidate->journal_user =
        zk_link_open(candidate->link, &(struct zk_user){journal_on_session, journal_on_reply,
                                                        journal_on_watch, candidate});
    zk_link_set_fence(candidate->link, node);
    ha_trouble_in_office(candidate);
    journal_on_session(candidate, zk_link_state(candidate->link), 0);
}

static void forget_term(struct candidate *candidate) {
    if (candidate->journal == NULL)
        return;
    zk_link_close(candidate->link, candidate->journal_user);
    journal_free(TAKE(candidate->journal));
    world_arm(candidate->world, &candidate->journal_tick, INT64_MAX);
    annals_forget(candidate->world->annals, candidate->term);
}

static void end_term(struct candidate *candidate) {
    if (candidate->journal == NULL)
        return;
    world_say(candidate->world, "term    of %s ends", candidate->node->process.name);
    commit(candidate);
    master_node_end_term(candidate->node);
    forget_term(candidate);
    candidate->is_deposed = false;
}

/* --- the election --- */

static void step_election(struct candidate *candidate, struct election_event event);

static void stand(struct candidate *candidate);

static void review(void *self, uint64_t life) {
    struct candidate *candidate = self;
    if (!candidate->is_up || candidate->life != life || candidate->is_paused ||
        candidate->is_ending || candidate->election == NULL)
        return;
    bool leads = election_role(candidate->election) == ELECTION_LEADER && !candidate->is_deposed;
    if (candidate->journal != NULL && !leads) {
        end_term(candidate);
        stand(candidate);
    } else if (candidate->journal == NULL && leads) {
        begin_term(candidate);
    }
}

static void review_soon(struct candidate *candidate) {
    world_after(candidate->world, 0, review, candidate, candidate->life);
}

static void end_process(struct candidate *candidate) {
    zk_link_end(candidate->link);
    candidate_died(candidate);
}

static void end_soon(void *self, uint64_t life) {
    struct candidate *candidate = self;
    if (candidate->is_up && candidate->life == life && candidate->is_ending)
        end_process(candidate);
}

static void on_election_effect(struct candidate *candidate, const struct election_effect *effect) {
    switch (effect->kind) {
    case ELECTION_EFFECT_REQUEST:
        send(candidate, candidate->election_user, &effect->request);
        return;
    case ELECTION_EFFECT_CHANGED: review_soon(candidate); return;
    case ELECTION_EFFECT_DONE:
        world_after(candidate->world, 0, end_soon, candidate, candidate->life);
        return;
    case ELECTION_EFFECT_TROUBLE:
        world_say(candidate->world, "note    %s election %.*s", candidate->node->process.name,
                  TEXT_ARGS(effect->why));
        return;
    }
}

static void step_election(struct candidate *candidate, struct election_event event) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct election_outbox outbox = {.arena = arena};
    if (candidate->election == NULL)
        return;
    event.now_ms = candidate->world->now_ms;
    election_step(candidate->election, &event, &outbox);
    VEC_EACH(effect, &outbox.effects)
        on_election_effect(candidate, effect);
    VEC_FINI(&outbox.effects);
    world_arm(candidate->world, &candidate->election_tick,
              election_deadline_ms(candidate->election));
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = state;
    event.session.id = id;
    step_election(self, event);
}

static void on_reply(void *self, const struct zk_reply *reply) {
    step_election(self, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = *reply});
}

static void on_watch(void *self, struct text path) {
    step_election(self, (struct election_event){.kind = ELECTION_EVENT_WATCH, .watch_path = path});
}

static void on_tick(void *self, uint64_t argument) {
    const struct candidate *candidate = self;
    (void)argument;
    if (!candidate->is_paused)
        step_election(self, (struct election_event){.kind = ELECTION_EVENT_TICK});
}

static void leave_election(struct candidate *candidate) {
    if (candidate->election == NULL)
        return;
    zk_link_close(candidate->link, candidate->election_user);
    election_free(TAKE(candidate->election));
    world_arm(candidate->world, &candidate->election_tick, INT64_MAX);
}

/* A node of its own that is still there is given up: the session is the same. */
static void stand(struct candidate *candidate) {
    char info[200];
    if (candidate->election != NULL && election_node(candidate->election).size > 0)
        send(candidate, candidate->election_user,
             &(struct zk_request){.kind = ZK_DELETE,
                                  .path = election_node(candidate->election),
                                  .version = ZK_VERSION_ANY});
    bool has_stood = candidate->election != NULL;
    leave_election(candidate);
    snprintf(info, sizeof(info), "{\"hostname\":\"%s\",\"stands\":%llu}",
             candidate->node->process.name, (unsigned long long)++candidate->stands);
    struct election_options options = {.path = TEXT(ZK_PLACE),
                                       .is_candidate = true,
                                       .info = text_of(info),
                                       .session_timeout_ms = ZK_SESSION_TIMEOUT_MS,
                                       .has_stood = has_stood};
    candidate->election = election_new(&options);
    candidate->election_user =
        zk_link_open(candidate->link, &(struct zk_user){on_session, on_reply, on_watch, candidate});
    on_session(candidate, zk_link_state(candidate->link), zk_link_session(candidate->link));
}

struct master_node *candidate_other_leader(const struct candidate *candidate) {
    if (!candidate->is_up || candidate->is_paused || candidate->election == NULL ||
        election_role(candidate->election) == ELECTION_LEADER)
        return NULL;
    struct master_node *leader =
        master_named(candidate->world, election_leader(candidate->election));
    return leader != candidate->node ? leader : NULL;
}

/* --- life --- */

struct candidate *candidate_new(struct master_node *node, size_t number) {
    struct candidate *candidate = NEW(struct candidate);
    candidate->node = node;
    candidate->world = node->process.world;
    candidate->number = number;
    candidate->has_small_nodes = candidate->world->seed % 4 >= 2;
    candidate->election_tick = (struct happening){.fn = on_tick, .self = candidate};
    candidate->journal_tick = (struct happening){.fn = journal_on_tick, .self = candidate};
    return candidate;
}

void candidate_free(struct candidate *candidate) {
    if (candidate == NULL)
        return;
    election_free(candidate->election);
    journal_free(candidate->journal);
    mem_free(candidate);
}

bool candidate_is_up(const struct candidate *candidate) {
    return candidate->is_up;
}

bool candidate_is_paused(const struct candidate *candidate) {
    return candidate->is_paused;
}

struct world *candidate_world(const struct candidate *candidate) {
    return candidate->world;
}

struct zk_link *candidate_link(const struct candidate *candidate) {
    return candidate->link;
}

void candidate_start(struct candidate *candidate) {
    if (candidate->is_up)
        return;
    candidate->is_up = true;
    candidate->life++;
    world_say(candidate->world, "start   %s, life %llu", candidate->node->process.name,
              (unsigned long long)candidate->life);
    candidate->link = zk_link_new(candidate->world->ensemble, candidate->node->process.name);
    stand(candidate);
}

void candidate_died(struct candidate *candidate) {
    if (!candidate->is_up)
        return;
    forget_term(candidate);
    leave_election(candidate);
    zk_link_abandon(candidate->link);
    candidate->is_up = candidate->is_paused = candidate->is_dying = candidate->is_ending = false;
    candidate->is_deposed = false;
    candidate->node->process.is_paused = candidate->node->process.is_dying = false;
    candidate->requests_to_live = 0;
    world_say(candidate->world, "end     %s", candidate->node->process.name);
}

void candidate_crash(struct candidate *candidate) {
    if (!candidate->is_up)
        return;
    master_node_end_term(candidate->node);
    candidate_died(candidate);
}

void candidate_crash_at_request(struct candidate *candidate, int64_t requests) {
    candidate->requests_to_live = requests;
}

void candidate_resign(struct candidate *candidate) {
    if (!candidate->is_up || candidate->is_paused || candidate->is_ending)
        return;
    world_say(candidate->world, "resign  %s", candidate->node->process.name);
    candidate->is_ending = true;
    end_term(candidate);
    world_after(candidate->world, RESIGN_MS, end_soon, candidate, candidate->life);
    step_election(candidate, (struct election_event){.kind = ELECTION_EVENT_RESIGN});
}

void candidate_pause(struct candidate *candidate) {
    if (!candidate->is_up || candidate->is_paused)
        return;
    world_say(candidate->world, "pause   %s", candidate->node->process.name);
    candidate->is_paused = candidate->node->process.is_paused = true;
    world_arm(candidate->world, &candidate->node->process.tick, INT64_MAX);
    zk_link_freeze(candidate->link, true);
}

void candidate_resume(struct candidate *candidate) {
    struct world *world = candidate->world;
    if (!candidate->is_up || !candidate->is_paused)
        return;
    world_say(world, "resume  %s", candidate->node->process.name);
    candidate->is_paused = candidate->node->process.is_paused = false;
    zk_link_freeze(candidate->link, false);
    world_arm(world, &candidate->election_tick, world->now_ms + world_draw(world, 0, 20));
    if (candidate->journal != NULL)
        world_arm(world, &candidate->journal_tick, world->now_ms + world_draw(world, 0, 20));
    if (candidate->node->process.is_up)
        world_arm(world, &candidate->node->process.tick, world->now_ms + world_draw(world, 0, 20));
    network_resume(world);
    review_soon(candidate);
}
