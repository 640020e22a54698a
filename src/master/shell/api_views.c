/*
 * The numbers are those of proto/mesos/v1/master/master.proto and mesos.proto; a unit test reads
 * what is written here with the generated code.
 */
#include "master/shell/api_views.h"

#include "common/base/map.h"
#include "common/runtime/address.h"
#include "common/wire/convert.h"
#include "common/wire/put.h"
#include "common/wire/scan.h"
#include "common/wire/slice.h"
#include "master/shell/api_roles.h"

#include <stdio.h>

struct writing {
    struct wire *wire;
    const struct master *master;
    struct buf *out;
    bool completed; /* which half of the frameworks is being written */
};

static void put_time(struct buf *out, uint32_t number, int64_t wall_ns) {
    if (wall_ns == 0)
        return;
    size_t place = put_begin(out, number);
    put_int(out, 1, wall_ns);
    put_end(out, place);
}

static void put_resources(struct writing *writing, uint32_t number, const struct resources *set,
                          struct text role) {
    resources_encode(writing->wire, set, number, role, RESERVATIONS_NEW, writing->out);
}

/* --- agents: Response.GetAgents --- */

static void put_agent_info(struct writing *writing, uint32_t number,
                           const struct agent_info *info) {
    size_t place = put_begin(writing->out, number);
    agent_info_encode(writing->wire, info, writing->out);
    put_end(writing->out, place);
}

/* A DrainInfo. */
static void put_drain(struct buf *out, uint32_t number, const struct agent_drain *drain) {
    if (drain->state == DRAIN_NONE)
        return;
    size_t info = put_begin(out, number);
    put_int(out, 1, drain->state);
    size_t config = put_begin(out, 2);
    if (drain->terms.has_max_grace) {
        size_t grace = put_begin(out, 1);
        put_int(out, 1, drain->terms.max_grace_ns);
        put_end(out, grace);
    }
    put_varint(out, 2, drain->terms.mark_gone);
    put_end(out, config);
    put_end(out, info);
}

static void put_unreachable(struct buf *out, const struct agent_view *view) {
    size_t place = put_begin(out, 1000);
    put_id(out, 1, view->info->id.text);
    put_some(out, 2, view->info->hostname);
    put_time(out, 3, view->unreachable_ns);
    if (view->drain.is_deactivated)
        put_varint(out, 4, true);
    put_drain(out, 5, &view->drain);
    put_end(out, place);
}

static void put_agent(void *self, const struct agent_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    char address[ADDRESS_TEXT_SIZE], pid[ADDRESS_TEXT_SIZE + 9];
    if (view->unreachable) {
        put_unreachable(out, view);
        return;
    }
    if (view->recovered) {
        /* As the registry has it: one that is damaged must not spoil the answer. */
        if (wire_scan(&mesos__v1__agent_info__descriptor, view->info->encoded, NULL, NULL))
            put_bytes(out, 2, view->info->encoded);
        return;
    }
    size_t place = put_begin(out, 1);
    put_agent_info(writing, 1, view->info);
    put_varint(out, 2, view->active);
    put_bytes(out, 3, view->info->version.size > 0 ? view->info->version : TEXT(MESOS_VERSION));
    address_join(view->info->ip, (uint16_t)view->info->port, address);
    snprintf(pid, sizeof(pid), "slave(1)@%s", address);
    put_bytes(out, 4, text_of(pid));
    put_time(out, 5, view->registered_ns);
    put_time(out, 6, view->reregistered_ns);
    put_resources(writing, 7, view->total, (struct text){0});
    put_resources(writing, 8, view->used, (struct text){0});
    put_resources(writing, 9, view->offered, (struct text){0});
    put_varint(out, 12, view->drain.is_deactivated);
    put_drain(out, 13, &view->drain);
    put_time(out, 14, view->drain.since_ns);
    put_end(out, place);
}

void views_put_agents(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {.wire = wire, .master = master, .out = out};
    master_each_agent(master, put_agent, &writing);
}

/* --- frameworks: Response.GetFrameworks --- */

static void put_framework(void *self, const struct framework_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    if (view->completed != writing->completed)
        return;
    size_t place = put_begin(out, view->completed ? 2 : 1);
    size_t info = put_begin(out, 1);
    framework_info_with_id(writing->wire, view->info->encoded, view->id, out);
    put_end(out, info);
    put_varint(out, 2, view->active);
    put_varint(out, 3, view->connected);
    put_time(out, 4, view->registered_ns);
    put_time(out, 5, view->reregistered_ns);
    put_time(out, 6, view->unregistered_ns);
    put_resources(writing, 9, view->used, (struct text){0});
    put_resources(writing, 10, view->offered, (struct text){0});
    put_varint(out, 11, view->recovered);
    put_end(out, place);
}

void views_put_frameworks(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {.wire = wire, .master = master, .out = out};
    master_each_framework(master, put_framework, &writing);
    writing.completed = true;
    master_each_framework(master, put_framework, &writing);
}

