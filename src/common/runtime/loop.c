/*
 * One epoll. A watch that is freed while its event waits in the batch just fetched is only marked,
 * and buried at the end of the turn. Timers live in a heap; the earliest one decides how long a
 * turn waits.
 */
#include "common/runtime/loop.h"

#include "common/base/mem.h"
#include "common/base/vec.h"
#include "common/runtime/loop_internal.h"
#include "common/runtime/notify.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1024 };

struct signal_handler {
    void (*fn)(void *self, int signal_number);
    void *self;
};

struct loop {
    int epoll_fd;
    struct heap timers;
    struct link tasks;     /* for the end of this turn */
    struct link at_end;    /* for loop_free */
    struct link graveyard; /* watches freed in this turn */
    int64_t now_ms, wall_ms;
    bool time_is_stale, is_in_turn, is_stopping;
    char *scratch;
    struct notify *posts;
    struct event_base *base; /* NULL unless HTTP is served */
    struct event *base_watch, *base_tick;
    int signal_fd;
    struct loop_watch *signal_watch;
    sigset_t signals;
    struct signal_handler handlers[NSIG];
};

struct loop_watch {
    struct loop *loop;
    int fd;
    unsigned events;
    void (*fn)(void *self, unsigned events); /* NULL: freed */
    void *self;
    struct link grave;
};

struct post {
    void (*fn)(void *self);
    void *self;
};

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_time(struct loop *loop) {
    loop->now_ms = clock_ms(CLOCK_MONOTONIC);
    loop->wall_ms = clock_ms(CLOCK_REALTIME);
    loop->time_is_stale = false;
}

void loop_wake(struct loop *loop) {
    if (loop->time_is_stale)
        take_time(loop);
}

static void run_post(__attribute__((unused)) void *self, void *item) {
    struct post post = *(struct post *)item;
    mem_free(item);
    post.fn(post.self);
}

