#include "lib/core/scheduler.h"

#include "lib/core/channels.h"
#include "tests/unit/lib/core/stage.h"

typedef Mesos__V1__Scheduler__Call call_type;
typedef Mesos__V1__Scheduler__Event event_type;

#define CALL_TYPE(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    scheduler_step(core, event, outbox);
}

struct choices {
    const char *id;
    bool explicit_acknowledgements, partition_aware;
    const char *masters;
};

static void begin(struct stage *stage, struct choices choices) {
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
    info.n_roles = 2;
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

static void end(struct stage *stage) {
    scheduler_free(stage->core);
    stage_fini(stage);
}

static void send_event(struct stage *stage, event_type *event) {
    event->has_type = true;
    stage_frame(stage, FRAME_SCHEDULER_EVENT, &event->base);
}

static void subscribe(struct stage *stage) {
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    id.value = "f-1";
    Mesos__V1__Scheduler__Event__Subscribed subscribed =
        MESOS__V1__SCHEDULER__EVENT__SUBSCRIBED__INIT;
    subscribed.framework_id = &id;
    subscribed.has_heartbeat_interval_seconds = true;
    subscribed.heartbeat_interval_seconds = 15;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED;
    event.subscribed = &subscribed;
    send_event(stage, &event);
}

static void begin_subscribed(struct stage *stage, struct choices choices) {
    begin(stage, choices);
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
    subscribe(stage);
}

static call_type *sent(struct stage *stage, size_t n) {
    return stage_sent(stage, FRAME_SCHEDULER_CALL, &mesos__v1__scheduler__call__descriptor, n);
}

static void send_update(struct stage *stage, const char *uuid) {
    Mesos__V1__TaskID task = MESOS__V1__TASK_ID__INIT;
    task.value = "t-1";
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    agent.value = "a-1";
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.task_id = &task;
    status.agent_id = &agent;
    status.state = MESOS__V1__TASK_STATE__TASK_RUNNING;
    status.has_uuid = uuid != NULL;
    if (uuid != NULL)
        status.uuid = (ProtobufCBinaryData){16, (uint8_t *)uuid};
    Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    update.status = &status;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
    event.update = &update;
    send_event(stage, &event);
}

static void call_kill(struct stage *stage, const char *task_id) {
    Mesos__V1__TaskID task = MESOS__V1__TASK_ID__INIT;
    task.value = (char *)task_id;
    Mesos__V1__Scheduler__Call__Kill kill = MESOS__V1__SCHEDULER__CALL__KILL__INIT;
    kill.task_id = &task;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.has_type = true;
    call.type = CALL_TYPE(KILL);
    call.kill = &kill;
    stage_call(stage, CALL_TYPE(KILL), &call.base);
}

static void call_launch(struct stage *stage) {
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    task_id.value = "t-1";
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    agent_id.value = "a-1";
    Mesos__V1__TaskInfo task = MESOS__V1__TASK_INFO__INIT;
    task.name = "task";
    task.task_id = &task_id;
    task.agent_id = &agent_id;
    Mesos__V1__TaskInfo *tasks[] = {&task};
    Mesos__V1__Offer__Operation__Launch launch = MESOS__V1__OFFER__OPERATION__LAUNCH__INIT;
    launch.task_infos = tasks;
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
    call.has_type = true;
    call.type = CALL_TYPE(ACCEPT);
    call.accept = &accept;
    stage_call(stage, CALL_TYPE(ACCEPT), &call.base);
}

static void call_roles(struct stage *stage, bool suppresses, char *role) {
    char *roles[] = {role};
    Mesos__V1__Scheduler__Call__Suppress suppress = MESOS__V1__SCHEDULER__CALL__SUPPRESS__INIT;
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    suppress.roles = revive.roles = roles;
    suppress.n_roles = revive.n_roles = role != NULL ? 1 : 0;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.has_type = true;
    call.type = suppresses ? CALL_TYPE(SUPPRESS) : CALL_TYPE(REVIVE);
    if (suppresses)
        call.suppress = &suppress;
    else
        call.revive = &revive;
    stage_call(stage, (int)call.type, &call.base);
}

static void call_empty(struct stage *stage, int type) {
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.has_type = true;
    call.type = (Mesos__V1__Scheduler__Call__Type)type;
    stage_call(stage, type, &call.base);
}

static void stop(struct stage *stage, bool failover) {
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_STOP, .failover = failover});
}

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
    Mesos__V1__OfferID id = MESOS__V1__OFFER_ID__INIT;
    id.value = "o-1";
    Mesos__V1__FrameworkID framework = MESOS__V1__FRAMEWORK_ID__INIT;
    framework.value = "f-1";
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    agent.value = "a-1";
    Mesos__V1__Offer offer = MESOS__V1__OFFER__INIT;
    offer.id = &id;
    offer.framework_id = &framework;
    offer.agent_id = &agent;
    offer.hostname = "h";
    Mesos__V1__Offer *list[] = {&offer};
    Mesos__V1__Scheduler__Event__Offers offers = MESOS__V1__SCHEDULER__EVENT__OFFERS__INIT;
    offers.offers = list;
    offers.n_offers = 1;
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS;
    event.offers = &offers;

    send_event(&stage, &event);

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
    Mesos__V1__Scheduler__Event__Error body = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    body.message = "Framework failed over";
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR;
    event.error = &body;

    send_event(&stage, &event);

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

    call_launch(&stage);

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
    stage.now_ms += 5000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

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
    Mesos__V1__Scheduler__Call__UpdateFramework update =
        MESOS__V1__SCHEDULER__CALL__UPDATE_FRAMEWORK__INIT;
    update.framework_info = &info;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.has_type = true;
    call.type = CALL_TYPE(UPDATE_FRAMEWORK);
    call.update_framework = &update;

    stage_call(&stage, CALL_TYPE(UPDATE_FRAMEWORK), &call.base);
    assert_true(sent(&stage, 0)->update_framework->framework_info->has_failover_timeout);
    stage.now_ms += 5000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    assert_string_equal(sent(&stage, 0)->subscribe->framework_info->name, "renamed");
    assert_string_equal(sent(&stage, 0)->subscribe->framework_info->id->value, "f-1");
    end(&stage);
}

