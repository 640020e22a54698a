/*
 * Scalars are doubles on the wire and thousandths in int64_t with us. These are the only two ways
 * across.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A thousand million millions: beyond every machine, and 1,000 such amounts still add up. */
#define MILLI_LIMIT (INT64_C(1) << 53)

/* Rounds to the nearest thousandth, halves away from zero. False, *milli unchanged: negative, NaN,
 * infinite, beyond MILLI_LIMIT, or above zero but nothing in thousandths (0.0004). */
static inline bool milli_from_double(double value, int64_t *milli) {
    if (!(value >= 0 && value <= (double)MILLI_LIMIT / 1000))
        return false;
    double scaled = value * 1000;
    int64_t whole = (int64_t)scaled;
    if (scaled - (double)whole >= 0.5)
        whole++;
    if (whole > MILLI_LIMIT || (whole == 0 && value != 0))
        return false;
    *milli = whole;
    return true;
}

/* Integer division first, as Mesos does it, so that the doubles are the same to the bit. */
static inline double milli_to_double(int64_t milli) {
    return (double)(milli / 1000) + (double)(milli % 1000) / 1000.0;
}
