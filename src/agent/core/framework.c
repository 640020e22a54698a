/*
 * A framework is here as long as anything of it is: a task, an executor, an update that waits. With
 * the last of them its record goes too.
 */
#include "agent/core/parts.h"

struct framework *framework_find(const struct agent *agent, struct framework_id id) {
    return map_get_text(&agent->frameworks, id.text);
}

bool framework_replace_info(struct agent *agent, struct framework *framework, struct text info,
                            struct error *error) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct text bytes = arena_text(arena, info);
    struct framework_info read = {0};
    if (!agent->options.codec.read_framework(arena, agent->kinds, bytes, &read, error))
        return fail_context(error, "framework %.*s", TEXT_ARGS(framework->id.text));
    read.id = framework->id;
    read.encoded = bytes;
    if (framework->info_arena != NULL)
        VEC_PUSH(&agent->dead_arenas, framework->info_arena);
    framework->info_arena = TAKE(arena);
    framework->info = read;
    return true;
}

struct framework *framework_add(struct agent *agent, struct framework_id id, struct text info,
                                struct error *error) {
    struct framework *framework = NEW(struct framework);
    framework->arena = arena_new();
    framework->id = framework_id_of(arena_text(framework->arena, id.text));
    framework->info.id = framework->id;
    if (info.size > 0 && !framework_replace_info(agent, framework, info, error)) {
        framework_free(framework);
        return NULL;
    }
    map_put_text(&agent->frameworks, id.text, framework);
    return framework;
}

void framework_free(struct framework *framework) {
    if (framework == NULL)
        return;
    map_fini(&framework->tasks, NULL);
    map_fini(&framework->executors, NULL);
    arena_free(framework->arena);
    arena_free(framework->info_arena);
    mem_free(framework);
}

void framework_store(struct agent *agent, struct framework *framework) {
    struct agent_record record = {.kind = AGENT_RECORD_FRAMEWORK};
    record.framework.id = framework->id;
    record.framework.info = framework->info.encoded;
    store_put(agent, key_framework(agent, framework->id), &record);
    framework->is_stored = true;
}

/* The master has given its resources away already: they are not counted here any more either. */
static void stop_task(struct agent *agent, struct task *task) {
    stream_drop(agent, task);
    if (task->executor == NULL && (task->ended || task->is_unknown))
        return task_complete(agent, task);
    task_settle_resources(agent, task);
    if (!task->is_command)
        return;
    struct kill_order order = {.by = TEXT("master")};
    kill_task(agent, task, &order);
}

void framework_shutdown(struct agent *agent, struct framework *framework) {
    if (framework->is_stopping)
        return;
    framework->is_stopping = true;
    effect_note(agent, AGENT_NOTE_INFO, "framework_shutdown", "framework=%.*s",
                TEXT_ARGS(framework->id.text));
    MAP_EACH(entry, &framework->tasks)
        stop_task(agent, map_value(entry));
    MAP_EACH(entry, &framework->executors)
        executor_shutdown(agent, map_value(entry), TASK_REASON_FRAMEWORK_REMOVED,
                          "Framework removed");
    framework_forget_if_idle(agent, framework);
}

void framework_forget_if_idle(struct agent *agent, struct framework *framework) {
    if (framework->tasks.count > 0 || framework->executors.count > 0 ||
        framework_find(agent, framework->id) != framework)
        return;
    if (framework->is_stored)
        store_remove(agent, key_framework(agent, framework->id));
    map_remove_text(&agent->frameworks, framework->id.text);
    VEC_PUSH(&agent->dead_frameworks, framework);
}
