/*
 * An agent comes back with other flags: what it has is an update to the master, and only less than
 * what is in use needs a decision.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include <signal.h>

static struct cluster cluster;

static void restart_agent(const char *const *flags) {
    if (cluster.agents[0].pid != 0)
        assert_int_equal(process_end(&cluster.agents[0], SIGTERM), 0);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
}

/* One cpu each. */
static struct framework *begin(void) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    static const char *const ids[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        framework_launch(
            framework,
            (struct wish){.id = ids[i], .command = "exec sleep 1000", .cpus_milli = 1000});
        framework_wait(framework, ids[i], MESOS__V1__TASK_STATE__TASK_RUNNING);
    }
    return framework;
}

static void assert_goes_on(struct framework *framework, const char *task) {
    size_t from = framework_notes(framework);
    framework_reconcile(framework, task);
    framework_wait_from(framework, task, MESOS__V1__TASK_STATE__TASK_RUNNING, from);
}

static void assert_master_says(const char *part) {
    static const char body[] = "{\"type\":\"GET_AGENTS\"}";
    AUTO_FINI(buf_fini) struct buf text = {0};
    int fd = raw_connect(cluster.master_port);
    buf_printf(&text,
               "POST /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
               "Content-Type: application/json\r\nAccept: application/json\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               sizeof(body) - 1, body);
    raw_send(fd, buf_text(&text));
    buf_clear(&text);
    raw_await_close(fd, &text);
    if (strstr(buf_string(&text), part) == NULL)
        cluster_fail(&cluster, "no %s in %s", part, buf_string(&text));
}

TEST(more_resources_and_other_attributes_are_an_update) {
    static const char *const flags[] = {"--resources=cpus:8;mem:4096;disk:1024;ports:[31000-31999]",
                                        "--attributes=rack:r7", NULL};
    struct framework *framework = begin();

    restart_agent(flags);
    framework_launch(framework,
                     (struct wish){.id = "big", .command = "exec sleep 1000", .cpus_milli = 6000});

    framework_wait(framework, "big", MESOS__V1__TASK_STATE__TASK_RUNNING);
    assert_master_says("\"r7\"");
    assert_goes_on(framework, "a");
    framework_end(framework);
}

TEST(fewer_resources_than_before_but_enough_are_an_update) {
    static const char *const flags[] = {"--resources=cpus:2;mem:2048;disk:1024", NULL};
    struct framework *framework = begin();

    restart_agent(flags);

    assert_goes_on(framework, "a");
    assert_goes_on(framework, "b");
    framework_end(framework);
}

TEST(fewer_than_what_is_in_use_is_refused_with_the_names_and_changes_nothing) {
    static const char *const flags[] = {"--resources=cpus:1;mem:2048;disk:1024", NULL};
    struct framework *framework = begin();

    assert_int_equal(process_end(&cluster.agents[0], SIGTERM), 0);
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], "--resources has less than what is in use: task b of");
    assert_int_equal(process_wait(&cluster.agents[0]), 1);
    restart_agent(NULL);

    assert_goes_on(framework, "a");
    assert_goes_on(framework, "b");
    framework_end(framework);
}

TEST(forced_what_does_not_fit_ends_and_the_rest_goes_on) {
    static const char *const flags[] = {"--resources=cpus:1;mem:2048;disk:1024",
                                        "--force_resources", NULL};
    struct framework *framework = begin();

    restart_agent(flags);

    struct note note = framework_wait(framework, "b", MESOS__V1__TASK_STATE__TASK_KILLED);
    assert_string_equal(note.message, "The agent was started with fewer resources");
    assert_goes_on(framework, "a");
    framework_end(framework);
}
