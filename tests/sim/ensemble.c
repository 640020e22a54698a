#include "tests/sim/ensemble.h"

#include "common/base/arena.h"

#include <assert.h>

enum { USERS_LIMIT = 4 };
#define CANDIDATES ZK_PLACE "/json.info_"

struct user {
    uint64_t id;
    struct zk_user user;
};

struct asked {
    uint64_t user, number;
};

struct zk_link {
    struct ensemble *ensemble;
    char name[64];
    struct zk_model_client *client; /* NULL: its session is over for good */
    VEC_OF(struct user) users;
    uint64_t last_user, last_number;
    struct map asked; /* number -> struct asked, owned */
    enum zk_session_state state;
    int64_t session;
    char fence[200];
    bool is_parted, is_frozen, is_gone, was_in_contact;
    uint64_t contact; /* counts gains and losses of contact */
    bool serve_is_due, take_is_due;
};

struct ensemble {
    struct world *world;
    struct zk_model *model;
    bool is_down;
    VEC_OF(struct zk_link *) links;
};

static bool is_in_contact(const struct zk_link *link) {
    return !link->ensemble->is_down && !link->is_parted && !link->is_frozen && !link->is_gone &&
           link->client != NULL;
}

static int64_t latency_ms(struct world *world) {
    return world_chance(world, 20) ? world_draw(world, 20, 2500) : world_draw(world, 0, 4);
}

/* --- who leads --- */

const struct zk_model *ensemble_model(const struct ensemble *ensemble) {
    return ensemble->model;
}

bool ensemble_leads(const struct ensemble *ensemble, struct text node) {
    struct text prefix = TEXT(CANDIDATES), data;
    if (node.size == 0 || !zk_model_get(ensemble->model, node, &data))
        return false;
    size_t count = zk_model_count(ensemble->model, prefix);
    for (size_t i = 0; i < count; i++)
        if (text_compare(zk_model_path(ensemble->model, prefix, i), node) < 0)
            return false;
    return true;
}

/* --- requests and what comes of them --- */

static void pump(struct zk_link *link);

static void pump_all(struct ensemble *ensemble) {
    VEC_EACH(link, &ensemble->links)
        pump(*link);
}

struct registry_look {
    size_t count;
    uint64_t head;
};

static struct registry_look look_at_registry(const struct ensemble *ensemble) {
    struct text head = {0};
    zk_model_get(ensemble->model, TEXT(ZK_REGISTRY "/head"), &head);
    return (struct registry_look){zk_model_count(ensemble->model, TEXT(ZK_REGISTRY "/")),
                                  text_hash(head)};
}

static void serve_one(struct zk_link *link) {
    struct ensemble *ensemble = link->ensemble;
    struct registry_look before = look_at_registry(ensemble);
    bool leads = ensemble_leads(ensemble, text_of(link->fence));
    if (!zk_model_serve(link->client))
        return;
    struct registry_look after = look_at_registry(ensemble);
    if ((before.count != after.count || before.head != after.head) && !leads)
        world_fail(ensemble->world, "%s has written to the registry and does not lead", link->name);
}

static void serve(void *self, uint64_t argument) {
    struct zk_link *link = self;
    (void)argument;
    link->serve_is_due = false;
    if (!is_in_contact(link))
        return;
    serve_one(link);
    pump_all(link->ensemble);
}

static const struct zk_user *find_user(const struct zk_link *link, uint64_t id) {
    VEC_EACH(user, &link->users)
        if (user->id == id)
            return &user->user;
    return NULL;
}

static void tell_reply(struct zk_link *link, const struct zk_reply *reply) {
    struct asked *asked = map_remove(&link->asked, reply->number);
    if (asked == NULL)
        return;
    struct zk_reply own = *reply;
    own.number = asked->number;
    const struct zk_user *found = find_user(link, asked->user);
    mem_free(asked);
    if (found == NULL)
        return;
    struct zk_user user = *found;
    user.on_reply(user.self, &own);
}

