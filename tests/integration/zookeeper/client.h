/*
 * A zk_client and what it has told, for tests that ask and wait.
 */
#pragma once

#include "common/base/vec.h"
#include "common/runtime/loop.h"
#include "zookeeper/shell/zk_client.h"

struct told {
    uint64_t number;
    enum zk_result result;
    char path[256];
    char data[256];
    char why[128];
    char children[512]; /* sorted, with commas */
    int32_t version;
    int64_t owner;
    size_t child_count, failed_write, data_size;
};

struct client {
    struct loop *loop;
    struct zk_client *zk;
    enum zk_session_state state;
    int64_t session, last_session;
    char lookup[256]; /* what was said last of names that are not found */
    unsigned lookups;
    unsigned connects, disconnects, expiries, refusals;
    VEC_OF(struct told) told;
    char watched[512]; /* paths that were told, with commas behind them */
    uint64_t asked;
};

/* `url` is freed. The client shares the loop. */
void client_open(struct client *client, struct loop *loop, struct zk_url url,
                 int64_t session_timeout_ms);
void client_close(struct client *client);

uint64_t client_send(struct client *client, struct zk_request request); /* its number */
/* Sends and waits. */
struct told client_ask(struct client *client, struct zk_request request);
/* NULL: no answer yet. */
const struct told *client_told(const struct client *client, uint64_t number);

/* Turns the loop until the condition holds; fails the test after a minute. */
#define WAIT_UNTIL(the_loop, condition)                                                            \
    do {                                                                                           \
        int64_t give_up_ms_ = loop_now_ms(the_loop) + 60000;                                       \
        while (!(condition)) {                                                                     \
            loop_turn((the_loop), 200);                                                            \
            if (loop_now_ms(the_loop) > give_up_ms_)                                               \
                fail_msg("never: " #condition);                                                    \
        }                                                                                          \
    } while (0)
