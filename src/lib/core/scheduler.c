/*
 * Phases: seeking a master, subscribing to it, subscribed, done. A stop without failover is a wish
 * beside them: whatever phase it finds, it goes on to the subscription it needs to say TEARDOWN, or
 * to its deadline. Calls arrive encoded and without the framework's id; since protobuf merges what
 * is concatenated, the id is put in front and nothing is decoded to be sent.
 */
#include "lib/core/scheduler.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "lib/core/channels.h"
#include "lib/core/demand.h"
#include "lib/core/dialer.h"
#include "lib/core/framework_wish.h"
#include "lib/core/kept_calls.h"

enum scheduler_phase { PHASE_SEEKING, PHASE_SUBSCRIBING, PHASE_SUBSCRIBED, PHASE_DONE };

struct scheduler {
    enum scheduler_phase phase;
    struct dialer dialer;
    struct channels channels;
    struct framework_wish wish;
    struct demand demand;
    struct kept_calls kept;
    bool acknowledges; /* implicitly */
    bool was_registered;
    bool is_stopping;                 /* without failover */
    bool wish_is_newer, wish_revives; /* than the SUBSCRIBE that waits for its answer */
    bool is_held_back;                /* roles with demand are suppressed until it is said */
    int64_t stop_deadline_ms;
    int64_t heard_ms;   /* the last frame, or the connection */
    int64_t silence_ms; /* how long it may be silent */
};

struct scheduler *scheduler_new(const struct scheduler_settings *settings) {
    struct scheduler *scheduler = NEW(struct scheduler);
    dialer_init(&scheduler->dialer, settings->masters, DIALER_CAP_MS, settings->seed);
    framework_wish_set_info(&scheduler->wish, settings->framework);
    framework_wish_set_suppressed(&scheduler->wish, (char *const *)settings->suppressed_roles,
                                  settings->suppressed_role_count);
    framework_wish_set_constraints(&scheduler->wish, settings->offer_constraints);
    scheduler->acknowledges = !settings->explicit_acknowledgements;
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler) {
    if (scheduler == NULL)
        return;
    kept_calls_fini(&scheduler->kept);
    declared_demand_fini(&scheduler->demand);
    framework_wish_fini(&scheduler->wish);
    channels_fini(&scheduler->channels);
    dialer_fini(&scheduler->dialer);
    mem_free(scheduler);
}

/* After a stop nothing is told any more. */
static void tell(struct scheduler *scheduler, struct driver_outbox *outbox,
                 struct driver_callback callback) {
    if (!scheduler->is_stopping)
        outbox_callback(outbox, callback);
}

static void finish(struct scheduler *scheduler, struct driver_outbox *outbox) {
    scheduler->phase = PHASE_DONE;
    outbox_push(outbox, DRIVER_EFFECT_DONE);
}

/* --- calls out --- */

static void send_call(struct scheduler *scheduler, Mesos__V1__Scheduler__Call *call,
                      struct driver_outbox *outbox) {
    call->framework_id = scheduler->wish.info->id;
    call->has_type = true;
    outbox_send(outbox, FRAME_SCHEDULER_CALL, &call->base);
}

static char **suppressed_roles(struct scheduler *scheduler, struct driver_outbox *outbox,
                               size_t *count) {
    char **roles = ARENA_ARRAY(outbox->arena, char *, scheduler->wish.suppressed.count + 1);
    *count = 0;
    VEC_EACH(role, &scheduler->wish.suppressed)
        if (framework_wish_has_role(&scheduler->wish, *role))
            roles[(*count)++] = *role;
    return roles;
}

/* What was wished while SUBSCRIBE was on its way, all of it; a REVIVE also takes filters away. */
static void send_newer_wish(struct scheduler *scheduler, struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call__UpdateFramework update =
        MESOS__V1__SCHEDULER__CALL__UPDATE_FRAMEWORK__INIT;
    update.framework_info = scheduler->wish.info;
    update.suppressed_roles = suppressed_roles(scheduler, outbox, &update.n_suppressed_roles);
    update.offer_constraints = scheduler->wish.constraints;
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK;
    call.update_framework = &update;
    send_call(scheduler, &call, outbox);
    if (!scheduler->wish_revives || update.n_suppressed_roles > 0)
        return;
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    Mesos__V1__Scheduler__Call again = MESOS__V1__SCHEDULER__CALL__INIT;
    again.type = MESOS__V1__SCHEDULER__CALL__TYPE__REVIVE;
    again.revive = &revive;
    send_call(scheduler, &again, outbox);
}

