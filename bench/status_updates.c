/*
 * How many status updates a second pass from an agent through the master to a framework, with the
 * acknowledgement back to the agent?
 *
 *   sockets  a real mesos-master on one core, agent and framework as one process on the other, over
 *            loopback, all checks on, one update on its way for each of WINDOW tasks. The floor, in
 *            the same run: the same bytes passed on unread by a process of the same runtime.
 *   core     the master's core alone: frames in memory -> decode -> master_step -> encode. The
 *            floor, in the same run: protobuf-c unpacking and packing the same four messages.
 *
 * Every message is checked by its receiver.
 *
 *     status_updates [SECONDS of each part] [WINDOW]
 */
#include "status_peers.h"
#include "support.h"

#include "common/model/frame_type.h"
#include "common/runtime/frame.h"
#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "common/runtime/http_server.h"
#include "common/runtime/loop.h"
#include "internal/agent.pb-c.h"
#include "master/core/master.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

enum { SECONDS_DEFAULT = 3, WINDOW_DEFAULT = 4096, WARM_UP_MS = 300, MASTER_CORE = 0 };
#define BUDGET_SOCKETS 100000
#define BUDGET_CORE 300000

struct rate {
    double per_second;
    double cpu_ns; /* of the process between, for one update and its acknowledgement */
};

/* --- over sockets --- */

struct connections {
    struct loop *loop;
    struct status_peers peers;
    struct frame_link *links[2]; /* by enum peer_role */
    struct frame_client *clients[2];
    bool is_floor; /* what comes is not read */
    uint64_t floor_count;
};

struct end {
    struct connections *connections;
    enum peer_role role;
};

static void socket_send(void *self, enum peer_role from, uint16_t type, struct text payload) {
    struct connections *connections = self;
    frame_link_send(connections->links[from], type, payload);
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct end *end = self;
    struct connections *connections = end->connections;
    (void)type;
    if (!connections->is_floor) {
        status_peers_hear(&connections->peers, end->role, payload);
        return;
    }
    connections->floor_count += end->role == PEER_AGENT;
    struct buf *answer = end->role == PEER_AGENT ? &connections->peers.update.bytes
                                                 : &connections->peers.acknowledge.bytes;
    frame_link_send(connections->links[end->role], 1, buf_text(answer));
}

static void on_closed(void *self, const struct error *error) {
    (void)self;
    bench_fail("connection", error->message);
}

static void on_connected(void *self, const struct frame_client_result *result) {
    static const struct frame_link_callbacks callbacks = {on_frame, on_closed};
    struct end *end = self;
    if (result->outcome != FRAME_CLIENT_CONNECTED)
        bench_fail("connect", result->error.message);
    end->connections->links[end->role] = result->link;
    frame_link_start(result->link, &callbacks, end);
}

static void connect_peer(struct connections *connections, struct end *end, uint16_t port) {
    struct http_header role = {FRAME_ROLE_HEADER, end->role == PEER_AGENT ? "agent" : "scheduler"};
    struct frame_client_options options = {.address = {.host = "127.0.0.1", .port = port},
                                           .path = FRAME_UPGRADE_PATH,
                                           .headers = &role,
                                           .header_count = 1};
    connections->clients[end->role] =
        frame_client_new(connections->loop, &options, on_connected, end);
    while (connections->links[end->role] == NULL)
        loop_turn(connections->loop, 100);
}

static void connections_open(struct connections *connections, struct end ends[2], uint16_t port) {
    struct error error;
    connections->loop = loop_new(&error);
    if (connections->loop == NULL)
        bench_fail("loop", error.message);
    connections->peers.send = socket_send;
    connections->peers.self = connections;
    for (int role = 0; role < 2; role++) {
        ends[role] = (struct end){connections, (enum peer_role)role};
        connect_peer(connections, &ends[role], port);
    }
}

static void connections_close(struct connections *connections) {
    for (int role = 0; role < 2; role++) {
        frame_link_free(connections->links[role]);
        frame_client_free(connections->clients[role]);
    }
    loop_free(connections->loop);
}

static void turn_until(struct loop *loop, int64_t end_ns) {
    while (bench_now_ns() < end_ns)
        loop_turn(loop, 10);
}

/* What `count` grows by in so many seconds, once it is warm. */
static struct rate measure(struct loop *loop, const uint64_t *count, pid_t between,
                           double seconds) {
    turn_until(loop, bench_now_ns() + WARM_UP_MS * INT64_C(1000000));
    int64_t begin_ns = bench_now_ns(), cpu_ns = bench_cpu_ns(between);
    uint64_t before = *count;
    turn_until(loop, begin_ns + (int64_t)(seconds * 1e9));
    double done = (double)(*count - before), took = (double)(bench_now_ns() - begin_ns) / 1e9;
    return (struct rate){done / took, (double)(bench_cpu_ns(between) - cpu_ns) / done};
}

