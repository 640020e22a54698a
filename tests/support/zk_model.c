/*
 * A change of the tree is a list of puts and removes. It is made in the one tree, and told to every
 * client: at once, or, where the client's server lags, into a list that is worked off when it
 * catches up, against a copy of the tree.
 */
#include "tests/support/zk_model.h"

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/vec.h"

#include <assert.h>

struct node {
    struct buf data;
    int32_t version;
    int64_t owner;
    uint32_t created; /* children, ever: what the next sequential one is called */
    size_t children;
};

struct tree {
    struct map nodes; /* path -> struct node */
};

/* The node as it is after the change; is_gone: it is not. */
struct change {
    char *path;
    struct buf data;
    int32_t version;
    int64_t owner;
    bool is_gone;
};

struct changes {
    VEC_OF(struct change) items;
};

struct waiting_request {
    struct link link;
    struct arena *arena;
    struct zk_request request;
};

struct waiting_delivery {
    struct link link;
    struct arena *arena;
    struct zk_delivery delivery;
};

struct zk_model_client {
    struct zk_model *model;
    struct link link;
    int64_t session;
    bool is_joined, has_expired;
    struct link requests, deliveries;
    size_t request_count, delivery_count, failures;
    struct map data_watches, child_watches; /* path -> the client */
    struct tree *lagged;                    /* NULL: up to date */
    struct changes missed;
};

struct zk_model {
    struct tree tree;
    struct link clients;
    int64_t last_session;
    char *forbidden;
};

/* --- trees --- */

static void node_free(void *memory) {
    struct node *node = memory;
    if (node == NULL)
        return;
    buf_fini(&node->data);
    mem_free(node);
}

static void tree_fini(struct tree *tree) {
    map_fini(&tree->nodes, node_free);
}

static struct text parent_of(struct text path) {
    size_t at = path.size;
    while (at > 0 && path.data[at - 1] != '/')
        at--;
    return text_sub(path, 0, at > 0 ? at - 1 : 0); /* "": the root */
}

static struct node *find(const struct tree *tree, struct text path) {
    return map_get_text(&tree->nodes, text_equal(path, TEXT("/")) ? TEXT("") : path);
}

static void count_child(struct tree *tree, struct text path, bool is_new) {
    struct node *parent = find(tree, parent_of(path));
    if (parent == NULL || path.size == 0)
        return;
    parent->children += is_new ? 1 : (size_t)-1;
    parent->created += is_new;
}

static void tree_change(struct tree *tree, const struct change *change) {
    struct text path = text_of(change->path);
    struct node *node = find(tree, path);
    if (change->is_gone) {
        node_free(map_remove_text(&tree->nodes, path));
        if (node != NULL)
            count_child(tree, path, false);
        return;
    }
    if (node == NULL) {
        node = NEW(struct node);
        map_put_text(&tree->nodes, path, node);
        count_child(tree, path, true);
    }
    buf_clear(&node->data);
    buf_append_text(&node->data, buf_text(&change->data));
    node->version = change->version;
    node->owner = change->owner;
}

static struct tree *tree_copy(const struct tree *tree) {
    struct tree *copy = NEW(struct tree);
    MAP_EACH(entry, &tree->nodes) {
        const struct node *from = map_value(entry);
        struct node *node = NEW(struct node);
        *node = *from;
        node->data = (struct buf){0};
        buf_append_text(&node->data, buf_text(&from->data));
        map_put_text(&copy->nodes, map_key_text(entry), node);
    }
    return copy;
}

static void tree_free(struct tree *tree) {
    if (tree == NULL)
        return;
    tree_fini(tree);
    mem_free(tree);
}

/* --- changes --- */

static void changes_clear(struct changes *changes) {
    VEC_EACH(change, &changes->items) {
        mem_free(change->path);
        buf_fini(&change->data);
    }
    changes->items.count = 0;
}

static void changes_fini(struct changes *changes) {
    changes_clear(changes);
    VEC_FINI(&changes->items);
}

static void add_put(struct changes *changes, struct text path, struct text data, int32_t version,
                    int64_t owner) {
    struct change change = {.path = text_dup(path), .version = version, .owner = owner};
    buf_append_text(&change.data, data);
    VEC_PUSH(&changes->items, change);
}

