/*
 * Agents that operators take out of use: when it is in force, what agents and frameworks hear, and
 * what a restart of the master leaves of it.
 */
#include "tests/unit/master/core/stage.h"

enum { ASKED = 7 }; /* the request's number */

static void ask_with(struct stage *stage, enum operator_call_kind kind, const char *agent,
                     struct drain_terms terms) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = ASKED;
    event.operator_call.call =
        (struct operator_call){.kind = kind, .agent = {stage_id(stage, agent)}, .drain = terms};
    stage_play(stage, event);
}

static void ask(struct stage *stage, enum operator_call_kind kind) {
    ask_with(stage, kind, "M-S0", (struct drain_terms){0});
}

static void drain_in(struct stage *stage, int64_t seconds) {
    ask_with(stage, OPERATOR_DRAIN_AGENT, "M-S0",
             (struct drain_terms){.has_max_grace = true, .max_grace_ns = seconds * 1000000000});
}

/* A framework with that connection, an agent M-S0 and what is left of it offered. */
static struct stage *begin(uint32_t capabilities) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.info.failover_timeout_seconds = 1e6;
    call.subscribe.info.capabilities = capabilities;
    stage_call(stage, 1, call);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_pass_ms(stage, 10);
    return stage;
}

static struct stage *begin_with_task(void) {
    struct stage *stage = begin(1u << FRAMEWORK_PARTITION_AWARE);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 1);
    stage_acknowledge(stage, 1, "M-S0", "t", 1);
    stage_forget(stage);
    return stage;
}

static void end_task(struct stage *stage, uint64_t agent) {
    stage_update(stage, agent, "M-0000", "t", TASK_STATE_KILLED, 2);
    stage_acknowledge(stage, 1, "M-S0", "t", 2);
}

static enum drain_state drain_state_of(struct stage *stage) {
    struct agent_view agent;
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    return agent.drain.state;
}

TEST(a_drain_is_stored_and_then_in_force) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;

    drain_in(stage, 60);
    assert_heard(stage, "store +agent/M-S0 (draining)");
    assert_not_heard(stage, "DRAIN");
    assert_not_heard(stage, "answer");
    stage_store(stage);

    assert_heard(stage, "to 1 RESCIND");
    assert_heard(stage, "to 9 DRAIN in 60000ms");
    assert_heard(stage, "answer 7 200");
}

TEST(nothing_of_a_draining_agent_is_offered) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    ask(stage, OPERATOR_DRAIN_AGENT);
    stage_forget(stage);
    end_task(stage, 9);
    stage_pass_ms(stage, 10000);

    assert_not_heard(stage, "OFFERS");
}

TEST(an_agent_is_drained_when_its_last_task_is_acknowledged) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    ask(stage, OPERATOR_DRAIN_AGENT);

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_KILLED, 2);
    assert_int_equal(drain_state_of(stage), DRAIN_DRAINING);
    stage_acknowledge(stage, 1, "M-S0", "t", 2);

    assert_heard(stage, "store +agent/M-S0 (drained)");
    assert_int_equal(drain_state_of(stage), DRAIN_DRAINED);
}

TEST(an_agent_without_tasks_is_drained_at_once) {
    AUTO(stage_free) struct stage *stage = begin(0);

    ask(stage, OPERATOR_DRAIN_AGENT);

    assert_int_equal(drain_state_of(stage), DRAIN_DRAINED);
}

TEST(an_agent_that_is_to_be_gone_is_gone_once_it_is_drained) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    ask_with(stage, OPERATOR_DRAIN_AGENT, "M-S0", (struct drain_terms){.mark_gone = true});
    assert_heard(stage, "to 9 DRAIN gone");

    end_task(stage, 9);

    struct agent_view agent;
    assert_heard(stage, "store -agent/M-S0 -unreachable/M-S0 +gone/M-S0");
    assert_heard(stage, "to 9 REFUSED stop Agent has been marked gone (tasks end)");
    assert_false(stage_find_agent(stage, "M-S0", &agent));
}

