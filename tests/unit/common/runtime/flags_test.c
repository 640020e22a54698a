#include "common/runtime/flags.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct options {
    char *work_dir, *role;
    bool quiet, strict;
    int64_t port, ping_ms;
    uint64_t cap_bytes;
    double factor;
};

static bool no_spaces(const char *value, struct error *error) {
    return strchr(value, ' ') == NULL || fail(error, ERROR_INVALID, "'%s' has spaces", value);
}

enum { FLAGS = 8 };

struct fixture {
    struct options o;
    struct flag flags[FLAGS];
    struct flag_table table;
    struct flag_arguments arguments;
    struct error error;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){0};
    struct options *o = &f->o;
    struct flag flags[FLAGS] = {
        {"work_dir", FLAG_STRING, .string = &o->work_dir, .preset = "/var/lib/x",
         .help = "where state is kept", .group = "Storage"},
        {"agent_role", FLAG_STRING, .string = &o->role, .alias = "slave_role", .check = no_spaces},
        {"quiet", FLAG_BOOL, .boolean = &o->quiet, .letter = 'q'},
        {"strict", FLAG_BOOL, .boolean = &o->strict, .preset = "true"},
        {"port", FLAG_INTEGER, .integer = &o->port, .preset = "5050", .maximum = 65535,
         .letter = 'p', .group = "Network"},
        {"ping", FLAG_DURATION, .duration_ms = &o->ping_ms, .preset = "15secs", .minimum = 2},
        {"cap", FLAG_BYTES, .bytes = &o->cap_bytes, .preset = "100MB"},
        {"factor", FLAG_DOUBLE, .number = &o->factor, .preset = "0.5", .maximum = 2},
    };
    memcpy(f->flags, flags, sizeof(flags));
    f->table = (struct flag_table){.program = "mesos-test",
                                   .version = "1.2.3",
                                   .summary = "A summary.",
                                   .environment_prefix = "MESOS_",
                                   .flags = f->flags,
                                   .count = FLAGS};
}

static enum flags_outcome parse(struct fixture *f, const char *line, char *const *environment) {
    static char copy[1000];
    char *words[20];
    int count = 0;
    struct text rest = text_of(line), word;
    char *at = copy;
    while (text_split(&rest, ' ', &word)) {
        if (word.size == 0)
            continue;
        words[count++] = at;
        at += snprintf(at, (size_t)(copy + sizeof(copy) - at), "%.*s", TEXT_ARGS(word)) + 1;
    }
    return flags_parse(&f->table, count, words, environment, &f->arguments, &f->error);
}

static void end(struct fixture *f) {
    flags_fini(&f->table, &f->arguments);
}

TEST(presets_hold_where_nothing_is_said) {
    struct fixture f;
    begin(&f);

    assert_int_equal(parse(&f, "", NULL), FLAGS_RUN);

    assert_string_equal(f.o.work_dir, "/var/lib/x");
    assert_true(f.o.strict && !f.o.quiet && f.o.role == NULL);
    assert_int_equal(f.o.ping_ms, 15000);
    assert_int_equal(f.o.cap_bytes, 100 << 20);
    end(&f);
}

TEST(values_come_behind_an_equals_sign_or_as_the_next_word) {
    struct fixture f;
    begin(&f);

    assert_int_equal(
        parse(&f, "--work-dir=/a --port 6 --quiet --no-strict --ping=1.5ms --factor=2", NULL),
        FLAGS_RUN);

    assert_string_equal(f.o.work_dir, "/a");
    assert_int_equal(f.o.port, 6);
    assert_true(f.o.quiet && !f.o.strict);
    assert_int_equal(f.o.ping_ms, 2);
    end(&f);
}

TEST(the_command_line_overrules_the_environment_and_unknown_variables_are_ignored) {
    struct fixture f;
    char *environment[] = {"MESOS_PORT=7", "MESOS_WORK_DIR=/e", "MESOS_NONSENSE=1", "HOME=/", NULL};
    begin(&f);

    assert_int_equal(parse(&f, "--port=8", environment), FLAGS_RUN);

    assert_int_equal(f.o.port, 8);
    assert_string_equal(f.o.work_dir, "/e");
    end(&f);
}

TEST(an_unknown_flag_is_an_error_that_names_the_nearest) {
    struct fixture f;
    begin(&f);

    assert_int_equal(parse(&f, "--prot=8", NULL), FLAGS_WRONG);

    assert_string_equal(f.error.message, "unknown flag --prot; did you mean --port?");
    end(&f);
}

