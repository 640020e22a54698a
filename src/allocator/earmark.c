/*
 * Agents kept for big tasks. Who claims one and fits nowhere gets the agent nearest to holding its
 * task: what is free there stays open to others, what is freed from then on is kept for it and for
 * those with a higher claim.
 *
 * A search looks at every agent once and may go on in later turns; a client for whom no agent would
 * do is not searched for again until something about agents or its wish changes. The policy may not
 * be called while it chooses, so a claim that is needed then is asked for afterwards, and the
 * client looks at that agent again.
 */
#include "allocator/verdict.h"

#include <string.h>

enum {
    AGENTS_FOR_ONE = 10,
    REVIEWED_AT_ONCE = 64,
    LOOKS_OF_ONE_BUDGET = 8,
    CLIENTS_COMPARED = 8,
    COST_OF_A_SEARCH = 4, /* beside the looks */
};

/* --- ends --- */

void earmark_end(struct allocator *allocator, struct earmark *earmark) {
    size_t at = 0;
    while (allocator->earmarks.items[at] != earmark)
        at++;
    VEC_REMOVE(&allocator->earmarks, at);
    earmark->agent->earmark = NULL;
    earmark->client->earmark = NULL;
    allocator->policy->set_earmarked(allocator->order, earmark->client->id, false);
    agent_mark(allocator, earmark->agent);
    mem_free(earmark);
    earmarks_forget_hopeless(allocator);
    allocator->is_settled = false;
}

void earmark_forget_hopeless(struct allocator *allocator, struct client *client) {
    client->is_hopeless = false;
    allocator->policy->set_earmarked(allocator->order, client->id, false);
    if (allocator->search.is_on && allocator->search.client == client->id)
        allocator->search.is_on = false;
}

void earmarks_forget_hopeless(struct allocator *allocator) {
    while (allocator->hopeless.count > 0) {
        uint32_t id = allocator->hopeless.items[--allocator->hopeless.count];
        struct client *client = allocator->clients.items[id];
        if (client != NULL && client->is_hopeless)
            earmark_forget_hopeless(allocator, client);
    }
}

static int ask_claim(struct allocator *allocator, struct client *client) {
    client->claim = allocator->policy->claim(allocator->order, client->id);
    client->claim_turn = allocator->turn;
    return client->claim;
}

void earmarks_expire(struct allocator *allocator) {
    while (allocator->earmarks.count > 0 &&
           allocator->earmarks.items[0]->until_ms <= allocator->now_ms)
        earmark_end(allocator, allocator->earmarks.items[0]);
}

bool earmarks_review(struct allocator *allocator) {
    bool has_ended = false;
    for (size_t i = 0; i < REVIEWED_AT_ONCE && i < allocator->earmarks.count; i++) {
        size_t at = allocator->earmark_reviewed++ % allocator->earmarks.count;
        struct earmark *earmark = allocator->earmarks.items[at];
        if (ask_claim(allocator, earmark->client) > 0)
            continue;
        earmark_end(allocator, earmark);
        has_ended = true;
    }
    return has_ended;
}

int64_t earmarks_deadline_ms(const struct allocator *allocator) {
    return allocator->earmarks.count > 0 ? allocator->earmarks.items[0]->until_ms : INT64_MAX;
}

/* --- what is kept --- */

void earmark_clamp(struct agent *agent) {
    for (size_t i = 0; i < DIMENSIONS_LIMIT; i++)
        if (agent->earmark->kept.at[i] > agent->plain.at[i])
            agent->earmark->kept.at[i] = agent->plain.at[i];
}

void earmark_note_freed(struct agent *agent, const struct amounts *before) {
    for (size_t i = 0; i < DIMENSIONS_LIMIT; i++)
        if (agent->plain.at[i] > before->at[i])
            agent->earmark->kept.at[i] += agent->plain.at[i] - before->at[i];
    earmark_clamp(agent);
}

const struct amounts *earmark_kept(struct allocator *allocator, const struct agent *agent,
                                   const struct client *client) {
    const struct earmark *earmark = agent->earmark;
    if (earmark == NULL || earmark->client == client)
        return NULL;
    struct client *asked = allocator->clients.items[client->id];
    if (!allocator->is_choosing)
        return ask_claim(allocator, asked) > ask_claim(allocator, earmark->client) ? NULL
                                                                                   : &earmark->kept;
    if (asked->claim_turn != allocator->turn)
        VEC_PUSH(&allocator->unclaimed, (uint64_t)client->id << 32 | agent->slot);
    else if (asked->claim > earmark->client->claim)
        return NULL;
    return &earmark->kept;
}

