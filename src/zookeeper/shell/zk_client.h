/*
 * The real ZooKeeper through libzookeeper_mt, as zk.h has it. The library's threads only post to
 * the loop; everything here is called on the loop's thread, and calls back there, never inside a
 * call of zk_client_*.
 *
 * One client keeps a session as long as it lives: when a session expires or is refused, a new one
 * is begun (with a pause after a refusal), and names of hosts are resolved anew for it and, while
 * no server answers, every ZK_RESOLVE_MS. A session whose server says that it is alive, and answers
 * no request for three session timeouts, is given up as if it had expired.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "zookeeper/core/zk.h"
#include "zookeeper/core/zk_url.h"

struct loop;
struct zk_client;

enum { ZK_RESOLVE_MS = 10000, ZK_REFUSED_PAUSE_MS = 2000 };

struct zk_client_options {
    const struct zk_url *url;   /* copied */
    int64_t session_timeout_ms; /* asked for; the ensemble may grant another */
    void (*on_session)(void *self, enum zk_session_state state, int64_t id);
    /* Replies come in the order of the requests. After zk_client_free none comes. */
    void (*on_reply)(void *self, const struct zk_reply *reply);
    void (*on_watch)(void *self, struct text path);
    /* Names of the URL that could not be looked up, and why: once, until that changes. May be NULL.
     */
    void (*on_lookup)(void *self, struct text why);
    void *self;
};

/* Nodes are created readable by all and writable by the creator with credentials, else open, as
 * Mesos does. NULL only when the library has no memory or threads. */
struct zk_client *zk_client_new(struct loop *loop, const struct zk_client_options *options,
                                struct error *error);
/* Closes the session, so that its ephemeral nodes go at once; does not wait for more than
 * ZK_CLOSE_MS. */
void zk_client_free(struct zk_client *client);
DEFINE_AUTO(struct zk_client, zk_client_free)

/* Copies what the request points to. Answered once, ZK_LOST or ZK_OVER included. */
void zk_client_send(struct zk_client *client, const struct zk_request *request);
enum { ZK_CLOSE_MS = 2000 };
