#include "common/model/frame_type.h"
#include "common/wire/messages.h"
#include "tests/sim/checks.h"
#include "tests/sim/drains.h"
#include "tests/sim/finder.h"
#include "tests/sim/ledger.h"
#include "tests/sim/outages.h"
#include "tests/sim/print.h"
#include "tests/sim/shells.h"

#include <signal.h>

static void feed(struct agent_node *node, struct agent_event event);

static struct wire wire_of(struct agent_node *node) {
    return (struct wire){.arena = node->arena, .kinds = node->kinds};
}

/* --- the codec that the core is given --- */

static bool read_framework(struct arena *arena, struct kinds *kinds, struct text bytes,
                           struct framework_info *out, struct error *error) {
    return framework_info_decode(&(struct wire){arena, kinds}, bytes, out, error);
}

static bool read_executor(struct arena *arena, struct kinds *kinds, struct text bytes,
                          struct executor_info *out, struct error *error) {
    return executor_info_decode(&(struct wire){arena, kinds}, bytes, out, error);
}

static bool read_task(struct arena *arena, struct kinds *kinds, struct text bytes,
                      struct task_info *out, struct error *error) {
    return task_info_decode(&(struct wire){arena, kinds}, bytes, out, error);
}

static bool read_mount(struct arena *arena, struct text bytes, struct volume_mount *out,
                       struct error *error) {
    return volume_mount_decode(&(struct wire){.arena = arena}, bytes, out, error);
}

static struct text write_agent(struct arena *arena, struct kinds *kinds,
                               const struct agent_info *info) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    agent_info_encode(&(struct wire){arena, kinds}, info, &out);
    return arena_text(arena, buf_text(&out));
}

/* --- effects --- */

static void store(struct agent_node *node, const struct agent_effect *effect) {
    struct wire wire = wire_of(node);
    struct world *world = node->process.world;
    for (size_t i = 0; i < effect->store.count; i++) {
        const struct store_change *change = &effect->store.changes[i];
        struct drive_record *record = NULL;
        bool is_update = text_starts_with(change->key, TEXT("update/"));
        if (change->agent_record != NULL) {
            if (is_update && world->mutation == MUTATION_FORGET_UPDATE)
                continue;
            record = NEW(struct drive_record);
            agent_record_encode(&wire, change->agent_record, &record->bytes);
            if (is_update)
                record->uuid = change->agent_record->update.status.uuid;
        }
        world_say(world, "store   %s #%llu %s %s", node->process.name,
                  (unsigned long long)effect->store.ticket, record != NULL ? "put" : "drop",
                  print_text(world, change->key));
        drive_put(&node->disk, effect->store.ticket, change->key, record);
    }
    drive_made(&node->disk, effect->store.ticket);
}

static struct text environment_value(const struct container_launch *launch, const char *name) {
    for (size_t i = 0; i < launch->environment_count; i++) {
        if (text_equal(launch->environment[i].name, text_of(name)))
            return launch->environment[i].value;
    }
    return (struct text){0};
}

static struct launch_order *order_of(const struct container_launch *launch) {
    struct launch_order *order = NEW(struct launch_order);
    order->id = text_dup(launch->id.text);
    order->command = text_dup(launch->command);
    order->framework = text_dup(environment_value(launch, "MESOS_FRAMEWORK_ID"));
    order->executor = text_dup(environment_value(launch, "MESOS_EXECUTOR_ID"));
    order->checkpoint = text_equal(environment_value(launch, "MESOS_CHECKPOINT"), TEXT("1"));
    order->stop_at_ms = launch->stop_at_ms;
    order->stop_grace_ms = launch->stop_grace_ms;
    return order;
}

/* Paths, a line each. */
static void print_places(const struct agent_effect *effect, struct buf *out) {
    for (size_t i = 0; i < effect->volumes.count; i++) {
        const struct volume_place *place = &effect->volumes.places[i];
        buf_printf(out, "%s%.*s/%.*s", i > 0 ? "\n" : "", TEXT_ARGS(place->root),
                   TEXT_ARGS(place->relative));
    }
}