TEST(a_drained_agent_is_offered_again_when_it_is_reactivated) {
    AUTO(stage_free) struct stage *stage = begin(0);
    ask(stage, OPERATOR_DRAIN_AGENT);
    stage_forget(stage);

    ask(stage, OPERATOR_REACTIVATE_AGENT);
    stage_pass_ms(stage, 10);

    assert_heard(stage, "store +agent/M-S0");
    assert_heard(stage, "answer 7 200");
    assert_heard(stage, "OFFERS");
    assert_int_equal(drain_state_of(stage), DRAIN_NONE);
}

TEST(agents_out_of_use_are_counted) {
    AUTO(stage_free) struct stage *stage = begin(0);
    assert_int_equal(master_count(stage->master).agents_active, 1);

    ask(stage, OPERATOR_DEACTIVATE_AGENT);

    assert_int_equal(master_count(stage->master).agents_active, 0);
    assert_int_equal(master_count(stage->master).agents_inactive, 1);
    assert_int_equal(master_count(stage->master).agents_connected, 1);
}

TEST(a_draining_agent_is_not_reactivated) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    ask(stage, OPERATOR_DRAIN_AGENT);

    ask(stage, OPERATOR_REACTIVATE_AGENT);

    assert_heard(stage, "answer 7 400 The agent is still draining");
}

TEST(an_active_agent_is_not_reactivated) {
    AUTO(stage_free) struct stage *stage = begin(0);

    ask(stage, OPERATOR_REACTIVATE_AGENT);

    assert_heard(stage, "answer 7 400 The agent is not deactivated");
}

TEST(a_deactivated_agent_keeps_its_tasks_and_is_not_offered) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    ask(stage, OPERATOR_DEACTIVATE_AGENT);

    struct agent_view agent;
    assert_heard(stage, "store +agent/M-S0 (deactivated)");
    assert_heard(stage, "to 1 RESCIND");
    assert_not_heard(stage, "DRAIN");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_false(agent.active);
    stage_forget(stage);
    ask(stage, OPERATOR_REACTIVATE_AGENT);
    stage_pass_ms(stage, 10);
    assert_heard(stage, "OFFERS");
}

TEST(calls_that_follow_each_other_are_answered_as_if_each_had_waited) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;

    ask(stage, OPERATOR_DEACTIVATE_AGENT);
    ask(stage, OPERATOR_REACTIVATE_AGENT);
    ask(stage, OPERATOR_DRAIN_AGENT);
    ask(stage, OPERATOR_REACTIVATE_AGENT);
    stage_store(stage);

    assert_int_equal(stage_count(stage, "answer 7 200"), 3);
    assert_int_equal(stage_count(stage, "answer 7 400"), 1);
    assert_int_equal(drain_state_of(stage), DRAIN_DRAINING);
}

TEST(an_agent_that_is_unknown_cannot_be_drained) {
    AUTO(stage_free) struct stage *stage = begin(0);

    ask_with(stage, OPERATOR_DRAIN_AGENT, "M-S9", (struct drain_terms){0});
    ask_with(stage, OPERATOR_DEACTIVATE_AGENT, "M-S9", (struct drain_terms){0});
    ask_with(stage, OPERATOR_REACTIVATE_AGENT, "M-S9", (struct drain_terms){0});
    ask_with(stage, OPERATOR_MARK_AGENT_GONE, "M-S9", (struct drain_terms){0});
    drain_in(stage, -1);

    assert_int_equal(stage_count(stage, "answer 7 400 No agent found"), 3);
    assert_heard(stage, "answer 7 404");
    assert_heard(stage, "answer 7 400 The maximum grace period is negative");
}

/* --- over absences and restarts --- */

static void return_with(struct stage *stage, uint64_t connection, const char *id,
                        const struct task_report *task) {
    struct agent_message message = stage_register(stage, id, "h", "cpus:4;mem:1024");
    message.register_agent.tasks = task;
    message.register_agent.task_count = task != NULL ? 1 : 0;
    stage_tell(stage, connection, message);
}

