/*
 * Reservations and volumes out of offers, and by operators.
 */
#include "tests/unit/master/core/stage_operations.h"

#include "tests/support/resources_said.h"

#include <stdio.h>

#define MACHINE "cpus:4;mem:1024;disk:1000"

/* --- on offers --- */

TEST(a_reservation_is_counted_with_at_once_and_goes_to_the_agent) {
    CALLS(c, "eng", MACHINE);

    calls_operate(&c, OPERATION_RESERVE, "r1", "cpus(+eng=p):2");

    assert_heard(c.stage, "to 9 APPLY 1 RESERVE cpus:2 -> cpus(eng):2");
    assert_heard(c.stage, "OFFERS M-O1 agent=M-S0 role=eng cpus:2;mem:1024;disk:1000;cpus(eng):2");
    assert_total(c.stage, "M-S0", "cpus:2;mem:1024;disk:1000;cpus(+eng=p):2");
    assert_not_heard(c.stage, "OPERATION r1");
}

TEST(operations_and_tasks_of_a_call_go_on_from_what_was_made_before) {
    CALLS(c, "eng", MACHINE);
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "", "disk(+eng):100;cpus(+eng):1"),
        calls_operation(&c, OPERATION_CREATE, "", "disk(+eng)[v]:60"),
        calls_launch(&c, "t", "disk(+eng)[v]:60;cpus(+eng):1;mem:10"),
        calls_operation(&c, OPERATION_UNRESERVE, "", "disk(+eng):40"),
    };

    stage_call(c.stage, 1, calls_accept(&c, operations, 4));

    struct agent_view agent;
    assert_heard(c.stage, "APPLY 1 RESERVE");
    assert_heard(c.stage, "APPLY 2 CREATE disk(eng):60 -> disk(eng)[v]:60");
    assert_heard(c.stage, "RUN t role=eng");
    assert_heard(c.stage, "APPLY 3 UNRESERVE disk(eng):40 -> disk:40");
    assert_total(c.stage, "M-S0", "cpus:3;cpus(+eng):1;mem:1024;disk:940;disk(+eng)[v]:60");
    assert_true(stage_find_agent(c.stage, "M-S0", &agent));
    assert_resources(c.stage->kinds, agent.used, "disk(+eng)[v]:60;cpus(+eng):1;mem:10");
}

static size_t line_of(const struct stage *stage, const char *part) {
    for (size_t i = 0; i < stage->lines.count; i++)
        if (strstr(stage->lines.items[i], part) != NULL)
            return i;
    fail_msg("not heard: %s", part);
    return 0;
}

TEST(an_agent_hears_of_a_volume_before_the_task_that_uses_it) {
    CALLS(c, "eng", "cpus:4;disk(eng):1000");
    struct operation operations[] = {
        calls_operation(&c, OPERATION_CREATE, "", "disk(eng)[v]:60"),
        calls_launch(&c, "t", "disk(eng)[v]:60;cpus:1"),
    };

    stage_call(c.stage, 1, calls_accept(&c, operations, 2));

    assert_true(line_of(c.stage, "APPLY 1 CREATE") < line_of(c.stage, "RUN t"));
}

TEST(what_was_converted_and_not_used_is_offered_again_without_a_filter) {
    CALLS(c, "eng", MACHINE);
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "", "cpus(+eng):2"),
        calls_launch(&c, "t", "cpus(+eng):1"),
    };
    struct scheduler_call call = calls_accept(&c, operations, 2);
    call.accept.has_refuse_seconds = true;
    call.accept.refuse_seconds = 3600;

    stage_call(c.stage, 1, call);

    assert_heard(c.stage, "OFFERS M-O1 agent=M-S0 role=eng");
    assert_heard(c.stage, "cpus(eng):1");
}

TEST(what_was_not_converted_gets_the_filter_of_the_call) {
    CALLS(c, "eng", MACHINE);
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "", "cpus(+eng):2"),
        calls_launch(&c, "t", "cpus(+eng):2"),
    };
    struct scheduler_call call = calls_accept(&c, operations, 2);
    call.accept.refuse_seconds = 3600;

    stage_call(c.stage, 1, call);

    assert_heard(c.stage, "RUN t");
    assert_not_heard(c.stage, "OFFERS");
}

