/*
 * mesos.internal.AgentMessage: what an agent tells the master. Field numbers are those of
 * proto/internal/agent.proto.
 */
#include "common/wire/convert.h"

#include "common/wire/scan.h"
#include "internal/agent.pb-c.h"

static void put_reports(const struct agent_message *message, struct buf *out) {
    size_t place;
    for (size_t i = 0; i < message->register_agent.framework_count; i++) {
        const struct framework_report *framework = &message->register_agent.frameworks[i];
        place = put_begin(out, 5);
        put_bytes(out, 1, framework->id.text);
        put_bytes(out, 2, framework->info);
        put_end(out, place);
    }
    for (size_t i = 0; i < message->register_agent.executor_count; i++) {
        const struct executor_report *executor = &message->register_agent.executors[i];
        place = put_begin(out, 6);
        put_bytes(out, 1, executor->framework.text);
        put_bytes(out, 2, executor->info);
        put_some(out, 3, executor->role);
        put_end(out, place);
    }
    for (size_t i = 0; i < message->register_agent.task_count; i++) {
        const struct task_report *task = &message->register_agent.tasks[i];
        place = put_begin(out, 7);
        put_bytes(out, 1, task->framework.text);
        put_bytes(out, 2, task->info);
        put_some(out, 3, task->executor.text);
        put_some(out, 4, task->role);
        put_int(out, 5, task->latest_state);
        put_int(out, 6, task->sent_state);
        if (task->has_sent_uuid)
            put_bytes(out, 7, uuid_text(&task->sent_uuid));
        put_some_int(out, 8, task->running_since_ns);
        put_some_int(out, 9, task->sent_ns);
        put_end(out, place);
    }
}

static void put_register(struct wire *wire, const struct agent_message *message, struct buf *out) {
    const struct agent_info *info = &message->register_agent.info;
    size_t place = put_begin(out, 2);
    size_t inner = put_begin(out, 1);
    if (info->encoded.size > 0)
        buf_append_text(out, info->encoded);
    else
        agent_info_encode(wire, info, out);
    put_end(out, inner);
    put_some(out, 2, info->ip);
    put_some(out, 3, info->version);
    put_some(out, 4, info->attributes);
    put_reports(message, out);
    put_end(out, place);
}

static void put_update(const struct agent_message *message, struct buf *out) {
    size_t place = put_begin(out, 5);
    put_bytes(out, 1, message->update.framework.text);
    size_t status = put_begin(out, 2);
    task_status_encode(&message->update.status, out);
    put_end(out, status);
    put_int(out, 3, message->update.latest_state);
    put_end(out, place);
}

void agent_message_encode(struct wire *wire, const struct agent_message *message, struct buf *out) {
    size_t place;
    put_int(out, 1, message->kind);
    switch (message->kind) {
    case AGENT_MESSAGE_REGISTER: put_register(wire, message, out); return;
    case AGENT_MESSAGE_UNREGISTER: return;
    case AGENT_MESSAGE_PONG:
        if (message->echo_ms != 0)
            put_int(out, 10, message->echo_ms);
        return;
    case AGENT_MESSAGE_UPDATE: put_update(message, out); return;
    case AGENT_MESSAGE_EXECUTOR_EXITED:
        place = put_begin(out, 6);
        put_bytes(out, 1, message->executor_exited.framework.text);
        put_bytes(out, 2, message->executor_exited.executor.text);
        put_int(out, 3, message->executor_exited.status);
        put_end(out, place);
        return;
    case AGENT_MESSAGE_FRAMEWORK_MESSAGE:
        place = put_begin(out, 7);
        put_bytes(out, 1, message->framework_message.framework.text);
        put_bytes(out, 2, message->framework_message.executor.text);
        put_bytes(out, 3, message->framework_message.data);
        put_end(out, place);
        return;
    case AGENT_MESSAGE_RESOURCES:
        place = put_begin(out, 8);
        resources_encode(wire, message->resources, 1, (struct text){0}, RESERVATIONS_NEW, out);
        put_end(out, place);
        return;
    case AGENT_MESSAGE_OPERATION:
        place = put_begin(out, 9);
        put_varint(out, 1, message->operation.number);
        put_varint(out, 2, message->operation.is_applied);
        put_some(out, 3, message->operation.why);
        put_end(out, place);
        return;
    }
}

static bool missing(struct error *error, const char *field) {
    return fail(error, ERROR_INVALID, "an agent's message without its field %s", field);
}

static bool read_executor(struct wire *wire, const Mesos__Internal__AgentMessage__Executor *from,
                          struct executor_report *out, struct error *error) {
    struct executor_info info;
    if (!executor_info_decode(wire, bytes_text(from->info), &info, error))
        return false;
    *out = (struct executor_report){.framework = framework_id_of(text_of(from->framework_id)),
                                    .info = info.encoded,
                                    .id = info.id,
                                    .role = text_of(from->role),
                                    .resources = info.resources};
    return true;
}

