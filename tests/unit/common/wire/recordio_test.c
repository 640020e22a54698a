#include "common/wire/recordio.h"

#include "tests/support/unit.h"

static const struct text three = {"5\nhello0\n11\nhello world", 23};

TEST(records_come_out_whole_however_the_bytes_are_cut) {
    for (size_t piece = 1; piece <= three.size; piece++) {
        AUTO_FINI(recordio_fini) struct recordio_decoder decoder = {0};
        AUTO_FINI(buf_fini) struct buf seen = {0};
        struct text record;

        for (size_t at = 0; at < three.size; at += piece) {
            recordio_feed(&decoder, text_sub(three, at, piece));
            while (recordio_next(&decoder, &record, NULL) == RECORDIO_RECORD) {
                buf_append_text(&seen, record);
                buf_append_byte(&seen, '|');
            }
        }

        assert_text_equal(buf_text(&seen), "hello||hello world|");
        assert_true(recordio_is_at_end(&decoder));
    }
}

TEST(what_is_encoded_is_decoded_again) {
    AUTO_FINI(recordio_fini) struct recordio_decoder decoder = {0};
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct text record;
    recordio_encode(TEXT("a\nb"), &out);

    recordio_feed(&decoder, buf_text(&out));

    assert_int_equal(recordio_next(&decoder, &record, NULL), RECORDIO_RECORD);
    assert_text_equal(record, "a\nb");
}

static void assert_breaks(const char *bytes, enum error_code code) {
    AUTO_FINI(recordio_fini) struct recordio_decoder decoder = {.limit_bytes = 100};
    struct text record;
    struct error error = {0};

    recordio_feed(&decoder, text_of(bytes));

    assert_int_equal(recordio_next(&decoder, &record, &error), RECORDIO_FAILED);
    assert_int_equal(error.code, code);
    recordio_feed(&decoder, TEXT("1\nx"));
    assert_int_equal(recordio_next(&decoder, &record, &error), RECORDIO_FAILED);
}

TEST(a_header_that_is_no_number_breaks_the_stream_for_good) {
    assert_breaks("x", ERROR_INVALID);
    assert_breaks("\n", ERROR_INVALID);
    assert_breaks("-1\n", ERROR_INVALID);
    assert_breaks("5 \nhello", ERROR_INVALID);
    assert_breaks("000000000000000000000000001\nx", ERROR_INVALID);
}

TEST(a_record_beyond_the_limit_is_refused_before_it_has_come) {
    assert_breaks("101\n", ERROR_LIMIT);
    assert_breaks("18446744073709551615\n", ERROR_LIMIT);
}