TEST(wrong_values_are_one_clear_line) {
    static const char *const wrong[][2] = {
        {"--port=x", "--port: 'x' is no whole number"},
        {"--port=65536", "--port: 65536 is not between 0 and 65535"},
        {"--ping=5parsecs", "--ping: '5parsecs' is no duration like 10secs or 1.5mins"},
        {"--ping=1ms", "--ping: '1ms' is less than 2 ms"},
        {"--cap=-1", "--cap: '-1' is no size like 64MB"},
        {"--quiet=maybe", "--quiet: 'maybe' is neither true nor false"},
        {"--factor=nan", "--factor: 'nan' is no number"},
        {"--factor=2.5", "--factor: 2.5 is not between 0 and 2"},
        {"--port", "--port needs a value: --port=VALUE"},
        {"stray", "'stray' is no flag; --help lists all"},
        {"--no-port", "unknown flag --no-port; did you mean --port?"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fixture f;
        begin(&f);
        assert_int_equal(parse(&f, wrong[i][0], NULL), FLAGS_WRONG);
        assert_string_equal(f.error.message, wrong[i][1]);
        end(&f);
    }
}

TEST(a_deprecated_name_works_and_warns) {
    struct fixture f;
    begin(&f);

    assert_int_equal(parse(&f, "--slave_role=r", NULL), FLAGS_RUN);

    assert_string_equal(f.o.role, "r");
    assert_int_equal(f.arguments.warnings.count, 1);
    end(&f);
}

TEST(a_file_gives_its_content) {
    struct fixture f;
    char path[] = "/tmp/flags_test.XXXXXX", line[100];
    begin(&f);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "content", 7), 7);
    close(fd);

    snprintf(line, sizeof(line), "--agent_role=file://%s", path);
    assert_int_equal(parse(&f, line, NULL), FLAGS_RUN);

    assert_string_equal(f.o.role, "content");
    unlink(path);
    end(&f);
}

TEST(words_are_kept_and_flags_behind_the_first_are_not_ours) {
    struct fixture f;
    begin(&f);
    f.table.takes_arguments = f.table.stops_at_argument = true;

    assert_int_equal(parse(&f, "-q -p9 run --port=1 -x", NULL), FLAGS_RUN);

    assert_int_equal(f.o.port, 9);
    assert_int_equal(f.arguments.words.count, 3);
    assert_string_equal(f.arguments.words.items[1], "--port=1");
    end(&f);
}

TEST(help_and_version_are_told_apart_and_a_required_flag_does_not_stop_them) {
    struct fixture f;
    begin(&f);
    f.flags[1].is_required = true;

    assert_int_equal(parse(&f, "--help", NULL), FLAGS_HELP);
    assert_int_equal(parse(&f, "--version", NULL), FLAGS_VERSION);
    assert_int_equal(parse(&f, "", NULL), FLAGS_WRONG);

    assert_string_equal(f.error.message, "--agent_role is required");
    end(&f);
}

TEST(help_has_headings_defaults_and_no_line_beyond_the_width) {
    struct fixture f;
    AUTO_FINI(buf_fini) struct buf help = {0};
    begin(&f);
    f.flags[0].help = "where the state is kept that has to be found again after a restart of the "
                      "program, whatever happens to the machine meanwhile";

    flags_print_help(&f.table, 60, &help);

    assert_non_null(strstr(buf_string(&help), "\nStorage:\n"));
    assert_non_null(strstr(buf_string(&help), "(default: 5050)"));
    assert_non_null(strstr(buf_string(&help), "--[no-]strict"));
    struct text rest = buf_text(&help), line;
    while (text_split(&rest, '\n', &line))
        assert_true(line.size <= 60);
    end(&f);
}

TEST(a_flag_of_strings_keeps_each_that_is_given) {
    struct flag_strings env = {0};
    const struct flag flags[] = {{"env", FLAG_STRINGS, .strings = &env}};
    struct flag_table table = {.program = "x", .flags = flags, .count = 1};
    struct flag_arguments arguments = {0};
    struct error error;
    char *const argv[] = {"--env=A=1", "--env", "B=2"};

    assert_int_equal(flags_parse(&table, 3, argv, NULL, &arguments, &error), FLAGS_RUN);

    assert_int_equal(env.items.count, 2);
    assert_non_null(env.items.items);
    assert_string_equal(env.items.items[0], "A=1");
    assert_string_equal(env.items.items[1], "B=2");
    flags_fini(&table, &arguments);
    assert_int_equal(env.items.count, 0);
}
