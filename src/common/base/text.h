/*
 * A borrowed view of bytes: not owned, not NUL-terminated, {NULL, 0} for none. Whoever keeps one
 * keeps what it points into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *data;
    size_t size;
};

#define TEXT(literal) ((struct text){"" literal, sizeof(literal) - 1})
/* For printf: "%.*s", TEXT_ARGS(t). */
#define TEXT_ARGS(t) (int)(t).size, (t).data != NULL ? (t).data : ""

static inline struct text text_of(const char *string) {
    return string != NULL ? (struct text){string, strlen(string)} : (struct text){0};
}

static inline bool text_equal(struct text a, struct text b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int text_compare(struct text a, struct text b); /* by bytes; a prefix comes first */
bool text_starts_with(struct text text, struct text prefix);
bool text_ends_with(struct text text, struct text suffix);
bool text_contains_byte(struct text text, char byte);
bool text_is_utf8(struct text text);
struct text text_trim(struct text text); /* without spaces, tabs and line ends around it */
struct text text_sub(struct text text, size_t from, size_t size); /* clipped to what is there */

/* Takes the part before the first `separator` off *rest; the whole rest when there is none.
 * False when *rest is used up (data NULL). An empty text gives one empty part. */
bool text_split(struct text *rest, char separator, struct text *part);

/* Whole text, decimal, no sign, no space, in range; false otherwise. */
bool text_to_u64(struct text text, uint64_t *out);
bool text_to_i64(struct text text, int64_t *out); /* allows a leading '-' */

char *text_dup(struct text text); /* a heap C string; the caller frees it */
uint64_t text_hash(struct text text);
