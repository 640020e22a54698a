#include "master/shell/removal_options.h"

#include "common/base/units.h"
#include "master/shell/master_flags.h"

enum { AGENTS_LIMIT = 1000000, MILLION = 1000000 };

/* The time between two. */
static bool read_rate(const char *value, int64_t *interval_ms, struct error *error) {
    struct text rest = text_of(value), number;
    int64_t duration_ns;
    uint64_t count;
    text_split(&rest, '/', &number);
    if (!text_to_u64(number, &count) || count == 0 || count > AGENTS_LIMIT ||
        !duration_parse_ns(rest, &duration_ns) || duration_ns <= 0)
        return fail(error, ERROR_INVALID,
                    "'%s' is no NUMBER/DURATION, such as 1/10mins, of 1 to %d agents", value,
                    AGENTS_LIMIT);
    *interval_ms = duration_ns / (int64_t)count / MILLION;
    return true;
}

static bool read_limit(const char *value, int64_t *percent, struct error *error) {
    struct text number = text_of(value);
    uint64_t read;
    if (number.size < 2 || number.data[number.size - 1] != '%' ||
        !text_to_u64(text_sub(number, 0, number.size - 1), &read) || read > 100)
        return fail(error, ERROR_INVALID, "'%s' is no whole percentage from 0%% to 100%%", value);
    *percent = (int64_t)read;
    return true;
}

bool removal_rate_check(const char *value, struct error *error) {
    int64_t interval_ms;
    return read_rate(value, &interval_ms, error);
}

bool removal_limit_check(const char *value, struct error *error) {
    int64_t percent;
    return read_limit(value, &percent, error);
}

void removal_options_read(const struct master_flags *flags, struct master_options *options) {
    if (flags->agent_removal_rate_limit != NULL)
        read_rate(flags->agent_removal_rate_limit, &options->agent_removal_interval_ms, NULL);
    read_limit(flags->recovery_agent_removal_limit, &options->recovery_agent_removal_limit_percent,
               NULL);
}
