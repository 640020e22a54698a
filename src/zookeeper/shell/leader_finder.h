/*
 * Where the leading master is, for agents, drivers and the CLI: --master=zk://... watched by an
 * observer of the election, or a plain list of addresses, which needs nothing.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct loop;
struct leader_finder;

/* on_change: out of the loop, with host:port of the leader, or "" when there is none for now (the
 * election goes on, or ZooKeeper has not been reached for the session timeout; then what was said
 * last is still worth trying). Comes for the first time when something is known. `url` is zk:// or
 * file://. NULL with ERROR_INVALID when it is malformed. */
struct leader_finder *leader_finder_new(struct loop *loop, struct text url,
                                        void (*on_change)(void *self, struct text address),
                                        void (*on_trouble)(void *self, struct text why), void *self,
                                        struct error *error);
void leader_finder_free(struct leader_finder *finder);
DEFINE_AUTO(struct leader_finder, leader_finder_free)
struct text leader_finder_address(const struct leader_finder *finder); /* lent; "": none */

/* Blocks, for the CLI: the leader's address within timeout_ms. ERROR_TIMEOUT names the ensemble. */
bool leader_find(struct text url, int64_t timeout_ms, char *out, size_t size, struct error *error);

/* Of a MasterInfo in JSON its host:port as one connects to it (address.ip, else address.hostname,
 * else the old ip as a number in network order; port); false when it makes no sense. */
bool leader_address(struct text master_info_json, char *out, size_t size);
