#include "tests/unit/agent/core/rig.h"

#include <signal.h>

enum { STOP_AFTER_MS = 30 * 1000 };

static struct task_info *bound_task(struct rig *rig, const char *id) {
    struct task_info *task = rig_task(rig, id);
    task->stop_after_ms = STOP_AFTER_MS;
    return task;
}

static struct container_id run_bound(struct rig *rig, const char *id) {
    return rig_begin(rig, bound_task(rig, id));
}

/* "t1" in "e1", which has subscribed. */
static struct container_id run_bound_in_executor(struct rig *rig) {
    struct task_info *task = bound_task(rig, "t1");
    task->executor = *rig_executor(rig, "e1");
    struct container_id container = rig_begin(rig, task);
    rig_subscribe(rig, "e1", 7);
    return container;
}

/* The last time the agent wanted to hear again; 0: never. */
static int64_t asked_ms(const struct rig *rig) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *effect = &rig->done.items[i - 1];
        if (effect->kind == AGENT_EFFECT_SEND_MASTER && effect->master.kind == AGENT_MESSAGE_PONG &&
            effect->master.echo_ms != 0)
            return effect->master.echo_ms;
    }
    return 0;
}

static void answer(struct rig *rig, int64_t echo_ms) {
    rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING, .echo_ms = echo_ms});
}

/* The agent asks while there is time, and is answered at once; when it asked. */
static int64_t renew(struct rig *rig) {
    rig_advance(rig, 8000);
    int64_t asked = asked_ms(rig);
    answer(rig, asked);
    return asked;
}

static size_t signals(const struct rig *rig) {
    return rig_count(rig, AGENT_EFFECT_SIGNAL);
}

TEST(a_task_without_the_label_goes_on_without_a_master) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));

    rig_lose_master(rig);
    rig_advance(rig, 3600 * 1000);

    assert_int_equal(signals(rig), 0);
    assert_int_equal(asked_ms(rig), 0);
}

static void assert_told_stopped(const struct rig *rig, const char *task) {
    const struct task_status *status = rig_last_update(rig, task);
    assert_non_null(status);
    assert_int_equal(status->state, TASK_STATE_KILLED);
    assert_int_equal(status->reason, TASK_REASON_AGENT_DISCONNECTED);
    assert_text_equal(status->message,
                      "The agent had no master for 30secs, and the task's label says to stop then "
                      "(mesos.partition.stop_after)");
}

TEST(a_task_is_stopped_when_its_time_without_a_master_is_over_and_not_before) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");

    rig_lose_master(rig);
    rig_advance(rig, STOP_AFTER_MS - 1);
    assert_int_equal(signals(rig), 0);
    rig_advance(rig, 1);
    assert_int_equal(signals(rig), 1);
    rig_signalled(rig, container, SIGTERM);
    rig_connect(rig);
    rig_acknowledge(rig, "t1"); /* TASK_RUNNING */

    assert_told_stopped(rig, "t1");
}

TEST(a_master_that_answers_keeps_the_task) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");

    for (int i = 0; i < 100; i++)
        renew(rig);

    assert_int_equal(signals(rig), 0);
}

TEST(pings_of_a_master_that_may_not_hear_the_agent_do_not_keep_the_task) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");

    for (int i = 0; i < 6; i++) {
        rig_advance(rig, 5000);
        rig_master(rig, (struct master_message){.kind = MASTER_MESSAGE_PING});
    }

    assert_int_equal(signals(rig), 1);
}

TEST(what_counts_is_when_the_agent_asked_and_not_when_it_was_answered) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");
    rig_advance(rig, 8000);
    int64_t asked = asked_ms(rig);

    rig_advance(rig, 20000);
    answer(rig, asked);
    rig_lose_master(rig);
    rig_advance(rig, asked + STOP_AFTER_MS - rig->now_ms - 1);
    assert_int_equal(signals(rig), 0);
    rig_advance(rig, 1);

    assert_int_equal(signals(rig), 1);
}

TEST(an_answer_out_of_the_future_does_not_count) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");

    answer(rig, rig->now_ms + 1000000);
    rig_lose_master(rig);
    rig_advance(rig, STOP_AFTER_MS);

    assert_int_equal(signals(rig), 1);
}

TEST(a_registration_counts_from_when_it_was_asked_for) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");
    rig_advance(rig, 20000);
    rig_lose_master(rig);

    rig_connect(rig);
    rig_lose_master(rig);
    rig_advance(rig, STOP_AFTER_MS - 1);
    assert_int_equal(signals(rig), 0);
    rig_advance(rig, 1);

    assert_int_equal(signals(rig), 1);
}