/* Between SUBSCRIBED and the REQUEST behind it whole agents would be offered: so who has demand
 * subscribes suppressed in its roles. */
static void hold_back(struct scheduler *scheduler, Mesos__V1__Scheduler__Call__Subscribe *subscribe,
                      struct driver_outbox *outbox) {
    const Mesos__V1__FrameworkInfo *info = scheduler->wish.info;
    size_t most = subscribe->n_suppressed_roles + info->n_roles + 1;
    char **roles = ARENA_ARRAY(outbox->arena, char *, most);
    size_t count = subscribe->n_suppressed_roles;
    if (count > 0)
        memcpy(roles, subscribe->suppressed_roles, count * sizeof(*roles));
    char *only[] = {info->role != NULL ? info->role : arena_string(outbox->arena, TEXT("*"))};
    char **own = info->n_roles > 0 ? info->roles : only;
    size_t own_count = info->n_roles > 0 ? info->n_roles : 1;
    for (size_t i = 0; i < own_count; i++)
        if (demand_has_role(&scheduler->demand, &scheduler->wish, own[i]) &&
            !framework_wish_is_suppressed(&scheduler->wish, own[i]))
            roles[count++] = own[i];
    scheduler->is_held_back = count > subscribe->n_suppressed_roles;
    subscribe->suppressed_roles = roles;
    subscribe->n_suppressed_roles = count;
}

/* What is wanted, and that it is. */
static void send_demand(struct scheduler *scheduler, struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call__Request request = MESOS__V1__SCHEDULER__CALL__REQUEST__INIT;
    request.requests = scheduler->demand.requests.items;
    request.n_requests = scheduler->demand.requests.count;
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__REQUEST;
    call.request = &request;
    if (request.n_requests > 0)
        send_call(scheduler, &call, outbox);
    /* The newer wish says what is suppressed. */
    if (!scheduler->is_held_back || scheduler->wish_is_newer)
        return;
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    const Mesos__V1__FrameworkInfo *info = scheduler->wish.info;
    revive.roles = ARENA_ARRAY(outbox->arena, char *, info->n_roles + 1);
    for (size_t i = 0; i < info->n_roles; i++)
        if (!framework_wish_is_suppressed(&scheduler->wish, info->roles[i]))
            revive.roles[revive.n_roles++] = info->roles[i];
    Mesos__V1__Scheduler__Call again = MESOS__V1__SCHEDULER__CALL__INIT;
    again.type = MESOS__V1__SCHEDULER__CALL__TYPE__REVIVE;
    again.revive = &revive;
    if (revive.n_roles > 0 || info->n_roles == 0)
        send_call(scheduler, &again, outbox);
}

static void send_subscribe(struct scheduler *scheduler, struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call__Subscribe subscribe = MESOS__V1__SCHEDULER__CALL__SUBSCRIBE__INIT;
    subscribe.framework_info = scheduler->wish.info;
    subscribe.suppressed_roles = suppressed_roles(scheduler, outbox, &subscribe.n_suppressed_roles);
    subscribe.offer_constraints = scheduler->wish.constraints;
    hold_back(scheduler, &subscribe, outbox);
    scheduler->wish_is_newer = scheduler->wish_revives = false;
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__SUBSCRIBE;
    call.subscribe = &subscribe;
    send_call(scheduler, &call, outbox);
}

static void send_teardown(struct scheduler *scheduler, struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__TEARDOWN;
    send_call(scheduler, &call, outbox);
}

static void send_acknowledge(struct scheduler *scheduler, const Mesos__V1__TaskStatus *status,
                             struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call__Acknowledge acknowledge =
        MESOS__V1__SCHEDULER__CALL__ACKNOWLEDGE__INIT;
    acknowledge.agent_id = status->agent_id;
    acknowledge.task_id = status->task_id;
    acknowledge.uuid = status->uuid;
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE;
    call.acknowledge = &acknowledge;
    send_call(scheduler, &call, outbox);
}

