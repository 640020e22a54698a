/*
 * jansson makes a tree of the text, and the tree is walked beside the descriptor. Integers that
 * jansson cannot hold are put in quotes first, for a number in a string is as good.
 */
#include "common/wire/json.h"

#include "common/wire/base64.h"
#include "common/wire/reflect.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { FIELDS_LIMIT = 256, PATH_BYTES_LIMIT = 300, NUMBER_BYTES_LIMIT = 64, ELEMENT_BYTES = 48 };

struct parse {
    struct arena *arena;
    struct buf *unknown;
    struct error *error;
    size_t memory_left;
};

/* From the value up to the root. */
struct path {
    const struct path *up;
    const char *name; /* NULL at the root */
    int depth;
};

/* What became of one value. */
enum outcome { VALUE_READ, VALUE_ABSENT, VALUE_BAD };

static void print_path(const struct path *path, struct buf *out) {
    if (path->name == NULL)
        return;
    print_path(path->up, out);
    if (path->up->name != NULL)
        buf_append_byte(out, '.');
    buf_append_string(out, path->name);
}

static enum outcome refuse(struct parse *parse, const struct path *path, enum error_code code,
                           const char *why) {
    AUTO_FINI(buf_fini) struct buf place = {0};
    print_path(path, &place);
    if (place.size > PATH_BYTES_LIMIT)
        place.size = PATH_BYTES_LIMIT;
    fail(parse->error, code, "%.*s%s%s", TEXT_ARGS(buf_text(&place)), place.size > 0 ? " " : "",
         why);
    return VALUE_BAD;
}

static enum outcome misfit(struct parse *parse, const struct path *path, const char *why) {
    return refuse(parse, path, ERROR_INVALID, why);
}

static void note_unknown(struct parse *parse, const struct path *path) {
    if (parse->unknown == NULL)
        return;
    print_path(path, parse->unknown);
    buf_append_byte(parse->unknown, '\n');
}

static bool take_memory(struct parse *parse, size_t bytes) {
    if (bytes + ELEMENT_BYTES > parse->memory_left)
        return fail(parse->error, ERROR_LIMIT,
                    "a JSON text that would take far more memory than "
                    "its size");
    parse->memory_left -= bytes + ELEMENT_BYTES;
    return true;
}

static struct text string_of(const json_t *json) {
    return (struct text){json_string_value(json), json_string_length(json)};
}

static bool double_of_text(struct text text, double *out) {
    char digits[NUMBER_BYTES_LIMIT + 1];
    char *end;
    if (text.size == 0 || text.size > NUMBER_BYTES_LIMIT ||
        !(text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9')))
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *out = strtod(digits, &end);
    return end == digits + text.size && isfinite(*out);
}

static bool read_double(const json_t *json, double *out) {
    if (json_is_number(json)) {
        *out = json_number_value(json);
        return true;
    }
    if (!json_is_string(json))
        return false;
    struct text text = string_of(json);
    if (text_equal(text, TEXT("Infinity")))
        *out = INFINITY;
    else if (text_equal(text, TEXT("-Infinity")))
        *out = -INFINITY;
    else
        return double_of_text(text, out);
    return true;
}

static bool read_i64(const json_t *json, int64_t *out) {
    double real;
    if (json_is_integer(json)) {
        *out = json_integer_value(json);
        return true;
    }
    if (json_is_string(json) && text_to_i64(string_of(json), out))
        return true;
    if (!read_double(json, &real) || !(real >= -0x1p63 && real < 0x1p63) || real != trunc(real))
        return false;
    *out = (int64_t)real;
    return true;
}

static bool read_u64(const json_t *json, uint64_t *out) {
    double real;
    if (json_is_integer(json)) {
        *out = (uint64_t)json_integer_value(json);
        return json_integer_value(json) >= 0;
    }
    if (json_is_string(json) && text_to_u64(string_of(json), out))
        return true;
    if (!read_double(json, &real) || !(real >= 0 && real < 0x1p64) || real != trunc(real))
        return false;
    *out = (uint64_t)real;
    return true;
}

static bool read_bool(const json_t *json, protobuf_c_boolean *out) {
    if (json_is_boolean(json)) {
        *out = json_is_true(json);
        return true;
    }
    if (!json_is_string(json))
        return false;
    struct text text = string_of(json);
    *out = text_equal(text, TEXT("true"));
    return *out || text_equal(text, TEXT("false"));
}

static enum outcome read_enum(struct parse *parse, const ProtobufCFieldDescriptor *field,
                              const json_t *json, int *out, const struct path *path) {
    if (!json_is_string(json))
        return misfit(parse, path, "is no name of an enum");
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, json_string_value(json));
    if (value != NULL) {
        *out = value->value;
        return VALUE_READ;
    }
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return misfit(parse, path, "has an unknown name");
    note_unknown(parse, path);
    return VALUE_ABSENT;
}

static enum outcome read_text(struct parse *parse, const ProtobufCFieldDescriptor *field,
                              const json_t *json, void *out, const struct path *path) {
    if (!json_is_string(json))
        return misfit(parse, path, "is no string");
    struct text text = string_of(json);
    if (!take_memory(parse, text.size))
        return VALUE_BAD;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)out = arena_string(parse->arena, text);
        return VALUE_READ;
    }
    if (!base64_decode(parse->arena, text, &text))
        return misfit(parse, path, "is no base64");
    *(ProtobufCBinaryData *)out =
        (ProtobufCBinaryData){.len = text.size, .data = (uint8_t *)(uintptr_t)text.data};
    return VALUE_READ;
}

