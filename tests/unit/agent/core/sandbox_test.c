#include "tests/unit/agent/core/rig.h"

enum { WEEK_MS = 7 * 24 * 3600 * 1000 };

static struct rig *with_ended_task(void) {
    struct rig *rig = rig_registered();
    rig_begin(rig, rig_task(rig, "t1"));
    rig_acknowledge(rig, "t1");
    rig_exited(rig, rig_launched(rig), 0);
    return rig;
}

static void disk_full(struct rig *rig, int64_t used_milli) {
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_DISK_FULL,
                                       .used_fraction_milli = used_milli});
}

TEST(a_sandbox_goes_a_week_after_the_end) {
    AUTO(rig_free) struct rig *rig = with_ended_task();
    struct text path = arena_text(rig->arena, rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.sandbox);
    rig_acknowledge(rig, "t1");
    rig_lose_master(rig);

    rig->now_ms += WEEK_MS - 1000;
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_TICK});
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 0);
    rig->now_ms += 2000;
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_TICK});

    assert_true(text_equal(rig_last(rig, AGENT_EFFECT_REMOVE_SANDBOX)->sandbox, path));
    assert_int_equal(rig_disk_count(rig, "sandbox/"), 0);
}

TEST(a_full_disk_takes_what_has_ended) {
    AUTO(rig_free) struct rig *rig = with_ended_task();
    rig_acknowledge(rig, "t1");

    disk_full(rig, 500);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 0);
    disk_full(rig, 950);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 1);
}

TEST(a_full_disk_takes_what_ended_by_a_clock_that_was_set_back_since) {
    AUTO(rig_free) struct rig *rig = with_ended_task();
    rig_acknowledge(rig, "t1");
    rig->wall_set_ms = -(int64_t)WEEK_MS;

    disk_full(rig, 950);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 1);
}

TEST(a_sandbox_goes_a_week_after_a_clock_was_set_back) {
    AUTO(rig_free) struct rig *rig = with_ended_task();
    rig_acknowledge(rig, "t1");
    rig->wall_set_ms = -50 * (int64_t)WEEK_MS;
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_DISK_FULL});

    rig_advance(rig, WEEK_MS + 1000);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 1);
}

TEST(a_sandbox_stays_as_long_as_its_task_is_not_acknowledged) {
    AUTO(rig_free) struct rig *rig = with_ended_task();

    disk_full(rig, 990);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_REMOVE_SANDBOX), 0);
}

TEST(output_is_found_while_the_task_runs_and_afterwards) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "t1"));
    struct container_id container = rig_launched(rig);
    struct sandbox_view view;

    rig_started(rig, container);
    rig_acknowledge(rig, "t1");
    assert_true(
        agent_find_sandbox(rig->agent, (struct framework_id){{0}}, task_id_of(TEXT("t1")), &view));
    assert_true(view.running);
    rig_exited(rig, container, 0);
    rig_acknowledge(rig, "t1");

    assert_true(
        agent_find_sandbox(rig->agent, framework_id_of(TEXT("f1")), task_id_of(TEXT("t1")), &view));
    assert_false(view.running);
    assert_true(container_id_equal(view.container, container));
    assert_false(
        agent_find_sandbox(rig->agent, framework_id_of(TEXT("f1")), task_id_of(TEXT("t2")), &view));
}

static void count_task(void *self, const struct agent_task_view *view) {
    size_t *counts = self;
    counts[view->completed]++;
}

TEST(completed_tasks_are_shown_up_to_a_limit) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    for (int i = 0; i < 210; i++) {
        char *id = arena_printf(rig->arena, "t%d", i);
        rig_run(rig, "f1", rig_task(rig, id));
        rig_exited(rig, rig_launched(rig), 0);
        rig_acknowledge(rig, id);
    }
    size_t counts[2] = {0};

    agent_each_task(rig->agent, count_task, counts);

    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 200);
}