/* --- the end --- */

TEST(a_stop_for_failover_says_nothing) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stop(&stage, true);

    assert_int_equal(stage.outbox.effects.count, 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

static void say_torn_down(struct stage *stage) {
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Error error = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR;
    error.message = "Framework has been torn down";
    event.error = &error;
    send_event(stage, &event);
}

TEST(a_stop_tears_down_and_waits_until_the_master_says_that_it_is_done) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stop(&stage, false);
    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(TEARDOWN));
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 0);
    send_update(&stage, "0123456789abcdef");
    assert_int_equal(stage.outbox.effects.count, 0);
    say_torn_down(&stage);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    assert_null(stage_callback(&stage, CALLBACK_ERROR));
    end(&stage);
}

TEST(a_teardown_whose_master_died_is_said_to_the_next) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    stop(&stage, false);
    stage.now_ms += 2000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 0);

    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(TEARDOWN));
    say_torn_down(&stage);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(a_stop_without_a_master_looks_for_one_to_tear_down) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    stage.now_ms += 5000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);

    stop(&stage, false);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(TEARDOWN));
    assert_null(stage_callback(&stage, CALLBACK_REREGISTERED));
    end(&stage);
}

TEST(a_stop_gives_up_in_time) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    stage.now_ms += 5000;
    stage_tell(&stage, DRIVER_EVENT_CLOSED);

    stop(&stage, false);
    assert_true(scheduler_deadline_ms(stage.core) <= stage.now_ms + SCHEDULER_STOP_MS);
    stage_wait(&stage, stage.now_ms + SCHEDULER_STOP_MS);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(a_stop_of_a_framework_that_nobody_knows_is_at_once) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    stop(&stage, false);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(an_abort_is_at_once_and_nothing_follows) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});

    stage_tell(&stage, DRIVER_EVENT_ABORT);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    send_update(&stage, "0123456789abcdef");

    assert_int_equal(stage.outbox.effects.count, 0);
    end(&stage);
}

/* --- output --- */

static void read_output(struct stage *stage, uint64_t channel) {
    stage_feed(stage, (struct driver_event){.kind = DRIVER_EVENT_READ_OUTPUT,
                                            .output = {.channel = channel,
                                                       .task_id = "t-1",
                                                       .stream = MESOS_OUTPUT_STDOUT,
                                                       .offset = 10}});
}

