/*
 * One pass over the pattern refuses what RE2 lacks before PCRE2 sees it; the rest of the syntax is
 * PCRE2's to judge. Matching backtracks and is cut off after so many steps.
 */
#include "common/model/pattern.h"

#include "common/base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

/* --- what RE2 has --- */

static bool refuse(struct error *error, struct text regex, size_t at, const char *what) {
    return fail(error, ERROR_INVALID, "regex '%.*s': %s at character %zu is not supported",
                TEXT_ARGS(regex), what, at + 1);
}

static char byte_at(struct text text, size_t at) {
    return at < text.size ? text.data[at] : '\0';
}

static bool is_letter_or_digit(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

/* `at` is behind the backslash. */
static bool check_escape(struct text regex, size_t at, struct error *error) {
    static const char known[] = "aAbBdDfnpPrsStwWxz0";
    char byte = byte_at(regex, at);
    if (is_letter_or_digit(byte) && strchr(known, byte) == NULL)
        return refuse(error, regex, at - 1, "this escape");
    return true;
}

/* Behind "(?": a group without a number, with a name, or with flags. */
static bool check_group(struct text regex, size_t at, struct error *error) {
    bool is_named = byte_at(regex, at) == 'P' && byte_at(regex, at + 1) == '<';
    if (is_named)
        return true;
    for (; at < regex.size && strchr("imsU-", regex.data[at]) != NULL; at++) {
    }
    if (byte_at(regex, at) == ':' || byte_at(regex, at) == ')')
        return true;
    return refuse(error, regex, at, "this kind of group");
}

/* A number of {n,m}; those that are too large for int are too large. */
static bool check_repeat(struct text regex, size_t at, struct error *error) {
    unsigned count = 0;
    for (at++; at < regex.size; at++) {
        char byte = regex.data[at];
        if (byte == ',')
            count = 0;
        else if (byte < '0' || byte > '9')
            return true;
        else if ((count = count * 10 + (unsigned)(byte - '0')) > PATTERN_REPEAT_LIMIT)
            return fail(error, ERROR_LIMIT, "regex '%.*s' repeats more than %d times",
                        TEXT_ARGS(regex), PATTERN_REPEAT_LIMIT);
    }
    return true;
}

/* Where the quoted part that begins behind \Q ends. */
static size_t skip_quoted(struct text regex, size_t at) {
    while (at < regex.size && !(regex.data[at] == '\\' && byte_at(regex, at + 1) == 'E'))
        at++;
    return at < regex.size ? at + 1 : at;
}

/* The braces that belong to \p, \P and \x are no repetition: the end of the escape at `at`. */
static size_t skip_escape(struct text regex, size_t at) {
    char byte = byte_at(regex, at);
    if ((byte != 'p' && byte != 'P' && byte != 'x') || byte_at(regex, at + 1) != '{')
        return at;
    const char *end = memchr(regex.data + at, '}', regex.size - at);
    return end != NULL ? (size_t)(end - regex.data) : at;
}

static bool is_repetition(char byte) {
    return byte == '*' || byte == '+' || byte == '?' || byte == '}';
}

static bool check_byte(struct text regex, size_t at, char before, struct error *error) {
    char byte = regex.data[at], next = byte_at(regex, at + 1);
    if (byte == '(' && next == '*')
        return refuse(error, regex, at, "a verb");
    if (byte == '(' && next == '?')
        return check_group(regex, at + 2, error);
    if (byte == '+' && is_repetition(before))
        return refuse(error, regex, at, "a possessive repetition");
    return byte != '{' || check_repeat(regex, at, error);
}

static bool check_dialect(struct text regex, struct error *error) {
    bool in_class = false;
    size_t class_start = 0;
    char before = '\0';
    for (size_t at = 0; at < regex.size; at++) {
        char byte = regex.data[at];
        if (byte == '\\') {
            at++;
            if (byte_at(regex, at) == 'Q' && !in_class)
                at = skip_quoted(regex, at + 1);
            else if (!check_escape(regex, at, error))
                return false;
            else
                at = skip_escape(regex, at);
            before = '\0';
            continue;
        }
        /* ']' is itself where a class begins, also behind '^'. */
        if (in_class)
            in_class = byte != ']' || at == class_start ||
                       (at == class_start + 1 && regex.data[class_start] == '^');
        else if (!check_byte(regex, at, before, error))
            return false;
        else if ((in_class = byte == '['))
            class_start = at + 1;
        before = in_class || (byte == '}' && before == '\0') ? '\0' : byte;
    }
    return true;
}

/* --- compiling --- */

static bool compile(struct pattern *pattern, struct text regex, struct error *error) {
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        mem_crash("no memory for a pattern");
    pcre2_set_parens_nest_limit(context, PATTERN_NESTING_LIMIT);
    int code = 0;
    size_t offset = 0;
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                       PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP;
    const char *bytes = regex.size > 0 ? regex.data : "";
    pattern->code = pcre2_compile((PCRE2_SPTR)bytes, regex.size, options, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (pattern->code == NULL) {
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
        return fail(error, ERROR_INVALID, "regex '%.*s': %s (at character %zu)", TEXT_ARGS(regex),
                    why, offset);
    }
    size_t size = 0;
    pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &size);
    if (size > PATTERN_COMPILED_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT,
                    "regex '%.*s' is too large: %zu bytes of program, %d at most", TEXT_ARGS(regex),
                    size, PATTERN_COMPILED_BYTES_LIMIT);
    return true;
}

struct pattern *pattern_new(struct text regex, struct error *error) {
    if (regex.size > PATTERN_BYTES_LIMIT) {
        fail(error, ERROR_LIMIT, "a regex has %zu bytes, more than %d", regex.size,
             PATTERN_BYTES_LIMIT);
        return NULL;
    }
    if (!text_is_utf8(regex)) {
        fail(error, ERROR_INVALID, "a regex is not UTF-8");
        return NULL;
    }
    AUTO(pattern_free) struct pattern *pattern = NEW(struct pattern);
    /* Long ones are cut in the line, which has to name the place too. */
    if (!check_dialect(regex, error) || !compile(pattern, regex, error))
        return NULL;
    pattern->limits = pcre2_match_context_create(NULL);
    pattern->data = pcre2_match_data_create(1, NULL);
    if (pattern->limits == NULL || pattern->data == NULL)
        mem_crash("no memory for a pattern");
    pcre2_set_heap_limit(pattern->limits, PATTERN_HEAP_KIBIBYTES);
    return TAKE(pattern);
}

void pattern_free(struct pattern *pattern) {
    if (pattern == NULL)
        return;
    pcre2_match_data_free(pattern->data);
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    mem_free(pattern);
}

size_t pattern_bytes(const struct pattern *pattern) {
    size_t size = 0;
    pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &size);
    return size + pcre2_get_match_data_size(pattern->data) + sizeof(*pattern);
}

enum pattern_answer pattern_match(const struct pattern *pattern, struct text text, unsigned steps) {
    if (text.size > PATTERN_SUBJECT_BYTES_LIMIT)
        return PATTERN_UNDECIDED;
    pcre2_set_match_limit(pattern->limits, steps);
    const char *bytes = text.size > 0 ? text.data : "";
    int found = pcre2_match(pattern->code, (PCRE2_SPTR)bytes, text.size, 0, 0, pattern->data,
                            pattern->limits);
    if (found >= 0)
        return PATTERN_YES;
    return found == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_UNDECIDED;
}
