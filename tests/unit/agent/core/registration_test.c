#include "tests/unit/agent/core/rig.h"

static struct master_message refusal(bool stop) {
    struct master_message message = {.kind = MASTER_MESSAGE_REFUSED};
    message.refused.reason = TEXT("agent has been marked gone");
    message.refused.stop = stop;
    return message;
}

TEST(an_agent_without_anything_to_wait_for_connects_at_once) {
    AUTO(rig_free) struct rig *rig = rig_new();

    rig_recover(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 1);
}

TEST(nothing_counts_before_recovery) {
    AUTO(rig_free) struct rig *rig = rig_new();

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    assert_int_equal(rig->done.count, 0);
}

TEST(a_new_agent_registers_without_an_id_and_stores_the_one_it_gets) {
    AUTO(rig_free) struct rig *rig = rig_new();

    rig_register(rig);

    assert_int_equal(
        rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.register_agent.info.id.text.size, 0);
    assert_text_equal(agent_own_id(rig->agent).text, "S0");
    assert_int_equal(rig_disk_count(rig, "self"), 1);
}

TEST(a_known_agent_comes_back_with_its_id) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.register_agent.info.id.text,
                      "S0");
}

TEST(waiting_doubles_to_a_minute_and_never_more) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    int64_t longest_ms = 0;

    for (int i = 0; i < 200; i++) {
        rig_lose_master(rig);
        int64_t wait_ms = agent_deadline_ms(rig->agent) - rig->now_ms;
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        assert_true(i > 0 || wait_ms <= 1000);
        rig_advance(rig, wait_ms);
    }

    assert_true(longest_ms > 30000 && longest_ms <= 60000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 201);
}

TEST(who_waits_long_for_a_master_waits_a_second_at_most_when_another_leads) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    for (int i = 0; i < 20; i++) {
        rig_lose_master(rig);
        rig_advance(rig, agent_deadline_ms(rig->agent) - rig->now_ms);
    }
    rig_lose_master(rig);

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_FOUND});

    assert_true(agent_deadline_ms(rig->agent) - rig->now_ms <= 1000);
}

TEST(a_master_that_does_not_lead_any_more_is_left) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_FOUND});

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DISCONNECT), 1);
    rig_advance(rig, 1000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 2);
}

TEST(a_registration_without_an_answer_is_tried_again_on_a_new_connection) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_advance(rig, 17000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DISCONNECT), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 2);
}

TEST(a_refusal_for_good_stops_the_agent_with_its_reason) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_master(rig, refusal(true));

    assert_text_equal(rig_last(rig, AGENT_EFFECT_STOP)->reason, "agent has been marked gone");
    assert_true(agent_deadline_ms(rig->agent) == INT64_MAX);
}

TEST(a_refusal_for_now_leads_to_another_try) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_master(rig, refusal(false));
    rig_advance(rig, 1001);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 2);
}

TEST(a_master_that_gives_another_id_stops_the_agent) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_lose_master(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_REGISTERED,
                                            .registered = {.agent = {TEXT("S9")}}});

    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 1);
    assert_text_equal(agent_own_id(rig->agent).text, "S0");
}

TEST(an_id_that_is_none_is_not_taken) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_REGISTERED,
                                            .registered = {.agent = {TEXT("../etc")}}});

    assert_int_equal(agent_own_id(rig->agent).text.size, 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DISCONNECT), 1);
}

TEST(a_ping_is_answered_and_silence_leads_to_a_new_connection) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    rig_advance(rig, 60000);
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.kind, AGENT_MESSAGE_PONG);
    rig_advance(rig, 60000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DISCONNECT), 0);
    rig_advance(rig, 20000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DISCONNECT), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 2);
}

TEST(orders_before_the_registration_is_answered_do_not_count) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig_recover(rig);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    rig_run(rig, "f1", rig_task(rig, "t1"));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_true(rig_has_note(rig, "message_ignored"));
}

TEST(a_report_names_what_runs_and_the_update_that_waits) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_lose_master(rig);

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    const struct agent_message *report = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(report->register_agent.framework_count, 1);
    assert_int_equal(report->register_agent.task_count, 1);
    assert_text_equal(report->register_agent.tasks[0].id.text, "t1");
    assert_int_equal(report->register_agent.tasks[0].latest_state, TASK_STATE_RUNNING);
    assert_true(report->register_agent.tasks[0].has_sent_uuid);
}

TEST(a_changed_total_is_told_to_the_master) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_RESOURCES,
                                       .resources = rig_resources(rig, 1000, 1000000)});

    assert_int_equal(rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master.kind, AGENT_MESSAGE_RESOURCES);
}
