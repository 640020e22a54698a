#include "tests/unit/master/core/stage.h"

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    return stage;
}

/* A framework that outlives its connection, an agent, and a running task. */
static struct stage *begin_with_task(void) {
    struct stage *stage = begin();
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.info.failover_timeout_seconds = 1e6;
    call.subscribe.info.capabilities = 1u << FRAMEWORK_PARTITION_AWARE;
    stage_call(stage, 1, call);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 1);
    stage_forget(stage);
    return stage;
}

static struct agent_message returning(struct stage *stage, const struct task_report *tasks,
                                      size_t count) {
    struct agent_message message = stage_register(stage, "M-S0", "h", "cpus:4;mem:1024");
    message.register_agent.tasks = tasks;
    message.register_agent.task_count = count;
    return message;
}

TEST(a_new_agent_is_admitted_when_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;
    stage_add_framework(stage, 1);

    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    assert_heard(stage, "store +agent/M-S0");
    assert_heard(stage, "to 9 REGISTERED M-S0 (waits)");
    assert_not_heard(stage, "OFFERS");
    stage_store(stage);
    stage_pass_ms(stage, 1);

    assert_heard(stage, "to 9 PING");
    assert_heard(stage, "to 1 OFFERS M-O0 agent=M-S0 role=* cpus:4;mem:1024");
}

TEST(an_agent_without_a_hostname_is_refused) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_add_agent(stage, 9, "", "cpus:4");

    assert_heard(stage, "to 9 REFUSED stop the hostname");
    assert_heard(stage, "close 9");
}

TEST(an_agent_with_absurd_resources_is_refused) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_add_agent(stage, 9, "h", "cpus:1000000000000");

    assert_heard(stage, "to 9 REFUSED stop a resource is beyond");
}

TEST(a_message_before_register_is_refused) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_PONG});

    assert_heard(stage, "to 9 REFUSED REGISTER must come first");
}

TEST(an_agent_that_did_not_hear_the_answer_gets_the_same_id_again) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4");
    stage_forget(stage);

    stage_add_agent(stage, 10, "h", "cpus:4");

    assert_heard(stage, "close 9 the agent has connected anew");
    assert_heard(stage, "to 10 REGISTERED M-S0");
}

TEST(a_new_agent_at_the_address_of_a_lost_one_replaces_it) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_close(stage, 9);

    stage_add_agent(stage, 10, "h", "cpus:4");

    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_AGENT_REMOVED");
    assert_heard(stage, "to 10 REGISTERED M-S1");
}

TEST(an_agent_that_answers_pings_stays) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4");

    for (int i = 0; i < 20; i++) {
        stage_pass_ms(stage, 15000);
        stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_PONG});
    }

    assert_not_heard(stage, "agent_unreachable");
}

TEST(an_agent_that_wants_to_know_hears_that_it_was_heard) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4");

    stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_PONG, .echo_ms = 17});

    assert_heard(stage, "to 9 PING of 17");
}

TEST(an_agent_that_answers_no_pings_is_unreachable_after_five) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    stage_pass_ms(stage, 74000);
    assert_not_heard(stage, "agent_unreachable");
    stage_pass_ms(stage, 2000);

    struct task_view task;
    assert_heard(stage, "store -agent/M-S0 +unreachable/M-S0");
    assert_heard(stage, "to 1 UPDATE t TASK_UNREACHABLE REASON_AGENT_REMOVED agent=M-S0 since");
    assert_heard(stage, "to 1 FAILURE M-S0");
    assert_heard(stage, "to 1 RESCIND");
    assert_heard(stage, "close 9");
    assert_true(stage_find_task(stage, "t", &task));
    assert_true(task.is_unreachable);
}

TEST(tasks_are_unreachable_only_once_that_is_stored) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;

    stage_pass_ms(stage, 80000);
    assert_heard(stage, "+unreachable/M-S0");
    assert_not_heard(stage, "TASK_UNREACHABLE");
    stage_store(stage);

    assert_heard(stage, "TASK_UNREACHABLE");
}

