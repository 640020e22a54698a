/*
 * What becomes of operations once they are sent.
 */
#include "tests/unit/master/core/stage_operations.h"

#include "tests/support/resources_said.h"

#include <stdio.h>

#define MACHINE "cpus:4;mem:1024"

static void reconcile(struct stage *stage, const char *id, const char *agent) {
    struct operation_reference *one = ARENA_NEW(stage->arena, struct operation_reference);
    *one = (struct operation_reference){text_of(id), {stage_id(stage, agent)}};
    stage_forget(stage);
    stage_call(stage, 1,
               (struct scheduler_call){.kind = SCHEDULER_CALL_RECONCILE_OPERATIONS,
                                       .reconcile_operations = {one, id[0] != '\0'}});
}

TEST(the_answer_of_the_agent_is_told_to_who_gave_an_id) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "r1", "cpus(+eng):2");

    stage_answer(c.stage, 1, NULL);

    assert_heard(c.stage, "to 1 OPERATION r1 OPERATION_FINISHED agent=M-S0 cpus(eng):2");
}

TEST(who_gave_no_id_hears_nothing) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "", "cpus(+eng):2");

    stage_answer(c.stage, 1, NULL);

    assert_not_heard(c.stage, " OPERATION ");
}

TEST(what_the_agent_refuses_has_failed_and_its_total_is_the_truth) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "r1", "cpus(+eng):2");
    stage_forget(c.stage);

    stage_answer(c.stage, 1, "the disk is full");
    stage_tell_total(c.stage, MACHINE);

    assert_heard(c.stage, "to 1 OPERATION r1 OPERATION_FAILED agent=M-S0 the disk is full");
    assert_heard(c.stage, "note operation_not_done agent=M-S0 kind=RESERVE id=r1");
    assert_heard(c.stage, "RESCIND M-O1");
    assert_heard(c.stage, "OFFERS M-O2 agent=M-S0 role=eng cpus:4;mem:1024");
    assert_total(c.stage, "M-S0", MACHINE);
}

TEST(a_total_that_crosses_an_operation_is_counted_on_from) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "r1", "cpus(+eng):1");
    calls_operate(&c, OPERATION_RESERVE, "r2", "mem(+eng):24");

    stage_answer(c.stage, 1, "no");
    stage_tell_total(c.stage, MACHINE);

    assert_total(c.stage, "M-S0", "cpus:4;mem:1000;mem(+eng):24");
    stage_answer(c.stage, 2, NULL);
    assert_heard(c.stage, "OPERATION r2 OPERATION_FINISHED");
    assert_total(c.stage, "M-S0", "cpus:4;mem:1000;mem(+eng):24");
}

TEST(tasks_on_what_was_refused_keep_it_until_they_end) {
    CALLS(c, "eng", MACHINE);
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "", "cpus(+eng):2"),
        calls_launch(&c, "t", "cpus(+eng):2"),
    };
    stage_call(c.stage, 1, calls_accept(&c, operations, 2));
    stage_answer(c.stage, 1, "no");
    stage_tell_total(c.stage, MACHINE);
    struct agent_view agent;

    assert_true(stage_find_agent(c.stage, "M-S0", &agent));
    assert_resources(c.stage->kinds, agent.used, "cpus(+eng):2");
    stage_update(c.stage, 9, "M-0000", "t", TASK_STATE_FAILED, 1);

    assert_heard(c.stage, "role=eng cpus:4;mem:1024");
    assert_total(c.stage, "M-S0", MACHINE);
}

TEST(an_answer_that_nobody_awaits_is_said) {
    CALLS(c, "eng", MACHINE);

    stage_answer(c.stage, 5, NULL);

    assert_heard(c.stage, "an answer to an operation that is not awaited");
}

/* --- an agent that comes back --- */

struct outcome {
    const char *total; /* of the agent when it returns */
    const char *first, *second;
};

