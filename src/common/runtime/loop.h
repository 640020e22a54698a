/*
 * The loop: one thread, one turn after another. A turn waits for events, takes the time once, calls
 * what is ready (watches, signals, posts, due timers) and then what was deferred to its end;
 * batched commits and flushes hang on that last step.
 *
 * Everything here belongs to the loop's thread but loop_post. A callback may free or disarm
 * anything, itself included; nothing is called after that.
 *
 * It runs on an epoll of its own, so that libmesos can live inside a caller's loop (loop_fd,
 * loop_deadline_ms, loop_turn); a loop that serves HTTP waits in libevent, which then watches that
 * epoll.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/heap.h"
#include "common/base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(struct error *error); /* NULL: no more fds */
void loop_free(struct loop *loop);          /* after everything that uses it */
DEFINE_AUTO(struct loop, loop_free)

void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* loop_run returns at the end of this turn */
/* One turn, which waits max_wait_ms at most (0: only what is ready, -1: as long as it takes). */
void loop_turn(struct loop *loop, int64_t max_wait_ms);

/* For a caller's own loop: call loop_turn(loop, 0) when the fd is readable or the deadline has
 * come. The fd tells nothing about a loop that serves HTTP. */
int loop_fd(const struct loop *loop);
int64_t loop_deadline_ms(const struct loop *loop); /* CLOCK_MONOTONIC; INT64_MAX: none */

int64_t loop_now_ms(
    const struct loop *loop); /* CLOCK_MONOTONIC, as of the beginning of this turn */
int64_t loop_wall_ms(
    const struct loop *loop); /* CLOCK_REALTIME, as of the beginning of this turn */

/* Timers: members of what they serve. */
struct loop_timer {
    struct heap_node node;
    struct loop *loop;
    void (*fn)(void *self);
    void *self;
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*fn)(void *self),
                     void *self);
/* Calls fn once, not before at_ms of loop_now_ms; again: moves it. INT64_MAX disarms. */
void loop_timer_arm(struct loop_timer *timer, int64_t at_ms);
void loop_timer_disarm(struct loop_timer *timer); /* also on a zeroed timer */

/* Work for the end of this turn: a member of what it serves, called once however often it was
 * deferred. What deferred work defers runs in the same turn, up to LOOP_DEFER_ROUNDS deep, then in
 * the next turn, which does not wait. */
enum { LOOP_DEFER_ROUNDS = 8 };

struct loop_task {
    struct link link;
    void (*fn)(void *self);
    void *self;
};

static inline void loop_task_init(struct loop_task *task, void (*fn)(void *self), void *self) {
    *task = (struct loop_task){.fn = fn, .self = self};
}
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop_task *task); /* also on a zeroed task */

/* Watches: level-triggered; what is readable or broken is told as often as asked for. */
enum loop_events { LOOP_NONE = 0, LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch;

/* Does not own the fd; free the watch before the fd is closed. `events` are those that happened; an
 * error or a hang-up counts as all that were asked for. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, unsigned events,
                                  void (*fn)(void *self, unsigned events), void *self);
void loop_watch_set(struct loop_watch *watch, unsigned events);
void loop_watch_free(struct loop_watch *watch);
DEFINE_AUTO(struct loop_watch, loop_watch_free)

/* Any thread: calls fn(self) in a later turn of the loop. LOOP_POSTS_LIMIT may wait, one more
 * crashes: whoever posts without end has a bug. */
enum { LOOP_POSTS_LIMIT = 1 << 20 };
void loop_post(struct loop *loop, void (*fn)(void *self), void *self);

/* Calls fn for every arrival of the signal, which is blocked for the calling thread (and those it
 * starts later); children of child.h get it unblocked. One loop of a process may do so. */
bool loop_on_signal(struct loop *loop, int signal_number, void (*fn)(void *self, int signal_number),
                    void *self, struct error *error);
