/*
 * mesos.internal.AgentRecord and RegistryRecord: what is stored. Field numbers are those of
 * proto/internal/records.proto; the field that is set says what the record is.
 */
#include "common/wire/convert.h"

#include "common/base/crc32c.h"

#include "internal/records.pb-c.h"

#include <inttypes.h>

enum { RECORD_VERSION = 1 };

static bool check_version(uint32_t version, struct error *error) {
    return version == RECORD_VERSION ||
           fail(error, ERROR_UNSUPPORTED, "a record of format %u; this program knows %d", version,
                RECORD_VERSION);
}

static void put_process(bool started, int32_t pid, uint64_t start_time, uint32_t number,
                        struct buf *out) {
    if (!started)
        return;
    size_t place = put_begin(out, number);
    put_int(out, 1, pid);
    put_varint(out, 2, start_time);
    put_end(out, place);
}

static void put_framework(struct framework_id id, struct text info, uint32_t number,
                          struct buf *out) {
    size_t place = put_begin(out, number);
    put_bytes(out, 1, id.text);
    put_bytes(out, 2, info);
    put_end(out, place);
}

static void put_executor(const struct agent_record *record, struct buf *out) {
    size_t place = put_begin(out, 4);
    put_bytes(out, 1, record->executor.framework.text);
    put_bytes(out, 2, record->executor.info);
    put_bytes(out, 3, record->executor.container.text);
    put_process(record->executor.started, record->executor.pid, record->executor.start_time, 4,
                out);
    put_some(out, 5, record->executor.sandbox);
    put_some(out, 6, record->executor.role);
    put_end(out, place);
}

static void put_task(const struct agent_record *record, struct buf *out) {
    size_t place = put_begin(out, 5);
    put_bytes(out, 1, record->task.framework.text);
    put_bytes(out, 2, record->task.info);
    put_some(out, 3, record->task.role);
    put_some(out, 4, record->task.container.text);
    put_process(record->task.started, record->task.pid, record->task.start_time, 5, out);
    put_int(out, 6, record->task.latest_state);
    put_int(out, 7, record->task.launched_ns);
    put_varint(out, 8, record->task.kill_wanted);
    put_some(out, 9, record->task.killed_by);
    put_varint(out, 10, record->task.ended);
    put_some(out, 11, record->task.sandbox);
    put_some_int(out, 12, record->task.running_since_ns);
    put_some_int(out, 13, record->task.latest_ns);
    put_some_int(out, 14, record->task.launched_boot_ms);
    put_end(out, place);
}

static void put_sandbox(const struct agent_record *record, struct buf *out) {
    size_t place = put_begin(out, 7);
    put_bytes(out, 1, record->sandbox.path);
    put_bytes(out, 2, record->sandbox.framework.text);
    put_bytes(out, 3, record->sandbox.task.text);
    put_int(out, 4, record->sandbox.ended_ns);
    put_varint(out, 5, record->sandbox.stdout_rotations);
    put_varint(out, 6, record->sandbox.stderr_rotations);
    put_varint(out, 7, record->sandbox.dropped_bytes);
    put_end(out, place);
}

static void put_drain_order(const struct agent_record *record, struct buf *out) {
    size_t place = put_begin(out, 9);
    if (record->drain.terms.has_max_grace)
        put_int(out, 1, record->drain.terms.max_grace_ns);
    put_varint(out, 2, record->drain.terms.mark_gone);
    put_int(out, 3, record->drain.deadline_ns);
    put_end(out, place);
}

void agent_record_encode(struct wire *wire, const struct agent_record *record, struct buf *out) {
    size_t place, status;
    put_varint(out, 1, RECORD_VERSION);
    switch (record->kind) {
    case AGENT_RECORD_SELF:
        place = put_begin(out, 2);
        put_some(out, 1, record->self.agent.text);
        put_some(out, 2, record->self.boot_id);
        put_end(out, place);
        return;
    case AGENT_RECORD_FRAMEWORK:
        put_framework(record->framework.id, record->framework.info, 3, out);
        return;
    case AGENT_RECORD_EXECUTOR: put_executor(record, out); return;
    case AGENT_RECORD_TASK: put_task(record, out); return;
    case AGENT_RECORD_UPDATE:
        place = put_begin(out, 6);
        put_bytes(out, 1, record->update.framework.text);
        status = put_begin(out, 2);
        task_status_encode(&record->update.status, out);
        put_end(out, status);
        put_end(out, place);
        return;
    case AGENT_RECORD_SANDBOX: put_sandbox(record, out); return;
    case AGENT_RECORD_RESOURCES:
        place = put_begin(out, 8);
        resources_encode(wire, record->resources, 1, (struct text){0}, RESERVATIONS_NEW, out);
        put_end(out, place);
        return;
    case AGENT_RECORD_DRAIN: put_drain_order(record, out); return;
    case AGENT_RECORD_LEASE:
        place = put_begin(out, 10);
        put_int(out, 1, record->lease_ms);
        put_end(out, place);
        return;
    }
}

