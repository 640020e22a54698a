#include "common/runtime/log_toggle.h"
#include "common/runtime/loop.h"
#include "tests/support/unit.h"

TEST(a_level_holds_for_its_duration_and_goes_back) {
    struct error error;
    AUTO(loop_free) struct loop *loop = loop_new(&error);
    AUTO(log_free) struct log *log = log_new_fd(-1, LOG_LEVEL_WARNING);
    AUTO(log_toggle_free) struct log_toggle *toggle = log_toggle_new(loop, log, NULL);

    assert_true(log_toggle_set(toggle, LOG_LEVEL_DEBUG, 1, &error));
    assert_int_equal(log_level(log), LOG_LEVEL_DEBUG);
    while (log_level(log) == LOG_LEVEL_DEBUG)
        loop_turn(loop, -1);

    assert_int_equal(log_level(log), LOG_LEVEL_WARNING);
}

TEST(a_duration_beyond_a_day_is_refused) {
    struct error error;
    AUTO(loop_free) struct loop *loop = loop_new(&error);
    AUTO(log_free) struct log *log = log_new_fd(-1, LOG_LEVEL_INFO);
    AUTO(log_toggle_free) struct log_toggle *toggle = log_toggle_new(loop, log, NULL);

    assert_false(log_toggle_set(toggle, LOG_LEVEL_DEBUG, LOG_TOGGLE_LIMIT_MS + 1, &error));
    assert_false(log_toggle_set(toggle, LOG_LEVEL_DEBUG, -1, &error));

    assert_int_equal(log_level(log), LOG_LEVEL_INFO);
}
