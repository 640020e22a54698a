/*
 * Quota seen from outside: no offer is made above a limit, and none that takes from others what is
 * kept for their guarantees.
 */
#pragma once

#include "tests/sim/nodes.h"

struct quota_watch; /* which offers were seen already */

struct quota_watch *quota_watch_new(void);
void quota_watch_free(struct quota_watch *watch);

/* After each step of the master. */
void quota_watch_check(struct quota_watch *watch, struct master_node *node);
