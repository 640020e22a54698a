/*
 * What is said to ZooKeeper and what it says, as borrowed values: the language between the state
 * machines of this folder (election.h, journal.h), the shell that has the real client
 * (zk_client.h), and the simulator's model of an ensemble.
 *
 * The rules of ZooKeeper that these rely on:
 * - Requests of one session are carried out in the order in which they were made, and answered so.
 * - A request that ends with ZK_LOST may or may not have been carried out. Requests made after it
 *   in the same session are carried out after it or it never is.
 * - A multi is carried out whole or not at all, against one state of the tree.
 * - Ephemeral nodes go when their session has ended, which only the ensemble decides; a client
 *   hears of it (ZK_SESSION_EXPIRED) when it reaches a server again.
 * - A read may be old by as much as its server lags; after ZK_SYNC it is not older than that.
 * - A watch fires once, after the change and before any later read shows it; it is lost with its
 *   session, and told for all that is watched when the session moves to another server.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ZK_NODE_BYTES_LIMIT = 1 << 20, /* of one request in all (jute.maxbuffer); stay far below */
    ZK_PATH_BYTES_LIMIT = 1024,    /* ours, not ZooKeeper's */
    ZK_MULTI_WRITES_LIMIT = 128,   /* ours */
    ZK_CHILDREN_LIMIT = 100000,    /* ours; more is answered with ZK_FAILED */
};

enum zk_result {
    ZK_OK = 0,
    ZK_NO_NODE,
    ZK_NODE_EXISTS,
    ZK_BAD_VERSION,
    ZK_NOT_EMPTY,
    ZK_NO_AUTH, /* the ACL says no, or the credentials were refused */
    ZK_LOST,    /* the connection broke: done or not done */
    ZK_OVER,    /* the session has ended: not done, if it was not done before that */
    ZK_FAILED,  /* anything else; reply.why has ZooKeeper's words */
};
const char *zk_result_text(enum zk_result result);

enum zk_write_kind { ZK_WRITE_CHECK = 1, ZK_WRITE_CREATE, ZK_WRITE_SET, ZK_WRITE_DELETE };
enum { ZK_VERSION_ANY = -1 };

/* A part of a multi. */
struct zk_write {
    enum zk_write_kind kind;
    struct text path;
    struct text data; /* CREATE, SET */
    int32_t version;  /* CHECK (ANY: it must only be there), SET, DELETE */
};

enum zk_request_kind {
    ZK_CREATE = 1,    /* persistent */
    ZK_CREATE_MEMBER, /* ephemeral and sequential: ten digits are appended to the path */
    ZK_GET,
    ZK_CHILDREN,
    ZK_SET,
    ZK_DELETE,
    ZK_MULTI,
    ZK_SYNC,
};

struct zk_request {
    uint64_t number; /* comes back in the reply; the asker's, rising */
    enum zk_request_kind kind;
    struct text path;
    struct text data; /* CREATE, CREATE_MEMBER, SET */
    int32_t version;  /* SET, DELETE */
    bool watch;       /* GET, CHILDREN: also where the node is missing (GET then watches for it) */
    const struct zk_write *writes; /* MULTI */
    size_t write_count;
};

struct zk_reply {
    uint64_t number;
    enum zk_result result;
    struct text path;            /* CREATE, CREATE_MEMBER: what was created */
    struct text data;            /* GET */
    int32_t version;             /* GET, SET */
    int64_t owner;               /* GET: the session of an ephemeral node; 0: none */
    const struct text *children; /* CHILDREN: names, in no order */
    size_t child_count;
    size_t failed_write; /* MULTI: which write result is about */
    struct text why;     /* ZK_FAILED */
};

/* What the session tells of itself. */
enum zk_session_state {
    ZK_SESSION_CONNECTING = 1, /* no server; what was sent and not answered ends with ZK_LOST */
    ZK_SESSION_CONNECTED,      /* reads and writes go through */
    ZK_SESSION_EXPIRED,        /* all is lost with it; the shell begins a new one by itself */
    ZK_SESSION_REFUSED, /* wrong credentials: the shell tries again with a new session later */
};