TEST(a_framework_that_is_not_partition_aware_loses_its_task) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");

    stage_pass_ms(stage, 80000);

    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_AGENT_REMOVED");
}

TEST(an_unreachable_agent_comes_back_with_its_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    stage_forget(stage);
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    stage_tell(stage, 10, returning(stage, &report, 1));

    struct task_view task;
    assert_heard(stage, "store +agent/M-S0 -unreachable/M-S0");
    assert_heard(stage, "to 10 REGISTERED M-S0 (waits)");
    assert_heard(stage, "to 1 UPDATE t TASK_RUNNING REASON_AGENT_REREGISTERED");
    assert_true(stage_find_task(stage, "t", &task));
    assert_false(task.is_unreachable);
    assert_int_equal(task.state, TASK_STATE_RUNNING);
}

/* The agent has yet to deliver that it ran, and then that it ended. */
TEST(a_task_that_returns_is_not_told_to_have_ended_before_its_updates_say_so) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    stage_forget(stage);
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_FINISHED);
    report.sent_state = TASK_STATE_RUNNING;

    stage_tell(stage, 10, returning(stage, &report, 1));

    assert_heard(stage, "to 1 UPDATE t TASK_RUNNING REASON_AGENT_REREGISTERED");
}

TEST(a_task_that_does_not_return_with_its_agent_is_gone) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    stage_forget(stage);

    stage_tell(stage, 10, returning(stage, NULL, 0));

    struct task_view task;
    assert_heard(stage, "to 1 UPDATE t TASK_GONE REASON_RECONCILIATION");
    assert_true(stage_find_task(stage, "t", &task));
    assert_false(task.is_unreachable);
    assert_int_equal(task.state, TASK_STATE_GONE);
}

TEST(a_task_of_a_framework_that_was_removed_meanwhile_has_ended_when_its_agent_is_back) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_pass_ms(stage, 80000);
    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_TEARDOWN});
    stage_forget(stage);
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    stage_tell(stage, 10, returning(stage, &report, 1));

    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    assert_false(task.is_unreachable);
    assert_int_equal(task.state, TASK_STATE_KILLED);
}

TEST(an_agent_that_returns_while_its_loss_is_stored_stays) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage->holds_stores = true;
    stage_pass_ms(stage, 80000);
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    stage_tell(stage, 10, returning(stage, &report, 1));
    stage_store(stage);

    struct agent_view agent;
    assert_not_heard(stage, "TASK_UNREACHABLE");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(agent.active);
}

TEST(a_broken_link_rescinds_offers_and_keeps_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    stage_close(stage, 9);
    stage_pass_ms(stage, 74000);

    struct task_view task;
    assert_heard(stage, "to 1 RESCIND");
    assert_true(stage_find_task(stage, "t", &task));
    assert_int_equal(task.state, TASK_STATE_RUNNING);
    assert_not_heard(stage, "agent_unreachable");
}

TEST(an_agent_that_does_not_come_back_is_unreachable_as_if_it_had_not_answered) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    stage_close(stage, 9);
    stage_pass_ms(stage, 76000);

    assert_heard(stage, "to 1 UPDATE t TASK_UNREACHABLE");
}

TEST(a_return_without_change_needs_no_store) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);
    stage_close(stage, 9);
    stage_forget(stage);

    stage_tell(stage, 10, returning(stage, &report, 1));

    assert_not_heard(stage, "store");
    assert_heard(stage, "to 10 REGISTERED M-S0");
    assert_not_heard(stage, "(waits)");
    assert_heard(stage, "to 1 OFFERS");
}

TEST(an_agent_that_comes_to_the_next_master_as_it_was_stored_is_not_stored_again) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct agent_message message = stage_register(stage, "old-S3", "h", "cpus:4");
    struct registry_record record = {.kind = REGISTRY_AGENT,
                                     .agent_info = message.register_agent.info.encoded};
    struct text key = TEXT("agent/old-S3");
    stage_begin_with(stage, &record, &key, 1);

    stage_tell(stage, 9, message);

    assert_heard(stage, "to 9 REGISTERED old-S3");
    assert_not_heard(stage, "store");
}

