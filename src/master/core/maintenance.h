/*
 * The maintenance schedule: which machines will be away, and when. A change is in force once it is
 * stored. While a machine is in the schedule (DRAINING) its offers say when it will be away and
 * whoever uses it gets inverse offers (inverse_book.h); while it is DOWN its agents are removed and
 * cannot register.
 *
 *     UP -- UPDATE_MAINTENANCE_SCHEDULE --> DRAINING -- START --> DOWN -- STOP --> UP
 */
#pragma once

#include "master/core/master_view.h"
#include "master/core/state.h"

enum {
    MACHINES_LIMIT = 100000,
    MACHINES_PER_CALL_LIMIT = MACHINES_LIMIT,
};

struct maintenance *maintenance_new(void);
void maintenance_free(struct maintenance *maintenance);

void maintenance_load(struct master *master, const struct registry_record *record);

/* UPDATE_MAINTENANCE_SCHEDULE, START_MAINTENANCE, STOP_MAINTENANCE; answered when stored. */
void maintenance_by_operator(struct master *master, uint64_t request,
                             const struct operator_call *call);
void maintenance_stored(struct master *master, uint64_t ticket);

/* The machine that the agent is on, if it is in the schedule; false: it is not. */
bool maintenance_find(const struct master *master, const struct agent_info *info,
                      struct machine_view *out);

/* The agent is there, perhaps on another machine than before: it is listed by its machine. */
void maintenance_place(struct master *master, struct agent *agent);
