/*
 * What a framework last wished for: its description and the roles that shall get no offers. Said
 * with every SUBSCRIBE, so that a wish outlives connections.
 */
#pragma once

#include "common/base/vec.h"
#include "mesos/mesos.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <stdbool.h>

enum { FRAMEWORK_ROLES_LIMIT = 10000 };

struct framework_wish {
    Mesos__V1__FrameworkInfo *info; /* owned; has its id once there is one */
    VEC_OF(char *) suppressed;
    Mesos__V1__Scheduler__OfferConstraints *constraints; /* owned; NULL: none */
};

void framework_wish_fini(struct framework_wish *wish);
void framework_wish_set_info(struct framework_wish *wish, const Mesos__V1__FrameworkInfo *info);
/* NULL: none. */
void framework_wish_set_constraints(struct framework_wish *wish,
                                    const Mesos__V1__Scheduler__OfferConstraints *constraints);
/* NULL until it is known. */
const char *framework_wish_id(const struct framework_wish *wish);
void framework_wish_set_id(struct framework_wish *wish, const char *id);
bool framework_wish_can(const struct framework_wish *wish,
                        Mesos__V1__FrameworkInfo__Capability__Type capability);

/* Whether it is subscribed in the role: only of such may a SUBSCRIBE speak. */
bool framework_wish_has_role(const struct framework_wish *wish, const char *role);

bool framework_wish_is_suppressed(const struct framework_wish *wish, const char *role);
void framework_wish_set_suppressed(struct framework_wish *wish, char *const *roles, size_t count);
/* No roles: all of the framework's. */
void framework_wish_suppress(struct framework_wish *wish, char *const *roles, size_t count);
void framework_wish_revive(struct framework_wish *wish, char *const *roles, size_t count);
