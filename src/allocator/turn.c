/*
 * A turn: the policy is asked who is next until it knows nobody or the budget is used up. What it
 * asks back is answered by walks along the open list; what it picks is checked before it is given.
 * While a guarantee is not met, those who serve one are asked first.
 */
#include "allocator/verdict.h"

enum {
    COST_OF_A_GRANT = 8,
    COST_OF_A_NO = 3,      /* what the policy does with it, beside the looks */
    SLICES_OF_A_TURN = 16, /* at most */
    VAIN_BEFORE_A_LAP = 4,
    AHEAD_BEFORE_A_LAP = 64, /* entries of the open list */
};

bool turn_is_due(const struct allocator *allocator) {
    return allocator->wanting_count > 0 && !allocator->is_settled &&
           (allocator->open_live > 0 || heap_least(&allocator->marks) != NULL ||
            allocator->shaped_count > 0);
}

/* --- what fits --- */

static bool is_nearer(enum allocator_reason one, enum allocator_reason other) {
    if (one == ALLOCATOR_BELOW_MINIMUM)
        one = ALLOCATOR_NOT_ENOUGH;
    return one > other;
}

/* Most vain looks are at what was refused, therefore that is asked first. */
static bool look(struct allocator *allocator, struct client *client, const struct wish *wish,
                 struct agent *agent) {
    enum allocator_reason reason = client->filters != NULL && agent->filters != NOWHERE &&
                                           filters_cover(allocator, agent, client)
                                       ? ALLOCATOR_FILTERED
                                       : verdict_of(allocator, client, wish, agent, NULL);
    if (reason == ALLOCATOR_LIMIT || reason == ALLOCATOR_HEADROOM ||
        (reason == ALLOCATOR_FILTERED && allocator->quota_version > 0)) {
        client->was_limited = true;
        client->limited_version = allocator->quota_version;
    }
    if (is_nearer(reason, client->seen))
        client->seen = reason == ALLOCATOR_BELOW_MINIMUM ? ALLOCATOR_NOT_ENOUGH : reason;
    return reason == ALLOCATOR_FITS;
}

/* A look is paid for when it was in vain: each vain look is the last one there, so asking again
 * gets on even with a budget of nothing. */
static bool pay(struct allocator *allocator) {
    if (--allocator->budget >= 0)
        return true;
    allocator->said_later = true;
    return false;
}

static struct agent *walk_retries(struct allocator *allocator, struct client *client,
                                  struct wish *wish) {
    while (wish->retried < client->retries.count) {
        struct agent *agent = allocator->slots.items[client->retries.items[wish->retried]];
        if (agent != NULL && agent->is_open && look(allocator, client, wish, agent))
            return agent;
        wish->retried++;
        if (!pay(allocator))
            return NULL;
    }
    return NULL;
}

/* Once around the agents in the order of their slots, from where the last lap ended. */
static struct agent *walk_lap(struct allocator *allocator, struct client *client,
                              struct wish *wish) {
    while (wish->lap_left > 0) {
        uint32_t end = (uint32_t)allocator->open_slots.count * 64;
        uint32_t skipped = open_skip_slots(allocator, client, wish, wish->lap_at, wish->lap_left);
        wish->lap_left -= skipped;
        wish->lap_at = (wish->lap_at + skipped) % end;
        if (wish->lap_left == 0)
            return NULL;
        if (look(allocator, client, wish, allocator->slots.items[wish->lap_at]))
            return allocator->slots.items[wish->lap_at];
        wish->lap_left--;
        wish->lap_at++;
        if (!pay(allocator))
            return NULL;
    }
    return NULL;
}

/* Where everybody refuses nearly everything, agents come back to the open list again and again, in
 * an order that makes all look at the same ones. Whoever has looked in vain at many there goes
 * around by slots instead: what is ahead in the list is among them. */
static bool starts_lap(struct allocator *allocator, struct client *client, struct wish *wish,
                       int vain) {
    uint32_t words;
    if (!wish->is_open || vain < VAIN_BEFORE_A_LAP ||
        allocator->open.count - wish->position < AHEAD_BEFORE_A_LAP ||
        (!skip_begin(allocator, client, wish) && filters_slots(client, &words) == NULL))
        return false;
    wish->position = (uint32_t)allocator->open.count;
    wish->lap_left = (uint32_t)allocator->open_slots.count * 64;
    return true;
}

