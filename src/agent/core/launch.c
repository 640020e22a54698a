/*
 * From a TaskInfo or an ExecutorInfo to a container: command, user, limits, and the whole
 * environment, in which nothing of the agent's own is inherited and the framework's words win.
 */
#include "agent/core/parts.h"

#include "common/base/units.h"

enum {
    OWN_VARIABLES = 16, /* at most, that the agent sets */
    RECOVERY_TIMEOUT_MIN = 15,
};

struct container_id launch_new_id(struct agent *agent, struct arena *arena) {
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(uuid_random(&agent->rng), text);
    return container_id_of(arena_text(arena, text_of(text)));
}

struct text launch_sandbox(struct agent *agent, struct arena *arena, struct framework_id framework,
                           struct container_id container) {
    return text_of(arena_printf(arena, "%.*s/sandboxes/%.*s/%.*s",
                                TEXT_ARGS(agent->options.work_dir), TEXT_ARGS(framework.text),
                                TEXT_ARGS(container.text)));
}

/* --- limits --- */

static int64_t bytes_of_milli_megabytes(int64_t milli) {
    __int128 bytes = (__int128)milli * (1024 * 1024) / 1000;
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

/* The limit of that name, when the task has one. */
static const struct task_limit *limit_of(const struct task *task, struct text name) {
    for (size_t i = 0; i < task->info.limit_count; i++) {
        if (text_equal(task->info.limits[i].name, name))
            return &task->info.limits[i];
    }
    return NULL;
}

int64_t launch_memory_bytes(const struct agent *agent, const struct task *task) {
    const struct task_limit *limit = limit_of(task, TEXT("mem"));
    if (limit != NULL)
        return limit->is_infinite ? 0 : bytes_of_milli_megabytes(limit->milli);
    return bytes_of_milli_megabytes(
        resources_quantity_milli(&task->resources, agent->kinds, NAME_MEM));
}

static int64_t quota_milli(const struct agent *agent, const struct task *task, int64_t cpu_milli) {
    const struct task_limit *limit = limit_of(task, TEXT("cpus"));
    if (limit != NULL)
        return limit->is_infinite ? 0 : limit->milli;
    return agent->options.cpu_quota ? cpu_milli : 0;
}

/* --- environment --- */

struct environment {
    struct arena *arena;
    struct environment_variable *variables;
    size_t count;
};

static void set(struct environment *environment, struct text name, struct text value) {
    for (size_t i = 0; i < environment->count; i++) {
        if (text_equal(environment->variables[i].name, name)) {
            environment->variables[i].value = value;
            return;
        }
    }
    environment->variables[environment->count++] = (struct environment_variable){name, value};
}

static struct text duration(struct arena *arena, int64_t duration_ns) {
    char line[32];
    duration_format_ns(duration_ns, line);
    return arena_text(arena, text_of(line));
}

struct environment_of {
    const struct agent *agent;
    struct framework_id framework;
    struct executor_id executor;
    struct text sandbox;
    struct text role; /* empty: not said */
    int64_t grace_ns;
    const struct command_info *command;
};

static struct environment environment_make(struct arena *arena, struct environment_of of) {
    struct environment made = {
        .arena = arena,
        .variables = ARENA_ARRAY(arena, struct environment_variable,
                                 OWN_VARIABLES + of.command->environment_count),
    };
    const struct agent_options *options = &of.agent->options;
    set(&made, TEXT("MESOS_FRAMEWORK_ID"), of.framework.text);
    set(&made, TEXT("MESOS_EXECUTOR_ID"), of.executor.text);
    set(&made, TEXT("MESOS_SLAVE_ID"), agent_own_id(of.agent).text);
    set(&made, TEXT("MESOS_SLAVE_PID"),
        text_of(arena_printf(arena, "slave(1)@%.*s", TEXT_ARGS(options->endpoint))));
    set(&made, TEXT("MESOS_AGENT_ENDPOINT"), options->endpoint);
    set(&made, TEXT("MESOS_DIRECTORY"), of.sandbox);
    set(&made, TEXT("MESOS_SANDBOX"), of.sandbox);
    set(&made, TEXT("MESOS_CHECKPOINT"), TEXT("1"));
    set(&made, TEXT("MESOS_RECOVERY_TIMEOUT"),
        duration(arena, RECOVERY_TIMEOUT_MIN * 60 * 1000000000LL));
    set(&made, TEXT("MESOS_SUBSCRIPTION_BACKOFF_MAX"),
        duration(arena, options->executor_reregistration_timeout_ms * 1000000));
    set(&made, TEXT("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), duration(arena, of.grace_ns));
    set(&made, TEXT("MESOS_HTTP_COMMAND_EXECUTOR"), TEXT("0"));
    set(&made, TEXT("LIBPROCESS_PORT"), TEXT("0"));
    if (options->info.ip.size > 0)
        set(&made, TEXT("LIBPROCESS_IP"), options->info.ip);
    if (of.role.size > 0)
        set(&made, TEXT("MESOS_ALLOCATION_ROLE"), of.role);
    for (size_t i = 0; i < of.command->environment_count; i++)
        set(&made, of.command->environment[i].name, of.command->environment[i].value);
    return made;
}

/* --- launches --- */

static struct text user_of(const struct agent *agent, const struct framework *framework,
                           const struct command_info *command) {
    if (command->user.size > 0)
        return command->user;
    return framework->info.user.size > 0 ? framework->info.user : agent->options.default_user;
}

static void set_command(struct container_launch *launch, const struct command_info *command) {
    launch->shell = command->shell;
    launch->command = command->value;
    if (command->shell)
        return;
    launch->arguments = command->arguments;
    launch->argument_count = command->argument_count;
    if (!command->has_value)
        launch->command = command->arguments[0];
}

static void set_environment(struct container_launch *launch, struct environment environment) {
    launch->environment = environment.variables;
    launch->environment_count = environment.count;
}

/* They could be read when it was admitted; should that not be so any more, it must not run without
 * them, so it gets one that is nowhere. */
static void set_volumes(const struct agent *agent, struct container_launch *launch,
                        const struct resources *set) {
    struct container_volume *volumes;
    struct error error;
    if (!volumes_read(agent, agent->outbox->arena, set, &volumes, &launch->volume_count, &error)) {
        volumes = ARENA_NEW(agent->outbox->arena, struct container_volume);
        volumes->place.root = text_of(arena_printf(agent->outbox->arena, "/ (%s)", error.message));
        volumes->path = TEXT("volume");
        launch->volume_count = 1;
    }
    launch->volumes = volumes;
}

static int64_t grace_ns_of(const struct agent *agent, const struct task *task) {
    return task->info.has_kill_grace ? task->info.kill_grace_ns
                                     : agent->options.kill_grace_ms * 1000000;
}

void launch_task(struct agent *agent, struct task *task) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_LAUNCH);
    effect->after = store_after(agent, task->ticket);
    struct container_launch *launch = &effect->launch;
    launch->id = task->container;
    launch->sandbox = task->sandbox;
    launch->user = user_of(agent, task->framework, &task->info.command);
    launch->hostname = task->info.container.hostname;
    launch->cpu_milli = resources_quantity_milli(&task->resources, agent->kinds, NAME_CPUS);
    launch->cpu_quota_milli = quota_milli(agent, task, launch->cpu_milli);
    launch->memory_bytes = launch_memory_bytes(agent, task);
    launch->stop_at_ms = partition_stop_at_ms(agent, task);
    int64_t grace_ms = grace_ns_of(agent, task) / 1000000;
    launch->stop_grace_ms = grace_ms > 0 ? grace_ms : 0;
    set_volumes(agent, launch, &task->resources);
    set_command(launch, &task->info.command);
    set_environment(launch,
                    environment_make(agent->outbox->arena, (struct environment_of){
                                                               .agent = agent,
                                                               .framework = task->framework->id,
                                                               .executor = task->executor_id,
                                                               .sandbox = task->sandbox,
                                                               .role = task->role,
                                                               .grace_ns = grace_ns_of(agent, task),
                                                               .command = &task->info.command,
                                                           }));
}

struct executor_limits {
    int64_t cpu_milli, cpu_quota_milli, memory_bytes;
};

/* What the executor and its tasks may use together. */
static struct executor_limits limits_of(const struct agent *agent,
                                        const struct executor *executor) {
    AUTO_FINI(resources_fini) struct resources sum = resources_copy(&executor->resources);
    LIST_EACH(at, &executor->tasks) {
        const struct task *task = CONTAINER_OF(at, struct task, in_executor);
        if (!resources_add(&sum, &task->resources))
            break;
    }
    int64_t cpu_milli = resources_quantity_milli(&sum, agent->kinds, NAME_CPUS);
    return (struct executor_limits){
        .cpu_milli = cpu_milli,
        .cpu_quota_milli = agent->options.cpu_quota ? cpu_milli : 0,
        .memory_bytes =
            bytes_of_milli_megabytes(resources_quantity_milli(&sum, agent->kinds, NAME_MEM)),
    };
}

static int64_t executor_grace_ns(const struct agent *agent, const struct executor *executor) {
    return executor->info.has_shutdown_grace ? executor->info.shutdown_grace_ns
                                             : agent->options.executor_shutdown_grace_ms * 1000000;
}

void launch_executor(struct agent *agent, struct executor *executor) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_LAUNCH);
    effect->after = store_after(agent, executor->ticket);
    struct container_launch *launch = &effect->launch;
    struct executor_limits limits = limits_of(agent, executor);
    launch->id = executor->container;
    launch->sandbox = executor->sandbox;
    launch->user = user_of(agent, executor->framework, &executor->info.command);
    launch->hostname = executor->info.container.hostname;
    launch->cpu_milli = limits.cpu_milli;
    launch->cpu_quota_milli = limits.cpu_quota_milli;
    launch->memory_bytes = limits.memory_bytes;
    set_volumes(agent, launch, &executor->resources);
    set_command(launch, &executor->info.command);
    set_environment(launch, environment_make(agent->outbox->arena,
                                             (struct environment_of){
                                                 .agent = agent,
                                                 .framework = executor->framework->id,
                                                 .executor = executor->info.id,
                                                 .sandbox = executor->sandbox,
                                                 .grace_ns = executor_grace_ns(agent, executor),
                                                 .command = &executor->info.command,
                                             }));
    timer_set(agent, &executor->start_timer, agent->options.executor_registration_timeout_ms);
}

void launch_limit_executor(struct agent *agent, const struct executor *executor, bool grows) {
    struct executor_limits limits = limits_of(agent, executor);
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_LIMIT);
    effect->after = store_after(agent, executor->ticket);
    effect->limit.id = executor->container;
    effect->limit.cpu_milli = limits.cpu_milli;
    effect->limit.cpu_quota_milli = limits.cpu_quota_milli;
    effect->limit.memory_bytes = grows ? limits.memory_bytes : 0;
}
