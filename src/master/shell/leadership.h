/*
 * This master's part in the election: a ZooKeeper session, its node, and who leads. Without --zk
 * there is none of this, and the master leads always.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "zookeeper/core/election.h"

struct loop;
struct log;
struct leadership;
struct zk_share;

struct leadership_options {
    struct text url; /* zk://... or file://... */
    int64_t session_timeout_ms;
    void (*on_change)(void *self); /* out of the loop: any of the functions below has news */
    void (*on_resigned)(void *self);
    void *self;
};

/* ERROR_INVALID: the URL. Stands for nothing before leadership_stand. */
struct leadership *leadership_new(struct loop *loop, struct log *log,
                                  const struct leadership_options *options, struct error *error);
void leadership_free(struct leadership *leadership); /* ends the session */
DEFINE_AUTO(struct leadership, leadership_free)

/* Joins the election under this MasterInfo (JSON); again: leaves its place and joins as the last.
 * Not out of on_change. */
void leadership_stand(struct leadership *leadership, struct text info);
/* Gives up its node, so that the next leads at once; on_resigned follows, also when ZooKeeper does
 * not answer. */
void leadership_resign(struct leadership *leadership);

enum election_role leadership_role(const struct leadership *leadership);
struct text leadership_node(const struct leadership *leadership);
/* host:port of whoever leads; "" when nobody is known to. */
struct text leadership_leader(const struct leadership *leadership);
bool leadership_is_connected(const struct leadership *leadership); /* to ZooKeeper, just now */
struct zk_share *leadership_share(const struct leadership *leadership);
struct text leadership_path(const struct leadership *leadership); /* of the election */
