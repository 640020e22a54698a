#include "tests/unit/lib/core/scheduler_rig.h"

/* --- subscribing --- */

TEST(a_start_dials_and_a_connection_subscribes) {
    struct stage stage;
    begin(&stage, (struct choices){0});
    stage_assert_dials(&stage, "m:5050");

    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    call_type *call = sent(&stage, 0);
    assert_int_equal(call->type, CALL_TYPE(SUBSCRIBE));
    assert_null(call->framework_id);
    assert_string_equal(call->subscribe->framework_info->name, "test");
    end(&stage);
}

TEST(a_framework_with_an_id_subscribes_under_it) {
    struct stage stage;
    begin(&stage, (struct choices){.id = "f-0"});

    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    assert_string_equal(sent(&stage, 0)->framework_id->value, "f-0");
    assert_string_equal(sent(&stage, 0)->subscribe->framework_info->id->value, "f-0");
    end(&stage);
}

TEST(a_framework_stays_for_a_week_unless_it_says_something_else) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    const Mesos__V1__FrameworkInfo *info = sent(&stage, 0)->subscribe->framework_info;
    assert_true(info->has_failover_timeout);
    assert_true(info->failover_timeout == 7 * 24 * 3600.0);
    end(&stage);
}

TEST(the_first_subscription_is_registered_and_the_next_is_reregistered_with_the_same_id) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    assert_string_equal(
        stage_callback(&stage, CALLBACK_REGISTERED)->event->subscribed->framework_id->value, "f-1");

    stage.now_ms += 5000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    assert_non_null(stage_callback(&stage, CALLBACK_DISCONNECTED));
    stage_assert_dials(&stage, "m:5050");
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_string_equal(sent(&stage, 0)->framework_id->value, "f-1");
    subscribe(&stage);

    assert_null(stage_callback(&stage, CALLBACK_REGISTERED));
    assert_non_null(stage_callback(&stage, CALLBACK_REREGISTERED));
    end(&stage);
}

TEST(a_redirect_is_followed) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    stage_feed(&stage,
               (struct driver_event){.kind = DRIVER_EVENT_REDIRECTED, .text = TEXT("leader:5051")});

    stage_assert_dials(&stage, "leader:5051");
    end(&stage);
}

TEST(a_failed_attempt_is_told_and_the_next_master_tried) {
    struct stage stage;
    begin(&stage, (struct choices){.masters = "m:1,n:2"});

    stage_tell(&stage, DRIVER_EVENT_CONNECT_FAILED);

    assert_string_equal(stage_callback(&stage, CALLBACK_CONNECT_FAILED)->message, "because");
    stage_assert_dials(&stage, "n:2");
    end(&stage);
}

TEST(a_master_that_does_not_answer_the_subscription_is_left) {
    struct stage stage;
    begin(&stage, (struct choices){0});
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_int_equal(scheduler_deadline_ms(stage.core), stage.now_ms + SCHEDULER_SUBSCRIBE_MS);

    stage_wait(&stage, scheduler_deadline_ms(stage.core));

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    assert_null(stage_callback(&stage, CALLBACK_DISCONNECTED));
    end(&stage);
}

TEST(a_master_that_misses_its_heartbeats_is_left) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stage_wait(&stage, stage.now_ms + 15000 * SCHEDULER_SILENT_HEARTBEATS);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    assert_non_null(stage_callback(&stage, CALLBACK_DISCONNECTED));
    end(&stage);
}

/* --- events --- */

TEST(offers_are_handed_on) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stage_frame(&stage, FRAME_SCHEDULER_EVENT, message_offers());

    const struct driver_callback *callback = stage_callback(&stage, CALLBACK_OFFERS);
    assert_string_equal(callback->event->offers->offers[0]->id->value, "o-1");
    end(&stage);
}

TEST(an_update_is_acknowledged_behind_its_callback) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    send_update(&stage, "0123456789abcdef");

    assert_int_equal(stage.outbox.effects.count, 2);
    assert_int_equal(stage.outbox.effects.items[0].callback.kind, CALLBACK_STATUS_UPDATE);
    call_type *call = sent(&stage, 0);
    assert_int_equal(call->type, CALL_TYPE(ACKNOWLEDGE));
    assert_string_equal(call->framework_id->value, "f-1");
    assert_string_equal(call->acknowledge->task_id->value, "t-1");
    assert_memory_equal(call->acknowledge->uuid.data, "0123456789abcdef", 16);
    end(&stage);
}

