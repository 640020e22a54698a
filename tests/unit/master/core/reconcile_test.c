#include "tests/unit/master/core/stage.h"

static struct stage *begin_as(uint32_t capabilities) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.info.capabilities = capabilities;
    stage_call(stage, 1, call);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 1);
    stage_forget(stage);
    return stage;
}

static struct stage *begin(void) {
    return begin_as(1u << FRAMEWORK_PARTITION_AWARE);
}

static void ask(struct stage *stage, const char *task, const char *agent) {
    struct task_reference *reference = ARENA_NEW(stage->arena, struct task_reference);
    *reference = (struct task_reference){{text_of(task)}, {stage_id(stage, agent)}};
    stage_call(
        stage, 1,
        (struct scheduler_call){.kind = SCHEDULER_CALL_RECONCILE, .reconcile = {reference, 1}});
}

static void kill_task(struct stage *stage, const char *task, const char *agent) {
    stage_call(
        stage, 1,
        (struct scheduler_call){.kind = SCHEDULER_CALL_KILL,
                                .kill = {{text_of(task)}, {stage_id(stage, agent)}, false, 0}});
}

TEST(implicit_reconciliation_tells_every_active_task) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_RECONCILE});

    assert_heard(stage, "to 1 UPDATE t TASK_RUNNING REASON_RECONCILIATION agent=M-S0");
    assert_not_heard(stage, "uuid=");
}

TEST(a_known_task_is_told_whatever_agent_is_named) {
    AUTO(stage_free) struct stage *stage = begin();

    ask(stage, "t", "");

    assert_heard(stage, "to 1 UPDATE t TASK_RUNNING REASON_RECONCILIATION");
}

TEST(a_task_unknown_to_a_registered_agent_is_gone) {
    AUTO(stage_free) struct stage *stage = begin();

    ask(stage, "ghost", "M-S0");

    assert_heard(stage, "to 1 UPDATE ghost TASK_GONE REASON_RECONCILIATION");
}

TEST(a_task_of_an_unknown_agent_is_unknown) {
    AUTO(stage_free) struct stage *stage = begin();

    ask(stage, "ghost", "M-S77");
    ask(stage, "spook", "");

    assert_heard(stage, "to 1 UPDATE ghost TASK_UNKNOWN");
    assert_heard(stage, "to 1 UPDATE spook TASK_UNKNOWN");
}

TEST(a_task_of_an_unreachable_agent_is_unreachable_when_the_agent_is_named) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_pass_ms(stage, 80000);
    stage_forget(stage);

    ask(stage, "t", "M-S0");
    assert_heard(stage, "to 1 UPDATE t TASK_UNREACHABLE REASON_RECONCILIATION agent=M-S0 since");
    ask(stage, "t", "");

    assert_heard(stage, "to 1 UPDATE t TASK_UNKNOWN");
}

TEST(without_partition_awareness_all_of_these_are_lost) {
    AUTO(stage_free) struct stage *stage = begin_as(0);

    ask(stage, "a", "M-S0");
    ask(stage, "b", "M-S77");

    assert_heard(stage, "to 1 UPDATE a TASK_LOST");
    assert_heard(stage, "to 1 UPDATE b TASK_LOST");
}

TEST(while_agents_of_the_registry_are_missing_nothing_is_said) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_AGENT, .agent_info = TEXT("info")};
    struct text key = TEXT("agent/old-S3");
    stage_begin_with(stage, &record, &key, 1);
    stage_add_framework(stage, 1);

    ask(stage, "t", "old-S3");
    ask(stage, "t", "");
    assert_not_heard(stage, "UPDATE");
    ask(stage, "t", "other");

    assert_heard(stage, "to 1 UPDATE t TASK_LOST");
}

TEST(a_task_of_an_agent_that_is_gone_is_gone_by_operator) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_GONE, .agent = {{TEXT("old-S3")}, 1}};
    struct text key = TEXT("gone/old-S3");
    stage_begin_with(stage, &record, &key, 1);
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.info.capabilities = 1u << FRAMEWORK_PARTITION_AWARE;
    stage_call(stage, 1, call);

    ask(stage, "t", "old-S3");

    assert_heard(stage, "to 1 UPDATE t TASK_GONE_BY_OPERATOR");
}

TEST(a_kill_goes_to_the_agent) {
    AUTO(stage_free) struct stage *stage = begin();

    kill_task(stage, "t", "");

    assert_heard(stage, "to 9 KILL t");
}

TEST(a_kill_that_names_a_wrong_agent_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();

    kill_task(stage, "t", "M-S5");

    assert_not_heard(stage, "KILL t");
    assert_heard(stage, "it is on agent M-S0, not M-S5");
}

TEST(the_kill_of_an_unknown_task_is_answered_by_reconciliation) {
    AUTO(stage_free) struct stage *stage = begin();

    kill_task(stage, "ghost", "M-S0");

    assert_heard(stage, "to 1 UPDATE ghost TASK_GONE REASON_RECONCILIATION");
}

TEST(a_kill_for_an_agent_that_is_away_is_said_when_it_returns) {
    AUTO(stage_free) struct stage *stage = begin();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);
    struct agent_message message = stage_register(stage, "M-S0", "h", "cpus:4;mem:1024");
    message.register_agent.tasks = &report;
    message.register_agent.task_count = 1;
    stage_close(stage, 9);

    kill_task(stage, "t", "M-S0");
    assert_not_heard(stage, "KILL");
    stage_tell(stage, 10, message);

    assert_heard(stage, "to 10 KILL t");
}

TEST(a_negative_grace_period_is_dropped_and_named) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = {.kind = SCHEDULER_CALL_KILL,
                                  .kill = {{TEXT("t")}, {{0}}, true, -1}};

    stage_call(stage, 1, call);

    assert_heard(stage, "grace period is negative");
    assert_not_heard(stage, "KILL t");
}

static void kill_by_operator(struct stage *stage, const char *framework, const char *task) {
    stage_play(stage,
               (struct master_event){.kind = MASTER_EVENT_OPERATOR,
                                     .operator_call = {3,
                                                       {.kind = OPERATOR_KILL_TASK,
                                                        .framework = {stage_id(stage, framework)},
                                                        .task = {text_of(task)}}}});
}

TEST(an_operator_kills_a_task_by_its_id) {
    AUTO(stage_free) struct stage *stage = begin();

    kill_by_operator(stage, "", "t");
    kill_by_operator(stage, "", "ghost");

    assert_heard(stage, "to 9 KILL t by operator");
    assert_heard(stage, "answer 3 202");
    assert_heard(stage, "answer 3 404");
}

TEST(an_operator_must_name_the_framework_of_an_ambiguous_task) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 2);
    struct scheduler_call suppress = {.kind = SCHEDULER_CALL_SUPPRESS};
    stage_call(stage, 1, suppress);
    struct scheduler_call decline = stage_accept(stage, stage_offer(stage), NULL, 0);
    stage_call(stage, 1, decline);
    stage_launch(stage, 2, "t", "M-S0", "cpus:1");

    kill_by_operator(stage, "", "t");
    assert_heard(stage, "answer 3 400 More than one framework");
    kill_by_operator(stage, "M-0001", "t");

    assert_heard(stage, "answer 3 202");
}