static void add_remove(struct changes *changes, struct text path) {
    VEC_PUSH(&changes->items, (struct change){.path = text_dup(path), .is_gone = true});
}

/* --- deliveries and watches --- */

static void deliver(struct zk_model_client *client, struct arena *arena,
                    struct zk_delivery delivery) {
    struct waiting_delivery *waiting = NEW(struct waiting_delivery);
    waiting->arena = arena;
    waiting->delivery = delivery;
    list_append(&client->deliveries, &waiting->link);
    client->delivery_count++;
}

static void deliver_session(struct zk_model_client *client, enum zk_session_state state) {
    struct zk_delivery delivery = {.kind = ZK_DELIVERY_SESSION};
    delivery.session.state = state;
    delivery.session.id = state == ZK_SESSION_CONNECTED ? client->session : 0;
    deliver(client, arena_new(), delivery);
}

static void deliver_failure(struct zk_model_client *client, uint64_t number,
                            enum zk_result result) {
    struct zk_delivery delivery = {.kind = ZK_DELIVERY_REPLY};
    delivery.reply.number = number;
    delivery.reply.result = result;
    deliver(client, arena_new(), delivery);
}

static void deliver_watch(struct zk_model_client *client, struct text path) {
    struct arena *arena = arena_new();
    struct zk_delivery delivery = {.kind = ZK_DELIVERY_WATCH};
    delivery.watch_path = arena_text(arena, path);
    deliver(client, arena, delivery);
}

static void fire(struct zk_model_client *client, struct map *watches, struct text path) {
    if (map_remove_text(watches, path) != NULL)
        deliver_watch(client, path);
}

/* To the client's server, and to who watches there. */
static void see_change(struct zk_model_client *client, const struct change *change,
                       bool was_there) {
    struct text path = text_of(change->path);
    fire(client, &client->data_watches, path);
    if (change->is_gone)
        fire(client, &client->child_watches, path);
    if (change->is_gone || !was_there)
        fire(client, &client->child_watches, parent_of(path));
}

static void catch_up(struct zk_model_client *client) {
    if (client->lagged == NULL)
        return;
    VEC_EACH(change, &client->missed.items) {
        bool was_there = find(client->lagged, text_of(change->path)) != NULL;
        tree_change(client->lagged, change);
        see_change(client, change, was_there);
    }
    changes_clear(&client->missed);
}

static void commit_one(struct zk_model *model, const struct change *change) {
    bool was_there = find(&model->tree, text_of(change->path)) != NULL;
    tree_change(&model->tree, change);
    LIST_EACH(at, &model->clients) {
        struct zk_model_client *client = CONTAINER_OF(at, struct zk_model_client, link);
        if (client->lagged == NULL) {
            see_change(client, change, was_there);
        } else if (change->is_gone) {
            add_remove(&client->missed, text_of(change->path));
        } else {
            add_put(&client->missed, text_of(change->path), buf_text(&change->data),
                    change->version, change->owner);
        }
    }
}

static void commit(struct zk_model *model, const struct changes *changes) {
    VEC_EACH(change, &changes->items)
        commit_one(model, change);
}

/* --- writes ---
 *
 * Each is checked against the tree as the writes before it in the same multi have left it: these
 * are changes that are not made yet, and the last one of a path counts. */

static const struct change *find_planned(const struct changes *planned, struct text path) {
    for (size_t i = planned->items.count; i > 0; i--) {
        if (text_equal(text_of(planned->items.items[i - 1].path), path))
            return &planned->items.items[i - 1];
    }
    return NULL;
}

/* False: it is not there. */
static bool look(const struct zk_model *model, const struct changes *planned, struct text path,
                 int32_t *version, int64_t *owner) {
    const struct change *change = find_planned(planned, path);
    const struct node *node = find(&model->tree, path);
    if (change != NULL ? change->is_gone : node == NULL)
        return false;
    *version = change != NULL ? change->version : node->version;
    *owner = change != NULL ? change->owner : node->owner;
    return true;
}

