/*
 * A registry in ZooKeeper for one command: the journal on a client of its own, without a fence.
 * What stands for the fence is that no master's node is there, and that a master which comes
 * meanwhile and writes makes our next write fail, or its own: neither takes the other's nodes for
 * its own.
 */
#pragma once

#include "cli/registry_content.h"
#include "zookeeper/core/zk_url.h"

struct loop;
struct registry_zk;

struct registry_zk *registry_zk_open(struct loop *loop, const struct zk_url *url,
                                     int64_t timeout_ms, struct error *error);
void registry_zk_close(struct registry_zk *zk);
bool registry_zk_read(struct registry_zk *zk, struct registry_content *out, struct error *error);
/* Behind a read: somebody has made one, empty as it may be. */
bool registry_zk_is_there(const struct registry_zk *zk);
bool registry_zk_check_idle(struct registry_zk *zk, struct error *error);
bool registry_zk_replace(struct registry_zk *zk, const struct registry_content *old,
                         const struct registry_content *content, struct error *error);
