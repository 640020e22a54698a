/*
 * What must hold after every step, said once. Slow: it looks at everything.
 */
#include "agent/core/parts.h"

static bool check_stream(const struct task *task, struct error *why) {
    const struct status_stream *stream = &task->stream;
    size_t count = 0;
    uint64_t last = 0;
    const struct update *tail = NULL;
    LIST_EACH(at, &stream->updates) {
        const struct update *update = CONTAINER_OF(at, struct update, link);
        if (tail != NULL && update->sequence <= last)
            return fail(why, ERROR_INVALID, "updates of %.*s are out of order",
                        TEXT_ARGS(task->id.text));
        if (!update->status.has_uuid || !task_id_equal(update->status.task, task->id))
            return fail(why, ERROR_INVALID, "an update of %.*s is not its own",
                        TEXT_ARGS(task->id.text));
        if (tail != NULL && task_state_is_terminal(tail->status.state))
            return fail(why, ERROR_INVALID, "an update of %.*s follows a terminal one",
                        TEXT_ARGS(task->id.text));
        last = update->sequence;
        tail = update;
        count++;
    }
    if (count != stream->count)
        return fail(why, ERROR_INVALID, "the stream of %.*s counts wrong",
                    TEXT_ARGS(task->id.text));
    if (tail != NULL && tail->status.state != task->state)
        return fail(why, ERROR_INVALID, "the last update of %.*s is not its state",
                    TEXT_ARGS(task->id.text));
    return true;
}

static bool check_task(const struct agent *agent, const struct task *task, struct error *why) {
    bool is_over = task_state_is_terminal(task->state);
    if (is_over != (task->ended || task->is_unknown))
        return fail(why, ERROR_INVALID, "%.*s has ended or not", TEXT_ARGS(task->id.text));
    if (is_over && task->stream.count == 0)
        return fail(why, ERROR_INVALID, "%.*s is over and still here", TEXT_ARGS(task->id.text));
    if (is_over && (task->holds || task->executor != NULL || heap_holds(&task->kill_timer.node)))
        return fail(why, ERROR_INVALID, "%.*s is over and holds something",
                    TEXT_ARGS(task->id.text));
    if (!is_over && !task->holds && !task->framework->is_stopping && !agent->total_has_changed)
        return fail(why, ERROR_INVALID, "%.*s runs and is not counted", TEXT_ARGS(task->id.text));
    if (!is_over && task->is_command) {
        const struct container *container = container_find(agent, task->container);
        if (container == NULL || container->task != task)
            return fail(why, ERROR_INVALID, "%.*s has no container", TEXT_ARGS(task->id.text));
    }
    if (!is_over && !task->is_command &&
        (task->executor == NULL ||
         executor_find(task->framework, task->executor_id) != task->executor))
        return fail(why, ERROR_INVALID, "%.*s has no executor", TEXT_ARGS(task->id.text));
    bool knows_containers =
        agent->recovery == RECOVERY_EXECUTORS || agent->recovery == RECOVERY_DONE;
    if (link_is_listed(&task->in_bound) &&
        (is_over || (knows_containers && partition_is_over(agent, task))))
        return fail(why, ERROR_INVALID, "%.*s goes on without a master", TEXT_ARGS(task->id.text));
    bool may_wait = task->stream.count > 0 && registration_is_done(agent);
    if (heap_holds(&task->stream.retry.node) != may_wait)
        return fail(why, ERROR_INVALID, "the stream of %.*s waits wrongly",
                    TEXT_ARGS(task->id.text));
    return check_stream(task, why);
}

