#include "master/core/framework_check.h"
#include "tests/unit/master/core/stage.h"

#include <math.h>
#include <stdio.h>

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    return stage;
}

static struct scheduler_call plain(enum scheduler_call_kind kind) {
    return (struct scheduler_call){.kind = kind};
}

TEST(a_new_framework_gets_the_next_id_and_a_heartbeat_once_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_add_framework(stage, 1);
    stage_add_framework(stage, 2);

    assert_heard(stage, "store +framework/M-0000");
    assert_heard(stage, "to 1 SUBSCRIBED M-0000 (waits)");
    assert_heard(stage, "to 1 HEARTBEAT");
    assert_heard(stage, "to 2 SUBSCRIBED M-0001");
}

TEST(heartbeats_come_at_their_interval_until_the_connection_ends) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_forget(stage);

    stage_pass_ms(stage, 45000);

    assert_int_equal(stage_count(stage, "to 1 HEARTBEAT"), 3);
}

TEST(a_second_subscriber_with_the_id_takes_over_and_the_first_is_told) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_forget(stage);

    stage_call(stage, 2, stage_subscribe(stage, "M-0000", "spark"));

    assert_heard(stage, "to 1 ERROR Framework failed over");
    assert_heard(stage, "close 1 Framework failed over");
    assert_heard(stage, "to 2 SUBSCRIBED M-0000");
    assert_not_heard(stage, "RESCIND");
    assert_heard(stage, "to 2 OFFERS");
    assert_heard(stage, "to 9 UPDATE_FRAMEWORK M-0000");
}

TEST(the_close_of_a_superseded_connection_disturbs_nothing) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_call(stage, 2, stage_subscribe(stage, "M-0000", "spark"));

    stage_close(stage, 1);

    struct framework_view view;
    assert_true(stage_find_framework(stage, "M-0000", &view));
    assert_true(view.connected);
}

TEST(subscribing_again_on_the_same_connection_is_no_failover) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_forget(stage);

    stage_call(stage, 1, stage_subscribe(stage, "M-0000", "spark"));

    assert_heard(stage, "to 1 SUBSCRIBED M-0000");
    assert_not_heard(stage, "close 1");
}

TEST(an_id_that_this_master_never_gave_is_accepted) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_call(stage, 1, stage_subscribe(stage, "other-0007", "spark"));

    assert_heard(stage, "to 1 SUBSCRIBED other-0007");
}

TEST(without_a_failover_timeout_a_lost_connection_ends_the_framework) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    stage_close(stage, 1);

    struct task_view task;
    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK M-0000");
    assert_heard(stage, "store -framework/M-0000");
    assert_true(stage_find_task(stage, "t", &task));
    assert_true(task.is_completed);
    assert_int_equal(task.state, TASK_STATE_KILLED);
    assert_int_equal(task.statuses[0].reason, TASK_REASON_FRAMEWORK_REMOVED);
}

static struct scheduler_call patient(struct stage *stage, const char *id, double seconds) {
    struct scheduler_call call = stage_subscribe(stage, id, "spark");
    call.subscribe.info.failover_timeout_seconds = seconds;
    return call;
}

TEST(within_its_failover_timeout_a_framework_comes_back_to_its_tasks) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_call(stage, 1, patient(stage, "", 60));
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    stage_close(stage, 1);
    stage_pass_ms(stage, 59000);
    stage_call(stage, 2, patient(stage, "M-0000", 60));
    stage_pass_ms(stage, 60000);

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_false(task.is_completed);
}

TEST(a_subscribe_that_was_overtaken_does_not_end_the_newer_scheduler) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);
    stage_add_framework(stage, 1);
    stage_call(stage, 5, stage_subscribe(stage, "M-0000", "spark"));
    stage_forget(stage);

    stage_call(stage, 3, stage_subscribe(stage, "M-0000", "spark"));

    assert_heard(stage, "close 3");
    assert_not_heard(stage, "to 5 ERROR");
}