TEST(a_changed_description_is_an_update) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4");
    stage_close(stage, 9);
    stage_forget(stage);

    stage_tell(stage, 10, stage_register(stage, "M-S0", "renamed", "cpus:8"));

    struct agent_view agent;
    assert_heard(stage, "store +agent/M-S0");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_text_equal(agent.info->hostname, "renamed");
    assert_int_equal(resources_scalar_milli(agent.total, KIND_CPUS), 8000);
}

TEST(what_the_agent_does_not_list_it_is_asked_for) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_close(stage, 9);

    stage_tell(stage, 10, returning(stage, NULL, 0));

    assert_heard(stage, "to 10 RECONCILE t");
}

TEST(a_task_that_ended_while_the_agent_was_away_gives_its_resources_back) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_FINISHED);
    stage_close(stage, 9);

    stage_tell(stage, 10, returning(stage, &report, 1));

    struct agent_view agent;
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(resources_is_empty(agent.used));
}

TEST(two_agents_with_one_id_the_second_is_refused) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 9, "h", "cpus:4");

    stage_tell(stage, 10, stage_register(stage, "M-S0", "elsewhere", "cpus:4"));

    assert_heard(stage, "to 10 REFUSED stop agent id M-S0 is in use by the agent at h:5051");
    assert_heard(stage, "close 10");
    assert_not_heard(stage, "close 9");
}

TEST(the_newer_connection_of_the_same_agent_holds) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);

    stage_tell(stage, 10, returning(stage, &report, 1));
    stage_close(stage, 9);

    struct agent_view agent;
    assert_heard(stage, "close 9 the agent has connected anew");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(agent.active);
}

TEST(an_agent_that_is_gone_may_not_return) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_GONE, .agent = {{TEXT("old-S3")}, 1}};
    struct text key = TEXT("gone/old-S3");
    stage_begin_with(stage, &record, &key, 1);

    stage_tell(stage, 9, stage_register(stage, "old-S3", "h", "cpus:4"));

    assert_heard(stage, "to 9 REFUSED stop Agent has been marked gone");
}

TEST(an_unknown_id_is_admitted_with_it) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_tell(stage, 9, stage_register(stage, "old-S3", "h", "cpus:4"));

    assert_heard(stage, "store +agent/old-S3");
    assert_heard(stage, "to 9 REGISTERED old-S3");
}

/* A new master hears of a task that has been running since SINCE and whose SENT was sent; 0: the
 * agent does not know when. */
static void bring_back(struct stage *stage, enum task_state sent, int64_t since_ns,
                       int64_t sent_ns) {
    struct task_report task = stage_report(stage, "old-0000", "t", "cpus:1", sent);
    struct framework_report framework = {{TEXT("old-0000")}, TEXT("info")};
    struct agent_message message = stage_register(stage, "old-S3", "h", "cpus:4");
    task.running_since_ns = since_ns;
    task.sent_ns = sent_ns;
    message.register_agent.tasks = &task;
    message.register_agent.task_count = 1;
    message.register_agent.frameworks = &framework;
    message.register_agent.framework_count = 1;
    stage_tell(stage, 9, message);
}

TEST(a_recovered_agent_brings_its_frameworks_and_tasks) {
    AUTO(stage_free) struct stage *stage = begin();

    bring_back(stage, TASK_STATE_RUNNING, 0, 0);
    stage_call(stage, 1, stage_subscribe(stage, "old-0000", "spark"));

    struct framework_view view;
    assert_true(stage_find_framework(stage, "old-0000", &view));
    assert_int_equal(view.task_count, 1);
    assert_heard(stage, "to 1 OFFERS M-O0 agent=old-S3 role=* cpus:3");
}

static struct task_view task_brought_back(struct stage *stage) {
    struct task_view task;
    assert_true(stage_find_task(stage, "t", &task));
    return task;
}

static void assert_past(struct stage *stage, size_t count, const struct task_past *past) {
    struct task_view task = task_brought_back(stage);
    assert_int_equal(task.past_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(task.past[i].state, past[i].state);
        assert_int_equal(task.past[i].time_ns, past[i].time_ns);
    }
}

