/*
 * What the master must not forget, on this machine (LMDB) or in ZooKeeper. Either way: load once,
 * then put and remove into a batch, commit under rising tickets, hear when they are stored.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct registry;
struct zk_share;

/* Out of the loop, but on_loaded and on_refused also out of registry_load. The registry must not be
 * closed in any of them. */
struct registry_events {
    void (*on_loaded)(void *self);
    void (*on_refused)(void *self, const struct error *error); /* damaged, newer, not ours */
    void (*on_stored)(void *self, uint64_t ticket);
    void (*on_deposed)(void *self); /* another master leads: nothing was or will be written */
    void (*on_trouble)(void *self, const struct error *error); /* NULL: it works again */
    void *self;
};

/* NULL with the error when the directory cannot be used. */
struct registry *registry_open_local(struct loop *loop, const char *directory,
                                     const struct registry_events *events, struct error *error);
/* Under `path` of the ensemble, as long as `fence`, this master's node in the election, is there.
 */
struct registry *registry_open_shared(struct loop *loop, struct zk_share *share, struct text path,
                                      struct text fence, const struct registry_events *events);
/* On this machine what was committed is written first; in ZooKeeper what was not stored is not. */
void registry_close(struct registry *registry);
DEFINE_AUTO(struct registry, registry_close)

void registry_load(struct registry *registry);
/* After on_loaded (or in it); borrowed for the call. */
bool registry_each(struct registry *registry,
                   bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                   void *self, struct error *error);
void registry_put(struct registry *registry, struct text key, struct text value); /* copied */
void registry_remove(struct registry *registry, struct text key);
void registry_commit(struct registry *registry, uint64_t ticket);