TEST(an_unreachable_agent_drains_when_it_is_back) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    stage_forget(stage);
    struct task_report task = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    drain_in(stage, 5);
    assert_heard(stage, "store +unreachable/M-S0 (draining)");
    assert_heard(stage, "answer 7 200");
    return_with(stage, 10, "M-S0", &task);

    assert_heard(stage, "store +agent/M-S0 (draining) -unreachable/M-S0");
    assert_heard(stage, "to 10 DRAIN in 5000ms");
    stage_pass_ms(stage, 10);
    assert_not_heard(stage, "OFFERS");
    end_task(stage, 10);
    assert_int_equal(drain_state_of(stage), DRAIN_DRAINED);
}

TEST(a_drain_is_kept_when_its_agent_becomes_unreachable) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    ask(stage, OPERATOR_DRAIN_AGENT);

    stage_pass_ms(stage, 80000);

    assert_heard(stage, "store -agent/M-S0 +unreachable/M-S0 (draining)");
}

TEST(a_drain_goes_on_after_a_restart_of_the_master) {
    AUTO(stage_free) struct stage *stage = stage_new();
    const struct registry_record record = {
        .kind = REGISTRY_AGENT,
        .agent_info = TEXT("info"),
        .drain = {DRAIN_DRAINING, {true, 5000000000, false}, 1, true}};
    const struct text key = TEXT("agent/old-S3");
    struct task_report task = {0};
    stage_begin_with(stage, &record, &key, 1);
    task = stage_report(stage, "old-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    return_with(stage, 9, "old-S3", &task);

    assert_heard(stage, "to 9 DRAIN in 5000ms");
    stage_update(stage, 9, "old-0000", "t", TASK_STATE_KILLED, 2);
    assert_not_heard(stage, "(drained)");
    stage_call(stage, 1, stage_subscribe(stage, "old-0000", "spark"));
    stage_acknowledge(stage, 1, "old-S3", "t", 2);
    assert_heard(stage, "store +agent/old-S3 (drained)");
}

TEST(what_a_newer_version_wrote_of_an_agent_and_a_framework_is_written_again) {
    AUTO(stage_free) struct stage *stage = stage_new();
    const struct registry_record records[] = {
        {.kind = REGISTRY_AGENT, .agent_info = TEXT("info"), .unknown = TEXT("new1")},
        {.kind = REGISTRY_FRAMEWORK,
         .framework = {.id = {TEXT("old-0000")}, .info = TEXT("i")},
         .unknown = TEXT("new2")},
        {.kind = REGISTRY_ROLE, .role = {TEXT("eng"), 2000, NULL, 0}, .unknown = TEXT("new3")},
    };
    const struct text keys[] = {TEXT("agent/old-S3"), TEXT("framework/old-0000"), TEXT("role/eng")};
    struct role_weight weight = {TEXT("eng"), 1};
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.call = (struct operator_call){
        .kind = OPERATOR_UPDATE_WEIGHTS, .weights = &weight, .weight_count = 1};
    stage_begin_with(stage, records, keys, 3);

    ask_with(stage, OPERATOR_DEACTIVATE_AGENT, "old-S3", (struct drain_terms){0});
    return_with(stage, 9, "old-S3", NULL);
    stage_call(stage, 1, stage_subscribe(stage, "old-0000", "spark"));
    stage_play(stage, event);

    assert_heard(stage, "+agent/old-S3 (deactivated) unknown=new1");
    assert_heard(stage, "+framework/old-0000 unknown=new2");
    assert_heard(stage, "+role/eng unknown=new3");
}

/* --- gone --- */

TEST(an_agent_is_gone_when_it_is_stored_and_hears_it_then) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;

    ask(stage, OPERATOR_MARK_AGENT_GONE);
    assert_heard(stage, "+gone/M-S0");
    assert_not_heard(stage, "REFUSED");
    assert_not_heard(stage, "UPDATE");
    stage_store(stage);

    assert_heard(stage, "to 9 REFUSED stop Agent has been marked gone (tasks end)");
    assert_heard(stage, "close 9");
    assert_heard(stage,
                 "to 1 UPDATE t TASK_GONE_BY_OPERATOR REASON_AGENT_REMOVED_BY_OPERATOR agent=M-S0");
    assert_heard(stage, "to 1 FAILURE M-S0");
    assert_heard(stage, "answer 7 200");
}