/* Users may come and go by what they are told. */
static void tell_all(struct zk_link *link, const struct zk_delivery *delivery) {
    uint64_t ids[USERS_LIMIT];
    size_t count = 0;
    VEC_EACH(user, &link->users)
        if (count < USERS_LIMIT)
            ids[count++] = user->id;
    for (size_t i = 0; i < count; i++) {
        const struct zk_user *found = find_user(link, ids[i]);
        if (found == NULL)
            continue;
        struct zk_user user = *found;
        if (delivery->kind == ZK_DELIVERY_WATCH)
            user.on_watch(user.self, delivery->watch_path);
        else
            user.on_session(user.self, delivery->session.state, delivery->session.id);
    }
}

static void tell(struct zk_link *link, const struct zk_delivery *delivery) {
    static const char *const words[] = {[ZK_SESSION_CONNECTING] = "is disconnected",
                                        [ZK_SESSION_CONNECTED] = "is connected",
                                        [ZK_SESSION_EXPIRED] = "has lost its session",
                                        [ZK_SESSION_REFUSED] = "is refused"};
    if (delivery->kind == ZK_DELIVERY_REPLY) {
        tell_reply(link, &delivery->reply);
        return;
    }
    if (delivery->kind == ZK_DELIVERY_SESSION) {
        link->state = delivery->session.state;
        link->session = delivery->session.id;
        world_say(link->ensemble->world, "zk      %s %s", link->name, words[link->state]);
    }
    tell_all(link, delivery);
}

static void take(void *self, uint64_t argument) {
    struct zk_link *link = self;
    AUTO(arena_free) struct arena *arena = arena_new();
    struct zk_delivery delivery;
    (void)argument;
    link->take_is_due = false;
    if (link->client == NULL || link->is_gone || link->is_frozen ||
        (!is_in_contact(link) && zk_model_is_joined(link->client)))
        return;
    if (zk_model_take(link->client, arena, &delivery))
        tell(link, &delivery);
    pump(link);
}

/* What the connection's end tells is known on this side; all else comes over the wire. */
static void pump(struct zk_link *link) {
    struct world *world = link->ensemble->world;
    if (link->client == NULL || link->is_gone || link->is_frozen)
        return;
    bool is_joined = zk_model_is_joined(link->client);
    if (is_in_contact(link) && is_joined && !link->serve_is_due &&
        zk_model_unserved(link->client) > 0) {
        link->serve_is_due = true;
        world_after(world, latency_ms(world), serve, link, 0);
    }
    if ((is_in_contact(link) || !is_joined) && !link->take_is_due &&
        zk_model_untaken(link->client) > 0) {
        link->take_is_due = true;
        world_after(world, latency_ms(world), take, link, 0);
    }
}

void zk_link_send(struct zk_link *link, uint64_t user, const struct zk_request *request) {
    if (link->client == NULL || link->is_gone)
        return;
    struct asked *asked = NEW(struct asked);
    struct zk_request own = *request;
    own.number = ++link->last_number;
    *asked = (struct asked){.user = user, .number = request->number};
    map_put(&link->asked, own.number, asked);
    zk_model_send(link->client, &own);
    pump(link);
}

/* --- contact --- */

static void join(void *self, uint64_t contact) {
    struct zk_link *link = self;
    if (!is_in_contact(link) || link->contact != contact)
        return;
    zk_model_join(link->client);
    if (!zk_model_is_joined(link->client)) /* it has heard that its session is over */
        world_after(link->ensemble->world, world_draw(link->ensemble->world, 1, 500), join, link,
                    contact);
    pump(link);
}

static void break_off(void *self, uint64_t contact) {
    struct zk_link *link = self;
    if (link->client == NULL || link->contact != contact)
        return;
    zk_model_cut(link->client);
    pump(link);
}

static void run_out(void *self, uint64_t contact) {
    struct zk_link *link = self;
    if (link->client == NULL || link->contact != contact || link->ensemble->is_down)
        return;
    world_say(link->ensemble->world, "zk      the session of %s runs out", link->name);
    zk_model_expire(link->client);
    pump_all(link->ensemble);
}

