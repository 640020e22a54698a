#include "common/model/attributes.h"

#include "common/base/vec.h"
#include "common/model/ranges.h"
#include "common/model/value_fixed.h"
#include "common/model/value_text.h"

void attributes_fini(struct attributes *attributes) {
    VEC_EACH(one, attributes) {
        mem_free(one->name);
        mem_free(one->text);
        ranges_drop(one->ranges);
    }
    VEC_FINI(attributes);
}

static bool has_control_byte(struct text text) {
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

static bool check(const struct attributes *attributes, struct text name, struct error *error) {
    if (attributes->count >= ATTRIBUTES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d attributes", ATTRIBUTES_LIMIT);
    if (name.size == 0)
        return fail(error, ERROR_INVALID, "an attribute has no name");
    if (name.size > KIND_NAME_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "an attribute's name has more than %d bytes",
                    KIND_NAME_BYTES_LIMIT);
    if (!text_is_utf8(name) || has_control_byte(name))
        return fail(error, ERROR_INVALID,
                    "an attribute's name is not UTF-8 or has a control character");
    return true;
}

bool attributes_add_scalar(struct attributes *attributes, struct text name, double value,
                           struct error *error) {
    int64_t milli;
    if (!check(attributes, name, error))
        return false;
    if (!milli_from_double(value, &milli))
        return fail(error, ERROR_INVALID, "attribute '%.*s' is too small or too large",
                    TEXT_ARGS(name));
    VEC_PUSH(attributes,
             (struct attribute){.name = text_dup(name), .type = VALUE_SCALAR, .milli = milli});
    return true;
}

bool attributes_add_ranges(struct attributes *attributes, struct text name,
                           const struct range *ranges, size_t count, struct error *error) {
    const struct ranges *made;
    if (!check(attributes, name, error))
        return false;
    if (!ranges_make(ranges, count, &made, error))
        return fail_context(error, "attribute '%.*s'", TEXT_ARGS(name));
    VEC_PUSH(attributes,
             (struct attribute){.name = text_dup(name), .type = VALUE_RANGES, .ranges = made});
    return true;
}

bool attributes_add_text(struct attributes *attributes, struct text name, struct text value,
                         struct error *error) {
    if (!check(attributes, name, error))
        return false;
    if (value.size > ATTRIBUTE_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "attribute '%.*s' has more than %d bytes", TEXT_ARGS(name),
                    ATTRIBUTE_BYTES_LIMIT);
    if (!text_is_utf8(value) || text_contains_byte(value, '\0'))
        return fail(error, ERROR_INVALID, "attribute '%.*s' is not UTF-8 or has a NUL",
                    TEXT_ARGS(name));
    VEC_PUSH(attributes, (struct attribute){
                             .name = text_dup(name), .type = VALUE_TEXT, .text = text_dup(value)});
    return true;
}

static bool add_value(struct attributes *attributes, struct text name, const struct value *value,
                      struct error *error) {
    switch (value->type) {
    case VALUE_SCALAR: return attributes_add_scalar(attributes, name, value->scalar, error);
    case VALUE_RANGES:
        return attributes_add_ranges(attributes, name, value->ranges, value->count, error);
    case VALUE_TEXT: return attributes_add_text(attributes, name, buf_text(&value->text), error);
    case VALUE_SET: break;
    }
    return fail(error, ERROR_INVALID, "attribute '%.*s' is a set, which attributes cannot be",
                TEXT_ARGS(name));
}

static bool read_one(struct attributes *attributes, struct text text, size_t at,
                     struct error *error) {
    struct text rest = text, name;
    AUTO_FINI(value_fini) struct value value = {0};
    text_split(&rest, ':', &name);
    if (rest.data == NULL)
        return fail(error, ERROR_INVALID, "at character %zu: '%.*s' is not of the form name:value",
                    at + 1, (int)(text.size < 100 ? text.size : 100), text.data);
    if (!value_parse(rest, at + (size_t)(rest.data - text.data), &value, error))
        return false;
    if (!add_value(attributes, text_trim(name), &value, error))
        return fail_context(error, "at character %zu", at + 1);
    return true;
}

bool attributes_parse(struct text text, struct attributes *out, struct error *error) {
    struct attributes made = {0};
    struct text rest = text, part;
    while (text_split(&rest, ';', &part)) {
        struct text one = text_trim(part);
        if (one.size > 0 && !read_one(&made, one, (size_t)(one.data - text.data), error)) {
            attributes_fini(&made);
            return false;
        }
    }
    attributes_fini(out);
    *out = made;
    return true;
}

const struct range *attribute_ranges(const struct attribute *attribute, size_t *count) {
    *count = attribute->ranges != NULL ? attribute->ranges->count : 0;
    return attribute->ranges != NULL ? attribute->ranges->at : NULL;
}

const struct attribute *attributes_find(const struct attributes *attributes, struct text name) {
    VEC_EACH(one, attributes) {
        if (text_equal(text_of(one->name), name))
            return one;
    }
    return NULL;
}

static bool attribute_equal(const struct attribute *a, const struct attribute *b) {
    return a->type == b->type && text_equal(text_of(a->name), text_of(b->name)) &&
           a->milli == b->milli && ranges_equal(a->ranges, b->ranges) &&
           text_equal(text_of(a->text), text_of(b->text));
}

bool attributes_equal(const struct attributes *a, const struct attributes *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!attribute_equal(&a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

void attributes_print(const struct attributes *attributes, struct buf *out) {
    size_t count;
    VEC_EACH(one, attributes) {
        if (one != attributes->items)
            buf_append_byte(out, ';');
        buf_append_string(out, one->name);
        buf_append_byte(out, ':');
        switch (one->type) {
        case VALUE_SCALAR: milli_print(one->milli, out); break;
        case VALUE_RANGES: {
            const struct range *ranges = attribute_ranges(one, &count);
            ranges_print(ranges, count, out);
            break;
        }
        case VALUE_TEXT: buf_append_string(out, one->text); break;
        case VALUE_SET: break;
        }
    }
}
