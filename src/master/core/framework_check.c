/*
 * The first fault is named.
 */
#include "master/core/framework_check.h"

#include "common/model/roles.h"

/* Some 292 years fit in int64 nanoseconds; a century is as good as for ever. */
#define TIMEOUT_SECONDS_LIMIT (100.0 * 365 * 86400)

int64_t framework_check_timeout_ns(double seconds) {
    if (!(seconds > 0))
        return 0;
    if (seconds > TIMEOUT_SECONDS_LIMIT)
        seconds = TIMEOUT_SECONDS_LIMIT;
    return (int64_t)(seconds * 1e9);
}

static bool check_role(struct text role, struct error *why) {
    const char *reason;
    if (!role_is_valid(role, &reason))
        return fail(why, ERROR_INVALID, "role '%.*s' %s", TEXT_ARGS(role), reason);
    return true;
}

static bool has_role(const struct text *roles, size_t count, struct text role) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(roles[i], role))
            return true;
    return false;
}

static bool check_roles(const struct framework_info *info, struct error *why) {
    if (!framework_can(info, FRAMEWORK_MULTI_ROLE)) {
        if (info->role_count > 0)
            return fail(why, ERROR_INVALID, "'roles' is set without the MULTI_ROLE capability");
        return info->role.size == 0 || check_role(info->role, why);
    }
    if (info->role.size > 0)
        return fail(why, ERROR_INVALID, "'role' is set together with the MULTI_ROLE capability");
    if (info->role_count > FRAMEWORK_ROLES_LIMIT)
        return fail(why, ERROR_LIMIT, "%zu roles; the limit is %d", info->role_count,
                    FRAMEWORK_ROLES_LIMIT);
    for (size_t i = 0; i < info->role_count; i++) {
        if (!check_role(info->roles[i], why))
            return false;
        if (has_role(info->roles, i, info->roles[i]))
            return fail(why, ERROR_INVALID, "role '%.*s' is given twice",
                        TEXT_ARGS(info->roles[i]));
    }
    return true;
}

bool framework_check(const struct master *master, const struct framework_info *info,
                     struct error *why) {
    const char *reason;
    if (info->id.text.size > 0 && !id_is_valid(info->id.text, &reason))
        return fail(why, ERROR_INVALID, "the framework id %s", reason);
    if (!check_roles(info, why))
        return false;
    if (!master->options.root_submissions && text_equal(info->user, TEXT("root")))
        return fail(why, ERROR_REFUSED,
                    "User 'root' is not allowed to run frameworks "
                    "without root submissions set");
    double seconds = info->failover_timeout_seconds;
    if (!(seconds <= 9.2e9 && seconds >= -9.2e9))
        return fail(why, ERROR_INVALID, "'failover_timeout' is not a duration");
    return true;
}

bool framework_check_suppressed(const struct framework_info *info, const struct text *roles,
                                size_t role_count, struct error *why) {
    bool many = framework_can(info, FRAMEWORK_MULTI_ROLE);
    struct text only = info->role.size > 0 ? info->role : TEXT("*");
    for (size_t i = 0; i < role_count; i++)
        if (many ? !has_role(info->roles, info->role_count, roles[i]) : !text_equal(only, roles[i]))
            return fail(why, ERROR_INVALID, "suppressed role '%.*s' is not one of the framework's",
                        TEXT_ARGS(roles[i]));
    return true;
}
