#include "common/wire/codec.h"

#include "common/wire/reflect.h"
#include "common/wire/scan.h"
#include "common/wire/wire_arena.h"

#include <assert.h>

static void forget_unknown_enums(ProtobufCMessage *message);

static void forget_in_repeated(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message) {
    size_t *count = reflect_quantifier(message, field);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **items = *(ProtobufCMessage ***)reflect_member(message, field);
        for (size_t i = 0; i < *count; i++)
            forget_unknown_enums(items[i]);
        return;
    }
    int *items = *(int **)reflect_member(message, field);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (protobuf_c_enum_descriptor_get_value(field->descriptor, items[i]) != NULL)
            items[kept++] = items[i];
    }
    *count = kept;
}

/* protobuf-c keeps the number of an unknown enum value; for us the field is as if it were not
 * there. */
static void forget_unknown_enums(ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_ENUM && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            forget_in_repeated(field, message);
        } else if (reflect_is_set(message, field)) {
            if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                forget_unknown_enums(*(ProtobufCMessage **)reflect_member(message, field));
            else if (protobuf_c_enum_descriptor_get_value(
                         field->descriptor, *(int *)reflect_member(message, field)) == NULL)
                reflect_unset(message, field);
        }
    }
}

bool wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct text bytes,
                 struct arena *arena, ProtobufCMessage **out, struct error *error) {
    struct scan_result found;
    if (bytes.size > WIRE_MESSAGE_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "%s has %zu bytes, more than %d", descriptor->name,
                    bytes.size, WIRE_MESSAGE_BYTES_LIMIT);
    if (!wire_scan(descriptor, bytes, &found, error))
        return false;
    ProtobufCAllocator allocator = wire_arena_allocator(arena);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.size, (const uint8_t *)bytes.data);
    if (message == NULL)
        return fail(error, ERROR_INVALID, "%s cannot be decoded", descriptor->name);
    if (found.unknown_enums > 0)
        forget_unknown_enums(message);
    *out = message;
    return true;
}

void wire_pack(const ProtobufCMessage *message, struct buf *out) {
    size_t size = protobuf_c_message_get_packed_size(message);
    buf_reserve(out, size);
    size_t written = protobuf_c_message_pack(message, (uint8_t *)out->data + out->size);
    assert(written == size);
    out->size += size;
    out->data[out->size] = '\0';
}
