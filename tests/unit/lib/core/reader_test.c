#include "lib/core/reader.h"

#include "tests/unit/lib/core/stage.h"

enum { TIMEOUT_MS = 10000 };

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    reader_step(core, event, outbox);
}

static void begin(struct stage *stage) {
    stage_init(stage, reader_new(TEXT("m:5050"), TIMEOUT_MS, 5), step);
    stage_tell(stage, DRIVER_EVENT_START);
}

static void end(struct stage *stage) {
    reader_free(stage->core);
    stage_fini(stage);
}

static void ask(struct stage *stage, uint64_t channel) {
    char task[] = "t-1";
    stage_feed(stage,
               (struct driver_event){
                   .kind = DRIVER_EVENT_READ_OUTPUT,
                   .output = {.channel = channel, .task_id = task, .stream = MESOS_OUTPUT_STDERR}});
    task[0] = '?';
}

static const Mesos__Internal__ChannelMessage *sent(struct stage *stage, size_t n) {
    return stage_sent(stage, FRAME_CHANNEL, &mesos__internal__channel_message__descriptor, n);
}

TEST(a_reader_dials_when_somebody_asks_and_not_before) {
    struct stage stage;
    begin(&stage);
    assert_int_equal(stage.outbox.effects.count, 0);
    assert_int_equal(reader_deadline_ms(stage.core), INT64_MAX);

    ask(&stage, 1);
    stage_assert_dials(&stage, "m:5050");
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    assert_string_equal(sent(&stage, 0)->open->task_id, "t-1");
    assert_int_equal(sent(&stage, 0)->open->stream,
                     MESOS__INTERNAL__CHANNEL_MESSAGE__STREAM__STDERR);
    end(&stage);
}

TEST(a_request_that_finds_no_master_in_time_is_told_why) {
    struct stage stage;
    begin(&stage);
    ask(&stage, 1);
    stage_tell(&stage, DRIVER_EVENT_CONNECT_FAILED);

    stage_wait(&stage, stage.now_ms + TIMEOUT_MS);

    const struct mesos_output *output = &stage_callback(&stage, CALLBACK_OUTPUT)->output;
    assert_int_equal(output->end, MESOS_OUTPUT_UNAVAILABLE);
    assert_string_equal(output->message, "because");
    assert_int_equal(reader_deadline_ms(stage.core), INT64_MAX);
    end(&stage);
}

TEST(a_reader_that_lost_its_master_dials_again_for_the_next_request_only) {
    struct stage stage;
    begin(&stage);
    ask(&stage, 1);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    stage.now_ms += 5000;

    stage_tell(&stage, DRIVER_EVENT_CLOSED);
    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_UNAVAILABLE);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CONNECT), 0);
    ask(&stage, 2);

    stage_assert_dials(&stage, "m:5050");
    end(&stage);
}

TEST(a_waiting_request_can_be_cancelled) {
    struct stage stage;
    begin(&stage);
    ask(&stage, 1);

    stage_feed(&stage, (struct driver_event){.kind = DRIVER_EVENT_CANCEL_OUTPUT, .channel = 1});

    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_CANCELLED);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(a_channel_message_that_is_none_costs_the_connection) {
    struct stage stage;
    begin(&stage);
    ask(&stage, 1);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);

    stage_feed(&stage, (struct driver_event){.kind = DRIVER_EVENT_FRAME,
                                             .frame = {FRAME_CHANNEL, TEXT("\xff")}});

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_UNAVAILABLE);
    end(&stage);
}