/* With the framework's id in front of it. */
static void send_encoded(struct scheduler *scheduler, struct text encoded,
                         struct driver_outbox *outbox) {
    Mesos__V1__Scheduler__Call id = MESOS__V1__SCHEDULER__CALL__INIT;
    id.framework_id = scheduler->wish.info->id;
    size_t id_size = mesos__v1__scheduler__call__get_packed_size(&id);
    uint8_t *bytes = arena_alloc(outbox->arena, id_size + encoded.size);
    mesos__v1__scheduler__call__pack(&id, bytes);
    memcpy(bytes + id_size, encoded.data, encoded.size);
    outbox_send_bytes(outbox, FRAME_SCHEDULER_CALL,
                      (struct text){(const char *)bytes, id_size + encoded.size});
}

static void send_kept(struct scheduler *scheduler, struct driver_outbox *outbox) {
    struct kept_call call;
    while (kept_calls_take(&scheduler->kept, &call)) {
        send_encoded(scheduler, (struct text){call.bytes, call.size}, outbox);
        mem_free(call.bytes);
    }
}

/* --- calls that cannot be sent --- */

static void drop(struct scheduler *scheduler, int type, enum mesos_call_drop why,
                 struct driver_outbox *outbox) {
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&mesos__v1__scheduler__call__type__descriptor, type);
    tell(scheduler, outbox,
         (struct driver_callback){.kind = CALLBACK_CALL_DROPPED,
                                  .dropped = {value != NULL ? value->name : "UNKNOWN", why}});
}

