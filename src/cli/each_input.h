/*
 * The lines that `each` works through, and the command that becomes of one.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/vec.h"

enum {
    INPUT_LINES_LIMIT = 1000000,
    INPUT_LIMIT_BYTES = 1 << 30,
    INPUT_LINE_LIMIT_BYTES = 128 << 10, /* what the kernel takes as one argument */
};

struct input {
    struct buf bytes;
    VEC_OF(struct text) lines; /* without their line ends; borrowed from bytes */
};

/* All of the file, or of stdin when path is NULL. ERROR_INVALID names the line that cannot be used.
 */
bool input_read(const char *path, struct input *out, struct error *error);
/* The same for bytes that are there: takes them. */
bool input_split(struct buf bytes, struct input *out, struct error *error);
void input_fini(struct input *input);

/* The words with every {} replaced by the line, which comes last when there is none. In the arena.
 */
const char *const *input_command(const char *const *words, size_t word_count, struct text line,
                                 size_t *out_count, struct arena *arena);
/* What a journal must agree on, as text. */
void input_print_what(const struct input *input, const char *const *words, size_t word_count,
                      struct buf *out);