static struct agent *walk_list(struct allocator *allocator, struct client *client,
                               struct wish *wish) {
    int vain = 0;
    for (uint32_t at; (at = open_next(allocator, wish->position)) != NOWHERE;) {
        struct agent *agent = allocator->open.items[at].agent;
        wish->position = at;
        if (look(allocator, client, wish, agent))
            return agent;
        wish->position = at + 1;
        if (!pay(allocator) || starts_lap(allocator, client, wish, ++vain))
            return NULL;
    }
    wish->position = (uint32_t)allocator->open.count;
    return NULL;
}

/* The first agent on which it fits; NULL: none, or said_later. */
static struct agent *walk(struct allocator *allocator, struct client *client, struct wish *wish) {
    struct agent *agent = walk_retries(allocator, client, wish);
    if (agent != NULL || allocator->said_later)
        return agent;
    if (wish->generation != allocator->open_generation) {
        wish->generation = allocator->open_generation;
        wish->position = 0;
    }
    news_skip_known(allocator, client, wish);
    do {
        agent = walk_lap(allocator, client, wish);
        if (agent == NULL && !allocator->said_later)
            agent = walk_list(allocator, client, wish);
    } while (agent == NULL && !allocator->said_later && wish->lap_left > 0);
    return agent;
}

/* While guarantees are not met: whether it would serve one. An open wish would with anything. */
static bool is_in_stage(struct allocator *allocator, const struct client *client,
                        const struct wish *wish) {
    if (allocator->stage == STAGE_ALL)
        return true;
    if (!wish->is_open)
        return quota_book_serves_need(allocator->book, client->role, &wish->shape);
    quantities_clear(&allocator->scratch);
    for (size_t i = 0; i < allocator->dimensions; i++)
        quantities_add(&allocator->scratch, allocator->names[i], 1);
    return quota_book_serves_need(allocator->book, client->role, &allocator->scratch);
}

/* Nothing unreserved is allowed, and there is nothing else: what is reserved may be a part of it.
 */
static bool is_kept_off(struct allocator *allocator, struct client *client,
                        const struct wish *wish) {
    enum allocator_reason reason = verdict_of_client(allocator, client, wish, NULL);
    if (reason != ALLOCATOR_FITS && (reason == ALLOCATOR_HOARDS || allocator->special_count == 0)) {
        client->seen = reason;
        client->is_kept_off = client->is_kept_off || reason != ALLOCATOR_HOARDS;
        return true;
    }
    if (client->was_limited && client->limited_version != allocator->quota_version)
        client_rewind(client);
    return false;
}

static void note_unfit(struct allocator *allocator, struct client *client) {
    VEC_EACH(wish, &client->wishes)
        wish->retried = 0;
    client->retries.count = 0;
    history_note(allocator, client,
                 client->seen == ALLOCATOR_FITS ? ALLOCATOR_NOT_ENOUGH : client->seen);
}

static enum mesos_allocator_answer find(struct allocator *allocator, struct client *client) {
    bool was_asked = false;
    allocator->fitting_client = NULL;
    client->is_kept_off = false;
    VEC_EACH(wish, &client->wishes) {
        if (!wish_is_left(wish) || !is_in_stage(allocator, client, wish))
            continue;
        was_asked = true;
        if (is_kept_off(allocator, client, wish)) {
            if (client->retries.count > 0) /* which are forgotten when all were asked */
                wish->position = wish->lap_left = 0;
            continue;
        }
        struct agent *agent = walk(allocator, client, wish);
        if (allocator->said_later)
            return MESOS_ALLOCATOR_LATER;
        if (agent == NULL)
            continue;
        allocator->fitting = wish;
        allocator->fitting_agent = agent;
        allocator->fitting_client = client;
        return MESOS_ALLOCATOR_YES;
    }
    if (was_asked && allocator->stage == STAGE_ALL) {
        note_unfit(allocator, client);
        if (allocator->exposed == 0 && filters_count(client) == allocator->counting)
            VEC_PUSH(&allocator->maybe_sated, client->id);
    }
    return MESOS_ALLOCATOR_NO;
}

/* --- what the policy may ask --- */

static struct client *wanting_client(const struct allocator *allocator, uint32_t id) {
    struct client *client = id < allocator->clients.count ? allocator->clients.items[id] : NULL;
    return client != NULL && client_is_asking(client) ? client : NULL;
}

