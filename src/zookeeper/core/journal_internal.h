/*
 * What the parts of the journal share: journal.c (the events, what is stored), journal_load.c,
 * journal_write.c (one multi at a time, sent until it is known to be done), journal_commits.c (what
 * was put, in nodes), journal_fold.c (a new generation, and what is deleted after it).
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/map.h"
#include "zookeeper/core/journal.h"
#include "zookeeper/core/journal_format.h"

enum {
    /* A read and a place in the list of children: what a change costs beside its bytes. */
    JOURNAL_CHANGE_COST_BYTES = 4096,
    JOURNAL_LOADS_LIMIT = 10,   /* as the store may change under a reader that does not lead */
    JOURNAL_HEADS_LIMIT = 1000, /* and even while it lists the nodes: then it is no damage */
    JOURNAL_DELETES_AT_ONCE = 100,
    JOURNAL_PATH_BYTES = ZK_PATH_BYTES_LIMIT + JOURNAL_NAME_BYTES,
};

enum journal_phase {
    JOURNAL_WAITS = 1, /* for its first connection */
    JOURNAL_LOADS,
    JOURNAL_IS_LOADED,
    JOURNAL_IS_OVER,
};

struct journal_value {
    size_t size;
    char data[];
};

struct journal_names {
    VEC_OF(struct journal_name) items;
};

enum journal_read_state { READ_WANTED, READ_ASKED, READ_HERE };

struct journal_read {
    struct journal_name name;
    enum journal_read_state state;
    uint64_t request;
    struct buf data; /* READ_HERE, until it is its turn */
};

struct journal_load {
    size_t attempts, heads; /* that did not fit, that changed */
    uint64_t sync_request, head_request, children_request, again_request; /* 0: answered */
    bool head_changed;
    struct buf head;
    VEC_OF(char *) children;
    VEC_OF(struct journal_read) reads; /* snapshot, then changes */
    size_t next;                       /* of reads: whose turn it is */
    uint32_t sum;                      /* of the node before that */
    struct buf group;                  /* of a commit whose last node is still to come */
    size_t group_start;                /* of reads */
    int64_t retry_at_ms;               /* INT64_MAX: none */
    bool is_planned;
};

enum journal_write_kind {
    WRITE_PATH = 1, /* a part of the way to the store */
    WRITE_HEAD,     /* the first */
    WRITE_CHANGES,
    WRITE_SNAPSHOT,
    WRITE_MOVE,   /* the head, to the next generation */
    WRITE_DELETE, /* from the end of `tail`, else of `litter` */
};

enum journal_write_state {
    WRITE_IDLE = 0,
    WRITE_SENT,
    WRITE_COMPARED, /* a node is there already: it is being read, whether it is ours */
    WRITE_WAITS,    /* to be sent again */
};

/* The one that is on its way. */
struct journal_write {
    enum journal_write_state state;
    enum journal_write_kind kind;
    uint64_t request;
    struct journal_name name;
    struct buf node;      /* its bytes, the same however often it is sent */
    size_t deletes;       /* WRITE_DELETE: how many */
    int64_t retry_at_ms;  /* WRITE_WAITS */
    uint32_t sum;         /* of node */
    size_t end;           /* WRITE_CHANGES: of the group, what is stored with it */
    bool differs;         /* what is there was once read and is not ours */
    bool was_maintenance; /* the last one: it is the commits' turn */
};

struct journal_mark {
    uint64_t ticket;
    size_t end; /* in waiting */
};

struct journal_commits {
    struct buf batch;   /* put, not committed */
    struct buf waiting; /* committed, from `taken` on not in the group */
    VEC_OF(struct journal_mark) marks;
    size_t taken, taken_marks;
    struct buf group; /* being written; its tickets are told together */
    size_t at;        /* how much of it is written */
    bool has_group;
    uint64_t group_ticket;
};

struct journal_fold {
    bool is_active;
    struct journal_head head; /* what it will be */
    struct map_entry *cursor; /* the next key; NULL: all are written */
    uint64_t snapshot_bytes;
    uint64_t change_cost; /* of the changes since it began */
};

struct journal {
    char *path, *fence;
    enum journal_phase phase;
    bool is_connected, is_writer, told_trouble;
    size_t body_bytes; /* of a node, at most, unless one entry has more */
    uint64_t fold_bytes;
    uint64_t last_request;
    struct map values; /* key -> struct journal_value; as of the last commit that is stored */

    /* What is in the ensemble, as far as we know. */
    bool has_path, has_head;
    size_t path_made; /* bytes of the path that were tried last, see WRITE_PATH */
    struct journal_head head;
    int32_t head_version;
    uint64_t next_change;
    uint32_t changes_sum;         /* of the change before next_change */
    VEC_OF(uint64_t) generations; /* of the changes from head.first_change on */
    uint64_t snapshot_bytes, change_cost;
    struct journal_names litter; /* of no use any more */
    struct journal_names tail;   /* of a commit without its end, rising; goes before all else */

    struct journal_load load;
    struct journal_write write;
    struct journal_commits commits;
    struct journal_fold fold;
};

/* --- journal.c --- */

/* The path of a node of ours, in the outbox's arena. */
struct text journal_path(const struct journal *journal, struct journal_name name,
                         struct journal_outbox *outbox);
/* Gives it a number, which is returned. */
uint64_t journal_request(struct journal *journal, struct zk_request request,
                         struct journal_outbox *outbox);
/* Nothing more is done. `why` is copied into the arena. */
void journal_refuse(struct journal *journal, struct journal_outbox *outbox, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void journal_deposed(struct journal *journal, struct journal_outbox *outbox);
void journal_trouble(struct journal *journal, struct text path, const struct zk_reply *reply,
                     struct journal_outbox *outbox);
void journal_works(struct journal *journal, struct journal_outbox *outbox);
/* Puts and removes. The entries are sound. */
void journal_apply(struct journal *journal, struct text entries);
static inline uint64_t journal_change_cost(size_t node_bytes) {
    return node_bytes + JOURNAL_CHANGE_COST_BYTES;
}

/* --- journal_load.c --- */

void journal_load_begin(struct journal *journal, struct journal_outbox *outbox);
void journal_load_reply(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                        struct journal_outbox *outbox);
/* The connection is there (again), or the pause is over. */
void journal_load_resume(struct journal *journal, struct journal_outbox *outbox);
void journal_load_fini(struct journal_load *load);

/* --- journal_write.c --- */

/* Sends what is next, when nothing is on its way. */
void journal_write_next(struct journal *journal, struct journal_outbox *outbox);
void journal_write_resume(struct journal *journal, struct journal_outbox *outbox);
void journal_write_reply(struct journal *journal, const struct zk_reply *reply, int64_t now_ms,
                         struct journal_outbox *outbox);

/* --- journal_commits.c --- */

/* Is there something to be written? Tells of tickets that need no write. */
bool journal_commits_want(struct journal *journal, struct journal_outbox *outbox);
/* Fills the write with the next node of the group. */
void journal_commits_fill(struct journal *journal);
void journal_commits_done(struct journal *journal, struct journal_outbox *outbox);
void journal_commits_fini(struct journal_commits *commits);

/* --- journal_fold.c --- */

/* A snapshot node, the head's move or a delete is due: fills the write. */
bool journal_fold_fill(struct journal *journal);
void journal_fold_snapshot_done(struct journal *journal);
void journal_fold_moved(struct journal *journal);
/* The key goes: before it does. */
void journal_fold_forget(struct journal *journal, struct text key);
