#include "tests/unit/agent/core/rig.h"

#include <signal.h>

enum { WALL_START_S = 1700000000 };

/* --- the fake codec: what was built stands for its bytes; one rig at a time is read from --- */

static struct rig *current;

static bool read_framework(struct arena *arena, struct kinds *kinds, struct text bytes,
                           struct framework_info *out, struct error *error) {
    (void)arena;
    (void)kinds;
    VEC_EACH(info, &current->frameworks) {
        if (text_equal((*info)->encoded, bytes)) {
            *out = **info;
            return true;
        }
    }
    return fail(error, ERROR_INVALID, "not a framework");
}

static bool read_executor(struct arena *arena, struct kinds *kinds, struct text bytes,
                          struct executor_info *out, struct error *error) {
    (void)arena;
    (void)kinds;
    VEC_EACH(info, &current->executors) {
        if (text_equal((*info)->encoded, bytes)) {
            *out = **info;
            return true;
        }
    }
    return fail(error, ERROR_INVALID, "not an executor");
}

static bool read_task(struct arena *arena, struct kinds *kinds, struct text bytes,
                      struct task_info *out, struct error *error) {
    (void)arena;
    (void)kinds;
    VEC_EACH(info, &current->tasks) {
        if (text_equal((*info)->encoded, bytes)) {
            *out = **info;
            return true;
        }
    }
    return fail(error, ERROR_INVALID, "not a task");
}

/* "PATH", "PATH:ro"; "host:..." names an origin, and what is empty is none. */
static bool read_mount(struct arena *arena, struct text bytes, struct volume_mount *out,
                       struct error *error) {
    (void)arena;
    struct text rest = bytes, path;
    if (bytes.size == 0)
        return fail(error, ERROR_INVALID, "not a volume");
    text_split(&rest, ':', &path);
    *out = (struct volume_mount){.path = path,
                                 .read_only = text_equal(rest, TEXT("ro")),
                                 .has_origin = text_equal(rest, TEXT("host"))};
    return true;
}

static struct text write_agent(struct arena *arena, struct kinds *kinds,
                               const struct agent_info *info) {
    (void)kinds;
    return text_of(arena_printf(arena, "agent/%.*s", TEXT_ARGS(info->id.text)));
}

/* --- building --- */

const struct resources *rig_resources(struct rig *rig, int64_t cpu_milli, int64_t mem_milli) {
    struct resources *set = NEW(struct resources);
    assert_true(resources_put_scalar(set, KIND_CPUS, cpu_milli, NULL));
    assert_true(resources_put_scalar(set, KIND_MEM, mem_milli, NULL));
    VEC_PUSH(&rig->owned, set);
    return set;
}

static struct text encoded(struct rig *rig, const char *kind, const char *id) {
    return text_of(arena_printf(rig->arena, "%s/%s", kind, id));
}

struct task_info *rig_task(struct rig *rig, const char *id) {
    struct task_info *info = ARENA_NEW(rig->arena, struct task_info);
    info->id.text = text_of(id);
    info->encoded = encoded(rig, "task", id);
    info->resources = rig_resources(rig, 100, 32000);
    info->command = (struct command_info){
        .is_set = true, .shell = true, .has_value = true, .value = TEXT("sleep 1")};
    VEC_PUSH(&rig->tasks, info);
    return info;
}

struct executor_info *rig_executor(struct rig *rig, const char *id) {
    struct executor_info *info = ARENA_NEW(rig->arena, struct executor_info);
    info->is_set = true;
    info->id.text = text_of(id);
    info->encoded = encoded(rig, "executor", id);
    info->resources = rig_resources(rig, 100, 64000);
    info->command = (struct command_info){
        .is_set = true, .shell = true, .has_value = true, .value = TEXT("./executor")};
    VEC_PUSH(&rig->executors, info);
    return info;
}

struct framework_info *rig_framework(struct rig *rig, const char *id) {
    struct framework_info *info = ARENA_NEW(rig->arena, struct framework_info);
    info->id.text = text_of(id);
    info->user = TEXT("nobody");
    info->encoded = encoded(rig, "framework", id);
    VEC_PUSH(&rig->frameworks, info);
    return info;
}

static struct agent *fresh_agent(struct rig *rig) {
    rig->options.seed++;
    return agent_new(&rig->options, rig->kinds);
}

