/*
 * Daemons die while tasks run: the tasks go on, are found again, and every update arrives.
 */
#include "tests/integration/cluster/framework.h"

#include "common/runtime/files.h"

#include <signal.h>
#include <stdio.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster cluster;

/* A task that ends with 5 when somebody writes to its fifo, which is below the cluster's directory.
 */
static const char *gate_command(const char *name) {
    static char command[256];
    const char *path = cluster_path(&cluster, name);
    assert_int_equal(mkfifo(path, 0666), 0);
    snprintf(command, sizeof(command), "read line < %s; exit 5", path);
    return command;
}

static void open_gate(const char *name) {
    int fd = open(cluster_path(&cluster, name), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\n", 1), 1);
    close(fd);
}

static void restart_agent(void) {
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], " registered ");
}

TEST(tasks_outlive_a_killed_agent_and_their_ends_are_told_rightly) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "during", .command = gate_command("during")});
    framework_wait(framework, "during", MESOS__V1__TASK_STATE__TASK_RUNNING);
    framework_launch(framework, (struct wish){.id = "after", .command = gate_command("after")});
    framework_wait(framework, "after", MESOS__V1__TASK_STATE__TASK_RUNNING);

    assert_int_equal(process_end(&cluster.agents[0], SIGKILL), 1000 + SIGKILL);
    open_gate("during");
    restart_agent();

    struct note during = framework_wait(framework, "during", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_int_equal(during.exit_code, 5);
    assert_int_equal(framework_count(framework, "after", MESOS__V1__TASK_STATE__TASK_FAILED), 0);
    open_gate("after");
    assert_int_equal(
        framework_wait(framework, "after", MESOS__V1__TASK_STATE__TASK_FAILED).exit_code, 5);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_LOST), 0);
    framework_end(framework);
}

TEST(sigterm_leaves_tasks_running_and_sigusr1_leaves_nothing) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "gated", .command = gate_command("gate")});
    framework_wait(framework, "gated", MESOS__V1__TASK_STATE__TASK_RUNNING);

    assert_int_equal(process_end(&cluster.agents[0], SIGTERM), 0);
    assert_true(cluster_cgroups(&cluster, 0) > 0);
    restart_agent();
    open_gate("gate");
    framework_wait(framework, "gated", MESOS__V1__TASK_STATE__TASK_FAILED);

    framework_launch(framework, (struct wish){.id = "sleep", .command = "exec sleep 1000"});
    framework_wait(framework, "sleep", MESOS__V1__TASK_STATE__TASK_RUNNING);
    assert_int_equal(process_end(&cluster.agents[0], SIGUSR1), 0);
    assert_int_equal(cluster_cgroups(&cluster, 0), 0);
    framework_end(framework);
}

TEST(agent_and_framework_come_back_to_a_master_that_was_killed) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60,
                                                             .is_explicit = true,
                                                             .keeps_acknowledgements = true});
    framework_launch(framework, (struct wish){.id = "task", .command = gate_command("gate")});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    size_t before = framework_notes(framework);
    process_end(&cluster.master, SIGKILL);
    cluster_start_master(&cluster, NULL);

    framework_wait_count(framework, &framework->reregistered, 1);
    framework_wait_from(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING, before);
    framework->keeps_acknowledgements = false;
    framework_wait_from(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING,
                        framework_notes(framework));
    open_gate("gate");
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_FAILED);
    framework_end(framework);
}

TEST(two_hundred_tasks_survive_both_being_killed_again_and_again) {
    enum { COUNT = 200, ROUNDS = 3 };
    static const char *const agent_flags[] = {"--resources=cpus:100;mem:8000;disk:1;ports:[]",
                                              NULL};
    char id[32], command[256];
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, agent_flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    const char *gate = cluster_path(&cluster, "gate");
    assert_int_equal(mkfifo(gate, 0666), 0);
    snprintf(command, sizeof(command), "read line < %s; exit 0", gate);
    int held = open(gate, O_RDWR | O_CLOEXEC); /* nobody's open waits for us */
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        framework_launch(framework, (struct wish){.id = id, .command = command});
    }
    framework_wait(framework, "t0", MESOS__V1__TASK_STATE__TASK_RUNNING);

    for (int round = 0; round < ROUNDS; round++) {
        process_end(&cluster.agents[0], SIGKILL);
        process_end(&cluster.master, SIGKILL);
        cluster_start_master(&cluster, NULL);
        cluster_start_agent(&cluster, 0, agent_flags);
        framework_wait_count(framework, &framework->reregistered, (unsigned)round + 1);
        framework_reconcile(framework, NULL);
    }
    process_wait_log(&cluster.agents[0], " registered ");
    char lines[COUNT];
    memset(lines, '\n', COUNT);
    assert_int_equal(write(held, lines, COUNT), COUNT);

    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        bool has_run = framework_count(framework, id, MESOS__V1__TASK_STATE__TASK_RUNNING) > 0;
        if (has_run || framework_count(framework, id, MESOS__V1__TASK_STATE__TASK_DROPPED) == 0)
            framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_FINISHED);
    }
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_FAILED), 0);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_LOST), 0);
    close(held);
    framework_end(framework);
}

