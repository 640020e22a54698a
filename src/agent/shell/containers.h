/*
 * From the core's orders to containers: looks up the user, makes the sandbox, and tells the core
 * what became of it.
 */
#pragma once

#include "agent/core/agent.h"

struct containers;
struct container_log_position;
struct daemon;

/* A copy of struct container_launch that outlives its step. */
struct launch_order;
struct launch_order *launch_order_new(const struct container_launch *launch);
void launch_order_free(struct launch_order *order); /* takes NULL */

/* NULL: this machine cannot run containers, and the error says what is missing. */
struct containers *containers_new(struct daemon *daemon, struct error *error);
void containers_free(struct containers *containers); /* running ones go on */
DEFINE_AUTO(struct containers, containers_free)

void containers_launch(struct containers *containers, struct launch_order *order); /* takes it */
void containers_signal(struct containers *containers, struct text id, int signal);
void containers_destroy(struct containers *containers, struct text id);
void containers_forget(struct containers *containers, struct text id);
/* Units and zeros as in struct container_launch. */
void containers_limit(struct containers *containers, struct text id, int64_t cpu_milli,
                      int64_t cpu_quota_milli, int64_t memory_bytes);

/* As AGENT_EFFECT_LEASE; nothing for a container that has ended. */
void containers_lease(struct containers *containers, struct text id, int64_t stop_at_ms);

/* Looks for the containers of stored tasks and executors; CONTAINER_STARTED or _ENDED follows for
 * each, then CONTAINERS_RECOVERED, and what nobody owns is removed. */
bool containers_recover(struct containers *containers, const struct agent_record *records,
                        size_t count, struct error *error);
/* Removes what nobody owns; now and then. */
void containers_remove_orphans(struct containers *containers);
struct container_orphans;
const struct container_orphans *containers_orphans(const struct containers *containers);
/* Kills everything and begins nothing any more; on_gone is called once, when no trace of a
 * container is left on this machine. */
void containers_end(struct containers *containers, void (*on_gone)(void *self), void *self);

bool containers_log_position(struct containers *containers, struct text id,
                             struct container_log_position *out);
int64_t containers_log_half_bytes(const struct containers *containers);
