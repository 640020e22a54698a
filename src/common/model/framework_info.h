/*
 * What a framework says of itself when it subscribes. A value that borrows from the event that
 * brought it.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/amounts.h"
#include "common/model/ids.h"
#include "common/model/resources.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers of mesos.v1.FrameworkInfo.Capability.Type; a set of them is a mask of 1 << number. */
enum framework_capability {
    FRAMEWORK_REVOCABLE_RESOURCES = 1,
    FRAMEWORK_TASK_KILLING_STATE = 2,
    FRAMEWORK_GPU_RESOURCES = 3,
    FRAMEWORK_SHARED_RESOURCES = 4,
    FRAMEWORK_PARTITION_AWARE = 5,
    FRAMEWORK_MULTI_ROLE = 6,
    FRAMEWORK_RESERVATION_REFINEMENT = 7,
    FRAMEWORK_REGION_AWARE = 8,
};

/* FrameworkInfo.offer_filters of one role. */
struct role_offer_filter {
    struct text role;
    bool has_minima;
    const struct amounts *minima; /* any of these; none: anything but nothing */
    size_t minimum_count;
};

struct framework_info {
    struct framework_id id; /* empty: a new framework */
    struct text user;
    struct text name;
    struct text principal;
    struct text hostname;
    struct text webui_url;
    struct text role; /* the old single field; empty when it was not set */
    const struct text *roles;
    size_t role_count;
    double failover_timeout_seconds; /* as sent; the master checks it */
    bool checkpoint;
    uint32_t capabilities;
    const struct role_offer_filter *offer_filters;
    size_t offer_filter_count;
    struct text fault;   /* what of it cannot even be checked; empty: nothing */
    struct text encoded; /* the whole mesos.v1.FrameworkInfo */
};

static inline bool framework_can(const struct framework_info *info,
                                 enum framework_capability what) {
    return (info->capabilities >> what & 1) != 0;
}