static enum mesos_allocator_answer host_fits(void *self, uint32_t id) {
    struct allocator *allocator = self;
    struct client *client = wanting_client(allocator, id);
    if (allocator->said_later)
        return MESOS_ALLOCATOR_LATER;
    if (client == NULL)
        return MESOS_ALLOCATOR_NO;
    /* A policy that asks again what it was told already gets on. */
    bool is_known = news_is_known(allocator, client);
    if (!is_known && allocator->budget <= 0) {
        allocator->said_later = true;
        return MESOS_ALLOCATOR_LATER;
    }
    enum mesos_allocator_answer answer = find(allocator, client);
    if (answer == MESOS_ALLOCATOR_YES) {
        client->fitted_choice = allocator->choice;
        news_note_yes(allocator, client);
    }
    if (answer == MESOS_ALLOCATOR_NO && !is_known) {
        allocator->budget -= COST_OF_A_NO;
        news_note_no(allocator, client);
    }
    return answer;
}

static struct wish *wish_that_fits_on(struct allocator *allocator, struct client *client,
                                      const struct agent *agent) {
    VEC_EACH(wish, &client->wishes) {
        if (agent->is_open && wish_is_left(wish) && is_in_stage(allocator, client, wish) &&
            verdict_of(allocator, client, wish, agent, NULL) == ALLOCATOR_FITS)
            return wish;
    }
    return NULL;
}

static enum mesos_allocator_answer host_fits_on(void *self, uint32_t id, uint32_t number) {
    struct allocator *allocator = self;
    struct client *client = wanting_client(allocator, id);
    const struct agent *agent = agent_find(allocator, number);
    if (allocator->said_later || !pay(allocator))
        return MESOS_ALLOCATOR_LATER;
    if (client != NULL && agent != NULL && wish_that_fits_on(allocator, client, agent) != NULL)
        return MESOS_ALLOCATOR_YES;
    if (client != NULL)
        news_note_no_there(allocator, client);
    return MESOS_ALLOCATOR_NO;
}

/* In the order of slots, which stays the same while agents come to and leave the open list. */
static uint32_t host_next_agent(void *self, uint32_t number) {
    const struct allocator *allocator = self;
    uint32_t slot = 0;
    if (number != MESOS_ALLOCATOR_ANY_AGENT) {
        const struct agent *agent = agent_find(allocator, number);
        if (agent == NULL)
            return MESOS_ALLOCATOR_ANY_AGENT;
        slot = agent->slot + 1;
    }
    for (; slot < allocator->slots.count; slot++) {
        const struct agent *agent = allocator->slots.items[slot];
        if (agent != NULL && agent->is_open)
            return agent->number;
    }
    return MESOS_ALLOCATOR_ANY_AGENT;
}

static bool host_free_milli(void *self, uint32_t number, int64_t *amounts_milli) {
    const struct allocator *allocator = self;
    const struct agent *agent = agent_find(allocator, number);
    for (size_t i = 0; i < allocator->dimensions; i++)
        amounts_milli[i] = agent != NULL ? agent->plain.at[i] : 0;
    return agent != NULL;
}

/* --- checking a pick --- */

static bool describe_shortage(struct allocator *allocator, const struct mesos_allocator_pick *pick,
                              const struct agent *agent) {
    for (size_t i = 0; i < allocator->dimensions; i++) {
        struct text name = kinds_name_text(allocator->kinds, allocator->names[i]);
        int64_t asked = pick->amounts_milli[i];
        if (asked >= 0 && asked <= agent->plain.at[i])
            continue;
        policy_complain(
            allocator, "offered %lld thousandths of %.*s on agent %u, where %lld are free",
            (long long)asked, TEXT_ARGS(name), agent->number, (long long)agent->plain.at[i]);
        return true;
    }
    return false;
}

static bool make_amounts(struct allocator *allocator, const struct mesos_allocator_pick *pick,
                         const struct agent *agent, struct resources *out) {
    for (uint32_t i = 0; i < agent->free.count; i++) {
        const struct resource *one = &agent->free.entries[i];
        bool is_simple;
        uint8_t at = kind_dimension(allocator, one->kind, &is_simple);
        if (at != NO_DIMENSION && is_simple && !kind_is(one->kind, KIND_IS_RESERVED) &&
            !resources_put_scalar(out, one->kind, pick->amounts_milli[at], NULL))
            return false;
    }
    return !resources_is_empty(out);
}

