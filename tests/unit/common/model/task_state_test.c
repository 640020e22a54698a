#include "common/model/task_state.h"

#include "tests/support/unit.h"

#include <stdio.h>

TEST(every_state_reason_and_source_is_found_again_by_its_name) {
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        enum task_state at;
        assert_true(task_state_of_name(text_of(task_state_name((enum task_state)i)), &at));
        assert_int_equal(at, i);
    }
    for (int i = 0; i < TASK_REASON_COUNT; i++) {
        enum task_reason reason;
        assert_true(task_reason_of_name(text_of(task_reason_name((enum task_reason)i)), &reason));
        assert_int_equal(reason, i);
    }
    for (int i = 0; i < TASK_SOURCE_COUNT; i++) {
        enum task_source source;
        assert_true(task_source_of_name(text_of(task_source_name((enum task_source)i)), &source));
        assert_int_equal(source, i);
    }
}

TEST(a_number_or_name_of_nothing_is_refused) {
    enum task_state at;
    enum task_reason reason;

    assert_false(task_state_of_number(14, &at));
    assert_false(task_state_of_number(-1, &at));
    assert_false(task_reason_of_number(35, &reason));
    assert_false(task_state_of_name(TEXT("RUNNING"), &at));
    assert_null(task_reason_name(TASK_REASON_NONE));
}

/* One row of the facts: file, kind, type, name, number. */
static void check_row(struct text row, size_t *seen) {
    struct text part, kind, type, name, number_text;
    text_split(&row, '\t', &part);
    text_split(&row, '\t', &kind);
    text_split(&row, '\t', &type);
    text_split(&row, '\t', &name);
    text_split(&row, '\t', &number_text);
    int64_t number = -1;
    if (!text_equal(kind, TEXT("enum")) || !text_to_i64(number_text, &number))
        return;
    const char *ours = NULL;
    if (text_equal(type, TEXT("mesos.v1.TaskState")))
        ours = task_state_name((enum task_state)number);
    else if (text_equal(type, TEXT("mesos.v1.TaskStatus.Reason")))
        ours = task_reason_name((enum task_reason)number);
    else if (text_equal(type, TEXT("mesos.v1.TaskStatus.Source")))
        ours = task_source_name((enum task_source)number);
    else
        return;
    assert_non_null(ours);
    assert_text_equal(name, ours);
    (*seen)++;
}

TEST(names_and_numbers_are_those_of_the_v1_interface) {
    const char *directory = interface_directory();
    if (directory == NULL)
        skip();
    char path[4096], line[4096];
    snprintf(path, sizeof(path), "%s/mesos-v1.tsv", directory);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t seen = 0;

    while (fgets(line, sizeof(line), file) != NULL)
        check_row(text_trim(text_of(line)), &seen);
    fclose(file);

    assert_int_equal(seen, TASK_STATE_COUNT + TASK_REASON_COUNT + TASK_SOURCE_COUNT);
}

TEST(a_terminal_state_is_left_only_where_the_master_had_guessed) {
    for (int from = 0; from < TASK_STATE_COUNT; from++) {
        bool guess = from == TASK_STATE_LOST || from == TASK_STATE_GONE_BY_OPERATOR;
        if (!task_state_is_terminal((enum task_state)from) || guess)
            continue;
        for (int to = 0; to < TASK_STATE_COUNT; to++)
            assert_false(task_move_is_legal((enum task_state)from, (enum task_state)to));
    }
}

TEST(every_living_state_can_end_in_every_way) {
    static const enum task_state living[] = {TASK_STATE_STAGING, TASK_STATE_STARTING,
                                             TASK_STATE_RUNNING, TASK_STATE_KILLING,
                                             TASK_STATE_UNREACHABLE};
    for (size_t i = 0; i < sizeof(living) / sizeof(living[0]); i++) {
        for (int to = 0; to < TASK_STATE_COUNT; to++) {
            if (task_state_is_terminal((enum task_state)to))
                assert_true(task_move_is_legal(living[i], (enum task_state)to));
        }
    }
}

TEST(no_task_is_ever_unknown) {
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        assert_false(task_move_is_legal((enum task_state)i, TASK_STATE_UNKNOWN));
        assert_false(task_move_is_legal(TASK_STATE_UNKNOWN, (enum task_state)i));
    }
}

TEST(a_move_that_is_not_legal_changes_nothing) {
    enum task_state at = TASK_STATE_RUNNING;

    assert_false(task_move(&at, TASK_STATE_STAGING));
    assert_int_equal(at, TASK_STATE_RUNNING);
    assert_true(task_move(&at, TASK_STATE_FINISHED));
    assert_false(task_move(&at, TASK_STATE_RUNNING));
    assert_int_equal(at, TASK_STATE_FINISHED);
}

/* WRITE_DRAWINGS=1 writes the page anew. */
TEST(the_drawing_in_docs_is_that_of_the_table) {
    AUTO_FINI(buf_fini) struct buf drawn = {0};
    AUTO_FINI(buf_fini) struct buf found = {0};
    bool write = getenv("WRITE_DRAWINGS") != NULL;
    task_states_draw(&drawn);
    FILE *file = fopen(DOCS_DIRECTORY "/task-states.md", write ? "we" : "re");
    assert_non_null(file);

    if (write) {
        fwrite(drawn.data, 1, drawn.size, file);
        buf_append_text(&found, buf_text(&drawn));
    }
    for (int byte; !write && (byte = fgetc(file)) != EOF;)
        buf_append_byte(&found, (char)byte);
    fclose(file);

    assert_string_equal(buf_string(&found), buf_string(&drawn));
}
