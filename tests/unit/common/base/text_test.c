#include "tests/support/unit.h"

TEST(order_is_by_bytes_and_a_prefix_comes_first) {
    assert_true(text_compare(TEXT("eng"), TEXT("eng/ci")) < 0);
    assert_true(text_compare(TEXT("b"), TEXT("a")) > 0);
    assert_int_equal(text_compare(TEXT(""), (struct text){0}), 0);
}

TEST(splitting_gives_every_part_empty_ones_too) {
    struct text rest = TEXT("a//b"), part;

    assert_true(text_split(&rest, '/', &part));
    assert_text_equal(part, "a");
    assert_true(text_split(&rest, '/', &part));
    assert_text_equal(part, "");
    assert_true(text_split(&rest, '/', &part));
    assert_text_equal(part, "b");
    assert_false(text_split(&rest, '/', &part));
}

TEST(numbers_are_whole_texts_in_range) {
    uint64_t u;
    int64_t i;

    assert_true(text_to_u64(TEXT("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(text_to_u64(TEXT("18446744073709551616"), &u));
    assert_false(text_to_u64(TEXT(""), &u));
    assert_false(text_to_u64(TEXT("1 "), &u));
    assert_true(text_to_i64(TEXT("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_false(text_to_i64(TEXT("9223372036854775808"), &i));
    assert_false(text_to_i64(TEXT("-"), &i));
}

TEST(utf8_is_told_from_what_looks_like_it) {
    assert_true(text_is_utf8(TEXT("h\xc3\xa4ll\xe2\x82\xac \xf0\x9f\x98\x80")));
    assert_false(text_is_utf8(TEXT("\xc0\x80")));         /* overlong */
    assert_false(text_is_utf8(TEXT("\xed\xa0\x80")));     /* surrogate */
    assert_false(text_is_utf8(TEXT("\xf4\x90\x80\x80"))); /* beyond U+10FFFF */
    assert_false(text_is_utf8(TEXT("\xe2\x82")));         /* cut */
}

TEST(trimming_and_affixes) {
    assert_text_equal(text_trim(TEXT(" \t a b\r\n")), "a b");
    assert_true(text_starts_with(TEXT("--name"), TEXT("--")));
    assert_true(text_ends_with(TEXT("x.json"), TEXT(".json")));
    assert_false(text_ends_with(TEXT("n"), TEXT("json")));
    assert_text_equal(text_sub(TEXT("abc"), 1, 99), "bc");
    assert_text_equal(text_sub(TEXT("abc"), 9, 1), "");
}
