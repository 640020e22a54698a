/*
 * The frameworks: subscription, failover, silence, removal.
 */
#pragma once

#include "master/core/state.h"

/* Completed ones too; NULL: never heard of, or forgotten. */
struct framework *framework_book_find(const struct master *master, struct framework_id id);
bool framework_book_is_completed(const struct master *master, struct framework_id id);

/* One that an agent or the registry tells of. */
struct framework *framework_book_recover(struct master *master, struct framework_id id,
                                         struct text encoded_info);
/* One that the registry does not know (any more), told of by an agent: nobody else
 * speaks for it, so it has as long to come back as an agent has. */
struct framework *framework_book_learn(struct master *master, struct framework_id id,
                                       struct text encoded_info);
/* From the registry, with its timer. */
void framework_book_load(struct master *master, const struct registry_record *record);

void framework_book_subscribe(struct master *master, struct peer *peer,
                              const struct scheduler_call *call);
void framework_book_update(struct master *master, struct framework *framework,
                           const struct scheduler_call *call);

/* Its connection is gone: offers come back and its failover timer starts. */
void framework_book_disconnect(struct master *master, struct framework *framework);

/* For good: its tasks are killed and it is listed among the completed ones. */
void framework_book_remove(struct master *master, struct framework *framework, const char *why);

void framework_book_heartbeat(struct master *master, struct framework *framework);
void framework_book_failover_timeout(struct master *master, struct framework *framework);

void framework_book_free(struct framework *framework);
