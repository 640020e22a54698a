/*
 * The master's shell: feeds the core one event at a time and carries out what comes of it, as long
 * as this master leads; the rest of the time it says who does.
 * Everything runs on the loop's thread; only storage commits elsewhere. What waits for a store is
 * turned into bytes at once and held until it is done, because what an effect points to does not
 * outlive the step.
 */
#pragma once

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/runtime/address.h"
#include "common/runtime/log.h"
#include "common/runtime/loop.h"
#include "common/wire/messages.h"
#include "master/core/master.h"
#include "master/shell/master_flags.h"

struct connections;
struct http_request;
struct http_server;
struct leader_route;
struct leadership;
struct log_toggle;
struct registry;

/* It came while nobody knew who leads, or this master was reading its registry. */
struct waiting_request {
    struct leader_route *route;
    struct http_request *request;
};

struct daemon {
    struct master_flags flags;
    struct loop *loop;
    struct log *log;
    struct rng rng;
    char id[UUID_TEXT_SIZE + 1]; /* of this term or candidacy; each has its own */
    struct arena *arena;         /* of one event; decode into it, then daemon_feed */

    /* Of a term (term.h): NULL while another master leads. */
    struct kinds *kinds;
    struct master *master;
    struct registry *registry;
    bool is_leading; /* the registry is read: requests are served */
    struct master_outbox outbox;
    struct buf encoded;            /* room for the message that is being sent */
    struct leadership *leadership; /* NULL without --zk: this master leads always */
    struct http_server *http;
    VEC_OF(struct leader_route *) routes;
    VEC_OF(struct waiting_request) waiting;
    struct connections *connections;
    struct log_toggle *log_toggle;
    struct map requests; /* number -> struct http_request that the core will answer */
    uint64_t last_request;

    struct loop_timer timer; /* master_deadline_ms */
    struct loop_task turn_end;
    uint64_t made_ticket, handed_ticket, stored_ticket;
    struct link held; /* effects that wait for their ticket, in order */
    bool is_feeding, is_ending;
    bool stands_by; /* and has said so, under shown_leader */
    char shown_leader[ADDRESS_TEXT_SIZE];
    bool is_deposed;         /* the registry says so, before the election does */
    struct error term_error; /* why it cannot go on at all */
    struct loop_task review;
    int64_t started_ns;
    int exit_code;
};

static inline struct wire daemon_wire(struct daemon *daemon) {
    return (struct wire){.arena = daemon->arena, .kinds = daemon->kinds};
}

int64_t daemon_wall_ns(void);

/* Steps the core and carries out the effects; ends with an empty arena. Never out of an effect. */
void daemon_feed(struct daemon *daemon, struct master_event *event);

/* Whether this master should lead is looked at again, at the end of the turn. */
void daemon_review(struct daemon *daemon);

/* A request that the core answers with MASTER_EFFECT_ANSWER under this number. Takes it. */
uint64_t daemon_await_answer(struct daemon *daemon, struct http_request *request);

/* Runs until SIGTERM or SIGINT; the exit code. */
int daemon_run(struct daemon *daemon);
