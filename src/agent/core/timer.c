/*
 * Everything that waits for time is in one heap. A timer that fires is out of it before its owner
 * hears.
 */
#include "agent/core/parts.h"

#include <assert.h>

void timer_init(struct timer *timer, enum timer_kind kind, void *owner) {
    timer->kind = kind;
    timer->owner = owner;
}

void timer_set(struct agent *agent, struct timer *timer, int64_t in_ms) {
    int64_t at_ms;
    if (__builtin_add_overflow(agent->now_ms, in_ms > 0 ? in_ms : 0, &at_ms))
        at_ms = INT64_MAX;
    heap_put(&agent->timers, &timer->node, at_ms);
}

int64_t timer_boot_clock_ms(const struct agent *agent) {
    return agent->now_ms + agent->suspended_ms;
}

void timer_cancel(struct agent *agent, struct timer *timer) {
    heap_remove(&agent->timers, &timer->node);
}

static void fire(struct agent *agent, const struct timer *timer) {
    switch (timer->kind) {
    case TIMER_CONNECT:
    case TIMER_ANSWER:
    case TIMER_PING: return registration_fired(agent, timer->kind);
    case TIMER_RECONNECT: return recovery_executors_late(agent);
    case TIMER_PARTITION: return partition_fired(agent);
    case TIMER_SANDBOX: return sandbox_remove_older(agent, agent->options.sandbox_age_ms * 1000000);
    case TIMER_STATUS_RETRY: return stream_retry(agent, timer->owner);
    case TIMER_KILL: return kill_fired(agent, timer->owner);
    case TIMER_COMPLETION: return kill_completion_fired(agent, timer->owner);
    case TIMER_EXECUTOR_START:
    case TIMER_EXECUTOR_GRACE: return executor_fired(agent, timer->owner, timer->kind);
    }
}

/* What fires may set timers that are due at once; each is run once a step at most, in turn. */
void timers_run(struct agent *agent) {
    size_t left = agent->timers.count;
    for (; left > 0; left--) {
        struct heap_node *node = heap_least(&agent->timers);
        if (node == NULL || node->key > agent->now_ms)
            return;
        struct timer *timer = CONTAINER_OF(node, struct timer, node);
        timer_cancel(agent, timer);
        fire(agent, timer);
    }
}