static size_t planned_children(const struct zk_model *model, const struct changes *planned,
                               struct text path) {
    const struct node *node = find(&model->tree, path);
    size_t count = node != NULL ? node->children : 0;
    VEC_EACH(change, &planned->items) {
        if (text_equal(parent_of(text_of(change->path)), path))
            count += change->is_gone ? (size_t)-1 : 1;
    }
    return count;
}

static bool is_forbidden(const struct zk_model *model, struct text path) {
    struct text forbidden = text_of(model->forbidden);
    return forbidden.size > 0 && text_starts_with(path, forbidden) &&
           (path.size == forbidden.size || path.data[forbidden.size] == '/');
}

static enum zk_result plan_create(const struct zk_model *model, struct changes *planned,
                                  struct text path, struct text data, int64_t owner) {
    int32_t version;
    int64_t other;
    struct text parent = parent_of(path);
    if (is_forbidden(model, parent))
        return ZK_NO_AUTH;
    if (path.size < 2 || path.data[0] != '/')
        return ZK_FAILED;
    if (parent.size > 0 && (!look(model, planned, parent, &version, &other) || other != 0))
        return ZK_NO_NODE;
    if (look(model, planned, path, &version, &other))
        return ZK_NODE_EXISTS;
    add_put(planned, path, data, 0, owner);
    return ZK_OK;
}

static enum zk_result plan_write(const struct zk_model *model, struct changes *planned,
                                 const struct zk_write *write) {
    int32_t version;
    int64_t owner;
    if (write->kind == ZK_WRITE_CREATE)
        return plan_create(model, planned, write->path, write->data, 0);
    if (is_forbidden(model, write->path))
        return ZK_NO_AUTH;
    if (!look(model, planned, write->path, &version, &owner))
        return ZK_NO_NODE;
    if (write->version != ZK_VERSION_ANY && write->version != version)
        return ZK_BAD_VERSION;
    switch (write->kind) {
    case ZK_WRITE_SET: add_put(planned, write->path, write->data, version + 1, owner); break;
    case ZK_WRITE_DELETE:
        if (planned_children(model, planned, write->path) > 0)
            return ZK_NOT_EMPTY;
        add_remove(planned, write->path);
        break;
    case ZK_WRITE_CHECK:
    case ZK_WRITE_CREATE: break;
    }
    return ZK_OK;
}

static size_t multi_bytes(const struct zk_request *request) {
    size_t size = request->data.size;
    for (size_t i = 0; i < request->write_count; i++)
        size += request->writes[i].data.size + request->writes[i].path.size;
    return size;
}

static void serve_multi(struct zk_model *model, const struct zk_request *request,
                        struct changes *planned, struct zk_reply *reply) {
    assert(request->write_count <= ZK_MULTI_WRITES_LIMIT);
    for (size_t i = 0; i < request->write_count; i++) {
        reply->result = plan_write(model, planned, &request->writes[i]);
        if (reply->result != ZK_OK) {
            reply->failed_write = i;
            changes_clear(planned);
            return;
        }
    }
}

static void serve_member(struct zk_model_client *client, const struct zk_request *request,
                         struct changes *planned, struct arena *arena, struct zk_reply *reply) {
    const struct node *parent = find(&client->model->tree, parent_of(request->path));
    unsigned number = parent != NULL ? parent->created : 0;
    reply->path = text_of(arena_printf(arena, "%.*s%010u", TEXT_ARGS(request->path), number));
    reply->result =
        plan_create(client->model, planned, reply->path, request->data, client->session);
}

static void serve_write(struct zk_model_client *client, const struct zk_request *request,
                        struct arena *arena, struct zk_reply *reply) {
    struct zk_model *model = client->model;
    struct changes planned = {0};
    struct zk_write write = {.path = request->path,
                             .data = request->data,
                             .version = request->version,
                             .kind = request->kind == ZK_SET ? ZK_WRITE_SET : ZK_WRITE_DELETE};
    if (multi_bytes(request) > ZK_NODE_BYTES_LIMIT) {
        reply->result = ZK_FAILED;
        reply->why = TEXT("more than jute.maxbuffer");
    } else if (request->kind == ZK_CREATE) {
        reply->path = arena_text(arena, request->path);
        reply->result = plan_create(model, &planned, request->path, request->data, 0);
    } else if (request->kind == ZK_CREATE_MEMBER) {
        serve_member(client, request, &planned, arena, reply);
    } else if (request->kind == ZK_MULTI) {
        serve_multi(model, request, &planned, reply);
    } else {
        reply->result = plan_write(model, &planned, &write);
        reply->version = planned.items.count > 0 ? planned.items.items[0].version : 0;
    }
    catch_up(client); /* one's own write is seen, and all before it */
    commit(model, &planned);
    catch_up(client);
    changes_fini(&planned);
}

