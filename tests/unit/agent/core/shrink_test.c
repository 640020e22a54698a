#include "tests/unit/agent/core/operation_rig.h"

#include <signal.h>

/* Two tasks of 100 mcpus each run, "a" and "b". */
static struct rig *with_two_tasks(struct container_id containers[2]) {
    static const char *const ids[] = {"a", "b"};
    struct rig *rig = rig_registered();
    for (int i = 0; i < 2; i++) {
        containers[i] = rig_begin(rig, rig_task(rig, ids[i]));
    }
    return rig;
}

static void configure(struct rig *rig, int64_t cpu_milli) {
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_CPUS, cpu_milli, NULL));
    assert_true(resources_put_scalar(&rig->total, KIND_MEM, 8000000, NULL));
}

static void come_back(struct rig *rig, const struct container_id containers[2]) {
    rig_crash(rig, true);
    rig_started(rig, containers[0]);
    rig_started(rig, containers[1]);
    rig_containers_done(rig);
}

TEST(more_or_less_is_an_update_as_long_as_what_runs_fits) {
    struct container_id containers[2];
    AUTO(rig_free) struct rig *rig = with_two_tasks(containers);

    configure(rig, 200);
    come_back(rig, containers);
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});

    const struct agent_message *report = &rig_last(rig, AGENT_EFFECT_SEND_MASTER)->master;
    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
    assert_int_equal(resources_scalar_milli(report->register_agent.info.resources, KIND_CPUS), 200);
    assert_int_equal(report->register_agent.task_count, 2);
}

TEST(less_than_what_runs_stops_the_agent_with_the_names_of_what_does_not_fit) {
    struct container_id containers[2];
    AUTO(rig_free) struct rig *rig = with_two_tasks(containers);

    configure(rig, 150);
    come_back(rig, containers);

    assert_text_equal(rig_last(rig, AGENT_EFFECT_STOP)->reason,
                      "--resources has less than what is in use: task b of framework f1 "
                      "(cpus:0.1;mem:32) does not fit; start with what the agent had, end them "
                      "first, or say --force_resources, which ends them");
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 0);
}

TEST(a_start_that_was_refused_changes_nothing) {
    struct container_id containers[2];
    AUTO(rig_free) struct rig *rig = with_two_tasks(containers);
    configure(rig, 150);
    come_back(rig, containers);

    configure(rig, 8000);
    come_back(rig, containers);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 1);
}

TEST(forced_what_does_not_fit_is_killed_and_says_why) {
    struct container_id containers[2];
    AUTO(rig_free) struct rig *rig = with_two_tasks(containers);

    configure(rig, 150);
    rig->options.force_resources = true;
    come_back(rig, containers);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_SIGNAL), 1);
    rig_signalled(rig, containers[1], SIGTERM);
    rig_connect(rig);
    rig_acknowledge(rig, "b"); /* TASK_RUNNING */

    const struct task_status *status = rig_last_update(rig, "b");
    assert_int_equal(status->state, TASK_STATE_KILLED);
    assert_int_equal(status->reason, TASK_REASON_AGENT_RESTARTED);
    assert_text_equal(status->message, "The agent was started with fewer resources");
    assert_int_equal(rig_last_update(rig, "a")->state, TASK_STATE_RUNNING);
}

TEST(forced_a_task_that_was_never_begun_is_not_begun) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    rig_run(rig, "f1", rig_task(rig, "a"));

    configure(rig, 50);
    rig->options.force_resources = true;
    rig_crash(rig, true);
    rig_containers_done(rig);
    rig_connect(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 0);
    assert_int_equal(rig_last_update(rig, "a")->state, TASK_STATE_KILLED);
}

TEST(forced_an_executor_that_does_not_fit_is_ended) {
    AUTO(rig_free) struct rig *rig = rig_registered();
    struct task_info *task = rig_task(rig, "a");
    task->executor = *rig_executor(rig, "e1");
    struct container_id container = rig_begin(rig, task);

    configure(rig, 50);
    rig->options.force_resources = true;
    rig_restart_under(rig, container);

    assert_true(rig_count(rig, AGENT_EFFECT_DESTROY) > 0);
}

TEST(after_a_reboot_nothing_is_in_the_way) {
    struct container_id containers[2];
    AUTO(rig_free) struct rig *rig = with_two_tasks(containers);

    configure(rig, 50);
    rig_crash(rig, false);
    rig_containers_done(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
    assert_int_equal(rig_count(rig, AGENT_EFFECT_CONNECT), 1);
}

TEST(forced_a_reservation_that_does_not_fit_is_given_up) {
    AUTO(rig_free) struct rig *rig = rig_with_disk();
    rig_reserve(rig, 300000);
    resources_clear(&rig->total);
    assert_true(resources_put_scalar(&rig->total, KIND_DISK, 299000, NULL));

    rig->options.force_resources = true;
    rig_crash(rig, true);
    rig_containers_done(rig);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_STOP), 0);
    assert_true(rig_has(rig, rig_disk(rig, false, 299000)));
    assert_false(rig_has(rig, rig_disk(rig, true, 300000)));
}
