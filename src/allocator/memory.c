/*
 * Past use that fades. Each client has a past that follows what it holds: after each step of
 * half_life / 256 (a second at least) the distance between the two shrinks by the same part, so
 * that half of it is gone after a half-life. The policy is charged with the past as with what is
 * held: who had x for long counts as having 2x. Whole numbers only.
 */
#include "allocator/state.h"

enum {
    STEPS_OF_HALF_LIFE = 256,
    STEP_MS_LEAST = 1000,
    COST_OF_A_CLIENT = 16,
    ONE_BITS = 32,
    FINE_BITS = 24
};
#define ONE (UINT64_C(1) << ONE_BITS)

/* base^exponent, in parts of 2^32. */
static uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t result = ONE;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result = (uint64_t)((unsigned __int128)result * base >> ONE_BITS);
        base = (uint64_t)((unsigned __int128)base * base >> ONE_BITS);
    }
    return result;
}

/* What is left of a distance after one of `steps` steps of a half-life: its steps-th power is a
 * half. */
static uint64_t part_of_step(uint64_t steps) {
    uint64_t low = 0, high = ONE;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (power(middle, steps) <= ONE / 2)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t step_ms(const struct allocator *allocator) {
    int64_t step = allocator->half_life_ms / STEPS_OF_HALF_LIFE;
    return step > STEP_MS_LEAST ? step : STEP_MS_LEAST;
}

static void charge(struct allocator *allocator, const struct client *client,
                   const struct amounts *amounts, int sign) {
    allocator->policy->charge(allocator->order, client->id, amounts->at, sign);
}

/* left: of the distance, in parts of 2^32; 0: past becomes what is held. */
static void fade(struct allocator *allocator, struct client *client, uint64_t left) {
    struct amounts more = {0}, less = {0};
    int64_t any_more = 0, any_less = 0;
    if (client->past == NULL) {
        client->past = NEW(struct amounts);
        client->past_fine = NEW_ARRAY(__int128, DIMENSIONS_LIMIT);
    }
    for (size_t i = 0; i < allocator->dimensions; i++) {
        __int128 held = (__int128)client->held.at[i] << FINE_BITS;
        client->past_fine[i] = held + (client->past_fine[i] - held) * (__int128)left / ONE;
        int64_t past = (int64_t)(client->past_fine[i] >> FINE_BITS);
        int64_t change = past - client->past->at[i];
        *(change > 0 ? &more.at[i] : &less.at[i]) = change > 0 ? change : -change;
        *(change > 0 ? &any_more : &any_less) |= change;
        client->past->at[i] = past;
    }
    if (any_less != 0)
        charge(allocator, client, &less, -1);
    if (any_more != 0)
        charge(allocator, client, &more, 1);
}

/* A pass over the clients, as far as the budget goes. */
static void go_on(struct allocator *allocator) {
    while (allocator->fading_at < allocator->clients.count) {
        struct client *client = allocator->clients.items[allocator->fading_at++];
        if (client == NULL)
            continue;
        fade(allocator, client, allocator->fading_left);
        allocator->budget -= COST_OF_A_CLIENT;
        if (allocator->budget <= 0)
            return;
    }
    allocator->is_fading = false;
    news_for_all(allocator);
}

static void begin(struct allocator *allocator) {
    int64_t step = step_ms(allocator);
    if (allocator->faded_ms == INT64_MIN || allocator->now_ms < allocator->faded_ms)
        allocator->faded_ms = allocator->now_ms;
    int64_t steps = (allocator->now_ms - allocator->faded_ms) / step;
    if (steps == 0)
        return;
    allocator->faded_ms += steps * step;
    int64_t of_half_life = allocator->half_life_ms / step;
    allocator->fading_left =
        power(part_of_step(of_half_life > 0 ? (uint64_t)of_half_life : 1), (uint64_t)steps);
    allocator->fading_at = 0;
    allocator->is_fading = true;
}

bool memory_fade(struct allocator *allocator) {
    if (allocator->half_life_ms == 0)
        return false;
    if (!allocator->is_fading)
        begin(allocator);
    if (allocator->is_fading)
        go_on(allocator);
    return allocator->is_fading;
}

void memory_forget(struct allocator *allocator, struct client *client) {
    if (client->past == NULL)
        return;
    charge(allocator, client, client->past, -1);
    mem_free(client->past);
    mem_free(client->past_fine);
    client->past = NULL;
    client->past_fine = NULL;
}

void allocator_set_half_life(struct allocator *allocator, int64_t half_life_ms) {
    allocator->half_life_ms = half_life_ms > 0 ? half_life_ms : 0;
    allocator->faded_ms = INT64_MIN;
    allocator->is_fading = false;
    VEC_EACH(client, &allocator->clients) {
        if (half_life_ms <= 0 && *client != NULL)
            memory_forget(allocator, *client);
    }
}