/* --- reads --- */

static const struct tree *tree_of(const struct zk_model_client *client) {
    return client->lagged != NULL ? client->lagged : &client->model->tree;
}

static void serve_get(struct zk_model_client *client, const struct zk_request *request,
                      struct arena *arena, struct zk_reply *reply) {
    const struct node *node = find(tree_of(client), request->path);
    if (request->watch)
        map_put_text(&client->data_watches, request->path, client);
    if (node == NULL) {
        reply->result = ZK_NO_NODE;
        return;
    }
    reply->data = arena_text(arena, buf_text(&node->data));
    reply->version = node->version;
    reply->owner = node->owner;
}

static void serve_children(struct zk_model_client *client, const struct zk_request *request,
                           struct arena *arena, struct zk_reply *reply) {
    const struct tree *tree = tree_of(client);
    struct text path = text_equal(request->path, TEXT("/")) ? TEXT("") : request->path;
    const struct node *node = find(tree, path);
    if (request->watch)
        map_put_text(&client->child_watches, path, client);
    if (node == NULL) {
        reply->result = ZK_NO_NODE;
        return;
    }
    struct text *names = ARENA_ARRAY(arena, struct text, node->children + 1);
    MAP_EACH(entry, &tree->nodes) {
        struct text key = map_key_text(entry);
        if (key.size > 0 && text_equal(parent_of(key), path))
            names[reply->child_count++] = arena_text(arena, text_sub(key, path.size + 1, SIZE_MAX));
    }
    reply->children = names;
}

/* --- requests --- */

static struct text copy(struct arena *arena, struct text text) {
    return text.size > 0 ? arena_text(arena, text) : (struct text){0};
}

void zk_model_send(struct zk_model_client *client, const struct zk_request *request) {
    struct waiting_request *waiting = NEW(struct waiting_request);
    waiting->arena = arena_new();
    waiting->request = *request;
    waiting->request.path = copy(waiting->arena, request->path);
    waiting->request.data = copy(waiting->arena, request->data);
    struct zk_write *writes =
        ARENA_ARRAY(waiting->arena, struct zk_write, request->write_count + 1);
    for (size_t i = 0; i < request->write_count; i++) {
        writes[i] = request->writes[i];
        writes[i].path = copy(waiting->arena, writes[i].path);
        writes[i].data = copy(waiting->arena, writes[i].data);
    }
    waiting->request.writes = writes;
    list_append(&client->requests, &waiting->link);
    client->request_count++;
}

static void drop_request(struct zk_model_client *client, struct waiting_request *waiting) {
    list_remove(&waiting->link);
    client->request_count--;
    arena_free(waiting->arena);
    mem_free(waiting);
}

static bool is_read(enum zk_request_kind kind) {
    return kind == ZK_GET || kind == ZK_CHILDREN || kind == ZK_SYNC;
}

static void serve_read(struct zk_model_client *client, const struct zk_request *request,
                       struct arena *arena, struct zk_reply *reply) {
    if (request->kind == ZK_SYNC)
        catch_up(client);
    else if (is_forbidden(client->model, request->path))
        reply->result = ZK_NO_AUTH;
    else if (request->kind == ZK_GET)
        serve_get(client, request, arena, reply);
    else
        serve_children(client, request, arena, reply);
}

