/*
 * Who makes room for whom. How much of its guarantee a client has tells the needier of two; a
 * policy without guarantees tells nothing, and then all yield to all.
 *
 * What ends does not go at once to whoever is neediest and fits: were it so, each end of a task
 * would leave remainders to smaller and smaller ones, and those with large tasks would be worn
 * down, however many agents are kept for them. So where a task ended, its client is asked first, as
 * long as its guarantee is due to it and nobody needier waits whose task is as large; others get
 * their room from agents that are kept for them, and from those who have more than their guarantee.
 */
#include "allocator/verdict.h"

enum { PART_BITS = 24, RETURNS_LIMIT = 65536, COST_OF_A_RETURN = 4, EARMARKS_COMPARED = 64 };
#define ALL_OF_IT (INT64_C(1) << PART_BITS)

/* The part of its guarantee that a client would have with so much more of a share. */
static int64_t met_part(struct allocator *allocator, const struct client *client, int64_t more) {
    struct mesos_allocator_standing standing = {0};
    if (allocator->policy->client_standing == NULL ||
        !allocator->policy->client_standing(allocator->order, client->id, &standing) ||
        standing.guaranteed <= 0)
        return INT64_MAX;
    __int128 part = ((__int128)standing.share + more) * ALL_OF_IT / standing.guaranteed;
    if (part < 0)
        return 0;
    return part < INT64_MAX ? (int64_t)part : INT64_MAX;
}

int64_t yield_met_part(struct allocator *allocator, const struct client *client) {
    return met_part(allocator, client, 0);
}

static const struct wish *sized_wish(const struct client *client) {
    VEC_EACH(wish, &client->wishes) {
        if (!wish->is_open && wish_is_left(wish))
            return wish;
    }
    return NULL;
}

/* What one more task is of the cluster, rounded up. */
static int64_t share_of_task(const struct allocator *allocator, const struct client *client) {
    const struct wish *wish = sized_wish(client);
    int64_t largest = 0;
    for (size_t i = 0; wish != NULL && i < allocator->dimensions; i++) {
        int64_t all = allocator->total.at[i], need = wish->need.at[i];
        if (need == 0 || all <= 0)
            continue;
        __int128 part = ((__int128)need * MESOS_ALLOCATOR_SHARE_ONE + all - 1) / all;
        largest = part > largest && part < MESOS_ALLOCATOR_SHARE_ONE ? (int64_t)part : largest;
    }
    return largest;
}

/* Both parts of a client, reckoned once a turn: as it stands, and with a task less. */
static void look_up_parts(struct allocator *allocator, struct client *client) {
    if (client->parts_turn == allocator->turn)
        return;
    client->parts_turn = allocator->turn;
    client->met = met_part(allocator, client, 0);
    client->met_with_less = met_part(allocator, client, -share_of_task(allocator, client));
}

bool yield_is_due(struct allocator *allocator, const struct client *client) {
    return sized_wish(client) != NULL &&
           met_part(allocator, client, share_of_task(allocator, client)) <= ALL_OF_IT;
}

bool yield_keeps(struct allocator *allocator, const struct agent *agent,
                 const struct client *client) {
    const struct client *owner = agent->earmark->client;
    if (client != owner && agent->earmark->yielding == YIELDS_WEALTHY &&
        yield_is_due(allocator, client))
        return false;
    return client == owner || met_part(allocator, client, 0) >= met_part(allocator, owner, 0);
}

int64_t yield_wait(const struct allocator *allocator, const struct wish *wish,
                   const struct agent *agent, const struct amounts *room) {
    int64_t longest = 0;
    for (size_t i = 0; i < allocator->dimensions; i++) {
        int64_t missing = wish->need.at[i] - agent->plain.at[i];
        if (wish->need.at[i] == 0 || missing <= 0)
            continue;
        if (missing > room->at[i])
            return INT64_MAX;
        int64_t wait = (int64_t)((__int128)missing * YIELD_WAIT_ONE / room->at[i]);
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

enum yielding yield_on(struct allocator *allocator, struct client *client, const struct wish *wish,
                       const struct agent *agent, int64_t *wait) {
    struct amounts less_needy = {0}, wealthy = {0};
    look_up_parts(allocator, client);
    VEC_EACH(holding, &agent->holdings) {
        struct client *holder = allocator->clients.items[holding->client];
        struct amounts held;
        look_up_parts(allocator, holder);
        /* One that is needier for having given it back will get it back. */
        if (holder == client ||
            (holder->met_with_less <= client->met && holder->met_with_less != INT64_MAX))
            continue;
        amounts_of(allocator, &holding->held, true, &held);
        for (size_t i = 0; i < allocator->dimensions; i++) {
            less_needy.at[i] += held.at[i];
            wealthy.at[i] += holder->met_with_less >= ALL_OF_IT ? held.at[i] : 0;
        }
    }
    *wait = yield_wait(allocator, wish, agent, &wealthy);
    if (*wait <= YIELD_WAIT_ONE)
        return YIELDS_WEALTHY;
    *wait = yield_wait(allocator, wish, agent, &less_needy);
    return *wait <= YIELD_WAIT_ONE ? YIELDS_LESS_NEEDY : YIELDS_NOBODY;
}

/* --- what ended --- */

void yield_note_end(struct allocator *allocator, const struct client *client,
                    const struct agent *agent) {
    if (allocator->policy->claim != NULL && allocator->returns.count < RETURNS_LIMIT)
        VEC_PUSH(&allocator->returns, (uint64_t)client->id << 32 | agent->number);
}

static struct wish *wish_that_fits(struct allocator *allocator, struct client *client,
                                   const struct agent *agent) {
    VEC_EACH(wish, &client->wishes) {
        if (!wish->is_open && wish_is_left(wish) &&
            verdict_of(allocator, client, wish, agent, NULL) == ALLOCATOR_FITS)
            return wish;
    }
    return NULL;
}

/* Who gets it: the client, or the neediest of those for whom agents are kept, to whom it is due as
 * well and whose task is large enough to leave nothing behind. */
static struct client *heir_of(struct allocator *allocator, struct client *client,
                              const struct agent *agent) {
    struct client *heir = client;
    int64_t least = met_part(allocator, client, 0), task = share_of_task(allocator, client);
    for (size_t i = 0; i < allocator->earmarks.count && i < EARMARKS_COMPARED; i++) {
        struct client *other = allocator->earmarks.items[i]->client;
        int64_t part = met_part(allocator, other, 0);
        if (other == client || !client_is_asking(other) || part >= least ||
            share_of_task(allocator, other) < task || !yield_is_due(allocator, other) ||
            wish_that_fits(allocator, other, agent) == NULL)
            continue;
        heir = other;
        least = part;
    }
    return heir;
}

void yield_give_back(struct allocator *allocator) {
    while (allocator->returns.count > 0 && allocator->stage == STAGE_ALL && allocator->budget > 0) {
        uint64_t one = allocator->returns.items[--allocator->returns.count];
        struct client *client = allocator->clients.items[one >> 32];
        struct agent *agent = agent_find(allocator, (uint32_t)one);
        allocator->budget -= COST_OF_A_RETURN;
        if (client == NULL || !client_is_asking(client) || agent == NULL || !agent->is_open ||
            !yield_is_due(allocator, client))
            continue;
        struct client *heir = heir_of(allocator, client, agent);
        struct wish *wish = wish_that_fits(allocator, heir, agent);
        allocator->is_returning = heir == client;
        if (wish != NULL)
            place_grant(allocator, heir, wish, agent, true);
        allocator->is_returning = false;
    }
}
