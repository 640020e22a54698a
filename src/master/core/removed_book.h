/*
 * Frameworks that were removed, by id, also before this master: they may not come back, and what
 * agents still run of them ends. The last REMOVED_FRAMEWORKS_LIMIT are remembered.
 */
#pragma once

#include "master/core/state.h"

void removed_book_load(struct master *master, const struct registry_record *record);
/* The change that stores it; the oldest goes with the change in *oldest, false when none has to. */
struct store_change removed_book_add(struct master *master, struct framework_id id,
                                     struct store_change *oldest, bool *has_oldest);
bool removed_book_has(const struct master *master, struct framework_id id);
void removed_book_fini(struct master *master);
