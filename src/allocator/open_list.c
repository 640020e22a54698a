/*
 * The open list: agents with something free, in the order in which they last became better. A
 * client walks along it and never looks back, so a freed agent costs work only for those who come
 * by. An agent that becomes better waits among the marks, least loaded first, until some client has
 * reached the end; then it gets a new entry there, and its old one dies.
 */
#include "allocator/state.h"

enum { DRAINED_AT_ONCE = 16, COMPACT_FROM = 64 };

static void kill(struct allocator *allocator, struct agent *agent) {
    if (agent->entry == NOWHERE)
        return;
    allocator->open.items[agent->entry] = (struct open_entry){NULL, agent->entry + 1};
    agent->entry = NOWHERE;
    if (--allocator->open_live > 0)
        return;
    allocator->open.count = 0;
    allocator->open_generation++;
}

void open_leave(struct allocator *allocator, struct agent *agent) {
    heap_remove(&allocator->marks, &agent->mark);
    kill(allocator, agent);
}

void open_move_mark(struct allocator *allocator, struct agent *agent) {
    if (heap_holds(&agent->mark))
        heap_put(&allocator->marks, &agent->mark,
                 agent->load << 32 | (agent->mark.key & UINT32_MAX));
}

void open_add_mark(struct allocator *allocator, struct agent *agent) {
    if (heap_holds(&agent->mark)) {
        open_move_mark(allocator, agent);
        return;
    }
    int64_t dice = (int64_t)(rng_next(&allocator->rng) >> 33);
    heap_put(&allocator->marks, &agent->mark, agent->load << 32 | dice);
}

static void drain(struct allocator *allocator) {
    struct heap_node *least;
    for (int i = 0; i < DRAINED_AT_ONCE && (least = heap_least(&allocator->marks)) != NULL; i++) {
        struct agent *agent = CONTAINER_OF(least, struct agent, mark);
        heap_remove(&allocator->marks, least);
        if (agent->entry != NOWHERE) {
            allocator->open.items[agent->entry] = (struct open_entry){NULL, agent->entry + 1};
            allocator->open_live--;
        }
        agent->entry = (uint32_t)allocator->open.count;
        VEC_PUSH(&allocator->open, (struct open_entry){agent, 0});
        allocator->open_live++;
    }
}

/* The first live entry from there on, or the end; those on the way learn it. */
static uint32_t find_live(struct allocator *allocator, uint32_t from) {
    struct open_entry *entries = allocator->open.items;
    uint32_t end = (uint32_t)allocator->open.count, at = from;
    while (at < end && entries[at].agent == NULL)
        at = entries[at].next;
    while (from < end && from < at && entries[from].agent == NULL) {
        uint32_t next = entries[from].next;
        entries[from].next = at;
        from = next;
    }
    return at;
}

uint32_t open_next(struct allocator *allocator, uint32_t from) {
    uint32_t at = find_live(allocator, from);
    if (at < allocator->open.count)
        return at;
    if (heap_least(&allocator->marks) == NULL)
        return NOWHERE;
    drain(allocator);
    at = find_live(allocator, from);
    return at < allocator->open.count ? at : NOWHERE;
}

static void move_positions(struct allocator *allocator, const uint32_t *moved, uint32_t old_end) {
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL)
            continue;
        VEC_EACH(wish, &(*client)->wishes) {
            if (wish->generation == allocator->open_generation)
                wish->position = moved[wish->position < old_end ? wish->position : old_end];
        }
    }
    if (allocator->rested_generation == allocator->open_generation)
        allocator->rested_at =
            moved[allocator->rested_at < old_end ? allocator->rested_at : old_end];
}

/* Takes the dead out once they are more than the living and more than the clients, whose positions
 * move along. Not while anybody walks. */
void open_compact(struct allocator *allocator) {
    size_t dead = allocator->open.count - allocator->open_live;
    if (dead < COMPACT_FROM || dead < allocator->open_live || dead < allocator->clients.count / 4)
        return;
    uint32_t old_end = (uint32_t)allocator->open.count, kept = 0;
    uint32_t *moved = NEW_ARRAY(uint32_t, (size_t)old_end + 1);
    for (uint32_t i = 0; i < old_end; i++) {
        struct open_entry entry = allocator->open.items[i];
        moved[i] = kept;
        if (entry.agent == NULL)
            continue;
        entry.agent->entry = kept;
        allocator->open.items[kept++] = entry;
    }
    moved[old_end] = kept;
    allocator->open.count = kept;
    move_positions(allocator, moved, old_end);
    mem_free(moved);
}

void slots_set(struct slots *slots, uint32_t slot, bool is_set) {
    while (slots->count <= slot / 64)
        VEC_PUSH(slots, 0);
    uint64_t *word = &slots->items[slot / 64], bit = UINT64_C(1) << slot % 64;
    *word = is_set ? *word | bit : *word & ~bit;
}

uint32_t open_skip_slots(const struct allocator *allocator, const struct client *client,
                         const struct wish *wish, uint32_t from, uint32_t most) {
    uint32_t end = (uint32_t)allocator->open_slots.count * 64, skipped = 0, at = from, words;
    const uint64_t *refused = filters_slots(client, &words);
    while (skipped < most) {
        at = at < end ? at : 0;
        uint32_t word = at / 64;
        uint64_t open = allocator->open_slots.items[word];
        if (word < words)
            open &= ~(refused[word] & allocator->covered_slots.items[word]);
        if (open != 0)
            open &= skip_word(allocator, client, wish, word);
        open >>= at % 64;
        uint32_t step = open != 0 ? (uint32_t)__builtin_ctzll(open) : 64 - at % 64;
        skipped += step;
        at += step;
        if (open != 0)
            break;
    }
    return skipped < most ? skipped : most;
}
