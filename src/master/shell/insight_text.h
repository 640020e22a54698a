/*
 * Reasons in plain words, for `mesos why` and the API.
 */
#pragma once

#include "common/base/buf.h"
#include "master/core/insight.h"

/* "NOT_ENOUGH", for programs. */
const char *insight_reason_name(enum allocator_reason reason);
const char *insight_state_name(enum wish_state state);

/* What one agent says, with the numbers. other_role and other_framework go with the verdict. */
struct insight_verdict {
    const struct kinds *kinds;
    const struct allocator_verdict *verdict;
    struct text other_role, other_framework;
    const char *absence; /* for INACTIVE */
    int64_t now_ms;
};
void insight_print_verdict(const struct insight_verdict *verdict, struct buf *out);

/* The one main reason, a sentence. */
void insight_print_main(const struct master *master, const struct wish_view *view, struct buf *out);
/* Each calls fn with one line after another. */
typedef void insight_line_fn(void *self, struct text line);
void insight_each_evidence(const struct master *master, const struct wish_view *view,
                           insight_line_fn *fn, void *self);
void insight_each_help(const struct master *master, const struct wish_view *view,
                       insight_line_fn *fn, void *self);
