/*
 * How roles and clients stand: what the policy says, and what the books have.
 *
 * What a role's clients have is summed for all roles in one pass: a role's number is above its
 * parent's, so from the last to the first each row is whole before it is added to its parent's.
 */
#include "allocator/verdict.h"
#include "common/base/buf.h"

#include <assert.h>

enum { CLUSTERS_LIMIT = 16 }; /* no share is above it, whatever agents went */

struct role_sums {
    size_t width;          /* amounts in a row: allocator.dimensions */
    VEC_OF(uint32_t) rows; /* by role; 1-based, 0: no client there or below */
    VEC_OF(uint8_t) wants; /* by row: somebody there or below does */
    VEC_OF(int64_t) held;  /* width amounts a row */
};

static uint32_t row_get(struct role_sums *sums, uint32_t role) {
    if (sums->rows.items[role] != 0)
        return sums->rows.items[role];
    for (size_t i = 0; i < sums->width; i++)
        VEC_PUSH(&sums->held, 0);
    VEC_PUSH(&sums->wants, 0);
    sums->rows.items[role] = (uint32_t)sums->wants.count;
    return sums->rows.items[role];
}

static void row_add(struct role_sums *sums, uint32_t row, const int64_t *more, bool wants) {
    int64_t *held = sums->held.items + (row - 1) * sums->width;
    if (wants)
        sums->wants.items[row - 1] = 1;
    for (size_t i = 0; i < sums->width; i++) {
        if (__builtin_add_overflow(held[i], more[i], &held[i]))
            held[i] = INT64_MAX;
    }
}

static void add_clients(const struct allocator *allocator, struct role_sums *sums) {
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL)
            continue;
        while (sums->rows.count <= (*client)->role)
            VEC_PUSH(&sums->rows, 0);
        row_add(sums, row_get(sums, (*client)->role), (*client)->held.at, (*client)->wants);
    }
}

struct role_sums *allocator_sum_roles(const struct allocator *allocator) {
    struct role_sums *sums = NEW(struct role_sums);
    sums->width = allocator->dimensions;
    add_clients(allocator, sums);
    for (size_t role = sums->rows.count; role-- > 0;) {
        uint32_t row = sums->rows.items[role];
        uint32_t parent = kinds_role_parent(allocator->kinds, (uint32_t)role);
        if (row == 0 || parent == ROLE_NONE)
            continue;
        assert(parent < role);
        uint32_t above = row_get(sums, parent); /* may move the rows */
        row_add(sums, above, sums->held.items + (row - 1) * sums->width,
                sums->wants.items[row - 1] != 0);
    }
    return sums;
}

void role_sums_free(struct role_sums *sums) {
    if (sums == NULL)
        return;
    VEC_FINI(&sums->rows);
    VEC_FINI(&sums->wants);
    VEC_FINI(&sums->held);
    mem_free(sums);
}

static uint32_t name_of(const struct allocator *allocator, uint32_t dominant) {
    return dominant < allocator->dimensions ? allocator->names[dominant] : UINT32_MAX;
}

static void take_over(const struct allocator *allocator,
                      const struct mesos_allocator_standing *from, struct allocator_standing *out) {
    out->share = from->share;
    out->guaranteed = from->guaranteed;
    out->dominant = name_of(allocator, from->dominant);
}

/* What a policy that tells nothing leaves to the books: of which resource most is held. */
static struct mesos_allocator_standing share_of(const struct allocator *allocator,
                                                const int64_t *held, size_t count) {
    struct mesos_allocator_standing standing = {.dominant = UINT32_MAX};
    for (size_t i = 0; i < count; i++) {
        int64_t total = allocator->total.at[i];
        if (total <= 0 || held[i] <= 0)
            continue;
        __int128 part = ((__int128)held[i] * MESOS_ALLOCATOR_SHARE_ONE + total - 1) / total;
        __int128 most = (__int128)CLUSTERS_LIMIT * MESOS_ALLOCATOR_SHARE_ONE;
        int64_t share = (int64_t)(part < most ? part : most);
        if (share <= standing.share)
            continue;
        standing.share = share;
        standing.dominant = (uint32_t)i;
    }
    return standing;
}

