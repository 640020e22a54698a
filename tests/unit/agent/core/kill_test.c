#include "tests/unit/agent/core/rig.h"

#include <signal.h>

static struct rig *with_running_task(void) {
    struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    return rig;
}

TEST(a_kill_is_stored_before_the_signal) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig->stores_wait = true;

    rig_kill(rig, "t1", -1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 0);
    rig_store_all(rig);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_SIGNAL)->signal.signal, SIGTERM);
}

TEST(who_ignores_sigterm_is_destroyed_after_the_grace) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_kill(rig, "t1", -1);
    rig_advance(rig, 2999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(the_tasks_own_grace_counts_when_the_call_says_none) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "t1");
    task->has_kill_grace = true;
    task->kill_grace_ns = 20000000000;
    rig_begin(rig, task);

    rig_kill(rig, "t1", -1);
    rig_advance(rig, 19999);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, 1);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

TEST(a_second_kill_may_shorten_the_grace_and_not_lengthen_it) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_kill(rig, "t1", 10000);
    rig_kill(rig, "t1", 60000);
    rig_kill(rig, "t1", 1000);
    rig_advance(rig, 1000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
}

TEST(a_killed_task_is_killed_however_it_ends) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_kill(rig, "t1", -1);
    rig_exited(rig, rig_launched(rig), 0);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
    assert_text_equal(rig_last_update(rig, "t1")->termination.killed_by, "framework");
    rig_advance(rig, 10000);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
}

TEST(killing_is_said_to_those_who_want_to_know) {
    AUTO(rig_free) struct rig *rig = rig_new();
    rig->frameworks.items[0]->capabilities = 1 << FRAMEWORK_TASK_KILLING_STATE;
    rig_register(rig);
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");

    rig_kill(rig, "t1", -1);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLING);
}

TEST(a_task_killed_during_its_launch_never_says_running) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig->stores_wait = true;
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_kill(rig, "t1", -1);
    rig_store_all(rig);
    struct container_id container = rig_launched(rig);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
    assert_true(rig_last(rig, AGENT_EFFECT_LAUNCH) < rig_last(rig, AGENT_EFFECT_DESTROY));
    rig_started(rig, container);
    rig_signalled(rig, container, SIGKILL);
    rig_store_all(rig);

    assert_int_equal(rig_count_updates(rig, "t1"), 1);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
}

TEST(a_launch_that_fails_after_a_kill_is_a_kill) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));

    rig_kill(rig, "t1", -1);
    rig_outcome(rig, rig_launched(rig), CONTAINER_OUTCOME_LAUNCH_FAILED, "destroyed");

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
    assert_int_equal(rig_last_update(rig, "t1")->reason, TASK_REASON_TASK_KILLED_DURING_LAUNCH);
}

TEST(killing_a_task_that_is_not_here_tells_that_it_is_lost) {
    AUTO(rig_free) struct rig *rig = with_running_task();

    rig_kill(rig, "t9", -1);

    assert_int_equal(rig_last_update(rig, "t9")->state, TASK_STATE_LOST);
}

TEST(killing_a_task_that_has_ended_changes_nothing) {
    AUTO(rig_free) struct rig *rig = with_running_task();
    rig_exited(rig, rig_launched(rig), 0);
    rig_forget_effects(rig);

    rig_kill(rig, "t1", -1);

    assert_int_equal(rig->done.count, 0);
}
