/*
 * A drain empties the agent within its time, also over restarts; an agent that is gone ends all it
 * has.
 */
#include "tests/unit/agent/core/rig.h"

#include <signal.h>

static struct rig *with_running_task(void) {
    struct rig *rig = rig_new();
    rig->frameworks.items[0]->capabilities = 1 << FRAMEWORK_PARTITION_AWARE;
    rig_register(rig);
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    return rig;
}

/* -1: without a deadline. */
static void drain(struct rig *rig, int64_t seconds) {
    rig_master(rig, (struct master_message){
                        .kind = MASTER_MESSAGE_DRAIN,
                        .drain = {.has_max_grace = seconds >= 0,
                                  .max_grace_ns = seconds >= 0 ? seconds * 1000000000 : 0}});
}

static void dismiss(struct rig *rig, bool stop) {
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_REFUSED,
                                            .refused = {TEXT("marked gone"), stop, true}});
}

TEST(a_drain_kills_every_task_and_says_why) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    drain(rig, -1);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    rig_signalled(rig, rig_launched(rig), SIGTERM);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_AGENT_DRAINING);
    assert_text_equal(rig_last_update(rig, "t1")->message,
                      "Command terminated with signal Terminated; its agent is being drained");
}

TEST(a_drain_is_stored_before_it_kills) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig->stores_wait = true;

    drain(rig, -1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 0);
    rig_store_all(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
    assert_int_equal(rig_disk_count(rig, "drain"), 1);
}

TEST(no_task_has_longer_than_the_drain_allows) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->has_kill_grace = true;
    task->kill_grace_ns = 3600000000000;
    rig_begin(rig, task);

    drain(rig, 10);
    rig_advance(rig, 9999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(a_task_keeps_its_own_grace_when_it_is_shorter) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    drain(rig, 3600);
    rig_advance(rig, 3000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(a_drain_that_is_said_again_does_not_begin_anew) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_kill(rig, "t1", 60000);

    drain(rig, 10);
    rig_advance(rig, 6000);
    drain(rig, 10);
    rig_advance(rig, 4000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
}

TEST(a_task_that_reaches_a_draining_agent_is_dropped) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    drain(rig, -1);

    rig_run(rig, "f1", rig_task(rig, "t2"));

    assert_int_equal(rig_last_update(rig, "t2")->state, TASK_STATE_DROPPED);
    assert_int_equal(rig_last_update(rig, "t2")->reason, TASK_REASON_AGENT_DRAINING);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
}

TEST(an_agent_takes_tasks_again_when_the_last_one_is_acknowledged) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    drain(rig, -1);
    rig_signalled(rig, rig_launched(rig), SIGTERM);
    assert_int_equal(rig_disk_count(rig, "drain"), 1);

    rig_acknowledge(rig, "t1");
    assert_int_equal(rig_disk_count(rig, "drain"), 0);
    rig_run(rig, "f1", rig_task(rig, "t2"));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
}

TEST(what_is_refused_for_a_drain_does_not_prolong_it) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    drain(rig, -1);
    rig_signalled(rig, rig_launched(rig), SIGTERM);
    rig_run(rig, "f1", rig_task(rig, "t2"));
    assert_int_equal(rig_last_update(rig, "t2")->state, TASK_STATE_DROPPED);

    rig_acknowledge(rig, "t1");
    rig_run(rig, "f1", rig_task(rig, "t3"));

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 2);
}

TEST(tasks_of_an_agent_that_is_to_be_gone_are_gone_by_the_operator) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_master(rig,
               (struct master_message){.kind = MASTER_MESSAGE_DRAIN, .drain = {.mark_gone = true}});

    rig_signalled(rig, rig_launched(rig), SIGTERM);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_GONE_BY_OPERATOR);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_AGENT_DRAINING);
}

TEST(a_drain_goes_on_after_a_restart_with_what_is_left_of_its_time) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->has_kill_grace = true;
    task->kill_grace_ns = 3600000000000;
    struct container_id container = rig_begin(rig, task);
    drain(rig, 10);
    rig_advance(rig, 7000);

    rig_crash(rig, true);
    rig_forget_effects(rig);
    rig_started(rig, container);
    rig_containers_done(rig);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    rig_advance(rig, 2999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(an_executor_that_does_not_end_its_task_in_time_is_destroyed) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->executor = *rig_executor(rig, "e1");
    rig_begin(rig, task);
    rig_subscribe(rig, "e1", 7);
    rig_update(rig, "e1", 7, "t1", TASK_STATE_RUNNING, 1);
    rig_acknowledge(rig, "t1");

    drain(rig, 10);
    assert_int_equal(rig_last_event(rig, EXECUTOR_EVENT_KILL)->executor.kill.grace_ns, 3000000000);
    rig_advance(rig, 14999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(an_executors_word_about_its_killed_task_says_that_the_agent_drains) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->executor = *rig_executor(rig, "e1");
    rig_begin(rig, task);
    rig_subscribe(rig, "e1", 7);
    drain(rig, -1);

    rig_update(rig, "e1", 7, "t1", TASK_STATE_KILLED, 1);

    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_AGENT_DRAINING);
}

/* --- gone --- */

TEST(an_agent_that_is_gone_ends_its_tasks_and_then_itself) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    size_t updates = rig_count_updates(rig, "t1");

    dismiss(rig, true);
    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_END), 0);
    rig_signalled(rig, rig_launched(rig), SIGTERM);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_END)->reason, "marked gone");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_END), 1);
    assert_int_equal(rig_count_updates(rig, "t1"), updates);
    assert_int_equal(rig_disk_count(rig, "task/"), 0);
}

TEST(an_agent_without_tasks_that_is_gone_stops_at_once) {
    AUTO(rig_free) struct rig *rig = rig_registered();

    dismiss(rig, true);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_END)->reason, "marked gone");
}

TEST(an_agent_whose_machine_is_down_asks_again_when_its_tasks_have_ended) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    size_t tries = rig_count(rig, AGENT_EFFECT_CONNECT);

    dismiss(rig, false);
    rig_advance(rig, 120000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), tries);
    rig_signalled(rig, rig_launched(rig), SIGKILL);
    rig_advance(rig, 120000);

    assert_true(rig_count(rig, AGENT_EFFECT_CONNECT) > tries);
}

TEST(an_agent_whose_machine_is_down_ends_its_tasks_and_goes_on_asking) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    size_t tries = rig_count(rig, AGENT_EFFECT_CONNECT);

    dismiss(rig, false);
    rig_signalled(rig, rig_launched(rig), SIGTERM);
    rig_advance(rig, 120000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_END), 0);
    assert_true(rig_count(rig, AGENT_EFFECT_CONNECT) > tries);
    assert_true(rig_has_note(rig, "registration_refused"));
}

TEST(a_refusal_for_another_reason_leaves_the_tasks_alone) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_REFUSED,
                                            .refused = {TEXT("in use"), true, false}});

    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 0);
    assert_text_equal(rig_last(rig, AGENT_EFFECT_STOP)->reason, "in use");
}
