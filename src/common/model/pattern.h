/*
 * Regular expressions of strangers: what RE2 takes, matched against a whole text in bounded time.
 * This is the only code that sees PCRE2 (docs/decisions/0007).
 *
 * The language is what both RE2 and PCRE2 have and mean alike; what only PCRE2 has (backreferences,
 * lookaround, atomic and conditional groups, recursion, callouts, verbs, \R, \X, \K) is refused by
 * name, so that a pattern is a regular expression in the strict sense.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>

enum {
    PATTERN_BYTES_LIMIT = 1024,
    PATTERN_REPEAT_LIMIT = 1000,          /* of {n,m}, as in RE2 */
    PATTERN_NESTING_LIMIT = 50,           /* parentheses in parentheses */
    PATTERN_COMPILED_BYTES_LIMIT = 32768, /* what it may grow to: a{100}{100} */
    PATTERN_SUBJECT_BYTES_LIMIT = 4096,   /* a longer text is not matched */
    PATTERN_STEPS = 2000,                 /* of backtracking, for one match */
    PATTERN_HEAP_KIBIBYTES = 256,         /* that one match may take */
};

struct pattern;

/* NULL and *error (ERROR_INVALID, ERROR_LIMIT), whose line names the pattern and the place. */
struct pattern *pattern_new(struct text regex, struct error *error);
void pattern_free(struct pattern *pattern);
DEFINE_AUTO(struct pattern, pattern_free)

size_t pattern_bytes(const struct pattern *pattern); /* about what it takes in memory */

enum pattern_answer {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_UNDECIDED, /* not within the steps, or the text is too long */
};

/* Whether it matches the whole text. Bytes that are no UTF-8 match nothing. `steps`: at most so
 * many. */
enum pattern_answer pattern_match(const struct pattern *pattern, struct text text, unsigned steps);
