#include "cli/when.h"

#include <stdio.h>
#include <time.h>

void when_print(int64_t wall_ns, char out[WHEN_SIZE]) {
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm broken;
    if (wall_ns == 0 || localtime_r(&seconds, &broken) == NULL ||
        strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M:%S", &broken) == 0)
        snprintf(out, WHEN_SIZE, "-");
}

void when_print_span(int64_t span_ns, char out[WHEN_SIZE]) {
    static const struct {
        int64_t from, unit;
        char letter;
    } steps[] = {{172800, 86400, 'd'}, {7200, 3600, 'h'}, {120, 60, 'm'}};
    int64_t seconds = span_ns / 1000000000;
    if (span_ns < 0) {
        snprintf(out, WHEN_SIZE, "-");
        return;
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (seconds >= steps[i].from) {
            snprintf(out, WHEN_SIZE, "%lld%c", (long long)(seconds / steps[i].unit),
                     steps[i].letter);
            return;
        }
    }
    if (seconds >= 10)
        snprintf(out, WHEN_SIZE, "%llds", (long long)seconds);
    else
        snprintf(out, WHEN_SIZE, "%.2fs", (double)span_ns / 1e9);
}

int64_t when_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
