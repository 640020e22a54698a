/*
 * What the registry has of agents that are away: it does not grow for ever. Those unreachable or
 * gone for longer than registry_max_agent_age_ms are forgotten, and beyond registry_max_agent_count
 * the oldest; looked at every registry_gc_interval_ms, a bounded number at a time. As in Mesos.
 */
#pragma once

#include "master/core/state.h"

/* Agents that must not return, with the time (Unix, ns) since when. */
void old_book_load_gone(struct master *master, struct text id, int64_t since_ns);
void old_book_add_gone(struct master *master, struct text id);
bool old_book_is_gone(const struct master *master, struct text id);

void old_book_begin(struct master *master); /* after recovery */
void old_book_ring(struct master *master);  /* TIMER_REGISTRY */
void old_book_fini(struct master *master);
