#include "cli/json_line.h"

#include "tests/support/unit.h"

static void assert_prints(json_t *value, const char *wanted) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    AUTO(json_decref) json_t *object = json_object();

    json_object_set_new(object, "v", value);
    json_line_print(object, &line);

    assert_string_equal(buf_string(&line), wanted);
}

TEST(an_object_takes_one_line_whatever_its_strings_hold) {
    assert_prints(json_line_string(TEXT("a\"\\\n\t\1b")), "{\"v\":\"a\\\"\\\\\\n\\t\\u0001b\"}\n");
    assert_prints(json_line_string((struct text){"a\0b", 3}), "{\"v\":\"a\\u0000b\"}\n");
    assert_prints(json_line_string((struct text){0}), "{\"v\":\"\"}\n");
}

TEST(characters_of_every_size_stay_as_they_are) {
    assert_prints(json_line_string(TEXT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")),
                  "{\"v\":\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}\n");
}

TEST(each_byte_that_is_no_utf8_is_replaced) {
    assert_prints(json_line_string(TEXT("a\xff\xc3z")), "{\"v\":\"a\xef\xbf\xbd\xef\xbf\xbdz\"}\n");
    assert_prints(json_line_string(TEXT("\xc0\x80")), "{\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\"}\n");
    assert_prints(json_line_string(TEXT("\xe2\x82")), "{\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\"}\n");
    assert_prints(json_line_string(TEXT("\xed\xa0\x80")),
                  "{\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}

TEST(a_character_that_the_end_cuts_in_two_is_told) {
    assert_int_equal(json_line_whole((struct text){0}), 0);
    assert_int_equal(json_line_whole(TEXT("ab")), 2);
    assert_int_equal(json_line_whole(TEXT("ab\xc3")), 2);
    assert_int_equal(json_line_whole(TEXT("ab\xe2\x82")), 2);
    assert_int_equal(json_line_whole(TEXT("ab\xf0\x9f\x98")), 2);
    assert_int_equal(json_line_whole(TEXT("ab\xc3\xa9")), 4);
    assert_int_equal(json_line_whole(TEXT("ab\xff")), 3);
    assert_int_equal(json_line_whole(TEXT("\x80\x80\x80\x80")), 4);
}

TEST(an_output_is_capped_between_two_characters) {
    AUTO_FINI(buf_fini) struct buf output = {0};
    while (output.size < JSON_LINE_OUTPUT_LIMIT_BYTES - 1)
        buf_append_byte(&output, 'a');
    AUTO(json_decref) json_t *all = json_line_output(buf_text(&output));
    buf_append_string(&output, "\xc3\xa9");
    AUTO(json_decref) json_t *capped = json_line_output(buf_text(&output));

    assert_int_equal(json_string_length(all), JSON_LINE_OUTPUT_LIMIT_BYTES - 1);
    assert_int_equal(json_string_length(capped), JSON_LINE_OUTPUT_LIMIT_BYTES - 1);
}

TEST(what_is_not_known_of_an_end_is_null) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    AUTO(json_decref) json_t *object = json_object();
    struct task_end killed = {
        .state = MESOS__V1__TASK_STATE__TASK_FAILED, .exit_code = -1, .signal = 9};

    json_line_set_end(object, &killed);
    json_line_print(object, &line);

    assert_string_equal(buf_string(&line),
                        "{\"state\":\"TASK_FAILED\",\"exit_code\":null,\"signal\":9}\n");
}
