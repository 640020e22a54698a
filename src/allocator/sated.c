/*
 * Who has refused everything there is wants nothing more, until something is there that was not
 * refused: the policy hears that it does not want, so a crowd that declines costs nothing while
 * others are still asked.
 *
 * An agent counts when something of it is free or somebody has a filter there. It is exposed when
 * something is free that not all filters there contain. A client is sated when it has a filter on
 * each agent that counts, and none is exposed. Whenever an agent is exposed, or counts anew, all
 * are woken; when a filter ends, its client.
 */
#include "allocator/state.h"

static void wake(struct allocator *allocator, struct client *client) {
    struct client *last =
        allocator->clients.items[allocator->sated.items[--allocator->sated.count]];
    allocator->sated.items[client->sated_place - 1] = last->id;
    last->sated_place = client->sated_place;
    client->sated_place = 0;
    allocator->wanting_count++;
    allocator->is_settled = false;
    /* All that is on the open list it has refused; what is new comes behind. */
    VEC_EACH(wish, &client->wishes) {
        wish->generation = allocator->open_generation;
        wish->position = (uint32_t)allocator->open.count;
    }
    allocator->policy->set_wants(allocator->order, client->id, true);
    policy_reconsider(allocator, client);
}

void sated_wake(struct allocator *allocator, struct client *client) {
    if (client->sated_place != 0)
        wake(allocator, client);
}

static void wake_all(struct allocator *allocator) {
    while (allocator->sated.count > 0)
        wake(allocator, allocator->clients.items[allocator->sated.items[0]]);
}

void sated_review_agent(struct allocator *allocator, struct agent *agent) {
    bool did_count = agent->does_count, was_exposed = agent->is_exposed;
    agent->does_count = agent->is_open || agent->filters != NOWHERE;
    agent->is_exposed = agent->is_open && !filters_cover_free(allocator, agent);
    allocator->counting += (size_t)agent->does_count - (size_t)did_count;
    allocator->exposed += (size_t)agent->is_exposed - (size_t)was_exposed;
    if ((agent->does_count && !did_count) || (agent->is_exposed && !was_exposed))
        wake_all(allocator);
}

void sated_try(struct allocator *allocator, struct client *client) {
    if (allocator->exposed > 0 || !client_is_asking(client) ||
        filters_count(client) != allocator->counting || allocator->counting == 0)
        return;
    if (client->earmark != NULL)
        earmark_end(allocator, client->earmark);
    news_of_client(allocator, client);
    VEC_PUSH(&allocator->sated, client->id);
    client->sated_place = (uint32_t)allocator->sated.count;
    allocator->wanting_count--;
    allocator->policy->set_wants(allocator->order, client->id, false);
    history_note(allocator, client, ALLOCATOR_FILTERED);
}

void sated_try_those_asked(struct allocator *allocator) {
    for (size_t i = 0; i < allocator->maybe_sated.count; i++)
        sated_try(allocator, allocator->clients.items[allocator->maybe_sated.items[i]]);
    allocator->maybe_sated.count = 0;
}
