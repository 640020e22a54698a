/*
 * One line an effect: who hears it, what it is, and the fields that tests ask for.
 */
#include "tests/unit/master/core/stage_print.h"

#include "common/model/resources_text.h"

static void put(struct buf *out, const char *name, struct text value) {
    if (value.size > 0)
        buf_printf(out, " %s%.*s", name, TEXT_ARGS(value));
}

static void put_resources(const struct stage *stage, const struct resources *set, struct buf *out) {
    buf_append_byte(out, ' ');
    resources_print(set, stage->kinds, out);
}

static void put_status(const struct task_status *status, struct buf *out) {
    buf_printf(out, " UPDATE %.*s %s", TEXT_ARGS(status->task.text),
               task_state_name(status->state));
    if (status->has_reason)
        buf_printf(out, " %s", task_reason_name(status->reason));
    if (status->has_uuid)
        buf_printf(out, " uuid=%d", status->uuid.bytes[0]);
    put(out, "agent=", status->agent.text);
    if (status->unreachable_time_ns != 0)
        buf_append_string(out, " since");
    put(out, "", status->message);
    put(out, "encoded=", status->encoded);
}

static void put_unavailability(const struct unavailability *from, struct buf *out) {
    buf_printf(out, " away=%lld+%lld", (long long)from->start_ns, (long long)from->duration_ns);
}

static void put_offers(const struct stage *stage, const struct scheduler_event *event,
                       struct buf *out) {
    buf_append_string(out, " OFFERS");
    for (size_t i = 0; i < event->offers.offer_count; i++) {
        const struct offered *offer = &event->offers.offers[i];
        put(out, "", offer->id.text);
        put(out, "agent=", offer->agent.text);
        put(out, "role=", offer->role);
        put_resources(stage, offer->resources, out);
        if (offer->unavailability != NULL)
            put_unavailability(offer->unavailability, out);
        for (size_t j = 0; j < offer->executor_count; j++)
            put(out, "executor=", offer->executors[j].text);
    }
}

static void put_inverse_offers(const struct scheduler_event *event, struct buf *out) {
    for (size_t i = 0; i < event->inverse_offers.offer_count; i++) {
        const struct inverse_offered *offer = &event->inverse_offers.offers[i];
        put(out, "INVERSE ", offer->id.text);
        put(out, "agent=", offer->agent.text);
        put_unavailability(&offer->unavailability, out);
    }
}

static void put_operation(const struct stage *stage, const struct operation_status *status,
                          struct buf *out) {
    put(out, "OPERATION ", status->operation);
    put(out, "", text_of(operation_state_name(status->state)));
    put(out, "agent=", status->agent.text);
    if (status->converted != NULL)
        put_resources(stage, status->converted, out);
    put(out, "", status->message);
}

static void put_scheduler(const struct stage *stage, const struct scheduler_event *event,
                          struct buf *out) {
    switch (event->kind) {
    case SCHEDULER_EVENT_SUBSCRIBED:
        put(out, "SUBSCRIBED ", event->subscribed.framework.text);
        return;
    case SCHEDULER_EVENT_OFFERS: put_offers(stage, event, out); return;
    case SCHEDULER_EVENT_RESCIND: put(out, "RESCIND ", event->rescind.text); return;
    case SCHEDULER_EVENT_UPDATE: put_status(&event->update, out); return;
    case SCHEDULER_EVENT_MESSAGE:
        put(out, "MESSAGE ", event->message.executor.text);
        put(out, "", event->message.data);
        return;
    case SCHEDULER_EVENT_FAILURE:
        put(out, "FAILURE ", event->failure.agent.text);
        put(out, "executor=", event->failure.executor.text);
        if (event->failure.has_status)
            buf_printf(out, " status=%d", event->failure.status);
        return;
    case SCHEDULER_EVENT_ERROR: put(out, "ERROR ", event->error); return;
    case SCHEDULER_EVENT_HEARTBEAT: buf_append_string(out, " HEARTBEAT"); return;
    case SCHEDULER_EVENT_INVERSE_OFFERS: put_inverse_offers(event, out); return;
    case SCHEDULER_EVENT_RESCIND_INVERSE_OFFER:
        put(out, "RESCIND_INVERSE ", event->rescind.text);
        return;
    case SCHEDULER_EVENT_UPDATE_OPERATION_STATUS:
        put_operation(stage, &event->operation, out);
        return;
    case SCHEDULER_EVENT_CALL_REFUSED:
        put(out, "REFUSED ", event->call_refused.call);
        buf_printf(out, " %d", event->call_refused.status);
        put(out, "", event->call_refused.message);
        return;
    case SCHEDULER_EVENT_REQUEST_STATUS:
        put(out, "REQUEST ", event->request_status.name);
        buf_append_string(out, event->request_status.is_feasible ? " feasible" : " infeasible");
        put(out, "role=", event->request_status.role);
        put(out, "nearest=", event->request_status.nearest.text);
        put(out, "", event->request_status.message);
        return;
    }
    buf_append_string(out, " UNEXPECTED");
}

