#include "common/base/error.h"
#include "tests/support/unit.h"

#include <errno.h>

TEST(a_failure_carries_code_and_message) {
    struct error error = {0};
    errno = ENOENT;

    assert_false(fail(&error, ERROR_IO, "open %s: %m", "/x"));

    assert_int_equal(error.code, ERROR_IO);
    assert_string_equal(error.message, "open /x: No such file or directory");
}

TEST(context_goes_in_front_and_keeps_the_code) {
    struct error error = {0};
    fail(&error, ERROR_LIMIT, "too long");

    assert_false(fail_context(&error, "flag %s", "--ip"));

    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(error.message, "flag --ip: too long");
}

TEST(nobody_has_to_listen) {
    assert_false(fail(NULL, ERROR_IO, "x"));
    assert_false(fail_context(NULL, "x"));
}