/* With everything it needs to be carried out later. */
static struct held_effect hold(struct agent_node *node, const struct agent_effect *effect) {
    struct wire wire = wire_of(node);
    struct held_effect held = {.place.after = effect->after,
                               .kind = (int)effect->kind,
                               .connection = effect->connection.value};
    switch (effect->kind) {
    case AGENT_EFFECT_SEND_MASTER: agent_message_encode(&wire, &effect->master, &held.bytes); break;
    case AGENT_EFFECT_SEND_EXECUTOR:
        executor_event_encode(&wire, &effect->executor, &held.bytes);
        break;
    case AGENT_EFFECT_LAUNCH: held.launch = order_of(&effect->launch); break;
    case AGENT_EFFECT_SIGNAL:
    case AGENT_EFFECT_DESTROY:
    case AGENT_EFFECT_FORGET:
        held.signal = effect->signal.signal;
        buf_append_text(&held.bytes, effect->signal.id.text);
        break;
    case AGENT_EFFECT_CLOSE_EXECUTOR:
    case AGENT_EFFECT_DISCONNECT:
    case AGENT_EFFECT_STOP:
    case AGENT_EFFECT_END: buf_append_text(&held.bytes, effect->reason); break;
    case AGENT_EFFECT_MAKE_VOLUMES:
    case AGENT_EFFECT_REMOVE_VOLUME:
        held.connection = effect->volumes.order;
        print_places(effect, &held.bytes);
        break;
    case AGENT_EFFECT_LEASE:
        held.connection = (uint64_t)effect->lease.stop_at_ms;
        buf_append_text(&held.bytes, effect->lease.id.text);
        break;
    case AGENT_EFFECT_LIMIT:
    case AGENT_EFFECT_REMOVE_SANDBOX:
    case AGENT_EFFECT_CONNECT:
    case AGENT_EFFECT_STORE:
    case AGENT_EFFECT_NOTE: break;
    }
    return held;
}

static void tell_closed(void *self, uint64_t life) {
    struct agent_node *node = self;
    if (node->process.is_up && node->process.life == life)
        feed(node, (struct agent_event){.kind = AGENT_EVENT_MASTER_CLOSED,
                                        .closed_reason = TEXT("closed")});
}

static void disconnect(struct agent_node *node) {
    if (node->master_end == NULL)
        return;
    end_close(node->master_end);
    node->master_end = NULL;
    node->is_connected = false;
    world_after(node->process.world, 0, tell_closed, node, node->process.life);
}

static void repeat_update(struct agent_node *node) {
    if (node->process.world->mutation == MUTATION_REPEAT_UPDATE && node->last_update.size > 0 &&
        node->is_connected) {
        check_agent_update(node, buf_text(&node->last_update));
        end_send(node->master_end, FRAME_AGENT_MESSAGE, buf_text(&node->last_update));
    }
}

static void send_master(struct agent_node *node, struct text message) {
    struct world *world = node->process.world;
    bool is_update = check_agent_update(node, message);
    if (!node->is_connected)
        return;
    world_say(world, "send    %s -> %s %s", node->process.name,
              end_peer(node->master_end)->owner->name,
              print_frame(world, FRAME_AGENT_MESSAGE, message));
    if (is_update && world->mutation == MUTATION_SWALLOW_UPDATE)
        return;
    if (is_update && world->mutation == MUTATION_REPEAT_UPDATE) {
        buf_clear(&node->last_update);
        buf_append_text(&node->last_update, message);
    }
    end_send(node->master_end, FRAME_AGENT_MESSAGE, message);
}

static void send_executor(struct agent_node *node, const struct held_effect *held) {
    struct world *world = node->process.world;
    struct end *end = map_get(&node->ends, held->connection);
    if (end == NULL)
        return;
    world_say(world, "send    %s -> %s %s", node->process.name, end_peer(end)->owner->name,
              print_frame(world, FRAME_EXECUTOR_EVENT, buf_text(&held->bytes)));
    end_send(end, FRAME_EXECUTOR_EVENT, buf_text(&held->bytes));
}

