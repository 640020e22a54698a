/*
 * The dialer: which master to try next, and when. It goes round the list; a round that failed is
 * followed by a pause that doubles from DIALER_FIRST_PAUSE_MS to the cap, a random half of which is
 * left out, so that a thousand drivers do not come back in one moment. A connection that proved
 * itself and lasted makes the next attempt an immediate one.
 */
#pragma once

#include "common/base/rng.h"
#include "common/base/text.h"
#include "common/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DIALER_FIRST_PAUSE_MS = 100,
    DIALER_CAP_MS = 30000,
    DIALER_STEADY_MS = 1000, /* a proven connection that ends sooner counts as a failure */
    DIALER_REDIRECTS_LIMIT = 5,
    DIALER_ADDRESSES_LIMIT = 64,
};

enum dialer_state { DIALER_IDLE, DIALER_WAITING, DIALER_DIALING, DIALER_UP };

struct dialer {
    enum dialer_state state;
    VEC_OF(char *) addresses;
    size_t next;    /* in addresses */
    char *redirect; /* goes before the list, once */
    char *taken;    /* what was dialled last */
    unsigned redirects;
    uint64_t failures; /* in a row */
    int64_t at_ms;     /* WAITING: when */
    bool is_proven;
    int64_t proven_ms;
    int64_t cap_ms;
    struct rng rng;
};

/* `addresses`: "h1:5050,h2:5050"; those beyond the limit are not used. "zk://..." or "file://...":
 * none until dialer_found. */
void dialer_init(struct dialer *dialer, struct text addresses, int64_t cap_ms, uint64_t seed);
void dialer_fini(struct dialer *dialer);

/* This one leads: it takes the place of the list, and is due at once unless it is the one that is
 * dialled or up. False when another is: the caller closes that, and says dialer_lost. */
bool dialer_found(struct dialer *dialer, struct text address, int64_t now_ms);

void dialer_begin(struct dialer *dialer, int64_t now_ms); /* IDLE: dial at once */
void dialer_rest(struct dialer *dialer);                  /* IDLE from any state */

/* From now on no pause is longer, the one that is on included. */
void dialer_hurry(struct dialer *dialer, int64_t cap_ms, int64_t now_ms);

/* When an attempt is due: DIALING, and the address, lent until the next call; else NULL. */
const char *dialer_take(struct dialer *dialer, int64_t now_ms);
int64_t dialer_deadline_ms(const struct dialer *dialer);

void dialer_failed(struct dialer *dialer, int64_t now_ms);
void dialer_redirected(struct dialer *dialer, struct text address, int64_t now_ms);
void dialer_connected(struct dialer *dialer);
void dialer_proven(struct dialer *dialer, int64_t now_ms); /* it is a master that serves us */
void dialer_lost(struct dialer *dialer, int64_t now_ms);
