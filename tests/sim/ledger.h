/*
 * The ledger: what was seen of every task from outside the cores, to check them against. A breach
 * fails the world.
 */
#pragma once

#include "common/base/uuid.h"
#include "common/model/task_state.h"
#include "tests/sim/world.h"

struct ledger;

struct ledger *ledger_new(struct world *world);
void ledger_free(struct ledger *ledger);

/* Something runs under this id: must be so once only. */
void ledger_task_begins(struct ledger *ledger, struct text task);
/* An agent has stored an update, in the order in which the framework must see it. */
void ledger_update_stored(struct ledger *ledger, struct text task, struct uuid uuid);
/* One that no agent stores: of a task that it does not know. */
void ledger_update_made(struct ledger *ledger, struct uuid uuid);
/* It need not be heard any more: its framework, or its agent, was removed. */
void ledger_update_dropped(struct ledger *ledger, struct text task, struct uuid uuid);
void ledger_acknowledged(struct ledger *ledger, struct uuid uuid); /* by the framework */
bool ledger_is_acknowledged(struct ledger *ledger, struct uuid uuid);
/* A framework's present process is told, with an update or otherwise. */
void ledger_state_told(struct ledger *ledger, struct text task, enum task_state state,
                       const char *framework);
/* A framework is told. */
void ledger_update_arrives(struct ledger *ledger, struct text task, struct uuid uuid,
                           const char *framework);
