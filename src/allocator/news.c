/*
 * Who is asked again. A client that the policy heard NO of is not asked again until it may be
 * otherwise; then the policy is told to reconsider it, a bounded number in a slice, and nobody is
 * chosen before all are told. Where agents became better that is only those whose task they could
 * hold by amounts alone.
 *
 * A client is fresh (something about it changed, or nobody has looked yet), refused (NO was said),
 * or woken: it was refused, and only the agents in `woken_on` can have changed that. When a large
 * crowd of the woken is all that is left, and none of these agents has room for a task of theirs
 * any more, they are not asked one after the other to hear the same: the turn rests, and the next
 * agent finds them as they are. Only those who were asked are searched agents for, as big tasks, so
 * each rest is paid for: after so many the crowd is asked for once.
 */
#include "allocator/state.h"

enum {
    CROWD_FROM = 256,        /* clients */
    WOKEN_ON_LIMIT = 64,     /* agents */
    ASKED_FOR_AN_AGENT = 32, /* of the crowd, for each that became better */
    CHECKS_OF_ONE_BUDGET = 16,
};

static bool is_current(const struct allocator *allocator, const struct client *client) {
    return client->standing_epoch == allocator->epoch;
}

static enum standing standing_of(const struct allocator *allocator, const struct client *client) {
    return is_current(allocator, client) ? client->standing : STANDING_FRESH;
}

static void set_standing(struct allocator *allocator, struct client *client,
                         enum standing standing) {
    enum standing before = standing_of(allocator, client);
    allocator->refused_count -= before == STANDING_REFUSED;
    allocator->woken_count -= before == STANDING_WOKEN;
    client->standing = standing;
    client->standing_epoch = allocator->epoch;
    allocator->refused_count += standing == STANDING_REFUSED;
    allocator->woken_count += standing == STANDING_WOKEN;
}

void news_of_client(struct allocator *allocator, struct client *client) {
    set_standing(allocator, client, STANDING_FRESH);
}

bool news_is_known(const struct allocator *allocator, const struct client *client) {
    return standing_of(allocator, client) == STANDING_REFUSED;
}

void news_note_no(struct allocator *allocator, struct client *client) {
    set_standing(allocator, client, STANDING_REFUSED);
    news_note_no_there(allocator, client);
}

void news_note_no_there(struct allocator *allocator, struct client *client) {
    if (!client->is_listed)
        VEC_PUSH(&allocator->refused, client->id);
    client->is_listed = true;
}

/* --- what is new --- */

void news_for_all(struct allocator *allocator) {
    allocator->has_news = allocator->news.is_for_all = true;
    allocator->is_settled = allocator->has_rested = false;
}

void news_of_agent(struct allocator *allocator, const struct agent *agent) {
    struct news *news = &allocator->news;
    allocator->has_news = true;
    allocator->is_settled = false;
    allocator->rest_credit += ASKED_FOR_AN_AGENT;
    if (agent->special != 0)
        news->is_for_all = true;
    news->is_enough = news->is_enough || agent->is_enough;
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (agent->plain.at[i] > news->room.at[i])
            news->room.at[i] = agent->plain.at[i];
    if (allocator->woken_on.count < WOKEN_ON_LIMIT)
        VEC_PUSH(&allocator->woken_on, agent->number);
    else
        allocator->is_woken_on_many = true;
}

/* Whom it kept off may be otherwise; where it was amounts alone nothing is new. */
void news_of_quota(struct allocator *allocator) {
    allocator->has_news = allocator->news.is_for_limited = true;
    allocator->is_settled = false;
}

static bool is_limited(const struct client *client) {
    return client->was_limited || client->is_kept_off;
}

/* Nobody who is woken was kept off by quota. */
void news_note_yes(struct allocator *allocator, struct client *client) {
    if (is_limited(client) && standing_of(allocator, client) == STANDING_WOKEN)
        set_standing(allocator, client, STANDING_FRESH);
}

/* --- telling the policy --- */

static bool has_room_for(const struct allocator *allocator, const struct amounts *room,
                         const struct wish *wish) {
    for (size_t i = 0; i < allocator->dimensions; i++)
        if (wish->need.at[i] > room->at[i])
            return false;
    return true;
}

/* By amounts alone. */
static bool may_fit(const struct allocator *allocator, const struct client *client,
                    const struct news *news) {
    VEC_EACH(wish, &client->wishes) {
        if (wish->is_open ? news->is_enough || client->has_minima
                          : has_room_for(allocator, &news->room, wish))
            return true;
    }
    return false;
}

/* The least that one of the crowd needs. */
static void lower(const struct allocator *allocator, struct least *least,
                  const struct client *client) {
    VEC_EACH(wish, &client->wishes) {
        if (wish->is_open) {
            least->is_anything = least->is_anything || client->has_minima;
            least->is_enough = true;
            continue;
        }
        for (size_t i = 0; i < allocator->dimensions; i++)
            if (!least->is_shape || wish->need.at[i] < least->need.at[i])
                least->need.at[i] = wish->need.at[i];
        least->is_shape = true;
    }
}

/* Everybody may be otherwise: all are fresh at once, those who were refused are told one by one. */
static void forget_standings(struct allocator *allocator) {
    allocator->epoch++;
    allocator->refused_count = allocator->woken_count = 0;
    allocator->least = (struct least){0};
    allocator->woken_on.count = 0;
    allocator->is_woken_on_many = false;
}

/* Few are told all together. */
static void tell_few(struct allocator *allocator) {
    int64_t cost = (int64_t)allocator->refused.count;
    VEC_EACH(id, &allocator->refused) {
        struct client *client = allocator->clients.items[*id];
        if (client == NULL)
            continue;
        client->is_listed = false;
        set_standing(allocator, client, STANDING_FRESH);
    }
    allocator->refused.count = 0;
    allocator->policy->reconsider(allocator->order, MESOS_ALLOCATOR_NOBODY);
    if (allocator->budget > 1)
        allocator->budget -= cost < allocator->budget ? cost : allocator->budget - 1;
}

