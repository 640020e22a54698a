#include "tests/support/unit.h"

TEST(a_seed_replays) {
    struct rng a = rng_of(42), b = rng_of(42), c = rng_of(43);

    uint64_t first = rng_next(&a);

    assert_true(first == rng_next(&b));
    assert_false(first == rng_next(&c));
}

TEST(below_stays_below_and_reaches_every_value) {
    struct rng rng = rng_for_test();
    int seen[7] = {0};

    for (int i = 0; i < 7000; i++)
        seen[rng_below(&rng, 7)]++;

    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 500, 1500);
    assert_int_equal(rng_below(&rng, 0), 0);
}
