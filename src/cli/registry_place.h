/*
 * Where a registry is: in a master's --work_dir (LMDB, standalone) or in ZooKeeper (HA), read and
 * replaced as a whole. Blocking, each with a loop of its own.
 */
#pragma once

#include "cli/registry_content.h"
#include "common/base/auto.h"

struct registry_place;

/* `name`: a work_dir, or zk://... or file://... as for --zk. `makes`: it may be made. A work_dir
 * stays locked until the place is closed; ERROR_REFUSED while a master runs on it. ERROR_NOT_FOUND:
 * there is no registry there. */
struct registry_place *registry_place_open(const char *name, bool makes, int64_t timeout_ms,
                                           struct error *error);
void registry_place_close(struct registry_place *place);
DEFINE_AUTO(struct registry_place, registry_place_close)
/* For people: no password. */
const char *registry_place_shown(const struct registry_place *place);

/* Sorted. ERROR_REFUSED: damaged, and which part. ERROR_NOT_FOUND as above. */
bool registry_place_read(struct registry_place *place, struct registry_content *out,
                         struct error *error);
/* ERROR_REFUSED: a master is there, leading or waiting. */
bool registry_place_check_idle(struct registry_place *place, struct error *error);
/* In one commit, all or nothing: what was read goes, and `content` comes. After a read. */
bool registry_place_replace(struct registry_place *place, const struct registry_content *old,
                            const struct registry_content *content, struct error *error);
