/*
 * What the quota book is told. Without quota it hears nothing and costs nothing; with the first
 * quota, or when somebody asks what counts for a role, it is told all there is, and each change
 * from then on.
 */
#include "allocator/state.h"

/* Somebody may have more than before. */
void quota_note_room(struct allocator *allocator) {
    if (!quota_book_is_used(allocator->book))
        return;
    allocator->quota_version++;
    news_of_quota(allocator);
}

void quota_tell_free(struct allocator *allocator, struct agent *agent) {
    struct quantities *free = &allocator->scratch, *told = &agent->told_free;
    if (!allocator->is_book_told)
        return;
    quantities_clear(free);
    if (agent->is_active)
        countable_of(allocator, &agent->free, free);
    if (!quantities_contain(told, free))
        quota_note_room(allocator);
    quota_book_add_free(allocator->book, told, -1);
    quota_book_add_free(allocator->book, free, 1);
    struct quantities old = *told;
    *told = *free;
    *free = old;
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
        quota_note_room(allocator);
    }
}

void quota_tell_held(struct allocator *allocator, const struct client *client,
                     const struct resources *what, int sign) {
    if (!allocator->is_book_told)
        return;
    countable_of(allocator, what, &allocator->scratch);
    quota_book_consume(allocator->book, client->role, &allocator->scratch, sign);
    if (sign < 0)
        quota_note_room(allocator);
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

void allocator_hold_limits(struct allocator *allocator, bool is_held) {
    quota_book_hold_limits(allocator->book, is_held);
    if (!allocator->is_book_told)
        return;
    quota_note_room(allocator);
    clients_look_again(allocator);
}

void allocator_set_quota(struct allocator *allocator, uint32_t role, const struct quota_line *lines,
                         size_t count) {
    quota_tell_all(allocator);
    quota_book_set(allocator->book, role, lines, count);
    quota_note_room(allocator);
    clients_look_again(allocator);
}
