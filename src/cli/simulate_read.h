/*
 * A scenario from its JSON (docs/simulate.md).
 */
#pragma once

#include "allocator/simulate/scenario.h"
#include "common/base/text.h"

enum { SIMULATE_BYTES_LIMIT = 16 << 20 };

/* Reads and checks it; *out is to be fini'd. False: one line that begins with the place, as
 * "frameworks[2].role: ...", or with the line and column when it is no JSON. */
bool simulate_read(struct text json, struct scenario *out, struct error *error);
