/*
 * A connection as a core knows it: a number that its shell gives once, each larger than those
 * before.
 */
#pragma once

#include <stdint.h>

struct connection_id {
    uint64_t value; /* 0: none */
};
