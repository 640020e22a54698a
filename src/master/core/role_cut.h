/*
 * Which of very many roles are shown in one answer: those of the fewest components, so that
 * whatever is shown has all above it beside it, and of the last depth the first by path. A role
 * costs a row, and one more for each framework that is listed with it. Pure.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/roles.h"

#include <stdbool.h>

enum { ROLE_ROWS_SHOWN_LIMIT = 20000 };

struct role_cut {
    size_t rows[ROLE_COMPONENTS_LIMIT + 1]; /* by components */
    size_t left_out;                        /* roles */
    size_t deepest;                         /* whatever has fewer components is shown */
    size_t room;                            /* rows of that depth */
    bool is_settled;
};

/* Zero-initialised; first each role is counted, then each is asked for, in the order of paths. */
void role_cut_count(struct role_cut *cut, struct text path, size_t framework_count);
bool role_cut_takes(struct role_cut *cut, struct text path, size_t framework_count);