static void check_return(const struct outcome *row) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");
    calls_operate(&c, OPERATION_RESERVE, "b", "cpus(+eng):1");
    stage_close(c.stage, 9);
    stage_forget(c.stage);

    stage_tell(c.stage, 10, stage_register(c.stage, "M-S0", "h", row->total));

    assert_heard(c.stage, row->first);
    assert_heard(c.stage, row->second);
    assert_total(c.stage, "M-S0", row->total);
}

TEST(what_an_agent_has_when_it_returns_says_what_it_heard) {
    static const struct outcome rows[] = {
        {"cpus:2;cpus(+eng):2;mem:1024", "a OPERATION_FINISHED", "b OPERATION_FINISHED"},
        {"cpus:3;cpus(+eng):1;mem:1024", "a OPERATION_FINISHED", "b OPERATION_DROPPED"},
        {"cpus:4;mem:1024", "a OPERATION_DROPPED", "b OPERATION_DROPPED"},
        /* With other flags meanwhile: by what is there. */
        {"cpus:20;mem:1024", "a OPERATION_DROPPED", "b OPERATION_DROPPED"},
        {"cpus:18;cpus(+eng):2;mem:1024", "a OPERATION_FINISHED", "b OPERATION_FINISHED"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_return(&rows[i]);
}

TEST(numbers_begin_anew_on_a_new_connection) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");
    stage_close(c.stage, 9);
    stage_tell(c.stage, 10, stage_register(c.stage, "M-S0", "h", "cpus:3;cpus(+eng):1;mem:1024"));
    stage_forget(c.stage);

    calls_operate(&c, OPERATION_RESERVE, "b", "cpus(+eng):1");

    assert_heard(c.stage, "to 10 APPLY 1 RESERVE");
}

TEST(a_new_master_learns_reservations_and_volumes_from_the_agents) {
    CALLS(c, "eng", "cpus:1;cpus(+eng):2;disk(+eng)[v]:10");

    calls_operate(&c, OPERATION_DESTROY, "", "disk(+eng)[v]:10");

    assert_total(c.stage, "M-S0", "cpus:1;cpus(+eng):2;disk(+eng):10");
}

TEST(operations_of_a_lost_agent_are_unreachable_until_it_returns) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");
    stage_close(c.stage, 9);

    stage_pass_ms(c.stage, 700 * 1000);
    assert_heard(c.stage, "to 1 OPERATION a OPERATION_UNREACHABLE agent=M-S0");
    stage_tell(c.stage, 10, stage_register(c.stage, "M-S0", "h", "cpus:3;cpus(+eng):1;mem:1024"));

    assert_heard(c.stage, "to 1 OPERATION a OPERATION_FINISHED agent=M-S0 cpus(eng):1");
}

TEST(operations_of_an_agent_that_is_removed_are_gone) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");

    stage_tell(c.stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_UNREGISTER});

    assert_heard(c.stage, "to 1 OPERATION a OPERATION_GONE_BY_OPERATOR");
    reconcile(c.stage, "a", "M-S0");
    assert_heard(c.stage, "OPERATION a OPERATION_GONE_BY_OPERATOR");
}

/* --- reconciliation --- */

TEST(known_operations_are_reconciled_with_their_latest_state) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");

    reconcile(c.stage, "a", "");
    assert_heard(c.stage, "OPERATION a OPERATION_PENDING agent=M-S0");
    stage_answer(c.stage, 1, NULL);
    reconcile(c.stage, "a", "M-S0");

    assert_heard(c.stage, "OPERATION a OPERATION_FINISHED agent=M-S0 cpus(eng):1");
}

TEST(reconciling_nothing_reconciles_all) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");
    calls_operate(&c, OPERATION_RESERVE, "b", "mem(+eng):1");

    reconcile(c.stage, "", "");

    assert_heard(c.stage, "OPERATION a OPERATION_PENDING");
    assert_heard(c.stage, "OPERATION b OPERATION_PENDING");
}

