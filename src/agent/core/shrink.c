/*
 * A restart with other --resources: more is an update to the master, and so is less, unless it is
 * less than what is in use. That needs a decision of whoever started the agent: it does not begin,
 * and names what is in the way; or it was told to go on, and what does not fit ends.
 *
 * What was configured is stored, so that a shrink is told from tasks that never fitted together: a
 * crash can bring back a task whose end it undid, beside one that was given its resources since.
 */
#include "agent/core/parts.h"

#include "common/model/resources_text.h"

#define KEY_CONFIGURED TEXT("configured")

enum { NAMED_LIMIT = 10 };

static const struct text order_by = {"fewer resources", sizeof("fewer resources") - 1};
static const char message[] = "The agent was started with fewer resources";

static const struct resources *stored_of(const struct agent_event *event) {
    for (size_t i = 0; i < event->recovered.count; i++) {
        if (event->recovered.records[i].kind == AGENT_RECORD_RESOURCES &&
            text_equal(event->recovered.keys[i], KEY_CONFIGURED))
            return event->recovered.records[i].resources;
    }
    return NULL;
}

void shrink_store_configured(struct agent *agent) {
    struct agent_record record = {.kind = AGENT_RECORD_RESOURCES};
    record.resources = &agent->configured;
    store_put(agent, KEY_CONFIGURED, &record);
}

/* --- what does not fit --- */

struct misfits {
    struct agent *agent;
    struct buf names;
    size_t count;
};

static bool is_misfit(const struct task *task) {
    return !task->ended && !task->holds;
}

static void name_it(struct misfits *misfits, const char *what, struct text id,
                    struct framework_id framework, const struct resources *resources) {
    if (misfits->count++ >= NAMED_LIMIT)
        return;
    buf_printf(&misfits->names, "%s%s %.*s of framework %.*s (", misfits->count > 1 ? ", " : "",
               what, TEXT_ARGS(id), TEXT_ARGS(framework.text));
    resources_print(resources, misfits->agent->kinds, &misfits->names);
    buf_append_byte(&misfits->names, ')');
}

static void name_all(struct misfits *misfits) {
    MAP_EACH(entry, &misfits->agent->frameworks) {
        const struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->executors) {
            const struct executor *executor = map_value(place);
            if (!executor->holds)
                name_it(misfits, "executor", executor->info.id.text, framework->id,
                        &executor->resources);
        }
        MAP_EACH(place, &framework->tasks) {
            const struct task *task = map_value(place);
            if (is_misfit(task))
                name_it(misfits, "task", task->id.text, framework->id, &task->resources);
        }
    }
    if (misfits->count > NAMED_LIMIT)
        buf_printf(&misfits->names, " and %zu more", misfits->count - NAMED_LIMIT);
}

static void refuse(struct agent *agent, const struct misfits *misfits) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_STOP);
    effect->reason = text_of(arena_printf(
        agent->outbox->arena,
        "--resources has less than what is in use: %.*s %s not fit; start with what the agent had, "
        "end them first, or say --force_resources, which ends them",
        TEXT_ARGS(buf_text(&misfits->names)), misfits->count == 1 ? "does" : "do"));
}

/* --- forced --- */

/* A command's container is not found yet: it is killed as soon as it is, or never begun. */
static void end_task(struct agent *agent, struct task *task) {
    struct kill_order order = {.by = order_by};
    if (!task->is_command)
        return kill_task(agent, task, &order);
    if (task->kill_wanted)
        return;
    task->kill_wanted = true;
    task->killed_by = order_by;
    task_store(agent, task);
}

static void end_misfits(struct agent *agent) {
    MAP_EACH(entry, &agent->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->executors) {
            struct executor *executor = map_value(place);
            if (!executor->holds)
                executor_destroy(agent, executor, TASK_REASON_AGENT_RESTARTED, message);
        }
        MAP_EACH(place, &framework->tasks) {
            struct task *task = map_value(place);
            if (is_misfit(task))
                end_task(agent, task);
        }
    }
}

bool shrink_settle(struct agent *agent, const struct agent_event *event) {
    const struct resources *stored = stored_of(event);
    bool has_shrunk = stored != NULL && !resources_contains(&agent->configured, stored);
    struct misfits misfits = {.agent = agent};
    if (has_shrunk && event->recovered.same_boot)
        name_all(&misfits);
    bool goes_on = misfits.count == 0 || agent->options.force_resources;
    if (!goes_on)
        refuse(agent, &misfits);
    else if (misfits.count > 0)
        effect_note(agent, AGENT_NOTE_WARNING, "ending_what_does_not_fit", "what=\"%.*s\"",
                    TEXT_ARGS(text_cut(buf_text(&misfits.names), 900)));
    if (goes_on && misfits.count > 0)
        end_misfits(agent);
    bool is_news = stored == NULL || !resources_equal(stored, &agent->configured);
    if (goes_on && is_news && agent->id != NULL)
        shrink_store_configured(agent);
    buf_fini(&misfits.names);
    return goes_on;
}

void shrink_label(const struct task *task, struct task_status *status) {
    if (!task->kill_wanted || !text_equal(task->killed_by, order_by) ||
        (status->state != TASK_STATE_KILLED && status->state != TASK_STATE_KILLING))
        return;
    status->encoded = (struct text){0};
    status->has_reason = true;
    status->reason = TASK_REASON_AGENT_RESTARTED;
    status->message = text_of(message);
}

struct resources shrink_converted(struct agent *agent, const struct resources *converted) {
    struct resources fitting = {0};
    for (uint32_t i = 0; i < converted->count; i++) {
        AUTO_FINI(resources_fini) struct resources total = {0};
        AUTO_FINI(resources_fini) struct resources tried = resources_copy(&fitting);
        struct error why;
        if (resources_put(&tried, &converted->entries[i]) &&
            total_convert(agent->kinds, &agent->configured, &tried, &total, &why)) {
            resources_fini(&fitting);
            fitting = resources_take(&tried);
            continue;
        }
        effect_note(agent, AGENT_NOTE_WARNING, "given_up", "why=\"%s\"", why.message);
    }
    return fitting;
}