static void lose_task(struct scheduler *scheduler, Mesos__V1__TaskInfo *task, int64_t wall_ms,
                      struct driver_outbox *outbox) {
    Mesos__V1__TaskStatus *status = ARENA_NEW(outbox->arena, Mesos__V1__TaskStatus);
    mesos__v1__task_status__init(status);
    status->task_id = task->task_id;
    status->agent_id = task->agent_id;
    status->state = framework_wish_can(&scheduler->wish,
                                       MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
                        ? MESOS__V1__TASK_STATE__TASK_DROPPED
                        : MESOS__V1__TASK_STATE__TASK_LOST;
    status->has_source = status->has_reason = status->has_timestamp = true;
    status->source = MESOS__V1__TASK_STATUS__SOURCE__SOURCE_MASTER;
    status->reason = MESOS__V1__TASK_STATUS__REASON__REASON_MASTER_DISCONNECTED;
    status->message = arena_string(outbox->arena, TEXT("The master is not connected"));
    status->timestamp = (double)wall_ms / 1000.0;
    tell(scheduler, outbox,
         (struct driver_callback){.kind = CALLBACK_STATUS_UPDATE, .status = status});
}

static void lose_launches(struct scheduler *scheduler, const Mesos__V1__Scheduler__Call *call,
                          int64_t wall_ms, struct driver_outbox *outbox) {
    for (size_t i = 0; call->accept != NULL && i < call->accept->n_operations; i++) {
        const Mesos__V1__Offer__Operation *operation = call->accept->operations[i];
        if (operation->launch != NULL)
            for (size_t t = 0; t < operation->launch->n_task_infos; t++)
                lose_task(scheduler, operation->launch->task_infos[t], wall_ms, outbox);
        if (operation->launch_group != NULL)
            for (size_t t = 0; t < operation->launch_group->task_group->n_tasks; t++)
                lose_task(scheduler, operation->launch_group->task_group->tasks[t], wall_ms,
                          outbox);
    }
}

static void note_launches(struct scheduler *scheduler, const Mesos__V1__Scheduler__Call *call) {
    for (size_t i = 0; call->accept != NULL && i < call->accept->n_operations; i++) {
        const Mesos__V1__Offer__Operation__Launch *launch = call->accept->operations[i]->launch;
        for (size_t t = 0; launch != NULL && t < launch->n_task_infos; t++)
            demand_note_launch(&scheduler->demand, &scheduler->wish, launch->task_infos[t]);
    }
}

static void remember_wish(struct scheduler *scheduler, const Mesos__V1__Scheduler__Call *call) {
    if (call->request != NULL) {
        /* Said behind every subscription anyway. */
        demand_replace(&scheduler->demand, &scheduler->wish, call->request->requests,
                       call->request->n_requests);
        return;
    }
    if (call->revive != NULL)
        framework_wish_revive(&scheduler->wish, call->revive->roles, call->revive->n_roles);
    if (call->suppress != NULL)
        framework_wish_suppress(&scheduler->wish, call->suppress->roles, call->suppress->n_roles);
    if (call->update_framework != NULL) {
        framework_wish_set_info(&scheduler->wish, call->update_framework->framework_info);
        framework_wish_set_suppressed(&scheduler->wish, call->update_framework->suppressed_roles,
                                      call->update_framework->n_suppressed_roles);
        framework_wish_set_constraints(&scheduler->wish, call->update_framework->offer_constraints);
    }
    if (scheduler->phase != PHASE_SUBSCRIBING)
        return;
    scheduler->wish_is_newer = true;
    scheduler->wish_revives |= call->revive != NULL;
}

enum fate { FATE_DROP, FATE_KEEP, FATE_WISH, FATE_LOSE_TASKS };

static enum fate fate_of(int type) {
    switch (type) {
    case MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT: return FATE_LOSE_TASKS;
    case MESOS__V1__SCHEDULER__CALL__TYPE__KILL:
    case MESOS__V1__SCHEDULER__CALL__TYPE__SHUTDOWN:
    case MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE:
    case MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE:
    case MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS: return FATE_KEEP;
    case MESOS__V1__SCHEDULER__CALL__TYPE__REVIVE:
    case MESOS__V1__SCHEDULER__CALL__TYPE__SUPPRESS:
    case MESOS__V1__SCHEDULER__CALL__TYPE__REQUEST:
    case MESOS__V1__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK: return FATE_WISH;
    }
    return FATE_DROP;
}

/* With the description as it is wished, presets and all. */
static void send_update(struct scheduler *scheduler, Mesos__V1__Scheduler__Call *call,
                        struct driver_outbox *outbox) {
    call->update_framework->framework_info = scheduler->wish.info;
    send_call(scheduler, call, outbox);
}

static void take_call(struct scheduler *scheduler, const struct driver_event *event,
                      struct driver_outbox *outbox) {
    enum fate fate = fate_of(event->call.type);
    bool is_subscribed = scheduler->phase == PHASE_SUBSCRIBED;
    Mesos__V1__Scheduler__Call *call = NULL;
    bool is_counted = is_subscribed && demand_counts(&scheduler->demand);
    if (fate == FATE_WISH || (fate == FATE_LOSE_TASKS && (!is_subscribed || is_counted))) {
        struct error error = {0};
        call = (Mesos__V1__Scheduler__Call *)outbox_unpack(
            outbox, &mesos__v1__scheduler__call__descriptor, event->call.encoded, &error);
        /* The master, too, would not take it. */
        if (call == NULL) {
            drop(scheduler, event->call.type, MESOS_CALL_INVALID, outbox);
            return;
        }
    }
    if (fate == FATE_WISH)
        remember_wish(scheduler, call);
    else if (is_counted && call != NULL)
        note_launches(scheduler, call);
    if (is_subscribed && call != NULL && call->update_framework != NULL)
        send_update(scheduler, call, outbox);
    else if (is_subscribed)
        send_encoded(scheduler, event->call.encoded, outbox);
    else if (fate == FATE_LOSE_TASKS)
        lose_launches(scheduler, call, event->wall_ms, outbox);
    else if (fate == FATE_DROP)
        drop(scheduler, event->call.type, MESOS_CALL_DISCONNECTED, outbox);
    else if (fate == FATE_KEEP &&
             !kept_calls_put(&scheduler->kept, event->call.encoded, MESOS_SCHEDULER_KEPT_LIMIT))
        drop(scheduler, event->call.type, MESOS_CALL_QUEUE_FULL, outbox);
}

/* --- connection --- */

/* The connection is gone, by whoever's doing. */
static void lose_connection(struct scheduler *scheduler, struct text why, int64_t now_ms,
                            struct driver_outbox *outbox) {
    bool was_subscribed = scheduler->phase == PHASE_SUBSCRIBED;
    const char *message = arena_string(outbox->arena, why);
    scheduler->phase = PHASE_SEEKING;
    dialer_lost(&scheduler->dialer, now_ms);
    if (!scheduler->is_stopping)
        channels_lose(&scheduler->channels, message, outbox);
    if (was_subscribed)
        tell(scheduler, outbox, (struct driver_callback){.kind = CALLBACK_DISCONNECTED});
    else
        tell(scheduler, outbox,
             (struct driver_callback){.kind = CALLBACK_CONNECT_FAILED, .message = message});
}

static void leave_master(struct scheduler *scheduler, const char *why, int64_t now_ms,
                         struct driver_outbox *outbox) {
    outbox_push(outbox, DRIVER_EFFECT_CLOSE);
    lose_connection(scheduler, text_of(why), now_ms, outbox);
}

static void fail_attempt(struct scheduler *scheduler, const struct driver_event *event,
                         struct driver_outbox *outbox) {
    dialer_failed(&scheduler->dialer, event->now_ms);
    tell(scheduler, outbox,
         (struct driver_callback){.kind = CALLBACK_CONNECT_FAILED,
                                  .message = arena_string(outbox->arena, event->text)});
}

/* A connection that works is kept while its master leads. */
static void found_master(struct scheduler *scheduler, const struct driver_event *event,
                         struct driver_outbox *outbox) {
    if (!dialer_found(&scheduler->dialer, event->text, event->now_ms)) {
        leave_master(scheduler, "another master leads", event->now_ms, outbox);
        dialer_found(&scheduler->dialer, event->text, event->now_ms);
    }
}

static void connected(struct scheduler *scheduler, int64_t now_ms, struct driver_outbox *outbox) {
    dialer_connected(&scheduler->dialer);
    scheduler->phase = PHASE_SUBSCRIBING;
    scheduler->heard_ms = now_ms;
    scheduler->silence_ms = SCHEDULER_SUBSCRIBE_MS;
    send_subscribe(scheduler, outbox);
}

/* --- events of the master --- */

static void subscribed(struct scheduler *scheduler, const Mesos__V1__Scheduler__Event *event,
                       int64_t now_ms, struct driver_outbox *outbox) {
    double seconds = event->subscribed->has_heartbeat_interval_seconds
                         ? event->subscribed->heartbeat_interval_seconds
                         : 0;
    scheduler->silence_ms = seconds >= 1 && seconds <= 3600
                                ? (int64_t)(seconds * 1000) * SCHEDULER_SILENT_HEARTBEATS
                                : INT64_MAX;
    scheduler->phase = PHASE_SUBSCRIBED;
    dialer_proven(&scheduler->dialer, now_ms);
    framework_wish_set_id(&scheduler->wish, event->subscribed->framework_id->value);
    if (scheduler->is_stopping) {
        send_teardown(scheduler, outbox);
        return;
    }
    send_demand(scheduler, outbox);
    if (scheduler->wish_is_newer)
        send_newer_wish(scheduler, outbox);
    send_kept(scheduler, outbox);
    tell(scheduler, outbox,
         (struct driver_callback){.kind = scheduler->was_registered ? CALLBACK_REREGISTERED
                                                                    : CALLBACK_REGISTERED,
                                  .event = event});
    scheduler->was_registered = true;
}

static void refused(struct scheduler *scheduler, const Mesos__V1__Scheduler__Event *event,
                    struct driver_outbox *outbox) {
    tell(scheduler, outbox,
         (struct driver_callback){.kind = CALLBACK_ERROR, .message = event->error->message});
    finish(scheduler, outbox);
}

static void updated(struct scheduler *scheduler, const Mesos__V1__TaskStatus *status,
                    struct driver_outbox *outbox) {
    if (scheduler->is_stopping)
        return;
    tell(scheduler, outbox,
         (struct driver_callback){.kind = CALLBACK_STATUS_UPDATE, .status = status});
    if (scheduler->acknowledges && status->has_uuid && status->uuid.len > 0 &&
        status->agent_id != NULL)
        send_acknowledge(scheduler, status, outbox);
}

/* The callback that an event is, 0 for one without its part, of a kind that has none or not known.
 */
static int callback_of(const Mesos__V1__Scheduler__Event *event) {
    switch ((int)event->type) {
    case MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS:
        return event->offers != NULL && event->offers->n_offers > 0 ? CALLBACK_OFFERS : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__INVERSE_OFFERS:
        return event->inverse_offers != NULL && event->inverse_offers->n_inverse_offers > 0
                   ? CALLBACK_INVERSE_OFFERS
                   : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__RESCIND:
        return event->rescind != NULL ? CALLBACK_OFFER_RESCINDED : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__RESCIND_INVERSE_OFFER:
        return event->rescind_inverse_offer != NULL ? CALLBACK_INVERSE_OFFER_RESCINDED : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__REQUEST_STATUS:
        return event->request_status != NULL ? CALLBACK_REQUEST_STATUS : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__CALL_REFUSED:
        return event->call_refused != NULL ? CALLBACK_CALL_REFUSED : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS:
        return event->update_operation_status != NULL ? CALLBACK_OPERATION_STATUS : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__MESSAGE:
        return event->message != NULL ? CALLBACK_FRAMEWORK_MESSAGE : 0;
    case MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE:
        if (event->failure == NULL || event->failure->agent_id == NULL)
            return 0;
        return event->failure->executor_id != NULL ? CALLBACK_EXECUTOR_LOST : CALLBACK_AGENT_LOST;
    }
    return 0;
}

static void take_event(struct scheduler *scheduler, const Mesos__V1__Scheduler__Event *event,
                       int64_t now_ms, struct driver_outbox *outbox) {
    if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR && event->error != NULL)
        refused(scheduler, event, outbox);
    else if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED &&
             event->subscribed != NULL && scheduler->phase == PHASE_SUBSCRIBING)
        subscribed(scheduler, event, now_ms, outbox);
    else if (scheduler->phase != PHASE_SUBSCRIBED)
        return;
    else if (event->type == MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE && event->update != NULL)
        updated(scheduler, event->update->status, outbox);
    else if (callback_of(event) != 0)
        tell(scheduler, outbox,
             (struct driver_callback){.kind = (enum driver_callback_kind)callback_of(event),
                                      .event = event});
}

