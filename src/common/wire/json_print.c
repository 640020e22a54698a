/*
 * One walk over the descriptor and the message beside it, writing at the end of the buffer. No tree
 * is built and nothing is formatted by printf but doubles that need more than six decimals.
 */
#include "common/wire/json.h"

#include "common/wire/base64.h"
#include "common/wire/reflect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_ROOM = 40 };

static inline void append(struct buf *out, const char *data, size_t size) {
    if (out->capacity - out->size <= size)
        buf_reserve(out, size);
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static inline void append_byte(struct buf *out, char byte) {
    if (out->capacity - out->size <= 1)
        buf_reserve(out, 1);
    out->data[out->size++] = byte;
}

static void append_u64(struct buf *out, uint64_t value) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    append(out, digits + at, sizeof(digits) - at);
}

static void append_i64(struct buf *out, int64_t value) {
    if (value < 0)
        append_byte(out, '-');
    append_u64(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static inline bool needs_escape(char byte) {
    return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\';
}

/* How many bytes from here on go out as they are; eight at a time. */
static size_t plain_run(const char *data, size_t size) {
    const uint64_t highs = 0x8080808080808080u, ones = 0x0101010101010101u;
    size_t at = 0;
    for (; size - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, 8);
        uint64_t quote = word ^ (ones * '"'), back = word ^ (ones * '\\');
        uint64_t found =
            ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((back - ones) & ~back);
        if ((found & highs) != 0)
            break;
    }
    while (at < size && !needs_escape(data[at]))
        at++;
    return at;
}

static void append_escape(struct buf *out, char byte) {
    static const char digits[] = "0123456789abcdef";
    switch (byte) {
    case '"': append(out, "\\\"", 2); return;
    case '\\': append(out, "\\\\", 2); return;
    case '\n': append(out, "\\n", 2); return;
    case '\t': append(out, "\\t", 2); return;
    case '\r': append(out, "\\r", 2); return;
    case '\b': append(out, "\\b", 2); return;
    case '\f': append(out, "\\f", 2); return;
    default: {
        char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4 & 15], digits[byte & 15]};
        append(out, escape, sizeof(escape));
    }
    }
}

static void append_string(struct buf *out, struct text string) {
    append_byte(out, '"');
    while (string.size > 0) {
        size_t run = plain_run(string.data, string.size);
        append(out, string.data, run);
        if (run == string.size)
            break;
        append_escape(out, string.data[run]);
        string = text_sub(string, run + 1, SIZE_MAX);
    }
    append_byte(out, '"');
}

/* Prints value as a fixed-point number if it has no more decimals than that; false else. Exact: an
 * integer below 2^53 divided by a power of ten is the double nearest to that decimal. */
static bool append_fixed(struct buf *out, double value, int64_t scale) {
    double scaled = fabs(value) * (double)scale;
    if (!(scaled < 9e15))
        return false;
    int64_t whole = llrint(scaled);
    if ((double)whole / (double)scale != fabs(value))
        return false;
    if (signbit(value))
        append_byte(out, '-');
    append_u64(out, (uint64_t)(whole / scale));
    append_byte(out, '.');
    int64_t rest = whole % scale;
    do {
        scale /= 10;
        append_byte(out, (char)('0' + rest / scale));
        rest %= scale;
    } while (rest > 0);
    return true;
}

static void append_double(struct buf *out, double value) {
    char number[NUMBER_ROOM];
    if (isnan(value)) {
        append(out, "\"NaN\"", 5);
        return;
    }
    if (isinf(value)) {
        append_string(out, value > 0 ? TEXT("Infinity") : TEXT("-Infinity"));
        return;
    }
    if (append_fixed(out, value, 1000) || append_fixed(out, value, 1000000))
        return;
    int size = 0;
    for (int precision = 15; precision <= 17; precision++) {
        size = snprintf(number, sizeof(number), "%.*g", precision, value);
        if (strtod(number, NULL) == value)
            break;
    }
    append(out, number, (size_t)size);
}

static void append_enum(struct buf *out, const ProtobufCEnumDescriptor *descriptor, int number) {
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
    if (value == NULL) {
        append_i64(out, number);
        return;
    }
    append_byte(out, '"');
    append(out, value->name, strlen(value->name));
    append_byte(out, '"');
}

static void append_base64(struct buf *out, const ProtobufCBinaryData *bytes) {
    append_byte(out, '"');
    base64_append(out, (struct text){(const char *)bytes->data, bytes->len});
    append_byte(out, '"');
}

