/*
 * The roles' weights and quota as operators set them: checked, stored in the registry, and only
 * then in force, which is when the allocator hears of them and the operator gets the answer.
 */
#pragma once

#include "master/core/state.h"

enum {
    ROLES_PER_CALL_LIMIT = 1000,
    ROLE_CHANGES_LIMIT = 1000, /* calls that wait for the registry */
};

struct role_book;

struct role_book *role_book_new(void);
void role_book_free(struct role_book *book);

/* From the registry, in force at once. */
void role_book_load(struct master *master, const struct registry_record *record);

void role_book_update_weights(struct master *master, uint64_t request,
                              const struct operator_call *call);
void role_book_update_quota(struct master *master, uint64_t request,
                            const struct operator_call *call);

/* Everything up to the ticket is in the registry. */
void role_book_stored(struct master *master, uint64_t ticket);

/* Goes on with taking back offers that are in the way of what is new; busy: there is more. */
void role_book_step(struct master *master);
bool role_book_is_busy(const struct master *master);

/* For tests. */
bool role_book_check(const struct master *master, struct error *why);

/* What is in force. Each role that has a weight or a quota, in the order in which they came. */
void role_book_each(const struct master *master, void (*fn)(void *self, uint32_t role), void *self);
int64_t role_book_weight_milli(const struct master *master, uint32_t role);
/* Lent until the next step; *count is 0 for a role without quota. */
const struct quota_line *role_book_quota(const struct master *master, uint32_t role, size_t *count);
