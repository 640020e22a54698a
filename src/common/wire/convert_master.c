/*
 * mesos.internal.MasterMessage: what the master tells an agent. Field numbers are those of
 * proto/internal/agent.proto.
 */
#include "common/wire/convert.h"

#include "common/wire/scan.h"
#include "internal/agent.pb-c.h"

static void put_run_task(const struct master_message *message, struct buf *out) {
    size_t place = put_begin(out, 5);
    put_bytes(out, 1, message->run_task.framework.text);
    put_bytes(out, 2, message->run_task.framework_info);
    put_bytes(out, 3, message->run_task.task.encoded);
    put_some(out, 4, message->run_task.role);
    put_end(out, place);
}

static void put_kill_task(const struct master_message *message, struct buf *out) {
    size_t place = put_begin(out, 6);
    put_bytes(out, 1, message->kill_task.framework.text);
    put_bytes(out, 2, message->kill_task.task.text);
    if (message->kill_task.has_grace)
        put_int(out, 3, message->kill_task.grace_ns);
    if (message->kill_task.by_operator)
        put_varint(out, 4, 1);
    put_end(out, place);
}

static void put_executor(const struct master_message *message, struct buf *out) {
    size_t place = put_begin(out, 8);
    put_bytes(out, 1, message->executor.framework.text);
    put_bytes(out, 2, message->executor.executor.text);
    if (message->kind == MASTER_MESSAGE_FRAMEWORK_MESSAGE)
        put_bytes(out, 3, message->executor.data);
    put_end(out, place);
}

static void put_answer(const struct master_message *message, struct buf *out) {
    bool registered = message->kind == MASTER_MESSAGE_REGISTERED;
    size_t place = put_begin(out, registered ? 2 : 3);
    if (registered) {
        put_bytes(out, 1, message->registered.agent.text);
        put_int(out, 2, message->registered.ping_timeout_ms);
    } else {
        put_bytes(out, 1, message->refused.reason);
        put_varint(out, 2, message->refused.stop);
        if (message->refused.kill_tasks)
            put_varint(out, 3, true);
    }
    put_end(out, place);
}

static void put_reconcile(const struct master_message *message, struct buf *out) {
    for (size_t i = 0; i < message->reconcile.task_count; i++) {
        size_t place = put_begin(out, 10);
        put_bytes(out, 1, message->reconcile.tasks[i].framework.text);
        put_bytes(out, 2, message->reconcile.tasks[i].task.text);
        put_end(out, place);
    }
}

static void put_drain(const struct master_message *message, struct buf *out) {
    size_t place = put_begin(out, 12);
    if (message->drain.has_max_grace)
        put_int(out, 1, message->drain.max_grace_ns);
    if (message->drain.mark_gone)
        put_varint(out, 2, true);
    put_end(out, place);
}

void master_message_encode(struct wire *wire, const struct master_message *message,
                           struct buf *out) {
    size_t place;
    put_int(out, 1, message->kind);
    switch (message->kind) {
    case MASTER_MESSAGE_REGISTERED:
    case MASTER_MESSAGE_REFUSED: put_answer(message, out); return;
    case MASTER_MESSAGE_PING:
        if (message->echo_ms != 0)
            put_int(out, 13, message->echo_ms);
        return;
    case MASTER_MESSAGE_RUN_TASK: put_run_task(message, out); return;
    case MASTER_MESSAGE_KILL_TASK: put_kill_task(message, out); return;
    case MASTER_MESSAGE_ACKNOWLEDGE:
        place = put_begin(out, 7);
        put_bytes(out, 1, message->acknowledge.framework.text);
        put_bytes(out, 2, message->acknowledge.task.text);
        put_bytes(out, 3, uuid_text(&message->acknowledge.uuid));
        put_end(out, place);
        return;
    case MASTER_MESSAGE_SHUTDOWN_FRAMEWORK:
        place = put_begin(out, 8);
        put_bytes(out, 1, message->shutdown_framework.text);
        put_end(out, place);
        return;
    case MASTER_MESSAGE_SHUTDOWN_EXECUTOR:
    case MASTER_MESSAGE_FRAMEWORK_MESSAGE: put_executor(message, out); return;
    case MASTER_MESSAGE_UPDATE_FRAMEWORK:
        place = put_begin(out, 9);
        put_bytes(out, 1, message->update_framework.id.text);
        put_bytes(out, 2, message->update_framework.info);
        put_end(out, place);
        return;
    case MASTER_MESSAGE_RECONCILE: put_reconcile(message, out); return;
    case MASTER_MESSAGE_APPLY:
        place = put_begin(out, 11);
        put_varint(out, 1, message->apply.number);
        put_varint(out, 2, message->apply.kind);
        resources_encode(wire, message->apply.from, 3, (struct text){0}, RESERVATIONS_NEW, out);
        resources_encode(wire, message->apply.to, 4, (struct text){0}, RESERVATIONS_NEW, out);
        put_end(out, place);
        return;
    case MASTER_MESSAGE_DRAIN: put_drain(message, out); return;
    }
}