bool zk_model_serve(struct zk_model_client *client) {
    struct link *first = list_first(&client->requests);
    if (first == NULL || !client->is_joined)
        return false;
    struct waiting_request *waiting = CONTAINER_OF(first, struct waiting_request, link);
    struct arena *arena = arena_new();
    struct zk_delivery delivery = {.kind = ZK_DELIVERY_REPLY};
    delivery.reply.number = waiting->request.number;
    if (client->failures > 0) {
        client->failures--;
        delivery.reply.result = ZK_FAILED;
        delivery.reply.why = TEXT("told to fail");
    } else if (is_read(waiting->request.kind)) {
        serve_read(client, &waiting->request, arena, &delivery.reply);
    } else {
        serve_write(client, &waiting->request, arena, &delivery.reply);
    }
    drop_request(client, waiting);
    deliver(client, arena, delivery);
    return true;
}

static void drop_delivery(struct zk_model_client *client, struct waiting_delivery *waiting) {
    list_remove(&waiting->link);
    client->delivery_count--;
    arena_free(waiting->arena);
    mem_free(waiting);
}

static struct zk_reply copy_reply(struct arena *arena, const struct zk_reply *from) {
    struct zk_reply reply = *from;
    reply.path = copy(arena, from->path);
    reply.data = copy(arena, from->data);
    reply.why = copy(arena, from->why);
    struct text *children = ARENA_ARRAY(arena, struct text, from->child_count + 1);
    for (size_t i = 0; i < from->child_count; i++)
        children[i] = copy(arena, from->children[i]);
    reply.children = children;
    return reply;
}

bool zk_model_take(struct zk_model_client *client, struct arena *arena, struct zk_delivery *out) {
    struct link *first = list_first(&client->deliveries);
    if (first == NULL)
        return false;
    struct waiting_delivery *waiting = CONTAINER_OF(first, struct waiting_delivery, link);
    *out = waiting->delivery;
    if (out->kind == ZK_DELIVERY_REPLY)
        out->reply = copy_reply(arena, &waiting->delivery.reply);
    else if (out->kind == ZK_DELIVERY_WATCH)
        out->watch_path = copy(arena, waiting->delivery.watch_path);
    drop_delivery(client, waiting);
    return true;
}

size_t zk_model_unserved(const struct zk_model_client *client) {
    return client->request_count;
}

size_t zk_model_untaken(const struct zk_model_client *client) {
    return client->delivery_count;
}

/* --- connections and sessions --- */

/* Replies that were on the way are lost, watches come again (they are kept). */
static void lose_replies(struct zk_model_client *client, enum zk_result result) {
    LIST_EACH(at, &client->deliveries) {
        struct waiting_delivery *waiting = CONTAINER_OF(at, struct waiting_delivery, link);
        if (waiting->delivery.kind != ZK_DELIVERY_REPLY)
            continue;
        waiting->delivery.reply =
            (struct zk_reply){.number = waiting->delivery.reply.number, .result = result};
    }
}

static void lose_requests(struct zk_model_client *client, enum zk_result result) {
    LIST_EACH(at, &client->requests) {
        struct waiting_request *waiting = CONTAINER_OF(at, struct waiting_request, link);
        deliver_failure(client, waiting->request.number, result);
        drop_request(client, waiting);
    }
}

void zk_model_cut(struct zk_model_client *client) {
    if (!client->is_joined)
        return;
    client->is_joined = false;
    lose_replies(client, ZK_LOST);
    deliver_session(client, ZK_SESSION_CONNECTING);
    lose_requests(client, ZK_LOST);
}

static void forget_watches(struct zk_model_client *client) {
    map_fini(&client->data_watches, NULL);
    map_fini(&client->child_watches, NULL);
}

static void remove_ephemerals(struct zk_model *model, int64_t session) {
    struct changes changes = {0};
    MAP_EACH(entry, &model->tree.nodes) {
        const struct node *node = map_value(entry);
        if (node->owner == session)
            add_remove(&changes, map_key_text(entry));
    }
    commit(model, &changes);
    changes_fini(&changes);
}

void zk_model_expire(struct zk_model_client *client) {
    zk_model_cut(client);
    if (client->session == 0)
        return;
    int64_t session = client->session;
    forget_watches(client);
    client->session = 0;
    client->has_expired = true;
    remove_ephemerals(client->model, session);
}

void zk_model_refuse(struct zk_model_client *client) {
    zk_model_expire(client);
    client->has_expired = false;
    lose_requests(client, ZK_OVER);
    deliver_session(client, ZK_SESSION_REFUSED);
}