static void bury(void *self, uint64_t contact) {
    struct zk_link *link = self;
    run_out(link, contact);
    if (link->client == NULL || link->contact != contact || link->ensemble->is_down)
        return;
    zk_model_client_free(TAKE(link->client));
    pump_all(link->ensemble);
}

/* An ensemble that is down ends no sessions: they begin to run out when it is back. */
static void begin_to_run_out(struct zk_link *link) {
    struct world *world = link->ensemble->world;
    int64_t after_ms = ZK_SESSION_TIMEOUT_MS + world_draw(world, 0, ZK_SESSION_TIMEOUT_MS / 2);
    if (!link->ensemble->is_down)
        world_after(world, after_ms, link->is_gone ? bury : run_out, link, link->contact);
}

static void contact_is_lost(struct zk_link *link) {
    struct world *world = link->ensemble->world;
    int64_t third_ms = ZK_SESSION_TIMEOUT_MS / 3;
    int64_t after_ms = link->ensemble->is_down ? world_draw(world, 1, 800)
                                               : world_draw(world, third_ms, 2 * third_ms);
    if (!link->is_gone && !link->is_frozen)
        world_after(world, after_ms, break_off, link, link->contact);
    begin_to_run_out(link);
}

static void refresh(struct zk_link *link) {
    struct world *world = link->ensemble->world;
    bool is_now = is_in_contact(link);
    if (link->client == NULL || is_now == link->was_in_contact)
        return;
    link->was_in_contact = is_now;
    link->contact++;
    if (is_now)
        world_after(world, world_draw(world, 0, 1500), join, link, link->contact);
    else
        contact_is_lost(link);
    pump(link);
}

/* --- faults --- */

void zk_link_part(struct zk_link *link, bool is_parted) {
    link->is_parted = is_parted;
    refresh(link);
}

void zk_link_freeze(struct zk_link *link, bool is_frozen) {
    link->is_frozen = is_frozen;
    refresh(link);
    pump(link);
}

static void join_again(struct zk_link *link) {
    link->contact++;
    if (is_in_contact(link))
        world_after(link->ensemble->world, world_draw(link->ensemble->world, 0, 3000), join, link,
                    link->contact);
    else
        contact_is_lost(link);
    pump_all(link->ensemble);
}

void zk_link_break(struct zk_link *link) {
    if (!is_in_contact(link))
        return;
    world_say(link->ensemble->world, "zk      the connection of %s breaks", link->name);
    zk_model_cut(link->client);
    join_again(link);
}

void zk_link_expire(struct zk_link *link) {
    if (link->client == NULL || link->is_gone || link->ensemble->is_down)
        return;
    world_say(link->ensemble->world, "zk      the session of %s is ended", link->name);
    zk_model_expire(link->client);
    join_again(link);
}

void zk_link_lag(struct zk_link *link, bool lags) {
    if (link->client == NULL)
        return;
    zk_model_set_lag(link->client, lags);
    pump(link);
}

void zk_link_fail(struct zk_link *link, size_t count) {
    if (link->client != NULL)
        zk_model_fail_next(link->client, count);
}

void ensemble_delete_candidate(struct ensemble *ensemble) {
    struct text prefix = TEXT(CANDIDATES);
    int64_t count = (int64_t)zk_model_count(ensemble->model, prefix);
    if (count == 0)
        return;
    size_t which =
        world_chance(ensemble->world, 700) ? 0 : (size_t)world_draw(ensemble->world, 0, count - 1);
    struct text node = zk_model_path(ensemble->model, prefix, which);
    world_say(ensemble->world, "zk      %.*s is deleted", TEXT_ARGS(node));
    zk_model_erase(ensemble->model, node);
    pump_all(ensemble);
}

void ensemble_stop(struct ensemble *ensemble) {
    if (ensemble->is_down)
        return;
    world_say(ensemble->world, "zk      the ensemble is away");
    ensemble->is_down = true;
    VEC_EACH(link, &ensemble->links)
        refresh(*link);
}