struct rig *rig_new(void) {
    struct rig *rig = NEW(struct rig);
    current = rig;
    rig->kinds = kinds_new();
    rig->arena = arena_new();
    assert_true(resources_put_scalar(&rig->total, KIND_CPUS, 8000, NULL));
    assert_true(resources_put_scalar(&rig->total, KIND_MEM, 8000000, NULL));
    rig->options = agent_options_default();
    rig->options.info = (struct agent_info){
        .hostname = TEXT("host"), .ip = TEXT("10.0.0.1"), .port = 5051, .resources = &rig->total};
    rig->options.codec =
        (struct agent_codec){read_framework, read_executor, read_task, read_mount, write_agent};
    rig->options.work_dir = TEXT("/work");
    rig->options.boot_id = TEXT("boot");
    rig->options.endpoint = TEXT("10.0.0.1:5051");
    rig->options.seed = 1;
    rig->now_ms = 1000;
    rig->agent = fresh_agent(rig);
    rig_framework(rig, "f1");
    return rig;
}

void rig_free(struct rig *rig) {
    if (rig == NULL)
        return;
    agent_free(rig->agent);
    VEC_FINI(&rig->outbox.effects);
    VEC_FINI(&rig->waiting);
    VEC_FINI(&rig->done);
    VEC_FINI(&rig->stores);
    VEC_FINI(&rig->tasks);
    VEC_FINI(&rig->executors);
    VEC_FINI(&rig->frameworks);
    VEC_EACH(set, &rig->owned) {
        resources_fini(*set);
        mem_free(*set);
    }
    VEC_FINI(&rig->owned);
    map_fini(&rig->disk, NULL);
    resources_fini(&rig->total);
    arena_free(rig->arena);
    kinds_free(rig->kinds);
    mem_free(rig);
}

/* --- remembering: whatever an effect points to may be gone at the next step --- */

static void keep(struct rig *rig, struct text *text) {
    *text = arena_text(rig->arena, *text);
}

static void keep_status(struct rig *rig, struct task_status *status) {
    keep(rig, &status->task.text);
    keep(rig, &status->message);
    keep(rig, &status->agent.text);
    keep(rig, &status->executor.text);
    keep(rig, &status->termination.killed_by);
    keep(rig, &status->termination.stderr_tail);
    keep(rig, &status->carried);
    keep(rig, &status->encoded);
}

static const struct resources *keep_resources(struct rig *rig, const struct resources *set) {
    struct resources *copy = NEW(struct resources);
    *copy = resources_copy(set);
    VEC_PUSH(&rig->owned, copy);
    return copy;
}

static struct volume_place keep_place(struct rig *rig, struct volume_place place) {
    keep(rig, &place.root);
    keep(rig, &place.relative);
    return place;
}

static struct agent_record *keep_record(struct rig *rig, const struct agent_record *record) {
    struct agent_record *copy = ARENA_NEW(rig->arena, struct agent_record);
    *copy = *record;
    switch (copy->kind) {
    case AGENT_RECORD_SELF:
        keep(rig, &copy->self.agent.text);
        keep(rig, &copy->self.boot_id);
        break;
    case AGENT_RECORD_FRAMEWORK:
        keep(rig, &copy->framework.id.text);
        keep(rig, &copy->framework.info);
        break;
    case AGENT_RECORD_EXECUTOR:
        keep(rig, &copy->executor.framework.text);
        keep(rig, &copy->executor.info);
        keep(rig, &copy->executor.container.text);
        keep(rig, &copy->executor.role);
        break;
    case AGENT_RECORD_TASK:
        keep(rig, &copy->task.framework.text);
        keep(rig, &copy->task.info);
        keep(rig, &copy->task.role);
        keep(rig, &copy->task.container.text);
        keep(rig, &copy->task.killed_by);
        break;
    case AGENT_RECORD_UPDATE:
        keep(rig, &copy->update.framework.text);
        keep_status(rig, &copy->update.status);
        break;
    case AGENT_RECORD_SANDBOX:
        keep(rig, &copy->sandbox.path);
        keep(rig, &copy->sandbox.framework.text);
        keep(rig, &copy->sandbox.task.text);
        break;
    case AGENT_RECORD_DRAIN:
    case AGENT_RECORD_LEASE: break;
    case AGENT_RECORD_RESOURCES: copy->resources = keep_resources(rig, copy->resources); break;
    }
    return copy;
}

