/*
 * Presets first, then the environment, then the command line: each overrules what came before.
 * Values are checked as they are set, so a wrong one is reported with the place that it came from.
 */
#include "common/runtime/flags.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/runtime/files.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 100, NEAR_ENOUGH = 3 };

static bool name_is(struct text given, const char *name) {
    if (name == NULL || strlen(name) != given.size)
        return false;
    for (size_t i = 0; i < given.size; i++) {
        char c = given.data[i] == '-' ? '_' : given.data[i];
        if (c != (name[i] == '-' ? '_' : name[i]))
            return false;
    }
    return true;
}

static bool read_integer(const struct flag *flag, struct text value, struct error *error) {
    int64_t number;
    if (!text_to_i64(value, &number))
        return fail(error, ERROR_INVALID, "'%.*s' is no whole number", TEXT_ARGS(value));
    if ((flag->minimum != 0 || flag->maximum != 0) &&
        (number < flag->minimum || number > flag->maximum))
        return fail(error, ERROR_INVALID, "%lld is not between %lld and %lld", (long long)number,
                    (long long)flag->minimum, (long long)flag->maximum);
    *flag->integer = number;
    return true;
}

static bool read_double(const struct flag *flag, struct text value, struct error *error) {
    AUTO(mem_free) char *copy = text_dup(value);
    char *end;
    double number = strtod(copy, &end);
    if (value.size == 0 || *end != '\0' || !isfinite(number))
        return fail(error, ERROR_INVALID, "'%s' is no number", copy);
    bool has_range = flag->minimum != 0 || flag->maximum != 0;
    if (has_range && (number < (double)flag->minimum || number > (double)flag->maximum))
        return fail(error, ERROR_INVALID, "%s is not between %lld and %lld", copy,
                    (long long)flag->minimum, (long long)flag->maximum);
    *flag->number = number;
    return true;
}

static bool read_bool(const struct flag *flag, struct text value, struct error *error) {
    bool is_true = text_equal(value, TEXT("true")) || text_equal(value, TEXT("1"));
    if (!is_true && !text_equal(value, TEXT("false")) && !text_equal(value, TEXT("0")))
        return fail(error, ERROR_INVALID, "'%.*s' is neither true nor false", TEXT_ARGS(value));
    *flag->boolean = is_true;
    return true;
}

static bool read_duration(const struct flag *flag, struct text value, struct error *error) {
    int64_t ns;
    if (!duration_parse_ns(value, &ns))
        return fail(error, ERROR_INVALID, "'%.*s' is no duration like 10secs or 1.5mins",
                    TEXT_ARGS(value));
    int64_t ms = ns / 1000000 + (ns % 1000000 > 0);
    if (ms < flag->minimum)
        return fail(error, ERROR_INVALID, "'%.*s' is less than %lld ms", TEXT_ARGS(value),
                    (long long)flag->minimum);
    *flag->duration_ms = ms;
    return true;
}

static bool read_into(const struct flag *flag, struct text value, char **out, struct error *error) {
    AUTO_FINI(buf_fini) struct buf content = {0};
    if (text_starts_with(value, TEXT("file://"))) {
        AUTO(mem_free) char *path = text_dup(text_sub(value, 7, value.size));
        if (!file_read(path, FLAG_FILE_LIMIT_BYTES, &content, error))
            return false;
        value = buf_text(&content);
        if (memchr(buf_string(&content), '\0', value.size) != NULL)
            return fail(error, ERROR_INVALID, "%s has zero bytes", path);
    }
    AUTO(mem_free) char *copy = text_dup(value);
    if (flag->check != NULL && !flag->check(copy, error))
        return false;
    mem_free(*out);
    *out = TAKE(copy);
    return true;
}

static bool read_string(const struct flag *flag, struct text value, struct error *error) {
    return read_into(flag, value, flag->string, error);
}

static bool read_one_more(const struct flag *flag, struct text value, struct error *error) {
    char *one = NULL;
    if (!read_into(flag, value, &one, error))
        return false;
    VEC_PUSH(&flag->strings->items, one);
    return true;
}

static bool read_value(const struct flag *flag, struct text value, struct error *error) {
    switch (flag->kind) {
    case FLAG_STRING: return read_string(flag, value, error);
    case FLAG_BOOL: return read_bool(flag, value, error);
    case FLAG_INTEGER: return read_integer(flag, value, error);
    case FLAG_DOUBLE: return read_double(flag, value, error);
    case FLAG_DURATION: return read_duration(flag, value, error);
    case FLAG_BYTES:
        if (!bytes_parse(value, flag->bytes))
            return fail(error, ERROR_INVALID, "'%.*s' is no size like 64MB", TEXT_ARGS(value));
        return true;
    case FLAG_STRINGS: return read_one_more(flag, value, error);
    }
    return false;
}