static struct rate over_sockets(struct status_peers *peers, double seconds) {
    char directory[BENCH_PATH_SIZE], work_dir[BENCH_PATH_SIZE + 32], port[32];
    struct connections connections = {.peers = *peers};
    struct bench_daemon master;
    struct end ends[2];
    bench_directory_make(directory);
    master.port = bench_free_port();
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/master", directory);
    snprintf(port, sizeof(port), "--port=%u", master.port);
    const char *arguments[] = {work_dir, port, NULL};
    bench_daemon_start(&master, "mesos-master", directory, arguments, master.port, MASTER_CORE);
    connections_open(&connections, ends, master.port);
    status_peers_register(&connections.peers);
    while (connections.peers.agent_id.size == 0)
        loop_turn(connections.loop, 100);
    status_peers_subscribe(&connections.peers);
    while (!status_peers_are_ready(&connections.peers))
        loop_turn(connections.loop, 100);
    status_peers_begin(&connections.peers);
    struct rate rate =
        measure(connections.loop, &connections.peers.acknowledged, master.pid, seconds);
    connections_close(&connections);
    bench_daemon_stop(&master);
    *peers = connections.peers;
    return rate;
}

/* --- the floor of it: bytes passed on unread --- */

struct relay {
    struct loop *loop;
    struct frame_link *links[2];
    size_t count;
};

struct relay_end {
    struct relay *relay;
    size_t number;
};

static void relay_frame(void *self, uint16_t type, struct text payload) {
    struct relay_end *end = self;
    struct frame_link *other = end->relay->links[1 - end->number];
    if (other != NULL)
        frame_link_send(other, type, payload);
}

static void relay_closed(void *self, const struct error *error) {
    struct relay_end *end = self;
    (void)error;
    loop_stop(end->relay->loop);
}

static void relay_accept(void *self, struct http_request *request) {
    static const struct frame_link_callbacks callbacks = {relay_frame, relay_closed};
    static struct relay_end ends[2];
    struct relay *relay = self;
    struct error error;
    size_t number = relay->count++;
    relay->links[number] = http_request_upgrade(request, NULL, 0, &error);
    if (relay->links[number] == NULL)
        bench_fail("upgrade", error.message);
    ends[number] = (struct relay_end){relay, number};
    frame_link_start(relay->links[number], &callbacks, &ends[number]);
}

static _Noreturn void relay_run(uint16_t port, int tell) {
    struct relay relay = {0};
    struct error error;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_pin(MASTER_CORE);
    relay.loop = loop_new(&error);
    struct http_server *server = http_server_new(relay.loop, (struct http_server_options){0});
    if (!http_server_listen(server, "127.0.0.1", port, &error))
        bench_fail("listen", error.message);
    http_server_route(server, FRAME_UPGRADE_PATH, relay_accept, &relay);
    if (write(tell, "", 1) != 1)
        _exit(1);
    loop_run(relay.loop);
    _exit(0);
}

