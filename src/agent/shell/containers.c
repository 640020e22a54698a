/*
 * A launch that cannot even begin (no such user, no sandbox) is reported like one that failed
 * later, but from the loop: the core must not be stepped while its effects are being carried out.
 */
#include "agent/shell/containers.h"

#include "agent/container/containerizer.h"
#include "agent/container/stop_point.h"
#include "agent/shell/daemon.h"
#include "agent/shell/outputs.h"
#include "agent/shell/users.h"
#include "agent/shell/volumes.h"
#include "common/base/map.h"
#include "common/runtime/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { END_POLL_MS = 10, LAUNCH_RETRY_MS = 20, LAUNCH_TRIES = 250 };

struct launch_order {
    struct arena *arena;
    struct container_launch launch;
    struct link link; /* among those that wait for what had their id before */
    int tries;
};

/* A launch that failed before it began, on its way to the core. */
struct refusal {
    struct link link;
    struct buf id;
    enum container_outcome outcome;
    struct error why;
};

struct containers {
    struct daemon *daemon;
    struct containerizer *containerizer;
    struct link refusals;
    struct link waiting; /* struct launch_order, owned */
    struct loop_timer waiting_timer;
    struct loop_task tell_refusals;
    struct map unanswered; /* ids of recovered containers that have not answered yet */
    bool is_recovering;
    struct loop_task tell_recovered;
    struct loop_timer end_timer;
    void (*on_gone)(void *self); /* set: the agent is going for good */
    void *on_gone_self;
};

/* --- orders --- */

struct launch_order *launch_order_new(const struct container_launch *launch) {
    struct launch_order *order = NEW(struct launch_order);
    struct arena *arena = order->arena = arena_new();
    struct container_launch *copy = &order->launch;
    *copy = *launch;
    copy->id.text = arena_text(arena, launch->id.text);
    copy->sandbox = arena_text(arena, launch->sandbox);
    copy->user = arena_text(arena, launch->user);
    copy->command = arena_text(arena, launch->command);
    copy->hostname = arena_text(arena, launch->hostname);
    struct text *arguments = ARENA_ARRAY(arena, struct text, launch->argument_count);
    for (size_t i = 0; i < launch->argument_count; i++)
        arguments[i] = arena_text(arena, launch->arguments[i]);
    copy->arguments = arguments;
    struct environment_variable *environment =
        ARENA_ARRAY(arena, struct environment_variable, launch->environment_count);
    for (size_t i = 0; i < launch->environment_count; i++) {
        environment[i].name = arena_text(arena, launch->environment[i].name);
        environment[i].value = arena_text(arena, launch->environment[i].value);
    }
    copy->environment = environment;
    struct container_volume *volumes =
        ARENA_ARRAY(arena, struct container_volume, launch->volume_count);
    for (size_t i = 0; i < launch->volume_count; i++) {
        volumes[i] = launch->volumes[i];
        volumes[i].place.root = arena_text(arena, launch->volumes[i].place.root);
        volumes[i].place.relative = arena_text(arena, launch->volumes[i].place.relative);
        volumes[i].path = arena_text(arena, launch->volumes[i].path);
    }
    copy->volumes = volumes;
    return order;
}

void launch_order_free(struct launch_order *order) {
    if (order == NULL)
        return;
    arena_free(order->arena);
    mem_free(order);
}

/* --- telling the core --- */

static void tell_started(struct containers *containers, const struct container_event *event) {
    struct agent_event told = {.kind = AGENT_EVENT_CONTAINER_STARTED};
    told.started.id.text = event->id;
    told.started.pid = event->pid;
    told.started.start_time = event->start_time;
    daemon_feed(containers->daemon, told);
}

static enum container_outcome outcome_of(enum container_end end) {
    switch (end) {
    case CONTAINER_EXITED:
    case CONTAINER_KILLED: return CONTAINER_OUTCOME_ENDED;
    case CONTAINER_EXEC_FAILED: return CONTAINER_OUTCOME_EXEC_FAILED;
    case CONTAINER_LOST: return CONTAINER_OUTCOME_LOST;
    }
    return CONTAINER_OUTCOME_LOST;
}

