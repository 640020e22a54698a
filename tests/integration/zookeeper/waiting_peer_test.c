/*
 * Whoever asks a master for a connection before it is known who leads gets it once that master
 * does: a refusal would cost an agent its back-off.
 */
#include "common/base/buf.h"
#include "common/model/frame_type.h"
#include "tests/integration/cluster/cluster.h"
#include "tests/integration/cluster/raw.h"
#include "tests/integration/zookeeper/client.h"
#include "tests/integration/zookeeper/ensemble.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct loop *loop;
static struct client client;

static struct told ask(enum zk_request_kind kind, const char *path, const char *data) {
    return client_ask(&client, (struct zk_request){.kind = kind,
                                                   .path = text_of(path),
                                                   .data = text_of(data),
                                                   .version = ZK_VERSION_ANY});
}

static void begin(struct cluster *cluster, const char *servers) {
    char zk[300], port[32], work_dir[128];
    snprintf(zk, sizeof(zk), "--zk=zk://ops:secret@%s/mesos", servers);
    snprintf(port, sizeof(port), "--port=%u", cluster->master_port);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", cluster->directory);
    process_start(&cluster->master, cluster_path(cluster, "master.log"),
                  (const char *[]){cluster_master_program(), port, work_dir, zk,
                                   "--zk_session_timeout=5secs", NULL});
    process_wait_log(&cluster->master, "zookeeper_sought ensemble=");
}

#define UPGRADE                                                                                    \
    TEXT("GET " FRAME_UPGRADE_PATH " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"               \
         "Upgrade: mesos/1\r\n" FRAME_ROLE_HEADER ": operator\r\n\r\n")

TEST(who_comes_before_a_master_leads_is_served_when_it_does) {
    struct cluster cluster = {0};
    struct error error;
    AUTO_FINI(buf_fini) struct buf heard = {0};
    cluster_open(&cluster);
    ensemble_start(1, NULL);
    loop = loop_new(&error);
    client_open(&client, loop, ensemble_url(NULL, "/"), 30000);
    WAIT_UNTIL(loop, client.state == ZK_SESSION_CONNECTED);
    assert_int_equal(ask(ZK_CREATE, "/mesos", "").result, ZK_OK);
    const char *nobody = "/mesos/json.info_0000000000"; /* leads, and is no master */
    assert_int_equal(ask(ZK_CREATE, nobody, "{").result, ZK_OK);

    begin(&cluster, ensemble_servers());
    process_wait_log(&cluster.master, "zookeeper_connected");
    int fd = raw_connect(cluster.master_port);
    raw_send(fd, UPGRADE);
    AUTO_FINI(buf_fini) struct buf refused = {0};
    raw_request(cluster.master_port,
                TEXT("GET /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), &refused);
    assert_true(text_starts_with(buf_text(&refused), TEXT("HTTP/1.1 503")));
    assert_int_equal(ask(ZK_DELETE, nobody, "").result, ZK_OK);

    raw_await(fd, "HTTP/1.1 101", &heard);
    assert_int_equal(process_log_count(&cluster.master, "master_stands_by"), 1);
    close(fd);
    assert_int_equal(process_end(&cluster.master, SIGTERM), 0);
    client_close(&client);
    loop_free(loop);
    cluster_close(&cluster);
}

/* Nobody is about to lead, and others may know who does. */
TEST(who_comes_to_a_master_that_does_not_reach_zookeeper_is_refused_at_once) {
    struct cluster cluster = {0};
    AUTO_FINI(buf_fini) struct buf heard = {0};
    cluster_open(&cluster);
    begin(&cluster, "127.0.0.1:1");

    int fd = raw_connect(cluster.master_port);
    raw_send(fd, UPGRADE);
    raw_await(fd, "HTTP/1.1 503", &heard);

    assert_false(process_log_has(&cluster.master, "election_trouble")); /* hence at once */
    close(fd);
    assert_int_equal(process_end(&cluster.master, SIGTERM), 0);
    cluster_close(&cluster);
}

TEST(a_name_of_zookeeper_that_is_not_found_is_told_with_the_ensemble_and_without_the_password) {
    struct cluster cluster = {0};
    cluster_open(&cluster);
    begin(&cluster, "no-such-host.invalid:2181");

    process_wait_log(&cluster.master, "zookeeper_not_found error=\"no-such-host.invalid: ");
    process_wait_log(&cluster.master, "election_trouble");

    assert_true(process_log_has(&cluster.master, "ensemble=zk://"));
    assert_int_equal(process_log_count(&cluster.master, "no-such-host.invalid:2181"), 3);
    assert_false(process_log_has(&cluster.master, "secret"));
    assert_int_equal(process_end(&cluster.master, SIGTERM), 0);
    cluster_close(&cluster);
}
