#include "common/base/units.h"
#include "tests/support/unit.h"

TEST(durations_have_the_units_of_mesos) {
    int64_t ns;

    assert_true(duration_parse_ns(TEXT("10secs"), &ns) && ns == 10000000000);
    assert_true(duration_parse_ns(TEXT("1.5 mins"), &ns) && ns == 90000000000);
    assert_true(duration_parse_ns(TEXT("2weeks"), &ns) && ns == 1209600000000000);
    assert_true(duration_parse_ns(TEXT("0ns"), &ns) && ns == 0);
    assert_true(duration_parse_ns(TEXT("250ms"), &ns) && ns == 250000000);
}

TEST(what_is_no_duration_is_refused) {
    static const char *const wrong[] = {"",      "10",   "secs", "-1secs",     "1.secs",
                                        "1..5s", "1e3s", "inf",  "10 parsecs", "99999999999weeks"};
    int64_t ns = 5;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(duration_parse_ns(text_of(wrong[i]), &ns));
    assert_int_equal(ns, 5);
}

TEST(sizes_are_powers_of_1024) {
    uint64_t bytes;

    assert_true(bytes_parse(TEXT("4KB"), &bytes) && bytes == 4096);
    assert_true(bytes_parse(TEXT("0.5GB"), &bytes) && bytes == 536870912);
    assert_false(bytes_parse(TEXT("4kb"), &bytes));
}

TEST(durations_are_shown_in_the_largest_unit_that_is_exact) {
    static const struct {
        int64_t ns;
        const char *shown;
    } rows[] = {{10000000000, "10secs"},
                {90000000000, "1.5mins"},
                {0, "0ns"},
                {604800000000000, "1weeks"},
                {75000000000, "1.25mins"},
                {1500, "1.5us"},
                {1001, "1.001us"}};
    char shown[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        duration_format_ns(rows[i].ns, shown);
        assert_string_equal(shown, rows[i].shown);
    }
}
