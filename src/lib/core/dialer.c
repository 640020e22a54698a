/*
 * Failures are counted one by one and the pause comes out of how many whole rounds they make.
 */
#include "lib/core/dialer.h"

void dialer_init(struct dialer *dialer, struct text addresses, int64_t cap_ms, uint64_t seed) {
    *dialer = (struct dialer){.cap_ms = cap_ms, .rng = rng_of(seed)};
    struct text part;
    if (text_starts_with(addresses, TEXT("zk://")) || text_starts_with(addresses, TEXT("file://")))
        return;
    while (text_split(&addresses, ',', &part)) {
        part = text_trim(part);
        if (part.size > 0 && dialer->addresses.count < DIALER_ADDRESSES_LIMIT)
            VEC_PUSH(&dialer->addresses, text_dup(part));
    }
    assert(dialer->addresses.count > 0);
}

void dialer_fini(struct dialer *dialer) {
    VEC_EACH(address, &dialer->addresses)
        mem_free(*address);
    VEC_FINI(&dialer->addresses);
    mem_free(TAKE(dialer->redirect));
    mem_free(TAKE(dialer->taken));
}

static void wait_until(struct dialer *dialer, int64_t at_ms) {
    dialer->state = DIALER_WAITING;
    dialer->at_ms = at_ms;
    dialer->is_proven = false;
}

void dialer_begin(struct dialer *dialer, int64_t now_ms) {
    if (dialer->state == DIALER_IDLE)
        wait_until(dialer, now_ms);
}

void dialer_rest(struct dialer *dialer) {
    dialer->state = DIALER_IDLE;
    dialer->is_proven = false;
}

void dialer_hurry(struct dialer *dialer, int64_t cap_ms, int64_t now_ms) {
    if (dialer->cap_ms > cap_ms)
        dialer->cap_ms = cap_ms;
    if (dialer->state == DIALER_WAITING && dialer->at_ms > now_ms + cap_ms)
        dialer->at_ms = now_ms + cap_ms;
}

const char *dialer_take(struct dialer *dialer, int64_t now_ms) {
    if (dialer->state != DIALER_WAITING || dialer->at_ms > now_ms || dialer->addresses.count == 0)
        return NULL;
    dialer->state = DIALER_DIALING;
    mem_free(dialer->taken);
    if (dialer->redirect != NULL) {
        dialer->taken = mem_dup_string(dialer->redirect);
        return dialer->taken;
    }
    dialer->taken = mem_dup_string(dialer->addresses.items[dialer->next]);
    dialer->next = (dialer->next + 1) % dialer->addresses.count;
    return dialer->taken;
}

int64_t dialer_deadline_ms(const struct dialer *dialer) {
    bool can_dial = dialer->state == DIALER_WAITING && dialer->addresses.count > 0;
    return can_dial ? dialer->at_ms : INT64_MAX;
}

static int64_t pause_ms(struct dialer *dialer) {
    uint64_t rounds = dialer->failures / dialer->addresses.count;
    if (rounds == 0 || dialer->failures % dialer->addresses.count != 0)
        return 0;
    int64_t pause = DIALER_FIRST_PAUSE_MS;
    for (uint64_t i = 1; i < rounds && pause < dialer->cap_ms; i++)
        pause *= 2;
    if (pause > dialer->cap_ms)
        pause = dialer->cap_ms;
    return pause / 2 + (int64_t)rng_below(&dialer->rng, (uint64_t)(pause - pause / 2) + 1);
}

static void forget_redirect(struct dialer *dialer) {
    mem_free(TAKE(dialer->redirect));
    dialer->redirects = 0;
}

bool dialer_found(struct dialer *dialer, struct text address, int64_t now_ms) {
    VEC_EACH(old, &dialer->addresses)
        mem_free(*old);
    dialer->addresses.count = 0;
    VEC_PUSH(&dialer->addresses, text_dup(address));
    dialer->next = 0;
    dialer->failures = 0;
    switch (dialer->state) {
    case DIALER_IDLE: break;
    case DIALER_WAITING:
        forget_redirect(dialer);
        wait_until(dialer, now_ms);
        break;
    case DIALER_DIALING:
    case DIALER_UP: return text_equal(text_of(dialer->taken), address);
    }
    return true;
}

void dialer_failed(struct dialer *dialer, int64_t now_ms) {
    /* The master that was pointed to is gone: those of the list know better by now. */
    bool was_redirected = dialer->redirect != NULL;
    forget_redirect(dialer);
    dialer->failures++;
    if (was_redirected && dialer->failures % dialer->addresses.count != 0)
        dialer->failures += dialer->addresses.count - dialer->failures % dialer->addresses.count;
    wait_until(dialer, now_ms + pause_ms(dialer));
}

void dialer_redirected(struct dialer *dialer, struct text address, int64_t now_ms) {
    if (dialer->redirects >= DIALER_REDIRECTS_LIMIT) {
        dialer_failed(dialer, now_ms);
        return;
    }
    dialer->redirects++;
    mem_free(dialer->redirect);
    dialer->redirect = text_dup(address);
    wait_until(dialer, now_ms);
}

void dialer_connected(struct dialer *dialer) {
    dialer->state = DIALER_UP;
    dialer->is_proven = false;
}

void dialer_proven(struct dialer *dialer, int64_t now_ms) {
    dialer->is_proven = true;
    dialer->proven_ms = now_ms;
}

void dialer_lost(struct dialer *dialer, int64_t now_ms) {
    if (!dialer->is_proven || now_ms - dialer->proven_ms < DIALER_STEADY_MS) {
        dialer_failed(dialer, now_ms);
        return;
    }
    forget_redirect(dialer);
    dialer->failures = 0;
    wait_until(dialer, now_ms);
}
