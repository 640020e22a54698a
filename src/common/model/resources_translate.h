/*
 * A set of one table in the numbers of another: what a stranger sends is read into a table of its
 * own, which goes with the message, and only what is admitted gets into the table that lasts.
 */
#pragma once

#include "common/model/resources.h"

enum translate_mode {
    TRANSLATE_FIND,   /* what the other table does not know is ERROR_NOT_FOUND */
    TRANSLATE_INTERN, /* it learns it */
};

/* Appends to nothing: *out must be empty, and stays so on failure. What is carried and not compared
 * is left out when it is only to be found and is not known. `from` and `to` may be the same. */
bool resources_translate(const struct resources *set, const struct kinds *from, struct kinds *to,
                         enum translate_mode mode, struct resources *out, struct error *error);
