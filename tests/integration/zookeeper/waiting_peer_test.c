/*
 * Whoever asks a master for a connection before it is known who leads gets it once that master
 * does: a refusal would cost an agent its back-off.
 */
#include "common/base/buf.h"
#include "common/model/frame_type.h"
#include "tests/integration/cluster/cluster.h"
#include "tests/integration/cluster/raw.h"
#include "tests/integration/zookeeper/ensemble.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The master says nothing before it has reached ZooKeeper, so its port is tried until it is there.
 */
static void wait_port(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (bool is_open = false; !is_open;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        is_open = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        close(fd);
    }
}

TEST(who_comes_before_a_master_leads_is_served_when_it_does) {
    struct cluster cluster = {0};
    AUTO_FINI(buf_fini) struct buf heard = {0};
    char zk[300], port[32], work_dir[128];
    cluster_open(&cluster);
    ensemble_start(1, NULL);
    snprintf(zk, sizeof(zk), "--zk=zk://%s/mesos", ensemble_servers());
    snprintf(port, sizeof(port), "--port=%u", cluster.master_port);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", cluster.directory);

    ensemble_do("pause 1");
    process_start(&cluster.master, cluster_path(&cluster, "master.log"),
                  (const char *[]){cluster_master_program(), port, work_dir, zk, NULL});
    wait_port(cluster.master_port);
    int fd = raw_connect(cluster.master_port);
    raw_send(fd, TEXT("GET " FRAME_UPGRADE_PATH " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                      "Upgrade: mesos/1\r\n" FRAME_ROLE_HEADER ": operator\r\n\r\n"));
    AUTO_FINI(buf_fini) struct buf refused = {0};
    raw_request(cluster.master_port,
                TEXT("GET /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), &refused);
    assert_true(text_starts_with(buf_text(&refused), TEXT("HTTP/1.1 503")));
    ensemble_do("resume 1");

    raw_await(fd, "HTTP/1.1 101", &heard);
    close(fd);
    assert_int_equal(process_end(&cluster.master, SIGTERM), 0);
    cluster_close(&cluster);
}
