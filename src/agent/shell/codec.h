/*
 * How the core reads what it only carries: wire/'s functions in the shape of struct agent_codec.
 */
#pragma once

#include "agent/core/agent.h"

struct agent_codec codec_of_wire(void);
