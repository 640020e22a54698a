#include "cli/driver_loop.h"

static void turn(void *self) {
    struct driver_loop *driver = self;
    mesos_scheduler_driver_process(driver->driver);
    loop_timer_arm(&driver->timer, mesos_scheduler_driver_deadline_ms(driver->driver));
}

static void on_ready(void *self, unsigned events) {
    (void)events;
    driver_loop_touch(self);
}

static void on_time(void *self) {
    driver_loop_touch(self);
}

void driver_loop_init(struct driver_loop *self, struct loop *loop,
                      struct mesos_scheduler_driver *driver) {
    self->loop = loop;
    self->driver = driver;
    loop_task_init(&self->turn, turn, self);
    loop_timer_init(&self->timer, loop, on_time, self);
    self->watch =
        loop_watch_new(loop, mesos_scheduler_driver_fd(driver), LOOP_READ, on_ready, self);
    driver_loop_touch(self);
}

void driver_loop_fini(struct driver_loop *self) {
    if (self->driver == NULL)
        return;
    loop_task_cancel(&self->turn);
    loop_timer_disarm(&self->timer);
    loop_watch_free(self->watch);
    mesos_scheduler_driver_free(self->driver);
    *self = (struct driver_loop){0};
}

void driver_loop_touch(struct driver_loop *self) {
    loop_defer(self->loop, &self->turn);
}
