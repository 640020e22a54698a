#include "agent/shell/master_link.h"

#include "agent/shell/daemon.h"
#include "agent/shell/outputs.h"
#include "common/model/frame_type.h"
#include "common/runtime/address.h"
#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "zookeeper/core/zk_url.h"
#include "zookeeper/shell/leader_finder.h"

enum { MASTERS_LIMIT = 16, REDIRECTS_LIMIT = 4, DEFAULT_PORT = 5050 };

struct master_link {
    struct daemon *daemon;
    struct address masters[MASTERS_LIMIT];
    size_t master_count;
    struct leader_finder *finder; /* NULL: they are given; else the one it has found last */
    bool is_waiting;              /* to be connected, once a leader is found */
    size_t next;                  /* which to ask when nobody has told us better */
    size_t failed;                /* of the round that the core has asked for */
    struct address asked;         /* who was asked last */
    size_t redirects;             /* followed on the way to this connection */
    struct frame_client *client;
    struct frame_link *link;
    struct loop_task closed; /* tells the core outside of its own step */
    struct error why_closed;
};

static void forget_connection(struct master_link *link) {
    frame_client_free(TAKE(link->client));
    frame_link_free(TAKE(link->link));
}

static void tell_closed(void *self) {
    struct master_link *link = self;
    struct agent_event event = {.kind = AGENT_EVENT_MASTER_CLOSED,
                                .closed_reason = text_of(link->why_closed.message)};
    daemon_feed(link->daemon, event);
}

static void close_with(struct master_link *link, const struct error *why) {
    forget_connection(link);
    outputs_close_all(link->daemon->outputs);
    link->why_closed = *why;
    if (link->master_count > 0)
        link->next = (link->next + 1) % link->master_count;
    loop_defer(link->daemon->loop, &link->closed);
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct master_link *link = self;
    struct daemon *daemon = link->daemon;
    struct wire wire = daemon_wire(daemon);
    struct error error;
    if (type == FRAME_CHANNEL) {
        outputs_receive(daemon->outputs, payload);
        return;
    }
    struct agent_event event = {.kind = AGENT_EVENT_MASTER_MESSAGE};
    if (type == FRAME_MASTER_MESSAGE &&
        master_message_decode(&wire, payload, &event.master, &error)) {
        daemon_feed(daemon, event);
        return;
    }
    if (type != FRAME_MASTER_MESSAGE)
        fail(&error, ERROR_INVALID, "frame type %u is not for agents", type);
    log_error(daemon->log, "master_message_invalid", KV("error", &error),
              KV("note", "the connection is dropped"));
    arena_reset(daemon->arena);
    close_with(link, &error);
}

static void on_closed(void *self, const struct error *error) {
    close_with(self, error);
}

static void on_done(void *self, const struct frame_client_result *result);

static void ask(struct master_link *link, const struct address *address) {
    static const struct http_header headers[] = {{FRAME_ROLE_HEADER, "agent"},
                                                 {"Mesos-Version", MESOS_VERSION}};
    struct frame_client_options options = {.address = *address,
                                           .path = FRAME_UPGRADE_PATH,
                                           .headers = headers,
                                           .header_count = sizeof(headers) / sizeof(headers[0])};
    frame_client_free(TAKE(link->client));
    link->asked = *address;
    link->client = frame_client_new(link->daemon->loop, &options, on_done, link);
}

static void connected(struct master_link *link, struct frame_link *made) {
    static const struct frame_link_callbacks callbacks = {.on_frame = on_frame,
                                                          .on_closed = on_closed};
    struct text peer = frame_link_peer(made);
    log_info(link->daemon->log, "master_connected", KV("master", peer));
    link->link = made;
    frame_link_start(made, &callbacks, link);
    daemon_feed(link->daemon, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});
}