static void take_frame(struct scheduler *scheduler, const struct driver_event *event,
                       struct driver_outbox *outbox) {
    struct error error = {0};
    scheduler->heard_ms = event->now_ms;
    if (event->frame.type == FRAME_CHANNEL) {
        if (!scheduler->is_stopping &&
            !channels_take(&scheduler->channels, event->frame.payload, outbox, &error))
            leave_master(scheduler, error.message, event->now_ms, outbox);
        return;
    }
    /* A newer peer may have more to say than we know. */
    if (event->frame.type != FRAME_SCHEDULER_EVENT)
        return;
    Mesos__V1__Scheduler__Event *message = (Mesos__V1__Scheduler__Event *)outbox_unpack(
        outbox, &mesos__v1__scheduler__event__descriptor, event->frame.payload, &error);
    if (message == NULL)
        leave_master(scheduler, error.message, event->now_ms, outbox);
    else
        take_event(scheduler, message, event->now_ms, outbox);
}

/* --- the rest --- */

static void stop(struct scheduler *scheduler, const struct driver_event *event,
                 struct driver_outbox *outbox) {
    bool is_unknown = framework_wish_id(&scheduler->wish) == NULL;
    if (event->failover || (is_unknown && scheduler->phase == PHASE_SEEKING)) {
        finish(scheduler, outbox);
        return;
    }
    scheduler->is_stopping = true;
    scheduler->heard_ms = event->now_ms;
    scheduler->stop_deadline_ms = event->now_ms + SCHEDULER_STOP_MS;
    dialer_hurry(&scheduler->dialer, SCHEDULER_STOP_PAUSE_MS, event->now_ms);
    if (scheduler->phase == PHASE_SUBSCRIBED)
        send_teardown(scheduler, outbox);
}

