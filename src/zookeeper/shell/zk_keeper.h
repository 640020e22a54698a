/*
 * The half of zk_client that has threads: one of its own, which does what may block (looking up
 * names, opening and closing handles of libzookeeper), and the library's two. What they have to
 * tell are notes, which come to the loop in order.
 *
 * Names are looked up here and the library gets addresses only: it would look them up on the thread
 * that keeps the session alive, and it spins when none is found. It cannot be given new addresses
 * safely while it is connecting either; so when these have changed, the handle is exchanged for one
 * that resumes the session.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "zookeeper/core/zk.h"

struct loop;
struct zk_keeper;

/* What a session is known by. */
struct zk_session {
    int64_t id; /* 0: none */
    char password[16];
};

enum zk_note_kind {
    ZK_NOTE_OPENED = 1, /* a new handle: notes before this one are of the last */
    ZK_NOTE_SESSION,
    ZK_NOTE_REPLY,
    ZK_NOTE_WATCH,
    ZK_NOTE_LOOKUP, /* reply.why: names that could not be looked up; once, until that changes */
    ZK_NOTE_MOVED,  /* the names have other addresses than the handle was opened with */
};

struct zk_note {
    enum zk_note_kind kind;
    enum zk_session_state state;
    struct zk_session session; /* CONNECTED */
    uint64_t call;             /* REPLY: as zk_keeper_send was given it */
    struct zk_reply reply;     /* its texts are in `memory` */
    struct text path;          /* WATCH; in `memory` */
    struct buf memory;
    struct text *children;
};
void zk_note_free(struct zk_note *note);
DEFINE_AUTO(struct zk_note, zk_note_free)

struct zk_keeper_options {
    const char *servers;     /* of zk_url */
    const char *credentials; /* or NULL */
    int64_t session_timeout_ms;
    void (*on_note)(void *self, struct zk_note *note); /* the note is self's */
    void *self;
};

struct zk_keeper *zk_keeper_new(struct loop *loop, const struct zk_keeper_options *options,
                                struct error *error);
/* Closes the handle and its session; waits for wait_ms at most. No note comes any more. */
void zk_keeper_free(struct zk_keeper *keeper, int64_t wait_ms);

/* OPENED follows, however long it takes; the last handle is closed before. `session`: the one to
 * resume, or NULL. */
void zk_keeper_open(struct zk_keeper *keeper, const struct zk_session *session);
void zk_keeper_close(struct zk_keeper *keeper);   /* the handle, and nothing instead of it */
void zk_keeper_resolve(struct zk_keeper *keeper); /* MOVED follows when something has changed */
/* A REPLY to `call` follows on ZK_OK and on nothing else. The request is valid. */
enum zk_result zk_keeper_send(struct zk_keeper *keeper, uint64_t call,
                              const struct zk_request *request);