static void tell_watches(struct zk_model_client *client) {
    MAP_EACH(entry, &client->data_watches)
        deliver_watch(client, map_key_text(entry));
    MAP_EACH(entry, &client->child_watches)
        deliver_watch(client, map_key_text(entry));
    forget_watches(client);
}

void zk_model_join(struct zk_model_client *client) {
    if (client->is_joined)
        return;
    if (client->has_expired) {
        client->has_expired = false;
        lose_requests(client, ZK_OVER);
        deliver_session(client, ZK_SESSION_EXPIRED);
        return;
    }
    client->is_joined = true;
    if (client->session == 0)
        client->session = ++client->model->last_session;
    deliver_session(client, ZK_SESSION_CONNECTED);
    tell_watches(client);
}

bool zk_model_is_joined(const struct zk_model_client *client) {
    return client->is_joined;
}

int64_t zk_model_session(const struct zk_model_client *client) {
    return client->session;
}

void zk_model_set_lag(struct zk_model_client *client, bool lags) {
    if (lags == (client->lagged != NULL))
        return;
    if (lags) {
        client->lagged = tree_copy(&client->model->tree);
        return;
    }
    catch_up(client);
    tree_free(TAKE(client->lagged));
}

void zk_model_fail_next(struct zk_model_client *client, size_t count) {
    client->failures = count;
}

void zk_model_forbid(struct zk_model *model, struct text path) {
    mem_free(model->forbidden);
    model->forbidden = text_dup(path);
}

/* --- past all sessions --- */

bool zk_model_get(const struct zk_model *model, struct text path, struct text *data) {
    const struct node *node = find(&model->tree, path);
    if (node != NULL)
        *data = buf_text(&node->data);
    return node != NULL;
}

size_t zk_model_count(const struct zk_model *model, struct text prefix) {
    size_t count = 0;
    MAP_EACH(entry, &model->tree.nodes)
        count += text_starts_with(map_key_text(entry), prefix);
    return count;
}

struct text zk_model_path(const struct zk_model *model, struct text prefix, size_t index) {
    MAP_EACH(entry, &model->tree.nodes) {
        if (text_starts_with(map_key_text(entry), prefix) && index-- == 0)
            return map_key_text(entry);
    }
    return (struct text){0};
}

void zk_model_put(struct zk_model *model, struct text path, struct text data) {
    const struct node *node = find(&model->tree, path);
    struct changes changes = {0};
    add_put(&changes, path, data, node != NULL ? node->version + 1 : 0,
            node != NULL ? node->owner : 0);
    commit(model, &changes);
    changes_fini(&changes);
}

void zk_model_erase(struct zk_model *model, struct text path) {
    struct changes changes = {0};
    add_remove(&changes, path);
    commit(model, &changes);
    changes_fini(&changes);
}

/* --- life --- */

struct zk_model *zk_model_new(void) {
    struct zk_model *model = NEW(struct zk_model);
    list_init(&model->clients);
    map_put_text(&model->tree.nodes, TEXT(""), NEW(struct node));
    return model;
}

void zk_model_free(struct zk_model *model) {
    if (model == NULL)
        return;
    assert(list_is_empty(&model->clients));
    tree_fini(&model->tree);
    mem_free(model->forbidden);
    mem_free(model);
}

struct zk_model_client *zk_model_client_new(struct zk_model *model) {
    struct zk_model_client *client = NEW(struct zk_model_client);
    client->model = model;
    list_init(&client->requests);
    list_init(&client->deliveries);
    list_append(&model->clients, &client->link);
    return client;
}

void zk_model_client_free(struct zk_model_client *client) {
    if (client == NULL)
        return;
    zk_model_expire(client);
    list_remove(&client->link);
    LIST_EACH(at, &client->requests)
        drop_request(client, CONTAINER_OF(at, struct waiting_request, link));
    LIST_EACH(at, &client->deliveries)
        drop_delivery(client, CONTAINER_OF(at, struct waiting_delivery, link));
    forget_watches(client);
    tree_free(client->lagged);
    changes_fini(&client->missed);
    mem_free(client);
}
