/*
 * One ZooKeeper session with several users: the master's election and its journal. What they send
 * goes out in the order in which they send it, so a write of the one that follows a read of the
 * other is also later for ZooKeeper.
 */
#pragma once

#include "zookeeper/shell/zk_client.h"

struct zk_share;
struct zk_port;

struct zk_port_options {
    void (*on_session)(void *self, enum zk_session_state state, int64_t id);
    void (*on_reply)(void *self, const struct zk_reply *reply); /* with the user's own number */
    void (*on_watch)(void *self, struct text path);             /* of whomever's watch */
    void (*on_lookup)(void *self, struct text why);             /* as the client's; may be NULL */
    void *self;
};

struct zk_share *zk_share_new(struct loop *loop, const struct zk_url *url,
                              int64_t session_timeout_ms, struct error *error);
void zk_share_free(struct zk_share *share); /* after its ports; ends the session */
DEFINE_AUTO(struct zk_share, zk_share_free)

enum zk_session_state zk_share_state(const struct zk_share *share);
int64_t zk_share_session(const struct zk_share *share); /* its id; 0: none */

/* What happened before is not told: zk_share_state. */
struct zk_port *zk_port_open(struct zk_share *share, const struct zk_port_options *options);
/* Also out of its own callbacks. What was not answered yet is not told any more. */
void zk_port_close(struct zk_port *port);
DEFINE_AUTO(struct zk_port, zk_port_close)
void zk_port_send(struct zk_port *port, const struct zk_request *request);