TEST(resized_volumes_are_for_the_next_call_and_not_for_this_one) {
    CALLS(c, "eng", "cpus:4;disk(eng)[v]:50;disk(eng):50");
    struct operation operations[] = {
        calls_operation(&c, OPERATION_GROW_VOLUME, "", "disk(eng)[v]:50"),
        calls_launch(&c, "t", "disk(eng)[v]:80;cpus:1"),
    };
    operations[0].addition = calls_resources(&c, "disk(eng):30");

    stage_call(c.stage, 1, calls_accept(&c, operations, 2));

    assert_heard(c.stage, "APPLY 1 GROW_VOLUME disk(eng)[v]:50;disk(eng):30 -> disk(eng)[v]:80");
    assert_heard(c.stage, "UPDATE t TASK_ERROR");
    assert_heard(c.stage, "OFFERS M-O1");
    assert_total(c.stage, "M-S0", "cpus:4;disk(eng)[v]:80;disk(eng):20");
}

TEST(a_volume_shrinks) {
    CALLS(c, "eng", "cpus:4;disk(eng)[v]:50");
    struct operation shrink = calls_operation(&c, OPERATION_SHRINK_VOLUME, "", "disk(eng)[v]:50");
    shrink.subtract_milli = 20000;

    stage_call(c.stage, 1, calls_accept(&c, &shrink, 1));

    assert_heard(c.stage, "APPLY 1 SHRINK_VOLUME");
    assert_total(c.stage, "M-S0", "cpus:4;disk(eng)[v]:30;disk(eng):20");
}

TEST(a_volume_is_destroyed_and_its_disk_unreserved) {
    CALLS(c, "eng", "cpus:4;disk(+eng)[v]:50");
    struct operation operations[] = {
        calls_operation(&c, OPERATION_DESTROY, "", "disk(+eng)[v]:50"),
        calls_operation(&c, OPERATION_UNRESERVE, "", "disk(+eng):50"),
    };

    stage_call(c.stage, 1, calls_accept(&c, operations, 2));

    assert_total(c.stage, "M-S0", "cpus:4;disk:50");
    assert_heard(c.stage, "OFFERS M-O1 agent=M-S0 role=eng cpus:4;disk:50");
}

TEST(a_volume_in_use_is_not_in_an_offer_and_cannot_be_destroyed) {
    CALLS(c, "eng", "cpus:4;disk(eng)[v]:50");
    struct operation launch = calls_launch(&c, "t", "disk(eng)[v]:50;cpus:1");
    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));

    calls_operate(&c, OPERATION_DESTROY, "d", "disk(eng)[v]:50");

    assert_heard(c.stage, "to 1 OPERATION d OPERATION_ERROR agent=M-S0 the offers lack");
    assert_total(c.stage, "M-S0", "cpus:4;disk(eng)[v]:50");
}

TEST(a_volume_outlives_its_task) {
    CALLS(c, "eng", "cpus:4;disk(eng)[v]:50");
    struct operation launch = calls_launch(&c, "t", "disk(eng)[v]:50;cpus:4");
    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));
    stage_forget(c.stage);

    stage_update(c.stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 1);

    assert_heard(c.stage, "role=eng cpus:4;disk(eng)[v]:50");
}

TEST(a_task_with_a_volume_that_was_not_offered_is_invalid) {
    CALLS(c, "eng", "cpus:4;disk(eng):50");
    struct operation launch = calls_launch(&c, "t", "disk(eng)[v]:50;cpus:1");

    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));

    assert_heard(c.stage, "UPDATE t TASK_ERROR REASON_TASK_INVALID agent=M-S0 Task 't' is invalid: "
                          "there is no such disk in the cluster");
}

/* --- what is refused --- */

struct refusal {
    enum operation_kind kind;
    const char *resources;
    const char *why;
};

static void refuse_all(const char *role, const char *machine, const struct refusal *rows,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        CALLS(c, role, machine);
        calls_operate(&c, rows[i].kind, "x", rows[i].resources);
        assert_heard(c.stage, "to 1 OPERATION x OPERATION_ERROR agent=M-S0 ");
        assert_heard(c.stage, rows[i].why);
        assert_not_heard(c.stage, "APPLY");
        assert_total(c.stage, "M-S0", machine);
        assert_heard(c.stage, "OFFERS M-O1");
    }
}

