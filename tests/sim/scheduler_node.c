/*
 * One scheduler process: the driver's real core below a workload.
 */
#include "common/model/frame_type.h"
#include "tests/sim/finder.h"
#include "tests/sim/ledger.h"
#include "tests/sim/print.h"
#include "tests/sim/shells.h"

static void end_process(struct scheduler_node *node) {
    network_forget(&node->process, false);
    node->end = NULL;
    node->process.is_up = false;
    world_arm(node->process.world, &node->process.tick, INT64_MAX);
}

/* What is acknowledged, the ledger must know. */
static void note_call(struct scheduler_node *node, const struct driver_effect *effect) {
    if (effect->send.type != FRAME_SCHEDULER_CALL)
        return;
    Mesos__V1__Scheduler__Call *call = mesos__v1__scheduler__call__unpack(
        NULL, effect->send.payload.size, (const uint8_t *)effect->send.payload.data);
    struct uuid uuid;
    if (call != NULL && call->acknowledge != NULL &&
        uuid_from_bytes(
            (struct text){(char *)call->acknowledge->uuid.data, call->acknowledge->uuid.len},
            &uuid))
        ledger_acknowledged(node->process.world->ledger, uuid);
    mesos__v1__scheduler__call__free_unpacked(call, NULL);
}

static struct master_node *dialed_master(const struct scheduler_node *node,
                                         const struct driver_effect *effect) {
    struct world *world = node->process.world;
    struct master_node *named = master_named(world, effect->address);
    return named != NULL ? named : world->master;
}

static void take_effect(struct scheduler_node *node, const struct driver_effect *effect) {
    struct world *world = node->process.world;
    switch (effect->kind) {
    case DRIVER_EFFECT_CONNECT:
        node->end = network_dial(&node->process, &dialed_master(node, effect)->process);
        break;
    case DRIVER_EFFECT_SEND:
        if (node->end == NULL)
            break;
        note_call(node, effect);
        world_say(world, "send    %s -> %s %s", node->process.name,
                  end_peer(node->end)->owner->name,
                  print_frame(world, effect->send.type, effect->send.payload));
        end_send(node->end, effect->send.type, effect->send.payload);
        break;
    case DRIVER_EFFECT_CLOSE:
        if (node->end != NULL)
            end_close(TAKE(node->end));
        break;
    case DRIVER_EFFECT_CALLBACK: workload_callback(node->workload, node, &effect->callback); break;
    case DRIVER_EFFECT_DONE:
        if (node->process.is_up) {
            end_process(node);
            workload_ended(node->workload, node);
        }
        break;
    case DRIVER_EFFECT_END_PROCESS: break;
    }
}

static void feed_call(struct scheduler_node *node, int type, struct text bytes) {
    struct driver_event event = {.kind = DRIVER_EVENT_CALL};
    event.call.type = type;
    event.call.encoded = bytes;
    scheduler_node_feed(node, event);
}

static void feed_queued(struct scheduler_node *node) {
    while (node->queue.count > 0) {
        struct queued_call call = node->queue.items[0];
        VEC_REMOVE(&node->queue, 0);
        feed_call(node, call.type, buf_text(&call.bytes));
        buf_fini(&call.bytes);
    }
}

void scheduler_node_feed(struct scheduler_node *node, struct driver_event event) {
    struct world *world = node->process.world;
    struct driver_outbox outbox = {.arena = arena_new()};
    node->is_feeding = true;
    if (node->process.is_up) {
        event.now_ms = world->now_ms;
        event.wall_ms = world_wall_ns(world) / 1000000;
        scheduler_step(node->core, &event, &outbox);
    }
    VEC_EACH(effect, &outbox.effects) {
        if (!process_survives_effect(&node->process))
            break;
        take_effect(node, effect);
    }
    VEC_FINI(&outbox.effects);
    arena_free(outbox.arena);
    node->is_feeding = false;
    if (node->process.is_dying)
        scheduler_node_crash(node);
    if (!node->process.is_up)
        return;
    world_arm(world, &node->process.tick, scheduler_deadline_ms(node->core));
    feed_queued(node);
}

void scheduler_node_call(struct scheduler_node *node, int type, const ProtobufCMessage *call) {
    struct queued_call queued = {.type = type};
    size_t size = protobuf_c_message_get_packed_size(call);
    buf_reserve(&queued.bytes, size);
    protobuf_c_message_pack(call, (uint8_t *)queued.bytes.data);
    queued.bytes.size = size;
    VEC_PUSH(&node->queue, queued);
    if (!node->is_feeding)
        feed_queued(node);
}

static void on_tick(void *self, uint64_t argument) {
    (void)argument;
    scheduler_node_feed(self, (struct driver_event){.kind = DRIVER_EVENT_TICK});
}

static struct text masters_of(const struct scheduler_node *node) {
    if (node->workload->finder != NULL)
        return TEXT("zk://zoo:2181/mesos");
    return node->process.world->ensemble != NULL ? TEXT("master0:5050,master1:5050,master2:5050")
                                                 : TEXT("master:5050");
}