static void read_executor(const Mesos__Internal__AgentRecord__Executor *from,
                          struct agent_record *out) {
    out->kind = AGENT_RECORD_EXECUTOR;
    out->executor.framework = framework_id_of(text_of(from->framework_id));
    out->executor.info = bytes_text(from->info);
    out->executor.container = container_id_of(text_of(from->container_id));
    out->executor.sandbox = text_of(from->sandbox);
    out->executor.role = text_of(from->role);
    out->executor.started = from->process != NULL;
    if (from->process != NULL) {
        out->executor.pid = from->process->pid;
        out->executor.start_time = from->process->start_time;
    }
}

static void read_task(const Mesos__Internal__AgentRecord__Task *from, struct agent_record *out) {
    out->kind = AGENT_RECORD_TASK;
    out->task.framework = framework_id_of(text_of(from->framework_id));
    out->task.info = bytes_text(from->info);
    out->task.role = text_of(from->role);
    out->task.container = container_id_of(text_of(from->container_id));
    out->task.sandbox = text_of(from->sandbox);
    out->task.started = from->process != NULL;
    if (from->process != NULL) {
        out->task.pid = from->process->pid;
        out->task.start_time = from->process->start_time;
    }
    out->task.latest_state = (enum task_state)from->latest_state;
    out->task.latest_ns = from->latest_ns;
    out->task.running_since_ns = from->running_since_ns;
    out->task.launched_ns = from->launched_ns;
    out->task.launched_boot_ms = from->launched_boot_ms;
    out->task.kill_wanted = from->kill_wanted;
    out->task.killed_by = text_of(from->killed_by);
    out->task.ended = from->ended;
}

static void read_sandbox(const Mesos__Internal__AgentRecord__Sandbox *from,
                         struct agent_record *out) {
    out->kind = AGENT_RECORD_SANDBOX;
    out->sandbox.path = text_of(from->path);
    out->sandbox.framework = framework_id_of(text_of(from->framework_id));
    out->sandbox.task = task_id_of(text_of(from->task_id));
    out->sandbox.ended_ns = from->ended_ns;
    out->sandbox.stdout_rotations = from->stdout_rotations;
    out->sandbox.stderr_rotations = from->stderr_rotations;
    out->sandbox.dropped_bytes = from->dropped_bytes;
}

static bool read_agent_record(struct wire *wire, const Mesos__Internal__AgentRecord *from,
                              struct agent_record *out, struct error *error) {
    if (from->self != NULL) {
        out->kind = AGENT_RECORD_SELF;
        out->self.agent = agent_id_of(text_of(from->self->agent_id));
        out->self.boot_id = text_of(from->self->boot_id);
    } else if (from->framework != NULL) {
        out->kind = AGENT_RECORD_FRAMEWORK;
        out->framework.id = framework_id_of(text_of(from->framework->id));
        out->framework.info = bytes_text(from->framework->info);
    } else if (from->executor != NULL) {
        read_executor(from->executor, out);
    } else if (from->task != NULL) {
        read_task(from->task, out);
    } else if (from->update != NULL) {
        out->kind = AGENT_RECORD_UPDATE;
        out->update.framework = framework_id_of(text_of(from->update->framework_id));
        return task_status_decode(wire, bytes_text(from->update->status), &out->update.status,
                                  error);
    } else if (from->sandbox != NULL) {
        read_sandbox(from->sandbox, out);
    } else if (from->resources != NULL) {
        out->kind = AGENT_RECORD_RESOURCES;
        return resources_decode(wire, from->resources->resources, from->resources->n_resources,
                                &out->resources, NULL, NULL, error);
    } else if (from->drain != NULL) {
        out->kind = AGENT_RECORD_DRAIN;
        out->drain.terms.has_max_grace = from->drain->has_max_grace_ns;
        out->drain.terms.max_grace_ns = from->drain->max_grace_ns;
        out->drain.terms.mark_gone = from->drain->mark_gone;
        out->drain.deadline_ns = from->drain->deadline_ns;
    } else if (from->lease != NULL) {
        out->kind = AGENT_RECORD_LEASE;
        out->lease_ms = from->lease->since_boot_ms;
    } else {
        return fail(error, ERROR_INVALID, "an empty record of the agent");
    }
    return true;
}