static enum outcome read_number(struct parse *parse, const ProtobufCFieldDescriptor *field,
                                const json_t *json, void *out, const struct path *path) {
    int64_t number = 0;
    uint64_t natural = 0;
    double real = 0;
    bool fits = false;
    switch (reflect_number(field->type)) {
    case REFLECT_INT32:
        fits = read_i64(json, &number) && number >= INT32_MIN && number <= INT32_MAX;
        *(int32_t *)out = (int32_t)number;
        break;
    case REFLECT_UINT32:
        fits = read_u64(json, &natural) && natural <= UINT32_MAX;
        *(uint32_t *)out = (uint32_t)natural;
        break;
    case REFLECT_INT64: fits = read_i64(json, out); break;
    case REFLECT_UINT64: fits = read_u64(json, out); break;
    case REFLECT_FLOAT:
        fits = read_double(json, &real);
        *(float *)out = (float)real;
        break;
    case REFLECT_DOUBLE: fits = read_double(json, out); break;
    case REFLECT_BOOL: fits = read_bool(json, out); break;
    case REFLECT_OTHER: break;
    }
    return fits ? VALUE_READ : misfit(parse, path, "is no such number or boolean");
}

static enum outcome read_message(struct parse *parse, const ProtobufCMessageDescriptor *descriptor,
                                 const json_t *json, ProtobufCMessage **out,
                                 const struct path *path);

static enum outcome read_value(struct parse *parse, const ProtobufCFieldDescriptor *field,
                               const json_t *json, void *out, const struct path *path) {
    if (json_is_null(json))
        return VALUE_ABSENT;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(parse, field->descriptor, json, out, path);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return read_enum(parse, field, json, out, path);
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES)
        return read_text(parse, field, json, out, path);
    return read_number(parse, field, json, out, path);
}

/* An entry of a map: the key comes as a string, whatever its type. */
static enum outcome read_entry(struct parse *parse, const ProtobufCMessageDescriptor *entry,
                               const char *key, size_t key_size, const json_t *value,
                               ProtobufCMessage **out, const struct path *path) {
    struct path here = {path, key, path->depth + 1};
    if (!take_memory(parse, entry->sizeof_message))
        return VALUE_BAD;
    ProtobufCMessage *message = arena_alloc(parse->arena, entry->sizeof_message);
    protobuf_c_message_init(entry, message);
    json_t *name = json_stringn_nocheck(key, key_size);
    enum outcome outcome = read_value(parse, &entry->fields[0], name,
                                      reflect_member(message, &entry->fields[0]), &here);
    json_decref(name);
    if (outcome == VALUE_READ)
        outcome = read_value(parse, &entry->fields[1], value,
                             reflect_member(message, &entry->fields[1]), &here);
    reflect_mark_set(message, &entry->fields[0]);
    reflect_mark_set(message, &entry->fields[1]);
    *out = message;
    return outcome;
}