void ensemble_start(struct ensemble *ensemble) {
    if (!ensemble->is_down)
        return;
    world_say(ensemble->world, "zk      the ensemble is back");
    ensemble->is_down = false;
    VEC_EACH(at, &ensemble->links) {
        struct zk_link *link = *at;
        refresh(link);
        if (link->client == NULL || is_in_contact(link))
            continue;
        link->contact++;
        begin_to_run_out(link);
    }
}

void ensemble_heal(struct ensemble *ensemble) {
    ensemble_start(ensemble);
    VEC_EACH(link, &ensemble->links) {
        zk_link_part(*link, false);
        zk_link_lag(*link, false);
        zk_link_fail(*link, 0);
    }
}

struct zk_link *ensemble_any_link(struct ensemble *ensemble) {
    size_t first = (size_t)world_draw(ensemble->world, 0, (int64_t)ensemble->links.count - 1);
    for (size_t i = 0; i < ensemble->links.count; i++) {
        struct zk_link *link = ensemble->links.items[(first + i) % ensemble->links.count];
        if (link->client != NULL && !link->is_gone)
            return link;
    }
    return NULL;
}

/* --- life --- */

struct zk_link *zk_link_new(struct ensemble *ensemble, const char *name) {
    struct world *world = ensemble->world;
    struct zk_link *link = NEW(struct zk_link);
    link->ensemble = ensemble;
    snprintf(link->name, sizeof(link->name), "%s", name);
    link->client = zk_model_client_new(ensemble->model);
    link->state = ZK_SESSION_CONNECTING;
    VEC_PUSH(&ensemble->links, link);
    link->was_in_contact = is_in_contact(link);
    world_after(world, world_draw(world, 0, 50), join, link, link->contact);
    return link;
}

uint64_t zk_link_open(struct zk_link *link, const struct zk_user *user) {
    assert(link->users.count < USERS_LIMIT);
    VEC_PUSH(&link->users, (struct user){++link->last_user, *user});
    return link->last_user;
}

void zk_link_close(struct zk_link *link, uint64_t user) {
    for (size_t i = 0; i < link->users.count; i++) {
        if (link->users.items[i].id != user)
            continue;
        VEC_REMOVE(&link->users, i);
        return;
    }
}

enum zk_session_state zk_link_state(const struct zk_link *link) {
    return link->state;
}

int64_t zk_link_session(const struct zk_link *link) {
    return link->session;
}

void zk_link_set_fence(struct zk_link *link, struct text node) {
    snprintf(link->fence, sizeof(link->fence), "%.*s", TEXT_ARGS(node));
}

void zk_link_abandon(struct zk_link *link) {
    if (link->client == NULL || link->is_gone)
        return;
    if (is_in_contact(link))
        for (int64_t left =
                 world_draw(link->ensemble->world, 0, (int64_t)zk_model_unserved(link->client));
             left > 0; left--)
            serve_one(link);
    link->users.count = 0;
    link->is_gone = true;
    zk_model_cut(link->client);
    link->was_in_contact = false;
    link->contact++;
    begin_to_run_out(link);
    pump_all(link->ensemble);
}

void zk_link_end(struct zk_link *link) {
    if (link->client == NULL || link->is_gone)
        return;
    if (!is_in_contact(link)) {
        zk_link_abandon(link);
        return;
    }
    while (zk_model_unserved(link->client) > 0 && zk_model_is_joined(link->client))
        serve_one(link);
    link->users.count = 0;
    link->is_gone = true;
    zk_model_client_free(TAKE(link->client));
    pump_all(link->ensemble);
}

struct ensemble *ensemble_new(struct world *world) {
    struct ensemble *ensemble = NEW(struct ensemble);
    ensemble->world = world;
    ensemble->model = zk_model_new();
    return ensemble;
}

void ensemble_free(struct ensemble *ensemble) {
    if (ensemble == NULL)
        return;
    VEC_EACH(at, &ensemble->links) {
        struct zk_link *link = *at;
        zk_model_client_free(link->client);
        VEC_FINI(&link->users);
        map_fini(&link->asked, mem_free);
        mem_free(link);
    }
    VEC_FINI(&ensemble->links);
    zk_model_free(ensemble->model);
    mem_free(ensemble);
}
