/*
 * What an agent says of itself when it registers. A value that borrows from the event that brought
 * it.
 */
#pragma once

#include "common/base/text.h"
#include "common/model/ids.h"
#include "common/model/resources.h"

struct agent_info {
    struct agent_id id; /* empty: a new agent */
    struct text hostname;
    struct text ip; /* the address its port listens on, numeric */
    uint16_t port;
    const struct resources *resources; /* the total */
    struct text attributes;            /* as --attributes writes them: "rack:r1;zone:a" */
    struct text region, zone;          /* of its fault domain; empty: none */
    struct text version;
    struct text encoded; /* the whole mesos.v1.AgentInfo */
};