/* --- executors: Response.GetExecutors --- */

static void put_executor(void *self, const struct executor_view *view) {
    struct writing *writing = self;
    size_t place = put_begin(writing->out, 1);
    put_bytes(writing->out, 1, view->info);
    put_id(writing->out, 2, view->agent.text);
    put_end(writing->out, place);
}

void views_put_executors(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {.wire = wire, .master = master, .out = out};
    master_each_executor(master, put_executor, &writing);
}

/* --- tasks: Response.GetTasks --- */

/* What a mesos.v1.Task repeats of its TaskInfo: field of the one, field of the other. */
static void put_task_info_fields(struct buf *out, struct text info) {
    static const struct {
        uint32_t from, to;
    } same[] = {{10, 11}, {11, 12}, {9, 13}, {8, 15}, {12, 16}, {15, 17}};
    struct slice field;
    while (slice_next(&info, &field)) {
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
            if (field.number == same[i].from)
                put_bytes(out, same[i].to, field.payload);
        }
    }
}

static uint32_t task_list(const struct task_view *view) {
    if (view->is_completed)
        return 3;
    return view->is_unreachable ? 5 : 2;
}

static void put_status(struct buf *out, const struct task_status *status) {
    size_t place = put_begin(out, 8);
    task_status_encode(status, out);
    put_end(out, place);
}

static void put_statuses(struct buf *out, const struct task_view *view) {
    for (size_t i = 0; i < view->past_count; i++) {
        struct task_status status = {
            .task = view->id,
            .state = view->past[i].state,
            .agent = view->agent,
            .executor = view->executor,
            .timestamp_ns = view->past[i].time_ns,
        };
        put_status(out, &status);
    }
    for (size_t i = 0; i < view->status_count; i++)
        put_status(out, &view->statuses[i]);
}

static void put_task(void *self, const struct task_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    size_t place = put_begin(out, task_list(view));
    put_bytes(out, 1, view->name);
    put_id(out, 2, view->id.text);
    put_id(out, 3, view->framework.text);
    put_some_id(out, 4, view->executor.text);
    put_id(out, 5, view->agent.text);
    put_varint(out, 6, view->state);
    put_resources(writing, 7, view->resources, view->role);
    put_statuses(out, view);
    put_varint(out, 9, view->status_state);
    put_task_info_fields(out, view->info);
    put_end(out, place);
}

void views_put_tasks(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {.wire = wire, .master = master, .out = out};
    master_each_task(master, NULL, put_task, &writing);
}

/* --- all of it: Response.GetState --- */

void views_put_state(struct wire *wire, const struct master *master, struct buf *out) {
    static void (*const parts[])(struct wire *, const struct master *, struct buf *) = {
        views_put_tasks, views_put_executors, views_put_frameworks, views_put_agents};
    for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t place = put_begin(out, i + 1);
        parts[i](wire, master, out);
        put_end(out, place);
    }
}

/* --- metrics --- */

void views_each_metric(const struct master *master, int64_t wall_ns,
                       void (*fn)(void *self, const char *name, double value), void *self) {
    struct master_counts counts = master_count(master);
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"master/uptime_secs", (double)(wall_ns - counts.started_ns) / 1e9},
        {"master/elected", 1},
        {"master/slaves_connected", (double)counts.agents_connected},
        {"master/slaves_disconnected", (double)counts.agents_disconnected},
        {"master/slaves_active", (double)counts.agents_active},
        {"master/slaves_inactive", (double)counts.agents_inactive},
        {"master/slaves_unreachable", (double)counts.agents_unreachable},
        {"master/slave_unreachable_scheduled", (double)counts.removals_waited},
        {"master/slave_unreachable_completed", (double)counts.removals_done},
        {"master/slave_unreachable_canceled", (double)counts.removals_cancelled},
        {"master/frameworks_connected", (double)counts.frameworks_connected},
        {"master/frameworks_disconnected", (double)counts.frameworks_disconnected},
        {"master/outstanding_offers", (double)counts.offers},
        {"master/tasks_active", (double)counts.tasks_active},
        {"master/tasks_finished", (double)counts.tasks_by_state[TASK_STATE_FINISHED]},
        {"master/tasks_failed", (double)counts.tasks_by_state[TASK_STATE_FAILED]},
        {"master/tasks_killed", (double)counts.tasks_by_state[TASK_STATE_KILLED]},
        {"master/tasks_lost", (double)counts.tasks_by_state[TASK_STATE_LOST]},
        {"master/tasks_error", (double)counts.tasks_by_state[TASK_STATE_ERROR]},
        {"master/tasks_dropped", (double)counts.tasks_by_state[TASK_STATE_DROPPED]},
        {"master/dropped_messages", (double)counts.messages_invalid},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        fn(self, rows[i].name, rows[i].value);
    roles_each_metric(master, fn, self);
}
