/*
 * What frameworks want: Request, OfferConstraints, offer filters. Private to wire/. Names and
 * amounts only, so nothing is interned; what makes no sense is a fault of the request, and for the
 * master to judge.
 */
#pragma once

#include "common/wire/convert.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

/* Of each role once (the last counts); NULL gives none. */
const struct role_constraints *offer_constraints_convert(
    struct wire *wire, const Mesos__V1__Scheduler__OfferConstraints *from, size_t *count);

const struct resource_request *requests_convert(struct wire *wire, Mesos__V1__Request *const *from,
                                                size_t count);

/* Into out->offer_filters, or out->fault. */
void offer_filters_convert(struct wire *wire, const Mesos__V1__FrameworkInfo *from,
                           struct framework_info *out);
