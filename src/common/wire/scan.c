/*
 * Recursion follows the nesting of messages, which is limited first; all else is one loop over the
 * fields. A bit for each field remembers what has been seen, for required fields and for merges.
 */
#include "common/wire/scan.h"

#include <assert.h>

enum { FIELDS_LIMIT = 256, VARINT_BYTES_LIMIT = 10, ELEMENT_BYTES = 48 };

struct scan {
    struct scan_result found;
    size_t merges;
    size_t memory_limit;
    struct error *error;
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool read_varint(struct cursor *cursor, uint64_t *out) {
    uint64_t value = 0;
    size_t left = (size_t)(cursor->end - cursor->at);
    size_t limit = left < VARINT_BYTES_LIMIT ? left : VARINT_BYTES_LIMIT;
    for (size_t i = 0; i < limit; i++) {
        uint8_t byte = cursor->at[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            cursor->at += i + 1;
            *out = value;
            return true;
        }
    }
    return false;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
                                                  uint32_t number) {
    const ProtobufCIntRange *ranges = descriptor->field_ranges;
    for (unsigned i = 0; i < descriptor->n_field_ranges; i++) {
        uint32_t offset = number - (uint32_t)ranges[i].start_value;
        if (number < (uint32_t)ranges[i].start_value)
            return NULL;
        if (offset < ranges[i + 1].orig_index - ranges[i].orig_index)
            return &descriptor->fields[ranges[i].orig_index + offset];
    }
    return NULL;
}

/* Eight bytes at a time while they are ASCII, which nearly all are. */
static bool is_clean_string(const uint8_t *data, size_t size) {
    const uint64_t highs = 0x8080808080808080u, ones = 0x0101010101010101u;
    size_t at = 0;
    for (; size - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, 8);
        if (((word | (word - ones)) & highs) != 0)
            break;
    }
    for (; at < size && data[at] < 0x80; at++) {
        if (data[at] == 0)
            return false;
    }
    if (at == size)
        return true;
    struct text rest = {(const char *)data + at, size - at};
    return text_is_utf8(rest) && !text_contains_byte(rest, '\0');
}

static bool fail_field(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                       const ProtobufCFieldDescriptor *field, const char *why) {
    return fail(scan->error, ERROR_INVALID, "%s.%s %s", descriptor->name, field->name, why);
}

static bool take_memory(struct scan *scan, size_t bytes) {
    scan->found.elements++;
    scan->found.memory_bytes += bytes + ELEMENT_BYTES;
    if (scan->found.elements > SCAN_ELEMENTS_LIMIT)
        return fail(scan->error, ERROR_LIMIT, "a message with more than %d elements",
                    SCAN_ELEMENTS_LIMIT);
    if (scan->found.memory_bytes > scan->memory_limit)
        return fail(scan->error, ERROR_LIMIT,
                    "a message that would take far more memory than its "
                    "size");
    return true;
}

static ProtobufCWireType wire_type_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return PROTOBUF_C_WIRE_TYPE_VARINT;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    }
    return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

static bool check_enum(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                       const ProtobufCFieldDescriptor *field, uint64_t value) {
    if (protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(uint32_t)value) != NULL)
        return true;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return fail(scan->error, ERROR_INVALID, "%s.%s has the unknown value %d", descriptor->name,
                    field->name, (int)(uint32_t)value);
    scan->found.unknown_enums++;
    return true;
}

static bool scan_packed(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                        const ProtobufCFieldDescriptor *field, struct cursor in) {
    ProtobufCWireType type = wire_type_of(field->type);
    if (type != PROTOBUF_C_WIRE_TYPE_VARINT) {
        size_t size = type == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        size_t bytes = (size_t)(in.end - in.at);
        scan->found.elements += bytes / size;
        if (bytes % size != 0)
            return fail_field(scan, descriptor, field, "is cut short");
        return take_memory(scan, bytes);
    }
    while (in.at < in.end) {
        uint64_t value;
        if (!read_varint(&in, &value))
            return fail_field(scan, descriptor, field, "has a bad number");
        if (field->type == PROTOBUF_C_TYPE_ENUM && !check_enum(scan, descriptor, field, value))
            return false;
        if (!take_memory(scan, 8))
            return false;
    }
    return true;
}

static bool scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                         struct cursor in, int depth);

