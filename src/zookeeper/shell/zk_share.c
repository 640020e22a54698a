#include "zookeeper/shell/zk_share.h"

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/mem.h"

struct zk_share {
    struct zk_client *client;
    enum zk_session_state state;
    int64_t session;
    struct link ports;
    struct map asked; /* the client's number -> struct asked, owned */
    uint64_t last_number;
};

struct zk_port {
    struct link link;
    struct zk_share *share;
    struct zk_port_options options;
};

struct asked {
    struct zk_port *port; /* NULL: closed meanwhile */
    uint64_t number;      /* the port's own */
};

/* Ports may be closed, and opened, by what they are told: each moves to `told` before it hears. */
static struct zk_port *next_to_tell(struct zk_share *share, struct link *told) {
    if (list_is_empty(&share->ports))
        return NULL;
    struct link *first = share->ports.next;
    list_remove(first);
    list_append(told, first);
    return CONTAINER_OF(first, struct zk_port, link);
}

static void all_told(struct zk_share *share, struct link *told) {
    while (!list_is_empty(told)) {
        struct link *first = told->next;
        list_remove(first);
        list_append(&share->ports, first);
    }
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    struct zk_share *share = self;
    share->state = state;
    share->session = state == ZK_SESSION_CONNECTED ? id : 0;
    struct link told;
    list_init(&told);
    for (struct zk_port *port; (port = next_to_tell(share, &told)) != NULL;)
        port->options.on_session(port->options.self, state, id);
    all_told(share, &told);
}

static void on_reply(void *self, const struct zk_reply *reply) {
    struct zk_share *share = self;
    struct asked *asked = map_remove(&share->asked, reply->number);
    if (asked == NULL)
        return;
    struct zk_port *port = asked->port;
    struct zk_reply own = *reply;
    own.number = asked->number;
    mem_free(asked);
    if (port != NULL)
        port->options.on_reply(port->options.self, &own);
}

static void on_watch(void *self, struct text path) {
    struct zk_share *share = self;
    struct link told;
    list_init(&told);
    for (struct zk_port *port; (port = next_to_tell(share, &told)) != NULL;)
        port->options.on_watch(port->options.self, path);
    all_told(share, &told);
}

static void on_lookup(void *self, struct text why) {
    struct zk_share *share = self;
    struct link told;
    list_init(&told);
    for (struct zk_port *port; (port = next_to_tell(share, &told)) != NULL;) {
        if (port->options.on_lookup != NULL)
            port->options.on_lookup(port->options.self, why);
    }
    all_told(share, &told);
}

struct zk_share *zk_share_new(struct loop *loop, const struct zk_url *url,
                              int64_t session_timeout_ms, struct error *error) {
    AUTO(zk_share_free) struct zk_share *share = NEW(struct zk_share);
    list_init(&share->ports);
    share->state = ZK_SESSION_CONNECTING;
    struct zk_client_options options = {.url = url,
                                        .session_timeout_ms = session_timeout_ms,
                                        .on_session = on_session,
                                        .on_reply = on_reply,
                                        .on_watch = on_watch,
                                        .on_lookup = on_lookup,
                                        .self = share};
    share->client = zk_client_new(loop, &options, error);
    return share->client != NULL ? TAKE(share) : NULL;
}

void zk_share_free(struct zk_share *share) {
    if (share == NULL)
        return;
    zk_client_free(share->client);
    map_fini(&share->asked, mem_free);
    mem_free(share);
}

enum zk_session_state zk_share_state(const struct zk_share *share) {
    return share->state;
}

int64_t zk_share_session(const struct zk_share *share) {
    return share->session;
}

struct zk_port *zk_port_open(struct zk_share *share, const struct zk_port_options *options) {
    struct zk_port *port = NEW(struct zk_port);
    port->share = share;
    port->options = *options;
    list_append(&share->ports, &port->link);
    return port;
}

void zk_port_close(struct zk_port *port) {
    if (port == NULL)
        return;
    MAP_EACH(entry, &port->share->asked) {
        struct asked *asked = map_value(entry);
        if (asked->port == port)
            asked->port = NULL;
    }
    list_remove(&port->link);
    mem_free(port);
}

void zk_port_send(struct zk_port *port, const struct zk_request *request) {
    struct zk_share *share = port->share;
    struct asked *asked = NEW(struct asked);
    *asked = (struct asked){port, request->number};
    struct zk_request own = *request;
    own.number = ++share->last_number;
    map_put(&share->asked, own.number, asked);
    zk_client_send(share->client, &own);
}