static enum outcome read_map(struct parse *parse, const ProtobufCFieldDescriptor *field,
                             json_t *json, ProtobufCMessage *message, const struct path *path) {
    ProtobufCMessage **entries =
        arena_alloc(parse->arena, (json_object_size(json) + 1) * sizeof(ProtobufCMessage *));
    size_t count = 0;
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        enum outcome outcome = read_entry(parse, field->descriptor, json_object_iter_key(at),
                                          json_object_iter_key_len(at), json_object_iter_value(at),
                                          &entries[count], path);
        if (outcome == VALUE_BAD)
            return VALUE_BAD;
        count += outcome == VALUE_READ;
    }
    *(ProtobufCMessage ***)reflect_member(message, field) = entries;
    *(size_t *)reflect_quantifier(message, field) = count;
    return VALUE_READ;
}

/* A lone value is a list of one. */
static enum outcome read_repeated(struct parse *parse, const ProtobufCFieldDescriptor *field,
                                  const json_t *json, ProtobufCMessage *message,
                                  const struct path *path) {
    bool is_list = json_is_array(json);
    size_t given = is_list ? json_array_size(json) : 1, size = reflect_size(field->type);
    char *items = arena_alloc_zeroed(parse->arena, given + 1, size);
    size_t count = 0;
    for (size_t i = 0; i < given; i++) {
        const json_t *item = is_list ? json_array_get(json, i) : json;
        if (!take_memory(parse, size))
            return VALUE_BAD;
        enum outcome outcome = read_value(parse, field, item, items + count * size, path);
        if (outcome == VALUE_BAD)
            return VALUE_BAD;
        count += outcome == VALUE_READ;
    }
    *(char **)reflect_member(message, field) = items;
    *(size_t *)reflect_quantifier(message, field) = count;
    return VALUE_READ;
}

static enum outcome read_field(struct parse *parse, const ProtobufCFieldDescriptor *field,
                               json_t *json, ProtobufCMessage *message, const struct path *path) {
    if (json_is_null(json))
        return VALUE_ABSENT;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (reflect_is_map(message->descriptor, field) && json_is_object(json))
            return read_map(parse, field, json, message, path);
        return read_repeated(parse, field, json, message, path);
    }
    /* Members of a oneof share their memory: the last one given wins whole. */
    union {
        int64_t number;
        void *pointer;
        ProtobufCBinaryData bytes;
    } value = {0};
    enum outcome outcome = read_value(parse, field, json, &value, path);
    if (outcome == VALUE_READ) {
        memcpy(reflect_member(message, field), &value, reflect_size(field->type));
        reflect_mark_set(message, field);
    }
    return outcome;
}

static bool read_fields(struct parse *parse, const json_t *json, ProtobufCMessage *message,
                        uint64_t *seen, const struct path *path) {
    json_t *object = (json_t *)(uintptr_t)json;
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        struct path here = {path, json_object_iter_key(at), path->depth + 1};
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(descriptor, here.name);
        if (field == NULL) {
            note_unknown(parse, &here);
            continue;
        }
        enum outcome outcome = read_field(parse, field, json_object_iter_value(at), message, &here);
        if (outcome == VALUE_BAD)
            return false;
        size_t index = (size_t)(field - descriptor->fields);
        if (outcome == VALUE_READ)
            seen[index / 64] |= UINT64_C(1) << (index % 64);
    }
    return true;
}

