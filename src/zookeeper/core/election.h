/*
 * Who leads, as Mesos has it: the masters are the nodes PATH/json.info_NNNNNNNNNN (ephemeral and
 * sequential), the smallest number leads, and its data is the leader's MasterInfo as JSON. A pure
 * state machine: a candidate also has a node of its own, an observer (agents, drivers, the CLI)
 * only looks.
 *
 * Other children of PATH are ignored, unless their name ends in _NNNNNNNNNN with another label: a
 * label we do not know ("info_" and a bare number are binary MasterInfos of old Mesos) makes the
 * leader unknown, and is named.
 *
 * A candidate whose connection is broken for longer than the session timeout takes itself for
 * deposed, though ZooKeeper may know better: it cannot ask. One whose session has expired begins
 * again as the last. A candidate that finds a node of its own from a request that ended with
 * ZK_LOST (its owner is this session) takes it; it never has two.
 *
 * Times are monotonic milliseconds.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/vec.h"
#include "zookeeper/core/zk.h"

struct election;

enum {
    ELECTION_RETRY_MS = 2000,          /* after an answer that says no; as in Mesos */
    ELECTION_INFO_BYTES_LIMIT = 65536, /* of a leader's data; more makes it unknown */
    ELECTION_CANDIDATES_LIMIT = 1000,
};

struct election_options {
    struct text path; /* of zk_url: where the nodes are; made when missing */
    bool is_candidate;
    struct text info;           /* candidate: its MasterInfo as JSON; copied */
    int64_t session_timeout_ms; /* 10 s */
    bool has_stood; /* its session may have nodes of an earlier candidacy: they are deleted first */
};

enum election_role {
    ELECTION_OUT = 1, /* not in touch, or our node is not there yet */
    ELECTION_STANDBY, /* observers are never more */
    ELECTION_LEADER,
};

enum election_event_kind {
    ELECTION_EVENT_SESSION = 1,
    ELECTION_EVENT_REPLY,
    ELECTION_EVENT_WATCH, /* something that is watched has changed */
    ELECTION_EVENT_TICK,
    ELECTION_EVENT_RESIGN, /* clean end of a candidate: its node is deleted; DONE follows */
};

struct election_event {
    enum election_event_kind kind;
    int64_t now_ms;
    union {
        struct {
            enum zk_session_state state;
            int64_t id; /* CONNECTED */
        } session;
        struct zk_reply reply;
        struct text watch_path;
    };
};

enum election_effect_kind {
    ELECTION_EFFECT_REQUEST = 1,
    ELECTION_EFFECT_CHANGED, /* role, own node, leader: read them by the functions below */
    ELECTION_EFFECT_DONE,    /* after RESIGN: the node is gone, or will go with the session */
    ELECTION_EFFECT_TROUBLE, /* worth a line in the log: why */
};

struct election_effect {
    enum election_effect_kind kind;
    union {
        struct zk_request request; /* lives until the next step */
        struct text why;
    };
};

struct election_outbox {
    struct arena *arena;
    VEC_OF(struct election_effect) effects;
};

struct election *election_new(const struct election_options *options);
void election_free(struct election *election);
DEFINE_AUTO(struct election, election_free)

void election_step(struct election *election, const struct election_event *event,
                   struct election_outbox *outbox);
int64_t election_deadline_ms(const struct election *election); /* INT64_MAX: never */

enum election_role election_role(const struct election *election);
/* The candidate's node ("/mesos/json.info_0000000007"); "" while there is none. What a leader
 * writes checks that it exists: the fence. Lent until the next step. */
struct text election_node(const struct election *election);
/* The leader's MasterInfo as JSON; "" while nobody leads or nothing is known. Lent likewise. */
struct text election_leader(const struct election *election);