static struct rate floor_of_sockets(struct status_peers *peers, double seconds) {
    struct connections connections = {.peers = *peers, .is_floor = true};
    struct end ends[2];
    int ready[2];
    char byte;
    uint16_t port = bench_free_port();
    if (pipe(ready) != 0)
        bench_fail("pipe", "no");
    pid_t pid = fork();
    if (pid == 0)
        relay_run(port, ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        bench_fail("relay", "does not start");
    connections_open(&connections, ends, port);
    for (size_t i = 0; i < peers->task_count; i++)
        frame_link_send(connections.links[PEER_AGENT], 1, buf_text(&peers->update.bytes));
    struct rate rate = measure(connections.loop, &connections.floor_count, pid, seconds);
    connections_close(&connections);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    return rate;
}

/* --- the core alone --- */

struct core {
    struct master *master;
    struct kinds *kinds;
    struct master_outbox outbox;
    struct status_peers peers;
    struct buf in[2], out[2]; /* frames, by the peer at the other end */
    uint64_t stored_ticket, made_ticket;
};

static const struct connection_id connection_of[2] = {{1}, {2}};

static void core_send(void *self, enum peer_role from, uint16_t type, struct text payload) {
    struct core *core = self;
    frame_append(&core->in[from], type, payload);
}

static void core_encode(struct core *core, const struct master_effect *effect) {
    struct wire wire = {core->outbox.arena, core->kinds};
    bool to_agent = effect->kind == MASTER_EFFECT_SEND_AGENT;
    struct buf *out = &core->out[to_agent ? PEER_AGENT : PEER_FRAMEWORK];
    size_t begin = out->size;
    buf_append(out, (uint8_t[FRAME_HEADER_SIZE]){0}, FRAME_HEADER_SIZE);
    if (to_agent)
        master_message_encode(&wire, &effect->agent, out);
    else
        scheduler_event_encode(&wire, &effect->scheduler, out);
    frame_header_write((uint8_t *)out->data + begin, (uint16_t)effect->kind,
                       (uint32_t)(out->size - begin - FRAME_HEADER_SIZE));
}

static void core_feed(struct core *core, struct master_event *event) {
    event->now_ms = 1000;
    event->wall_ns = INT64_C(1700000000000000000);
    master_step(core->master, event, &core->outbox);
    VEC_EACH(effect, &core->outbox.effects) {
        if (effect->kind == MASTER_EFFECT_STORE)
            core->made_ticket = effect->store.ticket;
        else if (effect->kind == MASTER_EFFECT_SEND_AGENT ||
                 effect->kind == MASTER_EFFECT_SEND_SCHEDULER)
            core_encode(core, effect);
    }
    core->outbox.effects.count = 0;
    arena_reset(core->outbox.arena);
}

/* What is stored is stored at once; offers are not waited for. */
static void core_settle(struct core *core) {
    while (core->stored_ticket < core->made_ticket) {
        struct master_event stored = {.kind = MASTER_EVENT_STORED};
        stored.stored_ticket = ++core->stored_ticket;
        core_feed(core, &stored);
    }
    core_feed(core, &(struct master_event){.kind = MASTER_EVENT_TICK});
}

static void core_frame(struct core *core, enum peer_role from, struct text payload) {
    struct wire wire = {core->outbox.arena, core->kinds};
    struct master_event event = {.connection = connection_of[from]};
    struct error error;
    bool ok;
    if (from == PEER_AGENT) {
        event.kind = MASTER_EVENT_AGENT_MESSAGE;
        ok = agent_message_decode(&wire, payload, &event.agent_message, &error);
    } else {
        event.kind = MASTER_EVENT_SCHEDULER_CALL;
        ok = scheduler_call_decode(&wire, payload, &event.call, &error);
    }
    if (!ok)
        bench_fail("decode", error.message);
    core_feed(core, &event);
}

/* All frames that wait; returns how long the master's part took. */
static int64_t core_run(struct core *core) {
    int64_t begin_ns = bench_now_ns();
    for (int from = 0; from < 2; from++) {
        struct text rest = buf_text(&core->in[from]);
        struct frame frame;
        while (frame_take(&rest, FRAME_LIMIT_BYTES, &frame) == FRAME_READY)
            core_frame(core, (enum peer_role)from, frame.payload);
        buf_clear(&core->in[from]);
    }
    int64_t took_ns = bench_now_ns() - begin_ns;
    for (int to = 0; to < 2; to++) {
        AUTO_FINI(buf_fini) struct buf heard = core->out[to];
        core->out[to] = (struct buf){0};
        struct text rest = buf_text(&heard);
        struct frame frame;
        while (frame_take(&rest, FRAME_LIMIT_BYTES, &frame) == FRAME_READY)
            status_peers_hear(&core->peers, (enum peer_role)to, frame.payload);
    }
    return took_ns;
}

static void core_begin(struct core *core, size_t window) {
    struct master_options options = master_options_default();
    options.offer_gather_ms = 0;
    core->kinds = kinds_new();
    core->outbox.arena = arena_new();
    core->master = master_new(&options, core->kinds);
    status_peers_init(&core->peers, window);
    core->peers.send = core_send;
    core->peers.self = core;
    core_feed(core, &(struct master_event){.kind = MASTER_EVENT_RECOVERED});
    core_settle(core);
    status_peers_register(&core->peers);
    for (int i = 0; i < 10 && !status_peers_are_ready(&core->peers); i++) {
        if (i == 2)
            status_peers_subscribe(&core->peers);
        core_run(core);
        core_settle(core);
    }
    if (!status_peers_are_ready(&core->peers))
        bench_fail("core", "the tasks were not launched");
    status_peers_begin(&core->peers);
}

static struct rate core_alone(struct core *core, double seconds) {
    int64_t took_ns = 0;
    for (int64_t end_ns = bench_now_ns() + WARM_UP_MS * INT64_C(1000000); bench_now_ns() < end_ns;)
        core_run(core);
    uint64_t before = core->peers.acknowledged;
    while (took_ns < (int64_t)(seconds * 1e9))
        took_ns += core_run(core);
    double done = (double)(core->peers.acknowledged - before);
    return (struct rate){done / ((double)took_ns / 1e9), (double)took_ns / done};
}

static void core_end(struct core *core) {
    master_free(core->master);
    VEC_FINI(&core->outbox.effects);
    arena_free(core->outbox.arena);
    for (int i = 0; i < 2; i++) {
        buf_fini(&core->in[i]);
        buf_fini(&core->out[i]);
    }
    status_peers_fini(&core->peers);
    kinds_free(core->kinds);
}

/* --- its floor: protobuf-c on the same four messages --- */

static void *give(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void keep(void *arena, void *pointer) {
    (void)arena, (void)pointer;
}

static ProtobufCMessage *unpack(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                const void *data, size_t size) {
    ProtobufCAllocator allocator = {give, keep, arena};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, data);
    if (message == NULL)
        bench_fail("protobuf-c", type->name);
    return message;
}

static size_t pack(const ProtobufCMessage *message, uint8_t out[4096]) {
    if (protobuf_c_message_get_packed_size(message) > 4096)
        bench_fail("protobuf-c", "message too large");
    return protobuf_c_message_pack(message, out);
}

static double floor_of_core(const struct status_peers *peers, struct arena *arena, double seconds) {
    const struct buf *update = &peers->update.bytes, *call = &peers->acknowledge.bytes;
    uint64_t rounds = 0;
    uint8_t out[4096];
    int64_t begin_ns = bench_now_ns(), end_ns = begin_ns + (int64_t)(seconds * 1e9);
    for (; rounds % 1000 != 0 || bench_now_ns() < end_ns; rounds++) {
        Mesos__Internal__AgentMessage *in = (void *)unpack(
            arena, &mesos__internal__agent_message__descriptor, update->data, update->size);
        Mesos__V1__TaskStatus *status =
            (void *)unpack(arena, &mesos__v1__task_status__descriptor, in->update->status.data,
                           in->update->status.len);
        Mesos__V1__Scheduler__Event__Update inner = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
        Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
        event.has_type = true;
        event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
        event.update = &inner;
        inner.status = status;
        pack(&event.base, out);
        Mesos__V1__Scheduler__Call *acknowledge =
            (void *)unpack(arena, &mesos__v1__scheduler__call__descriptor, call->data, call->size);
        Mesos__Internal__MasterMessage__Acknowledge told =
            MESOS__INTERNAL__MASTER_MESSAGE__ACKNOWLEDGE__INIT;
        Mesos__Internal__MasterMessage message = MESOS__INTERNAL__MASTER_MESSAGE__INIT;
        message.kind = MESOS__INTERNAL__MASTER_MESSAGE__KIND__ACKNOWLEDGE;
        message.acknowledge = &told;
        told.framework_id = acknowledge->framework_id->value;
        told.task_id = acknowledge->acknowledge->task_id->value;
        told.uuid = acknowledge->acknowledge->uuid;
        pack(&message.base, out);
        arena_reset(arena);
    }
    return (double)rounds / ((double)(bench_now_ns() - begin_ns) / 1e9);
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS_DEFAULT;
    size_t window = argc > 2 ? (size_t)bench_number(argv[2], PEERS_TASKS_LIMIT) : WINDOW_DEFAULT;
    struct status_peers peers = {0};
    struct core core = {0};
    int cores = bench_cores();
    bench_pin(cores > 1 ? 1 : MASTER_CORE);

    status_peers_init(&peers, window);
    struct rate sockets = over_sockets(&peers, seconds);
    struct rate sockets_floor = floor_of_sockets(&peers, seconds / 2);
    core_begin(&core, window);
    struct rate alone = core_alone(&core, seconds);
    double alone_floor = floor_of_core(&core.peers, core.outbox.arena, seconds / 2);
    core_end(&core);
    status_peers_fini(&peers);

    printf("{\"benchmark\": \"status_updates\", \"cores\": %d, \"window\": %zu, "
           "\"sockets_per_s\": %.0f, \"sockets_budget_per_s\": %d, \"sockets_floor_per_s\": %.0f, "
           "\"sockets_ratio_to_floor\": %.2f, \"master_cpu_us\": %.2f, \"relay_cpu_us\": %.2f, "
           "\"core_per_s\": %.0f, \"core_budget_per_s\": %d, \"core_floor_per_s\": %.0f, "
           "\"core_ratio_to_floor\": %.2f}\n",
           cores, window, sockets.per_second, BUDGET_SOCKETS, sockets_floor.per_second,
           sockets.per_second / sockets_floor.per_second, sockets.cpu_ns / 1e3,
           sockets_floor.cpu_ns / 1e3, alone.per_second, BUDGET_CORE, alone_floor,
           alone.per_second / alone_floor);
    return 0;
}