TEST(after_its_failover_timeout_a_framework_is_removed) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_call(stage, 1, patient(stage, "", 60));
    stage_close(stage, 1);
    stage_pass_ms(stage, 60001);
    stage_forget(stage);

    stage_call(stage, 2, patient(stage, "M-0000", 60));

    assert_heard(stage, "to 2 ERROR Framework has been removed");
    assert_heard(stage, "close 2");
}

TEST(a_framework_that_was_removed_before_a_restart_stays_removed) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_REMOVED, .removed = {{TEXT("old-0001")}, 1}};
    struct text key = TEXT("removed/old-0001");
    stage_begin_with(stage, &record, &key, 1);

    stage_call(stage, 2, stage_subscribe(stage, "old-0001", "spark"));
    struct agent_message message = stage_register(stage, "", "h", "cpus:4;mem:1024");
    struct task_report task = stage_report(stage, "old-0001", "t", "cpus:1", TASK_STATE_RUNNING);
    struct framework_report framework = {{TEXT("old-0001")}, TEXT("info")};
    message.register_agent.frameworks = &framework;
    message.register_agent.framework_count = 1;
    message.register_agent.tasks = &task;
    message.register_agent.task_count = 1;
    stage_tell(stage, 9, message);

    assert_heard(stage, "to 2 ERROR Framework has been removed");
    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK old-0001");
    struct task_view view;
    assert_false(stage_find_task(stage, "t", &view));
}

TEST(a_removal_is_remembered) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);

    stage_close(stage, 1);

    assert_heard(stage, "store -framework/M-0000 +removed/M-0000");
}

TEST(a_failover_timeout_goes_on_over_a_restart_of_the_master) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {
        .kind = REGISTRY_FRAMEWORK,
        .framework = {.id = {TEXT("old-0001")},
                      .info = TEXT("info"),
                      .disconnected_ns = stage->wall_ns - INT64_C(400) * 1000000000,
                      .failover_timeout_ns = INT64_C(600) * 1000000000},
    };
    struct text key = TEXT("framework/old-0001");
    stage_begin_with(stage, &record, &key, 1);

    stage_pass_ms(stage, 199000);
    assert_not_heard(stage, "framework_removed");
    stage_pass_ms(stage, 2000);

    assert_heard(stage, "framework_removed");
    assert_heard(stage, "store -framework/old-0001");
}

TEST(a_new_master_gives_every_framework_time_to_come_back) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {
        .kind = REGISTRY_FRAMEWORK,
        .framework = {.id = {TEXT("old-0001")}, .info = TEXT("info")},
    };
    struct text key = TEXT("framework/old-0001");
    stage_begin_with(stage, &record, &key, 1);

    stage_pass_ms(stage, 59000);
    assert_not_heard(stage, "framework_removed");
    stage_pass_ms(stage, 2000);

    assert_heard(stage, "framework_removed");
}

TEST(teardown_kills_the_tasks_and_closes_the_connection) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    stage_call(stage, 1, plain(SCHEDULER_CALL_TEARDOWN));
    stage_close(stage, 1);

    struct agent_view agent;
    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK M-0000");
    assert_heard(stage, "close 1 Framework has been torn down");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(resources_is_empty(agent.used));
}

TEST(an_operator_tears_a_framework_down_once) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct master_event event = {
        .kind = MASTER_EVENT_OPERATOR,
        .operator_call = {7, {.kind = OPERATOR_TEARDOWN, .framework = {stage_id(stage, "M-0000")}}},
    };

    stage_play(stage, event);
    assert_heard(stage, "answer 7 200");
    stage_forget(stage);
    stage_play(stage, event);

    assert_heard(stage, "answer 7 400 No framework found");
}

