/*
 * Two maps say what the agent may not know: tasks of which it has acknowledged no update yet, and
 * updates, oldest first. Both go into every SUBSCRIBE. Three clocks end an executor: without an
 * agent the recovery timeout leads to a shutdown, a shutdown to the end of its grace period, a stop
 * to its acknowledgements or their time limit.
 */
#include "lib/core/executor.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/uuid.h"
#include "lib/core/dialer.h"

enum executor_phase { PHASE_SEEKING, PHASE_SUBSCRIBING, PHASE_SUBSCRIBED, PHASE_DONE };

struct executor {
    enum executor_phase phase;
    struct dialer dialer;
    char *framework_id, *executor_id;
    bool checkpoint, was_registered, is_shutting_down, is_stopping;
    int64_t recovery_timeout_ms, shutdown_grace_ms;
    int64_t subscribe_deadline_ms; /* SUBSCRIBING */
    int64_t agent_deadline_ms;     /* not subscribed: when the agent is given up */
    int64_t end_deadline_ms;       /* is_shutting_down */
    int64_t stop_deadline_ms;      /* is_stopping */
    struct map tasks;              /* task id -> Mesos__V1__TaskInfo, owned */
    struct map updates;            /* uuid -> Mesos__V1__TaskStatus, owned */
    struct rng rng;
};

static void free_message(void *message) {
    mesos_message_free(message);
}

struct executor *executor_core_new(const struct executor_settings *settings) {
    struct executor *executor = NEW(struct executor);
    dialer_init(&executor->dialer, settings->agent, EXECUTOR_PAUSE_CAP_MS, settings->seed);
    executor->framework_id = text_dup(settings->framework_id);
    executor->executor_id = text_dup(settings->executor_id);
    executor->checkpoint = settings->checkpoint;
    executor->recovery_timeout_ms = settings->recovery_timeout_ms;
    executor->shutdown_grace_ms = settings->shutdown_grace_ms;
    executor->rng = rng_of(settings->seed ^ UINT64_C(0x9e3779b97f4a7c15));
    return executor;
}

void executor_core_free(struct executor *executor) {
    if (executor == NULL)
        return;
    map_fini(&executor->tasks, free_message);
    map_fini(&executor->updates, free_message);
    dialer_fini(&executor->dialer);
    mem_free(executor->framework_id);
    mem_free(executor->executor_id);
    mem_free(executor);
}

static void tell(struct executor *executor, struct driver_outbox *outbox,
                 struct driver_callback callback) {
    if (!executor->is_stopping)
        outbox_callback(outbox, callback);
}

static void finish(struct executor *executor, struct driver_outbox *outbox) {
    executor->phase = PHASE_DONE;
    outbox_push(outbox, DRIVER_EFFECT_DONE);
}

/* --- calls --- */

static void send_call(struct executor *executor, Mesos__V1__Executor__Call *call,
                      struct driver_outbox *outbox) {
    Mesos__V1__FrameworkID framework = MESOS__V1__FRAMEWORK_ID__INIT;
    framework.value = executor->framework_id;
    Mesos__V1__ExecutorID id = MESOS__V1__EXECUTOR_ID__INIT;
    id.value = executor->executor_id;
    call->framework_id = &framework;
    call->executor_id = &id;
    call->has_type = true;
    outbox_send(outbox, FRAME_EXECUTOR_CALL, &call->base);
    call->framework_id = NULL; /* they end here, the call does not */
    call->executor_id = NULL;
}

static void send_subscribe(struct executor *executor, struct driver_outbox *outbox) {
    Mesos__V1__Executor__Call__Subscribe subscribe = MESOS__V1__EXECUTOR__CALL__SUBSCRIBE__INIT;
    subscribe.unacknowledged_tasks =
        ARENA_ARRAY(outbox->arena, Mesos__V1__TaskInfo *, executor->tasks.count + 1);
    MAP_EACH(entry, &executor->tasks)
        subscribe.unacknowledged_tasks[subscribe.n_unacknowledged_tasks++] = map_value(entry);
    subscribe.unacknowledged_updates = ARENA_ARRAY(
        outbox->arena, Mesos__V1__Executor__Call__Update *, executor->updates.count + 1);
    MAP_EACH(entry, &executor->updates) {
        Mesos__V1__Executor__Call__Update *update =
            ARENA_NEW(outbox->arena, Mesos__V1__Executor__Call__Update);
        mesos__v1__executor__call__update__init(update);
        update->status = map_value(entry);
        subscribe.unacknowledged_updates[subscribe.n_unacknowledged_updates++] = update;
    }
    Mesos__V1__Executor__Call call = MESOS__V1__EXECUTOR__CALL__INIT;
    call.type = MESOS__V1__EXECUTOR__CALL__TYPE__SUBSCRIBE;
    call.subscribe = &subscribe;
    send_call(executor, &call, outbox);
}