TEST(an_answer_to_a_ping_is_no_ping) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");
    rig_forget_effects(rig);

    answer(rig, rig->now_ms);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_SEND_MASTER), 0);
}

TEST(time_goes_on_while_the_agent_is_away) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    rig_lose_master(rig);
    rig_advance(rig, 10000);

    rig->now_ms += 15000;
    rig_restart_under(rig, container);
    rig_advance(rig, 4999);
    assert_int_equal(signals(rig), 0);
    rig_advance(rig, 1);

    assert_int_equal(signals(rig), 1);
}

TEST(a_task_whose_time_ran_out_while_the_agent_was_away_is_stopped_at_once) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");

    rig->now_ms += STOP_AFTER_MS;
    rig_restart_under(rig, container);

    assert_int_equal(signals(rig), 1);
}

TEST(a_task_that_was_never_begun_is_not_begun_when_its_time_is_over) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", bound_task(rig, "t1"));

    rig->now_ms += STOP_AFTER_MS;
    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
}

TEST(the_time_is_kept_on_disk_as_long_as_a_task_needs_it) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    assert_int_equal(rig_disk_count(rig, "lease"), 1);

    rig_exited(rig, container, 0);

    assert_int_equal(rig_disk_count(rig, "lease"), 0);
}

TEST(a_suspended_machine_has_no_master_either) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");

    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_TICK, .suspended_ms = STOP_AFTER_MS});

    assert_int_equal(signals(rig), 1);
}

TEST(an_executor_that_does_not_end_such_a_task_is_ended) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound_in_executor(rig);
    rig_update(rig, "e1", 7, "t1", TASK_STATE_RUNNING, 1);
    rig_lose_master(rig);

    rig_advance(rig, STOP_AFTER_MS);
    assert_non_null(rig_last_event(rig, EXECUTOR_EVENT_KILL));
    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 0);
    rig_advance(rig, rig->options.kill_grace_ms);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_DESTROY), 1);
}

/* --- what mesos-init is told, for an agent that is not there any more --- */

/* Until when the container may go on by what it was told last; 0: it was told nothing. */
static int64_t told_ms(const struct rig *rig, struct container_id container) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *effect = &rig->done.items[i - 1];
        if (effect->kind == AGENT_EFFECT_LEASE && text_equal(effect->lease.id.text, container.text))
            return effect->lease.stop_at_ms;
        if (effect->kind == AGENT_EFFECT_LAUNCH &&
            text_equal(effect->launch.id.text, container.text))
            return effect->launch.stop_at_ms;
    }
    return 0;
}

/* As its mesos-init ends it. */
static void stopped(struct rig *rig, struct container_id container, int code) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = container;
    event.ended.termination = (struct termination){.exited = true, .exit_code = code};
    event.ended.stopped = true;
    rig_step(rig, event);
}

TEST(a_container_is_launched_with_the_time_it_has_without_a_master) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_advance(rig, 12345);

    run_bound(rig, "t1");

    const struct container_launch *launch = &rig_last(rig, AGENT_EFFECT_LAUNCH)->launch;
    assert_int_equal(launch->stop_at_ms, rig->now_ms + STOP_AFTER_MS);
    assert_int_equal(launch->stop_grace_ms, rig->options.kill_grace_ms);
}

TEST(a_kill_policy_counts_when_mesos_init_stops_a_task_too) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = bound_task(rig, "t1");
    task->has_kill_grace = true;
    task->kill_grace_ns = 7000000000;

    rig_run(rig, "f1", task);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.stop_grace_ms, 7000);
}

TEST(a_container_without_the_label_has_no_lease_and_hears_of_none) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id free_one = rig_begin(rig, rig_task(rig, "t1"));
    run_bound(rig, "t2");

    renew(rig);

    assert_int_equal(told_ms(rig, free_one), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LEASE), 1);
}

TEST(each_renewal_is_told_to_each_container_that_is_bound) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id first = run_bound(rig, "t1"), second = run_bound(rig, "t2");
    rig_advance(rig, 8000);
    int64_t asked = asked_ms(rig);

    rig_advance(rig, 3000);
    answer(rig, asked);

    assert_int_equal(told_ms(rig, first), asked + STOP_AFTER_MS);
    assert_int_equal(told_ms(rig, second), asked + STOP_AFTER_MS);
}