/* The last bytes may begin inside a character and hold anything: what is no UTF-8 becomes '?'. */
static struct text clean_tail(struct arena *arena, struct text tail) {
    while (tail.size > 0 && ((unsigned char)tail.data[0] & 0xc0) == 0x80)
        tail = text_sub(tail, 1, SIZE_MAX);
    char *clean = arena_string(arena, tail);
    if (text_is_utf8(tail) && !text_contains_byte(tail, '\0'))
        return (struct text){clean, tail.size};
    for (size_t i = 0; i < tail.size; i++) {
        unsigned char byte = (unsigned char)clean[i];
        if (byte >= 0x80 || byte == 0)
            clean[i] = '?';
    }
    return (struct text){clean, tail.size};
}

static uint64_t known(int64_t value) {
    return value > 0 ? (uint64_t)value : 0;
}

static void tell_ended(struct containers *containers, const struct container_event *event) {
    const struct container_termination *end = event->termination;
    struct agent_event told = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    told.ended.id.text = event->id;
    told.ended.outcome = outcome_of(end->end);
    told.ended.message = text_of(end->exec_error);
    told.ended.stdout_rotations = end->stdout_rotations;
    told.ended.stderr_rotations = end->stderr_rotations;
    told.ended.dropped_bytes = end->dropped_bytes;
    told.ended.stopped = event->stopped;
    told.ended.termination = (struct termination){
        .exited = end->end == CONTAINER_EXITED,
        .exit_code = end->exit_code,
        .signal = end->signal,
        .core_dumped = end->core_dumped,
        .out_of_memory = end->out_of_memory,
        .peak_memory_bytes = known(end->peak_memory_bytes),
        .cpu_time_ns = known(end->cpu_time_ns),
        .wall_time_ns = known((end->end_ms - end->start_ms) * 1000000),
        .stderr_tail = clean_tail(containers->daemon->arena, end->stderr_tail),
    };
    daemon_feed(containers->daemon, told);
}

static void tell_failed(struct containers *containers, const struct container_event *event) {
    struct agent_event told = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    told.ended.id.text = event->id;
    told.ended.outcome = CONTAINER_OUTCOME_LAUNCH_FAILED;
    told.ended.message = text_of(event->reason);
    told.ended.stopped = event->stopped;
    daemon_feed(containers->daemon, told);
}

static void on_event(void *self, const struct container_event *event) {
    struct containers *containers = self;
    map_remove_text(&containers->unanswered, event->id);
    switch (event->kind) {
    case CONTAINER_EVENT_STARTED:
        tell_started(containers, event);
        outputs_wake(containers->daemon->outputs);
        break;
    case CONTAINER_EVENT_ENDED:
        tell_ended(containers, event);
        outputs_wake(containers->daemon->outputs);
        break;
    case CONTAINER_EVENT_LAUNCH_FAILED:
        tell_failed(containers, event);
        outputs_wake(containers->daemon->outputs);
        break;
    }
    if (containers->is_recovering && containers->unanswered.count == 0)
        loop_defer(containers->daemon->loop, &containers->tell_recovered);
}

static void tell_recovered(void *self) {
    struct containers *containers = self;
    containers->is_recovering = false;
    daemon_feed(containers->daemon, (struct agent_event){.kind = AGENT_EVENT_CONTAINERS_RECOVERED});
    containers_remove_orphans(containers);
}

static void tell_refusal(struct containers *containers, const struct refusal *refusal) {
    struct agent_event told = {.kind = AGENT_EVENT_CONTAINER_ENDED};
    told.ended.id.text = buf_text(&refusal->id);
    told.ended.outcome = refusal->outcome;
    told.ended.message = text_of(refusal->why.message);
    daemon_feed(containers->daemon, told);
}

static void tell_refusals(void *self) {
    struct containers *containers = self;
    LIST_EACH(at, &containers->refusals) {
        struct refusal *refusal = CONTAINER_OF(at, struct refusal, link);
        list_remove(at);
        tell_refusal(containers, refusal);
        buf_fini(&refusal->id);
        mem_free(refusal);
    }
    outputs_wake(containers->daemon->outputs);
}

static void refuse(struct containers *containers, const struct container_launch *launch,
                   enum container_outcome outcome, const struct error *why) {
    struct refusal *refusal = NEW(struct refusal);
    buf_append_text(&refusal->id, launch->id.text);
    refusal->outcome = outcome;
    refusal->why = *why;
    list_append(&containers->refusals, &refusal->link);
    loop_defer(containers->daemon->loop, &containers->tell_refusals);
}

/* --- launching --- */

/* Below the work_dir and nowhere else; its parents can be passed by anybody, itself only by the
 * user. */
