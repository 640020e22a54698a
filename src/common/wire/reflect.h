/*
 * The members of a protobuf-c message by their descriptor, as the JSON codec and the clean-up after
 * unpacking need them.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

static inline void *reflect_member(const ProtobufCMessage *message,
                                   const ProtobufCFieldDescriptor *field) {
    return (char *)(uintptr_t)message + field->offset;
}

/* The count of a repeated field, the presence of an optional scalar, the case of a oneof. */
static inline void *reflect_quantifier(const ProtobufCMessage *message,
                                       const ProtobufCFieldDescriptor *field) {
    return (char *)(uintptr_t)message + field->quantifier_offset;
}

static inline bool reflect_is_oneof(const ProtobufCFieldDescriptor *field) {
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Whether a singular field has a value of its own. */
bool reflect_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Makes an optional field as if it had never been set. */
void reflect_unset(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Notes that a singular field has a value: its presence or the case of its oneof. */
void reflect_mark_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* How a number or boolean lies in memory. */
enum reflect_number {
    REFLECT_INT32,
    REFLECT_UINT32,
    REFLECT_INT64,
    REFLECT_UINT64,
    REFLECT_FLOAT,
    REFLECT_DOUBLE,
    REFLECT_BOOL,
    REFLECT_OTHER, /* no number: enum, string, bytes, message */
};
enum reflect_number reflect_number(ProtobufCType type);

/* Bytes of one element of the field. */
size_t reflect_size(ProtobufCType type);

/* Whether the field is a map: repeated, of the entry type that protoc makes for map<key, value>.
 * protoc reserves the names of such types, so the name decides. */
bool reflect_is_map(const ProtobufCMessageDescriptor *owner, const ProtobufCFieldDescriptor *field);