TEST(a_renewal_does_not_overtake_the_launch) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig->stores_wait = true;
    rig_run(rig, "f1", bound_task(rig, "t1"));
    rig->now_ms += 10;
    answer(rig, rig->now_ms);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LEASE), 0);

    rig_store_all(rig);

    assert_int_equal(told_ms(rig, rig_launched(rig)), rig->now_ms + STOP_AFTER_MS);
}

TEST(a_task_that_has_ended_is_told_nothing_more) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id ended = run_bound(rig, "t1");
    run_bound(rig, "t2");
    rig_exited(rig, ended, 0);
    rig_forget_effects(rig);

    renew(rig);

    assert_int_equal(told_ms(rig, ended), 0);
}

TEST(what_the_agent_stops_itself_keeps_its_time_for_the_case_that_the_agent_dies) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    run_bound(rig, "t1");
    rig_lose_master(rig);
    rig_advance(rig, STOP_AFTER_MS);
    assert_int_equal(signals(rig), 1);

    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LEASE), 0);
}

TEST(a_restart_tells_the_containers_what_was_stored) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    int64_t asked = renew(rig);

    rig_crash(rig, true);
    rig_started(rig, container);
    assert_int_equal(told_ms(rig, container), 0);
    rig_containers_done(rig);

    assert_int_equal(told_ms(rig, container), asked + STOP_AFTER_MS);
    assert_int_equal(signals(rig), 0);
}

TEST(a_task_begun_late_after_a_restart_has_the_time_that_is_left) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    int64_t bound_ms = rig->now_ms;
    rig_run(rig, "f1", bound_task(rig, "t1"));

    rig->now_ms += 10000;
    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_int_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.stop_at_ms,
                     bound_ms + STOP_AFTER_MS);
}

TEST(tasks_of_an_executor_are_not_mesos_inits_to_stop) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound_in_executor(rig);

    renew(rig);

    assert_int_equal(told_ms(rig, container), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_LEASE), 0);
}

TEST(what_mesos_init_stopped_while_the_agent_was_dead_is_told_as_if_the_agent_had) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    rig_acknowledge(rig, "t1");

    rig->now_ms += STOP_AFTER_MS + 5000;
    rig_crash(rig, true);
    stopped(rig, container, 0);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_told_stopped(rig, "t1");
    assert_int_equal(rig_count_updates(rig, "t1"), 1);
    assert_int_equal(signals(rig), 0);
}

TEST(an_agent_that_stood_still_tells_it_the_same_way_whatever_it_hears_of_first) {
    for (int timer_first = 0; timer_first < 2; timer_first++) {
        AUTO(rig_free) struct rig *rig = rig_registered();
        struct container_id container = run_bound(rig, "t1");
        rig_acknowledge(rig, "t1");

        rig->now_ms += STOP_AFTER_MS + 5000;
        if (timer_first)
            rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_TICK});
        stopped(rig, container, 143);

        assert_told_stopped(rig, "t1");
        assert_int_equal(rig_count_updates(rig, "t1"), 2); /* and TASK_RUNNING */
    }
}

TEST(a_master_that_is_back_in_the_same_moment_does_not_change_what_was_done) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    rig_acknowledge(rig, "t1");
    rig->now_ms += 20000;

    answer(rig, rig->now_ms);
    stopped(rig, container, 143);

    assert_told_stopped(rig, "t1");
}

TEST(who_ordered_a_kill_before_is_what_ended_the_task) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = run_bound(rig, "t1");
    rig_acknowledge(rig, "t1");
    rig_kill(rig, "t1", 3600 * 1000);

    stopped(rig, container, 143);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_KILLED);
    assert_false(rig_last_update(rig, "t1")->has_reason);
}

TEST(a_container_that_came_too_late_to_begin_is_told_as_stopped) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", bound_task(rig, "t1"));

    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = rig_launched(rig);
    event.ended.outcome = CONTAINER_OUTCOME_LAUNCH_FAILED;
    event.ended.message = TEXT("the container could not begin before its time was over");
    event.ended.stopped = true;
    rig_step(rig, event);

    assert_told_stopped(rig, "t1");
}

TEST(a_record_that_says_stopped_of_a_task_without_the_label_is_not_believed) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct container_id container = rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");

    stopped(rig, container, 0);

    assert_int_equal(rig_last_update(rig, "t1")->state, TASK_STATE_FINISHED);
}
