#include "common/runtime/loop.h"

#include "common/runtime/loop_internal.h"
#include "common/runtime/notify.h"
#include "tests/support/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct trace {
    struct loop *loop;
    struct loop_timer timer;
    struct loop_task task, other;
    struct loop_watch *watch;
    int calls, order, first, second;
};

static void count_and_stop(void *self) {
    struct trace *trace = self;
    trace->calls++;
    loop_stop(trace->loop);
}

static void count(void *self) {
    struct trace *trace = self;
    trace->calls++;
}

TEST(a_timer_fires_once_and_not_before_its_time) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    int64_t at_ms = loop_now_ms(loop) + 20;
    loop_timer_init(&trace.timer, loop, count_and_stop, &trace);

    loop_timer_arm(&trace.timer, at_ms);
    loop_run(loop);
    loop_turn(loop, 0);

    assert_true(loop_now_ms(loop) >= at_ms);
    assert_int_equal(trace.calls, 1);
    assert_int_equal(loop_deadline_ms(loop), INT64_MAX);
}

TEST(a_disarmed_timer_does_not_fire) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    loop_timer_init(&trace.timer, loop, count, &trace);

    loop_timer_arm(&trace.timer, loop_now_ms(loop));
    loop_timer_disarm(&trace.timer);
    loop_turn(loop, 0);

    assert_int_equal(trace.calls, 0);
}

static void arm_again(void *self) {
    struct trace *trace = self;
    trace->calls++;
    loop_timer_arm(&trace->timer, loop_now_ms(trace->loop));
}

TEST(a_timer_that_arms_itself_for_now_runs_once_a_turn) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    loop_timer_init(&trace.timer, loop, arm_again, &trace);

    loop_timer_arm(&trace.timer, loop_now_ms(loop));
    loop_turn(loop, 0);
    assert_int_equal(trace.calls, 1);
    loop_turn(loop, -1);
    assert_int_equal(trace.calls, 2);

    loop_timer_disarm(&trace.timer);
}

static void note_first(void *self) {
    struct trace *trace = self;
    trace->first = ++trace->order;
    loop_defer(trace->loop, &trace->task);
    loop_defer(trace->loop, &trace->task);
}

static void note_second(void *self) {
    struct trace *trace = self;
    trace->second = ++trace->order;
}

TEST(deferred_work_runs_once_at_the_end_of_the_turn_that_deferred_it) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    loop_task_init(&trace.task, note_second, &trace);
    loop_timer_init(&trace.timer, loop, note_first, &trace);

    loop_timer_arm(&trace.timer, loop_now_ms(loop));
    loop_turn(loop, 0);

    assert_int_equal(trace.first, 1);
    assert_int_equal(trace.second, 2);
    assert_int_equal(trace.order, 2);
}

static void defer_again(void *self) {
    struct trace *trace = self;
    trace->calls++;
    loop_defer(trace->loop, &trace->task);
}

TEST(work_that_defers_itself_without_end_does_not_hold_the_turn) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    loop_task_init(&trace.task, defer_again, &trace);

    loop_defer(loop, &trace.task);
    loop_turn(loop, -1);

    assert_int_equal(trace.calls, LOOP_DEFER_ROUNDS);
    loop_task_cancel(&trace.task);
}

static void free_watches(void *self, __attribute__((unused)) unsigned events) {
    struct trace *traces = self;
    traces[0].calls++;
    for (int i = 0; i < 2; i++) {
        loop_watch_free(traces[i].watch);
        traces[i].watch = NULL;
    }
}

TEST(a_watch_freed_by_another_of_the_same_turn_is_not_called) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace traces[2] = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        int fd = dup(ends[0]);
        traces[i].order = fd;
        traces[i].watch = loop_watch_new(loop, fd, LOOP_READ, free_watches, traces);
    }

    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_turn(loop, -1);

    assert_int_equal(traces[0].calls, 1);
    for (int i = 0; i < 2; i++) {
        close(traces[i].order);
        close(ends[i]);
    }
}

static void *post_many(void *self) {
    struct trace *trace = self;
    for (int i = 0; i < 1000; i++)
        loop_post(trace->loop, count, trace);
    loop_post(trace->loop, count_and_stop, trace);
    return NULL;
}

static void count_event(void *self, __attribute__((unused)) unsigned events) {
    count(self);
}

TEST(a_loop_that_serves_http_comes_back_from_a_turn_that_does_not_wait_though_a_watch_is_ready) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_non_null(loop_event_base(loop));
    trace.watch = loop_watch_new(loop, ends[0], LOOP_READ, count_event, &trace);

    loop_turn(loop, 0);

    assert_int_equal(trace.calls, 1);
    loop_watch_free(trace.watch);
    close(ends[0]);
    close(ends[1]);
}

TEST(posts_of_another_thread_arrive_all) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    pthread_t thread;

    pthread_create(&thread, NULL, post_many, &trace);
    loop_run(loop);
    pthread_join(thread, NULL);

    assert_int_equal(trace.calls, 1001);
}

static void take_item(void *self, void *item) {
    struct trace *trace = self;
    assert_int_equal(*(int *)item, trace->calls);
    trace->calls++;
}

TEST(a_notify_queue_keeps_order_and_refuses_beyond_its_limit) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    struct notify *notify = notify_new(loop, 2, take_item, &trace, NULL);
    int items[] = {0, 1, 2};

    assert_true(notify_push(notify, &items[0]));
    assert_true(notify_push(notify, &items[1]));
    assert_false(notify_push(notify, &items[2]));
    loop_turn(loop, -1);

    assert_int_equal(trace.calls, 2);
    notify_free(notify, NULL);
}

static void note_signal(void *self, int signal_number) {
    struct trace *trace = self;
    trace->first = signal_number;
    loop_stop(trace->loop);
}

TEST(a_signal_becomes_an_event_of_the_loop) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};

    assert_true(loop_on_signal(loop, SIGUSR1, note_signal, &trace, NULL));
    assert_true(loop_on_signal(loop, SIGHUP, note_signal, &trace, NULL));
    raise(SIGHUP);
    loop_run(loop);

    assert_int_equal(trace.first, SIGHUP);
}

TEST(a_callers_loop_is_told_when_to_call_in) {
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct trace trace = {.loop = loop};
    loop_timer_init(&trace.timer, loop, count, &trace);

    assert_true(loop_fd(loop) >= 0);
    assert_int_equal(loop_deadline_ms(loop), INT64_MAX);
    loop_timer_arm(&trace.timer, 12345);

    assert_int_equal(loop_deadline_ms(loop), 12345);
    loop_timer_disarm(&trace.timer);
}
