/*
 * The ids of the field, each its own type so that an agent's cannot pass for a framework's. They
 * are views: whoever keeps one keeps the bytes it points into.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>

enum { ID_BYTES_LIMIT = 255 }; /* NAME_MAX: an id names a directory on the agent */

#define DEFINE_ID(name)                                                                            \
    struct name##_id {                                                                             \
        struct text text;                                                                          \
    };                                                                                             \
    static inline bool name##_id_equal(struct name##_id a, struct name##_id b) {                   \
        return text_equal(a.text, b.text);                                                         \
    }                                                                                              \
    static inline struct name##_id name##_id_of(struct text text) {                                \
        return (struct name##_id){text};                                                           \
    }

DEFINE_ID(framework)
DEFINE_ID(agent)
DEFINE_ID(task)
DEFINE_ID(executor)
DEFINE_ID(offer)
DEFINE_ID(container)
DEFINE_ID(operation)

/* Whether `id` may name something: 1 to 255 bytes of UTF-8, not "." or "..", no control character,
 * '/' or '\'. Else false, and *why (which may be NULL) is a static reason: "is empty". */
bool id_is_valid(struct text id, const char **why);