static void close_executor(struct agent_node *node, const struct held_effect *held) {
    struct end *end = map_remove(&node->ends, held->connection);
    if (end == NULL)
        return;
    world_say(node->process.world, "close   %s -> %s", node->process.name,
              end_peer(end)->owner->name);
    end_close(end);
}

static void launch(struct agent_node *node, struct launch_order *order) {
    struct world *world = node->process.world;
    world_say(world, "launch  %s: %s", node->process.name, order->command);
    if (world->mutation == MUTATION_DROP_LAUNCH && node->mutations_done++ == 0) {
        launch_order_free(order);
        return;
    }
    if (world->mutation == MUTATION_LAUNCH_TWICE) {
        struct launch_order *again = NEW(struct launch_order);
        again->id = mem_dup_string("again");
        again->command = mem_dup_string(order->command);
        again->framework = mem_dup_string(order->framework);
        again->executor = mem_dup_string(order->executor);
        machine_launch(&node->machine, again);
    }
    machine_launch(&node->machine, order);
}

enum { ORDER_BITS = 40 };

/* The order, whether it was a removal in the lowest bit, and the life above them. */
static void tell_volumes(void *self, uint64_t argument) {
    struct agent_node *node = self;
    struct agent_event event = {.kind = (argument & 1) != 0 ? AGENT_EVENT_VOLUME_REMOVED
                                                            : AGENT_EVENT_VOLUMES_MADE};
    event.volumes.order = (argument & ((UINT64_C(1) << ORDER_BITS) - 1)) >> 1;
    if (node->process.is_up && node->process.life == argument >> ORDER_BITS)
        feed(node, event);
}

static void change_volumes(struct agent_node *node, const struct held_effect *held) {
    bool is_removal = held->kind == AGENT_EFFECT_REMOVE_VOLUME;
    struct text rest = buf_text(&held->bytes), path;
    while (text_split(&rest, '\n', &path)) {
        world_say(node->process.world, "volume  %s %s %s", node->process.name,
                  is_removal ? "remove" : "make", print_text(node->process.world, path));
        if (is_removal)
            map_remove_text(&node->volumes, path);
        else
            map_put_text(&node->volumes, path, node);
    }
    world_after(node->process.world, 0, tell_volumes, node,
                node->process.life << ORDER_BITS | held->connection << 1 | is_removal);
}

static void stop(struct agent_node *node, struct held_effect *held) {
    world_say(node->process.world, "stop    %s: %s", node->process.name, buf_string(&held->bytes));
    node->has_stopped = node->process.is_dying = true;
}

enum { REDIRECTS_LIMIT = 4 };

/* Whom to ask: the leader that was found, or the next on the list. */
static void connect(struct agent_node *node) {
    struct world *world = node->process.world;
    struct master_node *master = world->masters.items[node->next_master % world->masters.count];
    if (node->finder != NULL)
        master = finder_leader(node->finder);
    node->redirects = 0;
    node->is_waiting = master == NULL;
    if (master != NULL && node->master_end == NULL)
        node->master_end = network_dial(&node->process, &master->process);
}

static void on_found(void *self) {
    struct agent_node *node = self;
    struct process *leader = &finder_leader(node->finder)->process;
    if (!node->process.is_up)
        return;
    if (node->is_waiting)
        connect(node);
    else if (node->master_end == NULL || end_peer(node->master_end)->owner != leader)
        feed(node, (struct agent_event){.kind = AGENT_EVENT_MASTER_FOUND});
}