static const struct flag *find_flag(const struct flag_table *table, struct text name) {
    for (size_t i = 0; i < table->count; i++) {
        const struct flag *flag = &table->flags[i];
        if (name_is(name, flag->name) || name_is(name, flag->alias))
            return flag;
    }
    return NULL;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Levenshtein's, with a row at a time; names are short. */
static size_t distance(struct text a, struct text b) {
    size_t row[NAME_LIMIT + 1];
    if (a.size > NAME_LIMIT || b.size > NAME_LIMIT)
        return NAME_LIMIT;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t changed = corner + (a.data[i - 1] != b.data[j - 1]);
            corner = row[j];
            row[j] = least(least(row[j], row[j - 1]) + 1, changed);
        }
    }
    return row[b.size];
}

static bool unknown(const struct flag_table *table, struct text name, struct error *error) {
    const char *nearest = NULL;
    size_t best = least(NEAR_ENOUGH, name.size / 2) + 1;
    for (size_t i = 0; i < table->count; i++) {
        size_t far = distance(name, text_of(table->flags[i].name));
        if (far < best) {
            best = far;
            nearest = table->flags[i].name;
        }
    }
    if (nearest != NULL)
        return fail(error, ERROR_INVALID, "unknown flag --%.*s; did you mean --%s?",
                    TEXT_ARGS(name), nearest);
    return fail(error, ERROR_INVALID, "unknown flag --%.*s; --help lists all", TEXT_ARGS(name));
}

/* One run over argv. */
struct parse {
    const struct flag_table *table;
    int argc, next;
    char *const *argv;
    bool *is_set; /* by flag index */
    struct flag_arguments *out;
    enum flags_outcome outcome;
};

static bool set_flag(struct parse *parse, const struct flag *flag, struct text name,
                     struct text value, struct error *error) {
    if (!read_value(flag, value, error))
        return fail_context(error, "--%s", flag->name);
    parse->is_set[flag - parse->table->flags] = true;
    if (flag->alias != NULL && name_is(name, flag->alias)) {
        AUTO_FINI(buf_fini) struct buf warning = {0};
        buf_printf(&warning, "--%s is deprecated: use --%s", flag->alias, flag->name);
        VEC_PUSH(&parse->out->warnings, buf_take(&warning, NULL));
    }
    return true;
}

/* The value behind a flag: after '=', or the next word. */
static bool find_value(struct parse *parse, const struct flag *flag, struct text inlined,
                       struct text *value, struct error *error) {
    *value = inlined;
    if (inlined.data != NULL)
        return true;
    if (flag->kind == FLAG_BOOL) {
        *value = TEXT("true");
        return true;
    }
    if (parse->next == parse->argc)
        return fail(error, ERROR_INVALID, "--%s needs a value: --%s=VALUE", flag->name, flag->name);
    *value = text_of(parse->argv[parse->next++]);
    return true;
}

static bool parse_long(struct parse *parse, struct text word, struct error *error) {
    struct text inlined = word, name, value;
    text_split(&inlined, '=', &name);
    const struct flag *flag = find_flag(parse->table, name);
    if (flag == NULL && inlined.data == NULL) {
        if (text_equal(name, TEXT("help")) || text_equal(name, TEXT("version"))) {
            parse->outcome = text_equal(name, TEXT("help")) ? FLAGS_HELP : FLAGS_VERSION;
            return true;
        }
        if (text_starts_with(name, TEXT("no-")) || text_starts_with(name, TEXT("no_"))) {
            struct text rest = text_sub(name, 3, name.size);
            flag = find_flag(parse->table, rest);
            if (flag != NULL && flag->kind == FLAG_BOOL)
                return set_flag(parse, flag, rest, TEXT("false"), error);
            flag = NULL;
        }
    }
    if (flag == NULL)
        return unknown(parse->table, name, error);
    return find_value(parse, flag, inlined, &value, error) &&
           set_flag(parse, flag, name, value, error);
}

/* -P 50, -P50, -f */
static bool parse_short(struct parse *parse, const char *word, struct error *error) {
    for (size_t i = 0; i < parse->table->count; i++) {
        const struct flag *flag = &parse->table->flags[i];
        if (flag->letter == '\0' || flag->letter != word[1])
            continue;
        struct text inlined = word[2] != '\0' ? text_of(word + 2) : (struct text){0}, value;
        return find_value(parse, flag, inlined, &value, error) &&
               set_flag(parse, flag, text_of(flag->name), value, error);
    }
    if (strcmp(word, "-h") == 0) {
        parse->outcome = FLAGS_HELP;
        return true;
    }
    return fail(error, ERROR_INVALID, "unknown flag %s; --help lists all", word);
}

