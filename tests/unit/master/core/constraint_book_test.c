#include "master/core/constraint_book.h"

#include "tests/support/unit.h"

static const struct constraint_term any_host[] = {
    {.subject = CONSTRAINT_HOSTNAME, .predicate = CONSTRAINT_EXISTS}};
static const struct constraint_group one_group[] = {{any_host, 1}};

static struct role_constraints constraints(const char *encoded) {
    return (struct role_constraints){
        .groups = one_group, .group_count = 1, .encoded = text_of(encoded)};
}

TEST(equal_constraints_have_one_number) {
    AUTO(constraint_book_free) struct constraint_book *book = constraint_book_new();
    struct role_constraints a = constraints("a"), b = constraints("b");

    uint32_t first = constraint_book_take(book, &a, NULL);

    assert_int_not_equal(first, 0);
    assert_int_equal(constraint_book_take(book, &a, NULL), first);
    assert_int_not_equal(constraint_book_take(book, &b, NULL), first);
    assert_int_equal(constraint_book_count(book), 2);
    assert_non_null(constraint_book_find(book, first));
}

TEST(what_nobody_uses_is_gone_and_its_number_does_not_come_again) {
    AUTO(constraint_book_free) struct constraint_book *book = constraint_book_new();
    struct role_constraints a = constraints("a");
    uint32_t number = constraint_book_take(book, &a, NULL);
    constraint_book_take(book, &a, NULL);

    constraint_book_drop(book, number);
    assert_non_null(constraint_book_find(book, number));
    constraint_book_drop(book, number);

    assert_null(constraint_book_find(book, number));
    assert_int_equal(constraint_book_count(book), 0);
    assert_int_not_equal(constraint_book_take(book, &a, NULL), number);
}

TEST(nonsense_gets_no_number) {
    AUTO(constraint_book_free) struct constraint_book *book = constraint_book_new();
    struct role_constraints none = {.encoded = TEXT("none")};
    struct error why = {0};

    assert_int_equal(constraint_book_take(book, &none, &why), 0);

    assert_int_equal(why.code, ERROR_INVALID);
    constraint_book_drop(book, 0);
    constraint_book_drop(book, 77);
}