static bool make_sandbox(struct daemon *daemon, struct text path, struct error *error) {
    struct text root = text_of(daemon->flags.work_dir);
    if (!text_starts_with(path, root) || path.size <= root.size || path.data[root.size] != '/')
        return fail(error, ERROR_INVALID, "sandbox '%.*s' is not below the work_dir",
                    TEXT_ARGS(path));
    AUTO(mem_free) char *relative = text_dup(text_sub(path, root.size + 1, SIZE_MAX));
    AUTO_FD int root_fd = open(daemon->flags.work_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        return fail(error, ERROR_IO, "open %s: %m", daemon->flags.work_dir);
    AUTO_FD int fd = directory_open_below(root_fd, relative, true, 0755, error);
    if (fd < 0)
        return fail_context(error, "make the sandbox");
    if (fchmod(fd, 0750) != 0)
        return fail(error, ERROR_IO, "chmod the sandbox: %m");
    return true;
}

static const char **make_environment(struct arena *arena, const struct container_launch *launch) {
    const char **made = ARENA_ARRAY(arena, const char *, launch->environment_count + 1);
    for (size_t i = 0; i < launch->environment_count; i++) {
        const struct environment_variable *variable = &launch->environment[i];
        made[i] =
            arena_printf(arena, "%.*s=%.*s", TEXT_ARGS(variable->name), TEXT_ARGS(variable->value));
    }
    return made;
}

/* CommandInfo without a shell: value is the file, arguments the whole argv; argv[0] may differ from
 * the file, which execve by path and name cannot express together, so the file is what is run. */
static const char **make_argv(struct arena *arena, const struct container_launch *launch) {
    const char **made = ARENA_ARRAY(arena, const char *, launch->argument_count + 2);
    made[0] = launch->command.data;
    for (size_t i = 1; i < launch->argument_count; i++)
        made[i] = launch->arguments[i].data;
    return made;
}

static const struct container_mount *make_mounts(struct arena *arena,
                                                 const struct container_launch *launch) {
    struct container_mount *made = ARENA_ARRAY(arena, struct container_mount, launch->volume_count);
    for (size_t i = 0; i < launch->volume_count; i++) {
        const struct container_volume *volume = &launch->volumes[i];
        made[i] = (struct container_mount){
            .source = volume_place_path(arena, &volume->place),
            .target = arena_string(arena, volume->path),
            .read_only = volume->read_only,
            .is_given = volume->is_given,
        };
    }
    return made;
}

static bool begin(struct containers *containers, struct launch_order *order,
                  const struct user *user, struct error *error) {
    struct daemon *daemon = containers->daemon;
    const struct container_launch *launch = &order->launch;
    struct arena *arena = order->arena;
    struct container_spec spec = {
        .id = launch->id.text,
        .sandbox = launch->sandbox.data,
        .uid = user->uid,
        .gid = user->gid,
        .groups = user->groups,
        .group_count = user->group_count,
        .shell = launch->shell ? launch->command.data : NULL,
        .argv = launch->shell ? NULL : make_argv(arena, launch),
        .environment = make_environment(arena, launch),
        .hostname = launch->hostname.size > 0 ? launch->hostname.data : NULL,
        .limits = {.cpu_milli = launch->cpu_milli,
                   .cpu_quota_milli = launch->cpu_quota_milli,
                   .memory_bytes = launch->memory_bytes,
                   .pids = daemon->flags.container_pids},
        .log_cap_bytes = (int64_t)daemon->flags.container_log_bytes,
        .mounts = make_mounts(arena, launch),
        .mount_count = launch->volume_count,
        .stop_at_ms = launch->stop_at_ms,
        .stop_grace_ms = launch->stop_grace_ms,
    };
    if (!make_sandbox(daemon, launch->sandbox, error))
        return false;
    stop_point(STOP_LAUNCH_SANDBOX);
    return containerizer_launch(containers->containerizer, &spec, error);
}

static void wait_for_id(struct containers *containers, struct launch_order *order);

void containers_launch(struct containers *containers, struct launch_order *order) {
    struct user user;
    struct error error;
    if (containers->on_gone != NULL) {
        launch_order_free(order);
        return;
    }
    if (!user_find(order->launch.user.data, &user, &error)) {
        refuse(containers, &order->launch, CONTAINER_OUTCOME_REFUSED, &error);
    } else if (!begin(containers, order, &user, &error)) {
        if (error.code == ERROR_EXISTS && order->tries < LAUNCH_TRIES) {
            wait_for_id(containers, order);
            return;
        }
        refuse(containers, &order->launch, CONTAINER_OUTCOME_LAUNCH_FAILED, &error);
    }
    launch_order_free(order);
}

static void try_waiting(void *self) {
    struct containers *containers = self;
    struct link due;
    list_init(&due);
    LIST_EACH(at, &containers->waiting) {
        list_remove(at);
        list_append(&due, at);
    }
    LIST_EACH(at, &due) {
        list_remove(at);
        containers_launch(containers, CONTAINER_OF(at, struct launch_order, link));
    }
}

/* What a killed agent had begun under this id and a recovery found not to have run is still going.
 */
static void wait_for_id(struct containers *containers, struct launch_order *order) {
    order->tries++;
    list_append(&containers->waiting, &order->link);
    loop_timer_arm(&containers->waiting_timer,
                   loop_now_ms(containers->daemon->loop) + LAUNCH_RETRY_MS);
}

static struct launch_order *find_waiting(struct containers *containers, struct text id) {
    LIST_EACH(at, &containers->waiting) {
        struct launch_order *order = CONTAINER_OF(at, struct launch_order, link);
        if (text_equal(order->launch.id.text, id))
            return order;
    }
    return NULL;
}

/* One that waits for its id never began. True: it was there, and is told to have failed. */
static bool drop_waiting(struct containers *containers, struct text id) {
    struct launch_order *order = find_waiting(containers, id);
    struct error why;
    if (order == NULL)
        return false;
    fail(&why, ERROR_CLOSED, "killed before it had started");
    refuse(containers, &order->launch, CONTAINER_OUTCOME_LAUNCH_FAILED, &why);
    list_remove(&order->link);
    launch_order_free(order);
    return true;
}

void containers_signal(struct containers *containers, struct text id, int signal) {
    struct error error;
    if (!drop_waiting(containers, id) &&
        !containerizer_kill(containers->containerizer, id, signal, &error))
        log_debug(containers->daemon->log, "signal_not_sent", KV("container", id),
                  KV("error", &error));
}

void containers_destroy(struct containers *containers, struct text id) {
    struct error error;
    if (!drop_waiting(containers, id) &&
        !containerizer_destroy(containers->containerizer, id, &error))
        log_debug(containers->daemon->log, "container_not_destroyed", KV("container", id),
                  KV("error", &error));
}

void containers_forget(struct containers *containers, struct text id) {
    containerizer_forget(containers->containerizer, id);
}

void containers_limit(struct containers *containers, struct text id, int64_t cpu_milli,
                      int64_t cpu_quota_milli, int64_t memory_bytes) {
    struct container_limits limits = {.cpu_milli = cpu_milli,
                                      .cpu_quota_milli = cpu_quota_milli,
                                      .memory_bytes = memory_bytes,
                                      .pids = containers->daemon->flags.container_pids};
    struct error error;
    if (!containerizer_update(containers->containerizer, id, &limits, &error))
        log_warning(containers->daemon->log, "limits_not_changed", KV("container", id),
                    KV("error", &error));
}

void containers_lease(struct containers *containers, struct text id, int64_t stop_at_ms) {
    struct error error;
    struct launch_order *waiting = find_waiting(containers, id);
    if (waiting != NULL)
        waiting->launch.stop_at_ms = stop_at_ms;
    else if (!containerizer_lease(containers->containerizer, id, stop_at_ms, &error) &&
             error.code != ERROR_NOT_FOUND)
        log_warning(containers->daemon->log, "lease_not_told", KV("container", id),
                    KV("error", &error));
}

/* --- life --- */

struct containers *containers_new(struct daemon *daemon, struct error *error) {
    struct containers *containers = NEW(struct containers);
    containers->daemon = daemon;
    list_init(&containers->refusals);
    list_init(&containers->waiting);
    loop_timer_init(&containers->waiting_timer, daemon->loop, try_waiting, containers);
    loop_task_init(&containers->tell_refusals, tell_refusals, containers);
    loop_task_init(&containers->tell_recovered, tell_recovered, containers);
    struct containerizer_options options = {
        .loop = daemon->loop,
        .cgroup_root = daemon->flags.cgroups_root,
        .runtime_dir = daemon->flags.runtime_dir,
        .init_path = daemon->flags.init_path,
        .allow_missing = daemon->flags.allow_missing,
        .on_event = on_event,
        .self = containers,
    };
    containers->containerizer = containerizer_new(&options, error);
    if (containers->containerizer == NULL) {
        mem_free(containers);
        return NULL;
    }
    const char *missing = containerizer_missing(containers->containerizer);
    if (missing[0] != '\0')
        log_warning(daemon->log, "isolation_incomplete", KV("missing", missing));
    return containers;
}

void containers_free(struct containers *containers) {
    if (containers == NULL)
        return;
    loop_task_cancel(&containers->tell_refusals);
    loop_task_cancel(&containers->tell_recovered);
    loop_timer_disarm(&containers->end_timer);
    loop_timer_disarm(&containers->waiting_timer);
    LIST_EACH(at, &containers->waiting)
        launch_order_free(CONTAINER_OF(at, struct launch_order, link));
    map_fini(&containers->unanswered, NULL);
    LIST_EACH(at, &containers->refusals) {
        struct refusal *refusal = CONTAINER_OF(at, struct refusal, link);
        buf_fini(&refusal->id);
        mem_free(refusal);
    }
    containerizer_remove_roots(containers->containerizer); /* what has a container in it stays */
    containerizer_free(containers->containerizer);
    mem_free(containers);
}

static void look_whether_gone(void *self) {
    struct containers *containers = self;
    if (containerizer_running_count(containers->containerizer) > 0 ||
        containerizer_leaving_count(containers->containerizer) > 0) {
        loop_timer_arm(&containers->end_timer, loop_now_ms(containers->daemon->loop) + END_POLL_MS);
        return;
    }
    containerizer_remove_roots(containers->containerizer);
    containers->on_gone(containers->on_gone_self);
}

void containers_end(struct containers *containers, void (*on_gone)(void *self), void *self) {
    if (containers->on_gone != NULL)
        return;
    containers->on_gone = on_gone;
    containers->on_gone_self = self;
    loop_timer_init(&containers->end_timer, containers->daemon->loop, look_whether_gone,
                    containers);
    containerizer_destroy_all(containers->containerizer);
    loop_timer_arm(&containers->end_timer, loop_now_ms(containers->daemon->loop));
}

/* What a record remembers of a container; false for records without one. */
static bool memory_of(struct arena *arena, const struct agent_record *record,
                      struct container_memory *out) {
    if (record->kind == AGENT_RECORD_TASK && record->task.container.text.size > 0 &&
        !record->task.ended) {
        *out = (struct container_memory){.id = record->task.container.text,
                                         .pid = record->task.started ? record->task.pid : 0,
                                         .start_time = record->task.start_time};
    } else if (record->kind == AGENT_RECORD_EXECUTOR) {
        *out = (struct container_memory){.id = record->executor.container.text,
                                         .pid = record->executor.started ? record->executor.pid : 0,
                                         .start_time = record->executor.start_time};
    } else {
        return false;
    }
    out->sandbox = arena_string(
        arena, record->kind == AGENT_RECORD_TASK ? record->task.sandbox : record->executor.sandbox);
    return true;
}

bool containers_recover(struct containers *containers, const struct agent_record *records,
                        size_t count, struct error *error) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct container_memory *memories = ARENA_ARRAY(arena, struct container_memory, count);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += memory_of(arena, &records[i], &memories[found]);
    for (size_t i = 0; i < found; i++)
        map_put_text(&containers->unanswered, memories[i].id, containers);
    containers->is_recovering = true;
    if (found == 0)
        loop_defer(containers->daemon->loop, &containers->tell_recovered);
    return containerizer_recover(containers->containerizer, memories, found, error);
}

void containers_remove_orphans(struct containers *containers) {
    size_t removed = containerizer_remove_orphans(containers->containerizer);
    if (removed > 0)
        log_warning(containers->daemon->log, "orphans_removed", KV("containers", removed));
}

const struct container_orphans *containers_orphans(const struct containers *containers) {
    return containerizer_orphans(containers->containerizer);
}

bool containers_log_position(struct containers *containers, struct text id,
                             struct container_log_position *out) {
    return containerizer_log_position(containers->containerizer, id, out, NULL);
}

int64_t containers_log_half_bytes(const struct containers *containers) {
    return container_log_half_bytes((int64_t)containers->daemon->flags.container_log_bytes);
}
