/*
 * Scope-bound ownership: AUTO(x_free) struct x *x = ...; frees x when the scope is left, by
 * whatever way, and TAKE(x) hands it to somebody else instead. x_free must take NULL.
 */
#pragma once

#define DEFINE_AUTO(type, free_function)                                                           \
    static inline void free_function##_auto(type **owned) {                                        \
        free_function(*owned);                                                                     \
    }

/* The same for values that are initialised in place: AUTO_FINI(buf_fini) struct buf out = {0}; */
#define DEFINE_AUTO_FINI(type, fini_function)                                                      \
    static inline void fini_function##_auto(type *owned) {                                         \
        fini_function(owned);                                                                      \
    }

#define AUTO(free_function) __attribute__((cleanup(free_function##_auto)))
#define AUTO_FINI(fini_function) __attribute__((cleanup(fini_function##_auto)))

#define TAKE(owned)                                                                                \
    ({                                                                                             \
        __auto_type taken_ = (owned);                                                              \
        (owned) = NULL;                                                                            \
        taken_;                                                                                    \
    })
