#include "common/storage/held.h"

#include "tests/support/unit.h"

TEST(what_waits_for_nothing_that_is_stored_stays) {
    struct link queue;
    struct held held = {.after = 3};
    list_init(&queue);

    held_add(&queue, &held);

    assert_null(held_take(&queue, 2));
    assert_ptr_equal(held_take(&queue, 3), &held);
    assert_null(held_take(&queue, UINT64_MAX));
}

TEST(what_waits_for_an_earlier_ticket_overtakes_and_else_it_goes_as_it_came) {
    struct link queue;
    struct held late = {.after = 5}, first = {.after = 2}, second = {.after = 2};
    list_init(&queue);

    held_add(&queue, &late);
    held_add(&queue, &first);
    held_add(&queue, &second);

    assert_ptr_equal(held_take(&queue, 2), &first);
    assert_ptr_equal(held_take(&queue, 2), &second);
    assert_null(held_take(&queue, 2));
    assert_ptr_equal(held_take(&queue, UINT64_MAX), &late);
}
