#include "common/runtime/log.h"

#include "tests/support/unit.h"

#include <unistd.h>

struct sink {
    struct log *log;
    int ends[2];
    char line[LOG_LINE_LIMIT_BYTES + 1];
};

static void begin(struct sink *sink) {
    assert_int_equal(pipe(sink->ends), 0);
    sink->log = log_new_fd(sink->ends[1], LOG_LEVEL_INFO);
}

/* What was logged, behind the time. */
static const char *end(struct sink *sink) {
    log_free(sink->log);
    close(sink->ends[1]);
    ssize_t got = read(sink->ends[0], sink->line, sizeof(sink->line) - 1);
    close(sink->ends[0]);
    sink->line[got > 0 ? got : 0] = '\0';
    const char *space = strchr(sink->line, ' ');
    return space != NULL ? space + 1 : "";
}

TEST(an_event_is_one_line_of_fields_of_any_type) {
    struct sink sink;
    struct error error;
    fail(&error, ERROR_IO, "no luck");
    bool ok = true; /* the literal is an int in C17 */
    begin(&sink);

    log_info(sink.log, "agent_registered", KV("id", TEXT("a-S0")), KV("tasks", 3),
             KV("size", (uint64_t)UINT64_MAX), KV("ok", ok), KV("share", 0.25), KV("why", &error),
             KV("none", (const char *)NULL));

    assert_string_equal(end(&sink), "info agent_registered id=a-S0 tasks=3 "
                                    "size=18446744073709551615 ok=true share=0.25 "
                                    "why=\"no luck\" none=-\n");
}

TEST(an_event_needs_no_field) {
    struct sink sink;
    begin(&sink);

    log_warning(sink.log, "started");

    assert_string_equal(end(&sink), "warning started\n");
}

TEST(values_cannot_forge_lines_or_fields) {
    struct sink sink;
    begin(&sink);

    log_error(sink.log, "bad", KV("a", "x\ny=\"z\"\x01"), KV("b", ""));

    assert_string_equal(end(&sink), "error bad a=\"x\\ny=\\\"z\\\"\\x01\" b=\"\"\n");
}

TEST(the_level_can_change_at_run_time) {
    struct sink sink;
    begin(&sink);

    log_debug(sink.log, "unseen");
    log_set_level(sink.log, LOG_LEVEL_DEBUG);
    log_debug(sink.log, "seen");

    assert_string_equal(end(&sink), "debug seen\n");
}

TEST(a_line_of_any_length_stays_one_bounded_line) {
    struct sink sink;
    char large[5000];
    memset(large, '\n', sizeof(large));
    struct text text = {large, sizeof(large)};
    begin(&sink);

    log_info(sink.log, "large", KV("a", text), KV("b", text), KV("c", text), KV("d", text));

    const char *line = end(&sink);
    assert_true(strlen(line) < LOG_LINE_LIMIT_BYTES);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

TEST(a_log_that_is_not_there_swallows_everything) {
    log_info(NULL, "nothing", KV("a", 1));
    log_set_level(NULL, LOG_LEVEL_DEBUG);
    assert_false(log_wants(NULL, LOG_LEVEL_ERROR));
}
