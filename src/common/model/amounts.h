/*
 * So much of each resource, by name: what somebody asks for before it is known whether any agent
 * has such a thing. Values that borrow. Ranges and sets count by their elements.
 */
#pragma once

#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

struct amount {
    struct text name;
    int64_t milli;
};

struct amounts {
    const struct amount *items; /* a name may come twice: then it is the sum */
    size_t count;
};
