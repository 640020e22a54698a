#include "lib/core/dialer.h"
#include "tests/support/unit.h"

static struct dialer dialer_of(const char *addresses) {
    struct dialer dialer;
    dialer_init(&dialer, text_of(addresses), DIALER_CAP_MS, 1);
    dialer_begin(&dialer, 0);
    return dialer;
}

TEST(every_master_of_the_list_is_tried_at_once_before_the_first_pause) {
    struct dialer dialer = dialer_of("a:1, b:2,,c:3");

    assert_string_equal(dialer_take(&dialer, 0), "a:1");
    dialer_failed(&dialer, 0);
    assert_string_equal(dialer_take(&dialer, 0), "b:2");
    dialer_failed(&dialer, 0);
    assert_string_equal(dialer_take(&dialer, 0), "c:3");
    dialer_failed(&dialer, 0);

    assert_null(dialer_take(&dialer, DIALER_FIRST_PAUSE_MS / 2 - 1));
    assert_string_equal(dialer_take(&dialer, DIALER_FIRST_PAUSE_MS), "a:1");
    dialer_fini(&dialer);
}

TEST(where_masters_are_looked_up_nothing_is_dialled_before_one_is_found) {
    struct dialer dialer = dialer_of("zk://a:2181,b:2181/mesos");

    assert_null(dialer_take(&dialer, 1000000));
    assert_true(dialer_deadline_ms(&dialer) == INT64_MAX);
    assert_true(dialer_found(&dialer, TEXT("m:1"), 5));
    assert_int_equal(dialer_deadline_ms(&dialer), 5);
    assert_string_equal(dialer_take(&dialer, 5), "m:1");
    dialer_fini(&dialer);
}

TEST(a_master_that_is_found_is_due_at_once_and_takes_the_place_of_all_others) {
    struct dialer dialer = dialer_of("zk://a:2181/mesos");
    dialer_found(&dialer, TEXT("m:1"), 0);
    for (int i = 0; i < 20; i++) {
        dialer_take(&dialer, INT64_MAX - 1);
        dialer_failed(&dialer, 0);
    }
    assert_null(dialer_take(&dialer, 100));

    dialer_redirected(&dialer, TEXT("x:9"), 1000000);
    assert_true(dialer_found(&dialer, TEXT("n:2"), 100));
    assert_string_equal(dialer_take(&dialer, 100), "n:2");
    dialer_fini(&dialer);
}

TEST(the_master_that_is_up_is_kept_when_it_is_found_again_and_another_is_told) {
    struct dialer dialer = dialer_of("file:///etc/mesos/zk");
    dialer_found(&dialer, TEXT("m:1"), 0);
    dialer_take(&dialer, 0);

    assert_true(dialer_found(&dialer, TEXT("m:1"), 0));
    assert_false(dialer_found(&dialer, TEXT("n:2"), 0));
    dialer_connected(&dialer);
    assert_true(dialer_found(&dialer, TEXT("m:1"), 0));
    assert_int_equal(dialer.state, DIALER_UP);
    assert_false(dialer_found(&dialer, TEXT("n:2"), 0));
    dialer_fini(&dialer);
}

TEST(pauses_double_up_to_the_cap_and_at_most_half_of_one_is_left_out) {
    struct dialer dialer = dialer_of("a:1");
    int64_t now_ms = 0;

    for (int64_t whole_ms = DIALER_FIRST_PAUSE_MS; whole_ms < 1000000; whole_ms *= 2) {
        int64_t capped_ms = whole_ms < DIALER_CAP_MS ? whole_ms : DIALER_CAP_MS;
        assert_non_null(dialer_take(&dialer, now_ms));
        dialer_failed(&dialer, now_ms);
        assert_in_range(dialer_deadline_ms(&dialer) - now_ms, capped_ms / 2, capped_ms);
        now_ms = dialer_deadline_ms(&dialer);
    }
    dialer_fini(&dialer);
}

TEST(who_is_in_a_hurry_pauses_no_longer_than_it_says) {
    struct dialer dialer = dialer_of("a:1");
    for (int i = 0; i < 20; i++) {
        dialer_take(&dialer, INT64_MAX - 1);
        dialer_failed(&dialer, 0);
    }

    dialer_hurry(&dialer, 1000, 0);

    assert_int_equal(dialer_deadline_ms(&dialer), 1000);
    assert_non_null(dialer_take(&dialer, 1000));
    dialer_failed(&dialer, 1000);
    assert_in_range(dialer_deadline_ms(&dialer), 1500, 2000);
    dialer_fini(&dialer);
}

TEST(drivers_that_failed_together_do_not_come_back_together) {
    struct dialer one, other;
    dialer_init(&one, TEXT("a:1"), DIALER_CAP_MS, 1);
    dialer_init(&other, TEXT("a:1"), DIALER_CAP_MS, 2);

    for (int i = 0; i < 8; i++) {
        dialer_failed(&one, 0);
        dialer_failed(&other, 0);
    }

    assert_int_not_equal(dialer_deadline_ms(&one), dialer_deadline_ms(&other));
    dialer_fini(&one);
    dialer_fini(&other);
}

TEST(a_redirect_is_followed_at_once_and_only_so_far) {
    struct dialer dialer = dialer_of("a:1,b:2");

    assert_string_equal(dialer_take(&dialer, 0), "a:1");
    for (int i = 0; i < DIALER_REDIRECTS_LIMIT; i++) {
        dialer_redirected(&dialer, TEXT("leader:9"), 0);
        assert_string_equal(dialer_take(&dialer, 0), "leader:9");
    }
    dialer_redirected(&dialer, TEXT("leader:9"), 0);

    assert_null(dialer_take(&dialer, 0));
    assert_string_equal(dialer_take(&dialer, DIALER_FIRST_PAUSE_MS), "b:2");
    dialer_fini(&dialer);
}

TEST(a_connection_that_lasted_is_replaced_at_once_and_one_that_did_not_later) {
    struct dialer dialer = dialer_of("a:1");

    dialer_take(&dialer, 0);
    dialer_connected(&dialer);
    dialer_proven(&dialer, 10);
    dialer_lost(&dialer, 10 + DIALER_STEADY_MS);
    assert_int_equal(dialer_deadline_ms(&dialer), 10 + DIALER_STEADY_MS);

    dialer_take(&dialer, 2000);
    dialer_connected(&dialer);
    dialer_proven(&dialer, 2000);
    dialer_lost(&dialer, 2001);
    assert_true(dialer_deadline_ms(&dialer) >= 2001 + DIALER_FIRST_PAUSE_MS / 2);
    dialer_fini(&dialer);
}

TEST(a_dialer_that_rests_has_nothing_due) {
    struct dialer dialer = dialer_of("a:1");

    dialer_rest(&dialer);

    assert_int_equal(dialer_deadline_ms(&dialer), INT64_MAX);
    assert_null(dialer_take(&dialer, 1000000));
    dialer_fini(&dialer);
}