TEST(who_knows_no_better_word_loses_the_task_of_a_gone_agent) {
    AUTO(stage_free) struct stage *stage = begin(0);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    ask(stage, OPERATOR_MARK_AGENT_GONE);

    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_AGENT_REMOVED agent=M-S0");
}

TEST(a_gone_agent_never_comes_back) {
    AUTO(stage_free) struct stage *stage = begin(0);
    ask(stage, OPERATOR_MARK_AGENT_GONE);
    stage_forget(stage);

    return_with(stage, 10, "M-S0", NULL);

    assert_heard(stage, "to 10 REFUSED stop Agent has been marked gone (tasks end)");
    assert_heard(stage, "close 10");
}

TEST(an_agent_that_returns_while_its_end_is_stored_is_put_off) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;
    ask(stage, OPERATOR_MARK_AGENT_GONE);
    stage_close(stage, 9);
    struct task_report task = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    return_with(stage, 10, "M-S0", &task);
    assert_heard(stage, "to 10 REFUSED the agent is being marked gone");
    stage_store(stage);

    struct agent_view agent;
    assert_heard(stage, "to 1 UPDATE t TASK_GONE_BY_OPERATOR");
    assert_false(stage_find_agent(stage, "M-S0", &agent));
}

TEST(tasks_of_an_unreachable_agent_are_gone_with_it) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    assert_heard(stage, "TASK_UNREACHABLE");

    ask(stage, OPERATOR_MARK_AGENT_GONE);

    struct task_view task;
    assert_heard(stage, "to 1 UPDATE t TASK_GONE_BY_OPERATOR REASON_AGENT_REMOVED_BY_OPERATOR");
    assert_true(stage_find_task(stage, "t", &task));
    assert_true(task.is_completed);
}

TEST(gone_is_answered_at_once_the_second_time_and_put_off_in_between) {
    AUTO(stage_free) struct stage *stage = begin(0);
    stage->holds_stores = true;

    ask(stage, OPERATOR_MARK_AGENT_GONE);
    ask(stage, OPERATOR_MARK_AGENT_GONE);
    ask(stage, OPERATOR_DRAIN_AGENT);
    assert_int_equal(stage_count(stage, "answer 7 503"), 1);
    assert_int_equal(stage_count(stage, "answer 7 409"), 1);
    stage_store(stage);
    ask(stage, OPERATOR_MARK_AGENT_GONE);

    assert_int_equal(stage_count(stage, "answer 7 200"), 2);
}

TEST(a_drain_that_is_stored_when_its_agent_has_left_is_answered_so) {
    AUTO(stage_free) struct stage *stage = begin(0);
    stage->holds_stores = true;
    stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_UNREGISTER});

    ask(stage, OPERATOR_DRAIN_AGENT);
    stage_store(stage);

    assert_heard(stage, "answer 7 400 No agent found");
}

TEST(reconciliation_knows_the_tasks_of_gone_agents) {
    AUTO(stage_free) struct stage *stage = begin(1u << FRAMEWORK_PARTITION_AWARE);
    ask(stage, OPERATOR_MARK_AGENT_GONE);
    stage_forget(stage);
    struct task_reference reference = {{TEXT("other")}, {stage_id(stage, "M-S0")}};

    stage_call(
        stage, 1,
        (struct scheduler_call){.kind = SCHEDULER_CALL_RECONCILE, .reconcile = {&reference, 1}});

    assert_heard(stage, "to 1 UPDATE other TASK_GONE_BY_OPERATOR REASON_RECONCILIATION");
}
