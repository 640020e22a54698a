#include "common/runtime/frame.h"
#include "tests/support/unit.h"

TEST(a_frame_comes_back_as_it_was_put_in) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct frame frame;

    frame_append(&bytes, 7, TEXT("hello"));
    frame_append(&bytes, 65535, TEXT(""));

    struct text rest = buf_text(&bytes);
    assert_int_equal(frame_take(&rest, 100, &frame), FRAME_READY);
    assert_int_equal(frame.type, 7);
    assert_text_equal(frame.payload, "hello");
    assert_int_equal(frame_take(&rest, 100, &frame), FRAME_READY);
    assert_int_equal(frame.type, 65535);
    assert_int_equal(frame.payload.size, 0);
    assert_int_equal(rest.size, 0);
}

TEST(every_cut_of_a_frame_is_partial_and_takes_nothing) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct frame frame;
    frame_append(&bytes, 7, TEXT("hello"));

    for (size_t size = 0; size < bytes.size; size++) {
        struct text rest = {bytes.data, size};
        assert_int_equal(frame_take(&rest, 100, &frame), FRAME_PARTIAL);
        assert_int_equal(rest.size, size);
    }
}

TEST(a_payload_beyond_the_limit_is_found_by_its_header_alone) {
    uint8_t header[FRAME_HEADER_SIZE];
    struct frame frame;
    frame_header_write(header, 1, UINT32_MAX);

    struct text rest = {(const char *)header, sizeof(header)};

    assert_int_equal(frame_take(&rest, 100, &frame), FRAME_OVERSIZE);
}

TEST(a_payload_of_just_the_limit_is_let_in) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct frame frame;
    frame_append(&bytes, 1, TEXT("12345"));

    struct text rest = buf_text(&bytes);

    assert_int_equal(frame_take(&rest, 4, &frame), FRAME_OVERSIZE);
    assert_int_equal(frame_take(&rest, 5, &frame), FRAME_READY);
}

TEST(reserved_bytes_that_are_not_zero_are_no_frame) {
    char bytes[FRAME_HEADER_SIZE] = {0, 0, 0, 0, 0, 1, 0, 1};
    struct text rest = {bytes, sizeof(bytes)};
    struct frame frame;

    assert_int_equal(frame_take(&rest, 100, &frame), FRAME_RESERVED);
}

TEST(the_header_is_big_endian) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};

    frame_append(&bytes, 0x0102, TEXT("abc"));

    assert_memory_equal(bytes.data, "\0\0\0\3\1\2\0\0abc", 11);
}
