#include "tests/unit/master/core/stage.h"

#include <math.h>

/* One framework on connection 1, one agent on 9, and its offer. */
static struct stage *begin_with_offer(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024;ports:[31000-31009]");
    stage_forget(stage);
    return stage;
}

static struct scheduler_call decline(struct stage *stage, bool has_seconds, double seconds) {
    struct offer_id *id = ARENA_NEW(stage->arena, struct offer_id);
    id->text = stage_offer(stage);
    return (struct scheduler_call){
        .kind = SCHEDULER_CALL_DECLINE,
        .accept = {.offers = id,
                   .offer_count = 1,
                   .has_refuse_seconds = has_seconds,
                   .refuse_seconds = seconds},
    };
}

TEST(frameworks_without_gpu_resources_get_nothing_of_agents_with_gpus) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);
    stage_add_framework(stage, 1);

    stage_add_agent(stage, 9, "h", "cpus:4;gpus:2");

    assert_int_equal(stage->offers.count, 0);
}

TEST(a_launched_task_goes_to_its_agent_and_holds_its_resources) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();

    stage_launch(stage, 1, "t", "M-S0", "cpus:1;ports:[31000-31001]");

    struct task_view task;
    struct agent_view agent;
    assert_heard(stage, "to 9 RUN t role=*");
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_STAGING);
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_int_equal(resources_scalar_milli(agent.used, KIND_CPUS), 1000);
}

TEST(what_is_left_of_an_offer_is_offered_again) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();

    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    assert_heard(stage, "to 1 OFFERS M-O1 agent=M-S0 role=* cpus:3;mem:1024");
}

TEST(a_declined_offer_is_filtered_for_five_seconds) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    stage_call(stage, 1, decline(stage, false, 0));

    stage_pass_ms(stage, 4900);
    assert_not_heard(stage, "OFFERS");
    stage_pass_ms(stage, 200);

    assert_heard(stage, "OFFERS M-O1");
}

TEST(refuse_seconds_of_none_and_of_nonsense) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();

    stage_call(stage, 1, decline(stage, true, 0));
    assert_heard(stage, "OFFERS M-O1");
    stage_call(stage, 1, decline(stage, true, -3));
    assert_not_heard(stage, "OFFERS M-O2");
    stage_pass_ms(stage, 5100);
    assert_heard(stage, "OFFERS M-O2");
    stage_call(stage, 1, decline(stage, true, NAN));
    stage_pass_ms(stage, 5100);
    assert_heard(stage, "OFFERS M-O3");
    stage_call(stage, 1, decline(stage, true, 1e300));
    stage_pass_ms(stage, 100000);

    assert_not_heard(stage, "OFFERS M-O4");
}

TEST(revive_ends_filters_and_suppress_silences) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    stage_call(stage, 1, decline(stage, true, 3600));

    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_REVIVE});
    assert_heard(stage, "OFFERS M-O1");
    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_SUPPRESS});
    stage_call(stage, 1, decline(stage, true, 0));

    assert_not_heard(stage, "OFFERS M-O2");
}

TEST(reviving_a_role_that_is_not_ones_own_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct text role = TEXT("web");
    struct scheduler_call call = {.kind = SCHEDULER_CALL_REVIVE,
                                  .roles = {.roles = &role, .role_count = 1}};

    stage_call(stage, 1, call);

    assert_heard(stage, "call=REVIVE framework=M-0000 error=\"a role is not");
}

TEST(a_framework_that_subscribes_suppressed_gets_no_offers) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);
    struct text role = TEXT("*");
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.suppressed_roles = &role;
    call.subscribe.suppressed_role_count = 1;

    stage_call(stage, 1, call);
    stage_add_agent(stage, 9, "h", "cpus:4");

    assert_not_heard(stage, "OFFERS");
}

TEST(offers_wait_for_company) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.offer_gather_ms = 5;
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");
    stage_pass_ms(stage, 2);
    stage_add_agent(stage, 10, "i", "cpus:2");
    assert_not_heard(stage, "OFFERS");

    stage_pass_ms(stage, 3);

    assert_int_equal(stage_count(stage, "OFFERS"), 1);
    assert_int_equal(stage->offers.count, 2);
}

