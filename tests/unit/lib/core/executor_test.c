#include "lib/core/executor.h"

#include "tests/unit/lib/core/stage.h"
#include "tests/unit/lib/messages.h"

typedef Mesos__V1__Executor__Call call_type;

enum { RECOVERY_MS = 60000, GRACE_MS = 5000 };

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    executor_step(core, event, outbox);
}

static void begin(struct stage *stage, bool checkpoint) {
    struct executor_settings settings = {
        .agent = TEXT("a:5051"),
        .framework_id = TEXT("f-1"),
        .executor_id = TEXT("e-1"),
        .checkpoint = checkpoint,
        .recovery_timeout_ms = RECOVERY_MS,
        .shutdown_grace_ms = GRACE_MS,
        .seed = 3,
    };
    stage_init(stage, executor_core_new(&settings), step);
    stage_tell(stage, DRIVER_EVENT_START);
}

static void end(struct stage *stage) {
    executor_core_free(stage->core);
    stage_fini(stage);
}

static void subscribe(struct stage *stage) {
    stage_frame(stage, FRAME_EXECUTOR_EVENT, message_executor_subscribed());
}

static void begin_subscribed(struct stage *stage, bool checkpoint) {
    begin(stage, checkpoint);
    stage_tell(stage, DRIVER_EVENT_CONNECTED);
    subscribe(stage);
}

static call_type *sent(struct stage *stage, size_t n) {
    return stage_sent(stage, FRAME_EXECUTOR_CALL, &mesos__v1__executor__call__descriptor, n);
}

static void launch(struct stage *stage, const char *id) {
    stage_frame(stage, FRAME_EXECUTOR_EVENT, message_executor_launch(id));
}

static void update(struct stage *stage, const char *id, Mesos__V1__TaskState state) {
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.task_id = message_task_id(id);
    status.state = state;
    stage_call(stage, MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE, &status.base);
}

static void acknowledge(struct stage *stage, const char *id, const uint8_t uuid[16]) {
    ProtobufCBinaryData bytes = {16, (uint8_t *)uuid};
    stage_frame(stage, FRAME_EXECUTOR_EVENT,
                message_executor_acknowledged(message_task_id(id), bytes));
}

static void shut_down(struct stage *stage) {
    stage_frame(stage, FRAME_EXECUTOR_EVENT,
                &message_executor_event(MESOS__V1__EXECUTOR__EVENT__TYPE__SHUTDOWN)->base);
}

TEST(an_executor_subscribes_with_its_ids) {
    struct stage stage;
    begin(&stage, true);
    stage_assert_dials(&stage, "a:5051");

    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    assert_int_equal(sent(&stage, 0)->type, MESOS__V1__EXECUTOR__CALL__TYPE__SUBSCRIBE);
    assert_string_equal(sent(&stage, 0)->framework_id->value, "f-1");
    assert_string_equal(sent(&stage, 0)->executor_id->value, "e-1");
    end(&stage);
}

TEST(an_update_goes_out_with_what_the_driver_knows) {
    struct stage stage;
    begin_subscribed(&stage, true);

    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_RUNNING);

    Mesos__V1__TaskStatus *status = sent(&stage, 0)->update->status;
    assert_int_equal(status->uuid.len, 16);
    assert_int_equal(status->source, MESOS__V1__TASK_STATUS__SOURCE__SOURCE_EXECUTOR);
    assert_string_equal(status->executor_id->value, "e-1");
    assert_true(status->timestamp > 1499);
    end(&stage);
}

TEST(a_returning_agent_gets_unacknowledged_tasks_and_updates_under_their_uuids) {
    struct stage stage;
    uint8_t uuid[16];
    begin_subscribed(&stage, true);
    launch(&stage, "t-1");
    launch(&stage, "t-2");
    update(&stage, "t-2", MESOS__V1__TASK_STATE__TASK_RUNNING);
    memcpy(uuid, sent(&stage, 0)->update->status->uuid.data, 16);

    stage_reconnect(&stage);

    Mesos__V1__Executor__Call__Subscribe *subscribe = sent(&stage, 0)->subscribe;
    assert_int_equal(subscribe->n_unacknowledged_tasks, 2);
    assert_int_equal(subscribe->n_unacknowledged_updates, 1);
    assert_memory_equal(subscribe->unacknowledged_updates[0]->status->uuid.data, uuid, 16);
    end(&stage);
}