bool earmarks_ask_claims(struct allocator *allocator) {
    bool has_more = false;
    for (size_t i = 0; i < allocator->unclaimed.count; i++) {
        uint64_t one = allocator->unclaimed.items[i];
        struct client *client = allocator->clients.items[one >> 32];
        if (client == NULL ||
            (client->claim_turn != allocator->turn && ask_claim(allocator, client) == 0) ||
            client->claim == 0)
            continue;
        VEC_PUSH(&client->retries, (uint32_t)one);
        policy_reconsider(allocator, client);
        has_more = true;
    }
    allocator->unclaimed.count = 0;
    return has_more;
}

/* --- the search --- */

static struct wish *first_wish(struct client *client) {
    VEC_EACH(wish, &client->wishes) {
        if (wish_is_left(wish))
            return wish;
    }
    return NULL;
}

static void give_up(struct allocator *allocator, struct client *client) {
    client->is_hopeless = true;
    VEC_PUSH(&allocator->hopeless, client->id);
    allocator->policy->set_earmarked(allocator->order, client->id, true);
}

/* What must end there before the task fits, as the largest part of all that is used;
 * INT64_MAX: even empty it is too small. */
static int64_t least_wait(const struct allocator *allocator, const struct wish *wish,
                          const struct agent *agent) {
    struct amounts used = {0};
    for (size_t i = 0; i < allocator->dimensions; i++) {
        used.at[i] = agent->size.at[i] - agent->plain.at[i];
        if (wish->need.at[i] > agent->size.at[i])
            return INT64_MAX;
    }
    return yield_wait(allocator, wish, agent, &used);
}

static bool would_do(struct allocator *allocator, const struct client *client,
                     const struct wish *wish, const struct agent *agent) {
    int64_t until_ms;
    return verdict_of_pair(allocator, client, wish, agent) == ALLOCATOR_FITS &&
           verdict_compose(allocator, client, wish, &agent->total, NULL, &allocator->composed,
                           NULL) &&
           !filters_block_wish(allocator, agent, client, wish, &until_ms);
}

/* Nearer: those make room for it there who have more of what is theirs, then the smallest part of
 * what they have there must end: an agent where they have just enough keeps the task waiting for
 * the last of them. */
static bool is_nearer(struct allocator *allocator, struct client *client, const struct wish *wish,
                      const struct agent *agent, int64_t *wait, enum yielding *yielding) {
    int64_t least = least_wait(allocator, wish, agent);
    if (least == INT64_MAX ||
        (allocator->search.yielding == YIELDS_WEALTHY && least >= allocator->search.wait))
        return false;
    allocator->budget -= (int64_t)agent->holdings.count / LOOKS_OF_ONE_BUDGET;
    *yielding = yield_on(allocator, client, wish, agent, wait);
    return *yielding > allocator->search.yielding ||
           (*yielding == allocator->search.yielding && *yielding != YIELDS_NOBODY &&
            *wait < allocator->search.wait);
}

/* False: the budget is used up before the last agent. */
static bool search(struct allocator *allocator, struct client *client, const struct wish *wish) {
    while (allocator->search.slot < allocator->slots.count) {
        struct agent *agent = allocator->slots.items[allocator->search.slot++];
        if (allocator->search.slot % LOOKS_OF_ONE_BUDGET == 0 && --allocator->budget < 0)
            return false;
        if (agent == NULL || !agent->is_active || agent->earmark != NULL)
            continue;
        int64_t wait;
        enum yielding yielding;
        if (!is_nearer(allocator, client, wish, agent, &wait, &yielding) ||
            !would_do(allocator, client, wish, agent))
            continue;
        allocator->search.yielding = yielding;
        allocator->search.wait = wait;
        allocator->search.best = agent;
    }
    return true;
}

static void make(struct allocator *allocator, struct client *client, struct agent *agent) {
    struct earmark *earmark = NEW(struct earmark);
    earmark->agent = agent;
    earmark->client = client;
    earmark->yielding = allocator->search.yielding;
    earmark->until_ms = allocator->now_ms > INT64_MAX - allocator->earmark_limit_ms
                            ? INT64_MAX
                            : allocator->now_ms + allocator->earmark_limit_ms;
    agent->earmark = client->earmark = earmark;
    VEC_PUSH(&allocator->earmarks, earmark);
    allocator->policy->set_earmarked(allocator->order, client->id, true);
    ask_claim(allocator, client);
}