TEST(what_follows_from_a_removal_waits_until_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage->holds_stores = true;

    stage_play(stage, (struct master_event){
                          .kind = MASTER_EVENT_OPERATOR,
                          .operator_call = {7,
                                            {.kind = OPERATOR_TEARDOWN,
                                             .framework = {stage_id(stage, "M-0000")}}},
                      });
    stage_call(stage, 2, stage_subscribe(stage, "M-0000", "again"));

    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK M-0000 (waits)");
    assert_heard(stage, "close 1 Framework has been torn down (waits)");
    assert_heard(stage, "answer 7 200  (waits)");
    assert_heard(stage, "close 2 Framework has been removed (waits)");
}

TEST(completed_frameworks_are_kept_up_to_a_limit) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.max_completed_frameworks = 2;
    stage_begin(stage);

    for (uint64_t connection = 1; connection <= 4; connection++) {
        stage_add_framework(stage, connection);
        stage_close(stage, connection);
    }

    struct framework_view view;
    assert_int_equal(master_count(stage->master).frameworks_completed, 2);
    assert_false(stage_find_framework(stage, "M-0001", &view));
    assert_true(stage_find_framework(stage, "M-0003", &view));
}

static void refused(struct scheduler_call call, const char *why) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->options.root_submissions = false;
    stage_begin(stage);

    stage_call(stage, 1, call);

    assert_heard(stage, why);
    assert_heard(stage, "close 1");
    assert_not_heard(stage, "SUBSCRIBED");
    assert_int_equal(master_count(stage->master).messages_invalid, 1);
}

static struct scheduler_call subscription(struct framework_info info) {
    return (struct scheduler_call){.kind = SCHEDULER_CALL_SUBSCRIBE, .subscribe = {.info = info}};
}

TEST(an_info_that_no_node_of_the_registry_could_hold_is_refused) {
    AUTO_FINI(buf_fini) struct buf large = {0};
    while (large.size <= REGISTRY_INFO_BYTES_LIMIT)
        buf_append_string(&large, "0123456789abcdef");

    refused(subscription((struct framework_info){.encoded = buf_text(&large)}),
            "ERROR the FrameworkInfo has 262160 bytes; the limit is 262144");
}

TEST(a_role_that_is_none_is_refused) {
    refused(subscription((struct framework_info){.role = TEXT("/a")}), "ERROR role '/a'");
}

TEST(roles_without_multi_role_are_refused) {
    struct text roles[] = {TEXT("a")};
    refused(subscription((struct framework_info){.roles = roles, .role_count = 1}),
            "without the MULTI_ROLE capability");
}

TEST(a_role_given_twice_is_refused) {
    struct text roles[] = {TEXT("a"), TEXT("a")};
    refused(subscription((struct framework_info){
                .roles = roles, .role_count = 2, .capabilities = 1u << FRAMEWORK_MULTI_ROLE}),
            "role 'a' is given twice");
}

TEST(a_new_role_is_refused_when_frameworks_have_brought_too_many) {
    AUTO(stage_free) struct stage *stage = begin();
    struct text old = TEXT("role0"), fresh = TEXT("fresh");
    for (unsigned i = 0; i < ROLES_BY_FRAMEWORKS_LIMIT; i++) {
        char role[32];
        uint32_t number;
        snprintf(role, sizeof(role), "role%u", i);
        assert_true(kinds_intern_role(stage->kinds, text_of(role), &number, NULL));
    }

    stage_call(stage, 1, subscription((struct framework_info){.role = fresh}));
    stage_call(stage, 2, subscription((struct framework_info){.role = old}));

    assert_heard(stage, "to 1 ERROR role 'fresh' is new");
    assert_heard(stage, "to 2 SUBSCRIBED");
}

TEST(root_is_refused_when_it_may_not_submit) {
    refused(subscription((struct framework_info){.user = TEXT("root")}), "User 'root'");
}

TEST(a_failover_timeout_that_is_no_duration_is_refused) {
    refused(subscription((struct framework_info){.failover_timeout_seconds = NAN}),
            "'failover_timeout' is not a duration");
    refused(subscription((struct framework_info){.failover_timeout_seconds = 1e300}),
            "'failover_timeout' is not a duration");
}

