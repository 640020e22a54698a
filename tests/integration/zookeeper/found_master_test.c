/*
 * The agent and the CLI (and with it the driver) find their master in ZooKeeper. The masters here
 * do not elect each other: the test makes and deletes their nodes, so it says who leads.
 */
#include "common/base/buf.h"
#include "common/runtime/files.h"
#include "tests/integration/cluster/cluster.h"
#include "tests/integration/zookeeper/client.h"
#include "tests/integration/zookeeper/ensemble.h"

#include <signal.h>
#include <stdio.h>

static struct cluster cluster;
static struct process other; /* a second master, at the port of agent 2 */
static struct loop *loop;
static char master_flag[256];

/* The node's path. */
static struct told lead(struct client *client, uint16_t port) {
    AUTO_FINI(buf_fini) struct buf info = {0};
    buf_printf(&info, "{\"id\":\"m\",\"address\":{\"ip\":\"127.0.0.1\",\"port\":%u}}", port);
    struct zk_request request = {
        .kind = ZK_CREATE_MEMBER, .path = TEXT("/mesos/json.info_"), .data = buf_text(&info)};
    struct told told = client_ask(client, request);
    assert_int_equal(told.result, ZK_OK);
    return told;
}

static void step_down(struct client *client, struct told node) {
    struct zk_request request = {
        .kind = ZK_DELETE, .path = text_of(node.path), .version = ZK_VERSION_ANY};
    assert_int_equal(client_ask(client, request).result, ZK_OK);
}

static void start_other(void) {
    char port[32], work_dir[128];
    snprintf(port, sizeof(port), "--port=%u", cluster.agent_ports[2]);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/other", cluster.directory);
    process_start(&other, cluster_path(&cluster, "other.log"),
                  (const char *[]){cluster_master_program(), port, work_dir, NULL});
    process_wait_log(&other, "master_starts");
}

/* Runs `mesos COMMAND --master=zk://... ...` and gives what it said. */
static char *run_mesos(const char *const *command, int expected) {
    const char *argv[8] = {MESOS_PATH, *command++, master_flag};
    for (size_t count = 3; *command != NULL; count++)
        argv[count] = *command++;
    struct process process = {0};
    process_start(&process, cluster_path(&cluster, "mesos.log"), argv);
    int code = process_wait(&process);
    struct buf said = {0};
    file_read(process.log, 1 << 20, &said, NULL);
    unlink(process.log);
    if (code != expected)
        cluster_fail(&cluster, "ended with %d:\n%s", code, buf_string(&said));
    return buf_take(&said, NULL);
}

TEST(the_master_that_leads_is_found_and_followed) {
    cluster_open(&cluster);
    ensemble_start(1, NULL);
    struct error error;
    struct client zk;
    loop = loop_new(&error);
    client_open(&zk, loop, ensemble_url(NULL, "/"), 30000);
    WAIT_UNTIL(loop, zk.state == ZK_SESSION_CONNECTED);
    snprintf(master_flag, sizeof(master_flag), "--master=zk://%s/mesos", ensemble_servers());
    struct zk_request path = {.kind = ZK_CREATE, .path = TEXT("/mesos")};

    /* The agent is there before any master. */
    cluster_start_agent(&cluster, 0, (const char *[]){master_flag, NULL});
    process_wait_log(&cluster.agents[0], "no_master_leads");
    cluster_start_master(&cluster, NULL);
    start_other();
    assert_int_equal(client_ask(&zk, path).result, ZK_OK);
    struct told first = lead(&zk, cluster.master_port);
    process_wait_log(&cluster.agents[0], " registered ");
    AUTO(mem_free) char *agents = run_mesos((const char *[]){"agents", NULL}, 0);
    assert_non_null(strstr(agents, "localhost"));
    AUTO(mem_free) char *said = run_mesos((const char *[]){"run", "echo", "hello", NULL}, 0);
    assert_non_null(strstr(said, "hello"));

    /* The next in line changes nothing; then it leads. */
    struct told second = lead(&zk, cluster.agent_ports[2]);
    step_down(&zk, first);
    char connected[64];
    snprintf(connected, sizeof(connected), "master_connected master=127.0.0.1:%u",
             cluster.agent_ports[2]);
    process_wait_log(&cluster.agents[0], connected);
    process_wait_log(&cluster.agents[0], " registered ");

    /* Without ZooKeeper who is connected stays so. */
    ensemble_do("down 1");
    snprintf(master_flag, sizeof(master_flag), "--master=127.0.0.1:%u", cluster.agent_ports[2]);
    AUTO(mem_free) char *still = run_mesos((const char *[]){"run", "echo", "still", NULL}, 0);
    assert_non_null(strstr(still, "still"));
    ensemble_do("up 1");
    WAIT_UNTIL(loop, zk.connects == 2);
    assert_int_equal(process_log_count(&cluster.agents[0], "master_connected"), 2);

    step_down(&zk, second);
    process_wait_log(&cluster.agents[0], "no_master_leads");
    client_close(&zk);
    loop_free(loop);
    assert_int_equal(process_end(&cluster.agents[0], SIGUSR1), 0);
    assert_int_equal(process_end(&other, SIGTERM), 0);
    cluster_close(&cluster);
}