static void carry_out(struct agent_node *node, struct held_effect *held) {
    struct world *world = node->process.world;
    switch ((enum agent_effect_kind)held->kind) {
    case AGENT_EFFECT_CONNECT: connect(node); break;
    case AGENT_EFFECT_DISCONNECT:
        world_say(world, "leave   %s: %s", node->process.name, buf_string(&held->bytes));
        disconnect(node);
        break;
    case AGENT_EFFECT_SEND_MASTER: send_master(node, buf_text(&held->bytes)); break;
    case AGENT_EFFECT_SEND_EXECUTOR: send_executor(node, held); break;
    case AGENT_EFFECT_CLOSE_EXECUTOR: close_executor(node, held); break;
    case AGENT_EFFECT_LAUNCH: launch(node, TAKE(held->launch)); break;
    case AGENT_EFFECT_SIGNAL:
        machine_signal(&node->machine, buf_text(&held->bytes), held->signal);
        break;
    case AGENT_EFFECT_DESTROY: machine_destroy(&node->machine, buf_text(&held->bytes)); break;
    case AGENT_EFFECT_LEASE:
        machine_lease(&node->machine, buf_text(&held->bytes), (int64_t)held->connection);
        break;
    case AGENT_EFFECT_FORGET: machine_forget(&node->machine, buf_text(&held->bytes)); break;
    case AGENT_EFFECT_MAKE_VOLUMES:
    case AGENT_EFFECT_REMOVE_VOLUME: change_volumes(node, held); break;
    case AGENT_EFFECT_END:
        if (machine_running_count(&node->machine) > 0)
            world_fail(world, "%s ends and leaves what it runs", node->process.name);
        node->has_left = true;
        stop(node, held);
        break;
    case AGENT_EFFECT_STOP: stop(node, held); break;
    case AGENT_EFFECT_LIMIT:
    case AGENT_EFFECT_REMOVE_SANDBOX:
    case AGENT_EFFECT_STORE:
    case AGENT_EFFECT_NOTE: break;
    }
}

static void take_effect(struct agent_node *node, const struct agent_effect *effect) {
    struct world *world = node->process.world;
    if (effect->kind == AGENT_EFFECT_STORE) {
        store(node, effect);
        return;
    }
    if (effect->kind == AGENT_EFFECT_NOTE) {
        world_say(world, "note    %s %.*s %s", node->process.name, TEXT_ARGS(effect->note.what),
                  print_text(world, effect->note.detail));
        return;
    }
    struct held_effect held = hold(node, effect);
    if (effect->after > node->disk.stored_ticket && world->mutation != MUTATION_IGNORE_AFTER) {
        held_effects_add(&node->held, &node->process, held);
        return;
    }
    carry_out(node, &held);
    held_effect_fini(&held);
}

/* --- life --- */

static void forget_life(struct agent_node *node) {
    held_effects_clear(&node->held);
    map_fini(&node->ends, NULL);
    node->master_end = NULL;
    node->is_connected = node->is_recovered = node->is_waiting = false;
    agent_free(TAKE(node->core));
    kinds_free(TAKE(node->kinds));
    node->process.is_up = node->process.is_dying = false;
    node->process.effects_to_live = 0;
    world_arm(node->process.world, &node->process.tick, INT64_MAX);
}

static void die(struct agent_node *node) {
    world_say(node->process.world, "crash   %s", node->process.name);
    network_forget(&node->process, false);
    drive_crash(&node->disk);
    forget_life(node);
    machine_agent_crashed(&node->machine);
}

static void feed(struct agent_node *node, struct agent_event event) {
    struct world *world = node->process.world;
    event.now_ms = world->now_ms;
    event.wall_ns = world_wall_ns(world);
    node->outbox.arena = node->arena;
    node->outbox.effects.count = 0;
    agent_step(node->core, &event, &node->outbox);
    VEC_EACH(effect, &node->outbox.effects) {
        if (!process_survives_effect(&node->process))
            break;
        take_effect(node, effect);
    }
    arena_reset(node->arena);
    snprintf(node->id, sizeof(node->id), "%.*s", TEXT_ARGS(agent_own_id(node->core).text));
    if (node->process.is_dying) {
        die(node);
        return;
    }
    check_agent(node);
    world_arm(world, &node->process.tick, agent_deadline_ms(node->core));
}

