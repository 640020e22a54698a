/*
 * Names of users as this machine knows them.
 */
#pragma once

#include "common/base/error.h"

#include <stddef.h>
#include <sys/types.h>

enum { USER_GROUPS_LIMIT = 64 };

struct user {
    uid_t uid;
    gid_t gid;
    gid_t groups[USER_GROUPS_LIMIT];
    size_t group_count;
};

/* ERROR_NOT_FOUND: there is none of that name. Blocks as long as the machine's name service does.
 */
bool user_find(const char *name, struct user *out, struct error *error);