static bool check_executor(const struct agent *agent, const struct executor *executor,
                           struct error *why) {
    const struct container *container = container_find(agent, executor->container);
    if (container == NULL || container->executor != executor)
        return fail(why, ERROR_INVALID, "executor %.*s has no container",
                    TEXT_ARGS(executor->info.id.text));
    size_t queued = 0;
    LIST_EACH(at, &executor->tasks) {
        const struct task *task = CONTAINER_OF(at, struct task, in_executor);
        queued += !task->is_delivered;
        if (task->executor != executor)
            return fail(why, ERROR_INVALID, "%.*s is in a wrong list", TEXT_ARGS(task->id.text));
    }
    if (queued != executor->queued_count)
        return fail(why, ERROR_INVALID, "executor %.*s counts its queue wrong",
                    TEXT_ARGS(executor->info.id.text));
    bool is_bound = executor->connection.value != 0;
    if (is_bound && map_get(&agent->connections, executor->connection.value) != executor)
        return fail(why, ERROR_INVALID, "executor %.*s is not at its connection",
                    TEXT_ARGS(executor->info.id.text));
    return true;
}

struct tally {
    struct resources used;
    size_t tasks, task_bytes, containers;
};

static bool add_up(struct tally *tally, const struct resources *more, struct error *why) {
    if (!resources_add(&tally->used, more))
        return fail(why, ERROR_LIMIT, "the sum of resources is too large");
    return true;
}

static bool check_framework(const struct agent *agent, const struct framework *framework,
                            struct tally *tally, struct error *why) {
    if (framework->tasks.count + framework->executors.count == 0)
        return fail(why, ERROR_INVALID, "framework %.*s is idle and still here",
                    TEXT_ARGS(framework->id.text));
    MAP_EACH(entry, &framework->tasks) {
        const struct task *task = map_value(entry);
        if (!check_task(agent, task, why) || (task->holds && !add_up(tally, &task->resources, why)))
            return false;
        tally->tasks++;
        tally->task_bytes += task_info_bytes(&task->info);
        tally->containers += task->is_command && !task->ended && !task->is_unknown;
    }
    MAP_EACH(entry, &framework->executors) {
        const struct executor *executor = map_value(entry);
        if (!check_executor(agent, executor, why) ||
            (executor->holds && !add_up(tally, &executor->resources, why)))
            return false;
        tally->containers++;
    }
    return true;
}

static bool check_tally(const struct agent *agent, const struct tally *tally, struct error *why) {
    if (!resources_equal(&tally->used, &agent->used))
        return fail(why, ERROR_INVALID, "what is used is not the sum of what uses it");
    if (!agent->total_has_changed && !total_covers(agent, &agent->used))
        return fail(why, ERROR_INVALID, "more is used than there is");
    if (tally->tasks != agent->task_count || tally->task_bytes != agent->task_bytes ||
        tally->containers != agent->containers.count)
        return fail(why, ERROR_INVALID, "tasks or containers are counted wrong");
    return true;
}

/* What a restart would make of what is stored is what is there, and no two volumes have one place.
 */
static bool check_total(const struct agent *agent, struct error *why) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(resources_fini)
    struct resources converted = total_converted(agent->kinds, &agent->total);
    AUTO_FINI(resources_fini) struct resources again = {0};
    struct map places = {0};
    bool is_single = true;
    if (!total_convert(agent->kinds, &agent->configured, &converted, &again, why))
        return false;
    if (!resources_equal(&again, &agent->total))
        return fail(why, ERROR_INVALID, "the total is not what is configured and converted");
    for (uint32_t i = 0; i < converted.count; i++) {
        struct volume_place place;
        if (!kind_is(converted.entries[i].kind, KIND_IS_PERSISTENT) ||
            !volume_place_of(agent, arena, converted.entries[i].kind, &place, NULL))
            continue;
        is_single = is_single && converted.entries[i].copies == 1 &&
                    map_put_text(&places, volume_path(arena, &place), arena) == NULL;
    }
    map_fini(&places, NULL);
    return is_single || fail(why, ERROR_INVALID, "two volumes have one place");
}

bool agent_check(const struct agent *agent, struct error *why) {
    struct tally tally = {0};
    bool good = true;
    MAP_EACH(entry, &agent->frameworks)
        good = good && check_framework(agent, map_value(entry), &tally, why);
    good = good && check_tally(agent, &tally, why) && check_total(agent, why);
    resources_fini(&tally.used);
    return good;
}