TEST(what_the_agent_has_acknowledged_is_not_said_again) {
    struct stage stage;
    uint8_t uuid[16];
    begin_subscribed(&stage, true);
    launch(&stage, "t-1");
    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_RUNNING);
    memcpy(uuid, sent(&stage, 0)->update->status->uuid.data, 16);

    acknowledge(&stage, "t-1", uuid);
    stage_reconnect(&stage);

    assert_int_equal(sent(&stage, 0)->subscribe->n_unacknowledged_tasks, 0);
    assert_int_equal(sent(&stage, 0)->subscribe->n_unacknowledged_updates, 0);
    end(&stage);
}

TEST(an_update_of_a_time_without_agent_is_sent_to_the_next) {
    struct stage stage;
    begin_subscribed(&stage, true);
    stage_reconnect(&stage);

    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    subscribe(&stage);

    assert_non_null(stage_callback(&stage, CALLBACK_REREGISTERED));
    assert_int_equal(sent(&stage, 0)->update->status->state, MESOS__V1__TASK_STATE__TASK_FINISHED);
    end(&stage);
}

TEST(without_checkpointing_a_lost_agent_means_shutdown_at_once) {
    struct stage stage;
    begin_subscribed(&stage, false);

    stage_tell(&stage, DRIVER_EVENT_CLOSED);

    assert_non_null(stage_callback(&stage, CALLBACK_DISCONNECTED));
    assert_non_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    end(&stage);
}

TEST(with_checkpointing_the_recovery_timeout_means_shutdown_and_the_grace_period_the_end) {
    struct stage stage;
    begin_subscribed(&stage, true);
    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    int64_t lost_ms = stage.now_ms;

    stage_wait(&stage, lost_ms + RECOVERY_MS - 1);
    assert_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    stage_wait(&stage, lost_ms + RECOVERY_MS);
    assert_non_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    stage_wait(&stage, lost_ms + RECOVERY_MS + GRACE_MS);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_END_PROCESS), 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(a_shutdown_is_told_once_and_a_stop_within_the_grace_period_is_an_orderly_end) {
    struct stage stage;
    begin_subscribed(&stage, true);

    shut_down(&stage);
    assert_non_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    shut_down(&stage);
    assert_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    stage_tell(&stage, DRIVER_EVENT_STOP);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_END_PROCESS), 0);
    end(&stage);
}

TEST(a_stop_waits_for_the_acknowledgement_of_the_last_update) {
    struct stage stage;
    uint8_t uuid[16];
    begin_subscribed(&stage, true);
    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_FINISHED);
    memcpy(uuid, sent(&stage, 0)->update->status->uuid.data, 16);

    stage_tell(&stage, DRIVER_EVENT_STOP);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 0);
    acknowledge(&stage, "t-1", uuid);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(a_stop_does_not_wait_for_ever) {
    struct stage stage;
    begin_subscribed(&stage, true);
    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_FINISHED);

    stage_tell(&stage, DRIVER_EVENT_STOP);
    assert_int_equal(executor_deadline_ms(stage.core), stage.now_ms + EXECUTOR_STOP_MS);
    stage_wait(&stage, stage.now_ms + EXECUTOR_STOP_MS);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(an_executor_that_says_staging_is_ended) {
    struct stage stage;
    begin_subscribed(&stage, true);

    update(&stage, "t-1", MESOS__V1__TASK_STATE__TASK_STAGING);

    assert_non_null(stage_callback(&stage, CALLBACK_ERROR));
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 1);
    end(&stage);
}

TEST(an_agent_that_never_answers_is_given_up) {
    struct stage stage;
    begin(&stage, true);
    stage_tell(&stage, DRIVER_EVENT_CONNECT_FAILED);

    stage_wait(&stage, stage.now_ms + EXECUTOR_FIRST_MS);

    assert_non_null(stage_callback(&stage, CALLBACK_SHUTDOWN));
    end(&stage);
}

TEST(an_event_that_is_none_costs_the_connection) {
    struct stage stage;
    begin_subscribed(&stage, true);

    stage_feed(&stage, (struct driver_event){.kind = DRIVER_EVENT_FRAME,
                                             .frame = {FRAME_EXECUTOR_EVENT, TEXT("\xff\xff")}});

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    end(&stage);
}
