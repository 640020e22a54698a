/*
 * A custom executor: the driver's real core, and tasks that are timers.
 */
#include "common/model/frame_type.h"
#include "tests/sim/ledger.h"
#include "tests/sim/print.h"
#include "tests/sim/shells.h"

#include <inttypes.h>

enum { RECOVERY_TIMEOUT_MS = 900000, GRACE_MS = 5000 };

struct executor_task {
    struct executor_node *node;
    char *id;
    int64_t duration_ms;
    int code;
    bool is_over;
};

static void feed(struct executor_node *node, struct driver_event event);

static void say_status(struct executor_node *node, const char *task, Mesos__V1__TaskState state) {
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    uint8_t bytes[1000];
    id.value = (char *)task;
    status.task_id = &id;
    status.state = state;
    if (mesos__v1__task_status__get_packed_size(&status) > sizeof(bytes))
        return;
    size_t size = mesos__v1__task_status__pack(&status, bytes);
    struct driver_event event = {.kind = DRIVER_EVENT_CALL};
    event.call.type = MESOS__V1__EXECUTOR__CALL__TYPE__UPDATE;
    event.call.encoded = (struct text){(char *)bytes, size};
    feed(node, event);
}

static void end_task(struct executor_task *task, Mesos__V1__TaskState state) {
    if (task->is_over)
        return;
    task->is_over = true;
    say_status(task->node, task->id, state);
}

static void task_ends(void *self, uint64_t argument) {
    struct executor_task *task = self;
    (void)argument;
    if (!task->node->has_ended)
        end_task(task, task->code == 0 ? MESOS__V1__TASK_STATE__TASK_FINISHED
                                       : MESOS__V1__TASK_STATE__TASK_FAILED);
}

static void task_runs(void *self, uint64_t argument) {
    struct executor_task *task = self;
    (void)argument;
    if (task->node->has_ended || task->is_over)
        return;
    ledger_task_begins(task->node->process.world->ledger, text_of(task->id));
    say_status(task->node, task->id, MESOS__V1__TASK_STATE__TASK_RUNNING);
    world_after(task->node->process.world, task->duration_ms, task_ends, task, 0);
}

static void launch_task(struct executor_node *node, const Mesos__V1__TaskInfo *info) {
    struct world *world = node->process.world;
    struct text data = {(const char *)info->data.data, info->has_data ? info->data.len : 0};
    struct text duration, code;
    int64_t number = 0;
    VEC_EACH(known, &node->tasks) {
        if (text_equal(text_of((*known)->id), text_of(info->task_id->value)))
            world_fail(world, "%s is given %s twice", node->process.name, (*known)->id);
    }
    struct executor_task *task = NEW(struct executor_task);
    task->node = node;
    task->id = mem_dup_string(info->task_id->value);
    if (text_split(&data, ' ', &duration) && text_split(&data, ' ', &code) &&
        text_to_i64(duration, &task->duration_ms) && text_to_i64(code, &number))
        task->code = (int)number;
    VEC_PUSH(&node->tasks, task);
    world_after(world, world_draw(world, 0, 50), task_runs, task, 0);
}

static void kill_task(struct executor_node *node, const Mesos__V1__Executor__Event *event) {
    struct text id = text_of(event->kill->task_id->value);
    VEC_EACH(task, &node->tasks) {
        if (text_equal(text_of((*task)->id), id)) {
            end_task(*task, MESOS__V1__TASK_STATE__TASK_KILLED);
            return;
        }
    }
}

static void shut_down(void *self, uint64_t argument) {
    struct executor_node *node = self;
    (void)argument;
    if (node->has_ended)
        return;
    for (size_t i = 0; i < node->tasks.count; i++)
        end_task(node->tasks.items[i], MESOS__V1__TASK_STATE__TASK_KILLED);
    feed(node, (struct driver_event){.kind = DRIVER_EVENT_STOP});
}

static void call_back(struct executor_node *node, const struct driver_callback *callback) {
    struct world *world = node->process.world;
    world_say(world, "tell    %s %s", node->process.name, print_callback(callback->kind));
    if (callback->kind == CALLBACK_LAUNCH_TASK)
        launch_task(node, callback->task);
    else if (callback->kind == CALLBACK_SHUTDOWN)
        world_after(world, world_draw(world, 0, 500), shut_down, node, 0);
}

static void ends_well(void *self, uint64_t argument) {
    struct container *container = self;
    (void)argument;
    container_end(container, true, 0);
}