static void read_output(struct scheduler *scheduler, const struct output_request *request,
                        struct driver_outbox *outbox) {
    if (scheduler->phase == PHASE_SUBSCRIBED)
        channels_open(&scheduler->channels, request, outbox);
    else if (!scheduler->is_stopping)
        channels_refuse(request->channel, MESOS_OUTPUT_UNAVAILABLE, "the master is not connected",
                        outbox);
}

static void handle(struct scheduler *scheduler, const struct driver_event *event,
                   struct driver_outbox *outbox) {
    switch (event->kind) {
    case DRIVER_EVENT_START: dialer_begin(&scheduler->dialer, event->now_ms); break;
    case DRIVER_EVENT_TICK: break;
    case DRIVER_EVENT_CONNECTED: connected(scheduler, event->now_ms, outbox); break;
    case DRIVER_EVENT_CONNECT_FAILED: fail_attempt(scheduler, event, outbox); break;
    case DRIVER_EVENT_REDIRECTED:
        dialer_redirected(&scheduler->dialer, event->text, event->now_ms);
        break;
    case DRIVER_EVENT_MASTER_FOUND: found_master(scheduler, event, outbox); break;
    case DRIVER_EVENT_FIND_FAILED:
        if (scheduler->phase == PHASE_SEEKING)
            tell(scheduler, outbox,
                 (struct driver_callback){.kind = CALLBACK_CONNECT_FAILED,
                                          .message = arena_string(outbox->arena, event->text)});
        break;
    case DRIVER_EVENT_CLOSED: lose_connection(scheduler, event->text, event->now_ms, outbox); break;
    case DRIVER_EVENT_FRAME: take_frame(scheduler, event, outbox); break;
    case DRIVER_EVENT_CALL:
        if (!scheduler->is_stopping)
            take_call(scheduler, event, outbox);
        break;
    case DRIVER_EVENT_CALL_LOST: drop(scheduler, event->call.type, event->call.why, outbox); break;
    case DRIVER_EVENT_READ_OUTPUT: read_output(scheduler, &event->output, outbox); break;
    case DRIVER_EVENT_CANCEL_OUTPUT:
        if (!scheduler->is_stopping)
            channels_cancel(&scheduler->channels, event->channel, outbox);
        break;
    case DRIVER_EVENT_STOP: stop(scheduler, event, outbox); break;
    case DRIVER_EVENT_ABORT: finish(scheduler, outbox); break;
    }
}