static bool read_task(struct wire *wire, const Mesos__Internal__AgentMessage__Task *from,
                      struct task_report *out, struct error *error) {
    struct task_info info;
    if (!task_info_decode(wire, bytes_text(from->info), &info, error))
        return false;
    *out = (struct task_report){
        .framework = framework_id_of(text_of(from->framework_id)),
        .id = info.id,
        .executor = executor_id_of(text_of(from->executor_id)),
        .name = info.name,
        .role = text_of(from->role),
        .resources = info.resources,
        .latest_state = (enum task_state)from->latest_state,
        .sent_state = (enum task_state)from->sent_state,
        .has_sent_uuid = from->has_sent_uuid,
        .running_since_ns = from->running_since_ns,
        .sent_ns = from->sent_ns,
        .info = info.encoded,
    };
    if (from->has_sent_uuid && !uuid_from_bytes(bytes_text(from->sent_uuid), &out->sent_uuid))
        return fail(error, ERROR_INVALID, "a task's sent_uuid has %zu bytes instead of 16",
                    from->sent_uuid.len);
    return true;
}

static bool read_reports(struct wire *wire, const Mesos__Internal__AgentMessage__Register *from,
                         struct agent_message *out, struct error *error) {
    struct framework_report *frameworks =
        ARENA_ARRAY(wire->arena, struct framework_report, from->n_frameworks);
    struct executor_report *executors =
        ARENA_ARRAY(wire->arena, struct executor_report, from->n_executors);
    struct task_report *tasks = ARENA_ARRAY(wire->arena, struct task_report, from->n_tasks);
    for (size_t i = 0; i < from->n_frameworks; i++) {
        frameworks[i].id = framework_id_of(text_of(from->frameworks[i]->id));
        frameworks[i].info = bytes_text(from->frameworks[i]->info);
        if (!wire_scan(&mesos__v1__framework_info__descriptor, frameworks[i].info, NULL, error))
            return false;
    }
    for (size_t i = 0; i < from->n_executors; i++) {
        if (!read_executor(wire, from->executors[i], &executors[i], error))
            return false;
    }
    for (size_t i = 0; i < from->n_tasks; i++) {
        if (!read_task(wire, from->tasks[i], &tasks[i], error))
            return false;
    }
    out->register_agent.frameworks = frameworks;
    out->register_agent.framework_count = from->n_frameworks;
    out->register_agent.executors = executors;
    out->register_agent.executor_count = from->n_executors;
    out->register_agent.tasks = tasks;
    out->register_agent.task_count = from->n_tasks;
    return true;
}

static bool read_register(struct wire *wire, const Mesos__Internal__AgentMessage__Register *from,
                          struct agent_message *out, struct error *error) {
    struct agent_info *info = &out->register_agent.info;
    if (from == NULL)
        return missing(error, "register");
    if (!agent_info_decode(wire, bytes_text(from->agent_info), info, error))
        return false;
    info->ip = text_of(from->ip);
    info->version = text_of(from->version);
    if (from->attributes != NULL)
        info->attributes = text_of(from->attributes);
    return read_reports(wire, from, out, error);
}

static bool read_update(struct wire *wire, const Mesos__Internal__AgentMessage__Update *from,
                        struct agent_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "update");
    out->update.framework = framework_id_of(text_of(from->framework_id));
    out->update.latest_state = (enum task_state)from->latest_state;
    return task_status_decode(wire, bytes_text(from->status), &out->update.status, error);
}

static bool read_message(struct wire *wire, const Mesos__Internal__AgentMessage *from,
                         struct agent_message *out, struct error *error) {
    switch (out->kind) {
    case AGENT_MESSAGE_REGISTER: return read_register(wire, from->register_, out, error);
    case AGENT_MESSAGE_UNREGISTER: return true;
    case AGENT_MESSAGE_PONG: out->echo_ms = from->echo_ms; return true;
    case AGENT_MESSAGE_UPDATE: return read_update(wire, from->update, out, error);
    case AGENT_MESSAGE_EXECUTOR_EXITED:
        if (from->executor_exited == NULL)
            return missing(error, "executor_exited");
        out->executor_exited.framework =
            framework_id_of(text_of(from->executor_exited->framework_id));
        out->executor_exited.executor = executor_id_of(text_of(from->executor_exited->executor_id));
        out->executor_exited.status = from->executor_exited->status;
        return true;
    case AGENT_MESSAGE_FRAMEWORK_MESSAGE:
        if (from->framework_message == NULL)
            return missing(error, "framework_message");
        out->framework_message.framework =
            framework_id_of(text_of(from->framework_message->framework_id));
        out->framework_message.executor =
            executor_id_of(text_of(from->framework_message->executor_id));
        out->framework_message.data = bytes_text(from->framework_message->data);
        return true;
    case AGENT_MESSAGE_RESOURCES:
        if (from->resources == NULL)
            return missing(error, "resources");
        return resources_decode(wire, from->resources->resources, from->resources->n_resources,
                                &out->resources, NULL, NULL, error);
    case AGENT_MESSAGE_OPERATION:
        if (from->operation == NULL)
            return missing(error, "operation");
        out->operation.number = from->operation->number;
        out->operation.is_applied = from->operation->is_applied;
        out->operation.why = text_of(from->operation->why);
        return true;
    }
    return fail(error, ERROR_INVALID, "an agent's message of unknown kind");
}

bool agent_message_decode(struct wire *wire, struct text bytes, struct agent_message *out,
                          struct error *error) {
    Mesos__Internal__AgentMessage *message;
    if (!CONVERT_UNPACK(mesos__internal__agent_message, wire, bytes, &message, error))
        return false;
    struct agent_message value = {.kind = (enum agent_message_kind)message->kind};
    if (!read_message(wire, message, &value, error))
        return false;
    *out = value;
    return true;
}