/* The policy goes by roles first. Of the first few that it names with the same claim, the neediest
 * of those to whom their own guarantee is due. One that has no claim is to be given up. */
static struct client *next_client(struct allocator *allocator) {
    struct client *named[CLIENTS_COMPARED], *neediest = NULL;
    int64_t least = INT64_MAX;
    bool is_any_due = false;
    size_t count = 0;
    int highest = 0;
    while (count < CLIENTS_COMPARED) {
        uint32_t id = allocator->policy->next_earmark(allocator->order);
        struct client *client = id < allocator->clients.count ? allocator->clients.items[id] : NULL;
        if (client == NULL || !client_is_asking(client) || client->earmark != NULL ||
            client->is_hopeless)
            break;
        int claim = ask_claim(allocator, client);
        if (claim == 0 && count == 0)
            return client;
        if (count == 0)
            highest = claim;
        else if (claim < highest)
            break;
        named[count++] = client;
        int64_t part = yield_met_part(allocator, client);
        bool is_due = yield_is_due(allocator, client);
        if (is_due > is_any_due || neediest == NULL || (is_due == is_any_due && part < least)) {
            neediest = client;
            least = part;
            is_any_due = is_due;
        }
        allocator->policy->set_earmarked(allocator->order, id, true);
    }
    while (count > 0)
        allocator->policy->set_earmarked(allocator->order, named[--count]->id, false);
    return neediest;
}

static bool begin(struct allocator *allocator) {
    size_t most = allocator->agents.count / AGENTS_FOR_ONE;
    if (allocator->earmarks.count >= (most > 0 ? most : 1))
        return false;
    struct client *client = next_client(allocator);
    if (client == NULL)
        return false;
    allocator->search.is_on = true;
    allocator->search.client = client->id;
    allocator->search.slot = 0;
    allocator->search.best = NULL;
    allocator->search.yielding = YIELDS_NOBODY;
    allocator->search.wait = INT64_MAX;
    return true;
}

bool earmarks_seek(struct allocator *allocator) {
    if (allocator->policy->next_earmark == NULL || allocator->earmark_limit_ms <= 0)
        return true;
    while (allocator->search.is_on || begin(allocator)) {
        struct client *client = allocator->clients.items[allocator->search.client];
        struct wish *wish = client != NULL ? first_wish(client) : NULL;
        if (wish == NULL || !client_is_asking(client)) {
            allocator->search.is_on = false;
            continue;
        }
        struct allocator_verdict why;
        bool may_have = client->claim > 0 && !wish->is_open &&
                        !verdict_is_in_vain(allocator, client, wish, &why);
        if (may_have && !search(allocator, client, wish))
            return false;
        struct agent *best = allocator->search.best;
        allocator->search.is_on = false;
        if (best != NULL && best->earmark == NULL && best->is_active)
            make(allocator, client, best);
        else
            give_up(allocator, client);
        allocator->budget -= COST_OF_A_SEARCH;
        if (allocator->budget <= 0)
            return false;
    }
    return true;
}

void allocator_set_earmark_limit(struct allocator *allocator, int64_t limit_ms) {
    allocator->earmark_limit_ms = limit_ms > 0 ? limit_ms : 0;
    while (allocator->earmark_limit_ms == 0 && allocator->earmarks.count > 0)
        earmark_end(allocator, allocator->earmarks.items[0]);
}

size_t allocator_earmarks(const struct allocator *allocator, struct allocator_earmark *out,
                          size_t limit) {
    for (size_t i = 0; i < allocator->earmarks.count && i < limit; i++) {
        const struct earmark *earmark = allocator->earmarks.items[i];
        out[i] =
            (struct allocator_earmark){earmark->agent->number, earmark->client->framework->number,
                                       earmark->client->role, earmark->until_ms};
    }
    return allocator->earmarks.count;
}

void earmarks_fini(struct allocator *allocator) {
    VEC_EACH(earmark, &allocator->earmarks)
        mem_free(*earmark);
    VEC_FINI(&allocator->earmarks);
    VEC_FINI(&allocator->hopeless);
    VEC_FINI(&allocator->unclaimed);
    VEC_FINI(&allocator->returns);
}