/* As if the amounts were a request of their own, so that the one verdict judges them. */
static enum allocator_reason judge_amounts(struct allocator *allocator, struct client *client,
                                           const struct agent *agent, const struct resources *set,
                                           struct wish **meant) {
    AUTO_FINI(quantities_fini) struct quantities shape = {0};
    quantities_of(set, allocator->kinds, false, &shape);
    for (size_t i = 0; i < client->wishes.count && *meant == NULL; i++) {
        struct wish *wish = &client->wishes.items[i];
        if (wish_is_left(wish) && (wish->is_open || quantities_contain(&shape, &wish->shape)))
            *meant = wish;
    }
    if (*meant == NULL)
        return ALLOCATOR_NOT_ENOUGH;
    struct wish asked = {
        .shape = shape, .constraint = (*meant)->constraint, .agent = (*meant)->agent};
    amounts_of_quantities(allocator, &shape, &asked.need);
    return verdict_of(allocator, client, &asked, agent, NULL);
}

static void take_amounts(struct allocator *allocator, struct client *client,
                         const struct mesos_allocator_pick *pick, struct agent *agent) {
    AUTO_FINI(resources_fini) struct resources set = {0};
    struct wish *meant = NULL;
    allocator->picked_agent = agent->number;
    if (describe_shortage(allocator, pick, agent))
        return;
    if (!make_amounts(allocator, pick, agent, &set)) {
        policy_complain(allocator, "offered nothing on agent %u", agent->number);
        return;
    }
    enum allocator_reason reason = judge_amounts(allocator, client, agent, &set, &meant);
    if (reason != ALLOCATOR_FITS) {
        policy_complain(allocator, "offered framework %u what it may not have on agent %u: %s",
                        client->framework->number, agent->number, allocator_reason_text(reason));
        return;
    }
    policy_praise(allocator);
    place_give(allocator, client, meant, agent, &set);
}

static void take_there(struct allocator *allocator, struct client *client,
                       const struct mesos_allocator_pick *pick) {
    struct agent *agent = agent_find(allocator, pick->agent);
    if (agent == NULL || !agent->is_active) {
        policy_complain(allocator, "picked agent %u, which is not there", pick->agent);
        return;
    }
    if (pick->has_amounts) {
        take_amounts(allocator, client, pick, agent);
        return;
    }
    allocator->picked_agent = agent->number;
    struct wish *wish = wish_that_fits_on(allocator, client, agent);
    if (wish != NULL) {
        policy_praise(allocator);
        place_grant(allocator, client, wish, agent, true);
        return;
    }
    struct allocator_verdict verdict;
    verdict_of(allocator, client, &client->wishes.items[0], agent, &verdict);
    policy_complain(allocator, "picked framework %u for agent %u, which does not fit: %s",
                    client->framework->number, agent->number,
                    allocator_reason_text(verdict.reason));
}

/* Claims that were known while the policy chose may be old, and what is kept on an agent goes by
 * them. */
static bool fits_still(struct allocator *allocator, const struct client *client) {
    const struct agent *agent = allocator->fitting_agent;
    return client == allocator->fitting_client &&
           (agent->earmark == NULL ||
            verdict_of(allocator, client, allocator->fitting, agent, NULL) == ALLOCATOR_FITS);
}

static void take_anywhere(struct allocator *allocator, struct client *client,
                          const struct mesos_allocator_pick *pick) {
    /* Mostly it is what was asked about last, and nothing has changed since. */
    enum mesos_allocator_answer answer =
        fits_still(allocator, client) ? MESOS_ALLOCATOR_YES : find(allocator, client);
    if (answer == MESOS_ALLOCATOR_LATER)
        return;
    if (answer == MESOS_ALLOCATOR_NO) {
        if (client->fitted_choice != allocator->choice)
            policy_complain(allocator, "picked framework %u, whose task fits on no agent",
                            client->framework->number);
        return;
    }
    if (pick->has_amounts) {
        take_amounts(allocator, client, pick, allocator->fitting_agent);
        return;
    }
    policy_praise(allocator);
    place_grant(allocator, client, allocator->fitting, allocator->fitting_agent, false);
}

static void take(struct allocator *allocator, const struct mesos_allocator_pick *pick) {
    struct client *client = wanting_client(allocator, pick->client);
    allocator->budget -= COST_OF_A_GRANT;
    allocator->picked_framework = client != NULL ? client->framework->number : 0;
    if (client == NULL)
        policy_complain(allocator, "picked client %u, which wants nothing", pick->client);
    else if (pick->agent == MESOS_ALLOCATOR_ANY_AGENT)
        take_anywhere(allocator, client, pick);
    else
        take_there(allocator, client, pick);
    allocator->picked_framework = 0;
    allocator->picked_agent = 0;
}

