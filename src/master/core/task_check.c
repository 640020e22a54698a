/*
 * Shape first, then what our agents can serve, then the resources.
 */
#include "master/core/task_check.h"

#include "common/base/buf.h"
#include "common/model/resources_text.h"
#include "common/model/value_text.h"
#include "master/core/task_book.h"

enum { WHOLE_MILLI = 1000 };

static bool check_id(const char *what, struct text id, struct error *why) {
    const char *reason;
    if (!id_is_valid(id, &reason))
        return fail(why, ERROR_INVALID, "%s id '%.*s' %s", what,
                    (int)(id.size < ID_BYTES_LIMIT ? id.size : ID_BYTES_LIMIT),
                    id.data != NULL ? id.data : "", reason);
    return true;
}

static bool check_shape(const struct launch_place *place, const struct task_info *task,
                        struct error *why) {
    if (!check_id("task", task->id.text, why))
        return false;
    if (task_book_find(place->framework, task->id) != NULL ||
        map_get_text(&place->framework->unreachable, task->id.text) != NULL)
        return fail(why, ERROR_EXISTS, "task id '%.*s' is in use", TEXT_ARGS(task->id.text));
    if (!agent_id_equal(task->agent, place->agent->info.id))
        return fail(why, ERROR_INVALID, "it names agent '%.*s', but the offer is of '%.*s'",
                    TEXT_ARGS(task->agent.text), TEXT_ARGS(place->agent->info.id.text));
    if (task->fault.size > 0)
        return fail(why, ERROR_INVALID, "%.*s", TEXT_ARGS(task->fault));
    if (task->command.is_set == task->executor.is_set)
        return fail(why, ERROR_INVALID, "it must have either a command or an executor");
    if (task->has_kill_grace && task->kill_grace_ns < 0)
        return fail(why, ERROR_INVALID, "its kill policy's grace period is negative");
    if (task->has_max_completion && task->max_completion_ns < 0)
        return fail(why, ERROR_INVALID, "its max_completion_time is negative");
    return true;
}

/* What is asked for and no agent of ours does yet is refused by name, not forgotten. */
static bool check_container(const struct container_request *container, struct error *why) {
    if (!container->is_set)
        return true;
    if (container->is_docker)
        return fail(why, ERROR_UNSUPPORTED, "DOCKER containers are not served by the agents");
    if (container->has_image)
        return fail(why, ERROR_UNSUPPORTED, "container images are not served by the agents");
    if (container->volume_count > 0)
        return fail(why, ERROR_UNSUPPORTED, "volumes are not served by the agents");
    if (container->network_count > 0)
        return fail(why, ERROR_UNSUPPORTED, "network_infos are not served by the agents");
    return true;
}

static bool check_command(const struct command_info *command, struct error *why) {
    if (command->uri_count > 0)
        return fail(why, ERROR_UNSUPPORTED, "URIs are not fetched by the agents");
    if (command->has_secret)
        return fail(why, ERROR_UNSUPPORTED, "secrets are not served by the agents");
    return true;
}

static bool check_service(const struct task_info *task, struct error *why) {
    if (task->has_health_check)
        return fail(why, ERROR_UNSUPPORTED, "health checks are not served by the agents");
    if (task->has_check)
        return fail(why, ERROR_UNSUPPORTED, "checks are not served by the agents");
    return check_container(&task->container, why) && check_command(&task->command, why);
}

static bool check_executor(const struct launch_place *place, const struct task_info *task,
                           struct error *why) {
    const struct executor_info *executor = &task->executor;
    if (!executor->is_set)
        return true;
    if (!check_id("executor", executor->id.text, why))
        return false;
    if (executor->framework.text.size > 0 &&
        !framework_id_equal(executor->framework, place->framework->info.id))
        return fail(why, ERROR_INVALID, "its executor names framework '%.*s'",
                    TEXT_ARGS(executor->framework.text));
    if (executor->type != EXECUTOR_TYPE_UNSET && executor->type != EXECUTOR_TYPE_CUSTOM)
        return fail(why, ERROR_INVALID, "an executor launched by LAUNCH must be of type CUSTOM");
    if (!executor->command.is_set)
        return fail(why, ERROR_INVALID, "its executor has no command");
    if (!check_container(&executor->container, why) || !check_command(&executor->command, why))
        return fail_context(why, "executor");
    if (place->executor != NULL && !text_equal(place->executor->info, executor->encoded))
        return fail(why, ERROR_INVALID,
                    "executor '%.*s' runs already on the agent and differs from this one",
                    TEXT_ARGS(executor->id.text));
    return true;
}

