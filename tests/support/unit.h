/*
 * What every unit test includes: cmocka, TEST, which registers itself, and main.
 *
 *     TEST(an_offer_is_taken_once) { ... }
 *
 * `SEED=n` replays a test that draws from rng_for_test; FILTER=text runs only tests whose name has
 * it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* `fail` is ours, in error.h; a test that gives up says fail_msg. */
#undef fail
#undef fail_msg
#define fail_msg(...)                                                                              \
    do {                                                                                           \
        print_error("ERROR: " __VA_ARGS__);                                                        \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)

#include "common/base/rng.h"
#include "common/base/text.h"

/* Takes its seed from $SEED, else from the clock; the seed is printed when a test fails. */
struct rng rng_for_test(void);

/* How often a test by chance tries: `rounds`, or a fifth of it where sanitizers make each one slow.
 */
int rounds_for_test(int rounds);

/* Registers a test; called by TEST before main. */
void unit_register(const char *name, void (*body)(void **state));

/* Where ../shared/interface is, or NULL after saying aloud that it is skipped; with
 * REQUIRE_INTERFACE=1 its absence fails the test. */
const char *interface_directory(void);

#define TEST(name)                                                                                 \
    static void test_##name(void **state);                                                         \
    __attribute__((constructor)) static void register_##name(void) {                               \
        unit_register(#name, test_##name);                                                         \
    }                                                                                              \
    static void test_##name(__attribute__((unused)) void **state)

/* Compares bytes of a struct text with a C string. */
#define assert_text_equal(actual, expected)                                                        \
    do {                                                                                           \
        struct text actual_ = (actual);                                                            \
        char *shown_ = text_dup(actual_);                                                          \
        assert_string_equal(shown_, (expected));                                                   \
        free(shown_);                                                                              \
    } while (0)

#include <stdlib.h>