TEST(a_task_that_comes_back_has_been_running_since_it_began) {
    AUTO(stage_free) struct stage *stage = begin();

    bring_back(stage, TASK_STATE_RUNNING, 20, 30);

    assert_past(stage, 1, (struct task_past[]){{TASK_STATE_RUNNING, 20}});
}

TEST(a_later_state_that_an_earlier_master_heard_comes_back_too) {
    AUTO(stage_free) struct stage *stage = begin();

    bring_back(stage, TASK_STATE_KILLING, 20, 30);

    assert_past(stage, 2, (struct task_past[]){{TASK_STATE_RUNNING, 20}, {TASK_STATE_KILLING, 30}});
}

TEST(an_earlier_state_that_waits_before_running_comes_before_it) {
    AUTO(stage_free) struct stage *stage = begin();

    bring_back(stage, TASK_STATE_STARTING, 20, 10);

    assert_past(stage, 2,
                (struct task_past[]){{TASK_STATE_STARTING, 10}, {TASK_STATE_RUNNING, 20}});
}

TEST(a_time_that_an_agent_lost_in_a_crash_stays_with_its_master) {
    AUTO(stage_free) struct stage *stage = begin();
    bring_back(stage, TASK_STATE_RUNNING, 20, 20);

    bring_back(stage, TASK_STATE_STAGING, 0, 0);

    assert_past(stage, 1, (struct task_past[]){{TASK_STATE_RUNNING, 20}});
}

TEST(a_task_whose_agent_says_no_times_has_no_past) {
    AUTO(stage_free) struct stage *stage = begin();

    bring_back(stage, TASK_STATE_RUNNING, 0, 0);

    assert_past(stage, 0, NULL);
}

TEST(the_past_goes_on_with_what_this_master_hears) {
    AUTO(stage_free) struct stage *stage = begin();
    bring_back(stage, TASK_STATE_KILLING, 20, 30);

    stage_update(stage, 9, "old-0000", "t", TASK_STATE_KILLED, 1);
    bring_back(stage, TASK_STATE_KILLED, 20, 40);

    assert_past(stage, 2, (struct task_past[]){{TASK_STATE_RUNNING, 20}, {TASK_STATE_KILLING, 30}});
    struct task_view task = task_brought_back(stage);
    assert_int_equal(task.status_count, 1);
    assert_int_equal(task.statuses[0].state, TASK_STATE_KILLED);
}

TEST(a_status_that_is_sent_again_is_in_the_history_once) {
    AUTO(stage_free) struct stage *stage = begin();
    bring_back(stage, TASK_STATE_RUNNING, 20, 20);

    stage_update(stage, 9, "old-0000", "t", TASK_STATE_RUNNING, 1);

    assert_past(stage, 0, NULL);
    assert_int_equal(task_brought_back(stage).status_count, 1);
}

TEST(what_this_master_heard_itself_is_not_told_again) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 1);
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);
    report.running_since_ns = report.sent_ns = 20;
    stage_close(stage, 9);

    stage_tell(stage, 10, returning(stage, &report, 1));

    assert_past(stage, 0, NULL);
    assert_int_equal(task_brought_back(stage).status_count, 1);
}

static void keep_role(void *self, const struct executor_view *view) {
    *(struct text *)self = view->role;
}

TEST(an_executor_comes_back_in_the_role_that_it_uses) {
    AUTO(stage_free) struct stage *stage = begin();
    struct framework_report framework = {{TEXT("old-0000")}, TEXT("info")};
    struct executor_report executor = {.framework = {TEXT("old-0000")},
                                       .info = TEXT("info"),
                                       .id = {TEXT("e")},
                                       .role = TEXT("analytics"),
                                       .resources = stage_resources(stage, "cpus:1")};
    struct agent_message message = stage_register(stage, "old-S3", "h", "cpus:4");
    struct text role = {0};
    message.register_agent.frameworks = &framework;
    message.register_agent.framework_count = 1;
    message.register_agent.executors = &executor;
    message.register_agent.executor_count = 1;

    stage_tell(stage, 9, message);

    master_each_executor(stage->master, keep_role, &role);
    assert_text_equal(role, "analytics");
}

