/*
 * JSON for programs that read along: an object a line. What tasks write may be any bytes, and any
 * number of them; what comes out is always valid, and bounded.
 */
#pragma once

#include "cli/query.h"
#include "cli/task_terms.h"
#include "common/base/buf.h"

enum { JSON_LINE_OUTPUT_LIMIT_BYTES = 1 << 20 }; /* of each of a task's outputs in an object */

/* A string; each byte that is not UTF-8 becomes U+FFFD. The caller's to json_decref. */
json_t *json_line_string(struct text bytes);
/* NULL and "" become null. */
json_t *json_line_string_or_null(const char *string);
/* The same of no more than the first JSON_LINE_OUTPUT_LIMIT_BYTES, cut between two characters. */
json_t *json_line_output(struct text bytes);
/* How many bytes come before a character that the end cuts in two; all of them when there is none.
 */
size_t json_line_whole(struct text bytes);

/* Sets "state", "exit_code" and "signal", null where they are not known. */
void json_line_set_end(json_t *object, const struct task_end *end);

/* The object on one line, with its line end. */
void json_line_print(const json_t *object, struct buf *out);
/* The same to stdout, at once; false with errno set. */
bool json_line_write(const json_t *object);