static void keep_launch(struct rig *rig, struct container_launch *launch) {
    keep(rig, &launch->id.text);
    keep(rig, &launch->sandbox);
    keep(rig, &launch->user);
    keep(rig, &launch->command);
    keep(rig, &launch->hostname);
    struct environment_variable *environment =
        ARENA_ARRAY(rig->arena, struct environment_variable, launch->environment_count);
    for (size_t i = 0; i < launch->environment_count; i++) {
        environment[i] = launch->environment[i];
        keep(rig, &environment[i].name);
        keep(rig, &environment[i].value);
    }
    launch->environment = environment;
    struct container_volume *volumes =
        ARENA_ARRAY(rig->arena, struct container_volume, launch->volume_count);
    for (size_t i = 0; i < launch->volume_count; i++) {
        volumes[i] = launch->volumes[i];
        volumes[i].place = keep_place(rig, volumes[i].place);
        keep(rig, &volumes[i].path);
    }
    launch->volumes = volumes;
}

static void keep_volumes(struct rig *rig, struct agent_effect *effect) {
    struct volume_place *places =
        ARENA_ARRAY(rig->arena, struct volume_place, effect->volumes.count);
    for (size_t i = 0; i < effect->volumes.count; i++)
        places[i] = keep_place(rig, effect->volumes.places[i]);
    effect->volumes.places = places;
}

static void keep_master(struct rig *rig, struct agent_message *message) {
    switch (message->kind) {
    case AGENT_MESSAGE_REGISTER: {
        size_t count = message->register_agent.task_count;
        struct task_report *tasks = ARENA_ARRAY(rig->arena, struct task_report, count);
        for (size_t i = 0; i < count; i++) {
            tasks[i] = message->register_agent.tasks[i];
            keep(rig, &tasks[i].id.text);
            keep(rig, &tasks[i].info);
        }
        message->register_agent.tasks = tasks;
        size_t executor_count = message->register_agent.executor_count;
        struct executor_report *executors =
            ARENA_ARRAY(rig->arena, struct executor_report, executor_count);
        for (size_t i = 0; i < executor_count; i++) {
            executors[i] = message->register_agent.executors[i];
            keep(rig, &executors[i].id.text);
            keep(rig, &executors[i].role);
        }
        message->register_agent.executors = executors;
        message->register_agent.info.resources =
            keep_resources(rig, message->register_agent.info.resources);
        keep(rig, &message->register_agent.info.id.text);
        return;
    }
    case AGENT_MESSAGE_UPDATE:
        keep(rig, &message->update.framework.text);
        return keep_status(rig, &message->update.status);
    case AGENT_MESSAGE_EXECUTOR_EXITED:
        keep(rig, &message->executor_exited.framework.text);
        return keep(rig, &message->executor_exited.executor.text);
    case AGENT_MESSAGE_FRAMEWORK_MESSAGE: return keep(rig, &message->framework_message.data);
    case AGENT_MESSAGE_OPERATION: return keep(rig, &message->operation.why);
    case AGENT_MESSAGE_RESOURCES:
        message->resources = keep_resources(rig, message->resources);
        return;
    case AGENT_MESSAGE_UNREGISTER:
    case AGENT_MESSAGE_PONG: return;
    }
}

static void keep_executor(struct rig *rig, struct executor_event *event) {
    switch (event->kind) {
    case EXECUTOR_EVENT_SUBSCRIBED:
        keep(rig, &event->subscribed.agent_info);
        return keep(rig, &event->subscribed.container.text);
    case EXECUTOR_EVENT_LAUNCH: return keep(rig, &event->launch);
    case EXECUTOR_EVENT_KILL: return keep(rig, &event->kill.task.text);
    case EXECUTOR_EVENT_ACKNOWLEDGED: return keep(rig, &event->acknowledged.task.text);
    case EXECUTOR_EVENT_MESSAGE: return keep(rig, &event->message);
    case EXECUTOR_EVENT_ERROR: return keep(rig, &event->error);
    case EXECUTOR_EVENT_SHUTDOWN:
    case EXECUTOR_EVENT_LAUNCH_GROUP:
    case EXECUTOR_EVENT_HEARTBEAT: return;
    }
}