TEST(a_framework_that_only_an_agent_knows_is_ended_when_it_stays_away) {
    AUTO(stage_free) struct stage *stage = begin();
    bring_back(stage, TASK_STATE_RUNNING, 0, 0);

    for (int i = 0; i < 61; i++) {
        stage_pass_ms(stage, 10000);
        stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_PONG});
    }

    assert_heard(stage, "to 9 SHUTDOWN_FRAMEWORK old-0000");
}

TEST(a_report_that_was_overtaken_by_a_newer_connection_is_not_adopted) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);
    stage_tell(stage, 12, returning(stage, &report, 1));
    stage_forget(stage);

    stage_tell(stage, 10, returning(stage, NULL, 0));

    struct task_view task;
    assert_heard(stage, "close 10");
    assert_not_heard(stage, "RECONCILE");
    assert_true(stage_find_task(stage, "t", &task));
}

TEST(agents_of_the_registry_that_stay_away_become_unreachable) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_AGENT, .agent_info = TEXT("info")};
    struct text key = TEXT("agent/old-S3");
    stage_begin_with(stage, &record, &key, 1);
    stage_add_framework(stage, 1);

    stage_pass_ms(stage, 601000);

    assert_heard(stage, "store -agent/old-S3 +unreachable/old-S3");
    assert_heard(stage, "to 1 FAILURE old-S3");
}

TEST(tasks_of_a_removed_framework_are_shut_down_on_return) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    struct task_report report = stage_report(stage, "M-0000", "t", "cpus:1", TASK_STATE_RUNNING);
    struct framework_report framework = {{stage_id(stage, "M-0000")}, TEXT("spark")};
    stage_close(stage, 9);
    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_TEARDOWN});
    struct agent_message message = returning(stage, &report, 1);
    message.register_agent.frameworks = &framework;
    message.register_agent.framework_count = 1;

    stage_tell(stage, 10, message);

    struct agent_view agent;
    assert_heard(stage, "to 10 SHUTDOWN_FRAMEWORK M-0000");
    assert_true(stage_find_agent(stage, "M-S0", &agent));
    assert_true(resources_is_empty(agent.used));
}

TEST(a_report_that_makes_no_sense_is_refused_as_a_whole) {
    AUTO(stage_free) struct stage *stage = begin();
    struct task_report report = stage_report(stage, "f", "..", "cpus:1", TASK_STATE_RUNNING);
    struct agent_message message = stage_register(stage, "", "h", "cpus:4");
    message.register_agent.tasks = &report;
    message.register_agent.task_count = 1;

    stage_tell(stage, 9, message);

    assert_heard(stage, "to 9 REFUSED stop a reported task id");
    assert_int_equal(master_count(stage->master).agents_connected, 0);
}

TEST(an_agent_that_unregisters_is_removed_with_its_tasks) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    stage_tell(stage, 9, (struct agent_message){.kind = AGENT_MESSAGE_UNREGISTER});

    struct agent_view agent;
    assert_heard(stage, "store -agent/M-S0 -unreachable/M-S0");
    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_AGENT_REMOVED");
    assert_false(stage_find_agent(stage, "M-S0", &agent));
}

TEST(a_changed_total_is_offered_anew) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 9, "h", "cpus:4");
    stage_forget(stage);

    stage_tell(stage, 9,
               (struct agent_message){.kind = AGENT_MESSAGE_RESOURCES,
                                      .resources = stage_resources(stage, "cpus:6")});

    assert_heard(stage, "to 1 RESCIND M-O0");
    assert_heard(stage, "to 1 OFFERS M-O1 agent=M-S0 role=* cpus:6");
}

TEST(a_connection_of_a_framework_cannot_register_an_agent) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);

    stage_add_agent(stage, 1, "h", "cpus:4");

    assert_heard(stage, "to 1 REFUSED this connection belongs to somebody else");
}
