/*
 * What the quota book is told. Without quota it hears nothing and costs nothing; with the first
 * quota, or when somebody asks what counts for a role, it is told all there is, and each change
 * from then on.
 */
#include "allocator/state.h"

void quota_tell_free(struct allocator *allocator, struct agent *agent) {
    if (!allocator->is_book_told)
        return;
    quota_book_add_free(allocator->book, &agent->told_free, -1);
    quantities_clear(&agent->told_free);
    if (agent->is_active)
        countable_of(allocator, &agent->free, &agent->told_free);
    quota_book_add_free(allocator->book, &agent->told_free, 1);
}

/* What is reserved counts for its role, held or not. */
void quota_tell_reservations(struct allocator *allocator, struct agent *agent, int sign) {
    if (!allocator->is_book_told)
        return;
    for (uint32_t i = 0; i < agent->total.count; i++) {
        const struct resource *one = &agent->total.entries[i];
        if (kind_type(one->kind) != VALUE_SCALAR || !kind_is(one->kind, KIND_IS_RESERVED))
            continue;
        quantities_clear(&allocator->scratch);
        quantities_add(&allocator->scratch, kinds_name(allocator->kinds, one->kind),
                       resource_quantity_milli(one));
        quota_book_consume(allocator->book, kinds_reserved_role(allocator->kinds, one->kind),
                           &allocator->scratch, sign);
    }
}

void quota_tell_held(struct allocator *allocator, const struct client *client,
                     const struct resources *what, int sign) {
    if (!allocator->is_book_told)
        return;
    countable_of(allocator, what, &allocator->scratch);
    quota_book_consume(allocator->book, client->role, &allocator->scratch, sign);
}

void quota_tell_all(struct allocator *allocator) {
    if (allocator->is_book_told)
        return;
    allocator->is_book_told = true;
    MAP_EACH(entry, &allocator->agents) {
        struct agent *agent = map_value(entry);
        quota_tell_free(allocator, agent);
        quota_tell_reservations(allocator, agent, 1);
        VEC_EACH(holding, &agent->holdings)
            quota_tell_held(allocator, allocator->clients.items[holding->client], &holding->held,
                            1);
    }
}

void allocator_set_quota(struct allocator *allocator, uint32_t role, const struct quota_line *lines,
                         size_t count) {
    quota_tell_all(allocator);
    quota_book_set(allocator->book, role, lines, count);
    clients_look_again(allocator);
}
