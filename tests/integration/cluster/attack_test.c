/*
 * Whatever comes to the ports of both daemons: it is answered or cut off with one line, and a
 * framework that runs beside it sees nothing of it.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include "common/model/frame_type.h"
#include "common/runtime/files.h"
#include "common/wire/put.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct cluster cluster;
static struct framework *witness;
static unsigned rounds;

static void begin(void) {
    witness = framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(witness, (struct wish){.id = "witness", .command = "exec sleep 1000"});
    framework_wait(witness, "witness", MESOS__V1__TASK_STATE__TASK_RUNNING);
}

/* The cluster still does its work, and the witness has noticed nothing. */
static void check_witness(void) {
    char id[32];
    snprintf(id, sizeof(id), "check%u", rounds++);
    framework_launch(witness, (struct wish){.id = id, .command = "true"});
    framework_wait(witness, id, MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(witness->disconnected, 0);
    assert_int_equal(witness->errors, 0);
    assert_int_equal(witness->agents_lost, 0);
    assert_int_equal(framework_count(witness, "witness", MESOS__V1__TASK_STATE__TASK_RUNNING), 1);
}

static void end(void) {
    check_witness();
    framework_end(witness);
}

static uint16_t agent_port(void) {
    return cluster.agent_ports[0];
}

static void expect_closed(int fd) {
    AUTO_FINI(buf_fini) struct buf rest = {0};
    raw_await_close(fd, &rest);
}

TEST(garbage_on_either_port_is_cut_off) {
    AUTO_FINI(buf_fini) struct buf noise = {0};
    AUTO_FINI(buf_fini) struct buf answer = {0};
    struct rng rng = rng_for_test();
    begin();

    for (int i = 0; i < 50; i++) {
        buf_clear(&noise);
        for (size_t size = rng_below(&rng, 5000); size > 0; size--)
            buf_append_byte(&noise, (char)rng_below(&rng, 256));
        raw_request(cluster.master_port, buf_text(&noise), &answer);
        raw_request(agent_port(), buf_text(&noise), &answer);
    }

    end();
}

TEST(frames_that_are_wrong_end_their_connection_alone) {
    static const char *const roles[] = {"scheduler", "agent", "operator"};
    static const struct text oversized = {"\x7f\xff\xff\xff\0\x10\0\0", 8};
    static const struct text reserved = {"\0\0\0\1\0\x10\0\1x", 9};
    begin();

    for (size_t i = 0; i < 3; i++) {
        int fd = raw_upgrade(cluster.master_port, roles[i]);
        raw_send(fd, oversized);
        expect_closed(fd);
        fd = raw_upgrade(cluster.master_port, roles[i]);
        raw_send(fd, reserved);
        expect_closed(fd);
        static const uint16_t types[] = {0, 1, 16, 17, 32, 33, 48, 49, 64, 65, 65535};
        for (size_t type = 0; type < sizeof(types) / sizeof(types[0]); type++) {
            fd = raw_upgrade(cluster.master_port, roles[i]);
            raw_send_frame(fd, types[type], TEXT("\xff\xff\xff\xff garbage"));
            expect_closed(fd);
        }
        fd = raw_upgrade(cluster.master_port, roles[i]);
        raw_send(fd, (struct text){"\0\0\1\0\0\x10\0\0half", 12});
        close(fd);
    }
    int fd = raw_upgrade(agent_port(), "executor");
    raw_send(fd, oversized);
    expect_closed(fd);
    for (uint16_t type = 0; type < 70; type++) {
        fd = raw_upgrade(agent_port(), "executor");
        raw_send_frame(fd, type, TEXT("\xff\xff\xff\xff garbage"));
        expect_closed(fd);
    }

    end();
}

/* A ContainerID in a ContainerID and so on; built from the inside, which is at the end. */
static struct text nested(char *room, size_t size, unsigned depth) {
    char *at = room + size;
    for (unsigned i = 0; i < depth; i++) {
        size_t inner = (size_t)(room + size - at);
        char head[16] = {0x0a, 1, 'x', 0x12};
        size_t count = i > 0 ? 4 : 3;
        for (size_t rest = inner; i > 0; rest >>= 7) {
            head[count++] = (char)(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
            if (rest < 0x80)
                break;
        }
        at -= count;
        memcpy(at, head, count);
    }
    return (struct text){at, (size_t)(room + size - at)};
}

static void put_nested_update(struct buf *out, uint32_t update_field, struct text container) {
    put_id(out, 1, TEXT("e"));
    put_id(out, 2, TEXT("f"));
    put_varint(out, 3, 3);
    size_t update = put_begin(out, update_field);
    size_t status = put_begin(out, 1);
    put_id(out, 1, TEXT("t"));
    put_varint(out, 2, 1);
    size_t container_status = put_begin(out, 13);
    put_bytes(out, 4, container);
    put_end(out, container_status);
    put_end(out, status);
    put_end(out, update);
}

TEST(a_container_id_nested_ten_thousand_deep_is_refused) {
    static char room[200000];
    AUTO_FINI(buf_fini) struct buf call = {0};
    begin();
    struct text container = nested(room, sizeof(room), 10000);
    put_nested_update(&call, 5, container);

    int fd = raw_upgrade(agent_port(), "executor");
    raw_send_frame(fd, FRAME_EXECUTOR_CALL, buf_text(&call));
    expect_closed(fd);
    fd = raw_upgrade(cluster.master_port, "scheduler");
    raw_send_frame(fd, FRAME_SCHEDULER_CALL, buf_text(&call));
    expect_closed(fd);
    raw_post(cluster.master_port, "/api/v1", "application/x-protobuf", buf_text(&call));
    AUTO_FINI(buf_fini) struct buf json = {0};
    for (int i = 0; i < 10000; i++)
        buf_append_string(&json, "{\"type\":");
    assert_int_equal(raw_post(cluster.master_port, "/api/v1", "application/json", buf_text(&json)),
                     400);

    end();
}

TEST(http_that_is_wrong_gets_a_status) {
    AUTO_FINI(buf_fini) struct buf huge = {0};
    AUTO_FINI(buf_fini) struct buf answer = {0};
    uint16_t port;
    begin();
    port = cluster.master_port;

    assert_int_equal(raw_post(port, "/api/v1", "application/json", TEXT("{")), 400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json", TEXT("[]")), 400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json", TEXT("{}")), 400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json", TEXT("{\"type\":\"NO\"}")), 400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json", TEXT("{\"type\":\"TEARDOWN\"}")),
                     400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json",
                              TEXT("{\"type\":\"TEARDOWN\",\"teardown\":{}}")),
                     400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json",
                              TEXT("{\"type\":\"TEARDOWN\",\"teardown\":{\"framework_id\":"
                                   "{\"value\":\"no\"}}}")),
                     400);
    assert_int_equal(raw_post(port, "/api/v1", "application/json",
                              TEXT("{\"type\":\"READ_FILE\",\"read_file\":{\"path\":\"/etc/"
                                   "shadow\",\"offset\":0}}")),
                     501);
    assert_int_equal(raw_post(port, "/api/v1", "text/html", TEXT("x")), 415);
    assert_int_equal(raw_post(port, "/api/v1", "application/x-protobuf", TEXT("\xff\xff")), 400);
    assert_int_equal(raw_post(port, "/no/such/path", "application/json", TEXT("{}")), 404);
    assert_int_equal(raw_post(agent_port(), "/no/such/path", "application/json", TEXT("{}")), 404);
    buf_reserve(&huge, 17 << 20);
    memset(huge.data, ' ', 17 << 20);
    huge.size = 17 << 20;
    int status = raw_post(port, "/api/v1", "application/json", buf_text(&huge));
    assert_true(status == 413 || status == 0); /* the connection may be cut while we still send */
    raw_request(port, TEXT("GET /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                &answer);
    assert_true(text_starts_with(buf_text(&answer), TEXT("HTTP/1.1 405")));
    buf_clear(&answer);
    raw_request(port,
                TEXT("GET /api/mesos/1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: "
                     "mesos/1\r\nMesos-Role: god\r\n\r\n"),
                &answer);
    assert_true(text_starts_with(buf_text(&answer), TEXT("HTTP/1.1 400")));

    end();
}

TEST(thousands_of_idle_connections_and_slow_readers_hold_up_nobody) {
    enum { IDLE = 10000 };
    static int fds[IDLE];
    struct rlimit limit = {IDLE + 200, IDLE + 200};
    begin();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

    for (int i = 0; i < IDLE; i++) {
        fds[i] = raw_connect(i % 4 == 0 ? agent_port() : cluster.master_port);
        if (i % 3 == 0)
            raw_send(fds[i], TEXT("POST /api/v1 HTTP/1.1\r\nContent-Le"));
    }
    check_witness();
    static const char ask[] = "POST /api/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                              "\r\nAccept: application/json\r\nContent-Length: 20\r\n\r\n"
                              "{\"type\":\"GET_STATE\"}";
    int slow = raw_connect(cluster.master_port);
    fcntl(slow, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 10000 && raw_send(slow, text_of(ask)); i++)
        continue;
    check_witness();
    for (int i = 0; i < IDLE; i++)
        close(fds[i]);
    close(slow);

    end();
}

/* --- resources that make no sense --- */

static void launch_with(struct framework *framework, const struct held_offer *offer, char *id,
                        Mesos__V1__Resource **resources, size_t count) {
    Mesos__V1__OfferID offer_id = MESOS__V1__OFFER_ID__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__TaskInfo info = MESOS__V1__TASK_INFO__INIT;
    const Mesos__V1__TaskInfo *list[] = {&info};
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 0;
    offer_id.value = (char *)offer->id;
    agent.value = (char *)offer->agent;
    task_id.value = id;
    command.value = "true";
    info.name = "bad";
    info.task_id = &task_id;
    info.agent_id = &agent;
    info.command = &command;
    info.resources = resources;
    info.n_resources = count;
    mesos_scheduler_driver_launch_tasks(framework->driver, &offer_id, list, 1, &filters);
}

TEST(impossible_resources_are_refused_by_a_status) {
    struct {
        char *name;
        double amount;
    } const wrong[] = {{"cpus", -1},        {"cpus", NAN}, {"cpus", INFINITY}, {"cpus", 1e300},
                       {"cpus", 0.0000001}, {"cpus", 5},   {"gold", 1},        {"mem", -0.5}};
    struct held_offer offer;
    char id[32];
    begin();
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.holds_offers = true});

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        Mesos__V1__Value__Scalar scalar = MESOS__V1__VALUE__SCALAR__INIT;
        Mesos__V1__Resource resource = MESOS__V1__RESOURCE__INIT, *list[] = {&resource};
        resource.name = wrong[i].name;
        resource.type = MESOS__V1__VALUE__TYPE__SCALAR;
        resource.scalar = &scalar;
        scalar.value = wrong[i].amount;
        framework_wait_offer(framework, &offer, i);
        snprintf(id, sizeof(id), "bad%zu", i);
        launch_with(framework, &offer, id, list, 1);
        framework_wait(framework, id, MESOS__V1__TASK_STATE__TASK_ERROR);
    }
    Mesos__V1__Value__Range a = MESOS__V1__VALUE__RANGE__INIT, b = MESOS__V1__VALUE__RANGE__INIT;
    Mesos__V1__Value__Range *pair[] = {&a, &b};
    Mesos__V1__Value__Ranges ranges = MESOS__V1__VALUE__RANGES__INIT;
    Mesos__V1__Resource ports = MESOS__V1__RESOURCE__INIT, *list[] = {&ports};
    a.begin = 31000, a.end = 31010, b.begin = 31005, b.end = 31020;
    ranges.range = pair;
    ranges.n_range = 2;
    ports.name = "ports";
    ports.type = MESOS__V1__VALUE__TYPE__RANGES;
    ports.ranges = &ranges;
    framework_wait_offer(framework, &offer, sizeof(wrong) / sizeof(wrong[0]));
    launch_with(framework, &offer, "overlap", list, 1);
    framework_wait(framework, "overlap", MESOS__V1__TASK_STATE__TASK_ERROR);
    launch_with(framework, &offer, "twice", list, 1);
    framework_wait(framework, "twice", MESOS__V1__TASK_STATE__TASK_DROPPED);

    framework_free(framework);
    end();
}
