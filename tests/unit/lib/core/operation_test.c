/*
 * Operations on resources through the driver's core: what became of them, and asking for it.
 */
#include "lib/core/scheduler.h"

#include "tests/unit/lib/core/stage.h"

typedef Mesos__V1__Scheduler__Event event_type;

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    scheduler_step(core, event, outbox);
}

static void begin(struct stage *stage) {
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "test";
    info.user = "nobody";
    struct scheduler_settings settings = {.masters = TEXT("m:5050"), .framework = &info, .seed = 7};
    stage_init(stage, scheduler_new(&settings), step);
    stage_tell(stage, DRIVER_EVENT_START);
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
}

static void subscribe(struct stage *stage) {
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    id.value = "f-1";
    Mesos__V1__Scheduler__Event__Subscribed subscribed =
        MESOS__V1__SCHEDULER__EVENT__SUBSCRIBED__INIT;
    subscribed.framework_id = &id;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED;
    event.subscribed = &subscribed;
    stage_frame(stage, FRAME_SCHEDULER_EVENT, &event.base);
}

static void end(struct stage *stage) {
    scheduler_free(stage->core);
    stage_fini(stage);
}

TEST(what_became_of_an_operation_is_handed_on_and_not_acknowledged) {
    struct stage stage;
    begin(&stage);
    subscribe(&stage);
    Mesos__V1__OperationID id = MESOS__V1__OPERATION_ID__INIT;
    Mesos__V1__OperationStatus status = MESOS__V1__OPERATION_STATUS__INIT;
    Mesos__V1__Scheduler__Event__UpdateOperationStatus update =
        MESOS__V1__SCHEDULER__EVENT__UPDATE_OPERATION_STATUS__INIT;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    id.value = "reserve-1";
    status.operation_id = &id;
    status.state = MESOS__V1__OPERATION_STATE__OPERATION_FINISHED;
    update.status = &status;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS;
    event.update_operation_status = &update;

    stage_frame(&stage, FRAME_SCHEDULER_EVENT, &event.base);

    const struct driver_callback *callback = stage_callback(&stage, CALLBACK_OPERATION_STATUS);
    const Mesos__V1__OperationStatus *heard = callback->event->update_operation_status->status;
    assert_string_equal(heard->operation_id->value, "reserve-1");
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(a_reconciliation_of_operations_waits_for_the_registration) {
    struct stage stage;
    begin(&stage);
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__ReconcileOperations reconcile =
        MESOS__V1__SCHEDULER__CALL__RECONCILE_OPERATIONS__INIT;
    call.has_type = true;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS;
    call.reconcile_operations = &reconcile;
    stage_call(&stage, MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS, &call.base);

    subscribe(&stage);

    const Mesos__V1__Scheduler__Call *sent =
        stage_sent(&stage, FRAME_SCHEDULER_CALL, &mesos__v1__scheduler__call__descriptor, 0);
    assert_int_equal(sent->type, MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS);
    end(&stage);
}
