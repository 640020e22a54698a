/*
 * Reading: where output is, and what runs here and ran lately.
 */
#include "agent/core/parts.h"

const struct resources *agent_resources(const struct agent *agent) {
    return &agent->total;
}

void completed_keep(struct agent *agent, const struct task *task) {
    struct completed_task *completed = NEW(struct completed_task);
    size_t framework_size = task->framework->id.text.size, id_size = task->id.text.size;
    char *at = completed->bytes = mem_alloc(framework_size + id_size + task->container.text.size);
    memcpy(at, task->framework->id.text.data, framework_size);
    memcpy(at + framework_size, task->id.text.data, id_size);
    if (task->container.text.size > 0)
        memcpy(at + framework_size + id_size, task->container.text.data, task->container.text.size);
    completed->framework.text = (struct text){at, framework_size};
    completed->id.text = (struct text){at + framework_size, id_size};
    completed->container.text =
        (struct text){at + framework_size + id_size, task->container.text.size};
    completed->state = task->state;
    completed->resources = resources_copy(&task->resources);
    list_append(&agent->completed, &completed->link);
    agent->completed_count++;
    while (agent->completed_count > agent->options.max_completed_tasks)
        completed_drop_oldest(agent);
}

void completed_drop_oldest(struct agent *agent) {
    struct completed_task *oldest =
        CONTAINER_OF(list_first(&agent->completed), struct completed_task, link);
    list_remove(&oldest->link);
    agent->completed_count--;
    resources_fini(&oldest->resources);
    mem_free(oldest->bytes);
    mem_free(oldest);
}

void completed_fini(struct agent *agent) {
    while (agent->completed_count > 0)
        completed_drop_oldest(agent);
}

static const struct task *live_task(const struct agent *agent, struct framework_id framework,
                                    struct task_id id) {
    if (framework.text.size > 0)
        return task_find(agent, framework, id);
    const struct task *found = NULL;
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *owner = map_value(entry);
        const struct task *task = map_get_text(&owner->tasks, id.text);
        if (task == NULL)
            continue;
        if (found != NULL)
            return NULL;
        found = task;
    }
    return found;
}

static bool ended_sandbox(const struct agent *agent, struct framework_id framework,
                          struct task_id task, struct sandbox_view *out) {
    const struct sandbox *found = NULL;
    MAP_EACH(entry, &agent->sandboxes) {
        const struct sandbox *sandbox = map_value(entry);
        if (!task_id_equal(sandbox->task, task) ||
            (framework.text.size > 0 && !framework_id_equal(sandbox->framework, framework)))
            continue;
        if (found != NULL && !framework_id_equal(found->framework, sandbox->framework))
            return false;
        found = sandbox;
    }
    if (found == NULL)
        return false;
    *out = (struct sandbox_view){.container = found->container,
                                 .path = found->path,
                                 .stdout_rotations = found->stdout_rotations,
                                 .stderr_rotations = found->stderr_rotations,
                                 .dropped_bytes = found->dropped_bytes};
    return true;
}

bool agent_find_sandbox(const struct agent *agent, struct framework_id framework, struct task_id id,
                        struct sandbox_view *out) {
    const struct task *task = live_task(agent, framework, id);
    if (task != NULL && task->is_command && !task->ended) {
        *out = (struct sandbox_view){
            .container = task->container, .path = task->sandbox, .running = true};
        return true;
    }
    if (task != NULL && task->executor != NULL) {
        *out = (struct sandbox_view){.container = task->executor->container,
                                     .path = task->executor->sandbox,
                                     .running = true};
        return true;
    }
    return ended_sandbox(agent, framework, id, out);
}

void agent_each_task(const struct agent *agent,
                     void (*fn)(void *self, const struct agent_task_view *view), void *self) {
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->tasks) {
            const struct task *task = map_value(place);
            if (task->is_unknown)
                continue;
            fn(self, &(struct agent_task_view){
                         .framework = framework->id,
                         .id = task->id,
                         .container =
                             task->executor != NULL ? task->executor->container : task->container,
                         .state = task->state,
                         .resources = &task->resources,
                     });
        }
    }
    LIST_EACH(at, &agent->completed) {
        const struct completed_task *task = CONTAINER_OF(at, struct completed_task, link);
        fn(self, &(struct agent_task_view){
                     .framework = task->framework,
                     .id = task->id,
                     .container = task->container,
                     .state = task->state,
                     .completed = true,
                     .resources = &task->resources,
                 });
    }
}

bool agent_runs_container(const struct agent *agent, struct container_id id) {
    return map_get_text(&agent->containers, id.text) != NULL;
}

bool agent_knows_container(const struct agent *agent, struct container_id id) {
    return agent_runs_container(agent, id) || map_get_text(&agent->sandboxes, id.text) != NULL;
}

static void count_executor(struct agent_counts *counts, const struct executor *executor) {
    switch (executor->state) {
    case EXECUTOR_REGISTERING: counts->executors_registering++; return;
    case EXECUTOR_RUNNING: counts->executors_running++; return;
    case EXECUTOR_TERMINATING: counts->executors_terminating++; return;
    }
}

static void count_task(struct agent_counts *counts, const struct task *task) {
    counts->tasks_staging += task->state == TASK_STATE_STAGING;
    counts->tasks_starting += task->state == TASK_STATE_STARTING;
    counts->tasks_running += task->state == TASK_STATE_RUNNING;
    counts->tasks_killing += task->state == TASK_STATE_KILLING;
    counts->updates_waiting += task->stream.count;
}

struct agent_counts agent_count(const struct agent *agent) {
    struct agent_counts counts = {
        .is_registered = registration_is_done(agent),
        .frameworks = agent->frameworks.count,
        .sandboxes = agent->sandboxes.count,
        .tasks_by_state = agent->tasks_by_state,
    };
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->executors)
            count_executor(&counts, map_value(place));
        MAP_EACH(place, &framework->tasks)
            count_task(&counts, map_value(place));
    }
    return counts;
}
