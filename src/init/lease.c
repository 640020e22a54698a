/*
 * One timer for both ends, of the lease and of the grace. It runs on the clock that nobody sets and
 * that goes on while the machine is suspended.
 */
#include "init/lease.h"

#include "init/record.h"

#include <stddef.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t boot_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t later(int64_t at_ms, int64_t by_ms) {
    int64_t sum_ms;
    return __builtin_add_overflow(at_ms, by_ms, &sum_ms) ? INT64_MAX : sum_ms;
}

/* INT64_MAX: never. At the end of the millisecond, so that none goes off just before its time. */
static void wind(const struct lease *lease, int64_t at_ms) {
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (at_ms != INT64_MAX) {
        when.it_value.tv_sec = (time_t)(at_ms / 1000);
        when.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000 + 999999;
    }
    timerfd_settime(lease->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* What cannot be read has not been prolonged. */
static void read_stop_at(struct lease *lease) {
    int64_t stop_at_ms;
    if (pread(lease->status, &stop_at_ms, sizeof(stop_at_ms),
              offsetof(struct record_head, stop_at_ms)) == (ssize_t)sizeof(stop_at_ms))
        lease->stop_at_ms = stop_at_ms;
}

static int64_t end_ms(const struct lease *lease) {
    return lease->stop_at_ms != 0 ? later(lease->stop_at_ms, LEASE_AGENT_FIRST_MS) : INT64_MAX;
}

bool lease_open(struct lease *lease, int status, int64_t grace_ms) {
    *lease = (struct lease){.status = status, .grace_ms = grace_ms};
    lease->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (lease->timer < 0)
        return false;
    read_stop_at(lease);
    wind(lease, end_ms(lease));
    return true;
}

enum lease_word lease_look(struct lease *lease) {
    int64_t now_ms = boot_clock_ms();
    if (lease->is_over) {
        wind(lease, INT64_MAX);
        return LEASE_OUTLIVED;
    }
    read_stop_at(lease);
    lease->is_over = now_ms >= end_ms(lease);
    wind(lease, lease->is_over ? later(now_ms, lease->grace_ms) : end_ms(lease));
    return lease->is_over ? LEASE_OVER : LEASE_GOES_ON;
}
