/*
 * The constraint book: compiled constraints by the numbers that the allocator knows them by. The
 * same constraints have one number, however many roles and requests use them; what nobody uses any
 * more is gone, and its number does not come again.
 */
#pragma once

#include "common/model/constraints.h"

#include <stdint.h>

enum {
    CONSTRAINTS_LIMIT = 100000,                 /* different ones at a time */
    CONSTRAINTS_BYTES_LIMIT = 64 * 1024 * 1024, /* of compiled ones, all together */
};

struct constraint_book;

struct constraint_book *constraint_book_new(void);
void constraint_book_free(struct constraint_book *book);
DEFINE_AUTO(struct constraint_book, constraint_book_free)

/* One more use; 0 and *why when they make no sense or there is no room. */
uint32_t constraint_book_take(struct constraint_book *book, const struct role_constraints *from,
                              struct error *why);
/* One use less; 0 does nothing. */
void constraint_book_drop(struct constraint_book *book, uint32_t number);

/* Lent until they are dropped; NULL: no such number. */
const struct constraints *constraint_book_find(const struct constraint_book *book, uint32_t number);
size_t constraint_book_count(const struct constraint_book *book);