TEST(a_framework_id_that_is_no_id_is_refused) {
    struct framework_id id = {TEXT("../etc")};
    struct scheduler_call call = subscription((struct framework_info){.id = id});
    call.framework = id;
    refused(call, "ERROR the framework id");
}

TEST(ids_of_call_and_info_that_differ_are_refused) {
    struct scheduler_call call = subscription((struct framework_info){0});
    call.framework.text = TEXT("x");
    refused(call, "'framework_id' differs");
}

TEST(a_suppressed_role_that_is_not_the_frameworks_is_refused) {
    static const struct text role = {"web", 3};
    struct scheduler_call call = subscription((struct framework_info){0});
    call.subscribe.suppressed_roles = &role;
    call.subscribe.suppressed_role_count = 1;
    refused(call, "suppressed role 'web'");
}

TEST(a_new_principal_is_refused_and_the_old_connection_lives_on) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct scheduler_call call = stage_subscribe(stage, "M-0000", "spark");
    call.subscribe.info.principal = TEXT("thief");

    stage_call(stage, 2, call);

    assert_heard(stage, "to 2 ERROR the principal of a framework cannot change");
    assert_not_heard(stage, "close 1");
}

TEST(a_call_before_subscribe_gets_one_error_and_the_connection_is_closed) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_call(stage, 1, plain(SCHEDULER_CALL_REVIVE));
    stage_call(stage, 1, plain(SCHEDULER_CALL_REVIVE));

    assert_int_equal(stage_count(stage, "to 1 ERROR Framework is not subscribed"), 1);
    assert_int_equal(stage_count(stage, "close 1"), 1);
}

TEST(a_call_in_anothers_name_is_dropped) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_framework(stage, 2);
    struct scheduler_call call = plain(SCHEDULER_CALL_TEARDOWN);
    call.framework.text = stage_id(stage, "M-0001");

    stage_call(stage, 1, call);

    assert_heard(stage, "note message_dropped");
    assert_int_equal(master_count(stage->master).frameworks_connected, 2);
}

TEST(a_changed_user_is_ignored_when_a_framework_comes_back) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct scheduler_call call = stage_subscribe(stage, "M-0000", "spark");
    call.subscribe.info.user = TEXT("root");

    stage_call(stage, 2, call);

    struct framework_view view;
    assert_true(stage_find_framework(stage, "M-0000", &view));
    assert_text_equal(view.info->user, "me");
}

TEST(an_updated_framework_is_stored_and_agents_hear_of_it) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_forget(stage);
    struct scheduler_call call = stage_subscribe(stage, "M-0000", "renamed");
    call.kind = SCHEDULER_CALL_UPDATE_FRAMEWORK;

    stage_call(stage, 1, call);

    struct framework_view view;
    assert_heard(stage, "store +framework/M-0000");
    assert_heard(stage, "to 9 UPDATE_FRAMEWORK M-0000");
    assert_true(stage_find_framework(stage, "M-0000", &view));
    assert_text_equal(view.info->name, "renamed");
}

TEST(an_update_of_the_user_is_dropped_and_named) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct scheduler_call call = stage_subscribe(stage, "M-0000", "spark");
    call.kind = SCHEDULER_CALL_UPDATE_FRAMEWORK;
    call.subscribe.info.user = TEXT("root");

    stage_call(stage, 1, call);

    assert_heard(stage, "principal, user and checkpoint cannot change");
}

TEST(unknown_calls_are_dropped_and_named) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);

    stage_call(stage, 1, plain(SCHEDULER_CALL_UNKNOWN));

    assert_heard(stage, "error=\"unknown call\"");
}

TEST(a_request_for_resources_is_counted) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct scheduler_call call = plain(SCHEDULER_CALL_REQUEST);
    static const struct resource_request plain_ones[3];
    call.request.requests = plain_ones;
    call.request.request_count = 3;

    stage_call(stage, 1, call);

    assert_heard(stage, "note resources_requested framework=M-0000 requests=3");
}
