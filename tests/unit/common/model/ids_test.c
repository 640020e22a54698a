#include "common/model/ids.h"

#include "tests/support/unit.h"

TEST(an_id_is_any_word_that_can_name_a_directory) {
    assert_true(id_is_valid(TEXT("a.b-c_d e"), NULL));
    assert_true(id_is_valid(TEXT("..."), NULL));
    assert_true(id_is_valid(TEXT("\xc3\xa9t\xc3\xa9"), NULL));
}

TEST(an_id_that_cannot_name_a_directory_is_refused_with_a_reason) {
    static const struct text wrong[] = {TEXT(""),     TEXT("."),    TEXT(".."),
                                        TEXT("a/b"),  TEXT("a\\b"), TEXT("a\nb"),
                                        TEXT("a\0b"), TEXT("\x7f"), TEXT("\xff")};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = NULL;
        assert_false(id_is_valid(wrong[i], &why));
        assert_non_null(why);
    }
}

TEST(an_id_has_at_most_255_bytes) {
    char bytes[256];
    memset(bytes, 'a', sizeof(bytes));

    assert_true(id_is_valid((struct text){bytes, 255}, NULL));
    assert_false(id_is_valid((struct text){bytes, 256}, NULL));
}

TEST(ids_are_equal_when_their_bytes_are) {
    struct task_id a = task_id_of(TEXT("t1")), b = task_id_of(text_of("t1"));

    assert_true(task_id_equal(a, b));
    assert_false(task_id_equal(a, task_id_of(TEXT("t2"))));
}
