#include "cli/each_input.h"

#include "tests/support/unit.h"

static struct buf bytes_of(const char *string) {
    struct buf bytes = {0};
    buf_append_string(&bytes, string);
    return bytes;
}

TEST(lines_end_with_a_newline_but_the_last_need_not) {
    struct input input;
    struct error error;

    assert_true(input_split(bytes_of("a\n\nb"), &input, &error));

    assert_int_equal(input.lines.count, 3);
    assert_int_equal(input.lines.items[1].size, 0);
    assert_true(text_equal(input.lines.items[2], TEXT("b")));
    input_fini(&input);
}

TEST(no_bytes_are_no_lines) {
    struct input input;
    struct error error;

    assert_true(input_split((struct buf){0}, &input, &error));

    assert_int_equal(input.lines.count, 0);
    input_fini(&input);
}

TEST(a_line_that_is_no_utf8_is_refused_by_number) {
    struct input input;
    struct error error;

    assert_false(input_split(bytes_of("fine\n\xff\n"), &input, &error));

    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.message, "line 2"));
    input_fini(&input);
}

TEST(braces_become_the_line_wherever_they_are) {
    AUTO(arena_free) struct arena *arena = arena_new();
    const char *const words[] = {"cp", "{}", "{}.{}"};
    size_t count;

    const char *const *command = input_command(words, 3, TEXT("x"), &count, arena);

    assert_int_equal(count, 3);
    assert_string_equal(command[1], "x");
    assert_string_equal(command[2], "x.x");
}

TEST(without_braces_the_line_comes_last) {
    AUTO(arena_free) struct arena *arena = arena_new();
    const char *const words[] = {"echo"};
    size_t count;

    const char *const *command = input_command(words, 1, TEXT("{}"), &count, arena);

    assert_int_equal(count, 2);
    assert_string_equal(command[1], "{}");
}