static void send_update(struct executor *executor, Mesos__V1__TaskStatus *status,
                        struct driver_outbox *outbox) {
    Mesos__V1__Executor__Call__Update update = MESOS__V1__EXECUTOR__CALL__UPDATE__INIT;
    update.status = status;
    Mesos__V1__Executor__Call call = MESOS__V1__EXECUTOR__CALL__INIT;
    call.type = MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE;
    call.update = &update;
    send_call(executor, &call, outbox);
}

static void fail_driver(struct executor *executor, const char *message,
                        struct driver_outbox *outbox) {
    tell(executor, outbox, (struct driver_callback){.kind = CALLBACK_ERROR, .message = message});
    finish(executor, outbox);
}

/* What only the driver knows of a status. */
static Mesos__V1__TaskStatus *complete_status(struct executor *executor,
                                              Mesos__V1__TaskStatus *status, int64_t wall_ms) {
    struct uuid uuid = uuid_random(&executor->rng);
    Mesos__V1__ExecutorID id = MESOS__V1__EXECUTOR_ID__INIT;
    id.value = executor->executor_id;
    status->executor_id = &id;
    status->has_uuid = status->has_source = true;
    status->uuid = (ProtobufCBinaryData){sizeof(uuid.bytes), uuid.bytes};
    status->source = MESOS__V1__TASK_STATUS__SOURCE__SOURCE_EXECUTOR;
    if (!status->has_timestamp) {
        status->has_timestamp = true;
        status->timestamp = (double)wall_ms / 1000.0;
    }
    return MESOS_COPY(status);
}

static struct text uuid_of(const Mesos__V1__TaskStatus *status) {
    return (struct text){(const char *)status->uuid.data, status->uuid.len};
}

static void take_update(struct executor *executor, const struct driver_event *event,
                        struct driver_outbox *outbox) {
    struct error error = {0};
    Mesos__V1__TaskStatus *given = (Mesos__V1__TaskStatus *)outbox_unpack(
        outbox, &mesos__v1__task_status__descriptor, event->call.encoded, &error);
    if (given == NULL || given->state == MESOS__V1__TASK_STATE__TASK_STAGING) {
        fail_driver(executor,
                    given == NULL ? arena_string(outbox->arena, text_of(error.message))
                                  : "an executor cannot say TASK_STAGING",
                    outbox);
        return;
    }
    if (executor->updates.count >= MESOS_EXECUTOR_UPDATES_LIMIT) {
        fail_driver(executor, "too many updates wait for the agent", outbox);
        return;
    }
    Mesos__V1__TaskStatus *status = complete_status(executor, given, event->wall_ms);
    map_put_text(&executor->updates, uuid_of(status), status);
    if (executor->phase == PHASE_SUBSCRIBED)
        send_update(executor, status, outbox);
}

static void take_message(struct executor *executor, struct text data,
                         struct driver_outbox *outbox) {
    if (executor->phase != PHASE_SUBSCRIBED)
        return;
    Mesos__V1__Executor__Call__Message message = MESOS__V1__EXECUTOR__CALL__MESSAGE__INIT;
    message.data = (ProtobufCBinaryData){data.size, (uint8_t *)data.data};
    Mesos__V1__Executor__Call call = MESOS__V1__EXECUTOR__CALL__INIT;
    call.type = MESOS__V1__EXECUTOR__CALL__TYPE__MESSAGE;
    call.message = &message;
    send_call(executor, &call, outbox);
}

/* --- the end --- */

static void shut_down(struct executor *executor, int64_t now_ms, struct driver_outbox *outbox) {
    if (executor->is_shutting_down)
        return;
    executor->is_shutting_down = true;
    executor->end_deadline_ms = now_ms + executor->shutdown_grace_ms;
    tell(executor, outbox, (struct driver_callback){.kind = CALLBACK_SHUTDOWN});
}

/* A stop with nothing left to say is a stop at once. */
static void check_stop(struct executor *executor, int64_t now_ms, struct driver_outbox *outbox) {
    if (executor->is_stopping &&
        (executor->updates.count == 0 || now_ms >= executor->stop_deadline_ms))
        finish(executor, outbox);
}