static void keep_store(struct rig *rig, struct agent_effect *effect) {
    struct store_change *changes =
        ARENA_ARRAY(rig->arena, struct store_change, effect->store.count);
    for (size_t i = 0; i < effect->store.count; i++) {
        changes[i] = effect->store.changes[i];
        keep(rig, &changes[i].key);
        if (changes[i].agent_record != NULL)
            changes[i].agent_record = keep_record(rig, changes[i].agent_record);
    }
    effect->store.changes = changes;
}

static struct agent_effect keep_effect(struct rig *rig, const struct agent_effect *effect) {
    struct agent_effect copy = *effect;
    switch (copy.kind) {
    case AGENT_EFFECT_SEND_MASTER: keep_master(rig, &copy.master); break;
    case AGENT_EFFECT_SEND_EXECUTOR: keep_executor(rig, &copy.executor); break;
    case AGENT_EFFECT_STORE: keep_store(rig, &copy); break;
    case AGENT_EFFECT_LAUNCH: keep_launch(rig, &copy.launch); break;
    case AGENT_EFFECT_SIGNAL:
    case AGENT_EFFECT_DESTROY:
    case AGENT_EFFECT_FORGET: keep(rig, &copy.signal.id.text); break;
    case AGENT_EFFECT_LIMIT: keep(rig, &copy.limit.id.text); break;
    case AGENT_EFFECT_LEASE: keep(rig, &copy.lease.id.text); break;
    case AGENT_EFFECT_REMOVE_SANDBOX: keep(rig, &copy.sandbox); break;
    case AGENT_EFFECT_MAKE_VOLUMES:
    case AGENT_EFFECT_REMOVE_VOLUME: keep_volumes(rig, &copy); break;
    case AGENT_EFFECT_NOTE:
        keep(rig, &copy.note.what);
        keep(rig, &copy.note.detail);
        break;
    case AGENT_EFFECT_CONNECT: break;
    case AGENT_EFFECT_DISCONNECT:
    case AGENT_EFFECT_CLOSE_EXECUTOR:
    case AGENT_EFFECT_STOP:
    case AGENT_EFFECT_END: keep(rig, &copy.reason); break;
    }
    return copy;
}

/* --- stepping --- */

static void one_step(struct rig *rig, struct agent_event event) {
    event.now_ms = rig->now_ms;
    event.wall_ns = WALL_START_S * 1000000000LL + (rig->now_ms + rig->wall_set_ms) * 1000000;
    rig->outbox.arena = rig->arena;
    rig->outbox.effects.count = 0;
    agent_step(rig->agent, &event, &rig->outbox);
    struct error why = {0};
    if (!agent_check(rig->agent, &why))
        fail_msg("agent_check: %s", why.message);
    VEC_EACH(effect, &rig->outbox.effects) {
        struct agent_effect kept = keep_effect(rig, effect);
        if (kept.kind == AGENT_EFFECT_STORE)
            VEC_PUSH(&rig->stores, kept);
        else if (kept.after > rig->stored)
            VEC_PUSH(&rig->waiting, kept);
        else
            VEC_PUSH(&rig->done, kept);
    }
}

static void store_one(struct rig *rig) {
    struct agent_effect store = rig->stores.items[0];
    VEC_REMOVE(&rig->stores, 0);
    for (size_t i = 0; i < store.store.count; i++) {
        const struct store_change *change = &store.store.changes[i];
        if (change->agent_record != NULL)
            map_put_text(&rig->disk, change->key, (void *)change->agent_record);
        else
            map_remove_text(&rig->disk, change->key);
    }
    assert_int_equal(store.store.ticket, rig->stored + 1);
    rig->stored = store.store.ticket;
    for (size_t i = 0; i < rig->waiting.count;) {
        struct agent_effect effect = rig->waiting.items[i];
        if (effect.after > rig->stored) {
            i++;
            continue;
        }
        VEC_REMOVE(&rig->waiting, i);
        VEC_PUSH(&rig->done, effect);
    }
    one_step(rig, (struct agent_event){.kind = AGENT_EVENT_STORED, .stored_ticket = rig->stored});
}

void rig_store_all(struct rig *rig) {
    while (rig->stores.count > 0)
        store_one(rig);
}

