#include "master/core/role_cut.h"

#include "tests/support/unit.h"

#include <stdio.h>

TEST(all_roles_are_shown_while_there_are_few) {
    struct role_cut cut = {0};
    role_cut_count(&cut, TEXT("a"), 3);
    role_cut_count(&cut, TEXT("a/b"), 0);

    assert_true(role_cut_takes(&cut, TEXT("a"), 3));
    assert_true(role_cut_takes(&cut, TEXT("a/b"), 0));
    assert_int_equal(cut.left_out, 0);
}

TEST(of_too_many_roles_the_deepest_are_left_out_and_counted) {
    struct role_cut cut = {0};
    char path[32];
    for (unsigned i = 0; i < ROLE_ROWS_SHOWN_LIMIT; i++) {
        snprintf(path, sizeof(path), "a/%u/c", i);
        role_cut_count(&cut, text_of(path), 0);
    }
    role_cut_count(&cut, TEXT("a"), 1);
    role_cut_count(&cut, TEXT("a/0"), 0);
    role_cut_count(&cut, TEXT("a/0/c/d"), 0);

    assert_true(role_cut_takes(&cut, TEXT("a"), 1));
    assert_true(role_cut_takes(&cut, TEXT("a/0"), 0));
    assert_false(role_cut_takes(&cut, TEXT("a/0/c/d"), 0));
    size_t shown = 0;
    for (unsigned i = 0; i < ROLE_ROWS_SHOWN_LIMIT; i++) {
        snprintf(path, sizeof(path), "a/%u/c", i);
        shown += role_cut_takes(&cut, text_of(path), 0);
    }
    assert_int_equal(shown, ROLE_ROWS_SHOWN_LIMIT - 3);
    assert_int_equal(cut.left_out, 3 + 1);
}

TEST(frameworks_count_as_rows) {
    struct role_cut cut = {0};
    role_cut_count(&cut, TEXT("a"), ROLE_ROWS_SHOWN_LIMIT);
    role_cut_count(&cut, TEXT("b"), 1);

    assert_false(role_cut_takes(&cut, TEXT("a"), ROLE_ROWS_SHOWN_LIMIT));
    assert_true(role_cut_takes(&cut, TEXT("b"), 1));
}