bool agent_record_decode(struct wire *wire, struct text bytes, struct agent_record *out,
                         struct error *error) {
    Mesos__Internal__AgentRecord *message;
    struct agent_record record = {0};
    if (!CONVERT_UNPACK(mesos__internal__agent_record, wire, bytes, &message, error) ||
        !check_version(message->version, error) ||
        !read_agent_record(wire, message, &record, error))
        return false;
    *out = record;
    return true;
}

/* --- the registry ---
 *
 * A record has one message that says what it is; drain and is_deactivated stand beside it. Its last
 * field is the sum of all before. */

enum { SUM_FIELD = 12 };

static uint32_t own_field(enum registry_record_kind kind) {
    switch (kind) {
    case REGISTRY_AGENT: return 2;
    case REGISTRY_UNREACHABLE: return 3;
    case REGISTRY_GONE: return 4;
    case REGISTRY_FRAMEWORK: return 5;
    case REGISTRY_MASTER: return 6;
    case REGISTRY_ROLE: return 7;
    case REGISTRY_MACHINE: return 10;
    case REGISTRY_REMOVED: return 11;
    }
    return 0;
}

/* Of the message inside, whose end this is. */
static void put_unknown_inside(const struct registry_record *record, struct buf *out) {
    struct text rest = record->unknown;
    struct slice slice;
    while (slice_next(&rest, &slice)) {
        if (slice.number == own_field(record->kind))
            buf_append_text(out, slice.payload);
    }
}

/* What is known and not this record's is left out: it was of what the record was before. */
static void put_unknown(const struct registry_record *record, struct buf *out) {
    struct text rest = record->unknown;
    struct slice slice;
    while (slice_next(&rest, &slice)) {
        if (protobuf_c_message_descriptor_get_field(&mesos__internal__registry_record__descriptor,
                                                    slice.number) == NULL)
            buf_append_text(out, slice.whole);
    }
}

static void put_mark(const struct registry_record *record, struct buf *out) {
    size_t place = put_begin(out, own_field(record->kind));
    put_bytes(out, 1, record->agent.agent.text);
    put_int(out, 2, record->agent.since_ns);
    put_some(out, 3, record->hostname);
    put_unknown_inside(record, out);
    put_end(out, place);
}

/* Fields of mesos.v1.AgentInfo. */
enum { AGENT_INFO_HOSTNAME = 1, AGENT_INFO_ID = 6, AGENT_INFO_PORT = 8 };

/* Reservations and attributes may be of any size; who and where the agent is, is short. */
static void put_agent_info(struct text info, struct buf *out) {
    struct slice slice;
    if (info.size <= REGISTRY_INFO_BYTES_LIMIT) {
        put_bytes(out, 2, info);
        return;
    }
    size_t place = put_begin(out, 2);
    while (slice_next(&info, &slice)) {
        if (slice.number == AGENT_INFO_HOSTNAME || slice.number == AGENT_INFO_ID ||
            slice.number == AGENT_INFO_PORT)
            buf_append_text(out, slice.whole);
    }
    put_end(out, place);
}

static void put_removed(const struct registry_record *record, struct buf *out) {
    size_t place = put_begin(out, 11);
    put_bytes(out, 1, record->removed.framework.text);
    put_int(out, 2, record->removed.since_ns);
    put_end(out, place);
}

static void put_registered_framework(const struct registry_record *record, struct buf *out) {
    size_t place = put_begin(out, 5);
    put_bytes(out, 1, record->framework.id.text);
    put_bytes(out, 2, record->framework.info);
    if (record->framework.disconnected_ns != 0)
        put_int(out, 3, record->framework.disconnected_ns);
    put_int(out, 4, record->framework.failover_timeout_ns);
    put_varint(out, 5, record->framework.capabilities);
    put_unknown_inside(record, out);
    put_end(out, place);
}

static void put_role(const struct registry_record *record, struct buf *out) {
    size_t place = put_begin(out, 7);
    put_bytes(out, 1, record->role.name);
    put_int(out, 2, record->role.weight_milli);
    for (size_t i = 0; i < record->role.line_count; i++) {
        const struct quota_config_line *line = &record->role.lines[i];
        size_t inner = put_begin(out, 3);
        put_bytes(out, 1, line->name);
        put_int(out, 2, line->guarantee_milli);
        if (line->limit_milli != INT64_MAX)
            put_int(out, 3, line->limit_milli);
        put_end(out, inner);
    }
    put_unknown_inside(record, out);
    put_end(out, place);
}