void agent_node_tell(struct agent_node *node, struct agent_event event) {
    if (node->process.is_up)
        feed(node, event);
}

static void on_tick(void *self, uint64_t argument) {
    (void)argument;
    feed(self, (struct agent_event){.kind = AGENT_EVENT_TICK});
}

static void on_stored(struct process *process, uint64_t ticket) {
    struct agent_node *node = CONTAINER_OF(process, struct agent_node, process);
    struct held_effect held;
    repeat_update(node);
    while (held_effects_take(&node->held, ticket, &held)) {
        if (process_survives_effect(process))
            carry_out(node, &held);
        held_effect_fini(&held);
    }
    if (process->is_dying) {
        die(node);
        return;
    }
    feed(node, (struct agent_event){.kind = AGENT_EVENT_STORED, .stored_ticket = ticket});
}

static void on_change(struct process *process, struct text key, const struct drive_record *before,
                      const struct drive_record *after) {
    struct text rest = key, kind, framework, task;
    if (!text_starts_with(key, TEXT("update/")))
        return;
    text_split(&rest, '/', &kind);
    text_split(&rest, '/', &framework);
    text_split(&rest, '/', &task);
    if (after != NULL) {
        ledger_update_stored(process->world->ledger, task, after->uuid);
        return;
    }
    if (before == NULL)
        return;
    const struct agent_node *node = CONTAINER_OF(process, struct agent_node, process);
    if (!drains_may_be_gone(process->world, node) && !outages_may_have_hit(process->world, node))
        check_update_dropped(process->world, framework, task, before->uuid);
    ledger_update_dropped(process->world->ledger, task, before->uuid);
}

static void set_boot(struct agent_node *node) {
    snprintf(node->boot_id, sizeof(node->boot_id), "boot %u", ++node->boots);
}

struct agent_node *agent_node_new(struct world *world, size_t number) {
    struct agent_node *node = NEW(struct agent_node);
    node->process = (struct process){.world = world, .kind = PROCESS_AGENT};
    snprintf(node->process.name, sizeof(node->process.name), "agent%zu", number);
    node->process.tick = (struct happening){.fn = on_tick, .self = node};
    node->disk =
        (struct drive){.process = &node->process, .on_stored = on_stored, .on_change = on_change};
    node->machine.agent = node;
    set_boot(node);
    node->arena = arena_new();
    held_effects_init(&node->held);
    node->cpu_milli = 1000 * world_draw(world, 2, 6);
    node->mem_milli = 1000 * 1024 * world_draw(world, 1, 4);
    if (world->ensemble != NULL && world_chance(world, 600))
        node->finder = finder_new(world, node->process.name, on_found, node);
    VEC_PUSH(&world->agents, node);
    return node;
}

void agent_node_free(struct agent_node *node) {
    if (node == NULL)
        return;
    held_effects_clear(&node->held);
    VEC_FINI(&node->outbox.effects);
    buf_fini(&node->last_update);
    map_fini(&node->ends, NULL);
    map_fini(&node->volumes, NULL);
    finder_free(node->finder);
    machine_fini(&node->machine);
    drive_fini(&node->disk);
    agent_free(node->core);
    kinds_free(node->kinds);
    arena_free(node->arena);
    mem_free(node);
}

