/*
 * The directories of ended containers: kept for a while for people, then removed by age, and
 * earlier when the disk fills. One whose task still has updates to be acknowledged stays.
 */
#include "agent/core/parts.h"

static struct sandbox *sandbox_copy(const struct sandbox *from) {
    struct sandbox *copy = NEW(struct sandbox);
    *copy = *from;
    struct text *texts[] = {&copy->container.text, &copy->framework.text, &copy->task.text,
                            &copy->path};
    size_t size = 0;
    for (size_t i = 0; i < 4; i++)
        size += texts[i]->size;
    char *at = copy->bytes = mem_alloc(size);
    for (size_t i = 0; i < 4; i++) {
        if (texts[i]->size > 0)
            memcpy(at, texts[i]->data, texts[i]->size);
        texts[i]->data = at;
        at += texts[i]->size;
    }
    return copy;
}

void sandbox_free(struct sandbox *sandbox) {
    if (sandbox == NULL)
        return;
    mem_free(sandbox->bytes);
    mem_free(sandbox);
}

void sandbox_restore(struct agent *agent, const struct sandbox *sandbox) {
    struct sandbox *copy = sandbox_copy(sandbox);
    sandbox_free(map_put_text(&agent->sandboxes, copy->container.text, copy));
}

static void sandbox_remove(struct agent *agent, struct sandbox *sandbox) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_REMOVE_SANDBOX);
    effect->sandbox = sandbox->path;
    store_remove(agent, key_sandbox(agent, sandbox->container));
    map_remove_text(&agent->sandboxes, sandbox->container.text);
    VEC_PUSH(&agent->dead_sandboxes, sandbox);
}

void sandbox_keep(struct agent *agent, const struct sandbox *sandbox) {
    sandbox_restore(agent, sandbox);
    struct agent_record record = {.kind = AGENT_RECORD_SANDBOX};
    record.sandbox.path = sandbox->path;
    record.sandbox.framework = sandbox->framework;
    record.sandbox.task = sandbox->task;
    record.sandbox.ended_ns = sandbox->ended_ns;
    record.sandbox.stdout_rotations = sandbox->stdout_rotations;
    record.sandbox.stderr_rotations = sandbox->stderr_rotations;
    record.sandbox.dropped_bytes = sandbox->dropped_bytes;
    store_put(agent, key_sandbox(agent, sandbox->container), &record);
    if (agent->sandboxes.count > AGENT_SANDBOXES_LIMIT)
        sandbox_remove(agent, map_first(&agent->sandboxes));
}

static bool is_free(const struct agent *agent, const struct sandbox *sandbox) {
    const struct task *task = task_find(agent, sandbox->framework, sandbox->task);
    return task == NULL || !container_id_equal(task->container, sandbox->container);
}

/* An end that is still to come is of a clock that was set back since: its age begins now. */
static int64_t age_of(const struct agent *agent, struct sandbox *sandbox) {
    if (sandbox->ended_ns > agent->wall_ns)
        sandbox->ended_ns = agent->wall_ns;
    return agent->wall_ns - sandbox->ended_ns;
}

void sandbox_remove_older(struct agent *agent, int64_t age_ns) {
    MAP_EACH(entry, &agent->sandboxes) {
        struct sandbox *sandbox = map_value(entry);
        if (age_of(agent, sandbox) >= age_ns && is_free(agent, sandbox))
            sandbox_remove(agent, sandbox);
    }
    sandbox_set_timer(agent);
}

/* Due when the oldest that may go is old enough; those that may not are looked at again when their
 * task is complete. */
void sandbox_set_timer(struct agent *agent) {
    timer_cancel(agent, &agent->sandbox_timer);
    MAP_EACH(entry, &agent->sandboxes) {
        struct sandbox *sandbox = map_value(entry);
        if (!is_free(agent, sandbox))
            continue;
        int64_t passed_ms = age_of(agent, sandbox) / 1000000;
        return timer_set(agent, &agent->sandbox_timer,
                         agent->options.sandbox_age_ms - passed_ms + 1);
    }
}

/* The fuller the disk, the younger what goes: all of it when only the headroom is left. */
void sandbox_pressure(struct agent *agent, int64_t used_fraction_milli) {
    int64_t left_milli = 1000 - agent->options.disk_headroom_milli - used_fraction_milli;
    if (left_milli < 0)
        left_milli = 0;
    sandbox_remove_older(agent, agent->options.sandbox_age_ms / 1000 * left_milli * 1000000);
}