static void check_deadlines(struct executor *executor, int64_t now_ms,
                            struct driver_outbox *outbox) {
    if (executor->phase != PHASE_SUBSCRIBED && now_ms >= executor->agent_deadline_ms)
        shut_down(executor, now_ms, outbox);
    check_stop(executor, now_ms, outbox);
    if (executor->phase == PHASE_DONE || !executor->is_shutting_down || executor->is_stopping ||
        now_ms < executor->end_deadline_ms)
        return;
    outbox_push(outbox, DRIVER_EFFECT_END_PROCESS);
    finish(executor, outbox);
}

/* --- connection --- */

static void lose_connection(struct executor *executor, int64_t now_ms,
                            struct driver_outbox *outbox) {
    bool was_subscribed = executor->phase == PHASE_SUBSCRIBED;
    executor->phase = PHASE_SEEKING;
    dialer_lost(&executor->dialer, now_ms);
    if (!was_subscribed)
        return;
    tell(executor, outbox, (struct driver_callback){.kind = CALLBACK_DISCONNECTED});
    executor->agent_deadline_ms =
        executor->checkpoint ? now_ms + executor->recovery_timeout_ms : now_ms;
}

static void leave_agent(struct executor *executor, int64_t now_ms, struct driver_outbox *outbox) {
    outbox_push(outbox, DRIVER_EFFECT_CLOSE);
    lose_connection(executor, now_ms, outbox);
}

static void connected(struct executor *executor, int64_t now_ms, struct driver_outbox *outbox) {
    dialer_connected(&executor->dialer);
    executor->phase = PHASE_SUBSCRIBING;
    executor->subscribe_deadline_ms = now_ms + EXECUTOR_SUBSCRIBE_MS;
    send_subscribe(executor, outbox);
}

/* --- events of the agent --- */

static void subscribed(struct executor *executor, const Mesos__V1__Executor__Event *event,
                       int64_t now_ms, struct driver_outbox *outbox) {
    executor->phase = PHASE_SUBSCRIBED;
    dialer_proven(&executor->dialer, now_ms);
    /* What was said while we waited for this answer was not in the SUBSCRIBE; the agent knows an
     * update that it hears twice by its uuid. */
    MAP_EACH(entry, &executor->updates)
        send_update(executor, map_value(entry), outbox);
    tell(executor, outbox,
         (struct driver_callback){.kind = executor->was_registered ? CALLBACK_REREGISTERED
                                                                   : CALLBACK_REGISTERED,
                                  .executor_event = event});
    executor->was_registered = true;
}

static void launch(struct executor *executor, const Mesos__V1__TaskInfo *task,
                   struct driver_outbox *outbox) {
    void *old = map_put_text(&executor->tasks, text_of(task->task_id->value), MESOS_COPY(task));
    mesos_message_free(old);
    tell(executor, outbox, (struct driver_callback){.kind = CALLBACK_LAUNCH_TASK, .task = task});
}

static void acknowledged(struct executor *executor,
                         const Mesos__V1__Executor__Event__Acknowledged *acknowledged) {
    struct text uuid = {(const char *)acknowledged->uuid.data, acknowledged->uuid.len};
    void *status = map_remove_text(&executor->updates, uuid);
    if (status == NULL)
        return;
    mesos_message_free(status);
    mesos_message_free(map_remove_text(&executor->tasks, text_of(acknowledged->task_id->value)));
}

static void take_event(struct executor *executor, const Mesos__V1__Executor__Event *event,
                       int64_t now_ms, struct driver_outbox *outbox) {
    switch ((int)event->type) {
    case MESOS__V1__EXECUTOR__EVENT__TYPE__SUBSCRIBED:
        if (event->subscribed != NULL && executor->phase == PHASE_SUBSCRIBING)
            subscribed(executor, event, now_ms, outbox);
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__LAUNCH:
        if (event->launch != NULL)
            launch(executor, event->launch->task, outbox);
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP:
        for (size_t i = 0;
             event->launch_group != NULL && i < event->launch_group->task_group->n_tasks; i++)
            launch(executor, event->launch_group->task_group->tasks[i], outbox);
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__KILL:
        if (event->kill != NULL)
            tell(executor, outbox,
                 (struct driver_callback){.kind = CALLBACK_KILL_TASK, .executor_event = event});
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED:
        if (event->acknowledged != NULL)
            acknowledged(executor, event->acknowledged);
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__MESSAGE:
        if (event->message != NULL)
            tell(executor, outbox,
                 (struct driver_callback){.kind = CALLBACK_FRAMEWORK_MESSAGE,
                                          .executor_event = event});
        break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__SHUTDOWN: shut_down(executor, now_ms, outbox); break;
    case MESOS__V1__EXECUTOR__EVENT__TYPE__ERROR:
        fail_driver(executor, event->error != NULL ? event->error->message : "", outbox);
        break;
    }
}