TEST(an_offer_runs_out_and_is_made_anew) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.offer_timeout_ms = 30000;
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");

    stage_pass_ms(stage, 30001);

    assert_heard(stage, "to 1 RESCIND M-O0");
    assert_heard(stage, "to 1 OFFERS M-O1");
}

TEST(who_lets_all_offers_run_out_is_named_when_it_is_offered_less) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.offer_timeout_ms = 30000;
    stage->options.agent_ping_timeout_ms = 100000000;
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");

    stage_pass_ms(stage, 300000);

    assert_int_equal(stage_count(stage, "note framework_lets_offers_expire"), 1);
    assert_heard(stage, "framework=M-0000 role=* agents_at_a_time=1");
}

TEST(offers_live_for_ever_when_told_so) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.offer_timeout_ms = 0;
    stage->options.agent_ping_timeout_ms = 100000000;
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");

    stage_pass_ms(stage, 3600000);

    assert_not_heard(stage, "RESCIND");
}

/* --- invalid offers --- */

static void invalid(struct stage *stage, struct scheduler_call call, const char *why) {
    stage_call(stage, 1, call);
    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_INVALID_OFFERS");
    assert_heard(stage, why);
    assert_not_heard(stage, "RUN");
}

TEST(an_offer_that_was_never_made_loses_the_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");

    invalid(stage, stage_accept(stage, TEXT("nonsense"), &task, 1), "is no longer valid");
    invalid(stage, stage_accept(stage, stage_id(stage, "M-O18446744073709551616"), &task, 1),
            "is no longer valid");
    invalid(stage, stage_accept(stage, stage_id(stage, "M-O00"), &task, 1), "is no longer valid");
}

TEST(an_offer_is_taken_once) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct text offer = stage_offer(stage);
    stage_launch(stage, 1, "first", "M-S0", "cpus:1");
    stage_forget(stage);
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");

    invalid(stage, stage_accept(stage, offer, &task, 1), "is no longer valid");
}

TEST(an_offer_of_another_framework_stays_with_it) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    stage_add_framework(stage, 2);
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");

    stage_call(stage, 2, stage_accept(stage, stage_offer(stage), &task, 1));

    assert_heard(stage, "to 2 UPDATE t TASK_LOST REASON_INVALID_OFFERS");
    assert_int_equal(master_count(stage->master).offers, 1);
}

TEST(an_offer_given_twice_goes_back) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct offer_id twice[] = {{stage_offer(stage)}, {stage_offer(stage)}};
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    call.accept.offers = twice;
    call.accept.offer_count = 2;

    invalid(stage, call, "is given twice");
    assert_heard(stage, "OFFERS M-O1");
}

TEST(offers_of_two_agents_cannot_be_taken_together) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    stage_add_agent(stage, 10, "i", "cpus:2");
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct offer_id both[] = {{stage->offers.items[0]}, {stage->offers.items[1]}};
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    call.accept.offers = both;
    call.accept.offer_count = 2;

    invalid(stage, call, "Offers of more than one agent");
}

TEST(no_offer_at_all_loses_the_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    call.accept.offer_count = 0;

    invalid(stage, call, "No offers specified");
}

TEST(partition_aware_frameworks_hear_dropped) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);
    struct scheduler_call subscribe = stage_subscribe(stage, "", "spark");
    subscribe.subscribe.info.capabilities = 1u << FRAMEWORK_PARTITION_AWARE;
    stage_call(stage, 1, subscribe);
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");

    stage_call(stage, 1, stage_accept(stage, TEXT("none"), &task, 1));

    assert_heard(stage, "to 1 UPDATE t TASK_DROPPED REASON_INVALID_OFFERS");
}

/* --- tasks that are refused --- */

static void bad_task(struct stage *stage, struct task_info task, const char *why) {
    stage_forget(stage);
    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), &task, 1));
    assert_heard(stage, "TASK_ERROR REASON_TASK_INVALID");
    assert_heard(stage, why);
    assert_not_heard(stage, "RUN");
    assert_heard(stage, "OFFERS"); /* nothing is lost */
}