static bool missing(struct error *error, const char *field) {
    return fail(error, ERROR_INVALID, "a master's message without its field %s", field);
}

static bool read_run_task(struct wire *wire, const Mesos__Internal__MasterMessage__RunTask *from,
                          struct master_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "run_task");
    out->run_task.framework = framework_id_of(text_of(from->framework_id));
    out->run_task.framework_info = bytes_text(from->framework_info);
    out->run_task.role = text_of(from->role);
    return wire_scan(&mesos__v1__framework_info__descriptor, out->run_task.framework_info, NULL,
                     error) &&
           task_info_decode(wire, bytes_text(from->task), &out->run_task.task, error);
}

static bool read_task_order(const Mesos__Internal__MasterMessage *from, struct master_message *out,
                            struct error *error) {
    if (out->kind == MASTER_MESSAGE_KILL_TASK) {
        const Mesos__Internal__MasterMessage__KillTask *kill = from->kill_task;
        if (kill == NULL)
            return missing(error, "kill_task");
        out->kill_task.framework = framework_id_of(text_of(kill->framework_id));
        out->kill_task.task = task_id_of(text_of(kill->task_id));
        out->kill_task.has_grace = kill->has_grace_ns;
        out->kill_task.grace_ns = kill->grace_ns;
        out->kill_task.by_operator = kill->by_operator;
        return true;
    }
    const Mesos__Internal__MasterMessage__Acknowledge *acknowledge = from->acknowledge;
    if (acknowledge == NULL)
        return missing(error, "acknowledge");
    out->acknowledge.framework = framework_id_of(text_of(acknowledge->framework_id));
    out->acknowledge.task = task_id_of(text_of(acknowledge->task_id));
    if (!uuid_from_bytes(bytes_text(acknowledge->uuid), &out->acknowledge.uuid))
        return fail(error, ERROR_INVALID, "an acknowledgement whose uuid has %zu bytes",
                    acknowledge->uuid.len);
    return true;
}

static bool read_executor_order(const Mesos__Internal__MasterMessage__Executor *from,
                                struct master_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "executor");
    if (out->kind == MASTER_MESSAGE_SHUTDOWN_FRAMEWORK) {
        out->shutdown_framework = framework_id_of(text_of(from->framework_id));
        return true;
    }
    if (from->executor_id == NULL)
        return missing(error, "executor.executor_id");
    out->executor.framework = framework_id_of(text_of(from->framework_id));
    out->executor.executor = executor_id_of(text_of(from->executor_id));
    out->executor.data = from->has_data ? bytes_text(from->data) : (struct text){0};
    return true;
}

static bool read_answer(const Mesos__Internal__MasterMessage *from, struct master_message *out,
                        struct error *error) {
    if (out->kind == MASTER_MESSAGE_REGISTERED) {
        if (from->registered == NULL)
            return missing(error, "registered");
        out->registered.agent = agent_id_of(text_of(from->registered->agent_id));
        out->registered.ping_timeout_ms = from->registered->ping_timeout_ms;
        return true;
    }
    if (from->refused == NULL)
        return missing(error, "refused");
    out->refused.reason = text_of(from->refused->reason);
    out->refused.stop = from->refused->stop;
    out->refused.kill_tasks = from->refused->kill_tasks;
    return true;
}

