/*
 * After a restart: sandboxes on the disk that no record names any more, because the agent was
 * killed between forgetting one and removing it.
 */
#pragma once

#include "agent/core/agent.h"

struct daemon;

/* Gives each such directory to the remover. Returns how many there were. */
size_t sweep_sandboxes(struct daemon *daemon, const struct agent_record *records, size_t count);