TEST(a_task_that_asks_for_more_than_the_offer_is_refused_by_amount) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    bad_task(stage, stage_task(stage, "t", "M-S0", "cpus:4.5"),
             "it asks for cpus:4.5, the offer has 4 of that left");
    bad_task(stage, stage_task(stage, "t", "M-S0", "cpus(eng):0.5"),
             "it asks for cpus(eng):0.5, the offer has 0 of that left");
    bad_task(stage, stage_task(stage, "t", "M-S0", "cpus:1;ports:[1-2]"), "it asks for ports");
}

TEST(a_task_without_resources_is_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    bad_task(stage, stage_task(stage, "t", "M-S0", ""), "it asks for no resources");
}

TEST(a_task_id_that_is_none_is_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    bad_task(stage, stage_task(stage, "../t", "M-S0", "cpus:1"), "task id '../t'");
    bad_task(stage, stage_task(stage, "", "M-S0", "cpus:1"), "task id '' is empty");
}

TEST(a_task_id_in_use_is_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    bad_task(stage, stage_task(stage, "t", "M-S0", "cpus:1"), "task id 't' is in use");
}

TEST(a_task_for_another_agent_is_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    bad_task(stage, stage_task(stage, "t", "M-S9", "cpus:1"), "it names agent");
}

TEST(a_task_needs_either_a_command_or_an_executor) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info neither = stage_task(stage, "t", "M-S0", "cpus:1");
    struct task_info both = neither;
    neither.command.is_set = false;
    both.executor.is_set = true;

    bad_task(stage, neither, "either a command or an executor");
    bad_task(stage, both, "either a command or an executor");
}

TEST(what_no_agent_serves_is_refused_by_name) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1"), bad = task;
    bad.container = (struct container_request){.is_set = true, .is_docker = true};
    bad_task(stage, bad, "DOCKER containers are not served");
    bad.container = (struct container_request){.is_set = true, .has_image = true};
    bad_task(stage, bad, "images are not served");
    bad.container = (struct container_request){.is_set = true, .volume_count = 1};
    bad_task(stage, bad, "volumes are not served");
    bad.container = (struct container_request){.is_set = true, .network_count = 1};
    bad_task(stage, bad, "network_infos are not served");
    bad = task;
    bad.command.uri_count = 1;
    bad_task(stage, bad, "URIs are not fetched");
    bad = task;
    bad.command.has_secret = true;
    bad_task(stage, bad, "secrets are not served");
    bad = task;
    bad.has_health_check = true;
    bad_task(stage, bad, "health checks are not served");
}

TEST(negative_times_are_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1"), bad = task;
    bad.has_kill_grace = true;
    bad.kill_grace_ns = -1;
    bad_task(stage, bad, "grace period is negative");
    bad = task;
    bad.has_max_completion = true;
    bad.max_completion_ns = -1;
    bad_task(stage, bad, "max_completion_time is negative");
}

TEST(limits_are_of_cpus_and_mem_and_not_below_the_request) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct task_limit disk = {TEXT("disk"), false, 1000}, low = {TEXT("cpus"), false, 999};
    struct task_limit infinite = {TEXT("cpus"), true, 0};
    task.limit_count = 1;
    task.limits = &disk;
    bad_task(stage, task, "there is no limit 'disk'");
    task.limits = &low;
    bad_task(stage, task, "its limit of cpus is below its request");
    task.limits = &infinite;

    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), &task, 1));

    assert_heard(stage, "RUN t");
}

TEST(resources_of_a_wrong_role_are_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    task.resource_role = TEXT("web");
    bad_task(stage, task, "allocated to role 'web', the offer to '*'");
}

TEST(a_bad_task_does_not_disturb_its_neighbours) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info tasks[] = {
        stage_task(stage, "a", "M-S0", "cpus:1"),
        stage_task(stage, "b", "M-S0", "cpus:9"),
        stage_task(stage, "a", "M-S0", "cpus:1"),
        stage_task(stage, "c", "M-S0", "cpus:3"),
    };

    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), tasks, 4));

    assert_heard(stage, "RUN a");
    assert_heard(stage, "UPDATE b TASK_ERROR");
    assert_heard(stage, "UPDATE a TASK_ERROR REASON_TASK_INVALID");
    assert_heard(stage, "RUN c");
}