static bool scan_delimited(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                           const ProtobufCFieldDescriptor *field, struct cursor in, int depth) {
    size_t size = (size_t)(in.end - in.at);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!is_clean_string(in.at, size))
            return fail_field(scan, descriptor, field, "is no UTF-8 without NUL");
        return take_memory(scan, size);
    case PROTOBUF_C_TYPE_BYTES: return take_memory(scan, size);
    case PROTOBUF_C_TYPE_MESSAGE: return scan_message(scan, field->descriptor, in, depth + 1);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: break;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return fail_field(scan, descriptor, field, "has the wrong wire type");
    return scan_packed(scan, descriptor, field, in);
}

/* Steps over one value; `*value` is the bytes of a length-prefixed one, `*number` a varint. */
static bool read_value(struct cursor *in, uint32_t wire_type, struct cursor *value,
                       uint64_t *number) {
    uint64_t size = 0;
    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: return read_varint(in, number);
    case PROTOBUF_C_WIRE_TYPE_64BIT: size = 8; break;
    case PROTOBUF_C_WIRE_TYPE_32BIT: size = 4; break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(in, &size))
            return false;
        break;
    /* Groups, which proto2 has given up. */
    default: return false; /* tidy: no_default_over_an_enum because it is a number from outside */
    }
    if (size > (uint64_t)(in->end - in->at))
        return false;
    *value = (struct cursor){in->at, in->at + size};
    in->at += size;
    return true;
}

static bool mark_seen(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                      const ProtobufCFieldDescriptor *field, uint64_t *seen) {
    size_t index = (size_t)(field - descriptor->fields);
    uint64_t bit = UINT64_C(1) << (index % 64);
    bool again = (seen[index / 64] & bit) != 0;
    seen[index / 64] |= bit;
    if (again && field->type == PROTOBUF_C_TYPE_MESSAGE &&
        field->label != PROTOBUF_C_LABEL_REPEATED && ++scan->merges > SCAN_MERGES_LIMIT)
        return fail(scan->error, ERROR_LIMIT, "%s.%s comes again and again", descriptor->name,
                    field->name);
    return true;
}

static bool scan_field(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                       struct cursor *in, uint64_t *seen, int depth) {
    uint64_t key, number = 0;
    struct cursor value = {0};
    if (!read_varint(in, &key) || key >> 3 == 0 || key >> 32 != 0)
        return fail(scan->error, ERROR_INVALID, "%s has a bad key", descriptor->name);
    uint32_t wire_type = (uint32_t)key & 7;
    const ProtobufCFieldDescriptor *field = find_field(descriptor, (uint32_t)(key >> 3));
    if (!read_value(in, wire_type, &value, &number))
        return field != NULL ? fail_field(scan, descriptor, field, "is cut short")
                             : fail(scan->error, ERROR_INVALID, "%s has a broken field number %u",
                                    descriptor->name, (uint32_t)(key >> 3));
    if (field == NULL)
        return take_memory(scan, (size_t)(value.end - value.at));
    if (!mark_seen(scan, descriptor, field, seen))
        return false;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return scan_delimited(scan, descriptor, field, value, depth);
    if (wire_type != wire_type_of(field->type))
        return fail_field(scan, descriptor, field, "has the wrong wire type");
    if (field->type == PROTOBUF_C_TYPE_ENUM && !check_enum(scan, descriptor, field, number))
        return false;
    return take_memory(scan, 0);
}

static bool scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                         struct cursor in, int depth) {
    uint64_t seen[FIELDS_LIMIT / 64] = {0};
    assert(descriptor->n_fields <= FIELDS_LIMIT);
    if (depth > SCAN_DEPTH_LIMIT)
        return fail(scan->error, ERROR_LIMIT, "%s is nested more than %d deep", descriptor->name,
                    SCAN_DEPTH_LIMIT);
    if (!take_memory(scan, descriptor->sizeof_message))
        return false;
    while (in.at < in.end) {
        if (!scan_field(scan, descriptor, &in, seen, depth))
            return false;
    }
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            (seen[i / 64] >> (i % 64) & 1) == 0)
            return fail_field(scan, descriptor, &descriptor->fields[i], "is missing");
    }
    return true;
}

bool wire_scan(const ProtobufCMessageDescriptor *descriptor, struct text bytes,
               struct scan_result *out, struct error *error) {
    struct scan scan = {.error = error,
                        .memory_limit = bytes.size * SCAN_MEMORY_FACTOR + SCAN_MEMORY_FREE_BYTES};
    const uint8_t *data = (const uint8_t *)(bytes.data != NULL ? bytes.data : "");
    if (!scan_message(&scan, descriptor, (struct cursor){data, data + bytes.size}, 1))
        return false;
    if (out != NULL)
        *out = scan.found;
    return true;
}
