/*
 * Who lets offers run out. A wave counts once: offers that ran out after something new was offered.
 * After three waves in a row the client may have only half as many agents offered at a time as it
 * had at most since the last cut, again and again down to one, until it answers an offer.
 */
#include "allocator/state.h"

enum { WAVES_TO_CUT = 3 };

bool hoard_is_full(const struct client *client) {
    return client->cap_agents > 0 && client->offered_agents >= client->cap_agents;
}

void hoard_note_offer(struct client *client, struct holding *holding) {
    client->offered_agents += holding->offers_out++ == 0;
    client->was_offered = true;
    if (client->offered_agents > client->peak_agents)
        client->peak_agents = client->offered_agents;
}

void hoard_note_gone(struct client *client, struct holding *holding) {
    holding->offers_out = 0;
    client->offered_agents--;
}

static void note_run_out(struct client *client) {
    if (!client->was_offered)
        return;
    client->was_offered = false;
    if (++client->run_outs < WAVES_TO_CUT)
        return;
    uint32_t most = client->peak_agents;
    if (client->cap_agents > 0 && client->cap_agents < most)
        most = client->cap_agents;
    client->cap_agents = most > 1 ? most / 2 : 1;
    client->peak_agents = 0;
    client->run_outs = 0;
}

uint32_t allocator_note_offer_end(struct allocator *allocator, uint32_t framework, uint32_t role,
                                  uint32_t agent_number, enum allocator_offer_end how) {
    struct client *client = client_find(allocator, framework, role);
    const struct agent *agent = agent_find(allocator, agent_number);
    struct holding *holding = client != NULL && agent != NULL ? holding_find(agent, client) : NULL;
    if (client == NULL)
        return 0;
    uint32_t cap_before = client->cap_agents;
    bool was_full = hoard_is_full(client);
    switch (how) {
    case ALLOCATOR_OFFER_RAN_OUT: note_run_out(client); break;
    case ALLOCATOR_OFFER_ANSWERED: client->run_outs = client->cap_agents = 0; break;
    case ALLOCATOR_OFFER_RESCINDED: break;
    }
    if (holding != NULL && holding->offers_out > 0 && --holding->offers_out == 0) {
        client->offered_agents--;
        holding_drop_pending(allocator, client, holding);
    }
    if (was_full && !hoard_is_full(client) && client->wants)
        client_look_again(allocator, client);
    bool is_lower = cap_before == 0 || client->cap_agents < cap_before;
    return is_lower ? client->cap_agents : 0;
}
