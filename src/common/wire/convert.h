/*
 * What the conversions of messages.h share. Private to wire/.
 */
#pragma once

#include "common/wire/codec.h"
#include "common/wire/messages.h"
#include "common/wire/put.h"
#include "common/wire/slice.h"
#include "mesos/v1/mesos.pb-c.h"

/* Scans and unpacks a message of the generated type `stem`: CONVERT_UNPACK(mesos__v1__offer, ...).
 */
#define CONVERT_UNPACK(stem, wire, bytes, out, error)                                              \
    wire_unpack(&stem##__descriptor, (bytes), (wire)->arena, (ProtobufCMessage **)(out), (error))

/* An id message, or NULL for none: the empty text. */
#define ID_TEXT(message) ((message) != NULL ? text_of((message)->value) : (struct text){0})

static inline struct text bytes_text(ProtobufCBinaryData data) {
    return (struct text){(const char *)data.data, data.len};
}

/* How reservations are written: the old way for frameworks without RESERVATION_REFINEMENT. */
enum reservation_format { RESERVATIONS_OLD, RESERVATIONS_NEW };

/* Reads resources into a set that goes with the arena. *role is what the allocation_info names,
 * *two_roles whether they name more than one; both may be NULL. */
bool resources_decode(struct wire *wire, Mesos__V1__Resource *const *from, size_t count,
                      const struct resources **out, struct text *role, bool *two_roles,
                      struct error *error);

/* Writes a set as repeated field `number`; `role` empty: no allocation_info. */
void resources_encode(struct wire *wire, const struct resources *set, uint32_t number,
                      struct text role, enum reservation_format format, struct buf *out);

/* Attributes as text, in the arena, and back as repeated field `number`; text that is none is left
 * out. */
bool attributes_decode(struct wire *wire, Mesos__V1__Attribute *const *from, size_t count,
                       struct text *out, struct error *error);
void attributes_encode(struct text attributes, uint32_t number, struct buf *out);

/* A mesos.v1.DomainInfo; nothing for an empty region. */
void domain_encode(struct text region, struct text zone, uint32_t number, struct buf *out);

/* Values from messages that are already unpacked; `encoded` are their bytes. */
bool framework_info_convert(struct wire *wire, const Mesos__V1__FrameworkInfo *from,
                            struct text encoded, struct framework_info *out, struct error *error);
bool task_info_convert(struct wire *wire, const Mesos__V1__TaskInfo *from, struct text encoded,
                       struct task_info *out, struct error *error);
bool executor_info_convert(struct wire *wire, const Mesos__V1__ExecutorInfo *from,
                           struct text encoded, struct executor_info *out, struct error *error);
bool task_status_convert(struct wire *wire, const Mesos__V1__TaskStatus *from, struct text encoded,
                         struct task_status *out, struct error *error);

/* Fills in what a conversion names, or its fault; out->kind is set. */
void operation_convert(struct wire *wire, const Mesos__V1__Offer__Operation *from,
                       struct operation *out);
enum { WIRE_APART_KINDS_LIMIT = 16384 }; /* that one call may name */
/* One with a table of kinds of its own, which goes with the arena: what is read into it teaches
 * nobody anything. */
struct wire wire_apart(const struct wire *wire);

/* The grace of a policy; false when it has none. */
bool kill_grace_convert(const Mesos__V1__KillPolicy *policy, int64_t *grace_ns);

/* Strings of a repeated field as views in the arena. */
const struct text *texts_convert(struct wire *wire, char *const *from, size_t count);
