#include "agent/shell/metrics.h"

#include "agent/container/containerizer.h"
#include "agent/shell/containers.h"
#include "agent/shell/daemon.h"
#include "common/runtime/http_server.h"
#include "common/wire/json.h"

struct metric {
    const char *name;
    double value;
};

static void put(struct buf *out, const struct metric *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buf_append_byte(out, out->size == 0 ? '{' : ',');
        json_print_string(out, text_of(rows[i].name));
        buf_append_byte(out, ':');
        json_print_double(out, rows[i].value);
    }
}

#define PUT(out, rows) put(out, rows, sizeof(rows) / sizeof((rows)[0]))

static void put_life(const struct daemon *daemon, struct buf *out) {
    struct agent_counts counts = agent_count(daemon->agent);
    double uptime_ms = (double)(loop_now_ms(daemon->loop) - daemon->started_ms);
    const struct metric rows[] = {
        {"slave/uptime_secs", uptime_ms / 1000},
        {"slave/registered", counts.is_registered},
        {"slave/frameworks_active", (double)counts.frameworks},
        {"slave/executors_registering", (double)counts.executors_registering},
        {"slave/executors_running", (double)counts.executors_running},
        {"slave/executors_terminating", (double)counts.executors_terminating},
        {"slave/tasks_staging", (double)counts.tasks_staging},
        {"slave/tasks_starting", (double)counts.tasks_starting},
        {"slave/tasks_running", (double)counts.tasks_running},
        {"slave/tasks_killing", (double)counts.tasks_killing},
        {"slave/tasks_finished", (double)counts.tasks_by_state[TASK_STATE_FINISHED]},
        {"slave/tasks_failed", (double)counts.tasks_by_state[TASK_STATE_FAILED]},
        {"slave/tasks_killed", (double)counts.tasks_by_state[TASK_STATE_KILLED]},
        {"slave/tasks_lost", (double)counts.tasks_by_state[TASK_STATE_LOST]},
        {"slave/tasks_dropped", (double)counts.tasks_by_state[TASK_STATE_DROPPED]},
        {"slave/tasks_gone", (double)counts.tasks_by_state[TASK_STATE_GONE_BY_OPERATOR]},
        {"slave/status_updates_waiting", (double)counts.updates_waiting},
        {"slave/sandboxes_kept", (double)counts.sandboxes},
    };
    PUT(out, rows);
}

static void put_orphans(const struct daemon *daemon, struct buf *out) {
    const struct container_orphans *orphans = containers_orphans(daemon->containers);
    const struct metric rows[] = {
        {"slave/orphans_removed/processes", (double)orphans->processes},
        {"slave/orphans_removed/cgroups", (double)orphans->cgroups},
        {"slave/orphans_removed/status_files", (double)orphans->status_files},
        {"slave/orphans_removed/sandboxes", (double)daemon->swept.sandboxes},
        {"slave/orphans_removed/mounts", (double)daemon->swept.mounts},
        {"slave/orphans_removed/volumes", (double)daemon->swept.volumes},
    };
    PUT(out, rows);
}

static void serve(void *self, struct http_request *request) {
    const struct daemon *daemon = self;
    AUTO_FINI(buf_fini) struct buf body = {0};
    put_life(daemon, &body);
    put_orphans(daemon, &body);
    buf_append_byte(&body, '}');
    http_request_answer(request, (struct http_answer){.status = 200,
                                                      .content_type = "application/json",
                                                      .body = buf_text(&body)});
}

void metrics_serve(struct daemon *daemon) {
    http_server_route(daemon->http, "/metrics/snapshot", serve, daemon);
}
