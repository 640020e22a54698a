/*
 * A handful of roles: looked through, not indexed.
 */
#include "lib/core/framework_wish.h"

static const double failover_preset_s = 7 * 24 * 3600;

static void forget_suppressed(struct framework_wish *wish) {
    VEC_EACH(role, &wish->suppressed)
        mem_free(*role);
    wish->suppressed.count = 0;
}

void framework_wish_fini(struct framework_wish *wish) {
    forget_suppressed(wish);
    VEC_FINI(&wish->suppressed);
    if (wish->info != NULL)
        mesos_message_free(&wish->info->base);
    wish->info = NULL;
    framework_wish_set_constraints(wish, NULL);
}

void framework_wish_set_constraints(struct framework_wish *wish,
                                    const Mesos__V1__Scheduler__OfferConstraints *constraints) {
    Mesos__V1__Scheduler__OfferConstraints *old = wish->constraints;
    wish->constraints = constraints != NULL ? MESOS_COPY(constraints) : NULL;
    if (old != NULL)
        mesos_message_free(&old->base);
}

const char *framework_wish_id(const struct framework_wish *wish) {
    if (wish->info == NULL || wish->info->id == NULL || wish->info->id->value == NULL ||
        wish->info->id->value[0] == '\0')
        return NULL;
    return wish->info->id->value;
}

void framework_wish_set_id(struct framework_wish *wish, const char *id) {
    Mesos__V1__FrameworkID given = MESOS__V1__FRAMEWORK_ID__INIT;
    given.value = (char *)id;
    if (wish->info->id != NULL)
        mesos_message_free(&wish->info->id->base);
    wish->info->id = MESOS_COPY(&given);
}

void framework_wish_set_info(struct framework_wish *wish, const Mesos__V1__FrameworkInfo *info) {
    Mesos__V1__FrameworkInfo *old = wish->info;
    const char *id = framework_wish_id(wish);
    wish->info = MESOS_COPY(info);
    if (!info->has_failover_timeout) {
        wish->info->has_failover_timeout = true;
        wish->info->failover_timeout = failover_preset_s;
    }
    if (id != NULL)
        framework_wish_set_id(wish, id);
    if (old != NULL)
        mesos_message_free(&old->base);
}

bool framework_wish_can(const struct framework_wish *wish,
                        Mesos__V1__FrameworkInfo__Capability__Type capability) {
    for (size_t i = 0; i < wish->info->n_capabilities; i++)
        if (wish->info->capabilities[i]->type == capability)
            return true;
    return false;
}

bool framework_wish_has_role(const struct framework_wish *wish, const char *role) {
    for (size_t i = 0; i < wish->info->n_roles; i++)
        if (strcmp(wish->info->roles[i], role) == 0)
            return true;
    const char *only = wish->info->role != NULL ? wish->info->role : "*";
    return wish->info->n_roles == 0 && strcmp(only, role) == 0;
}

static size_t find_suppressed(const struct framework_wish *wish, const char *role) {
    size_t at = 0;
    while (at < wish->suppressed.count && strcmp(wish->suppressed.items[at], role) != 0)
        at++;
    return at;
}

bool framework_wish_is_suppressed(const struct framework_wish *wish, const char *role) {
    return find_suppressed(wish, role) < wish->suppressed.count;
}

static void suppress_one(struct framework_wish *wish, const char *role) {
    if (find_suppressed(wish, role) == wish->suppressed.count &&
        wish->suppressed.count < FRAMEWORK_ROLES_LIMIT)
        VEC_PUSH(&wish->suppressed, mem_dup_string(role));
}

void framework_wish_set_suppressed(struct framework_wish *wish, char *const *roles, size_t count) {
    forget_suppressed(wish);
    for (size_t i = 0; i < count; i++)
        suppress_one(wish, roles[i]);
}

void framework_wish_suppress(struct framework_wish *wish, char *const *roles, size_t count) {
    for (size_t i = 0; i < count; i++)
        suppress_one(wish, roles[i]);
    if (count > 0)
        return;
    for (size_t i = 0; i < wish->info->n_roles; i++)
        suppress_one(wish, wish->info->roles[i]);
    if (wish->info->n_roles == 0)
        suppress_one(wish, wish->info->role != NULL ? wish->info->role : "*");
}

void framework_wish_revive(struct framework_wish *wish, char *const *roles, size_t count) {
    if (count == 0)
        forget_suppressed(wish);
    for (size_t i = 0; i < count; i++) {
        size_t at = find_suppressed(wish, roles[i]);
        if (at == wish->suppressed.count)
            continue;
        mem_free(wish->suppressed.items[at]);
        VEC_REMOVE(&wish->suppressed, at);
    }
}