static enum outcome read_message(struct parse *parse, const ProtobufCMessageDescriptor *descriptor,
                                 const json_t *json, ProtobufCMessage **out,
                                 const struct path *path) {
    uint64_t seen[FIELDS_LIMIT / 64] = {0};
    assert(descriptor->n_fields <= FIELDS_LIMIT);
    if (!json_is_object(json))
        return misfit(parse, path, "is no object");
    if (path->depth >= JSON_DEPTH_LIMIT)
        return refuse(parse, path, ERROR_LIMIT, "is nested too deep");
    if (!take_memory(parse, descriptor->sizeof_message))
        return VALUE_BAD;
    ProtobufCMessage *message = arena_alloc(parse->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    if (!read_fields(parse, json, message, seen, path))
        return VALUE_BAD;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            (seen[i / 64] >> (i % 64) & 1) == 0) {
            struct path here = {path, descriptor->fields[i].name, 0};
            return misfit(parse, &here, "is missing");
        }
    }
    *out = message;
    return VALUE_READ;
}

/* Where the string that begins at `at` ends: behind its closing quote. */
static size_t skip_string(struct text text, size_t at) {
    for (at++; at < text.size; at++) {
        const char *end = memchr(text.data + at, '"', text.size - at);
        if (end == NULL)
            return text.size;
        size_t quote = (size_t)(end - text.data), backslashes = 0;
        while (quote - backslashes > at && text.data[quote - 1 - backslashes] == '\\')
            backslashes++;
        at = quote;
        if (backslashes % 2 == 0)
            return at + 1;
    }
    return at;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/* Puts quotes around integers that int64_t cannot hold. Returns the text itself when there are
 * none. */
static struct text quote_large_integers(struct text text, struct buf *rewritten) {
    size_t copied = 0;
    for (size_t at = 0; at < text.size;) {
        if (text.data[at] == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (!is_digit(text.data[at])) {
            at++;
            continue;
        }
        size_t begin = at > 0 && text.data[at - 1] == '-' ? at - 1 : at;
        int64_t fits;
        while (at < text.size && is_digit(text.data[at]))
            at++;
        bool is_real = at < text.size &&
                       (text.data[at] == '.' || text.data[at] == 'e' || text.data[at] == 'E');
        while (is_real && at < text.size &&
               (is_digit(text.data[at]) || strchr(".eE+-", text.data[at]) != NULL))
            at++;
        struct text number = text_sub(text, begin, at - begin);
        if (is_real || number.size < 19 || text_to_i64(number, &fits))
            continue;
        buf_append_text(rewritten, text_sub(text, copied, begin - copied));
        buf_append_byte(rewritten, '"');
        buf_append_text(rewritten, number);
        buf_append_byte(rewritten, '"');
        copied = at;
    }
    if (copied == 0)
        return text;
    buf_append_text(rewritten, text_sub(text, copied, SIZE_MAX));
    return buf_text(rewritten);
}

static void free_tree(json_t *json) {
    json_decref(json);
}
DEFINE_AUTO(json_t, free_tree)

bool json_parse(const ProtobufCMessageDescriptor *descriptor, struct text json, struct arena *arena,
                struct buf *unknown, ProtobufCMessage **out, struct error *error) {
    AUTO_FINI(buf_fini) struct buf rewritten = {0};
    json_error_t where;
    if (json.size > JSON_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "a JSON text of %zu bytes, more than %d", json.size,
                    JSON_BYTES_LIMIT);
    struct text safe = quote_large_integers(json, &rewritten);
    AUTO(free_tree)
    json_t *tree = json_loadb(safe.data != NULL ? safe.data : "", safe.size, 0, &where);
    if (tree == NULL)
        return fail(error, ERROR_INVALID, "bad JSON in line %d, column %d: %s", where.line,
                    where.column, where.text);
    struct parse parse = {.arena = arena,
                          .unknown = unknown,
                          .error = error,
                          .memory_left = json.size * JSON_MEMORY_FACTOR + JSON_MEMORY_FREE_BYTES};
    struct path root = {0};
    return read_message(&parse, descriptor, tree, out, &root) == VALUE_READ;
}
