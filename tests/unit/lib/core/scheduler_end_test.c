/*
 * How a scheduler stops, tears down and aborts; and the output that it reads until then.
 */
#include "tests/unit/lib/core/scheduler_rig.h"

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
    send_error(stage, "Framework has been torn down");
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

TEST(a_stop_leaves_a_master_that_does_not_answer_it) {
    struct stage stage;
    begin_subscribed(&stage, (struct choices){0});
    stage.now_ms += 14000;

    stop(&stage, false);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 0);
    assert_true(scheduler_deadline_ms(stage.core) == stage.now_ms + SCHEDULER_STOP_SILENCE_MS);
    stage_wait(&stage, stage.now_ms + SCHEDULER_STOP_SILENCE_MS);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_CLOSE), 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_DONE), 0);
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
    stage_frame(stage, FRAME_CHANNEL,
                message_channel_data(channel, offset, (ProtobufCBinaryData){size, bytes}));
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

    stage_frame(&stage, FRAME_CHANNEL, message_channel_complete(4));
    assert_int_equal(stage_callback(&stage, CALLBACK_OUTPUT)->output.end, MESOS_OUTPUT_COMPLETE);
    stage_frame(&stage, FRAME_CHANNEL, message_channel_complete(4));
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