static void add_held(const struct allocator *allocator, const int64_t *held, size_t count,
                     struct quantities *out) {
    for (size_t i = 0; i < count; i++)
        quantities_add(out, allocator->names[i], held[i]);
}

/* It has clients, here or below, or an operator said something of it. */
static bool is_known(struct allocator *allocator, uint32_t role, bool has_clients) {
    const struct quota_line *lines;
    return has_clients ||
           (role < allocator->weights.count && allocator->weights.items[role] != 0) ||
           quota_book_lines(allocator->book, role, &lines) > 0 ||
           quota_book_consumed(allocator->book, role)->count > 0;
}

bool allocator_role_standing(struct allocator *allocator, const struct role_sums *sums,
                             uint32_t role, struct allocator_standing *out) {
    struct quantities *held = &allocator->lent_held;
    uint32_t row = role < sums->rows.count ? sums->rows.items[role] : 0;
    quota_tell_all(allocator);
    policy_tell_total(allocator);
    if (!is_known(allocator, role, row != 0))
        return false;
    size_t width = row != 0 ? sums->width : 0;
    const int64_t *amounts = row != 0 ? sums->held.items + (row - 1) * sums->width : NULL;
    quantities_clear(held);
    add_held(allocator, amounts, width, held);
    AUTO_FINI(buf_fini) struct buf path = {0};
    buf_append_text(&path, kinds_role_text(allocator->kinds, role));
    struct mesos_allocator_standing standing = {.dominant = UINT32_MAX};
    if (allocator->policy->role_standing == NULL ||
        !allocator->policy->role_standing(allocator->order, buf_string(&path), &standing))
        standing = share_of(allocator, amounts, width);
    int64_t weight = role < allocator->weights.count ? allocator->weights.items[role] : 0;
    *out = (struct allocator_standing){
        .weight_milli = weight != 0 ? weight : 1000,
        .wants = row != 0 && sums->wants.items[row - 1] != 0,
        .held = held,
        .consumed = quota_book_consumed(allocator->book, role),
    };
    take_over(allocator, &standing, out);
    return true;
}

const struct quantities *allocator_consumed(struct allocator *allocator, uint32_t role) {
    quota_tell_all(allocator);
    return quota_book_consumed(allocator->book, role);
}

int64_t allocator_lack(struct allocator *allocator, uint32_t name) {
    quota_tell_all(allocator);
    return quota_book_lack(allocator->book, name);
}

bool allocator_client_standing(struct allocator *allocator, uint32_t framework, uint32_t role,
                               struct allocator_standing *out) {
    const struct client *client = client_find(allocator, framework, role);
    struct mesos_allocator_standing standing = {.dominant = UINT32_MAX};
    if (client == NULL)
        return false;
    policy_tell_total(allocator);
    if (allocator->policy->client_standing == NULL ||
        !allocator->policy->client_standing(allocator->order, client->id, &standing))
        standing = share_of(allocator, client->held.at, allocator->dimensions);
    quantities_clear(&allocator->lent_held);
    add_held(allocator, client->held.at, allocator->dimensions, &allocator->lent_held);
    *out = (struct allocator_standing){
        .weight_milli = client->weight_milli,
        .wants = client->wants,
        .held = &allocator->lent_held,
    };
    take_over(allocator, &standing, out);
    return true;
}

/* The policy has done with those for whom an agent is kept: what is freed there is theirs. */
static const struct client *next_client(struct allocator *allocator) {
    if (allocator->earmarks.count > 0)
        return allocator->earmarks.items[0]->client;
    uint32_t id = allocator->policy->next != NULL ? allocator->policy->next(allocator->order)
                                                  : MESOS_ALLOCATOR_NOBODY;
    return id < allocator->clients.count ? allocator->clients.items[id] : NULL;
}

bool allocator_next(struct allocator *allocator, uint32_t *framework, uint32_t *role) {
    struct allocator_verdict why;
    policy_tell_total(allocator);
    const struct client *client = next_client(allocator);
    if (client == NULL || !client->wants || client->wishes.count == 0 ||
        verdict_is_in_vain(allocator, client, &client->wishes.items[0], &why))
        return false;
    *framework = client->framework->number;
    *role = client->role;
    return true;
}
