/*
 * Quota: how much of what each role counts, and what that leaves for others. Pure arithmetic over
 * the tree of roles; knows no agents and no clients.
 *
 * Per resource name, for a role r with guarantee g, limit l and consumption c (its own and that of
 * all below it):
 *
 *     needs(r)  = max(g - c, sum of needs of its children, 0)       what must still be kept for it
 *     headroom  = free - needs(root)                                what anybody may have
 *
 * Giving x to a role is right when no role on its path is above its limit then, and the headroom is
 * not below 0 then; what x takes from needs on its own path is its own, and is given even when more
 * is promised than there is. A name of which nothing is kept for anybody is not looked at for
 * headroom.
 *
 * Sums of needs and of what is free are exact; a role's consumption stays between 0 and INT64_MAX.
 * Setting and consuming cost one path, depth times names; without quota anywhere consuming is
 * addition and the questions cost nothing.
 */
#pragma once

#include "allocator/allocator.h"

struct quota_book;

struct quota_book *quota_book_new(const struct kinds *kinds); /* roles' parents are asked there */
void quota_book_free(struct quota_book *book);
DEFINE_AUTO(struct quota_book, quota_book_free)

/* See allocator_set_quota. Lines without guarantee and limit are left out; of two lines with one
 * name the first counts; negative amounts are 0. */
void quota_book_set(struct quota_book *book, uint32_t role, const struct quota_line *lines,
                    size_t count);
/* While held, limits leave nothing, however little counts: what is not known might use it
 * up. */
void quota_book_hold_limits(struct quota_book *book, bool is_held);
/* Some role has a limit or a guarantee. When none has, everything below costs nothing. */
bool quota_book_is_used(const struct quota_book *book);
/* Some guarantee is not met. */
bool quota_book_has_needs(const struct quota_book *book);

/* A role counts so much more or less (sign 1 or -1); the cluster has so much more or less free
 * (unreserved, not revocable, on active agents). Kept whether or not there is quota. */
void quota_book_consume(struct quota_book *book, uint32_t role, const struct quantities *amounts,
                        int sign);
void quota_book_add_free(struct quota_book *book, const struct quantities *amounts, int sign);

enum quota_answer { QUOTA_ALLOWS, QUOTA_LIMIT, QUOTA_HEADROOM };

/* Which of two rules stands against giving `amounts` to the role, with the name and the room there
 * is (whichever is least relative to what is asked), and whose limit. */
struct quota_verdict {
    enum quota_answer answer;
    uint32_t name, role;
    int64_t room_milli;
};
struct quota_verdict quota_book_ask(const struct quota_book *book, uint32_t role,
                                    const struct quantities *amounts);

/* Cuts each amount to what may be given to the role at once: never more than asked. */
void quota_book_cut(const struct quota_book *book, uint32_t role, struct quantities *amounts);

/* Giving `amounts` to the role would lower what must be kept in all: some of it is for its own
 * path.
 */
bool quota_book_serves_need(const struct quota_book *book, uint32_t role,
                            const struct quantities *amounts);

/* How much more must be kept for all guarantees than is free; 0: enough is. */
int64_t quota_book_lack(const struct quota_book *book, uint32_t name);

/* Lent until the next change; never NULL. */
const struct quantities *quota_book_consumed(const struct quota_book *book, uint32_t role);
/* The lines that are set, by name; lent until the role's are set again. */
size_t quota_book_lines(const struct quota_book *book, uint32_t role,
                        const struct quota_line **lines);
