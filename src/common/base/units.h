/*
 * Durations and sizes as Mesos writes them: "10secs", "1.5mins", "4KB". Spaces are allowed between
 * number and unit.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Units ns us ms secs mins hrs days weeks, also s m h d w. Checked, never negative, rounded to ns.
 */
bool duration_parse_ns(struct text text, int64_t *out);
/* Units B KB MB GB TB, powers of 1024. */
bool bytes_parse(struct text text, uint64_t *out);
/* The largest unit that gives a whole number or at most three decimals: "10secs", "1.5mins". */
void duration_format_ns(int64_t duration_ns, char out[32]);