void rig_step(struct rig *rig, struct agent_event event) {
    one_step(rig, event);
    if (!rig->stores_wait)
        rig_store_all(rig);
}

void rig_advance(struct rig *rig, int64_t by_ms) {
    int64_t until_ms = rig->now_ms + by_ms;
    while (agent_deadline_ms(rig->agent) <= until_ms) {
        int64_t due_ms = agent_deadline_ms(rig->agent);
        rig->now_ms = due_ms > rig->now_ms ? due_ms : rig->now_ms;
        rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_TICK});
    }
    rig->now_ms = until_ms;
}

void rig_forget_effects(struct rig *rig) {
    rig->done.count = 0;
}

/* --- events --- */

static void recovered(struct rig *rig, bool same_boot) {
    struct agent_record *records = ARENA_ARRAY(rig->arena, struct agent_record, rig->disk.count);
    struct text *keys = ARENA_ARRAY(rig->arena, struct text, rig->disk.count);
    size_t count = 0;
    MAP_EACH(entry, &rig->disk) {
        records[count] = *(const struct agent_record *)map_value(entry);
        keys[count++] = arena_text(rig->arena, map_key_text(entry));
    }
    struct agent_event event = {.kind = AGENT_EVENT_RECOVERED};
    event.recovered.records = records;
    event.recovered.keys = keys;
    event.recovered.count = count;
    event.recovered.same_boot = same_boot;
    rig_step(rig, event);
}

void rig_containers_done(struct rig *rig) {
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_CONTAINERS_RECOVERED});
}

void rig_recover(struct rig *rig) {
    recovered(rig, true);
    rig_containers_done(rig);
}

void rig_connect(struct rig *rig) {
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CONNECTED});
    rig_master(rig, (struct master_message){
                        .kind = MASTER_MESSAGE_REGISTERED,
                        .registered = {.agent = {TEXT("S0")}, .ping_timeout_ms = 75000}});
}

void rig_register(struct rig *rig) {
    rig_recover(rig);
    rig_connect(rig);
}

struct rig *rig_registered(void) {
    struct rig *rig = rig_new();
    rig_register(rig);
    return rig;
}

void rig_crash(struct rig *rig, bool same_boot) {
    agent_free(rig->agent);
    rig->waiting.count = rig->stores.count = 0;
    rig->stored = 0;
    rig->agent = fresh_agent(rig);
    rig_forget_effects(rig);
    recovered(rig, same_boot);
}

void rig_lose_master(struct rig *rig) {
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_CLOSED,
                                       .closed_reason = TEXT("reset by peer")});
}

void rig_master(struct rig *rig, struct master_message message) {
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_MASTER_MESSAGE, .master = message});
}

void rig_run(struct rig *rig, const char *framework, const struct task_info *task) {
    struct master_message message = {.kind = MASTER_MESSAGE_RUN_TASK};
    message.run_task.framework.text = text_of(framework);
    message.run_task.framework_info = encoded(rig, "framework", framework);
    message.run_task.task = *task;
    message.run_task.role = TEXT("analytics");
    rig_master(rig, message);
}

void rig_kill(struct rig *rig, const char *task, int64_t grace_ms) {
    struct master_message message = {.kind = MASTER_MESSAGE_KILL_TASK};
    message.kill_task.framework.text = TEXT("f1");
    message.kill_task.task.text = text_of(task);
    message.kill_task.has_grace = grace_ms >= 0;
    message.kill_task.grace_ns = grace_ms * 1000000;
    rig_master(rig, message);
}

bool rig_acknowledge(struct rig *rig, const char *task) {
    const struct task_status *status = rig_last_update(rig, task);
    if (status == NULL)
        return false;
    struct master_message message = {.kind = MASTER_MESSAGE_ACKNOWLEDGE};
    message.acknowledge.framework.text = TEXT("f1");
    message.acknowledge.task.text = text_of(task);
    message.acknowledge.uuid = status->uuid;
    rig_master(rig, message);
    return true;
}

void rig_started(struct rig *rig, struct container_id id) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_STARTED};
    event.started.id = id;
    event.started.pid = 4711;
    event.started.start_time = 99;
    rig_step(rig, event);
}

struct container_id rig_begin(struct rig *rig, const struct task_info *task) {
    rig_run(rig, "f1", task);
    struct container_id container = rig_launched(rig);
    rig_started(rig, container);
    return container;
}

