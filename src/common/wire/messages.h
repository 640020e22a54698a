/*
 * Between bytes and model values: every message that travels or is stored, both ways. Decoding
 * scans the bytes, allocates from the arena and borrows from `bytes` where it can, so both must
 * live as long as the value; resources are interned in `kinds`. Encoding appends to *out and reads
 * nothing but the value. All of it is pure; errors name the field.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/model/agent_protocol.h"
#include "common/model/channel.h"
#include "common/model/executor_protocol.h"
#include "common/model/records.h"
#include "common/model/scheduler_protocol.h"

struct wire {
    struct arena *arena;
    struct kinds *kinds;
    /* Nothing new is interned, for the table never shrinks: what a stranger names and nobody has is
     * an error. scheduler_call_decode works so by itself, but for an ACCEPT with operations on
     * resources: that brings a table of its own. */
    bool finds_only;
    size_t kinds_limit; /* how many the table may have; 0: as many as a table can */
};

bool scheduler_call_decode(struct wire *wire, struct text bytes, struct scheduler_call *out,
                           struct error *error);
void scheduler_event_encode(struct wire *wire, const struct scheduler_event *event,
                            struct buf *out);

bool executor_call_decode(struct wire *wire, struct text bytes, struct executor_call *out,
                          struct error *error);
void executor_event_encode(struct wire *wire, const struct executor_event *event, struct buf *out);

void agent_message_encode(struct wire *wire, const struct agent_message *message, struct buf *out);
bool agent_message_decode(struct wire *wire, struct text bytes, struct agent_message *out,
                          struct error *error);
void master_message_encode(struct wire *wire, const struct master_message *message,
                           struct buf *out);
bool master_message_decode(struct wire *wire, struct text bytes, struct master_message *out,
                           struct error *error);

void channel_message_encode(const struct channel_message *message, struct buf *out);
bool channel_message_decode(struct wire *wire, struct text bytes, struct channel_message *out,
                            struct error *error);

void agent_record_encode(struct wire *wire, const struct agent_record *record, struct buf *out);
bool agent_record_decode(struct wire *wire, struct text bytes, struct agent_record *out,
                         struct error *error);
void registry_record_encode(struct wire *wire, const struct registry_record *record,
                            struct buf *out);
bool registry_record_decode(struct wire *wire, struct text bytes, struct registry_record *out,
                            struct error *error);
/* ERROR_INVALID when it has a sum and that is wrong; whether it can be decoded is another question,
 * for newer versions have records that we only carry. */
bool registry_record_check(struct wire *wire, struct text bytes, struct error *error);

/* The parts, for whoever holds one of these alone. */
bool framework_info_decode(struct wire *wire, struct text bytes, struct framework_info *out,
                           struct error *error);
bool agent_info_decode(struct wire *wire, struct text bytes, struct agent_info *out,
                       struct error *error);
bool task_info_decode(struct wire *wire, struct text bytes, struct task_info *out,
                      struct error *error);
bool executor_info_decode(struct wire *wire, struct text bytes, struct executor_info *out,
                          struct error *error);
/* What a persistent volume's resource carries, an encoded mesos.v1.Resource.DiskInfo. */
bool volume_mount_decode(struct wire *wire, struct text bytes, struct volume_mount *out,
                         struct error *error);
bool task_status_decode(struct wire *wire, struct text bytes, struct task_status *out,
                        struct error *error);
void task_status_encode(const struct task_status *status, struct buf *out);

/* An agent's own description, made from its values (encoded is ignored). */
void agent_info_encode(struct wire *wire, const struct agent_info *info, struct buf *out);
/* The same framework with another id: what the master stores and sends on once it has given one. */
void framework_info_with_id(struct wire *wire, struct text encoded, struct framework_id id,
                            struct buf *out);
