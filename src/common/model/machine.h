/*
 * Machines and when they will not be there: what the maintenance schedule is made of.
 */
#pragma once

#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

/* One of the two may be empty: then it does not matter. */
struct machine_id {
    struct text hostname, ip;
};

struct unavailability {
    int64_t start_ns;    /* wall clock */
    int64_t duration_ns; /* negative: without end */
};

/* Machines that are away at one time. */
struct maintenance_window {
    const struct machine_id *machines;
    size_t machine_count;
    struct unavailability unavailability;
};

/* What a framework answered; the numbers of mesos.v1.allocator.InverseOfferStatus.Status. */
enum inverse_answer {
    INVERSE_UNKNOWN = 1, /* it was asked */
    INVERSE_ACCEPTED = 2,
    INVERSE_DECLINED = 3,
};
