#include "tests/sim/finder.h"

#include "tests/sim/candidate.h"
#include "tests/sim/ensemble.h"
#include "zookeeper/core/election.h"

struct finder {
    struct world *world;
    struct zk_link *link;
    uint64_t user;
    struct election *election;
    struct happening tick;
    struct master_node *leader;
    void (*on_found)(void *self);
    void *self;
};

struct master_node *master_named(const struct world *world, struct text text) {
    static const struct text in_json = {"{\"hostname\":\"", 13};
    if (text_starts_with(text, in_json))
        text = text_sub(text, in_json.size, SIZE_MAX);
    VEC_EACH(node, &world->masters)
        if (text_starts_with(text, text_of((*node)->process.name)))
            return *node;
    return NULL;
}

struct master_node *master_redirects(const struct end *asked) {
    const struct process *process = end_peer(asked)->owner;
    if (process->kind != PROCESS_MASTER || network_is_parted(process->world, process, asked->owner))
        return NULL;
    const struct master_node *node = CONTAINER_OF(process, struct master_node, process);
    return node->candidate != NULL ? candidate_other_leader(node->candidate) : NULL;
}

/* When nobody leads the last one is still worth trying. */
static void look(struct finder *finder) {
    struct master_node *leader = master_named(finder->world, election_leader(finder->election));
    if (leader == NULL || leader == finder->leader)
        return;
    finder->leader = leader;
    finder->on_found(finder->self);
}

static void step(struct finder *finder, struct election_event event) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct election_outbox outbox = {.arena = arena};
    bool has_changed = false;
    event.now_ms = finder->world->now_ms;
    election_step(finder->election, &event, &outbox);
    world_arm(finder->world, &finder->tick, election_deadline_ms(finder->election));
    VEC_EACH(effect, &outbox.effects) {
        if (effect->kind == ELECTION_EFFECT_REQUEST)
            zk_link_send(finder->link, finder->user, &effect->request);
        has_changed = has_changed || effect->kind == ELECTION_EFFECT_CHANGED;
    }
    VEC_FINI(&outbox.effects);
    if (has_changed)
        look(finder);
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = state;
    event.session.id = id;
    step(self, event);
}

static void on_reply(void *self, const struct zk_reply *reply) {
    step(self, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = *reply});
}

static void on_watch(void *self, struct text path) {
    step(self, (struct election_event){.kind = ELECTION_EVENT_WATCH, .watch_path = path});
}

static void on_tick(void *self, uint64_t argument) {
    (void)argument;
    step(self, (struct election_event){.kind = ELECTION_EVENT_TICK});
}

struct finder *finder_new(struct world *world, const char *name, void (*on_found)(void *self),
                          void *self) {
    struct finder *finder = NEW(struct finder);
    struct election_options options = {.path = TEXT(ZK_PLACE),
                                       .session_timeout_ms = ZK_SESSION_TIMEOUT_MS};
    *finder = (struct finder){.world = world, .on_found = on_found, .self = self};
    finder->tick = (struct happening){.fn = on_tick, .self = finder};
    finder->election = election_new(&options);
    finder->link = zk_link_new(world->ensemble, name);
    finder->user =
        zk_link_open(finder->link, &(struct zk_user){on_session, on_reply, on_watch, finder});
    world_arm(world, &finder->tick, world->now_ms);
    return finder;
}

void finder_free(struct finder *finder) {
    if (finder == NULL)
        return;
    zk_link_close(finder->link, finder->user);
    world_arm(finder->world, &finder->tick, INT64_MAX);
    election_free(finder->election);
    mem_free(finder);
}

struct master_node *finder_leader(const struct finder *finder) {
    return finder->leader;
}