TEST(an_update_without_uuid_is_not_acknowledged) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    send_update(&stage, NULL);

    assert_non_null(stage_callback(&stage, CALLBACK_STATUS_UPDATE));
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(with_explicit_acknowledgements_the_driver_sends_none) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){.explicit_acknowledgements = true});

    send_update(&stage, "0123456789abcdef");

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(an_update_that_comes_again_is_told_and_acknowledged_again) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    send_update(&stage, "0123456789abcdef");
    send_update(&stage, "0123456789abcdef");

    assert_non_null(stage_callback(&stage, CALLBACK_STATUS_UPDATE));
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 1);
    end(&stage);
}

TEST(a_failure_is_of_an_executor_or_of_an_agent) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    agent.value = "a-1";
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    executor.value = "e-1";
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    failure.agent_id = &agent;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE;
    event.failure = &failure;

    send_event(&stage, &event);
    assert_non_null(stage_callback(&stage, CALLBACK_AGENT_LOST));

    failure.executor_id = &executor;
    send_event(&stage, &event);
    assert_non_null(stage_callback(&stage, CALLBACK_EXECUTOR_LOST));
    end(&stage);
}

TEST(an_error_of_the_master_ends_the_driver) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    send_error(&stage, "Framework failed over");

    assert_string_equal(stage_callback(&stage, CALLBACK_ERROR)->message, "Framework failed over");
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    assert_int_equal(scheduler_deadline_ms(stage.core), INT64_MAX);
    end(&stage);
}

TEST(an_event_that_is_none_costs_the_connection) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stage_feed(&stage, (struct driver_event){
                           .kind = DRIVER_EVENT_FRAME,
                           .frame = {FRAME_SCHEDULER_EVENT, TEXT("\xff\xff\xff garbage")}});

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    assert_non_null(stage_callback(&stage, CALLBACK_DISCONNECTED));
    end(&stage);
}

TEST(frames_and_events_of_a_newer_master_are_passed_over) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;

    stage_feed(&stage,
               (struct driver_event){.kind = DRIVER_EVENT_FRAME, .frame = {999, TEXT("whatever")}});
    assert_int_equal(stage.outbox.effects.count, 0);
    event.type = (Mesos__V1__Scheduler__Event__Type)77;
    send_event(&stage, &event);
    assert_int_equal(stage.outbox.effects.count, 0);
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS;
    send_event(&stage, &event);
    assert_int_equal(stage.outbox.effects.count, 0);
    end(&stage);
}

/* --- the fate of calls --- */

TEST(a_call_is_sent_with_the_framework_id) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    call_kill(&stage, "t-9");

    assert_string_equal(sent(&stage, 0)->framework_id->value, "f-1");
    assert_string_equal(sent(&stage, 0)->kill->task_id->value, "t-9");
    end(&stage);
}

TEST(kills_are_kept_in_order_until_the_subscription) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    call_kill(&stage, "t-1");
    call_kill(&stage, "t-2");
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 1);
    subscribe(&stage);

    assert_string_equal(sent(&stage, 0)->kill->task_id->value, "t-1");
    assert_string_equal(sent(&stage, 1)->kill->task_id->value, "t-2");
    assert_string_equal(sent(&stage, 1)->framework_id->value, "f-1");
    end(&stage);
}

TEST(acknowledgements_reconciliations_and_shutdowns_are_kept_too) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    call_empty(&stage, CALL_TYPE(ACKNOWLEDGE));
    call_empty(&stage, CALL_TYPE(RECONCILE));
    call_empty(&stage, CALL_TYPE(SHUTDOWN));
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(ACKNOWLEDGE));
    assert_int_equal(sent(&stage, 1)->type, CALL_TYPE(RECONCILE));
    assert_int_equal(sent(&stage, 2)->type, CALL_TYPE(SHUTDOWN));
    end(&stage);
}

TEST(one_call_more_than_may_be_kept_is_dropped_aloud) {
    struct stage stage;
    begin(&stage, (struct choices){0});
    for (int i = 0; i < MESOS_SCHEDULER_KEPT_LIMIT; i++)
        call_empty(&stage, CALL_TYPE(RECONCILE));
    assert_null(stage_callback(&stage, CALLBACK_CALL_DROPPED));

    call_empty(&stage, CALL_TYPE(RECONCILE));

    const struct driver_callback *dropped = stage_callback(&stage, CALLBACK_CALL_DROPPED);
    assert_string_equal(dropped->dropped.name, "RECONCILE");
    assert_int_equal(dropped->dropped.why, MESOS_CALL_QUEUE_FULL);
    end(&stage);
}

