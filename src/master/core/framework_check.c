/*
 * The first fault is named.
 */
#include "master/core/framework_check.h"

#include "common/base/map.h"
#include "common/model/kinds.h"
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

/* False, and *twice is it: one is there twice. */
static bool collect_roles(const struct framework_info *info, struct map *out, struct text *twice) {
    for (size_t i = 0; i < info->role_count; i++) {
        *twice = info->roles[i];
        if (map_put_text(out, info->roles[i], out) != NULL)
            return false;
    }
    return true;
}

static bool check_distinct(const struct framework_info *info, struct error *why) {
    struct map roles = {0};
    struct text twice;
    bool are_distinct = collect_roles(info, &roles, &twice);
    map_fini(&roles, NULL);
    return are_distinct || fail(why, ERROR_INVALID, "role '%.*s' is given twice", TEXT_ARGS(twice));
}

/* The table of roles never shrinks: what operators and agents may need of it is left to them. */
static bool check_room(const struct master *master, struct text role, struct error *why) {
    uint32_t number;
    if (kinds_role_count(master->kinds) < ROLES_BY_FRAMEWORKS_LIMIT || role.size == 0 ||
        kinds_find_role(master->kinds, role, &number))
        return true;
    return fail(why, ERROR_LIMIT, "role '%.*s' is new, and this master has heard of too many roles",
                TEXT_ARGS(role));
}

static bool check_rooms(const struct master *master, const struct framework_info *info,
                        struct error *why) {
    for (size_t i = 0; i < info->role_count; i++) {
        if (!check_room(master, info->roles[i], why))
            return false;
    }
    return check_room(master, info->role, why);
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
    }
    return check_distinct(info, why);
}

bool framework_check(const struct master *master, const struct framework_info *info,
                     struct error *why) {
    const char *reason;
    if (info->id.text.size > 0 && !id_is_valid(info->id.text, &reason))
        return fail(why, ERROR_INVALID, "the framework id %s", reason);
    if (info->encoded.size > REGISTRY_INFO_BYTES_LIMIT)
        return fail(why, ERROR_LIMIT, "the FrameworkInfo has %zu bytes; the limit is %d",
                    info->encoded.size, REGISTRY_INFO_BYTES_LIMIT);
    if (!check_roles(info, why) || !check_rooms(master, info, why))
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

static bool check_suppressed(const struct map *mine, const struct text *roles, size_t role_count,
                             struct error *why) {
    for (size_t i = 0; i < role_count; i++) {
        if (map_get_text(mine, roles[i]) == NULL)
            return fail(why, ERROR_INVALID, "suppressed role '%.*s' is not one of the framework's",
                        TEXT_ARGS(roles[i]));
    }
    return true;
}

bool framework_check_suppressed(const struct framework_info *info, const struct text *roles,
                                size_t role_count, struct error *why) {
    struct map mine = {0};
    struct text last, only = info->role.size > 0 ? info->role : TEXT("*");
    if (framework_can(info, FRAMEWORK_MULTI_ROLE))
        collect_roles(info, &mine, &last);
    else
        map_put_text(&mine, only, &mine);
    bool ok = check_suppressed(&mine, roles, role_count, why);
    map_fini(&mine, NULL);
    return ok;
}