/* --- the turn --- */

static bool has_needs(const struct allocator *allocator) {
    return allocator->is_book_told && quota_book_is_used(allocator->book) &&
           quota_book_has_needs(allocator->book);
}

/* Not in the midst of asking one after the other: the first would be asked again, for ever, before
 * the last. False: the budget is used up. */
static bool begin(struct allocator *allocator) {
    if (allocator->has_news && !allocator->pass.is_on && allocator->put_off == 0) {
        clients_rewind(allocator);
        if (allocator->stage == STAGE_NEEDS) /* some were refused for that alone */
            news_for_all(allocator);
        allocator->stage = has_needs(allocator) ? STAGE_NEEDS : STAGE_ALL;
        news_begin(allocator);
    }
    return news_tell(allocator);
}

static enum mesos_allocator_answer choose(struct allocator *allocator,
                                          struct mesos_allocator_pick *pick) {
    const struct mesos_allocator_host host = {sizeof(host), allocator,       host_fits,
                                              host_fits_on, host_next_agent, host_free_milli};
    *pick = (struct mesos_allocator_pick){.client = MESOS_ALLOCATOR_NOBODY,
                                          .agent = MESOS_ALLOCATOR_ANY_AGENT};
    allocator->said_later = false;
    allocator->fitting_client = NULL;
    allocator->choice++;
    allocator->is_choosing = true;
    enum mesos_allocator_answer answer = allocator->policy->choose(allocator->order, &host, pick);
    allocator->is_choosing = false;
    sated_try_those_asked(allocator);
    if (answer == MESOS_ALLOCATOR_LATER && !allocator->said_later)
        policy_complain(allocator, "put off a choice although it was not told to");
    if ((unsigned)answer > MESOS_ALLOCATOR_LATER) {
        policy_complain(allocator, "gave %d, which is no answer", (int)answer);
        return MESOS_ALLOCATOR_LATER;
    }
    bool has_more = earmarks_ask_claims(allocator);
    if (has_more)
        allocator->fitting_client = NULL;
    return answer == MESOS_ALLOCATOR_NO && has_more ? choose(allocator, pick) : answer;
}

/* Nobody who wants fits: the next stage, or agents for big tasks. True: there is more to do. */
static bool end_stage(struct allocator *allocator) {
    if (allocator->stage == STAGE_NEEDS) {
        allocator->stage = STAGE_ALL;
        news_ask_all(allocator);
        return true;
    }
    if (earmarks_review(allocator))
        return true;
    if (earmarks_seek(allocator) && !allocator->has_news)
        allocator->is_settled = true;
    return false;
}

/* What the policy said of clients holds while a choice is put off: asked anew in each slice, they
 * would look at the same agents again and never come to the end of them. */
static void count_turn(struct allocator *allocator) {
    if (allocator->said_later && ++allocator->put_off < SLICES_OF_A_TURN)
        return;
    allocator->put_off = 0;
    allocator->turn++;
}

/* Who is next; NO also when that is known without asking. */
static enum mesos_allocator_answer choose_or_rest(struct allocator *allocator,
                                                  struct mesos_allocator_pick *pick) {
    if (allocator->stage == STAGE_ALL && news_may_rest(allocator)) {
        allocator->said_later = false;
        return MESOS_ALLOCATOR_NO;
    }
    enum mesos_allocator_answer answer = choose(allocator, pick);
    if (answer == MESOS_ALLOCATOR_NO && allocator->stage == STAGE_ALL)
        news_are_spent(allocator);
    if (answer != MESOS_ALLOCATOR_LATER)
        allocator->put_off = 0;
    return answer;
}

void turn_run(struct allocator *allocator) {
    count_turn(allocator);
    if (!begin(allocator))
        return;
    yield_give_back(allocator);
    while (allocator->budget > 0 && turn_is_due(allocator)) {
        struct mesos_allocator_pick pick;
        switch (choose_or_rest(allocator, &pick)) {
        case MESOS_ALLOCATOR_YES:
            allocator->said_later = false;
            take(allocator, &pick);
            break;
        case MESOS_ALLOCATOR_NO:
            if (!end_stage(allocator))
                return;
            break;
        case MESOS_ALLOCATOR_LATER: return;
        }
        if (!begin(allocator))
            return;
    }
}