static bool read_framework(const Mesos__Internal__MasterMessage__Framework *from,
                           struct master_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "framework");
    out->update_framework.id = framework_id_of(text_of(from->id));
    out->update_framework.info = bytes_text(from->info);
    return wire_scan(&mesos__v1__framework_info__descriptor, out->update_framework.info, NULL,
                     error);
}

static void read_reconcile(struct wire *wire, const Mesos__Internal__MasterMessage *from,
                           struct master_message *out) {
    struct task_key *tasks = ARENA_ARRAY(wire->arena, struct task_key, from->n_reconcile);
    for (size_t i = 0; i < from->n_reconcile; i++) {
        tasks[i].framework = framework_id_of(text_of(from->reconcile[i]->framework_id));
        tasks[i].task = task_id_of(text_of(from->reconcile[i]->task_id));
    }
    out->reconcile.tasks = tasks;
    out->reconcile.task_count = from->n_reconcile;
}

static bool read_apply(struct wire *wire, const Mesos__Internal__MasterMessage__Apply *from,
                       struct master_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "apply");
    out->apply.number = from->number;
    out->apply.kind = (enum operation_kind)from->kind;
    return resources_decode(wire, from->from, from->n_from, &out->apply.from, NULL, NULL, error) &&
           resources_decode(wire, from->to, from->n_to, &out->apply.to, NULL, NULL, error);
}

static bool read_drain(const Mesos__Internal__MasterMessage__Drain *from,
                       struct master_message *out, struct error *error) {
    if (from == NULL)
        return missing(error, "drain");
    if (from->has_max_grace_ns && from->max_grace_ns < 0)
        return fail(error, ERROR_INVALID, "a drain whose grace is negative");
    out->drain = (struct drain_terms){from->has_max_grace_ns, from->max_grace_ns, from->mark_gone};
    return true;
}

static bool read_message(struct wire *wire, const Mesos__Internal__MasterMessage *from,
                         struct master_message *out, struct error *error) {
    switch (out->kind) {
    case MASTER_MESSAGE_REGISTERED:
    case MASTER_MESSAGE_REFUSED: return read_answer(from, out, error);
    case MASTER_MESSAGE_PING: out->echo_ms = from->echo_ms; return true;
    case MASTER_MESSAGE_RUN_TASK: return read_run_task(wire, from->run_task, out, error);
    case MASTER_MESSAGE_KILL_TASK:
    case MASTER_MESSAGE_ACKNOWLEDGE: return read_task_order(from, out, error);
    case MASTER_MESSAGE_SHUTDOWN_FRAMEWORK:
    case MASTER_MESSAGE_SHUTDOWN_EXECUTOR:
    case MASTER_MESSAGE_FRAMEWORK_MESSAGE: return read_executor_order(from->executor, out, error);
    case MASTER_MESSAGE_UPDATE_FRAMEWORK: return read_framework(from->framework, out, error);
    case MASTER_MESSAGE_RECONCILE: read_reconcile(wire, from, out); return true;
    case MASTER_MESSAGE_APPLY: return read_apply(wire, from->apply, out, error);
    case MASTER_MESSAGE_DRAIN: return read_drain(from->drain, out, error);
    }
    return fail(error, ERROR_INVALID, "a master's message of unknown kind");
}

bool master_message_decode(struct wire *wire, struct text bytes, struct master_message *out,
                           struct error *error) {
    Mesos__Internal__MasterMessage *message;
    if (!CONVERT_UNPACK(mesos__internal__master_message, wire, bytes, &message, error))
        return false;
    struct master_message value = {.kind = (enum master_message_kind)message->kind};
    if (!read_message(wire, message, &value, error))
        return false;
    *out = value;
    return true;
}
