/*
 * What the parts of the runtime share with the loop and nobody else sees.
 */
#pragma once

#include "common/runtime/loop.h"

struct event_base;

enum { LOOP_SCRATCH_BYTES = 256 << 10 };

/* libevent's base, made at the first call; from then on the loop waits in it. NULL: no more fds. */
struct event_base *loop_event_base(struct loop *loop);
/* The first thing a callback out of libevent does: takes the time if this turn has not yet. */
void loop_wake(struct loop *loop);

/* LOOP_SCRATCH_BYTES that anyone may read into during one callback. */
char *loop_scratch(struct loop *loop);

/* loop_free runs the task; loop_task_cancel takes it back. */
void loop_at_end(struct loop *loop, struct loop_task *task);
