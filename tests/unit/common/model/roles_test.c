#include "common/model/roles.h"

#include "tests/support/unit.h"

#include <string.h>

TEST(a_role_is_a_star_or_a_path_of_words) {
    assert_true(role_is_valid(TEXT("*"), NULL));
    assert_true(role_is_valid(TEXT("eng"), NULL));
    assert_true(role_is_valid(TEXT("eng/web-1/a.b"), NULL));
}

TEST(a_role_that_breaks_a_rule_is_refused_with_a_reason) {
    static const struct text wrong[] = {
        TEXT(""),     TEXT("/a"),   TEXT("a/"),    TEXT("a//b"), TEXT("."),   TEXT("a/.."),
        TEXT("a/*"),  TEXT("*/a"),  TEXT("-a"),    TEXT("a/-b"), TEXT("a b"), TEXT("a\tb"),
        TEXT("a\vb"), TEXT("a\fb"), TEXT("a\x7f"), TEXT("a\rb"), TEXT("a\nb")};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = NULL;
        assert_false(role_is_valid(wrong[i], &why));
        assert_non_null(why);
    }
}

TEST(a_role_has_at_most_sixty_four_components) {
    char path[2 * (ROLE_COMPONENTS_LIMIT + 1)];
    const char *why = NULL;
    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 2 == 0 ? 'a' : '/';

    assert_true(role_is_valid((struct text){path, 2 * ROLE_COMPONENTS_LIMIT - 1}, &why));
    assert_false(role_is_valid((struct text){path, 2 * ROLE_COMPONENTS_LIMIT + 1}, &why));
    assert_non_null(strstr(why, "64"));
}

TEST(a_role_is_below_its_ancestors_only) {
    assert_true(role_is_strict_subrole(TEXT("a/b/c"), TEXT("a")));
    assert_true(role_is_strict_subrole(TEXT("a/b/c"), TEXT("a/b")));
    assert_false(role_is_strict_subrole(TEXT("a"), TEXT("a")));
    assert_false(role_is_strict_subrole(TEXT("ab"), TEXT("a")));
    assert_false(role_is_strict_subrole(TEXT("a"), TEXT("a/b")));
    assert_false(role_is_strict_subrole(TEXT("a"), TEXT("*")));
}

TEST(the_parent_of_a_role_is_its_path_without_the_last_word) {
    assert_text_equal(role_parent(TEXT("a/b/c")), "a/b");
    assert_null(role_parent(TEXT("a")).data);
}

TEST(a_reservation_is_for_its_role_and_those_below) {
    assert_true(role_may_use_reservation(TEXT("a"), TEXT("a")));
    assert_true(role_may_use_reservation(TEXT("a/b"), TEXT("a")));
    assert_false(role_may_use_reservation(TEXT("a"), TEXT("a/b")));
}