TEST(unknown_operations_are_reconciled_by_where_their_agent_is) {
    CALLS(c, "eng", MACHINE);

    reconcile(c.stage, "x", "");
    assert_heard(c.stage, "OPERATION x OPERATION_UNKNOWN");
    reconcile(c.stage, "x", "M-S0");
    assert_heard(c.stage, "OPERATION x OPERATION_UNKNOWN agent=M-S0");
    reconcile(c.stage, "x", "M-S7");
    assert_heard(c.stage, "OPERATION x OPERATION_UNKNOWN agent=M-S7");
    stage_close(c.stage, 9);
    stage_pass_ms(c.stage, 700 * 1000);
    reconcile(c.stage, "x", "M-S0");
    assert_heard(c.stage, "OPERATION x OPERATION_UNREACHABLE agent=M-S0");
}

TEST(operations_on_agents_that_are_not_back_yet_are_recovering) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_AGENT, .agent_info = TEXT("a")};
    struct registry_record gone = {.kind = REGISTRY_GONE};
    struct registry_record records[] = {record, gone};
    struct text keys[] = {TEXT("agent/A"), TEXT("gone/G")};
    stage_begin_with(stage, records, keys, 2);
    stage_add_framework(stage, 1);

    reconcile(stage, "x", "A");
    assert_heard(stage, "OPERATION x OPERATION_RECOVERING agent=A");
    reconcile(stage, "x", "G");
    assert_heard(stage, "OPERATION x OPERATION_GONE_BY_OPERATOR agent=G");
}

TEST(an_id_that_is_used_again_means_the_newest) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):1");
    calls_operate(&c, OPERATION_RESERVE, "a", "mem(+eng):1");
    stage_answer(c.stage, 1, "no");
    assert_not_heard(c.stage, "OPERATION a ");

    stage_answer(c.stage, 2, NULL);

    assert_heard(c.stage, "OPERATION a OPERATION_FINISHED agent=M-S0 mem(eng):1");
}

TEST(a_framework_is_remembered_a_thousand_operations) {
    CALLS(c, "eng", "cpus:4000");
    for (int i = 0; i < 1002; i++) {
        char id[16];
        snprintf(id, sizeof(id), "op%d", i);
        calls_operate(&c, OPERATION_RESERVE, id, "cpus(+eng):1");
        stage_answer(c.stage, (uint64_t)i + 1, NULL);
    }

    reconcile(c.stage, "op1", "M-S0");
    assert_heard(c.stage, "OPERATION op1 OPERATION_UNKNOWN");
    reconcile(c.stage, "op2", "M-S0");
    assert_heard(c.stage, "OPERATION op2 OPERATION_FINISHED");
}

TEST(the_end_of_each_operation_is_told_however_many_are_awaited) {
    CALLS(c, "eng", "cpus:4000");
    for (int i = 0; i < 1500; i++) {
        char id[16];
        snprintf(id, sizeof(id), "op%d", i);
        calls_operate(&c, OPERATION_RESERVE, id, "cpus(+eng):1");
    }

    stage_answer(c.stage, 1, NULL);
    assert_heard(c.stage, "OPERATION op0 OPERATION_FINISHED");
    for (int i = 1; i < 1500; i++)
        stage_answer(c.stage, (uint64_t)i + 1, NULL);

    assert_heard(c.stage, "OPERATION op1499 OPERATION_FINISHED");
    reconcile(c.stage, "op499", "M-S0");
    assert_heard(c.stage, "OPERATION op499 OPERATION_UNKNOWN");
    reconcile(c.stage, "op500", "M-S0");
    assert_heard(c.stage, "OPERATION op500 OPERATION_FINISHED");
}

TEST(a_framework_that_ends_leaves_its_reservations_to_the_role) {
    CALLS(c, "eng", MACHINE);
    calls_operate(&c, OPERATION_RESERVE, "a", "cpus(+eng):2");
    stage_call(c.stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_TEARDOWN});

    stage_answer(c.stage, 1, NULL);

    assert_total(c.stage, "M-S0", "cpus:2;cpus(+eng):2;mem:1024");
    stage_add_framework_of(c.stage, 2, "next", "eng", 0);
    assert_heard(c.stage, "to 2 OFFERS M-O2 agent=M-S0 role=eng cpus:2;mem:1024;cpus(eng):2");
}