TEST(what_belongs_to_a_connection_is_dropped_without_one) {
    static const int types[] = {CALL_TYPE(DECLINE), CALL_TYPE(ACCEPT_INVERSE_OFFERS),
                                CALL_TYPE(DECLINE_INVERSE_OFFERS), CALL_TYPE(MESSAGE)};
    struct stage stage;
    begin(&stage, (struct choices){0});

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        call_empty(&stage, types[i]);
        assert_int_equal(stage_callback(&stage, CALLBACK_CALL_DROPPED)->dropped.why,
                         MESOS_CALL_DISCONNECTED);
    }
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    subscribe(&stage);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

static void assert_launch_is_lost(bool partition_aware, Mesos__V1__TaskState state) {
    struct stage stage;
    begin(&stage, (struct choices){.partition_aware = partition_aware});

    call_launch(&stage, message_task("t-1"));

    const Mesos__V1__TaskStatus *status = stage_callback(&stage, CALLBACK_STATUS_UPDATE)->status;
    assert_int_equal(status->state, state);
    assert_string_equal(status->task_id->value, "t-1");
    assert_string_equal(status->agent_id->value, "a-1");
    assert_int_equal(status->reason, MESOS__V1__TASK_STATUS__REASON__REASON_MASTER_DISCONNECTED);
    assert_int_equal(status->source, MESOS__V1__TASK_STATUS__SOURCE__SOURCE_MASTER);
    assert_false(status->has_uuid);
    assert_true(status->timestamp > 1499 && status->timestamp < 1501);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(a_launch_without_a_master_is_lost) {
    assert_launch_is_lost(false, MESOS__V1__TASK_STATE__TASK_LOST);
}

TEST(a_launch_without_a_master_is_dropped_for_who_knows_of_partitions) {
    assert_launch_is_lost(true, MESOS__V1__TASK_STATE__TASK_DROPPED);
}

TEST(a_launch_that_cannot_be_read_is_dropped) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    stage_feed(&stage, (struct driver_event){
                           .kind = DRIVER_EVENT_CALL,
                           .call = {.type = CALL_TYPE(ACCEPT), .encoded = TEXT("\xff\xff")}});

    assert_int_equal(stage_callback(&stage, CALLBACK_CALL_DROPPED)->dropped.why,
                     MESOS_CALL_INVALID);
    end(&stage);
}

TEST(the_last_wish_about_roles_goes_with_every_subscription) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    call_roles(&stage, true, NULL);
    call_roles(&stage, false, "blue");
    call_roles(&stage, true, "of somebody else");
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    call_type *call = sent(&stage, 0);
    assert_int_equal(call->subscribe->n_suppressed_roles, 1);
    assert_string_equal(call->subscribe->suppressed_roles[0], "green");
    end(&stage);
}

TEST(a_wish_is_sent_when_there_is_a_connection_and_holds_after_it) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    call_roles(&stage, true, "blue");
    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(SUPPRESS));
    stage_reconnect(&stage);

    assert_string_equal(sent(&stage, 0)->subscribe->suppressed_roles[0], "blue");
    end(&stage);
}

TEST(a_wish_made_while_subscribing_is_said_when_the_master_has_answered) {
    struct stage stage;
    begin(&stage, (struct choices){0});
    call_roles(&stage, true, NULL);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    call_roles(&stage, false, NULL);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(UPDATE_FRAMEWORK));
    assert_int_equal(sent(&stage, 0)->update_framework->n_suppressed_roles, 0);
    assert_int_equal(sent(&stage, 1)->type, CALL_TYPE(REVIVE));
    end(&stage);
}

TEST(a_new_description_is_subscribed_with_under_the_old_id) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "renamed";
    info.user = "nobody";

    call_update_framework(&stage, &info);
    assert_true(sent(&stage, 0)->update_framework->framework_info->has_failover_timeout);
    stage_reconnect(&stage);

    assert_string_equal(sent(&stage, 0)->subscribe->framework_info->name, "renamed");
    assert_string_equal(sent(&stage, 0)->subscribe->framework_info->id->value, "f-1");
    end(&stage);
}
