/*
 * ZooKeeper in the world: the model of tests/support on this clock. Every process that talks to it
 * has a link, which is a client with one session after another; what is asked takes its time, and
 * links break, freeze with their process, and lose their session as the faults say.
 *
 * After every write to the registry it is checked that its writer leads: its node is there and is
 * the first.
 */
#pragma once

#include "tests/sim/world.h"
#include "tests/support/zk_model.h"

struct ensemble;
struct zk_link;

enum { ZK_SESSION_TIMEOUT_MS = 10000 };
#define ZK_PLACE "/mesos"
#define ZK_REGISTRY ZK_PLACE "/registry"

/* Who is told; several share a link, as the election and the journal of a master do. */
struct zk_user {
    void (*on_session)(void *self, enum zk_session_state state, int64_t id);
    void (*on_reply)(void *self, const struct zk_reply *reply);
    void (*on_watch)(void *self, struct text path);
    void *self;
};

struct ensemble *ensemble_new(struct world *world);
void ensemble_free(struct ensemble *ensemble); /* and all links */
const struct zk_model *ensemble_model(const struct ensemble *ensemble);
/* Whether the node is there and is the first of all candidates. */
bool ensemble_leads(const struct ensemble *ensemble, struct text node);

struct zk_link *zk_link_new(struct ensemble *ensemble, const char *name); /* it begins to connect */
uint64_t zk_link_open(struct zk_link *link, const struct zk_user *user);
void zk_link_close(struct zk_link *link, uint64_t user); /* it hears nothing any more */
void zk_link_send(struct zk_link *link, uint64_t user, const struct zk_request *request);
enum zk_session_state zk_link_state(const struct zk_link *link);
int64_t zk_link_session(const struct zk_link *link);
/* In whose name the registry is written from now on. */
void zk_link_set_fence(struct zk_link *link, struct text node);
/* The process has died: what is under way is done or not, the session runs out by itself. */
void zk_link_abandon(struct zk_link *link);
/* It ends in order: the session is closed. */
void zk_link_end(struct zk_link *link);

/* --- faults --- */

void zk_link_part(struct zk_link *link, bool is_parted);
void zk_link_freeze(struct zk_link *link, bool is_frozen); /* with its process */
void zk_link_break(struct zk_link *link);                  /* and is made anew */
void zk_link_expire(struct zk_link *link);
void zk_link_lag(struct zk_link *link, bool lags);
void zk_link_fail(struct zk_link *link, size_t count); /* the next so many requests */
/* Somebody deletes the node of a candidate, whose session lives on. */
void ensemble_delete_candidate(struct ensemble *ensemble);
void ensemble_stop(struct ensemble *ensemble);
void ensemble_start(struct ensemble *ensemble);
void ensemble_heal(struct ensemble *ensemble);
/* Some link that lives, of a master or anybody. */
struct zk_link *ensemble_any_link(struct ensemble *ensemble);
