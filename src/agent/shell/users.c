#include "agent/shell/users.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

bool user_find(const char *name, struct user *out, struct error *error) {
    char room[16384];
    struct passwd entry, *found = NULL;
    int code = getpwnam_r(name, &entry, room, sizeof(room), &found);
    if (code != 0)
        return fail(error, ERROR_IO, "look up user '%s': %s", name, strerror(code));
    if (found == NULL)
        return fail(error, ERROR_NOT_FOUND, "user '%s' does not exist on this machine", name);
    struct user user = {.uid = entry.pw_uid, .gid = entry.pw_gid};
    int count = USER_GROUPS_LIMIT;
    if (getgrouplist(name, entry.pw_gid, user.groups, &count) < 0)
        return fail(error, ERROR_LIMIT, "user '%s' is in more than %d groups", name,
                    USER_GROUPS_LIMIT);
    user.group_count = (size_t)count;
    *out = user;
    return true;
}