/* --- executors --- */

static struct task_info with_executor(struct stage *stage, const char *id, const char *encoded) {
    struct task_info task = stage_task(stage, id, "M-S0", "cpus:1");
    task.command.is_set = false;
    task.executor = (struct executor_info){
        .is_set = true,
        .id = {TEXT("exec")},
        .command = {.is_set = true},
        .resources = stage_resources(stage, "cpus:0.5"),
        .encoded = text_of(encoded),
    };
    return task;
}

TEST(an_executor_is_counted_once_for_all_its_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info tasks[] = {with_executor(stage, "a", "e"), with_executor(stage, "b", "e")};

    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), tasks, 2));

    struct agent_view agent;
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_int_equal(resources_scalar_milli(agent.used, KIND_CPUS), 2500);
    assert_heard(stage, "executor=exec");
}

TEST(an_executor_that_differs_from_the_running_one_is_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info first = with_executor(stage, "a", "e");
    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), &first, 1));

    bad_task(stage, with_executor(stage, "b", "other"), "executor 'exec' runs already");
}

TEST(executors_of_a_wrong_shape_are_refused) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = with_executor(stage, "a", "e");
    task.executor.type = EXECUTOR_TYPE_DEFAULT;
    bad_task(stage, task, "must be of type CUSTOM");
    task.executor.type = EXECUTOR_TYPE_CUSTOM;
    task.executor.command.is_set = false;
    bad_task(stage, task, "its executor has no command");
    task.executor.command.is_set = true;
    task.executor.framework.text = TEXT("other");
    bad_task(stage, task, "its executor names framework 'other'");
}

TEST(an_executor_that_exits_gives_its_resources_back_and_is_reported) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = with_executor(stage, "a", "e");
    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), &task, 1));
    struct agent_message message = {.kind = AGENT_MESSAGE_EXECUTOR_EXITED};
    message.executor_exited.framework.text = stage_id(stage, "M-0000");
    message.executor_exited.executor.text = TEXT("exec");
    message.executor_exited.status = 1792;

    stage_tell(stage, 9, message);

    struct agent_view agent;
    assert_heard(stage, "to 1 FAILURE M-S0 executor=exec status=1792");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_int_equal(resources_scalar_milli(agent.used, KIND_CPUS), 1000);
}

/* --- other operations --- */

TEST(task_groups_fail_with_a_plain_message) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    ((struct operation *)call.accept.operations)->kind = OPERATION_LAUNCH_GROUP;

    stage_call(stage, 1, call);

    assert_heard(stage, "UPDATE t TASK_ERROR REASON_TASK_GROUP_INVALID");
    assert_heard(stage, "Task groups are not served");
    assert_heard(stage, "OFFERS M-O1");
}

TEST(bad_operations_are_dropped_and_the_rest_of_the_call_goes_on) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct operation operations[] = {
        {.kind = OPERATION_RESERVE},
        {.kind = (enum operation_kind)77},
        {.kind = OPERATION_LAUNCH, .tasks = &task, .task_count = 1},
    };
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    call.accept.operations = operations;
    call.accept.operation_count = 3;

    stage_call(stage, 1, call);

    assert_heard(stage, "operation=RESERVE id= error=\"it names no resources\"");
    assert_heard(stage, "operation=UNKNOWN id= error=\"it is not served\"");
    assert_heard(stage, "RUN t");
}

TEST(an_operation_id_on_a_launch_fails_its_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_offer();
    struct task_info task = stage_task(stage, "t", "M-S0", "cpus:1");
    struct scheduler_call call = stage_accept(stage, stage_offer(stage), &task, 1);
    ((struct operation *)call.accept.operations)->id = TEXT("op");

    stage_call(stage, 1, call);

    assert_heard(stage, "UPDATE t TASK_ERROR REASON_TASK_INVALID");
}