static void on_done(void *self, const struct frame_client_result *result) {
    struct master_link *link = self;
    frame_client_free(TAKE(link->client));
    switch (result->outcome) {
    case FRAME_CLIENT_CONNECTED: connected(link, result->link); return;
    case FRAME_CLIENT_REDIRECTED:
        if (link->redirects++ < REDIRECTS_LIMIT) {
            ask(link, &result->redirect);
            return;
        }
        break;
    case FRAME_CLIENT_REFUSED:
    case FRAME_CLIENT_FAILED: break;
    }
    /* The core waits after a round of all, not after each: a wait is up to a minute. */
    if (++link->failed < link->master_count) {
        link->next = (link->next + 1) % link->master_count;
        link->redirects = 0;
        ask(link, &link->masters[link->next]);
        return;
    }
    struct error why = result->error;
    if (why.code == ERROR_NONE)
        fail(&why, ERROR_REFUSED, "the master answered with status %d", result->status);
    close_with(link, &why);
}

static bool parse_masters(struct master_link *link, struct text list, struct error *error) {
    struct text one;
    while (text_split(&list, ',', &one)) {
        if (link->master_count == MASTERS_LIMIT)
            return fail(error, ERROR_LIMIT, "--master: more than %d addresses", MASTERS_LIMIT);
        if (!address_parse(text_trim(one), DEFAULT_PORT, &link->masters[link->master_count], error))
            return fail_context(error, "--master");
        link->master_count++;
    }
    return true;
}

/* --- the leader in ZooKeeper --- */

/* When none leads the last one is still worth trying: it may be ZooKeeper that is away. */
static void on_leader(void *self, struct text found) {
    struct master_link *link = self;
    struct address address;
    if (!address_parse(found, DEFAULT_PORT, &address, NULL)) {
        log_info(link->daemon->log, "no_master_leads");
        return;
    }
    log_info(link->daemon->log, "master_found", KV("master", found));
    link->masters[0] = address;
    link->master_count = 1;
    link->next = 0;
    bool is_busy = link->client != NULL || link->link != NULL;
    if (link->is_waiting)
        master_link_connect(link);
    else if (!is_busy || !address_equal(&address, &link->asked))
        daemon_feed(link->daemon, (struct agent_event){.kind = AGENT_EVENT_MASTER_FOUND});
}

static void on_trouble(void *self, struct text why) {
    struct master_link *link = self;
    log_warning(link->daemon->log, "master_not_found", KV("error", why),
                KV("note", "tried again; tasks go on"));
}

static bool find_masters(struct master_link *link, struct text masters, struct error *error) {
    if (!zk_url_is(masters))
        return parse_masters(link, masters, error);
    link->finder =
        leader_finder_new(link->daemon->loop, masters, on_leader, on_trouble, link, error);
    return link->finder != NULL || fail_context(error, "--master");
}

struct master_link *master_link_new(struct daemon *daemon, struct error *error) {
    struct master_link *link = NEW(struct master_link);
    link->daemon = daemon;
    loop_task_init(&link->closed, tell_closed, link);
    if (find_masters(link, text_of(daemon->flags.master), error))
        return link;
    mem_free(link);
    return NULL;
}

void master_link_free(struct master_link *link) {
    if (link == NULL)
        return;
    loop_task_cancel(&link->closed);
    leader_finder_free(link->finder);
    forget_connection(link);
    mem_free(link);
}

void master_link_connect(struct master_link *link) {
    if (link->client != NULL || link->link != NULL)
        return;
    loop_task_cancel(&link->closed); /* the core knows: it asks for a new one */
    link->redirects = link->failed = 0;
    link->is_waiting = link->master_count == 0;
    if (link->is_waiting)
        return;
    ask(link, &link->masters[link->next]);
}

void master_link_disconnect(struct master_link *link, const char *reason) {
    struct error why;
    fail(&why, ERROR_CLOSED, "%s", reason);
    if (link->client != NULL || link->link != NULL)
        close_with(link, &why);
}

void master_link_send(struct master_link *link, struct text agent_message) {
    if (link->link != NULL)
        frame_link_send(link->link, FRAME_AGENT_MESSAGE, agent_message);
}

void master_link_send_channel(struct master_link *link, struct text channel_message) {
    if (link->link != NULL)
        frame_link_send(link->link, FRAME_CHANNEL, channel_message);
}