struct loop *loop_new(struct error *error) {
    struct loop *loop = NEW(struct loop);
    list_init(&loop->tasks);
    list_init(&loop->at_end);
    list_init(&loop->graveyard);
    loop->signal_fd = -1;
    take_time(loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        fail(error, ERROR_IO, "epoll: %m");
        loop_free(loop);
        return NULL;
    }
    loop->posts = notify_new(loop, LOOP_POSTS_LIMIT, run_post, NULL, error);
    if (loop->posts == NULL) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

static void bury(struct loop *loop) {
    LIST_EACH(link, &loop->graveyard) {
        list_remove(link);
        mem_free(CONTAINER_OF(link, struct loop_watch, grave));
    }
}

static void free_base(struct loop *loop) {
    if (loop->base == NULL)
        return;
    /* Bufferevents just freed are finished by the base itself, in one more round. */
    event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    event_free(loop->base_watch);
    event_free(loop->base_tick);
    event_base_free(loop->base);
}

void loop_free(struct loop *loop) {
    if (loop == NULL)
        return;
    assert(!loop->is_in_turn);
    for (struct link *link; (link = list_first(&loop->at_end)) != NULL;) {
        struct loop_task *task = CONTAINER_OF(link, struct loop_task, link);
        list_remove(link);
        task->fn(task->self);
    }
    free_base(loop);
    loop_watch_free(loop->signal_watch);
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    notify_free(loop->posts, mem_free);
    bury(loop);
    heap_fini(&loop->timers);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    mem_free(loop->scratch);
    mem_free(loop);
}

static void nothing(__attribute__((unused)) evutil_socket_t fd,
                    __attribute__((unused)) short events, __attribute__((unused)) void *self) {
}

struct event_base *loop_event_base(struct loop *loop) {
    if (loop->base != NULL)
        return loop->base;
    loop->base = event_base_new();
    if (loop->base == NULL)
        return NULL;
    loop->base_watch = event_new(loop->base, loop->epoll_fd, EV_READ | EV_PERSIST, nothing, NULL);
    loop->base_tick = evtimer_new(loop->base, nothing, NULL);
    event_add(loop->base_watch, NULL);
    return loop->base;
}

char *loop_scratch(struct loop *loop) {
    if (loop->scratch == NULL)
        loop->scratch = mem_alloc(LOOP_SCRATCH_BYTES);
    return loop->scratch;
}

void loop_at_end(struct loop *loop, struct loop_task *task) {
    list_append(&loop->at_end, &task->link);
}

void loop_run(struct loop *loop) {
    while (!loop->is_stopping)
        loop_turn(loop, -1);
    loop->is_stopping = false;
}

void loop_stop(struct loop *loop) {
    loop->is_stopping = true;
}

int loop_fd(const struct loop *loop) {
    return loop->epoll_fd;
}

int64_t loop_deadline_ms(const struct loop *loop) {
    if (!list_is_empty(&loop->tasks))
        return loop->now_ms;
    const struct heap_node *least = heap_least(&loop->timers);
    return least != NULL ? least->key : INT64_MAX;
}

int64_t loop_now_ms(const struct loop *loop) {
    return loop->now_ms;
}

int64_t loop_wall_ms(const struct loop *loop) {
    return loop->wall_ms;
}

static int wait_ms(const struct loop *loop, int64_t max_wait_ms) {
    int64_t deadline_ms = loop_deadline_ms(loop);
    int64_t wait = max_wait_ms < 0 ? INT_MAX : max_wait_ms;
    if (deadline_ms != INT64_MAX && wait > 0) {
        int64_t left_ms = deadline_ms - clock_ms(CLOCK_MONOTONIC);
        left_ms = left_ms < 0 ? 0 : left_ms;
        wait = left_ms < wait ? left_ms : wait;
    }
    if (wait == INT_MAX && max_wait_ms < 0)
        return -1;
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* Lets libevent wait and do its own work, which is HTTP alone. One round: without EVLOOP_ONCE it
 * goes on as long as something is ready, and our epoll stays ready until the turn comes to it. */
static void run_base(struct loop *loop, int wait) {
    loop->time_is_stale = true;
    if (wait == 0) {
        event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
        return;
    }
    if (wait > 0) {
        struct timeval tick = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};
        event_add(loop->base_tick, &tick);
    }
    event_base_loop(loop->base, EVLOOP_ONCE);
    event_del(loop->base_tick);
}

static void dispatch(struct epoll_event *happened, int count) {
    for (int i = 0; i < count; i++) {
        struct loop_watch *watch = happened[i].data.ptr;
        unsigned events = LOOP_NONE;
        if (happened[i].events & (EPOLLIN | EPOLLRDHUP))
            events |= LOOP_READ;
        if (happened[i].events & EPOLLOUT)
            events |= LOOP_WRITE;
        if (happened[i].events & (EPOLLERR | EPOLLHUP))
            events |= LOOP_READ | LOOP_WRITE;
        /* What was asked for may have changed earlier in this batch. */
        events &= watch->events;
        if (watch->fn != NULL && events != LOOP_NONE)
            watch->fn(watch->self, events);
    }
}

/* As many as were armed when the round began, so that one that arms itself again cannot hold the
 * turn. */
static void run_timers(struct loop *loop) {
    for (size_t left = loop->timers.count; left > 0; left--) {
        struct heap_node *least = heap_least(&loop->timers);
        if (least == NULL || least->key > loop->now_ms)
            return;
        struct loop_timer *timer = CONTAINER_OF(least, struct loop_timer, node);
        heap_remove(&loop->timers, least);
        timer->fn(timer->self);
    }
}

static void run_tasks(struct loop *loop) {
    for (int round = 0; round < LOOP_DEFER_ROUNDS && !list_is_empty(&loop->tasks); round++) {
        struct link now;
        list_init(&now);
        for (struct link *link; (link = list_first(&loop->tasks)) != NULL;) {
            list_remove(link);
            list_append(&now, link);
        }
        for (struct link *link; (link = list_first(&now)) != NULL;) {
            struct loop_task *task = CONTAINER_OF(link, struct loop_task, link);
            list_remove(link);
            task->fn(task->self);
        }
    }
}

void loop_turn(struct loop *loop, int64_t max_wait_ms) {
    struct epoll_event happened[BATCH];
    assert(!loop->is_in_turn);
    loop->is_in_turn = true;
    int wait = wait_ms(loop, max_wait_ms);
    if (loop->base != NULL) {
        run_base(loop, wait);
        wait = 0;
    }
    int count = epoll_wait(loop->epoll_fd, happened, BATCH, wait);
    take_time(loop);
    if (count > 0)
        dispatch(happened, count);
    run_timers(loop);
    run_tasks(loop);
    bury(loop);
    loop->is_in_turn = false;
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*fn)(void *self),
                     void *self) {
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .self = self};
}