static void take_effect(struct executor_node *node, const struct driver_effect *effect) {
    struct world *world = node->process.world;
    struct container *container = node->container;
    switch (effect->kind) {
    case DRIVER_EFFECT_CONNECT:
        node->end = network_dial(&node->process, &container->agent->process);
        break;
    case DRIVER_EFFECT_SEND:
        if (node->end == NULL)
            break;
        world_say(world, "send    %s -> %s %s", node->process.name, container->agent->process.name,
                  print_frame(world, effect->send.type, effect->send.payload));
        end_send(node->end, effect->send.type, effect->send.payload);
        break;
    case DRIVER_EFFECT_CLOSE:
        if (node->end != NULL)
            end_close(TAKE(node->end));
        break;
    case DRIVER_EFFECT_CALLBACK: call_back(node, &effect->callback); break;
    case DRIVER_EFFECT_DONE:
    case DRIVER_EFFECT_END_PROCESS: world_after(world, 1, ends_well, container, 0); break;
    }
}

/* KILL is answered by a status, which is a step of its own: after this one. */
static void feed(struct executor_node *node, struct driver_event event) {
    struct world *world = node->process.world;
    struct driver_outbox outbox = {.arena = arena_new()};
    event.now_ms = world->now_ms;
    event.wall_ms = world_wall_ns(world) / 1000000;
    executor_step(node->core, &event, &outbox);
    VEC_EACH(effect, &outbox.effects)
        take_effect(node, effect);
    VEC_EACH(effect, &outbox.effects) {
        if (effect->kind == DRIVER_EFFECT_CALLBACK && effect->callback.kind == CALLBACK_KILL_TASK)
            kill_task(node, effect->callback.executor_event);
    }
    VEC_FINI(&outbox.effects);
    arena_free(outbox.arena);
    if (!node->has_ended)
        world_arm(world, &node->process.tick, executor_deadline_ms(node->core));
}

static void on_tick(void *self, uint64_t argument) {
    (void)argument;
    feed(self, (struct driver_event){.kind = DRIVER_EVENT_TICK});
}

static void start(void *self, uint64_t argument) {
    struct executor_node *node = self;
    (void)argument;
    if (!node->has_ended)
        feed(node, (struct driver_event){.kind = DRIVER_EVENT_START});
}

struct executor_node *executor_node_new(struct container *container) {
    struct executor_node *node = NEW(struct executor_node);
    struct world *world = container->agent->process.world;
    struct launch_order *order = container->order;
    node->container = container;
    node->process =
        (struct process){.world = world, .kind = PROCESS_EXECUTOR, .is_up = true, .life = 1};
    snprintf(node->process.name, sizeof(node->process.name), "executor@%s.%" PRId32,
             container->agent->process.name, container->pid);
    node->process.tick = (struct happening){.fn = on_tick, .self = node};
    struct executor_settings settings = {
        .agent = TEXT("10.0.0.1:5051"),
        .framework_id = text_of(order->framework),
        .executor_id = text_of(order->executor),
        .checkpoint = order->checkpoint,
        .recovery_timeout_ms = RECOVERY_TIMEOUT_MS,
        .shutdown_grace_ms = GRACE_MS,
        .seed = world->seed * 31 + (uint64_t)container->pid,
    };
    node->core = executor_core_new(&settings);
    world_after(world, world_draw(world, 0, 100), start, node, 0);
    return node;
}

void executor_node_free(struct executor_node *node) {
    if (node == NULL)
        return;
    VEC_EACH(task, &node->tasks) {
        mem_free((*task)->id);
        mem_free(*task);
    }
    VEC_FINI(&node->tasks);
    executor_core_free(node->core);
    mem_free(node);
}

void executor_node_end(struct executor_node *node) {
    if (node == NULL || node->has_ended)
        return;
    node->has_ended = true;
    network_forget(&node->process, false);
    node->end = NULL;
    node->process.is_up = false;
    world_arm(node->process.world, &node->process.tick, INT64_MAX);
}

/* --- the network --- */

void executor_node_connected(struct executor_node *node, struct end *end) {
    if (end == node->end)
        feed(node, (struct driver_event){.kind = DRIVER_EVENT_CONNECTED});
}

void executor_node_refused(struct executor_node *node, struct end *end, const char *why) {
    if (end != node->end)
        return;
    node->end = NULL;
    feed(node, (struct driver_event){.kind = DRIVER_EVENT_CONNECT_FAILED, .text = text_of(why)});
}

void executor_node_frame(struct executor_node *node, struct end *end, uint16_t type,
                         struct text payload) {
    if (end == node->end)
        feed(node, (struct driver_event){.kind = DRIVER_EVENT_FRAME, .frame = {type, payload}});
}

void executor_node_closed(struct executor_node *node, struct end *end) {
    if (end != node->end)
        return;
    node->end = NULL;
    feed(node, (struct driver_event){.kind = DRIVER_EVENT_CLOSED, .text = TEXT("lost")});
}
