#include "common/runtime/log_flags.h"

#include "common/base/text.h"

static bool check_level(const char *value, struct error *error) {
    enum log_level level;
    if (log_level_parse(text_of(value), &level))
        return true;
    return fail(error, ERROR_INVALID, "'%s' is none of debug, info, warning, error", value);
}

static bool check_log(const char *value, struct error *error) {
    if (text_equal(text_of(value), TEXT("stderr")) || text_equal(text_of(value), TEXT("journal")))
        return true;
    return fail(error, ERROR_INVALID, "'%s' is neither stderr nor journal", value);
}

void log_flags_rows(struct log_flags *flags, struct flag rows[LOG_FLAGS_COUNT]) {
    rows[0] = (struct flag){.name = "log",
                            .kind = FLAG_STRING,
                            .string = &flags->log,
                            .preset = "stderr",
                            .check = check_log,
                            .group = "Logging",
                            .metavar = "stderr|journal",
                            .help = "Where the log goes."};
    rows[1] = (struct flag){.name = "logging_level",
                            .kind = FLAG_STRING,
                            .string = &flags->logging_level,
                            .preset = "info",
                            .check = check_level,
                            .metavar = "LEVEL",
                            .help = "debug, info, warning or error; /logging/toggle changes it "
                                    "for a while."};
}

struct log *log_flags_open(const struct log_flags *flags, const char *identifier,
                           struct error *error) {
    enum log_level level = LOG_LEVEL_INFO;
    log_level_parse(text_of(flags->logging_level), &level);
    if (text_equal(text_of(flags->log), TEXT("journal")))
        return log_new_journal(identifier, level, error);
    return log_new_stderr(level);
}
