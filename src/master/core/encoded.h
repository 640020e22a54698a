/*
 * Encoded infos that get their id from the master. A field appended to a protobuf message replaces
 * the field that was there, so the bytes of a stranger stay as they are and no decoder is needed.
 */
#pragma once

#include "master/core/state.h"

/* Both in the step's arena. */
struct text encoded_framework_info(struct master *master, struct text info, struct framework_id id);
struct text encoded_agent_info(struct master *master, struct text info, struct agent_id id);