static void put_reconcile(const struct master_message *message, struct buf *out) {
    buf_append_string(out, " RECONCILE");
    for (size_t i = 0; i < message->reconcile.task_count; i++)
        put(out, "", message->reconcile.tasks[i].task.text);
}

static void put_agent(const struct stage *stage, const struct master_message *message,
                      struct buf *out) {
    switch (message->kind) {
    case MASTER_MESSAGE_REGISTERED: put(out, "REGISTERED ", message->registered.agent.text); return;
    case MASTER_MESSAGE_REFUSED:
        put(out, message->refused.stop ? "REFUSED stop " : "REFUSED ", message->refused.reason);
        if (message->refused.kill_tasks)
            buf_append_string(out, " (tasks end)");
        return;
    case MASTER_MESSAGE_PING:
        buf_append_string(out, " PING");
        if (message->echo_ms != 0)
            buf_printf(out, " of %lld", (long long)message->echo_ms);
        return;
    case MASTER_MESSAGE_RUN_TASK:
        put(out, "RUN ", message->run_task.task.id.text);
        put(out, "role=", message->run_task.role);
        return;
    case MASTER_MESSAGE_KILL_TASK:
        put(out, "KILL ", message->kill_task.task.text);
        if (message->kill_task.by_operator)
            buf_append_string(out, " by operator");
        return;
    case MASTER_MESSAGE_ACKNOWLEDGE:
        put(out, "ACKNOWLEDGE ", message->acknowledge.task.text);
        return;
    case MASTER_MESSAGE_SHUTDOWN_FRAMEWORK:
        put(out, "SHUTDOWN_FRAMEWORK ", message->shutdown_framework.text);
        return;
    case MASTER_MESSAGE_SHUTDOWN_EXECUTOR:
        put(out, "SHUTDOWN_EXECUTOR ", message->executor.executor.text);
        return;
    case MASTER_MESSAGE_FRAMEWORK_MESSAGE:
        put(out, "MESSAGE ", message->executor.executor.text);
        put(out, "", message->executor.data);
        return;
    case MASTER_MESSAGE_UPDATE_FRAMEWORK:
        put(out, "UPDATE_FRAMEWORK ", message->update_framework.id.text);
        return;
    case MASTER_MESSAGE_RECONCILE: put_reconcile(message, out); return;
    case MASTER_MESSAGE_APPLY:
        buf_printf(out, " APPLY %llu %s", (unsigned long long)message->apply.number,
                   operation_kind_name(message->apply.kind));
        put_resources(stage, message->apply.from, out);
        buf_append_string(out, " ->");
        put_resources(stage, message->apply.to, out);
        return;
    case MASTER_MESSAGE_DRAIN:
        buf_append_string(out, " DRAIN");
        if (message->drain.has_max_grace)
            buf_printf(out, " in %lldms", (long long)(message->drain.max_grace_ns / 1000000));
        if (message->drain.mark_gone)
            buf_append_string(out, " gone");
        return;
    }
}

