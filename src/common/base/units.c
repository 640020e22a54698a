#include "common/base/units.h"

#include <stdio.h>

struct unit {
    const char *name;
    uint64_t size;
};

static const struct unit durations[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"secs", 1000000000},
    {"sec", 1000000000},
    {"s", 1000000000},
    {"mins", 60000000000},
    {"min", 60000000000},
    {"m", 60000000000},
    {"hrs", 3600000000000},
    {"hr", 3600000000000},
    {"h", 3600000000000},
    {"days", 86400000000000},
    {"day", 86400000000000},
    {"d", 86400000000000},
    {"weeks", 604800000000000},
    {"week", 604800000000000},
    {"w", 604800000000000},
};

static const struct unit sizes[] = {
    {"B", 1},
    {"KB", 1024},
    {"MB", 1024 * 1024},
    {"GB", 1024 * 1024 * 1024},
    {"TB", 1024ull * 1024 * 1024 * 1024},
};

/* number[.fraction], as a fraction of 10^9 at most, times the unit. */
static bool scale(struct text number, uint64_t unit, uint64_t *out) {
    struct text rest = number, whole_text, fraction_text = {0};
    text_split(&rest, '.', &whole_text);
    uint64_t whole, fraction = 0, divisor = 1;
    if (!text_to_u64(whole_text, &whole))
        return false;
    if (rest.data != NULL) {
        fraction_text = text_sub(rest, 0, 9);
        if (!text_to_u64(rest.size > 9 ? text_sub(rest, 0, 9) : rest, &fraction))
            return false;
        for (size_t i = 0; i < fraction_text.size; i++)
            divisor *= 10;
    }
    unsigned __int128 value = (unsigned __int128)whole * unit;
    value += (unsigned __int128)fraction * unit / divisor;
    if (value > INT64_MAX)
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool parse(struct text text, const struct unit *units, size_t count, uint64_t *out) {
    text = text_trim(text);
    size_t digits = 0;
    while (digits < text.size &&
           ((text.data[digits] >= '0' && text.data[digits] <= '9') || text.data[digits] == '.'))
        digits++;
    struct text name = text_trim(text_sub(text, digits, SIZE_MAX));
    for (size_t i = 0; i < count; i++) {
        if (text_equal(name, text_of(units[i].name)))
            return scale(text_sub(text, 0, digits), units[i].size, out);
    }
    return false;
}

bool duration_parse_ns(struct text text, int64_t *out) {
    uint64_t value;
    if (!parse(text, durations, sizeof(durations) / sizeof(durations[0]), &value))
        return false;
    *out = (int64_t)value;
    return true;
}

bool bytes_parse(struct text text, uint64_t *out) {
    return parse(text, sizes, sizeof(sizes) / sizeof(sizes[0]), out);
}

void duration_format_ns(int64_t duration_ns, char out[32]) {
    static const struct unit shown[] = {
        {"weeks", 604800000000000},
        {"days", 86400000000000},
        {"hrs", 3600000000000},
        {"mins", 60000000000},
        {"secs", 1000000000},
        {"ms", 1000000},
        {"us", 1000},
        {"ns", 1},
    };
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        int64_t unit = (int64_t)shown[i].size;
        if (duration_ns < unit && unit > 1)
            continue;
        int64_t milli = unit >= 1000 ? duration_ns % unit / (unit / 1000) : 0;
        bool exact = duration_ns % unit == 0 || (unit >= 1000 && duration_ns % (unit / 1000) == 0);
        if (!exact)
            continue;
        if (milli == 0) {
            snprintf(out, 32, "%lld%s", (long long)(duration_ns / unit), shown[i].name);
            return;
        }
        char fraction[24];
        snprintf(fraction, sizeof(fraction), "%03lld", (long long)milli);
        for (size_t end = 3; end > 1 && fraction[end - 1] == '0'; end--)
            fraction[end - 1] = '\0';
        snprintf(out, 32, "%lld.%s%s", (long long)(duration_ns / unit), fraction, shown[i].name);
        return;
    }
    snprintf(out, 32, "0ns");
}
