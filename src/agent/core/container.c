/*
 * The index of containers, and what is heard of them.
 */
#include "agent/core/parts.h"

#include <assert.h>

struct container *container_find(const struct agent *agent, struct container_id id) {
    return map_get_text(&agent->containers, id.text);
}

void container_add(struct agent *agent, struct container_id id, struct task *task,
                   struct executor *executor) {
    struct container *container = NEW(struct container);
    container->task = task;
    container->executor = executor;
    void *old = map_put_text(&agent->containers, id.text, container);
    assert(old == NULL);
}

void container_remove(struct agent *agent, struct container_id id) {
    mem_free(map_remove_text(&agent->containers, id.text));
}

static void task_container_started(struct agent *agent, struct task *task,
                                   const struct agent_event *event) {
    bool was_awaited = task->is_awaited;
    task->is_awaited = false;
    bool is_news = !task->started;
    task->started = true;
    task->pid = event->started.pid;
    task->start_time = event->started.start_time;
    if (!was_awaited)
        return is_news ? task_started(agent, task) : (void)0;
    if (is_news)
        task_started(agent, task);
    else
        task_set_completion_timer(agent, task);
    if (task->kill_wanted)
        kill_resume(agent, task);
}

static void executor_container_started(struct agent *agent, struct executor *executor,
                                       const struct agent_event *event) {
    bool is_news = !executor->started;
    if (executor->is_awaited && executor->state == EXECUTOR_TERMINATING)
        effect_container(agent, AGENT_EFFECT_DESTROY, executor->container, 9, 0);
    executor->is_awaited = false;
    executor->started = true;
    executor->pid = event->started.pid;
    executor->start_time = event->started.start_time;
    if (is_news)
        executor_started(agent, executor);
}

void container_started(struct agent *agent, const struct agent_event *event) {
    struct container *container = container_find(agent, event->started.id);
    if (container == NULL) {
        effect_note(agent, AGENT_NOTE_WARNING, "container_unknown", "container=%.*s",
                    TEXT_ARGS(event->started.id.text));
        struct container_id id =
            container_id_of(arena_text(agent->outbox->arena, event->started.id.text));
        return effect_container(agent, AGENT_EFFECT_DESTROY, id, 9, 0);
    }
    if (container->task != NULL)
        task_container_started(agent, container->task, event);
    else
        executor_container_started(agent, container->executor, event);
}

static void keep_sandbox(struct agent *agent, const struct container *container,
                         const struct agent_event *event) {
    const struct task *task = container->task;
    const struct executor *executor = container->executor;
    struct sandbox sandbox = {
        .container = task != NULL ? task->container : executor->container,
        .framework = task != NULL ? task->framework->id : executor->framework->id,
        .task = task != NULL ? task->id : task_id_of(executor->info.id.text),
        .path = task != NULL ? task->sandbox : executor->sandbox,
        .ended_ns = agent->wall_ns,
        .stdout_rotations = event->ended.stdout_rotations,
        .stderr_rotations = event->ended.stderr_rotations,
        .dropped_bytes = event->ended.dropped_bytes,
    };
    sandbox_keep(agent, &sandbox);
}

void container_ended(struct agent *agent, const struct agent_event *event) {
    struct container_id id =
        container_id_of(arena_text(agent->outbox->arena, event->ended.id.text));
    struct container *container = container_find(agent, id);
    if (container == NULL)
        return effect_container(agent, AGENT_EFFECT_FORGET, id, 0, agent->last_ticket);
    struct container ended = *container;
    bool is_awaited = ended.task != NULL ? ended.task->is_awaited : ended.executor->is_awaited;
    bool was_started = ended.task != NULL ? ended.task->started : ended.executor->started;
    if (is_awaited && !was_started && event->ended.outcome == CONTAINER_OUTCOME_LAUNCH_FAILED)
        return recovery_never_begun(agent, container);

    keep_sandbox(agent, &ended, event);
    container_remove(agent, id);
    if (ended.task != NULL && event->ended.stopped)
        partition_was_stopped(agent, ended.task);
    if (ended.task != NULL)
        task_ended(agent, ended.task, event);
    else
        executor_ended(agent, ended.executor, event);
    effect_container(agent, AGENT_EFFECT_FORGET, id, 0, store_ticket(agent));
    recovery_check_executors(agent);
}
