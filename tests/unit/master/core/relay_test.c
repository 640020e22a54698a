#include "tests/unit/master/core/stage.h"

enum { FRAMEWORK = 1, OPERATOR = 5, AGENT = 9 };

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    stage_add_framework(stage, FRAMEWORK);
    stage_add_agent(stage, AGENT, "h", "cpus:4;mem:1024");
    stage_launch(stage, FRAMEWORK, "t", "M-S0", "cpus:1");
    stage_forget(stage);
    return stage;
}

static void say(struct stage *stage, uint64_t connection, struct channel_message message) {
    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_CHANNEL,
                                            .connection = {connection},
                                            .channel = message});
}

static void open_channel(struct stage *stage, uint64_t connection, uint64_t channel,
                         const char *framework, const char *task) {
    struct channel_message message = {.kind = CHANNEL_OPEN, .channel = channel};
    message.open.framework.text = stage_id(stage, framework);
    message.open.task.text = text_of(task);
    message.open.stream = CHANNEL_STDOUT;
    message.open.window_bytes = 1000;
    say(stage, connection, message);
}

static struct channel_message data(uint64_t channel) {
    return (struct channel_message){
        .kind = CHANNEL_DATA, .channel = channel, .data = {0, TEXT("hello")}};
}

static struct channel_message window(uint64_t channel) {
    return (struct channel_message){.kind = CHANNEL_WINDOW, .channel = channel, .window_bytes = 50};
}

static struct channel_message end(uint64_t channel) {
    return (struct channel_message){
        .kind = CHANNEL_CLOSE, .channel = channel, .close = {CHANNEL_END_COMPLETE, {0}}};
}

TEST(a_channel_is_opened_at_the_agent_under_a_number_of_its_own) {
    AUTO(stage_free) struct stage *stage = begin();

    open_channel(stage, OPERATOR, 42, "", "t");

    assert_heard(stage, "to 9 channel 1 OPEN t framework=M-0000");
}

TEST(data_windows_and_the_end_pass_through) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, FRAMEWORK, 42, "", "t");

    say(stage, AGENT, data(1));
    say(stage, FRAMEWORK, window(42));
    say(stage, AGENT, end(1));
    say(stage, AGENT, data(1));

    assert_int_equal(stage_count(stage, "to 1 channel 42 DATA hello"), 1);
    assert_heard(stage, "to 9 channel 1 WINDOW 50");
    assert_heard(stage, "to 1 channel 42 CLOSE COMPLETE");
}

TEST(the_asker_may_end_it) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, OPERATOR, 42, "", "t");

    say(stage, OPERATOR, end(42));
    say(stage, AGENT, data(1));

    assert_heard(stage, "to 9 channel 1 CLOSE");
    assert_not_heard(stage, "DATA");
}

TEST(a_task_that_nobody_has_is_not_found) {
    AUTO(stage_free) struct stage *stage = begin();

    open_channel(stage, OPERATOR, 42, "", "ghost");
    open_channel(stage, OPERATOR, 43, "nobody", "t");

    assert_heard(stage, "to 5 channel 42 CLOSE NOT_FOUND no task 'ghost'");
    assert_heard(stage, "to 5 channel 43 CLOSE NOT_FOUND no framework 'nobody'");
}

TEST(a_framework_does_not_see_another_ones_tasks) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 2);

    open_channel(stage, 2, 1, "M-0000", "t");
    open_channel(stage, 2, 2, "", "t");

    assert_heard(stage, "to 2 channel 1 CLOSE ERROR the task belongs to another framework");
    assert_heard(stage, "to 2 channel 2 CLOSE NOT_FOUND");
}

TEST(an_agent_that_is_away_makes_it_unavailable) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_close(stage, AGENT);

    open_channel(stage, OPERATOR, 42, "", "t");

    assert_heard(stage, "to 5 channel 42 CLOSE UNAVAILABLE");
}

TEST(the_end_of_the_agents_connection_ends_its_channels) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, OPERATOR, 42, "", "t");

    stage_close(stage, AGENT);

    assert_heard(stage, "to 5 channel 42 CLOSE UNAVAILABLE");
}

TEST(the_end_of_the_askers_connection_is_said_to_the_agent) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, OPERATOR, 42, "", "t");

    stage_close(stage, OPERATOR);

    assert_heard(stage, "to 9 channel 1 CLOSE CANCELLED");
}

TEST(a_completed_task_can_be_read) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_update(stage, AGENT, "M-0000", "t", TASK_STATE_FINISHED, 1);
    stage_acknowledge(stage, FRAMEWORK, "M-S0", "t", 1);

    open_channel(stage, OPERATOR, 42, "", "t");

    assert_heard(stage, "to 9 channel 1 OPEN t");
}

TEST(channels_of_one_connection_are_bounded) {
    AUTO(stage_free) struct stage *stage = begin();

    for (uint64_t channel = 1; channel <= 257; channel++)
        open_channel(stage, OPERATOR, channel, "", "t");

    assert_int_equal(stage_count(stage, "OPEN t"), 256);
    assert_heard(stage, "to 5 channel 257 CLOSE ERROR too many channels");
}

TEST(a_number_in_use_disturbs_nothing) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, OPERATOR, 42, "", "t");

    open_channel(stage, OPERATOR, 42, "", "t");
    say(stage, AGENT, data(1));

    assert_heard(stage, "note message_dropped");
    assert_heard(stage, "to 5 channel 42 DATA hello");
}

TEST(data_that_goes_the_wrong_way_ends_the_channel) {
    AUTO(stage_free) struct stage *stage = begin();
    open_channel(stage, OPERATOR, 42, "", "t");

    say(stage, OPERATOR, data(42));

    assert_heard(stage, "to 5 channel 42 CLOSE ERROR");
    assert_heard(stage, "to 9 channel 1 CLOSE CANCELLED");
}

TEST(agents_do_not_open_channels) {
    AUTO(stage_free) struct stage *stage = begin();

    open_channel(stage, AGENT, 42, "", "t");

    assert_heard(stage, "to 9 channel 42 CLOSE ERROR agents do not open channels");
}

TEST(a_window_without_measure_is_refused) {
    AUTO(stage_free) struct stage *stage = begin();
    struct channel_message message = {.kind = CHANNEL_OPEN, .channel = 1};
    message.open.task.text = TEXT("t");
    message.open.window_bytes = UINT64_MAX;

    say(stage, OPERATOR, message);

    assert_heard(stage, "CLOSE ERROR the window is too large");
}
