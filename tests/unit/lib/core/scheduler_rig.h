/*
 * The scheduler's core on a stage, and what a master and a framework say to it.
 */
#pragma once

#include "lib/core/scheduler.h"

#include "lib/core/channels.h"
#include "tests/unit/lib/core/stage.h"
#include "tests/unit/lib/messages.h"

#define RIG static __attribute__((unused)) /* each test needs some of them */

typedef Mesos__V1__Scheduler__Call call_type;
typedef Mesos__V1__Scheduler__Event event_type;

#define CALL_TYPE(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name

RIG void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    scheduler_step(core, event, outbox);
}

struct choices {
    const char *id;
    bool explicit_acknowledgements, partition_aware;
    bool has_no_roles; /* else in "blue" and "green" */
    const char *masters;
};

RIG void begin(struct stage *stage, struct choices choices) {
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    id.value = (char *)choices.id;
    Mesos__V1__FrameworkInfo__Capability capability = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__INIT;
    capability.has_type = true;
    capability.type = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    Mesos__V1__FrameworkInfo__Capability *capabilities[] = {&capability};
    char *roles[] = {"blue", "green"};
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "test";
    info.user = "nobody";
    info.roles = roles;
    info.n_roles = choices.has_no_roles ? 0 : 2;
    info.id = choices.id != NULL ? &id : NULL;
    info.capabilities = capabilities;
    info.n_capabilities = choices.partition_aware ? 1 : 0;
    struct scheduler_settings settings = {
        .masters = text_of(choices.masters != NULL ? choices.masters : "m:5050"),
        .framework = &info,
        .explicit_acknowledgements = choices.explicit_acknowledgements,
        .seed = 7,
    };
    stage_init(stage, scheduler_new(&settings), step);
    stage_tell(stage, DRIVER_EVENT_START);
}

RIG void end(struct stage *stage) {
    scheduler_free(stage->core);
    stage_fini(stage);
}

RIG void send_event(struct stage *stage, event_type *event) {
    event->has_type = true;
    stage_frame(stage, FRAME_SCHEDULER_EVENT, &event->base);
}

RIG void subscribe(struct stage *stage) {
    stage_frame(stage, FRAME_SCHEDULER_EVENT, message_subscribed(15));
}

RIG void send_error(struct stage *stage, const char *message) {
    Mesos__V1__Scheduler__Event__Error error = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR;
    error.message = (char *)message;
    event.error = &error;
    send_event(stage, &event);
}

RIG void begin_subscribed(struct stage *stage, struct choices choices) {
    begin(stage, choices);
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
    subscribe(stage);
}

RIG call_type *sent(struct stage *stage, size_t n) {
    return stage_sent(stage, FRAME_SCHEDULER_CALL, &mesos__v1__scheduler__call__descriptor, n);
}

RIG void send_update(struct stage *stage, const char *uuid) {
    stage_frame(stage, FRAME_SCHEDULER_EVENT, message_update("t-1", uuid));
}

RIG void send_call(struct stage *stage, int type, call_type *call) {
    call->has_type = true;
    call->type = (Mesos__V1__Scheduler__Call__Type)type;
    stage_call(stage, type, &call->base);
}

RIG void call_kill(struct stage *stage, const char *task_id) {
    Mesos__V1__Scheduler__Call__Kill kill = MESOS__V1__SCHEDULER__CALL__KILL__INIT;
    kill.task_id = message_task_id(task_id);
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.kill = &kill;
    send_call(stage, CALL_TYPE(KILL), &call);
}

RIG void call_launch(struct stage *stage, Mesos__V1__TaskInfo *task) {
    Mesos__V1__Offer__Operation__Launch launch = MESOS__V1__OFFER__OPERATION__LAUNCH__INIT;
    launch.task_infos = &task;
    launch.n_task_infos = 1;
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    operation.has_type = true;
    operation.type = MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH;
    operation.launch = &launch;
    Mesos__V1__Offer__Operation *operations[] = {&operation};
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    accept.operations = operations;
    accept.n_operations = 1;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.accept = &accept;
    send_call(stage, CALL_TYPE(ACCEPT), &call);
}

RIG void call_roles(struct stage *stage, bool suppresses, char *role) {
    char *roles[] = {role};
    Mesos__V1__Scheduler__Call__Suppress suppress = MESOS__V1__SCHEDULER__CALL__SUPPRESS__INIT;
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    suppress.roles = revive.roles = roles;
    suppress.n_roles = revive.n_roles = role != NULL ? 1 : 0;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    if (suppresses)
        call.suppress = &suppress;
    else
        call.revive = &revive;
    send_call(stage, suppresses ? CALL_TYPE(SUPPRESS) : CALL_TYPE(REVIVE), &call);
}

RIG void call_update_framework(struct stage *stage, Mesos__V1__FrameworkInfo *info) {
    Mesos__V1__Scheduler__Call__UpdateFramework update =
        MESOS__V1__SCHEDULER__CALL__UPDATE_FRAMEWORK__INIT;
    update.framework_info = info;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.update_framework = &update;
    send_call(stage, CALL_TYPE(UPDATE_FRAMEWORK), &call);
}

RIG void call_empty(struct stage *stage, int type) {
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    send_call(stage, type, &call);
}

RIG void stop(struct stage *stage, bool failover) {
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_STOP, .failover = failover});
}