static void begin(struct allocator *allocator, struct news news) {
    if (news.is_for_all)
        forget_standings(allocator);
    if (allocator->refused.count + allocator->woken_count < CROWD_FROM)
        tell_few(allocator);
    else
        allocator->pass = (struct pass){.is_on = true, .news = news};
}

void news_begin(struct allocator *allocator) {
    struct news news = allocator->news;
    allocator->news = (struct news){0};
    allocator->has_news = false;
    begin(allocator, news);
}

void news_ask_all(struct allocator *allocator) {
    allocator->is_settled = false;
    begin(allocator, (struct news){.is_for_all = true});
}

/* Whether it stays in the list of those refused. */
static bool tell(struct allocator *allocator, uint32_t id) {
    const struct pass *pass = &allocator->pass;
    struct client *client = allocator->clients.items[id];
    if (client == NULL || !client->is_listed)
        return false;
    bool is_refused = standing_of(allocator, client) == STANDING_REFUSED;
    if (is_refused && !(pass->news.is_for_limited && is_limited(client)) &&
        !may_fit(allocator, client, &pass->news))
        return true;
    client->is_listed = false;
    if (is_refused && is_limited(client)) {
        set_standing(allocator, client, STANDING_FRESH);
    } else if (is_refused) {
        set_standing(allocator, client, STANDING_WOKEN);
        lower(allocator, &allocator->least, client);
    }
    allocator->budget--;
    allocator->policy->reconsider(allocator->order, id);
    return false;
}

bool news_tell(struct allocator *allocator) {
    struct pass *pass = &allocator->pass;
    if (!pass->is_on)
        return true;
    for (; pass->read < allocator->refused.count && allocator->budget > 0; pass->read++) {
        uint32_t id = allocator->refused.items[pass->read];
        if (tell(allocator, id))
            allocator->refused.items[pass->kept++] = id;
        if (pass->read % CHECKS_OF_ONE_BUDGET == 0)
            allocator->budget--;
    }
    if (pass->read < allocator->refused.count)
        return false;
    allocator->refused.count = pass->kept;
    pass->is_on = false;
    return true;
}

/* --- resting --- */

/* What the agents of the news still have, as one; those with nothing are forgotten. */
static bool room_left(struct allocator *allocator, struct news *left) {
    size_t kept = 0;
    *left = (struct news){0};
    for (size_t i = 0; i < allocator->woken_on.count; i++) {
        const struct agent *agent = agent_find(allocator, allocator->woken_on.items[i]);
        if (agent == NULL || !agent->is_open)
            continue;
        allocator->woken_on.items[kept++] = agent->number;
        left->is_for_all = left->is_for_all || agent->special != 0;
        left->is_enough = left->is_enough || agent->is_enough;
        for (size_t j = 0; j < allocator->dimensions; j++)
            if (agent->plain.at[j] > left->room.at[j])
                left->room.at[j] = agent->plain.at[j];
    }
    allocator->woken_on.count = kept;
    return kept > 0;
}

static bool has_room_for_least(const struct allocator *allocator, const struct news *left) {
    const struct least *least = &allocator->least;
    bool has_room = least->is_shape;
    for (size_t i = 0; i < allocator->dimensions && has_room; i++)
        has_room = least->need.at[i] <= left->room.at[i];
    return least->is_anything || (least->is_enough && left->is_enough) || has_room;
}

/* Who needs least may be woken no more, or the least of each resource be of different ones. */
static bool has_room_for_any(struct allocator *allocator, const struct news *left) {
    struct least least = {0};
    if (!has_room_for_least(allocator, left))
        return false;
    VEC_EACH(client, &allocator->clients) {
        if (*client == NULL || standing_of(allocator, *client) != STANDING_WOKEN)
            continue;
        if (may_fit(allocator, *client, left))
            return true;
        lower(allocator, &least, *client);
    }
    allocator->budget -= (int64_t)(allocator->clients.count / CHECKS_OF_ONE_BUDGET);
    allocator->least = least;
    return false;
}

/* All that is in the open list is known not to suit. */
static void rest(struct allocator *allocator) {
    allocator->woken_on.count = 0;
    allocator->has_rested = true;
    allocator->rested_generation = allocator->open_generation;
    allocator->rested_at = (uint32_t)allocator->open.count;
}

void news_skip_known(const struct allocator *allocator, const struct client *client,
                     struct wish *wish) {
    if (!allocator->has_rested || allocator->rested_generation != allocator->open_generation ||
        wish->position >= allocator->rested_at || standing_of(allocator, client) == STANDING_FRESH)
        return;
    wish->position = allocator->rested_at;
    wish->lap_left = 0;
}

bool news_may_rest(struct allocator *allocator) {
    struct news left;
    if (allocator->woken_count < CROWD_FROM || allocator->is_woken_on_many ||
        allocator->rest_credit >= allocator->woken_count ||
        allocator->wanting_count != allocator->woken_count + allocator->refused_count)
        return false;
    if (room_left(allocator, &left) && (left.is_for_all || has_room_for_any(allocator, &left)))
        return false;
    rest(allocator);
    return true;
}

/* Everybody was asked. */
void news_are_spent(struct allocator *allocator) {
    allocator->rest_credit = 0;
    allocator->woken_on.count = 0;
    allocator->is_woken_on_many = false;
}

void news_fini(struct allocator *allocator) {
    VEC_FINI(&allocator->refused);
    VEC_FINI(&allocator->woken_on);
}