static bool parse_words(struct parse *parse, struct error *error) {
    bool is_over = false;
    while (parse->next < parse->argc && parse->outcome == FLAGS_RUN) {
        const char *word = parse->argv[parse->next++];
        if (!is_over && strcmp(word, "--") == 0) {
            is_over = true;
        } else if (!is_over && strncmp(word, "--", 2) == 0) {
            if (!parse_long(parse, text_of(word + 2), error))
                return false;
        } else if (!is_over && word[0] == '-' && word[1] != '\0') {
            if (!parse_short(parse, word, error))
                return false;
        } else if (!parse->table->takes_arguments) {
            return fail(error, ERROR_INVALID, "'%s' is no flag; --help lists all", word);
        } else {
            VEC_PUSH(&parse->out->words, word);
            is_over = is_over || parse->table->stops_at_argument;
        }
    }
    return true;
}

static bool parse_environment(struct parse *parse, char *const *environment, struct error *error) {
    const char *prefix = parse->table->environment_prefix;
    for (; environment != NULL && prefix != NULL && *environment != NULL; environment++) {
        struct text value = text_of(*environment), name;
        char lower[NAME_LIMIT];
        text_split(&value, '=', &name);
        if (!text_starts_with(name, text_of(prefix)) || value.data == NULL)
            continue;
        name = text_sub(name, strlen(prefix), sizeof(lower));
        for (size_t i = 0; i < name.size; i++)
            lower[i] = (char)tolower((unsigned char)name.data[i]);
        const struct flag *flag = find_flag(parse->table, (struct text){lower, name.size});
        if (flag == NULL)
            continue;
        if (!read_value(flag, value, error))
            return fail_context(error, "%s%.*s in the environment", prefix, TEXT_ARGS(name));
        parse->is_set[flag - parse->table->flags] = true;
    }
    return true;
}

static bool set_presets(const struct flag_table *table, struct error *error) {
    for (size_t i = 0; i < table->count; i++) {
        const struct flag *flag = &table->flags[i];
        if (flag->preset != NULL && !read_value(flag, text_of(flag->preset), error))
            return fail_context(error, "--%s has a wrong default", flag->name);
    }
    return true;
}

static bool check_required(const struct parse *parse, struct error *error) {
    for (size_t i = 0; i < parse->table->count; i++) {
        const struct flag *flag = &parse->table->flags[i];
        if (flag->is_required && !parse->is_set[i])
            return fail(error, ERROR_INVALID, "--%s is required", flag->name);
    }
    return true;
}

enum flags_outcome flags_parse(const struct flag_table *table, int argc, char *const *argv,
                               char *const *environment, struct flag_arguments *out,
                               struct error *error) {
    AUTO(mem_free) bool *is_set = NEW_ARRAY(bool, table->count + 1);
    struct parse parse = {
        .table = table,
        .argc = argc,
        .argv = argv,
        .is_set = is_set,
        .out = out,
        .outcome = FLAGS_RUN,
    };
    bool is_fine = set_presets(table, error) && parse_environment(&parse, environment, error) &&
                   parse_words(&parse, error);
    if (is_fine && parse.outcome == FLAGS_RUN)
        is_fine = check_required(&parse, error);
    return is_fine ? parse.outcome : FLAGS_WRONG;
}

void flags_fini(const struct flag_table *table, struct flag_arguments *arguments) {
    for (size_t i = 0; i < table->count; i++) {
        const struct flag *flag = &table->flags[i];
        if (flag->kind == FLAG_STRINGS) {
            VEC_EACH(string, &flag->strings->items)
                mem_free(*string);
            VEC_FINI(&flag->strings->items);
        }
        if (flag->kind != FLAG_STRING)
            continue;
        mem_free(*flag->string);
        *flag->string = NULL;
    }
    if (arguments == NULL)
        return;
    VEC_EACH(warning, &arguments->warnings)
        mem_free((char *)(uintptr_t)*warning);
    VEC_FINI(&arguments->warnings);
    VEC_FINI(&arguments->words);
}

static void format_value(const struct flag *flag, struct buf *out) {
    char text[40];
    switch (flag->kind) {
    case FLAG_STRING: buf_append_string(out, *flag->string != NULL ? *flag->string : ""); return;
    case FLAG_BOOL: buf_append_string(out, *flag->boolean ? "true" : "false"); return;
    case FLAG_INTEGER: buf_printf(out, "%lld", (long long)*flag->integer); return;
    case FLAG_DOUBLE: buf_printf(out, "%.15g", *flag->number); return;
    case FLAG_DURATION:
        duration_format_ns(*flag->duration_ms * 1000000, text);
        buf_append_string(out, text);
        return;
    case FLAG_BYTES: buf_printf(out, "%lluB", (unsigned long long)*flag->bytes); return;
    case FLAG_STRINGS:
        VEC_EACH(string, &flag->strings->items)
            buf_printf(out, "%s%s", out->size > 0 ? " " : "", *string);
        return;
    }
}

void flags_each(const struct flag_table *table,
                void (*fn)(void *self, const char *name, const char *value), void *self) {
    for (size_t i = 0; i < table->count; i++) {
        AUTO_FINI(buf_fini) struct buf value = {0};
        format_value(&table->flags[i], &value);
        fn(self, table->flags[i].name, buf_string(&value));
    }
}
