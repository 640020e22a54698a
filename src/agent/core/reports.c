/*
 * What the agent tells a master when it (re)registers: all it has, so that a new master learns the
 * cluster from its agents.
 */
#include "agent/core/parts.h"

static bool is_worth_reporting(const struct framework *framework) {
    return framework->info.encoded.size > 0 && !framework->is_stopping;
}

/* What waits to be stored has not been sent, and after a crash what was before it is sent first. */
static const struct update *sent_update(const struct agent *agent, const struct task *task) {
    const struct update *head = stream_head(&task->stream);
    return head != NULL && store_after(agent, head->ticket) == 0 ? head : NULL;
}

static struct task_report report_of(const struct agent *agent, const struct task *task) {
    const struct update *head = sent_update(agent, task);
    return (struct task_report){
        .framework = task->framework->id,
        .id = task->id,
        .executor = task->is_command ? (struct executor_id){{0}} : task->executor_id,
        .name = task->info.name,
        .role = task->role,
        .resources = &task->resources,
        .latest_state = task->state,
        .sent_state = head != NULL ? head->status.state : task->stream.sent_state,
        .running_since_ns = task->running_since_ns,
        .sent_ns = head != NULL ? head->status.timestamp_ns : task->stream.sent_ns,
        .has_sent_uuid = head != NULL,
        .sent_uuid = head != NULL ? head->status.uuid : (struct uuid){{0}},
        .info = task->info.encoded,
    };
}

static size_t report_tasks(const struct agent *agent, const struct framework *framework,
                           struct task_report *out) {
    size_t count = 0;
    MAP_EACH(entry, &framework->tasks) {
        const struct task *task = map_value(entry);
        if (!task->is_unknown)
            out[count++] = report_of(agent, task);
    }
    return count;
}

static size_t report_executors(const struct framework *framework, struct executor_report *out) {
    size_t count = 0;
    MAP_EACH(entry, &framework->executors) {
        const struct executor *executor = map_value(entry);
        out[count++] = (struct executor_report){
            .framework = framework->id,
            .info = executor->info.encoded,
            .id = executor->info.id,
            .role = executor->role,
            .resources = &executor->resources,
        };
    }
    return count;
}

static size_t executor_total(const struct agent *agent) {
    size_t count = 0;
    MAP_EACH(entry, &agent->frameworks)
        count += ((const struct framework *)map_value(entry))->executors.count;
    return count;
}

void report_register(struct agent *agent) {
    struct arena *arena = agent->outbox->arena;
    struct framework_report *frameworks =
        ARENA_ARRAY(arena, struct framework_report, agent->frameworks.count);
    struct executor_report *executors =
        ARENA_ARRAY(arena, struct executor_report, executor_total(agent));
    struct task_report *tasks = ARENA_ARRAY(arena, struct task_report, agent->task_count);
    size_t framework_count = 0, executor_count = 0, task_count = 0;
    MAP_EACH(entry, &agent->frameworks) {
        const struct framework *framework = map_value(entry);
        if (!is_worth_reporting(framework))
            continue;
        frameworks[framework_count++] =
            (struct framework_report){framework->id, framework->info.encoded};
        executor_count += report_executors(framework, executors + executor_count);
        task_count += report_tasks(agent, framework, tasks + task_count);
    }

    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_SEND_MASTER);
    struct agent_message *message = &effect->master;
    message->kind = AGENT_MESSAGE_REGISTER;
    message->register_agent.info = agent->options.info;
    message->register_agent.info.id = agent_own_id(agent);
    message->register_agent.info.resources = &agent->total;
    agent->owes_total = false;
    message->register_agent.frameworks = frameworks;
    message->register_agent.framework_count = framework_count;
    message->register_agent.executors = executors;
    message->register_agent.executor_count = executor_count;
    message->register_agent.tasks = tasks;
    message->register_agent.task_count = task_count;
}
