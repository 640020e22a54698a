/*
 * A small store of keys and values in ZooKeeper, for one writer at a time: the master's registry in
 * HA. A pure state machine over zk.h; it sees bytes, not records.
 *
 * What is under PATH (PATH/registry of the masters):
 *   head                     which generation holds, how many snapshot nodes it has, the format
 *   snapshot-GGGGGGGGGG-NNNNNN    all keys and values when the generation began, in pieces
 *   changes-GGGGGGGGGG-NNNNNNNNNN what was put and removed since, a node a commit, numbers without
 * gap Each node begins with a mark, the format, its own generation and number, and ends with a
 * CRC32C; a commit that needs several nodes says so in all but the last of them. Docs:
 * high-availability.md.
 *
 * Fenced: every write is a multi whose first part checks that the writer's election node is still
 * there. When it is not, JOURNAL_EFFECT_DEPOSED comes and nothing was written. A name is used once
 * (a create of what exists fails), so a multi that ended with ZK_LOST is simply sent again:
 * NODE_EXISTS with our own bytes means that it was done.
 *
 * When the changes have grown to more than the snapshot (and JOURNAL_FOLD_BYTES) a new generation
 * is written beside the old one, head is moved to it in one multi, and the old nodes are deleted. A
 * crash anywhere in this leaves the old generation or the new one, and litter that the next leader
 * removes.
 *
 * A damaged or newer store is refused with the node's name, and never written.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/vec.h"
#include "zookeeper/core/zk.h"

struct journal;

enum {
    JOURNAL_NODE_BYTES = 512 << 10,        /* nodes are filled up to this */
    JOURNAL_VALUE_BYTES_LIMIT = 384 << 10, /* of one value; the caller sees to it */
    JOURNAL_KEY_BYTES_LIMIT = 2048,        /* a role has up to 1,024 */
    JOURNAL_FOLD_BYTES = 4 << 20,
    JOURNAL_RETRY_MS = 500, /* after an answer that says no for now */
    JOURNAL_READS_AT_ONCE = 32,
    JOURNAL_FORMAT = 1,
};

enum journal_event_kind {
    JOURNAL_EVENT_SESSION = 1, /* as the client says it; EXPIRED: deposed */
    JOURNAL_EVENT_REPLY,
    JOURNAL_EVENT_TICK,
};

struct journal_event {
    enum journal_event_kind kind;
    int64_t now_ms;
    union {
        enum zk_session_state session;
        struct zk_reply reply;
    };
};

enum journal_effect_kind {
    JOURNAL_EFFECT_REQUEST = 1,
    JOURNAL_EFFECT_LOADED,  /* all is read: journal_each */
    JOURNAL_EFFECT_STORED,  /* all commits up to ticket */
    JOURNAL_EFFECT_DEPOSED, /* the fence is down; nothing more is written */
    JOURNAL_EFFECT_REFUSED, /* damaged, newer, not ours, or no permission: why; for good */
    JOURNAL_EFFECT_TROUBLE, /* a write fails and is tried again: why; "": it works again */
};

struct journal_effect {
    enum journal_effect_kind kind;
    union {
        struct zk_request request; /* lives until the next step */
        uint64_t ticket;
        struct text why;
    };
};

struct journal_outbox {
    struct arena *arena;
    VEC_OF(struct journal_effect) effects;
};

/* `path`: where the store is, made when missing. `fence`: the node whose existence every write
 * checks; "": none (the CLI's restore, which makes sure otherwise). Both are copied. */
struct journal *journal_new(struct text path, struct text fence);
void journal_free(struct journal *journal);
DEFINE_AUTO(struct journal, journal_free)
/* For tests, which want many nodes and folds of little data. Before the first step. */
void journal_set_sizes(struct journal *journal, size_t node_bytes, uint64_t fold_bytes);

/* Reads everything, after a sync; then LOADED or REFUSED. Begins with the first SESSION connected.
 */
void journal_step(struct journal *journal, const struct journal_event *event,
                  struct journal_outbox *outbox);
int64_t journal_deadline_ms(const struct journal *journal);

/* Somebody has written it at some time, though it may be empty by now. After LOADED. */
bool journal_is_there(const struct journal *journal);
/* In the order of the keys' bytes. False, with fn's error, when fn is. After LOADED. */
bool journal_each(const struct journal *journal,
                  bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                  void *self, struct error *error);

/* After LOADED. Into the batch; copied. */
void journal_put(struct journal *journal, struct text key, struct text value);
void journal_remove(struct journal *journal, struct text key);
/* The batch is one commit: all of it or nothing. Tickets rise. Commits that wait share a multi.
 * What is to be sent comes out of `outbox`. */
void journal_commit(struct journal *journal, uint64_t ticket, int64_t now_ms,
                    struct journal_outbox *outbox);
