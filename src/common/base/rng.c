#include "common/base/rng.h"

struct rng rng_of(uint64_t seed) {
    struct rng rng;
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        rng.state[i] = z ^ (z >> 31);
    }
    return rng;
}

static uint64_t rotate_left(uint64_t value, int by) {
    return (value << by) | (value >> (64 - by));
}

uint64_t rng_next(struct rng *rng) {
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's multiplication, with the rejection that makes it exact. */
uint64_t rng_below(struct rng *rng, uint64_t limit) {
    if (limit == 0)
        return 0;
    uint64_t threshold = (0 - limit) % limit;
    unsigned __int128 product;
    do {
        product = (unsigned __int128)rng_next(rng) * limit;
    } while ((uint64_t)product < threshold);
    return (uint64_t)(product >> 64);
}