void rig_restart_under(struct rig *rig, struct container_id running) {
    rig_crash(rig, true);
    rig_started(rig, running);
    rig_containers_done(rig);
}

void rig_exited(struct rig *rig, struct container_id id, int code) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = id;
    event.ended.termination = (struct termination){.exited = true, .exit_code = code};
    rig_step(rig, event);
}

void rig_signalled(struct rig *rig, struct container_id id, int signal) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = id;
    event.ended.termination =
        (struct termination){.signal = signal, .core_dumped = signal == SIGSEGV};
    rig_step(rig, event);
}

void rig_outcome(struct rig *rig, struct container_id id, enum container_outcome outcome,
                 const char *message) {
    struct agent_event event = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    event.ended.id = id;
    event.ended.outcome = outcome;
    event.ended.message = text_of(message);
    rig_step(rig, event);
}

static struct agent_event executor_call(enum executor_call_kind kind, const char *executor,
                                        uint64_t connection) {
    struct agent_event event = {.kind = AGENT_EVENT_EXECUTOR_CALL, .connection = {connection}};
    event.executor.kind = kind;
    event.executor.framework.text = TEXT("f1");
    event.executor.executor.text = text_of(executor);
    return event;
}

void rig_subscribe(struct rig *rig, const char *executor, uint64_t connection) {
    rig_step(rig, executor_call(EXECUTOR_CALL_SUBSCRIBE, executor, connection));
}

void rig_update(struct rig *rig, const char *executor, uint64_t connection, const char *task,
                enum task_state state, uint8_t uuid) {
    struct agent_event event = executor_call(EXECUTOR_CALL_UPDATE, executor, connection);
    event.executor.update.task.text = text_of(task);
    event.executor.update.state = state;
    event.executor.update.has_uuid = uuid != 0;
    event.executor.update.uuid.bytes[0] = uuid;
    rig_step(rig, event);
}

/* --- looking --- */

size_t rig_count(const struct rig *rig, enum agent_effect_kind kind) {
    size_t count = 0;
    VEC_EACH(effect, &rig->done)
        count += effect->kind == kind;
    return count;
}

const struct agent_effect *rig_last(const struct rig *rig, enum agent_effect_kind kind) {
    for (size_t i = rig->done.count; i > 0; i--) {
        if (rig->done.items[i - 1].kind == kind)
            return &rig->done.items[i - 1];
    }
    return NULL;
}

static bool is_update_of(const struct agent_effect *effect, const char *task) {
    return effect->kind == AGENT_EFFECT_SEND_MASTER &&
           effect->master.kind == AGENT_MESSAGE_UPDATE &&
           text_equal(effect->master.update.status.task.text, text_of(task));
}

const struct task_status *rig_last_update(const struct rig *rig, const char *task) {
    for (size_t i = rig->done.count; i > 0; i--) {
        if (is_update_of(&rig->done.items[i - 1], task))
            return &rig->done.items[i - 1].master.update.status;
    }
    return NULL;
}

size_t rig_count_updates(const struct rig *rig, const char *task) {
    size_t count = 0;
    VEC_EACH(effect, &rig->done)
        count += is_update_of(effect, task);
    return count;
}

struct container_id rig_launched(const struct rig *rig) {
    const struct agent_effect *launch = rig_last(rig, AGENT_EFFECT_LAUNCH);
    assert_non_null(launch);
    return launch->launch.id;
}

const struct agent_effect *rig_last_event(const struct rig *rig, enum executor_event_kind kind) {
    for (size_t i = rig->done.count; i > 0; i--) {
        const struct agent_effect *effect = &rig->done.items[i - 1];
        if (effect->kind == AGENT_EFFECT_SEND_EXECUTOR && effect->executor.kind == kind)
            return effect;
    }
    return NULL;
}

bool rig_has_note(const struct rig *rig, const char *what) {
    VEC_EACH(effect, &rig->done) {
        if (effect->kind == AGENT_EFFECT_NOTE && text_equal(effect->note.what, text_of(what)))
            return true;
    }
    return false;
}

size_t rig_disk_count(const struct rig *rig, const char *prefix) {
    size_t count = 0;
    MAP_EACH(entry, &rig->disk)
        count += text_starts_with(map_key_text(entry), text_of(prefix));
    return count;
}
