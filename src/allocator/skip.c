/*
 * What a client need not look at. After quota is reached on one resource, or where much is reserved
 * to others, there may be as many agents with a rest that nobody may have as there are agents, and
 * each client would look at each. So who takes whole agents goes around by bits: of agents that
 * hold a minimum which quota allows it, unreserved, or on which something is reserved to its role
 * or one above it. A bit too many costs a look; one too few never is.
 *
 * The bits are made from when the first client asks for them, some at a time. Roles share them by
 * their number's remainder, for there may be thousands.
 */
#include "allocator/verdict.h"

#include <string.h>

enum {
    ROLE_BITS = 512,
    ROLE_WORDS = ROLE_BITS / 64,
    MADE_AT_ONCE = 256, /* slots, each for a look */
};

struct skip_index {
    size_t made;         /* slots; those from there on have to be looked at */
    struct slots always; /* what the bits do not know: revocable, shared, disks of their own */
    struct slots minima[ALLOCATOR_MINIMA_LIMIT];
    struct slots roles[ROLE_BITS];
};

/* Of a name that has no plain amounts nothing is known. */
static bool may_hold(const struct allocator *allocator, const struct agent *agent,
                     const struct quantities *minimum) {
    for (size_t i = 0; i < minimum->count; i++) {
        uint8_t at = name_dimension(allocator, minimum->items[i].name);
        if (at != NO_DIMENSION && agent->plain.at[at] < minimum->items[i].milli)
            return false;
    }
    return true;
}

static uint32_t bit_of(uint32_t role) {
    return role % ROLE_BITS;
}

/* True: there is something else than what is plain and what is reserved. */
static bool find_roles(struct allocator *allocator, const struct agent *agent, uint64_t *reserved) {
    bool is_odd = (agent->special & ~(uint32_t)KIND_IS_RESERVED) != 0;
    for (uint32_t i = 0; i < agent->free.count; i++) {
        uint32_t kind = agent->free.entries[i].kind;
        bool is_simple;
        if (kind_is(kind, KIND_IS_RESERVED)) {
            uint32_t bit = bit_of(kinds_reserved_role(allocator->kinds, kind));
            reserved[bit / 64] |= UINT64_C(1) << bit % 64;
            continue;
        }
        kind_dimension(allocator, kind, &is_simple);
        is_odd = is_odd || !is_simple;
    }
    return is_odd;
}

static void set_roles(struct allocator *allocator, struct agent *agent, const uint64_t *reserved) {
    static const uint64_t none[ROLE_WORDS];
    if (agent->reserved_bits == NULL) {
        if (memcmp(reserved, none, sizeof(none)) == 0)
            return;
        agent->reserved_bits = NEW_ARRAY(uint64_t, ROLE_WORDS);
    }
    for (uint32_t word = 0; word < ROLE_WORDS; word++) {
        for (uint64_t changed = agent->reserved_bits[word] ^ reserved[word]; changed != 0;
             changed &= changed - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(changed);
            slots_set(&allocator->skip->roles[word * 64 + bit], agent->slot,
                      (reserved[word] >> bit & 1) != 0);
        }
        agent->reserved_bits[word] = reserved[word];
    }
}

void skip_review_agent(struct allocator *allocator, struct agent *agent) {
    struct skip_index *index = allocator->skip;
    uint64_t reserved[ROLE_WORDS] = {0};
    if (index == NULL)
        return;
    slots_set(&index->always, agent->slot, find_roles(allocator, agent, reserved));
    for (size_t i = 0; i < allocator->minima_count; i++)
        slots_set(&index->minima[i], agent->slot,
                  may_hold(allocator, agent, &allocator->minima[i]));
    set_roles(allocator, agent, reserved);
}

/* Its slot is another's next. */
void skip_forget_agent(struct allocator *allocator, struct agent *agent) {
    static const uint64_t none[ROLE_WORDS];
    if (allocator->skip != NULL)
        set_roles(allocator, agent, none);
    mem_free(agent->reserved_bits);
    agent->reserved_bits = NULL;
}

static void make_some(struct allocator *allocator) {
    if (allocator->skip == NULL)
        allocator->skip = NEW(struct skip_index);
    struct skip_index *index = allocator->skip;
    if (index->made == SIZE_MAX)
        return;
    for (size_t end = index->made + MADE_AT_ONCE; index->made < end; index->made++) {
        if (index->made == allocator->slots.count) {
            index->made = SIZE_MAX; /* who comes from now on is reviewed */
            return;
        }
        if (allocator->slots.items[index->made] != NULL)
            skip_review_agent(allocator, allocator->slots.items[index->made]);
    }
    allocator->budget -= MADE_AT_ONCE;
}

bool skip_begin(struct allocator *allocator, struct client *client, struct wish *wish) {
    bool has_quota = allocator->is_book_told && quota_book_is_used(allocator->book);
    wish->is_lap_narrow = false;
    if (client->has_minima || allocator->minima_count == 0 ||
        (!has_quota && allocator->special_count == 0))
        return false;
    make_some(allocator);
    wish->is_lap_narrow = true;
    wish->lap_minima = 0;
    for (size_t i = 0; i < allocator->minima_count; i++) {
        if (has_quota &&
            quota_book_ask(allocator->book, client->role, &allocator->minima[i]).answer !=
                QUOTA_ALLOWS) {
            client->was_limited = true;
            client->limited_version = allocator->quota_version;
            continue;
        }
        wish->lap_minima |= UINT32_C(1) << i;
    }
    return true;
}

static uint64_t word_of(const struct slots *slots, uint32_t word) {
    return word < slots->count ? slots->items[word] : 0;
}

uint64_t skip_word(const struct allocator *allocator, const struct client *client,
                   const struct wish *wish, uint32_t word) {
    const struct skip_index *index = allocator->skip;
    if (!wish->is_lap_narrow || index->made < ((size_t)word + 1) * 64)
        return UINT64_MAX;
    uint64_t bits = word_of(&index->always, word);
    for (uint32_t left = wish->lap_minima; left != 0; left &= left - 1)
        bits |= word_of(&index->minima[__builtin_ctz(left)], word);
    for (uint32_t role = client->role; role != ROLE_NONE && role != ROLE_ANY;
         role = kinds_role_parent(allocator->kinds, role))
        bits |= word_of(&index->roles[bit_of(role)], word);
    return bits;
}

void skip_fini(struct allocator *allocator) {
    if (allocator->skip == NULL)
        return;
    VEC_FINI(&allocator->skip->always);
    for (size_t i = 0; i < ALLOCATOR_MINIMA_LIMIT; i++)
        VEC_FINI(&allocator->skip->minima[i]);
    for (size_t i = 0; i < ROLE_BITS; i++)
        VEC_FINI(&allocator->skip->roles[i]);
    mem_free(allocator->skip);
}
