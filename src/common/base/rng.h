/*
 * Randomness that a core is given: xoshiro256** seeded by splitmix64 (Blackman and Vigna), so that
 * a seed replays a run. Not for secrets; those come from getrandom(2) in the runtime.
 */
#pragma once

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

struct rng rng_of(uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t limit); /* uniform in [0, limit); limit 0 gives 0 */
