/*
 * What somebody has put into ZooKeeper: the lines but the last are the names of nodes, the last is
 * what is read of the first of them. An observer's election must bear it, and an address that
 * comes out of it must be one.
 */
#include "tests/fuzz/fuzz.h"

#include "common/runtime/address.h"
#include "zookeeper/core/election.h"
#include "zookeeper/shell/leader_finder.h"

#include <assert.h>

enum { NAMES_LIMIT = 64 };

/* The number of the last request, 0 when there is none. */
static uint64_t step(struct election *election, struct election_event event) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct election_outbox outbox = {.arena = arena};
    uint64_t number = 0;
    election_step(election, &event, &outbox);
    VEC_EACH(effect, &outbox.effects) {
        if (effect->kind == ELECTION_EFFECT_REQUEST)
            number = effect->request.number;
    }
    VEC_FINI(&outbox.effects);
    return number;
}

static void elect(const struct text *names, size_t count, struct text info) {
    struct election_options options = {.path = TEXT("/m"), .session_timeout_ms = 10000};
    AUTO(election_free) struct election *election = election_new(&options);
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = ZK_SESSION_CONNECTED;
    event.session.id = 1;
    struct zk_reply reply = {.children = names, .child_count = count};
    reply.number = step(election, event);
    reply.number =
        step(election, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = reply});
    if (reply.number == 0)
        return;
    reply.data = info;
    step(election, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = reply});
    assert(election_role(election) == ELECTION_STANDBY);
    struct text leader = election_leader(election);
    assert(leader.size == 0 || text_equal(leader, info));
    (void)leader;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text rest = {(const char *)data, size}, names[NAMES_LIMIT], info = {0};
    size_t count = 0;
    while (count < NAMES_LIMIT && text_split(&rest, '\n', &names[count]))
        count++;
    if (count > 0)
        info = names[--count];
    elect(names, count, info);
    char out[ADDRESS_TEXT_SIZE];
    struct address address;
    bool is_right =
        !leader_address(info, out, sizeof(out)) || address_parse(text_of(out), 1, &address, NULL);
    assert(is_right);
    (void)is_right;
    return 0;
}