void loop_timer_arm(struct loop_timer *timer, int64_t at_ms) {
    if (at_ms == INT64_MAX)
        loop_timer_disarm(timer);
    else
        heap_put(&timer->loop->timers, &timer->node, at_ms);
}

void loop_timer_disarm(struct loop_timer *timer) {
    if (timer->loop != NULL)
        heap_remove(&timer->loop->timers, &timer->node);
}

void loop_defer(struct loop *loop, struct loop_task *task) {
    if (!link_is_listed(&task->link))
        list_append(&loop->tasks, &task->link);
}

void loop_task_cancel(struct loop_task *task) {
    list_remove(&task->link);
}

static uint32_t epoll_bits(unsigned events) {
    return (uint32_t)((events & LOOP_READ ? EPOLLIN : 0) | (events & LOOP_WRITE ? EPOLLOUT : 0));
}

/* A watch for nothing is not in the epoll at all, which would tell it about hang-ups without end.
 */
static void change(struct loop_watch *watch, unsigned events) {
    int action = watch->events == LOOP_NONE ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (events == watch->events)
        return;
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = watch};
    if (events == LOOP_NONE)
        action = EPOLL_CTL_DEL;
    watch->events = events;
    if (epoll_ctl(watch->loop->epoll_fd, action, watch->fd, &event) != 0)
        mem_crash("epoll refuses a watch");
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, unsigned events,
                                  void (*fn)(void *self, unsigned events), void *self) {
    struct loop_watch *watch = NEW(struct loop_watch);
    *watch = (struct loop_watch){.loop = loop, .fd = fd, .fn = fn, .self = self};
    change(watch, events);
    return watch;
}

void loop_watch_set(struct loop_watch *watch, unsigned events) {
    change(watch, events);
}

void loop_watch_free(struct loop_watch *watch) {
    if (watch == NULL)
        return;
    change(watch, LOOP_NONE);
    watch->fn = NULL;
    list_append(&watch->loop->graveyard, &watch->grave);
}

void loop_post(struct loop *loop, void (*fn)(void *self), void *self) {
    struct post *post = NEW(struct post);
    *post = (struct post){.fn = fn, .self = self};
    if (!notify_push(loop->posts, post))
        mem_crash("more posts wait for the loop than LOOP_POSTS_LIMIT");
}

static void read_signals(void *self, __attribute__((unused)) unsigned events) {
    struct loop *loop = self;
    struct signalfd_siginfo got;
    while (read(loop->signal_fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
        struct signal_handler handler = loop->handlers[got.ssi_signo];
        if (handler.fn != NULL)
            handler.fn(handler.self, (int)got.ssi_signo);
    }
}

bool loop_on_signal(struct loop *loop, int signal_number, void (*fn)(void *self, int signal_number),
                    void *self, struct error *error) {
    assert(signal_number > 0 && signal_number < NSIG);
    if (loop->signal_fd < 0)
        sigemptyset(&loop->signals);
    sigaddset(&loop->signals, signal_number);
    int fd = signalfd(loop->signal_fd, &loop->signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return fail(error, ERROR_IO, "signalfd: %m");
    pthread_sigmask(SIG_BLOCK, &loop->signals, NULL);
    if (loop->signal_fd < 0)
        loop->signal_watch = loop_watch_new(loop, fd, LOOP_READ, read_signals, loop);
    loop->signal_fd = fd;
    loop->handlers[signal_number] = (struct signal_handler){.fn = fn, .self = self};
    return true;
}