static void make_core(struct agent_node *node) {
    AUTO_FINI(resources_fini) struct resources total = {0};
    struct agent_options options = agent_options_default();
    const struct range ports = {31000, 31003};
    node->kinds = kinds_new();
    if (!resources_put_scalar(&total, KIND_CPUS, node->cpu_milli, NULL) ||
        !resources_put_scalar(&total, KIND_MEM, node->mem_milli, NULL) ||
        (node->process.world->is_random &&
         !resources_put_scalar(&total, KIND_DISK, 512000, NULL)) ||
        !resources_put_ranges(&total, KIND_PORTS, &ports, 1, NULL))
        world_fail(node->process.world, "resources");
    options.info = (struct agent_info){.hostname = text_of(node->process.name),
                                       .ip = TEXT("10.0.0.1"),
                                       .port = 5051,
                                       .resources = &total,
                                       .version = TEXT("1")};
    options.codec =
        (struct agent_codec){read_framework, read_executor, read_task, read_mount, write_agent};
    options.work_dir = TEXT("/work");
    options.boot_id = text_of(node->boot_id);
    options.endpoint = TEXT("10.0.0.1:5051");
    options.default_user = TEXT("nobody");
    options.seed = node->process.world->seed * 77777 + node->process.life * 131 +
                   (uint64_t)(node->process.name[5] - '0');
    node->core = agent_new(&options, node->kinds);
}

static bool memory_of(const struct agent_record *record, struct text *container, int32_t *pid) {
    if (record->kind == AGENT_RECORD_TASK && record->task.container.text.size > 0 &&
        !record->task.ended) {
        *container = record->task.container.text;
        *pid = record->task.started ? record->task.pid : 0;
        return true;
    }
    if (record->kind != AGENT_RECORD_EXECUTOR)
        return false;
    *container = record->executor.container.text;
    *pid = record->executor.started ? record->executor.pid : 0;
    return true;
}

static bool is_same_boot(const struct agent_node *node, const struct agent_record *records,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind == AGENT_RECORD_SELF)
            return text_equal(records[i].self.boot_id, text_of(node->boot_id));
    }
    return true;
}

static void recover(struct agent_node *node) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wire wire = {.arena = arena, .kinds = node->kinds};
    struct world *world = node->process.world;
    uint64_t life = node->process.life;
    size_t count = 0, limit = node->disk.records.count;
    struct agent_record *records = ARENA_ARRAY(arena, struct agent_record, limit);
    struct text *keys = ARENA_ARRAY(arena, struct text, limit);
    MAP_EACH(entry, &node->disk.records) {
        const struct drive_record *record = map_value(entry);
        struct error error = {0};
        keys[count] = arena_text(arena, map_key_text(entry));
        if (!agent_record_decode(&wire, arena_text(arena, buf_text(&record->bytes)),
                                 &records[count++], &error))
            world_fail(world, "record of %s: %s", node->process.name, error.message);
    }
    struct agent_event event = {.kind = AGENT_EVENT_RECOVERED};
    event.recovered.records = records;
    event.recovered.keys = keys;
    event.recovered.count = count;
    event.recovered.same_boot = is_same_boot(node, records, count);
    feed(node, event);
    for (size_t i = 0; i < count && node->process.is_up && node->process.life == life; i++) {
        struct text container;
        int32_t pid;
        if (memory_of(&records[i], &container, &pid))
            machine_recover(&node->machine, container, pid);
    }
    if (!node->process.is_up || node->process.life != life)
        return;
    feed(node, (struct agent_event){.kind = AGENT_EVENT_CONTAINERS_RECOVERED});
    if (!node->process.is_up || node->process.life != life)
        return;
    node->is_recovered = true;
    machine_remove_orphans(&node->machine);
}

void agent_node_start(struct agent_node *node) {
    if (node->process.is_up || node->has_left)
        return;
    node->process.is_up = true;
    node->has_stopped = false;
    node->process.life++;
    world_say(node->process.world, "start   %s, life %llu", node->process.name,
              (unsigned long long)node->process.life);
    make_core(node);
    recover(node);
}

void agent_node_crash(struct agent_node *node) {
    if (node->process.is_up)
        die(node);
}

void agent_node_reboot(struct agent_node *node) {
    if (node->has_left)
        return;
    world_say(node->process.world, "reboot  %s", node->process.name);
    agent_node_crash(node);
    machine_stop(&node->machine);
    set_boot(node);
}