TEST(operations_that_break_a_rule_end_in_an_error_and_change_nothing) {
    static const struct refusal rows[] = {
        {OPERATION_RESERVE, "", "it names no resources"},
        {OPERATION_RESERVE, "cpus(eng):1", "cpus is not reserved dynamically"},
        {OPERATION_RESERVE, "cpus(+ops):1", "it reserves for role 'ops' what was offered to 'eng'"},
        {OPERATION_RESERVE, "cpus(+eng/a):1", "it reserves for role 'eng/a'"},
        {OPERATION_RESERVE, "cpus(+eng):5", "the offers lack cpus:5"},
        {OPERATION_RESERVE, "gpus(+eng):5", "the offers lack gpus:5"},
        {OPERATION_RESERVE, "unicorns(+eng):5", "no such unicorns in the cluster"},
        {OPERATION_UNRESERVE, "mem(eng):5", "mem is not reserved dynamically"},
        {OPERATION_UNRESERVE, "mem(+eng):5", "there is no such mem in the cluster"},
        {OPERATION_UNRESERVE, "disk(+eng)[v]:7", "'v' is a persistent volume"},
        {OPERATION_CREATE, "disk(eng)[v]:7", "has a volume 'v' of this role already"},
        {OPERATION_CREATE, "disk(eng)[w]:70", "the offers lack disk(eng):70"},
        {OPERATION_CREATE, "disk[w]:7", "not reserved"},
        {OPERATION_DESTROY, "disk(eng)[w]:7", "there is no such disk in the cluster"},
        {OPERATION_DESTROY, "disk(+eng)[v]:8", "the offers lack disk(eng)[v]:8"},
        {OPERATION_CREATE_DISK, "disk:8", "it is not served"},
    };
    refuse_all("eng", "cpus:4;mem(eng):10;disk(+eng)[v]:7;disk(eng):20", rows,
               sizeof(rows) / sizeof(rows[0]));
}

TEST(one_bad_operation_does_not_stop_the_next) {
    CALLS(c, "eng", MACHINE);
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "a", "cpus(+eng):9"),
        calls_operation(&c, OPERATION_RESERVE, "b", "cpus(+eng):2"),
    };

    stage_call(c.stage, 1, calls_accept(&c, operations, 2));

    assert_heard(c.stage, "OPERATION a OPERATION_ERROR");
    assert_heard(c.stage, "APPLY 1 RESERVE cpus:2");
}

TEST(without_an_id_only_the_log_hears_of_a_bad_operation) {
    CALLS(c, "eng", MACHINE);

    calls_operate(&c, OPERATION_RESERVE, "", "cpus(+eng):9");

    assert_heard(c.stage, "note message_dropped call=ACCEPT framework=M-0000 operation=RESERVE");
    assert_not_heard(c.stage, "OPERATION ");
}

TEST(what_could_not_be_read_is_refused_with_the_readers_words) {
    CALLS(c, "eng", MACHINE);
    struct operation operation = {
        .kind = OPERATION_CREATE, .id = TEXT("x"), .fault = TEXT("volume 'v' is not of mode RW")};

    stage_call(c.stage, 1, calls_accept(&c, &operation, 1));

    assert_heard(c.stage, "OPERATION x OPERATION_ERROR agent=M-S0 volume 'v' is not of mode RW");
}

TEST(resources_allocated_to_another_role_are_not_the_offers) {
    CALLS(c, "eng", MACHINE);
    struct operation operation = calls_operation(&c, OPERATION_RESERVE, "x", "cpus(+eng):1");
    operation.resource_role = TEXT("ops");

    stage_call(c.stage, 1, calls_accept(&c, &operation, 1));

    assert_heard(c.stage, "its resources are allocated to role 'ops', the offer to 'eng'");
}

TEST(only_operators_name_a_source) {
    CALLS(c, "eng", MACHINE);
    struct operation operation = calls_operation(&c, OPERATION_RESERVE, "x", "cpus(+eng):1");
    operation.source = calls_resources(&c, "cpus:1");

    stage_call(c.stage, 1, calls_accept(&c, &operation, 1));

    assert_heard(c.stage, "only an operator may name a 'source'");
}