static void put_machine(const struct registry_record *record, struct buf *out) {
    size_t place = put_begin(out, 10);
    put_some(out, 1, record->machine.hostname);
    put_some(out, 2, record->machine.ip);
    put_varint(out, 3, record->machine.window);
    put_varint(out, 4, record->machine.place);
    put_int(out, 5, record->machine.start_ns);
    if (record->machine.duration_ns >= 0)
        put_int(out, 6, record->machine.duration_ns);
    put_varint(out, 7, record->machine.is_down);
    put_unknown_inside(record, out);
    put_end(out, place);
}

static void put_drain(const struct agent_drain *drain, struct buf *out) {
    if (drain->is_deactivated)
        put_varint(out, 9, true);
    if (drain->state == DRAIN_NONE)
        return;
    size_t place = put_begin(out, 8);
    put_int(out, 1, drain->state);
    if (drain->terms.has_max_grace)
        put_int(out, 2, drain->terms.max_grace_ns);
    if (drain->terms.mark_gone)
        put_varint(out, 3, true);
    put_int(out, 4, drain->since_ns);
    put_end(out, place);
}

void registry_record_encode(struct wire *wire, const struct registry_record *record,
                            struct buf *out) {
    (void)wire;
    size_t begin = out->size;
    put_varint(out, 1, RECORD_VERSION);
    switch (record->kind) {
    case REGISTRY_AGENT: put_agent_info(record->agent_info, out); break;
    case REGISTRY_UNREACHABLE:
    case REGISTRY_GONE: put_mark(record, out); break;
    case REGISTRY_FRAMEWORK: put_registered_framework(record, out); break;
    case REGISTRY_MASTER: put_bytes(out, 6, record->master_id); break;
    case REGISTRY_ROLE: put_role(record, out); break;
    case REGISTRY_MACHINE: put_machine(record, out); break;
    case REGISTRY_REMOVED: put_removed(record, out); break;
    }
    if (record->kind == REGISTRY_AGENT || record->kind == REGISTRY_UNREACHABLE)
        put_drain(&record->drain, out);
    put_unknown(record, out);
    put_fixed32(out, SUM_FIELD, crc32c(0, text_sub(buf_text(out), begin, SIZE_MAX)));
}

static void read_mark(const Mesos__Internal__RegistryRecord__AgentMark *from,
                      enum registry_record_kind kind, struct registry_record *out) {
    out->kind = kind;
    out->agent.agent = agent_id_of(text_of(from->agent_id));
    out->agent.since_ns = from->since_ns;
    if (from->hostname != NULL)
        out->hostname = text_of(from->hostname);
}

static void read_agent_info(struct text info, struct registry_record *out) {
    out->kind = REGISTRY_AGENT;
    out->agent_info = info;
    out->hostname = slice_find(&info, AGENT_INFO_HOSTNAME);
}

static void read_framework(const Mesos__Internal__RegistryRecord__Framework *from,
                           struct registry_record *out) {
    out->kind = REGISTRY_FRAMEWORK;
    out->framework.id = framework_id_of(text_of(from->id));
    out->framework.info = bytes_text(from->info);
    out->framework.disconnected_ns = from->disconnected_ns;
    out->framework.failover_timeout_ns = from->failover_timeout_ns;
    out->framework.capabilities = from->capabilities;
}

static void read_role(struct wire *wire, const Mesos__Internal__RegistryRecord__Role *from,
                      struct registry_record *out) {
    struct quota_config_line *lines =
        ARENA_ARRAY(wire->arena, struct quota_config_line, from->n_quota);
    for (size_t i = 0; i < from->n_quota; i++)
        lines[i] = (struct quota_config_line){
            .name = text_of(from->quota[i]->name),
            .guarantee_milli = from->quota[i]->guarantee_milli,
            .limit_milli =
                from->quota[i]->has_limit_milli ? from->quota[i]->limit_milli : INT64_MAX,
        };
    out->kind = REGISTRY_ROLE;
    out->role.name = text_of(from->name);
    out->role.weight_milli = from->weight_milli;
    out->role.lines = lines;
    out->role.line_count = from->n_quota;
}

static void read_machine(const Mesos__Internal__RegistryRecord__Machine *from,
                         struct registry_record *out) {
    out->kind = REGISTRY_MACHINE;
    out->machine.hostname = text_of(from->hostname);
    out->machine.ip = text_of(from->ip);
    out->machine.window = from->window;
    out->machine.place = from->place;
    out->machine.start_ns = from->start_ns;
    out->machine.duration_ns = from->has_duration_ns ? from->duration_ns : -1;
    out->machine.is_down = from->is_down;
}