static void take_frame(struct executor *executor, const struct driver_event *event,
                       struct driver_outbox *outbox) {
    if (event->frame.type != FRAME_EXECUTOR_EVENT)
        return;
    struct error error = {0};
    Mesos__V1__Executor__Event *message = (Mesos__V1__Executor__Event *)outbox_unpack(
        outbox, &mesos__v1__executor__event__descriptor, event->frame.payload, &error);
    if (message == NULL)
        leave_agent(executor, event->now_ms, outbox);
    else
        take_event(executor, message, event->now_ms, outbox);
}

static void begin(struct executor *executor, int64_t now_ms) {
    executor->agent_deadline_ms = now_ms + EXECUTOR_FIRST_MS;
    dialer_begin(&executor->dialer, now_ms);
}

static void take_call(struct executor *executor, const struct driver_event *event,
                      struct driver_outbox *outbox) {
    if (executor->is_stopping)
        return;
    if (event->call.type == MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE)
        take_update(executor, event, outbox);
    else
        take_message(executor, event->call.encoded, outbox);
}

static void handle(struct executor *executor, const struct driver_event *event,
                   struct driver_outbox *outbox) {
    switch (event->kind) {
    case DRIVER_EVENT_START: begin(executor, event->now_ms); break;
    case DRIVER_EVENT_CONNECTED: connected(executor, event->now_ms, outbox); break;
    case DRIVER_EVENT_CONNECT_FAILED: dialer_failed(&executor->dialer, event->now_ms); break;
    case DRIVER_EVENT_REDIRECTED:
        dialer_redirected(&executor->dialer, event->text, event->now_ms);
        break;
    case DRIVER_EVENT_CLOSED: lose_connection(executor, event->now_ms, outbox); break;
    case DRIVER_EVENT_FRAME: take_frame(executor, event, outbox); break;
    case DRIVER_EVENT_CALL: take_call(executor, event, outbox); break;
    case DRIVER_EVENT_STOP:
        executor->is_stopping = true;
        executor->stop_deadline_ms = event->now_ms + EXECUTOR_STOP_MS;
        break;
    case DRIVER_EVENT_ABORT: finish(executor, outbox); break;
    case DRIVER_EVENT_CALL_LOST:
        if (event->call.type == MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE)
            fail_driver(executor, "an update is too large or there are too many", outbox);
        break;
    case DRIVER_EVENT_TICK:
    case DRIVER_EVENT_MASTER_FOUND:
    case DRIVER_EVENT_FIND_FAILED:
    case DRIVER_EVENT_READ_OUTPUT:
    case DRIVER_EVENT_CANCEL_OUTPUT: break;
    }
}

void executor_step(struct executor *executor, const struct driver_event *event,
                   struct driver_outbox *outbox) {
    if (executor->phase == PHASE_DONE)
        return;
    handle(executor, event, outbox);
    if (executor->phase == PHASE_SUBSCRIBING && event->now_ms >= executor->subscribe_deadline_ms)
        leave_agent(executor, event->now_ms, outbox);
    if (executor->phase != PHASE_DONE)
        check_deadlines(executor, event->now_ms, outbox);
    if (executor->phase == PHASE_DONE)
        return;
    const char *address = dialer_take(&executor->dialer, event->now_ms);
    if (address != NULL)
        VEC_PUSH(&outbox->effects, (struct driver_effect){.kind = DRIVER_EFFECT_CONNECT,
                                                          .address = text_of(address)});
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t executor_deadline_ms(const struct executor *executor) {
    if (executor->phase == PHASE_DONE)
        return INT64_MAX;
    int64_t deadline = dialer_deadline_ms(&executor->dialer);
    if (executor->phase == PHASE_SUBSCRIBING)
        deadline = least(deadline, executor->subscribe_deadline_ms);
    if (executor->phase != PHASE_SUBSCRIBED && !executor->is_shutting_down)
        deadline = least(deadline, executor->agent_deadline_ms);
    if (executor->is_stopping)
        return least(deadline, executor->stop_deadline_ms);
    return executor->is_shutting_down ? least(deadline, executor->end_deadline_ms) : deadline;
}
