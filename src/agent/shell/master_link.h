/*
 * The agent's one connection to the leading master: finds it among the given addresses or in
 * ZooKeeper, follows redirects, carries frames. When to connect is the core's business.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct daemon;
struct master_link;

/* NULL with a clear error when --master is neither a list of addresses nor zk:// nor file://. */
struct master_link *master_link_new(struct daemon *daemon, struct error *error);
void master_link_free(struct master_link *link);
DEFINE_AUTO(struct master_link, master_link_free)

/* Of several masters each is asked until one is there; MASTER_CONNECTED or MASTER_CLOSED follows.
 * Does nothing while connecting or connected. */
void master_link_connect(struct master_link *link);
/* Drops the connection; MASTER_CLOSED follows. */
void master_link_disconnect(struct master_link *link, const char *reason);
void master_link_send(struct master_link *link,
                      struct text agent_message); /* nowhere when not connected */
void master_link_send_channel(struct master_link *link, struct text channel_message);