/* When a silent master is left; INT64_MAX: not. */
static int64_t silence_deadline_ms(const struct scheduler *scheduler) {
    bool is_up = scheduler->phase == PHASE_SUBSCRIBING || scheduler->phase == PHASE_SUBSCRIBED;
    if (is_up && scheduler->is_stopping)
        return scheduler->heard_ms + SCHEDULER_STOP_SILENCE_MS;
    if (!is_up || scheduler->silence_ms == INT64_MAX)
        return INT64_MAX;
    return scheduler->heard_ms + scheduler->silence_ms;
}

void scheduler_step(struct scheduler *scheduler, const struct driver_event *event,
                    struct driver_outbox *outbox) {
    if (scheduler->phase == PHASE_DONE)
        return;
    handle(scheduler, event, outbox);
    if (scheduler->phase == PHASE_DONE)
        return;
    if (scheduler->is_stopping && event->now_ms >= scheduler->stop_deadline_ms) {
        finish(scheduler, outbox);
        return;
    }
    if (event->now_ms >= silence_deadline_ms(scheduler))
        leave_master(scheduler,
                     scheduler->phase == PHASE_SUBSCRIBED ? "the master fell silent"
                                                          : "the master does not answer SUBSCRIBE",
                     event->now_ms, outbox);
    const char *address = dialer_take(&scheduler->dialer, event->now_ms);
    if (address != NULL && scheduler->phase != PHASE_DONE)
        VEC_PUSH(&outbox->effects, (struct driver_effect){.kind = DRIVER_EFFECT_CONNECT,
                                                          .address = text_of(address)});
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t scheduler_deadline_ms(const struct scheduler *scheduler) {
    if (scheduler->phase == PHASE_DONE)
        return INT64_MAX;
    int64_t deadline =
        least(dialer_deadline_ms(&scheduler->dialer), silence_deadline_ms(scheduler));
    return scheduler->is_stopping ? least(deadline, scheduler->stop_deadline_ms) : deadline;
}
