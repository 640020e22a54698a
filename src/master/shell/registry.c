#include "master/shell/registry.h"

#include "common/base/mem.h"
#include "common/model/records.h"
#include "common/model/roles.h"
#include "common/runtime/loop.h"
#include "common/storage/storage.h"
#include "zookeeper/core/journal.h"
#include "zookeeper/shell/zk_share.h"

/* With what else a record has: a drain, capabilities, fields of a newer version. */
_Static_assert((int)REGISTRY_INFO_BYTES_LIMIT <= (int)JOURNAL_VALUE_BYTES_LIMIT / 3 * 2,
               "the record of an agent or a framework fits into a node");
_Static_assert((int)sizeof("role/") + (int)ROLE_BYTES_LIMIT <= (int)JOURNAL_KEY_BYTES_LIMIT,
               "the longest key is that of a role");

struct registry {
    struct registry_events events;
    struct storage *storage; /* on this machine; or */
    struct loop *loop;       /* all below: in ZooKeeper */
    struct journal *journal;
    struct zk_port *port;
    struct zk_share *share;
    struct journal_outbox outbox;
    struct loop_timer timer;
};

/* --- on this machine --- */

static void on_stored(void *self, uint64_t ticket) {
    struct registry *registry = self;
    registry->events.on_stored(registry->events.self, ticket);
}

static void on_trouble(void *self, const struct error *error) {
    struct registry *registry = self;
    registry->events.on_trouble(registry->events.self, error);
}

struct registry *registry_open_local(struct loop *loop, const char *directory,
                                     const struct registry_events *events, struct error *error) {
    AUTO(registry_close) struct registry *registry = NEW(struct registry);
    registry->events = *events;
    struct storage_options options = {
        .directory = directory, .on_stored = on_stored, .on_trouble = on_trouble, .self = registry};
    registry->storage = storage_open(loop, &options, error);
    return registry->storage != NULL ? TAKE(registry) : NULL;
}

/* --- in ZooKeeper --- */

static void carry_out(struct registry *registry, const struct journal_effect *effect) {
    struct registry_events *events = &registry->events;
    struct error why = {0};
    switch (effect->kind) {
    case JOURNAL_EFFECT_REQUEST: zk_port_send(registry->port, &effect->request); return;
    case JOURNAL_EFFECT_LOADED: events->on_loaded(events->self); return;
    case JOURNAL_EFFECT_STORED: events->on_stored(events->self, effect->ticket); return;
    case JOURNAL_EFFECT_DEPOSED: events->on_deposed(events->self); return;
    case JOURNAL_EFFECT_REFUSED:
        fail(&why, ERROR_INVALID, "%.*s", TEXT_ARGS(effect->why));
        events->on_refused(events->self, &why);
        return;
    case JOURNAL_EFFECT_TROUBLE:
        fail(&why, ERROR_IO, "%.*s", TEXT_ARGS(effect->why));
        events->on_trouble(events->self, effect->why.size > 0 ? &why : NULL);
        return;
    }
}

/* What is carried out may commit again, so the effects are taken out of the way first. */
static void carry_out_all(struct registry *registry) {
    while (registry->outbox.effects.count > 0) {
        struct journal_outbox now = registry->outbox;
        registry->outbox = (struct journal_outbox){.arena = arena_new()};
        VEC_EACH(effect, &now.effects)
            carry_out(registry, effect);
        VEC_FINI(&now.effects);
        arena_free(now.arena);
    }
    loop_timer_arm(&registry->timer, journal_deadline_ms(registry->journal));
}

static void step(struct registry *registry, struct journal_event event) {
    event.now_ms = loop_now_ms(registry->loop);
    journal_step(registry->journal, &event, &registry->outbox);
    carry_out_all(registry);
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    (void)id;
    step(self, (struct journal_event){.kind = JOURNAL_EVENT_SESSION, .session = state});
}

static void on_reply(void *self, const struct zk_reply *reply) {
    step(self, (struct journal_event){.kind = JOURNAL_EVENT_REPLY, .reply = *reply});
}

static void on_watch(void *self, struct text path) {
    (void)self;
    (void)path; /* nobody else writes while the fence stands */
}

static void on_timer(void *self) {
    step(self, (struct journal_event){.kind = JOURNAL_EVENT_TICK});
}

struct registry *registry_open_shared(struct loop *loop, struct zk_share *share, struct text path,
                                      struct text fence, const struct registry_events *events) {
    struct registry *registry = NEW(struct registry);
    registry->events = *events;
    registry->loop = loop;
    registry->share = share;
    registry->journal = journal_new(path, fence);
    registry->outbox.arena = arena_new();
    struct zk_port_options options = {
        .on_session = on_session, .on_reply = on_reply, .on_watch = on_watch, .self = registry};
    registry->port = zk_port_open(share, &options);
    loop_timer_init(&registry->timer, loop, on_timer, registry);
    return registry;
}

/* --- both --- */

void registry_close(struct registry *registry) {
    if (registry == NULL)
        return;
    storage_close(registry->storage);
    if (registry->journal != NULL) {
        loop_timer_disarm(&registry->timer);
        zk_port_close(registry->port);
        journal_free(registry->journal);
        VEC_FINI(&registry->outbox.effects);
        arena_free(registry->outbox.arena);
    }
    mem_free(registry);
}

void registry_load(struct registry *registry) {
    if (registry->storage != NULL)
        registry->events.on_loaded(registry->events.self);
    else
        on_session(registry, zk_share_state(registry->share), 0);
}

bool registry_each(struct registry *registry,
                   bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                   void *self, struct error *error) {
    return registry->storage != NULL ? storage_load(registry->storage, fn, self, error)
                                     : journal_each(registry->journal, fn, self, error);
}

void registry_put(struct registry *registry, struct text key, struct text value) {
    if (registry->storage != NULL)
        storage_put(registry->storage, key, value);
    else
        journal_put(registry->journal, key, value);
}

void registry_remove(struct registry *registry, struct text key) {
    if (registry->storage != NULL)
        storage_remove(registry->storage, key);
    else
        journal_remove(registry->journal, key);
}

void registry_commit(struct registry *registry, uint64_t ticket) {
    if (registry->storage != NULL) {
        storage_commit(registry->storage, ticket);
        return;
    }
    journal_commit(registry->journal, ticket, loop_now_ms(registry->loop), &registry->outbox);
    carry_out_all(registry);
}
