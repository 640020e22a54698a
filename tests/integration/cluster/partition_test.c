/*
 * Tasks that must not be without a master: the agent ends them by itself, and says so later.
 */
#include "tests/integration/cluster/framework.h"

#include <signal.h>

static struct cluster cluster;

static struct framework *begin(void) {
    return framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
}

static void run_both(struct framework *framework) {
    framework_launch(
        framework,
        (struct wish){.id = "bound", .command = "exec sleep 1000", .stop_after = "5secs"});
    framework_launch(framework, (struct wish){.id = "free", .command = "exec sleep 1000"});
    framework_wait(framework, "bound", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_wait(framework, "free", MESOS__V1__TASK_STATE__TASK_RUNNING);
}

static void assert_stopped(struct framework *framework) {
    framework_assert_stopped(framework, "bound");
    assert_int_equal(framework_count(framework, "free", MESOS__V1__TASK_STATE__TASK_KILLED), 0);
}

TEST(a_master_that_stands_still_leaves_no_task_that_must_have_one) {
    struct framework *framework = begin();
    run_both(framework);

    kill(cluster.master.pid, SIGSTOP);
    process_wait_log(&cluster.agents[0], "task_stopped detail=\"task=bound");
    kill(cluster.master.pid, SIGCONT);

    assert_stopped(framework);
    framework_end(framework);
}

TEST(time_without_a_master_goes_on_while_the_agent_is_down) {
    struct framework *framework = begin();
    run_both(framework);

    process_end(&cluster.agents[0], SIGKILL);
    process_end(&cluster.master, SIGKILL);
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], "task_stopped detail=\"task=bound");
    cluster_start_master(&cluster, NULL);

    assert_stopped(framework);
    framework_end(framework);
}

TEST(a_label_that_is_no_duration_is_an_error_of_the_task) {
    struct framework *framework = begin();

    framework_launch(framework,
                     (struct wish){.id = "odd", .command = "true", .stop_after = "soon"});

    struct note note = framework_wait(framework, "odd", MESOS__V1__TASK_STATE__TASK_ERROR);
    assert_non_null(strstr(note.message, "mesos.partition.stop_after=soon"));
    framework_end(framework);
}
