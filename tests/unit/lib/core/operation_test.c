/*
 * Operations on resources through the driver's core: what became of them, and asking for it.
 */
#include "tests/unit/lib/core/scheduler_rig.h"

static void begin_connected(struct stage *stage) {
    begin(stage, (struct choices){0});
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
}

TEST(what_became_of_an_operation_is_handed_on_and_not_acknowledged) {
    struct stage stage;
    begin_connected(&stage);
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
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS;
    event.update_operation_status = &update;

    send_event(&stage, &event);

    const struct driver_callback *callback = stage_callback(&stage, CALLBACK_OPERATION_STATUS);
    const Mesos__V1__OperationStatus *heard = callback->event->update_operation_status->status;
    assert_string_equal(heard->operation_id->value, "reserve-1");
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(a_reconciliation_of_operations_waits_for_the_registration) {
    struct stage stage;
    begin_connected(&stage);
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__ReconcileOperations reconcile =
        MESOS__V1__SCHEDULER__CALL__RECONCILE_OPERATIONS__INIT;
    call.reconcile_operations = &reconcile;
    send_call(&stage, CALL_TYPE(RECONCILE_OPERATIONS), &call);

    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(RECONCILE_OPERATIONS));
    end(&stage);
}
