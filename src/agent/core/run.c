/*
 * RUN_TASK: a task is checked, stored with its framework (and executor), and only then launched or
 * handed to its executor. What cannot be taken is answered at once with an update that needs no
 * record.
 */
#include "agent/core/parts.h"

/* What this agent cannot do for a command in a container; NULL when it can. */
static const char *lacking(const struct command_info *command,
                           const struct container_request *container) {
    if (!command->is_set)
        return "it has no command";
    if (!command->has_value && command->argument_count == 0)
        return "its command is empty";
    if (command->uri_count > 0)
        return "this agent cannot fetch URIs";
    if (command->has_secret)
        return "this agent has no secret store";
    if (!container->is_set)
        return NULL;
    if (container->is_docker)
        return "this agent has no Docker containerizer";
    if (container->has_image)
        return "this agent cannot run images";
    if (container->volume_count > 0)
        return "this agent cannot mount volumes";
    if (container->network_count > 0)
        return "this agent cannot join container networks";
    return NULL;
}

static const char *refusal_of(const struct task_info *info) {
    if (!info->executor.is_set) {
        if (info->has_health_check || info->has_check)
            return "this agent cannot check command tasks";
        return lacking(&info->command, &info->container);
    }
    if (info->executor.type == EXECUTOR_TYPE_DEFAULT)
        return "this agent has no default executor";
    return lacking(&info->executor.command, &info->executor.container);
}

static bool has_user(const struct agent *agent, const struct framework *framework,
                     const struct command_info *command) {
    return command->user.size > 0 || framework->info.user.size > 0 ||
           agent->options.default_user.size > 0;
}

/* The framework of a task that arrives, with its newest description. */
static struct framework *framework_of(struct agent *agent, const struct master_message *message,
                                      struct error *error) {
    struct text info = message->run_task.framework_info;
    struct framework *framework = framework_find(agent, message->run_task.framework);
    if (framework == NULL)
        return framework_add(agent, message->run_task.framework, info, error);
    if (info.size == 0 || text_equal(framework->info.encoded, info))
        return framework;
    if (!framework_replace_info(agent, framework, info, error))
        return NULL;
    if (framework->is_stored)
        framework_store(agent, framework);
    return framework;
}

/* Counts what the task and a new executor take as used; false when the agent has not got it free:
 * what the master thinks free may still be held by tasks of a framework that it has removed. */
static bool claim(struct agent *agent, struct task *task, struct executor *fresh) {
    AUTO_FINI(resources_fini) struct resources needed = resources_copy(&task->resources);
    if ((fresh != NULL && !resources_add(&needed, &fresh->resources)) ||
        !total_has_free(agent, &needed) || !resources_add(&agent->used, &needed))
        return false;
    task->holds = true;
    if (fresh != NULL)
        fresh->holds = true;
    return true;
}

static void refuse(struct agent *agent, struct task *task, enum task_reason reason,
                   struct text message) {
    task->is_unknown = true; /* it never has a record */
    struct status_of status = {
        .state = task_never_ran(task->framework), .reason = reason, .message = message};
    if (reason == TASK_REASON_CONTAINER_LAUNCH_FAILED)
        status.state = TASK_STATE_FAILED;
    task_report(agent, task, status);
}

static void run_command(struct agent *agent, struct task *task) {
    if (!claim(agent, task, NULL))
        return refuse(agent, task, TASK_REASON_RESOURCES_UNKNOWN,
                      TEXT("The agent has not got these resources"));
    task->container = launch_new_id(agent, task->arena);
    task->sandbox = launch_sandbox(agent, task->arena, task->framework->id, task->container);
    container_add(agent, task->container, task, NULL);
    if (!task->framework->is_stored)
        framework_store(agent, task->framework);
    task_store(agent, task);
    partition_bind(agent, task);
    launch_task(agent, task);
}

static struct executor *executor_for(struct agent *agent, struct task *task, bool *fresh) {
    struct executor *executor = executor_find(task->framework, task->info.executor.id);
    *fresh = executor == NULL;
    if (executor != NULL)
        return executor;
    struct error error = {0};
    executor = executor_new(agent, task->framework, task->info.executor.encoded, &error);
    if (executor == NULL)
        refuse(agent, task, TASK_REASON_TASK_INVALID,
               arena_text(agent->outbox->arena, text_of(error.message)));
    return executor;
}

static void run_in_executor(struct agent *agent, struct task *task) {
    bool fresh;
    struct executor *executor = executor_for(agent, task, &fresh);
    if (executor == NULL)
        return;
    if (executor->state == EXECUTOR_TERMINATING)
        return refuse(agent, task, TASK_REASON_EXECUTOR_TERMINATED,
                      TEXT("Its executor is terminating"));
    if (executor->queued_count >= AGENT_QUEUED_TASKS_LIMIT)
        return refuse(agent, task, TASK_REASON_TASK_INVALID,
                      TEXT("Too many tasks wait for its executor"));
    if (!claim(agent, task, fresh ? executor : NULL)) {
        if (fresh)
            executor_forget(agent, executor);
        return refuse(agent, task, TASK_REASON_RESOURCES_UNKNOWN,
                      TEXT("The agent has not got these resources"));
    }
    if (!task->framework->is_stored)
        framework_store(agent, task->framework);
    executor_add_task(agent, executor, task);
    task_store(agent, task);
    partition_bind(agent, task);
    if (fresh) {
        executor->role = arena_text(executor->arena, task->role);
        executor_store(agent, executor);
        launch_executor(agent, executor);
    } else {
        launch_limit_executor(agent, executor, true);
        executor_deliver(agent, task);
    }
}

