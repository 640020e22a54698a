/*
 * The master's state in the words of mesos.v1.master.Response, written as bytes straight from the
 * core's views: no structs in between. Each function appends the fields of one message.
 */
#pragma once

#include "common/wire/messages.h"
#include "master/core/master_view.h"

void views_put_agents(struct wire *wire, const struct master *master, struct buf *out);
void views_put_frameworks(struct wire *wire, const struct master *master, struct buf *out);
void views_put_executors(struct wire *wire, const struct master *master, struct buf *out);
void views_put_tasks(struct wire *wire, const struct master *master, struct buf *out);
void views_put_state(struct wire *wire, const struct master *master, struct buf *out);

/* Calls fn for every metric, in the names of Mesos where there is one. */
void views_each_metric(const struct master *master, int64_t wall_ns,
                       void (*fn)(void *self, const char *name, double value), void *self);
