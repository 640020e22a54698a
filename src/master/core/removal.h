/*
 * How fast agents may be lost: --agent_removal_rate_limit and --recovery_agent_removal_limit. A
 * switch that fails, or a master with a bad network, looks like the loss of all agents at once;
 * then operators want time. An agent that waits for its turn and is heard of again is not lost.
 */
#pragma once

#include "master/core/state.h"

/* Lost now when the rate allows it, else in its turn. `why` is for good. */
void removal_ask(struct master *master, struct agent *agent, const char *why);
/* It was heard of, or is lost by another way. Fine when it did not wait. */
void removal_cancel(struct master *master, struct agent *agent);
void removal_ring(struct master *master); /* TIMER_REMOVAL */
/* An agent known to the registry did not come back in time: whether the master must end rather than
 * lose more of them than the limit says. */
bool removal_is_beyond_recovery(struct master *master);