/* Its volumes could be mounted, were they there. They are mounted when a container starts, so a
 * task cannot bring its own into its executor's. */
static bool check_volumes(struct agent *agent, const struct task *task, struct error *error) {
    struct arena *arena = agent->outbox->arena;
    struct container_volume *volumes;
    size_t count = 0;
    if (task->is_command)
        return volumes_read(agent, arena, &task->resources, &volumes, &count, error);
    for (uint32_t i = 0; i < task->resources.count; i++) {
        if (kind_is(task->resources.entries[i].kind, KIND_IS_PERSISTENT))
            return fail(error, ERROR_UNSUPPORTED,
                        "a volume for a task with an executor must be among the executor's own "
                        "resources");
    }
    return task->info.executor.resources == NULL ||
           volumes_read(agent, arena, task->info.executor.resources, &volumes, &count, error);
}

static void admit(struct agent *agent, struct task *task, const struct master_message *message) {
    struct error error = {0};
    if (agent->is_draining)
        return refuse(agent, task, TASK_REASON_AGENT_DRAINING, TEXT("The agent is draining"));
    if (agent->task_bytes + task_info_bytes(&message->run_task.task) > AGENT_TASKS_BYTES_LIMIT)
        return refuse(agent, task, TASK_REASON_TASK_INVALID,
                      TEXT("The descriptions of the agent's tasks are too large together"));
    if (!task_read(agent, task, message->run_task.task.encoded, &error))
        return refuse(agent, task, TASK_REASON_TASK_INVALID,
                      arena_text(agent->outbox->arena, text_of(error.message)));
    const char *why = refusal_of(&task->info);
    if (why != NULL)
        return refuse(agent, task, TASK_REASON_CONTAINER_LAUNCH_FAILED,
                      text_of(arena_printf(agent->outbox->arena, "Cannot run it: %s", why)));
    if (!check_volumes(agent, task, &error))
        return refuse(
            agent, task, TASK_REASON_CONTAINER_LAUNCH_FAILED,
            text_of(arena_printf(agent->outbox->arena, "Cannot run it: %s", error.message)));
    const struct command_info *command =
        task->is_command ? &task->info.command : &task->info.executor.command;
    if (!has_user(agent, task->framework, command))
        return refuse(agent, task, TASK_REASON_EXECUTOR_TERMINATED,
                      TEXT("Neither task nor framework names a user"));
    if (agent->task_count > AGENT_TASKS_LIMIT)
        return refuse(agent, task, TASK_REASON_TASK_INVALID, TEXT("The agent has too many tasks"));
    task->role = arena_text(task->arena, message->run_task.role);
    task->launched_ns = agent->wall_ns;
    task->launched_boot_ms = timer_boot_clock_ms(agent);
    if (task->is_command)
        run_command(agent, task);
    else
        run_in_executor(agent, task);
}

/* Ids name directories, so none that is not valid gets any further. */
static bool ids_are_valid(const struct master_message *message) {
    const struct executor_info *executor = &message->run_task.task.executor;
    return id_is_valid(message->run_task.framework.text, NULL) &&
           id_is_valid(message->run_task.task.id.text, NULL) &&
           (!executor->is_set || id_is_valid(executor->id.text, NULL));
}

void task_run(struct agent *agent, const struct master_message *message) {
    struct framework_id framework_id = message->run_task.framework;
    struct task_id id = message->run_task.task.id;
    if (!ids_are_valid(message)) {
        effect_note(agent, AGENT_NOTE_ERROR, "task_ignored", "why=\"an id is not valid\"");
        return;
    }
    const struct task *known = task_find(agent, framework_id, id);
    if (known != NULL) {
        bool same = text_equal(known->info.encoded, message->run_task.task.encoded);
        effect_note(agent, AGENT_NOTE_WARNING, "task_ignored", "task=%.*s why=\"%s\"",
                    TEXT_ARGS(id.text), same ? "it is here already" : "another one has its id");
        return;
    }
    struct error error = {0};
    struct framework *framework = framework_of(agent, message, &error);
    if (framework == NULL)
        return task_answer_unknown(agent, framework_id, id, TASK_REASON_TASK_INVALID,
                                   arena_text(agent->outbox->arena, text_of(error.message)));
    if (framework->is_stopping) {
        effect_note(agent, AGENT_NOTE_WARNING, "task_ignored",
                    "task=%.*s why=\"its framework is being shut down\"", TEXT_ARGS(id.text));
        return;
    }
    admit(agent, task_new(agent, framework, id), message);
}
