#include "common/model/attributes.h"

#include "tests/support/unit.h"

TEST(attributes_are_read_with_their_types_and_printed_alike) {
    AUTO_FINI(attributes_fini) struct attributes found = {0};
    AUTO_FINI(buf_fini) struct buf out = {0};
    assert_true(attributes_parse(TEXT("rack:r7;level:10.5;keys:[1000-1500];url:a:b;rack:r8"),
                                 &found, NULL));

    assert_int_equal(found.count, 5);
    assert_int_equal(attributes_find(&found, TEXT("level"))->milli, 10500);
    assert_string_equal(attributes_find(&found, TEXT("rack"))->text, "r7");
    attributes_print(&found, &out);
    assert_string_equal(buf_string(&out), "rack:r7;level:10.5;keys:[1000-1500];url:a:b;rack:r8");
}

TEST(a_faulty_attribute_is_named_with_its_place_and_nothing_is_kept) {
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"rack", "at character 1: 'rack' is not of the form name:value"},
        {"a:1;b:", "at character 7: a value is missing"},
        {"a:1; :x", "at character 6: an attribute has no name"},
        {"zones:{a,b}", "at character 1: attribute 'zones' is a set, which attributes cannot be"},
        {"k:[5-1]", "at character 1: attribute 'k': range [5-1] ends before it begins"},
    };
    AUTO_FINI(attributes_fini) struct attributes kept = {0};
    assert_true(attributes_parse(TEXT("a:b"), &kept, NULL));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error error = {0};
        assert_false(attributes_parse(text_of(wrong[i].text), &kept, &error));
        assert_string_equal(error.message, wrong[i].message);
        assert_int_equal(kept.count, 1);
    }
}

TEST(attributes_are_equal_in_the_same_order_only) {
    AUTO_FINI(attributes_fini) struct attributes a = {0};
    AUTO_FINI(attributes_fini) struct attributes b = {0};
    AUTO_FINI(attributes_fini) struct attributes c = {0};
    assert_true(attributes_parse(TEXT("a:1;b:[1-2,3-4]"), &a, NULL));
    assert_true(attributes_parse(TEXT("a:1.0;b:[1-4]"), &b, NULL));
    assert_true(attributes_parse(TEXT("b:[1-4];a:1"), &c, NULL));

    assert_true(attributes_equal(&a, &b));
    assert_false(attributes_equal(&a, &c));
}

TEST(attributes_have_a_limit) {
    AUTO_FINI(attributes_fini) struct attributes many = {0};
    for (int i = 0; i < ATTRIBUTES_LIMIT; i++)
        assert_true(attributes_add_text(&many, TEXT("a"), TEXT("b"), NULL));
    struct error error = {0};
    assert_false(attributes_add_text(&many, TEXT("a"), TEXT("b"), &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}
