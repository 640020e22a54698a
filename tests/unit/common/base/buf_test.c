#include "common/base/buf.h"
#include "common/base/mem.h"
#include "tests/support/unit.h"

TEST(what_is_appended_stands_in_order) {
    AUTO_FINI(buf_fini) struct buf buf = {0};

    buf_append_string(&buf, "a=");
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_byte(&buf, ';');
    buf_printf(&buf, "%s-%d", "x", 3);

    assert_string_equal(buf_string(&buf), "a=18446744073709551615;x-3");
}

TEST(consuming_takes_from_the_front) {
    AUTO_FINI(buf_fini) struct buf buf = {0};
    buf_append_string(&buf, "headbody");

    buf_consume(&buf, 4);

    assert_string_equal(buf_string(&buf), "body");
}

TEST(an_empty_buffer_is_an_empty_string) {
    AUTO_FINI(buf_fini) struct buf buf = {0};

    assert_string_equal(buf_string(&buf), "");
}

TEST(taking_hands_the_bytes_over) {
    struct buf buf = {0};
    buf_append_string(&buf, "mine");
    size_t size;

    char *taken = buf_take(&buf, &size);

    assert_string_equal(taken, "mine");
    assert_int_equal(size, 4);
    assert_null(buf.data);
    mem_free(taken);
}
