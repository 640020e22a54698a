/*
 * A growing array of any type: struct { VEC(struct offer) } or VEC_OF(struct offer) offers = {0};
 * The macros take a pointer to it and evaluate that argument once.
 */
#pragma once

#include "common/base/mem.h"

#include <assert.h>
#include <string.h>

#define VEC_OF(type)                                                                               \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

#define VEC_RESERVE(vec, more)                                                                     \
    do {                                                                                           \
        __auto_type v_ = (vec);                                                                    \
        size_t needed_ = v_->count + (more);                                                       \
        if (needed_ > v_->capacity) {                                                              \
            size_t grown_ = v_->capacity + v_->capacity / 2 + 4;                                   \
            v_->capacity = grown_ < needed_ ? needed_ : grown_;                                    \
            v_->items = mem_resize(v_->items, v_->capacity, sizeof(*v_->items));                   \
        }                                                                                          \
    } while (0)

#define VEC_PUSH(vec, ...)                                                                         \
    do {                                                                                           \
        __auto_type pushed_ = (vec);                                                               \
        VEC_RESERVE(pushed_, 1);                                                                   \
        pushed_->items[pushed_->count++] = (__VA_ARGS__);                                          \
    } while (0)

/* Takes item `index` out and keeps the order of the rest. */
#define VEC_REMOVE(vec, index)                                                                     \
    do {                                                                                           \
        __auto_type r_ = (vec);                                                                    \
        size_t at_ = (index);                                                                      \
        assert(at_ < r_->count);                                                                   \
        r_->count--;                                                                               \
        memmove(r_->items + at_, r_->items + at_ + 1, (r_->count - at_) * sizeof(*r_->items));     \
    } while (0)

#define VEC_FINI(vec)                                                                              \
    do {                                                                                           \
        __auto_type f_ = (vec);                                                                    \
        mem_free(f_->items);                                                                       \
        f_->items = NULL;                                                                          \
        f_->count = f_->capacity = 0;                                                              \
    } while (0)

#define VEC_EACH(item, vec)                                                                        \
    for (__typeof__(&*(vec)->items) item = (vec)->items;                                           \
         item != NULL && item < (vec)->items + (vec)->count; item++)