static void append_message(struct buf *out, const ProtobufCMessage *message);

static void append_value(struct buf *out, const ProtobufCFieldDescriptor *field,
                         const void *value) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: append_i64(out, *(const int32_t *)value); return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: append_i64(out, *(const int64_t *)value); return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: append_u64(out, *(const uint32_t *)value); return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: append_u64(out, *(const uint64_t *)value); return;
    case PROTOBUF_C_TYPE_FLOAT: append_double(out, (double)*(const float *)value); return;
    case PROTOBUF_C_TYPE_DOUBLE: append_double(out, *(const double *)value); return;
    case PROTOBUF_C_TYPE_BOOL:
        if (*(const protobuf_c_boolean *)value)
            append(out, "true", 4);
        else
            append(out, "false", 5);
        return;
    case PROTOBUF_C_TYPE_ENUM: append_enum(out, field->descriptor, *(const int *)value); return;
    case PROTOBUF_C_TYPE_STRING: append_string(out, text_of(*(char *const *)value)); return;
    case PROTOBUF_C_TYPE_BYTES: append_base64(out, value); return;
    case PROTOBUF_C_TYPE_MESSAGE: append_message(out, *(ProtobufCMessage *const *)value); return;
    }
}

static void append_key(struct buf *out, const char *name, bool *first) {
    if (!*first)
        append_byte(out, ',');
    *first = false;
    append_byte(out, '"');
    append(out, name, strlen(name));
    append(out, "\":", 2);
}

static void append_map(struct buf *out, ProtobufCMessage *const *entries, size_t count) {
    append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
        bool quoted = fields[0].type == PROTOBUF_C_TYPE_STRING;
        if (i > 0)
            append_byte(out, ',');
        if (!quoted)
            append_byte(out, '"');
        append_value(out, &fields[0], reflect_member(entries[i], &fields[0]));
        append(out, quoted ? ":" : "\":", quoted ? 1 : 2);
        const void *value = reflect_member(entries[i], &fields[1]);
        if (fields[1].type == PROTOBUF_C_TYPE_MESSAGE && *(void *const *)value == NULL)
            append(out, "null", 4);
        else
            append_value(out, &fields[1], value);
    }
    append_byte(out, '}');
}

static void append_repeated(struct buf *out, const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field, bool *first) {
    size_t count = *(size_t *)reflect_quantifier(message, field);
    if (count == 0)
        return;
    const char *items = *(char **)reflect_member(message, field);
    size_t size = reflect_size(field->type);
    append_key(out, field->name, first);
    if (reflect_is_map(message->descriptor, field)) {
        append_map(out, (ProtobufCMessage *const *)(const void *)items, count);
        return;
    }
    append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            append_byte(out, ',');
        append_value(out, field, items + i * size);
    }
    append_byte(out, ']');
}

/* Where the value of a singular field is, or NULL when nothing is to be printed. */
static const void *printed_value(const ProtobufCMessage *message,
                                 const ProtobufCFieldDescriptor *field) {
    const void *member = reflect_member(message, field);
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return field->type == PROTOBUF_C_TYPE_MESSAGE && *(void *const *)member == NULL ? NULL
                                                                                        : member;
    if (reflect_is_set(message, field))
        return member;
    if (field->default_value == NULL || (field->flags & PROTOBUF_C_FIELD_FLAG_DEPRECATED) != 0)
        return NULL;
    /* A string's member is its default when it is unset; another's default lies elsewhere. */
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)member != NULL ? member : NULL;
    return field->default_value;
}

static void append_message(struct buf *out, const ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    bool first = true;
    append_byte(out, '{');
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            append_repeated(out, message, field, &first);
            continue;
        }
        const void *value = printed_value(message, field);
        if (value == NULL)
            continue;
        append_key(out, field->name, &first);
        append_value(out, field, value);
    }
    append_byte(out, '}');
}

static void end_string(struct buf *out) {
    buf_reserve(out, 0);
    out->data[out->size] = '\0';
}

void json_print(const ProtobufCMessage *message, struct buf *out) {
    append_message(out, message);
    end_string(out);
}

void json_print_string(struct buf *out, struct text string) {
    append_string(out, string);
    end_string(out);
}

void json_print_double(struct buf *out, double value) {
    append_double(out, value);
    end_string(out);
}