void scheduler_node_found(struct scheduler_node *node, const struct master_node *leader) {
    char address[100];
    snprintf(address, sizeof(address), "%s:5050", leader->process.name);
    scheduler_node_feed(
        node, (struct driver_event){.kind = DRIVER_EVENT_MASTER_FOUND, .text = text_of(address)});
}

struct scheduler_node *scheduler_node_new(struct workload *workload, size_t number) {
    struct scheduler_node *node = NEW(struct scheduler_node);
    const struct workload_options *options = &workload->options;
    node->workload = workload;
    node->process = (struct process){
        .world = workload->world, .kind = PROCESS_SCHEDULER, .is_up = true, .life = 1};
    snprintf(node->process.name, sizeof(node->process.name), "%s#%zu", workload->name, number);
    node->process.tick = (struct happening){.fn = on_tick, .self = node};

    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    Mesos__V1__FrameworkInfo__Capability able[2];
    Mesos__V1__FrameworkInfo__Capability *capabilities[2] = {&able[0], &able[1]};
    char *roles[] = {options->role != NULL ? (char *)(uintptr_t)options->role : "blue"};
    for (size_t i = 0; i < 2; i++) {
        mesos__v1__framework_info__capability__init(&able[i]);
        able[i].has_type = true;
    }
    id.value = workload->id;
    info.id = workload->id[0] != '\0' ? &id : NULL;
    info.name = workload->name;
    info.user = "nobody";
    info.has_failover_timeout = true;
    info.failover_timeout = (double)options->failover_timeout_ms / 1000;
    info.has_checkpoint = true;
    info.checkpoint = options->checkpoint;
    info.capabilities = capabilities;
    if (options->partition_aware)
        able[info.n_capabilities++].type =
            MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    if (options->multi_role) {
        able[info.n_capabilities++].type = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE;
        info.roles = roles;
        info.n_roles = 1;
    } else if (options->role != NULL) {
        info.role = roles[0];
    }
    struct scheduler_settings settings = {
        .masters = masters_of(node),
        .framework = &info,
        .explicit_acknowledgements = options->explicit_acks,
        .seed = workload->world->seed * 17 + number,
    };
    node->core = scheduler_new(&settings);
    return node;
}

void scheduler_node_free(struct scheduler_node *node) {
    VEC_EACH(call, &node->queue)
        buf_fini(&call->bytes);
    VEC_FINI(&node->queue);
    VEC_EACH(late, &node->late) {
        mesos__v1__task_status__free_unpacked((*late)->status, NULL);
        mem_free(*late);
    }
    VEC_FINI(&node->late);
    scheduler_free(node->core);
    mem_free(node);
}

void scheduler_node_crash(struct scheduler_node *node) {
    if (!node->process.is_up)
        return;
    world_say(node->process.world, "crash   %s", node->process.name);
    end_process(node);
}

/* --- the network --- */

void scheduler_node_connected(struct scheduler_node *node, struct end *end) {
    if (end == node->end)
        scheduler_node_feed(node, (struct driver_event){.kind = DRIVER_EVENT_CONNECTED});
}

static bool redirected(struct scheduler_node *node, const struct end *end) {
    const struct master_node *leader = master_redirects(end);
    char address[100];
    if (leader == NULL)
        return false;
    snprintf(address, sizeof(address), "%s:5050", leader->process.name);
    scheduler_node_feed(
        node, (struct driver_event){.kind = DRIVER_EVENT_REDIRECTED, .text = text_of(address)});
    return true;
}

void scheduler_node_refused(struct scheduler_node *node, struct end *end, const char *why) {
    if (end != node->end)
        return;
    node->end = NULL;
    if (redirected(node, end))
        return;
    scheduler_node_feed(
        node, (struct driver_event){.kind = DRIVER_EVENT_CONNECT_FAILED, .text = text_of(why)});
}

/* A deposed master that was stopped may still speak; at the leader the failover timeout goes on. */
static void note_heard(struct scheduler_node *node, const struct end *end) {
    struct workload *workload = node->workload;
    const struct world *world = node->process.world;
    if (node != workload_node(workload) || end_peer(end)->owner != &world->master->process)
        return;
    if (world->now_ms - workload->heard_ms > workload->options.failover_timeout_ms - 20000)
        workload->may_be_removed = true;
    workload->heard_ms = world->now_ms;
}

void scheduler_node_frame(struct scheduler_node *node, struct end *end, uint16_t type,
                          struct text payload) {
    if (end != node->end)
        return;
    note_heard(node, end);
    scheduler_node_feed(
        node, (struct driver_event){.kind = DRIVER_EVENT_FRAME, .frame = {type, payload}});
}

void scheduler_node_closed(struct scheduler_node *node, struct end *end) {
    if (end != node->end)
        return;
    node->end = NULL;
    scheduler_node_feed(node,
                        (struct driver_event){.kind = DRIVER_EVENT_CLOSED, .text = TEXT("lost")});
}