static bool check_limit(const struct task_info *task, const struct task_limit *limit,
                        struct error *why) {
    uint32_t kind = text_equal(limit->name, TEXT("cpus"))  ? KIND_CPUS
                    : text_equal(limit->name, TEXT("mem")) ? KIND_MEM
                                                           : 0;
    if (kind == 0)
        return fail(why, ERROR_INVALID, "there is no limit '%.*s', only cpus and mem",
                    TEXT_ARGS(limit->name));
    if (!limit->is_infinite && limit->milli < resources_scalar_milli(task->resources, kind))
        return fail(why, ERROR_INVALID, "its limit of %.*s is below its request",
                    TEXT_ARGS(limit->name));
    return true;
}

static bool check_amounts(const struct master *master, const struct launch_place *place,
                          const struct task_info *task, const struct resources *needs,
                          struct error *why) {
    if (resources_is_empty(task->resources))
        return fail(why, ERROR_INVALID, "it asks for no resources");
    if (task->resources_name_two_roles)
        return fail(why, ERROR_INVALID, "its resources are allocated to more than one role");
    if (task->resource_role.size > 0 && !text_equal(task->resource_role, place->role))
        return fail(why, ERROR_INVALID,
                    "its resources are allocated to role '%.*s', the offer to '%.*s'",
                    TEXT_ARGS(task->resource_role), TEXT_ARGS(place->role));
    if (resources_quantity_milli(needs, master->kinds, NAME_GPUS) % WHOLE_MILLI != 0)
        return fail(why, ERROR_INVALID, "gpus must be a whole number");
    if (resources_mixes_revocable(needs, master->kinds))
        return fail(why, ERROR_INVALID, "it mixes revocable and other resources of one name");
    for (size_t i = 0; i < task->limit_count; i++)
        if (!check_limit(task, &task->limits[i], why))
            return false;
    return true;
}

/* Names the first scalar that is short, with its reservation and volume; ranges and sets are named
 * without amounts. */
static bool fail_short(const struct master *master, const struct resources *needs,
                       const struct resources *available, struct error *why) {
    for (uint32_t i = 0; i < needs->count; i++) {
        const struct resource *one = &needs->entries[i];
        struct resources single = {(struct resource *)one, 1, 0};
        if (resources_contains(available, &single))
            continue;
        if (kind_type(one->kind) != VALUE_SCALAR)
            return fail(why, ERROR_INVALID, "it asks for %.*s that the offer does not have",
                        TEXT_ARGS(kinds_info(master->kinds, one->kind)->name));
        AUTO_FINI(buf_fini) struct buf asked = {0};
        AUTO_FINI(buf_fini) struct buf left = {0};
        resources_print(&single, master->kinds, &asked);
        milli_print(resources_scalar_milli(available, one->kind), &left);
        return fail(why, ERROR_INVALID, "it asks for %s, the offer has %s of that left",
                    buf_string(&asked), buf_string(&left));
    }
    return fail(why, ERROR_INVALID, "its resources are not contained in the offer");
}

struct resources task_check_needs(const struct launch_place *place, const struct task_info *task) {
    struct resources needs = resources_copy(task->resources);
    bool is_new = task->executor.is_set && place->executor == NULL;
    if (is_new && !resources_add(&needs, task->executor.resources))
        resources_clear(&needs);
    return needs;
}

bool task_check(const struct master *master, const struct launch_place *place,
                const struct task_info *task, struct error *why) {
    if (!check_shape(place, task, why) || !check_executor(place, task, why) ||
        !check_service(task, why))
        return false;
    AUTO_FINI(resources_fini) struct resources needs = task_check_needs(place, task);
    if (resources_is_empty(&needs) && !resources_is_empty(task->resources))
        return fail(why, ERROR_LIMIT, "its resources are beyond every machine");
    return check_amounts(master, place, task, &needs, why) &&
           (resources_contains(place->available, &needs) ||
            fail_short(master, &needs, place->available, why));
}