void agent_node_leave(struct agent_node *node) {
    if (node->has_left)
        return;
    world_say(node->process.world, "gone    %s, for good", node->process.name);
    node->has_left = true;
    network_forget(&node->process, true);
    if (node->process.is_up)
        forget_life(node);
    machine_stop(&node->machine);
}

/* --- connections --- */

void agent_node_accepted(struct agent_node *node, struct end *end) {
    end->id = ++node->last_connection;
    map_put(&node->ends, end->id, end);
}

void agent_node_connected(struct agent_node *node, struct end *end) {
    if (end != node->master_end)
        return;
    node->is_connected = true;
    feed(node, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});
}

void agent_node_refused(struct agent_node *node, struct end *end, const char *why) {
    if (end != node->master_end)
        return;
    node->master_end = NULL;
    struct master_node *leader = node->finder == NULL ? master_redirects(end) : NULL;
    if (leader != NULL && node->redirects++ < REDIRECTS_LIMIT) {
        node->master_end = network_dial(&node->process, &leader->process);
        return;
    }
    node->next_master++;
    feed(node,
         (struct agent_event){.kind = AGENT_EVENT_MASTER_CLOSED, .closed_reason = text_of(why)});
}

void agent_node_closed(struct agent_node *node, struct end *end) {
    if (end == node->master_end) {
        node->master_end = NULL;
        node->next_master++;
        node->is_connected = false;
        feed(node, (struct agent_event){.kind = AGENT_EVENT_MASTER_CLOSED,
                                        .closed_reason = TEXT("lost")});
    } else if (map_remove(&node->ends, end->id) != NULL) {
        feed(node,
             (struct agent_event){.kind = AGENT_EVENT_EXECUTOR_CLOSED, .connection = {end->id}});
    }
}

/* Whoever asks for output gets a line of it and its end. */
static void answer_channel(struct agent_node *node, struct end *end, struct text payload) {
    struct wire wire = wire_of(node);
    struct channel_message asked, answer = {.kind = CHANNEL_DATA};
    struct error error = {0};
    struct sandbox_view sandbox;
    AUTO_FINI(buf_fini) struct buf out = {0};
    if (!channel_message_decode(&wire, payload, &asked, &error)) {
        world_fail(node->process.world, "%s: channel: %s", node->process.name, error.message);
        return;
    }
    if (asked.kind != CHANNEL_OPEN)
        return;
    bool found = agent_find_sandbox(node->core, asked.open.framework, asked.open.task, &sandbox);
    answer.channel = asked.channel;
    answer.data.bytes = TEXT("a line\n");
    channel_message_encode(&answer, &out);
    if (found)
        end_send(end, FRAME_CHANNEL, buf_text(&out));
    answer = (struct channel_message){.kind = CHANNEL_CLOSE, .channel = asked.channel};
    answer.close.end = found ? CHANNEL_END_COMPLETE : CHANNEL_END_NOT_FOUND;
    buf_clear(&out);
    channel_message_encode(&answer, &out);
    if (world_draw(node->process.world, 0, 3) < 3 || node->process.world->has_healed)
        end_send(end, FRAME_CHANNEL, buf_text(&out));
}

void agent_node_frame(struct agent_node *node, struct end *end, uint16_t type,
                      struct text payload) {
    struct wire wire = wire_of(node);
    struct agent_event event = {.connection = {end->id}};
    struct error error = {0};
    bool good = false;
    if (end == node->master_end && type == FRAME_CHANNEL) {
        answer_channel(node, end, payload);
        arena_reset(node->arena);
        return;
    }
    if (end == node->master_end) {
        event.kind = AGENT_EVENT_MASTER_MESSAGE;
        good = master_message_decode(&wire, payload, &event.master, &error);
    } else {
        event.kind = AGENT_EVENT_EXECUTOR_CALL;
        good = executor_call_decode(&wire, payload, &event.executor, &error);
    }
    if (good)
        feed(node, event);
    else
        world_fail(node->process.world, "%s cannot read what %s sent: %s", node->process.name,
                   end_peer(end)->owner->name, error.message);
}
