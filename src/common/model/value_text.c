#include "common/model/value_text.h"

#include "common/base/mem.h"

#include <math.h>
#include <stdlib.h>

void value_fini(struct value *value) {
    mem_free(value->ranges);
    mem_free(value->items);
    buf_fini(&value->text);
    *value = (struct value){0};
}

static size_t count_parts(struct text text) {
    size_t count = text.size > 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == ',';
    return count;
}

static bool parse_ranges(struct text inside, size_t offset, struct value *out,
                         struct error *error) {
    size_t count = count_parts(inside);
    if (count > RANGES_LIMIT)
        return fail(error, ERROR_LIMIT, "at character %zu: more than %d ranges", offset + 1,
                    RANGES_LIMIT);
    out->ranges = NEW_ARRAY(struct range, count);
    struct text rest = inside, part;
    while (out->count < count && text_split(&rest, ',', &part)) {
        struct text end = part, begin;
        struct range *range = &out->ranges[out->count];
        text_split(&end, '-', &begin);
        if (end.data == NULL || !text_to_u64(begin, &range->begin) ||
            !text_to_u64(end, &range->end))
            return fail(error, ERROR_INVALID, "at character %zu: '%.*s' is no range like 1-9",
                        offset + 1, (int)(part.size < 100 ? part.size : 100), part.data);
        out->count++;
    }
    return true;
}

static bool parse_items(struct text inside, size_t offset, struct value *out, struct error *error) {
    size_t count = count_parts(inside);
    if (count > SET_ITEMS_LIMIT)
        return fail(error, ERROR_LIMIT, "at character %zu: more than %d items", offset + 1,
                    SET_ITEMS_LIMIT);
    out->items = NEW_ARRAY(struct text, count);
    struct text rest = inside, part;
    while (out->count < count && text_split(&rest, ',', &part)) {
        if (part.size == 0)
            return fail(error, ERROR_INVALID, "at character %zu: an item of the set is empty",
                        offset + 1);
        out->items[out->count++] = part;
    }
    return true;
}

/* Decimal with an optional fraction and exponent, as C and JSON write it; no sign, no hex, no
 * names. */
static bool looks_like_number(struct text text) {
    if (text.size == 0 || !((text.data[0] >= '0' && text.data[0] <= '9') || text.data[0] == '.'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        bool sign = (byte == '-' || byte == '+') && (text.data[i - 1] | 0x20) == 'e';
        if (!(byte >= '0' && byte <= '9') && byte != '.' && (byte | 0x20) != 'e' && !sign)
            return false;
    }
    return true;
}

/* True with type SCALAR or TEXT; false for a number too small to be one. */
static bool parse_plain(struct value *out, size_t offset, struct error *error) {
    const char *string = buf_string(&out->text);
    char *end;
    out->type = VALUE_TEXT;
    if (!looks_like_number(buf_text(&out->text)))
        return true;
    double number = strtod(string, &end);
    if (*end != '\0' || isinf(number))
        return true;
    if (fpclassify(number) == FP_SUBNORMAL)
        return fail(error, ERROR_INVALID, "at character %zu: a number too close to 0", offset + 1);
    out->type = VALUE_SCALAR;
    out->scalar = number;
    return true;
}

static bool inside_of(struct text text, char close, struct text *inside) {
    *inside = text_sub(text, 1, text.size - 2);
    return text.size >= 2 && text.data[text.size - 1] == close;
}

static bool parse(size_t offset, struct value *out, struct error *error) {
    struct text text = buf_text(&out->text), inside;
    if (text.size == 0)
        return fail(error, ERROR_INVALID, "at character %zu: a value is missing", offset + 1);
    if (text.data[0] == '[') {
        out->type = VALUE_RANGES;
        if (!inside_of(text, ']', &inside))
            return fail(error, ERROR_INVALID, "at character %zu: [ without ] at the end",
                        offset + 1);
        return parse_ranges(inside, offset, out, error);
    }
    if (text.data[0] == '{') {
        out->type = VALUE_SET;
        if (!inside_of(text, '}', &inside))
            return fail(error, ERROR_INVALID, "at character %zu: { without } at the end",
                        offset + 1);
        return parse_items(inside, offset, out, error);
    }
    return parse_plain(out, offset, error);
}

bool value_parse(struct text text, size_t offset, struct value *out, struct error *error) {
    if (text.size > VALUE_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "at character %zu: a value of more than %d bytes",
                    offset + 1, VALUE_BYTES_LIMIT);
    struct value made = {0};
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0') {
            value_fini(&made);
            return fail(error, ERROR_INVALID, "at character %zu: a NUL", offset + i + 1);
        }
        if (text.data[i] != ' ')
            buf_append_byte(&made.text, text.data[i]);
    }
    if (!parse(offset, &made, error)) {
        value_fini(&made);
        return false;
    }
    *out = made;
    return true;
}

void milli_print(int64_t milli, struct buf *out) {
    static const char *const zeros[] = {"", "0", "00"};
    buf_append_u64(out, (uint64_t)(milli / 1000));
    uint64_t fraction = (uint64_t)(milli % 1000);
    if (fraction == 0)
        return;
    buf_append_byte(out, '.');
    buf_append_string(out, zeros[fraction < 10 ? 2 : fraction < 100 ? 1 : 0]);
    while (fraction % 10 == 0)
        fraction /= 10;
    buf_append_u64(out, fraction);
}

void ranges_print(const struct range *ranges, size_t count, struct buf *out) {
    for (size_t i = 0; i < count; i++) {
        buf_append_byte(out, i == 0 ? '[' : ',');
        buf_append_u64(out, ranges[i].begin);
        buf_append_byte(out, '-');
        buf_append_u64(out, ranges[i].end);
    }
    buf_append_string(out, count == 0 ? "[]" : "]");
}