static const char *const ends[] = {
    [CHANNEL_END_COMPLETE] = "COMPLETE",
    [CHANNEL_END_NOT_FOUND] = "NOT_FOUND",
    [CHANNEL_END_UNAVAILABLE] = "UNAVAILABLE",
    [CHANNEL_END_CANCELLED] = "CANCELLED",
    [CHANNEL_END_ERROR] = "ERROR",
};

static void put_channel(const struct channel_message *message, struct buf *out) {
    buf_printf(out, " channel %llu", (unsigned long long)message->channel);
    switch (message->kind) {
    case CHANNEL_OPEN:
        put(out, "OPEN ", message->open.task.text);
        put(out, "framework=", message->open.framework.text);
        return;
    case CHANNEL_DATA: put(out, "DATA ", message->data.bytes); return;
    case CHANNEL_WINDOW:
        buf_printf(out, " WINDOW %llu", (unsigned long long)message->window_bytes);
        return;
    case CHANNEL_CLOSE:
        buf_printf(out, " CLOSE %s", ends[message->close.end]);
        put(out, "", message->close.message);
        return;
    }
}

/* Of an agent that is not simply there, and of a newer version's record. */
static void put_record(const struct registry_record *record, struct buf *out) {
    static const char *const words[] = {"", " (draining)", " (drained)"};
    if (record == NULL)
        return;
    buf_append_string(out, words[record->drain.state]);
    if (record->drain.is_deactivated && record->drain.state == DRAIN_NONE)
        buf_append_string(out, " (deactivated)");
    put(out, "unknown=", record->unknown);
}

static void put_store(const struct master_effect *effect, struct buf *out) {
    buf_append_string(out, "store");
    for (size_t i = 0; i < effect->store.count; i++) {
        const struct store_change *change = &effect->store.changes[i];
        put(out, change->registry_record == NULL ? "-" : "+", change->key);
        put_record(change->registry_record, out);
    }
}

static void put_head(const struct master_effect *effect, struct buf *out) {
    buf_printf(out, "to %llu", (unsigned long long)effect->connection.value);
}

static void print_raw(const struct stage *stage, const struct master_effect *effect,
                      struct buf *out) {
    switch (effect->kind) {
    case MASTER_EFFECT_SEND_SCHEDULER:
        put_head(effect, out);
        put_scheduler(stage, &effect->scheduler, out);
        break;
    case MASTER_EFFECT_SEND_AGENT:
        put_head(effect, out);
        put_agent(stage, &effect->agent, out);
        break;
    case MASTER_EFFECT_SEND_CHANNEL:
        put_head(effect, out);
        put_channel(&effect->channel, out);
        break;
    case MASTER_EFFECT_CLOSE:
        buf_printf(out, "close %llu %.*s", (unsigned long long)effect->connection.value,
                   TEXT_ARGS(effect->close_reason));
        break;
    case MASTER_EFFECT_STORE: put_store(effect, out); break;
    case MASTER_EFFECT_ANSWER:
        buf_printf(out, "answer %llu %d %.*s", (unsigned long long)effect->answer.request,
                   effect->answer.status, TEXT_ARGS(effect->answer.message));
        break;
    case MASTER_EFFECT_STOP: buf_printf(out, "stop %.*s", TEXT_ARGS(effect->stop_reason)); break;
    case MASTER_EFFECT_NOTE:
        buf_printf(out, "note %.*s %.*s", TEXT_ARGS(effect->note.what),
                   TEXT_ARGS(effect->note.detail));
        break;
    }
    if (effect->after != 0)
        buf_append_string(out, " (waits)");
}

void stage_print_effect(const struct stage *stage, const struct master_effect *effect,
                        struct buf *out) {
    AUTO_FINI(buf_fini) struct buf raw = {0};
    print_raw(stage, effect, &raw);
    struct text id = master_id(stage->master), rest = buf_text(&raw);
    for (char *at;
         rest.size > 0 && (at = memmem(rest.data, rest.size, id.data, id.size)) != NULL;) {
        size_t before = (size_t)(at - rest.data);
        buf_append(out, rest.data, before);
        buf_append_byte(out, 'M');
        rest = text_sub(rest, before + id.size, rest.size);
    }
    buf_append_text(out, rest);
}
