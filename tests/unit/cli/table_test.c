#include "cli/table.h"

#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

static void assert_printed(const char *name, const char *expected) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    print_clean(out, "framework %s waits\n", name);

    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

TEST(what_others_call_themselves_does_not_reach_the_terminal_as_control_characters) {
    assert_printed("caf\xc3\xa9", "framework caf\xc3\xa9 waits\n");
    assert_printed("a\x1b[2J\n\x7f", "framework a?[2J?? waits\n");
    assert_printed("\xc2\x9b"
                   "2J\xc2",
                   "framework ??2J\xc2 waits\n");
}

TEST(cells_are_clean_too) {
    static const char *const headings[] = {"NAME", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    table_cell(table, "%s", "a\nb\xc2\x85");
    table_print(table, out);

    fclose(out);
    assert_string_equal(text, "NAME\na?b??\n");
    free(text);
}