TEST(a_custom_executor_outlives_its_agent) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework,
                     (struct wish){.id = "hold", .executor = cluster_executor(&cluster)});
    framework_wait(framework, "hold", MESOS__V1__TASK_STATE__TASK_RUNNING);

    process_end(&cluster.agents[0], SIGKILL);
    restart_agent();

    assert_false(process_log_has(&cluster.agents[0], "orphans_removed"));
    framework_kill(framework, "hold", 5000);
    framework_wait(framework, "hold", MESOS__V1__TASK_STATE__TASK_KILLED);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_LOST), 0);
    framework_end(framework);
}

static void write_file(const char *name, const char *content, mode_t mode) {
    struct error error;
    if (!file_write(cluster_path(&cluster, name), text_of(content), mode, &error))
        fail_msg("%s", error.message);
}

/* An agent that sees another boot id than its machine has. */
static const char *booted_agent(const char *boot_id) {
    char script[1024];
    snprintf(script, sizeof(script),
             "#!/bin/sh\n"
             "exec unshare --mount --propagation private sh -c 'mount --bind %s "
             "/proc/sys/kernel/random/boot_id && exec \"$0\" \"$@\"' %s \"$@\"\n",
             cluster_path(&cluster, "boot_id"), cluster_agent_program());
    write_file("boot_id", boot_id, 0644);
    write_file("booted-agent", script, 0755);
    return cluster_path(&cluster, "booted-agent");
}

TEST(after_a_reboot_tasks_have_failed_and_nothing_of_them_is_left) {
    static const char *const flags[] = {"--gc_delay=0ns", NULL};
    glob_t found;
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster.agent_program = booted_agent("11111111-2222-3333-4444-555555555555\n");
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "sleep", .command = "exec sleep 1000"});
    framework_wait(framework, "sleep", MESOS__V1__TASK_STATE__TASK_RUNNING);

    process_end(&cluster.agents[0], SIGKILL);
    cluster.agent_program = booted_agent("99999999-8888-7777-6666-555555555555\n");
    cluster_start_agent(&cluster, 0, flags);

    struct note note = framework_wait(framework, "sleep", MESOS__V1__TASK_STATE__TASK_FAILED);
    assert_string_equal(note.message, "The machine was restarted");
    framework_launch(framework, (struct wish){.id = "next", .command = "true"});
    framework_wait(framework, "next", MESOS__V1__TASK_STATE__TASK_FINISHED);
    process_end(&cluster.agents[0], SIGUSR1);
    assert_int_equal(cluster_cgroups(&cluster, 0), 0);
    assert_int_equal(glob(cluster_path(&cluster, "agent0/run/*"), 0, NULL, &found), GLOB_NOMATCH);
    framework_end(framework);
}

/* The gate of the executor: its sandbox is the only one. */
static void open_executor_gate(void) {
    glob_t found;
    assert_int_equal(glob(cluster_path(&cluster, "agent0/sandboxes/*/*/gate"), 0, NULL, &found), 0);
    int fd = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "\n", 1) == 1);
    close(fd);
    globfree(&found);
}

TEST(what_an_executor_says_while_its_agent_is_away_arrives) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework,
                     (struct wish){.id = "gate", .executor = cluster_executor(&cluster)});
    framework_wait(framework, "gate", MESOS__V1__TASK_STATE__TASK_RUNNING);

    process_end(&cluster.agents[0], SIGKILL);
    open_executor_gate();
    restart_agent();

    framework_wait(framework, "gate", MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_FAILED), 0);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_LOST), 0);
    framework_end(framework);
}

TEST(an_update_that_the_agent_could_not_deliver_arrives_after_both_were_killed) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "task", .command = gate_command("gate")});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    process_end(&cluster.master, SIGKILL);
    open_gate("gate");
    process_wait_log(&cluster.agents[0], "master_lost");
    process_end(&cluster.agents[0], SIGKILL);
    cluster_start_master(&cluster, NULL);
    restart_agent();

    assert_int_equal(
        framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_FAILED).exit_code, 5);
    framework_end(framework);
}

TEST(an_executor_finds_an_agent_again_whose_port_the_kernel_chose) {
    static const char *const flags[] = {"--port=0", NULL};
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework,
                     (struct wish){.id = "hold", .executor = cluster_executor(&cluster)});
    framework_wait(framework, "hold", MESOS__V1__TASK_STATE__TASK_RUNNING);

    process_end(&cluster.agents[0], SIGKILL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");

    framework_kill(framework, "hold", 5000);
    framework_wait(framework, "hold", MESOS__V1__TASK_STATE__TASK_KILLED);
    framework_end(framework);
}

TEST(five_hundred_tasks_are_found_again) {
    enum { COUNT = 500 };
    static const char *const flags[] = {"--resources=cpus:100;mem:8000;disk:1;ports:[]", NULL};
    char id[32];
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        framework_launch(framework, (struct wish){.id = id, .command = "exec sleep 1000"});
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    }

    process_end(&cluster.agents[0], SIGKILL);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");

    size_t from = framework_notes(framework);
    framework_reconcile(framework, "t499");
    framework_wait_from(framework, "t499", MESOS__V1__TASK_STATE__TASK_RUNNING, from);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_FAILED), 0);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_LOST), 0);
    framework_end(framework);
}
