/*
 * Times for people.
 */
#pragma once

#include <stdint.h>

enum { WHEN_SIZE = 40 };

/* "2026-11-21 02:24:05" in local time; "-" for 0. */
void when_print(int64_t wall_ns, char out[WHEN_SIZE]);
/* "3s", "12m", "5h", "9d": how long ago, or how long something took; "-" for less
 * than 0. */
void when_print_span(int64_t span_ns, char out[WHEN_SIZE]);
int64_t when_now_ns(void);