TEST(operations_with_bad_offers_end_in_an_error) {
    CALLS(c, "eng", MACHINE);
    struct operation operation = calls_operation(&c, OPERATION_RESERVE, "x", "cpus(+eng):1");
    struct scheduler_call call = calls_accept(&c, &operation, 1);
    ((struct offer_id *)call.accept.offers)->text = TEXT("nonsense");

    stage_call(c.stage, 1, call);

    assert_heard(c.stage, "to 1 OPERATION x OPERATION_ERROR Offer nonsense is no longer valid");
}

TEST(shared_volumes_and_refined_reservations_need_their_capabilities) {
    AUTO(stage_free) struct stage *stage = stage_new();
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct calls c = {stage, kinds};
    stage_begin(stage);
    stage_add_framework_of(stage, 1, "old", "eng/a", 0);
    stage_add_agent(stage, 9, "h", "cpus(eng):4;disk(eng/a):100;cpus:1");
    struct operation operations[] = {
        calls_operation(&c, OPERATION_RESERVE, "x", "cpus(eng+eng/a):1"),
        calls_operation(&c, OPERATION_CREATE, "y", "disk(eng/a)[v]{SHARED}:10"),
    };

    stage_call(stage, 1, calls_accept(&c, operations, 2));

    assert_heard(stage, "OPERATION x OPERATION_ERROR agent=M-S0 to refine a reservation needs");
    assert_heard(stage, "OPERATION y OPERATION_ERROR agent=M-S0 a shared volume needs");
}

TEST(a_reservation_is_refined_for_a_role_below) {
    CALLS(c, "eng/a", "cpus(eng):4;mem:10");

    calls_operate(&c, OPERATION_RESERVE, "", "cpus(eng+eng/a):1");

    assert_total(c.stage, "M-S0", "cpus(eng):3;cpus(eng+eng/a):1;mem:10");
    assert_heard(c.stage, "OFFERS M-O1");
}

TEST(refused_operations_teach_the_master_nothing) {
    CALLS(c, "eng", MACHINE);
    size_t before = kinds_size(c.stage->kinds);

    for (int i = 0; i < 20; i++) {
        char text[64];
        snprintf(text, sizeof(text), "cpus(+eng=p%d):9;x%d(+eng):1", i, i);
        calls_operate(&c, OPERATION_RESERVE, "", text);
    }

    assert_int_equal(kinds_size(c.stage->kinds), before);
}

TEST(an_id_that_is_none_is_refused) {
    CALLS(c, "eng", MACHINE);

    calls_operate(&c, OPERATION_RESERVE, "a/b", "cpus(+eng):1");

    assert_heard(c.stage, "OPERATION a/b OPERATION_ERROR agent=M-S0 its id");
    assert_not_heard(c.stage, "APPLY");
}

TEST(a_framework_that_makes_ever_new_kinds_is_stopped_and_others_are_not) {
    CALLS(c, "eng", "cpus:4000");
    char *labels = arena_alloc_zeroed(c.stage->arena, 1, KIND_BLOB_BYTES_LIMIT + 64);
    int made = 0;
    memset(labels, 'x', KIND_BLOB_BYTES_LIMIT);
    while (!stage_heard(c.stage, "the framework has made too many kinds") && made < 1000) {
        char *text = arena_printf(c.stage->arena, "cpus(+eng=%d%.60000s):1", made++, labels);
        calls_operate(&c, OPERATION_RESERVE, "", text);
    }
    assert_true(made > 100 && made < 1000);
    stage_forget(c.stage);
    calls_operate(&c, OPERATION_UNRESERVE, "",
                  arena_printf(c.stage->arena, "cpus(+eng=0%.60000s):1", labels));
    assert_heard(c.stage, "UNRESERVE");
    assert_not_heard(c.stage, "message_dropped");

    calls_order(&c, OPERATION_RESERVE, "M-S0", "cpus(+ops=another):1");

    assert_heard(c.stage, "answer 7 202");
}

/* --- operators --- */

