/*
 * A scheduler driver inside our own loop: its fd is watched, its deadline is a timer, and what is
 * called on it from outside is sent at the end of the turn.
 */
#pragma once

#include "common/runtime/loop.h"
#include "mesos/scheduler.h"

struct driver_loop {
    struct loop *loop;
    struct mesos_scheduler_driver *driver; /* owned */
    struct loop_watch *watch;
    struct loop_timer timer;
    struct loop_task turn;
};

/* Starts the driver, which it takes. It stays where it is until driver_loop_fini. */
void driver_loop_init(struct driver_loop *self, struct loop *loop,
                      struct mesos_scheduler_driver *driver);
void driver_loop_fini(struct driver_loop *self); /* not out of a callback; fine on a zeroed one */
/* After calls on the driver that were made outside its callbacks. */
void driver_loop_touch(struct driver_loop *self);
