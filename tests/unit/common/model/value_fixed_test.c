#include "common/model/value_fixed.h"

#include "tests/support/unit.h"

#include <math.h>

static int64_t milli_of(double value) {
    int64_t milli = -1;
    return milli_from_double(value, &milli) ? milli : -1;
}

TEST(a_scalar_is_rounded_to_three_decimals_halves_upwards) {
    assert_int_equal(milli_of(0), 0);
    assert_int_equal(milli_of(-0.0), 0);
    assert_int_equal(milli_of(1), 1000);
    assert_int_equal(milli_of(0.1 + 0.2), 300);
    assert_int_equal(milli_of(1.0005), 1001);
    assert_int_equal(milli_of(1.0004), 1000);
    assert_int_equal(milli_of(0.0005), 1);
}

TEST(what_is_no_amount_is_refused) {
    static const double wrong[] = {-1,    -0.001, 0.0004,   1e-300,   1e16,
                                   1e300, NAN,    INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(milli_of(wrong[i]), -1);
}

TEST(thousandths_survive_the_way_to_the_wire_and_back) {
    struct rng rng = rng_for_test();
    for (int i = 0; i < 100000; i++) {
        int64_t milli = (int64_t)rng_below(&rng, 1ull << rng_below(&rng, 52));
        assert_int_equal(milli_of(milli_to_double(milli)), milli);
    }
}

TEST(rounding_agrees_with_llround) {
    struct rng rng = rng_for_test();
    for (int i = 0; i < 100000; i++) {
        double value = (double)rng_below(&rng, 1u << 30) / (double)(1 + rng_below(&rng, 1u << 20));
        int64_t expected = llround(value * 1000);
        if (expected > 0)
            assert_int_equal(milli_of(value), expected);
    }
}