TEST(an_operator_reserves_what_is_free) {
    CALLS(c, "ops", MACHINE);
    struct scheduler_call decline = calls_accept(&c, NULL, 0);
    decline.kind = SCHEDULER_CALL_DECLINE;
    decline.accept.refuse_seconds = 3600;
    stage_call(c.stage, 1, decline);

    calls_order(&c, OPERATION_RESERVE, "M-S0", "cpus(+eng):3");

    assert_heard(c.stage, "to 9 APPLY 1 RESERVE cpus:3 -> cpus(eng):3");
    assert_heard(c.stage, "answer 7 202");
    assert_not_heard(c.stage, "RESCIND");
    assert_total(c.stage, "M-S0", "cpus:1;cpus(+eng):3;mem:1024;disk:1000");
}

TEST(offers_that_hold_what_an_operator_needs_are_taken_back_and_filtered) {
    CALLS(c, "ops", MACHINE);

    calls_order(&c, OPERATION_RESERVE, "M-S0", "cpus(+eng):3");

    assert_heard(c.stage, "to 1 RESCIND M-O0");
    assert_heard(c.stage, "answer 7 202");
    assert_not_heard(c.stage, "OFFERS M-O1");
    stage_pass_ms(c.stage, 5100);
    assert_heard(c.stage, "OFFERS M-O1 agent=M-S0 role=ops cpus:1;mem:1024;disk:1000");
}

TEST(an_operator_makes_and_removes_volumes_and_changes_reservations) {
    CALLS(c, "ops", "cpus:4;disk:100");

    calls_order(&c, OPERATION_RESERVE, "M-S0", "disk(+eng):50");
    calls_order(&c, OPERATION_CREATE, "M-S0", "disk(+eng)[v]:20");
    assert_total(c.stage, "M-S0", "cpus:4;disk:50;disk(+eng):30;disk(+eng)[v]:20");
    calls_order(&c, OPERATION_DESTROY, "M-S0", "disk(+eng)[v]:20");
    calls_order(&c, OPERATION_UNRESERVE, "M-S0", "disk(+eng):50");

    assert_total(c.stage, "M-S0", "cpus:4;disk:100");
    assert_int_equal(stage_count(c.stage, "answer 7 202"), 4);
}

TEST(a_reservation_passes_from_one_role_to_another) {
    CALLS(c, "x", "cpus(+eng):4");
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.call = (struct operator_call){
        .kind = OPERATOR_OPERATION,
        .agent = {stage_id(c.stage, "M-S0")},
        .operation = calls_operation(&c, OPERATION_RESERVE, "", "cpus(+ops):3"),
        .kinds = c.kinds,
    };
    event.operator_call.call.operation.source = calls_resources(&c, "cpus(+eng):3");

    stage_play(c.stage, event);

    assert_total(c.stage, "M-S0", "cpus(+eng):1;cpus(+ops):3");
}

TEST(operators_hear_why_not) {
    static const struct {
        enum operation_kind kind;
        const char *agent, *resources, *answer;
    } rows[] = {
        {OPERATION_RESERVE, "M-S1", "cpus(+eng):1", "answer 7 400 No agent found"},
        {OPERATION_RESERVE, "M-S0", "cpus(eng):1", "answer 7 400 cpus is not reserved"},
        {OPERATION_RESERVE, "M-S0", "cpus(+eng):4",
         "answer 7 409 what nobody uses on the agent lacks cpus:4"},
        {OPERATION_UNRESERVE, "M-S0", "cpus(+x):4", "answer 7 409 there is no such cpus"},
        {OPERATION_CREATE, "M-S0", "disk(ops)[v]:1", "answer 7 409 the agent has a volume 'v'"},
        {OPERATION_DESTROY, "M-S0", "disk(ops)[v]:9", "answer 7 409 what nobody uses"},
    };
    CALLS(c, "ops", "cpus:4;disk(ops)[v]:9;disk(ops):9");
    struct operation launch = calls_launch(&c, "t", "cpus:1;disk(ops)[v]:9");
    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stage_forget(c.stage);
        calls_order(&c, rows[i].kind, rows[i].agent, rows[i].resources);
        assert_heard(c.stage, rows[i].answer);
        assert_not_heard(c.stage, "RESCIND");
    }
}

TEST(an_agent_that_is_away_takes_no_orders) {
    CALLS(c, "ops", MACHINE);
    stage_close(c.stage, 9);

    calls_order(&c, OPERATION_RESERVE, "M-S0", "cpus(+eng):1");

    assert_heard(c.stage, "answer 7 400 No agent found with specified ID");
}