static void read_drain(const Mesos__Internal__RegistryRecord *from, struct agent_drain *out) {
    out->is_deactivated = from->is_deactivated;
    if (from->drain == NULL)
        return;
    out->state = (enum drain_state)from->drain->state;
    out->terms.has_max_grace = from->drain->has_max_grace_ns;
    out->terms.max_grace_ns = from->drain->max_grace_ns;
    out->terms.mark_gone = from->drain->mark_gone;
    out->since_ns = from->drain->since_ns;
}

static bool read_registry_record(struct wire *wire, const Mesos__Internal__RegistryRecord *from,
                                 struct registry_record *out, struct error *error) {
    if (from->has_agent_info) {
        read_agent_info(bytes_text(from->agent_info), out);
    } else if (from->unreachable != NULL) {
        read_mark(from->unreachable, REGISTRY_UNREACHABLE, out);
    } else if (from->gone != NULL) {
        read_mark(from->gone, REGISTRY_GONE, out);
    } else if (from->framework != NULL) {
        read_framework(from->framework, out);
    } else if (from->master_id != NULL) {
        out->kind = REGISTRY_MASTER;
        out->master_id = text_of(from->master_id);
    } else if (from->role != NULL) {
        read_role(wire, from->role, out);
    } else if (from->machine != NULL) {
        read_machine(from->machine, out);
    } else if (from->removed != NULL) {
        out->kind = REGISTRY_REMOVED;
        out->removed.framework = framework_id_of(text_of(from->removed->framework_id));
        out->removed.since_ns = from->removed->since_ns;
    } else {
        return fail(error, ERROR_INVALID, "an empty record of the registry");
    }
    read_drain(from, &out->drain);
    return true;
}

/* --- what a newer version has written --- */

static void append_unknown(const ProtobufCMessageDescriptor *descriptor, struct text bytes,
                           struct buf *out) {
    struct slice slice;
    while (slice_next(&bytes, &slice)) {
        if (protobuf_c_message_descriptor_get_field(descriptor, slice.number) == NULL)
            buf_append_text(out, slice.whole);
    }
}

static struct text find_unknown(struct wire *wire, struct text bytes, uint32_t own) {
    const ProtobufCMessageDescriptor *outer = &mesos__internal__registry_record__descriptor;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(outer, own);
    AUTO_FINI(buf_fini) struct buf unknown = {0}, inside = {0};
    append_unknown(outer, bytes, &unknown);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        struct text rest = bytes, part;
        while ((part = slice_find(&rest, own)).data != NULL)
            append_unknown(field->descriptor, part, &inside);
    }
    if (inside.size > 0)
        put_bytes(&unknown, own, buf_text(&inside));
    return arena_text(wire->arena, buf_text(&unknown));
}

/* None is none that is wrong: older versions wrote records without. */
static bool check_sum(const Mesos__Internal__RegistryRecord *from, struct text bytes,
                      struct error *error) {
    struct text rest = bytes;
    struct slice last = {0};
    if (!from->has_sum)
        return true;
    while (slice_next(&rest, &last))
        continue;
    uint32_t sum = crc32c(0, text_sub(bytes, 0, bytes.size - last.whole.size));
    if (last.number != SUM_FIELD)
        return fail(error, ERROR_INVALID, "damaged: something comes behind its sum");
    return sum == from->sum ||
           fail(error, ERROR_INVALID, "damaged: CRC32C %08" PRIx32 ", not %08" PRIx32, sum,
                from->sum);
}

bool registry_record_check(struct wire *wire, struct text bytes, struct error *error) {
    Mesos__Internal__RegistryRecord *from;
    return !CONVERT_UNPACK(mesos__internal__registry_record, wire, bytes, &from, NULL) ||
           check_sum(from, bytes, error);
}

bool registry_record_decode(struct wire *wire, struct text bytes, struct registry_record *out,
                            struct error *error) {
    Mesos__Internal__RegistryRecord *from;
    struct registry_record record = {0};
    if (!CONVERT_UNPACK(mesos__internal__registry_record, wire, bytes, &from, error) ||
        !check_sum(from, bytes, error) || !check_version(from->version, error) ||
        !read_registry_record(wire, from, &record, error))
        return false;
    record.unknown = find_unknown(wire, bytes, own_field(record.kind));
    *out = record;
    return true;
}
