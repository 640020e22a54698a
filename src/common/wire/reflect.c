#include "common/wire/reflect.h"

#include <ctype.h>
#include <string.h>

bool reflect_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    void *member = reflect_member(message, field);
    if (reflect_is_oneof(field) && *(uint32_t *)reflect_quantifier(message, field) != field->id)
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
        void *pointer = *(void **)member;
        return pointer != NULL && pointer != field->default_value;
    }
    if (field->label == PROTOBUF_C_LABEL_REQUIRED || reflect_is_oneof(field))
        return true;
    return *(protobuf_c_boolean *)reflect_quantifier(message, field) != 0;
}

void reflect_unset(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    void *member = reflect_member(message, field);
    if (reflect_is_oneof(field)) {
        *(uint32_t *)reflect_quantifier(message, field) = 0;
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
        *(const void **)member = field->default_value;
        return;
    }
    *(protobuf_c_boolean *)reflect_quantifier(message, field) = 0;
    if (field->default_value != NULL)
        memcpy(member, field->default_value, reflect_size(field->type));
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        *(int *)member = ((const ProtobufCEnumDescriptor *)field->descriptor)->values[0].value;
    else
        memset(member, 0, reflect_size(field->type));
}

void reflect_mark_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    if (reflect_is_oneof(field)) {
        *(uint32_t *)reflect_quantifier(message, field) = field->id;
        return;
    }
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_MESSAGE &&
        field->type != PROTOBUF_C_TYPE_STRING)
        *(protobuf_c_boolean *)reflect_quantifier(message, field) = 1;
}

enum reflect_number reflect_number(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: return REFLECT_INT32;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: return REFLECT_UINT32;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: return REFLECT_INT64;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return REFLECT_UINT64;
    case PROTOBUF_C_TYPE_FLOAT: return REFLECT_FLOAT;
    case PROTOBUF_C_TYPE_DOUBLE: return REFLECT_DOUBLE;
    case PROTOBUF_C_TYPE_BOOL: return REFLECT_BOOL;
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return REFLECT_OTHER;
    }
    return REFLECT_OTHER;
}

size_t reflect_size(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

/* Whether `type` is `field` in camel case with "Entry" behind it: offer_filters, OfferFiltersEntry.
 */
static bool is_entry_name(const char *type, const char *field) {
    bool upper = true;
    for (; *field != '\0'; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        if (*type++ != (upper ? toupper((unsigned char)*field) : *field))
            return false;
        upper = false;
    }
    return strcmp(type, "Entry") == 0;
}

bool reflect_is_map(const ProtobufCMessageDescriptor *owner,
                    const ProtobufCFieldDescriptor *field) {
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t owner_size = strlen(owner->name);
    return entry->n_fields == 2 && entry->fields[0].id == 1 && entry->fields[1].id == 2 &&
           strncmp(entry->name, owner->name, owner_size) == 0 && entry->name[owner_size] == '.' &&
           strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0 &&
           is_entry_name(entry->name + owner_size + 1, field->name);
}
