/*
 * A model of a ZooKeeper ensemble, for tests: one tree, sessions with ephemeral nodes, multi, sync,
 * watches. Nothing happens by itself: a request waits until it is served, what comes back waits
 * until it is taken, and whoever drives the model (a test, the simulator with its clock and its
 * faults) says when, cuts connections in between, and ends sessions. So every interleaving of what
 * zk.h allows can be made, and the same calls give the same results.
 *
 *     a lost request     zk_model_send, zk_model_cut
 *     a lost reply       zk_model_send, zk_model_serve, zk_model_cut
 *     a late watch       not taking; what was taken before comes first
 *     an old read        zk_model_set_lag: reads see the tree as it was, until a sync or a write
 *     an expiry          zk_model_expire: the nodes go at once, the client hears of it when it
 * joins
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "zookeeper/core/zk.h"

struct zk_model;
struct zk_model_client;

struct zk_model *zk_model_new(void);
void zk_model_free(struct zk_model *model); /* after its clients */
DEFINE_AUTO(struct zk_model, zk_model_free)

/* A client as zk_client.h has it: one session after another. It begins without one. */
struct zk_model_client *zk_model_client_new(struct zk_model *model);
void zk_model_client_free(struct zk_model_client *client); /* closes its session */
DEFINE_AUTO(struct zk_model_client, zk_model_client_free)

/* A server is reached: CONNECTED, with a new session when there was none; when the session has
 * ended meanwhile EXPIRED, and the next join begins a new one. What is watched is told. */
void zk_model_join(struct zk_model_client *client);
/* The connection breaks: CONNECTING, then ZK_LOST for all that was sent and whose reply was not
 * taken. */
void zk_model_cut(struct zk_model_client *client);
/* The ensemble ends the session; a connection is cut first. */
void zk_model_expire(struct zk_model_client *client);
/* Wrong credentials: REFUSED. The next join begins a new session. */
void zk_model_refuse(struct zk_model_client *client);
bool zk_model_is_joined(const struct zk_model_client *client);
int64_t zk_model_session(const struct zk_model_client *client); /* 0: none that lives */

/* Copied. Without a connection it waits for one. */
void zk_model_send(struct zk_model_client *client, const struct zk_request *request);
/* Carries out the oldest request that waits and puts its reply on the way. False: none, or there is
 * no connection. */
bool zk_model_serve(struct zk_model_client *client);

enum zk_delivery_kind { ZK_DELIVERY_SESSION = 1, ZK_DELIVERY_REPLY, ZK_DELIVERY_WATCH };

struct zk_delivery {
    enum zk_delivery_kind kind;
    union {
        struct {
            enum zk_session_state state;
            int64_t id;
        } session;
        struct zk_reply reply;
        struct text watch_path;
    };
};

/* The oldest of what is on the way to the client; lives in the arena. */
bool zk_model_take(struct zk_model_client *client, struct arena *arena, struct zk_delivery *out);
size_t zk_model_unserved(const struct zk_model_client *client);
size_t zk_model_untaken(const struct zk_model_client *client);

/* The server of this client falls behind, or is up to date again. */
void zk_model_set_lag(struct zk_model_client *client, bool lags);
/* The next requests that are served end with ZK_FAILED and are not carried out. */
void zk_model_fail_next(struct zk_model_client *client, size_t count);
/* Nothing at or below the path may be read or written (ZK_NO_AUTH); "": all may again. */
void zk_model_forbid(struct zk_model *model, struct text path);

/* --- past all sessions: for checks, and to do damage --- */

/* Lent until the tree changes. */
bool zk_model_get(const struct zk_model *model, struct text path, struct text *data);
size_t zk_model_count(const struct zk_model *model, struct text prefix); /* of paths */
/* The path of one of them, in no order that means anything. */
struct text zk_model_path(const struct zk_model *model, struct text prefix, size_t index);
void zk_model_put(struct zk_model *model, struct text path, struct text data);
void zk_model_erase(struct zk_model *model, struct text path);
