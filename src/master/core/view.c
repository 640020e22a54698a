/*
 * Views are made from the objects as they are; nothing is copied.
 */
#include "master/core/master_view.h"

#include "master/core/state.h"
#include "master/core/task_book.h"

void master_each_agent(const struct master *master,
                       void (*fn)(void *self, const struct agent_view *view), void *self) {
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        struct agent_view view = {
            .info = &agent->info,
            .connected = agent->peer != NULL,
            .active = agent->peer != NULL && agent->state == AGENT_REGISTERED &&
                      !agent->drain.is_deactivated,
            .drain = agent->drain,
            .unreachable = agent->state == AGENT_UNREACHABLE,
            .recovered = agent->state == AGENT_RECOVERED,
            .registered_ns = agent->registered_ns,
            .reregistered_ns = agent->reregistered_ns,
            .unreachable_ns = agent->unreachable_ns,
            .total = &agent->total,
            .used = &agent->used,
            .offered = &agent->offered,
        };
        fn(self, &view);
    }
}

static void show_frameworks(const struct map *frameworks,
                            void (*fn)(void *self, const struct framework_view *view), void *self) {
    MAP_EACH(entry, frameworks) {
        const struct framework *framework = map_value(entry);
        struct framework_view view = {
            .id = framework->info.id,
            .info = &framework->info,
            .connected = framework->peer != NULL,
            .active = framework->state == FRAMEWORK_CONNECTED,
            .recovered = framework->state == FRAMEWORK_RECOVERED,
            .completed = framework->state == FRAMEWORK_COMPLETED,
            .registered_ns = framework->registered_ns,
            .reregistered_ns = framework->reregistered_ns,
            .unregistered_ns = framework->unregistered_ns,
            .used = &framework->used,
            .offered = &framework->offered,
            .task_count = framework->live_tasks,
        };
        fn(self, &view);
    }
}

void master_each_framework(const struct master *master,
                           void (*fn)(void *self, const struct framework_view *view), void *self) {
    show_frameworks(&master->frameworks, fn, self);
    show_frameworks(&master->completed, fn, self);
}

struct task_walk {
    const struct master *master;
    void (*fn)(void *self, const struct task_view *view);
    void *self;
};

static void show_tasks(const struct task_walk *walk, const struct map *tasks) {
    MAP_EACH(entry, tasks) {
        const struct task *task = map_value(entry);
        struct task_view view = {
            .framework = task->framework->info.id,
            .id = task->id,
            .name = task->name,
            .agent = task->agent_id,
            .executor = task->executor,
            .role = kinds_role_text(walk->master->kinds, task->role),
            .resources = &task->resources,
            .state = task->state,
            .status_state = task->status_state,
            .is_unreachable = task->is_unreachable,
            .is_completed = task->is_completed,
            .statuses = task->statuses.items,
            .status_count = task->statuses.count,
            .info = task->info,
        };
        view.past_count = task_book_past(task, view.past);
        walk->fn(walk->self, &view);
    }
}

static void walk_framework(const struct task_walk *walk, const struct framework *framework) {
    show_tasks(walk, &framework->tasks);
    show_tasks(walk, &framework->unreachable);
    show_tasks(walk, &framework->completed);
}

static void walk_frameworks(const struct task_walk *walk, const struct map *frameworks,
                            const struct framework_id *only) {
    if (only != NULL) {
        const struct framework *framework =
            only->text.size > 0 ? map_get_text(frameworks, only->text) : NULL;
        if (framework != NULL)
            walk_framework(walk, framework);
        return;
    }
    MAP_EACH(entry, frameworks)
        walk_framework(walk, map_value(entry));
}

void master_each_task(const struct master *master, const struct framework_id *framework,
                      void (*fn)(void *self, const struct task_view *view), void *self) {
    struct task_walk walk = {master, fn, self};
    walk_frameworks(&walk, &master->frameworks, framework);
    walk_frameworks(&walk, &master->completed, framework);
}

void master_each_offer(const struct master *master,
                       void (*fn)(void *self, const struct offer_view *view), void *self) {
    MAP_EACH(entry, &master->offers) {
        const struct offer *offer = map_value(entry);
        struct offer_view view = {
            .id = offer->id,
            .framework = offer->framework->info.id,
            .framework_name = offer->framework->info.name,
            .agent = offer->agent->info.id,
            .hostname = offer->agent->info.hostname,
            .role = kinds_role_text(master->kinds, offer->role),
            .resources = &offer->resources,
            .made_ms = offer->made_ms,
            .deadline_ms = offer->deadline_ms,
        };
        fn(self, &view);
    }
}

void master_each_executor(const struct master *master,
                          void (*fn)(void *self, const struct executor_view *view), void *self) {
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        MAP_EACH(at, &agent->executors) {
            const struct executor *executor = map_value(at);
            struct executor_view view = {
                .framework = executor->framework->info.id,
                .id = executor->id,
                .agent = agent->info.id,
                .role = kinds_role_text(master->kinds, executor->role),
                .resources = &executor->resources,
                .info = executor->info,
            };
            fn(self, &view);
        }
    }
}

static void count_agents(const struct master *master, struct master_counts *counts) {
    counts->agents_unreachable = master->agents_by_state[AGENT_UNREACHABLE];
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        if (agent->state == AGENT_UNREACHABLE)
            continue;
        bool is_active =
            agent->peer != NULL && agent->state == AGENT_REGISTERED && !agent->drain.is_deactivated;
        *(is_active ? &counts->agents_active : &counts->agents_inactive) += 1;
        if (agent->peer != NULL)
            counts->agents_connected++;
        else
            counts->agents_disconnected++;
    }
}

struct master_counts master_count(const struct master *master) {
    struct master_counts counts = {
        .frameworks_completed = master->completed.count,
        .offers = master->offers.count,
        .messages_invalid = master->messages_invalid,
        .removals_waited = master->removals.scheduled,
        .removals_done = master->removals.done,
        .removals_cancelled = master->removals.cancelled,
        .started_ns = master->started_ns,
    };
    memcpy(counts.tasks_by_state, master->tasks_by_state, sizeof(counts.tasks_by_state));
    count_agents(master, &counts);
    MAP_EACH(entry, &master->frameworks) {
        const struct framework *framework = map_value(entry);
        if (framework->peer != NULL)
            counts.frameworks_connected++;
        else
            counts.frameworks_disconnected++;
        counts.tasks_active += framework->live_tasks;
    }
    return counts;
}
