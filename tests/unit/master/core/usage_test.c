/*
 * Shared volumes: many users, counted once.
 */
#include "tests/unit/master/core/stage_operations.h"

#include "tests/support/resources_said.h"

#define VOLUME "disk(eng)[v]{SHARED}:50"

static const uint32_t shares = 1u << FRAMEWORK_SHARED_RESOURCES;

/* Two tasks of framework M-0000 on one volume. */
static void launch_two(struct calls *calls) {
    struct operation operations[] = {
        calls_launch(calls, "a", VOLUME ";cpus:1"),
        calls_launch(calls, "b", VOLUME ";cpus:1"),
    };
    stage_call(calls->stage, 1, calls_accept(calls, operations, 2));
}

static void assert_used(struct stage *stage, const char *said) {
    struct agent_view view;
    assert_true(stage_find_agent(stage, "M-S0", &view));
    assert_resources(stage->kinds, view.used, said);
}

/* An ACCEPT of the newest offer by another framework. */
static void launch_by(struct calls *calls, uint64_t connection, const char *task,
                      const char *resources) {
    struct operation launch = calls_launch(calls, task, resources);
    stage_call(calls->stage, connection, calls_accept(calls, &launch, 1));
}

TEST(two_tasks_of_one_call_use_one_volume) {
    CALLS(c, "eng", "cpus:4;" VOLUME);

    launch_two(&c);

    assert_heard(c.stage, "RUN a");
    assert_heard(c.stage, "RUN b");
    assert_used(c.stage, "cpus:2;" VOLUME);
}

TEST(a_volume_is_free_when_its_last_user_ends) {
    CALLS(c, "eng", "cpus:4;" VOLUME);
    launch_two(&c);

    stage_update(c.stage, 9, "M-0000", "a", TASK_STATE_FINISHED, 1);
    assert_used(c.stage, "cpus:1;" VOLUME);
    stage_update(c.stage, 9, "M-0000", "b", TASK_STATE_FINISHED, 2);

    assert_used(c.stage, "");
    assert_total(c.stage, "M-S0", "cpus:4;" VOLUME);
}

TEST(a_volume_in_use_is_in_all_offers_of_those_who_may_have_it) {
    CALLS(c, "eng", "cpus:4;" VOLUME);

    launch_two(&c);

    assert_heard(c.stage, "OFFERS M-O1 agent=M-S0 role=eng cpus:2;disk(eng)[v]{SHARED}:50");
    launch_by(&c, 1, "c", VOLUME ";cpus:1");
    assert_heard(c.stage, "RUN c");
    assert_used(c.stage, "cpus:3;" VOLUME);
}

TEST(frameworks_of_a_role_share_a_volume_and_the_last_of_them_frees_it) {
    CALLS(c, "eng", "cpus:4;" VOLUME);
    struct operation launch = calls_launch(&c, "a", VOLUME ";cpus:4");
    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));
    stage_tell_total(c.stage, "cpus:8;" VOLUME);
    stage_call(c.stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_SUPPRESS});
    struct scheduler_call decline = calls_accept(&c, NULL, 0);
    decline.kind = SCHEDULER_CALL_DECLINE;
    stage_call(c.stage, 1, decline);
    stage_add_framework_of(c.stage, 2, "other", "eng", shares);
    assert_heard(c.stage, "to 2 OFFERS");
    launch_by(&c, 2, "z", VOLUME ";cpus:1");
    assert_heard(c.stage, "RUN z");

    stage_call(c.stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_TEARDOWN});
    assert_used(c.stage, "cpus:1;" VOLUME);
    stage_forget(c.stage);
    stage_update(c.stage, 9, "M-0001", "z", TASK_STATE_FINISHED, 1);

    assert_used(c.stage, "");
    assert_heard(c.stage, "disk(eng)[v]{SHARED}:50");
}

TEST(who_cannot_share_is_not_offered_what_others_use) {
    CALLS(c, "eng", "cpus:4;" VOLUME);
    struct operation launch = calls_launch(&c, "a", VOLUME ";cpus:1");
    stage_call(c.stage, 1, calls_accept(&c, &launch, 1));
    stage_call(c.stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_SUPPRESS});
    struct scheduler_call decline = calls_accept(&c, NULL, 0);
    decline.kind = SCHEDULER_CALL_DECLINE;
    stage_call(c.stage, 1, decline);
    stage_forget(c.stage);

    stage_add_framework_of(c.stage, 2, "plain", "eng", 0);
    launch_by(&c, 2, "z", VOLUME ";cpus:1");

    assert_heard(c.stage, "to 2 OFFERS M-O2 agent=M-S0 role=eng cpus:3 ");
    assert_heard(c.stage, "to 2 UPDATE z TASK_ERROR");
    assert_heard(c.stage, "asks for disk(eng)[v]{SHARED}:50, the offer has 0 of that left");
}

TEST(a_shared_volume_in_use_is_not_destroyed) {
    CALLS(c, "eng", "cpus:4;" VOLUME);
    launch_two(&c);

    calls_operate(&c, OPERATION_DESTROY, "d", VOLUME);
    assert_heard(c.stage, "OPERATION d OPERATION_ERROR agent=M-S0 the offers lack");
    calls_order(&c, OPERATION_DESTROY, "M-S0", VOLUME);

    assert_heard(c.stage, "answer 7 409");
    assert_total(c.stage, "M-S0", "cpus:4;" VOLUME);
}

TEST(a_new_master_counts_a_volume_once_however_many_use_it) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);
    struct task_report tasks[] = {
        stage_report(stage, "F", "a", "cpus:1;" VOLUME, TASK_STATE_RUNNING),
        stage_report(stage, "F", "b", "cpus:1;" VOLUME, TASK_STATE_RUNNING),
        stage_report(stage, "G", "c", "cpus:1;" VOLUME, TASK_STATE_RUNNING),
    };
    struct agent_message message = stage_register(stage, "A", "h", "cpus:4;" VOLUME);
    message.register_agent.tasks = tasks;
    message.register_agent.task_count = 3;

    stage_tell(stage, 9, message);

    struct agent_view view;
    assert_true(stage_find_agent(stage, "A", &view));
    assert_resources(stage->kinds, view.used, "cpus:3;" VOLUME);
    stage_update(stage, 9, "F", "a", TASK_STATE_FAILED, 1);
    stage_update(stage, 9, "F", "b", TASK_STATE_FAILED, 2);
    assert_true(stage_find_agent(stage, "A", &view));
    assert_resources(stage->kinds, view.used, "cpus:1;" VOLUME);
    stage_update(stage, 9, "G", "c", TASK_STATE_FAILED, 3);
    assert_true(stage_find_agent(stage, "A", &view));
    assert_true(resources_is_empty(view.used));
}

TEST(an_agent_that_is_lost_takes_its_shared_volumes_along) {
    CALLS(c, "eng", "cpus:4;" VOLUME);
    launch_two(&c);
    stage_close(c.stage, 9);

    stage_pass_ms(c.stage, 700 * 1000);

    assert_used(c.stage, "");
}