static void send_data(struct stage *stage, uint64_t channel, uint64_t offset, size_t size) {
    uint8_t *bytes = calloc(1, size + 1);
    Mesos__Internal__ChannelMessage__Data data = MESOS__INTERNAL__CHANNEL_MESSAGE__DATA__INIT;
    data.offset = offset;
    data.bytes = (ProtobufCBinaryData){size, bytes};
    Mesos__Internal__ChannelMessage message = MESOS__INTERNAL__CHANNEL_MESSAGE__INIT;
    message.kind = MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__DATA;
    message.channel = channel;
    message.data = &data;
    stage_frame(stage, FRAME_CHANNEL, &message.base);
    free(bytes);
}

static Mesos__Internal__ChannelMessage *sent_channel(struct stage *stage, size_t n) {
    return stage_sent(stage, FRAME_CHANNEL, &mesos__internal__channel_message__descriptor, n);
}

TEST(a_channel_gets_its_window_back_behind_what_filled_it) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    read_output(&stage, 4);
    assert_int_equal(sent_channel(&stage, 0)->open->window_bytes, CHANNEL_WINDOW_BYTES);
    assert_int_equal(sent_channel(&stage, 0)->open->offset, 10);

    send_data(&stage, 4, 10, CHANNEL_WINDOW_BYTES / 2 - 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    send_data(&stage, 4, 10 + CHANNEL_WINDOW_BYTES / 2 - 1, 1);

    assert_int_equal(stage.outbox.effects.items[0].callback.output.byte_count, 1);
    assert_int_equal(sent_channel(&stage, 0)->window_bytes, CHANNEL_WINDOW_BYTES / 2);
    end(&stage);
}

TEST(more_than_the_window_ends_the_channel) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    read_output(&stage, 4);

    send_data(&stage, 4, 10, CHANNEL_WINDOW_BYTES + 1);

    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_ERROR);
    assert_int_equal(sent_channel(&stage, 0)->kind, MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__CLOSE);
    end(&stage);
}

TEST(the_end_of_a_channel_is_told_once) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    read_output(&stage, 4);
    Mesos__Internal__ChannelMessage__Close close = MESOS__INTERNAL__CHANNEL_MESSAGE__CLOSE__INIT;
    close.end = MESOS__INTERNAL__CHANNEL_MESSAGE__END__COMPLETE;
    Mesos__Internal__ChannelMessage message = MESOS__INTERNAL__CHANNEL_MESSAGE__INIT;
    message.kind = MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__CLOSE;
    message.channel = 4;
    message.close = &close;

    stage_frame(&stage, FRAME_CHANNEL, &message.base);
    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_COMPLETE);
    stage_frame(&stage, FRAME_CHANNEL, &message.base);
    assert_int_equal(stage.outbox.effects.count, 0);
    send_data(&stage, 4, 10, 5);

    assert_int_equal(stage.outbox.effects.count, 0);
    end(&stage);
}

TEST(a_lost_connection_ends_every_channel) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    read_output(&stage, 4);
    read_output(&stage, 5);
    send_data(&stage, 5, 10, 7);

    stage_tell(&stage, DRIVER_EVENT_CLOSED);

    const struct mesos_output *first = &stage.outbox.effects.items[0].callback.output;
    const struct mesos_output *second = &stage.outbox.effects.items[1].callback.output;
    assert_int_equal(first->end, MESOS_OUTPUT_UNAVAILABLE);
    assert_int_equal(second->end, MESOS_OUTPUT_UNAVAILABLE);
    assert_int_equal(second->offset, 17);
    end(&stage);
}

TEST(output_without_a_master_is_unavailable) {
    struct stage stage;
    begin(&stage, (struct choices){0});

    read_output(&stage, 4);

    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_UNAVAILABLE);
    end(&stage);
}

TEST(a_cancelled_channel_says_so_both_ways) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    read_output(&stage, 4);

    stage_feed(&stage, (struct driver_event){.kind = DRIVER_EVENT_CANCEL_OUTPUT, .channel = 4});

    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_CANCELLED);
    assert_int_equal(sent_channel(&stage, 0)->close->end,
                     MESOS__INTERNAL__CHANNEL_MESSAGE__END__CANCELLED);
    end(&stage);
}
