/*
 * Role names: "*", or a path of components ("eng/web"). A role below another shares what is
 * reserved to it.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>

enum {
    ROLE_BYTES_LIMIT = 1024,
    ROLE_COMPONENTS_LIMIT = 64, /* each is a role of its own in the tree */
};

/* Else false, and *why (may be NULL) is a static reason that continues "role NAME ...". */
bool role_is_valid(struct text role, const char **why);

/* "a/b" below "a"; no role is below itself, nor anything below or above "*". */
bool role_is_strict_subrole(struct text role, struct text above);

/* "a/b" of "a/b/c"; {NULL, 0} for one with a single component. */
struct text role_parent(struct text role);

/* What resources reserved to `reserved` may be offered to. */
bool role_may_use_reservation(struct text role, struct text reserved);
