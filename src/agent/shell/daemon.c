#include "agent/shell/daemon.h"

#include "agent/container/stop_point.h"
#include "agent/shell/codec.h"
#include "agent/shell/containers.h"
#include "agent/shell/detect.h"
#include "agent/shell/effects.h"
#include "agent/shell/executors.h"
#include "agent/shell/master_link.h"
#include "agent/shell/metrics.h"
#include "agent/shell/outputs.h"
#include "agent/shell/remover.h"
#include "agent/shell/volumes.h"
#include "common/model/frame_type.h"
#include "common/model/resources_text.h"
#include "common/runtime/address.h"
#include "common/runtime/files.h"
#include "common/runtime/http_server.h"
#include "common/runtime/log_toggle.h"
#include "common/runtime/random.h"
#include "common/storage/storage.h"
#include "common/wire/flags_json.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { SIGNALS = 2, PORT_FILE_BYTES = 16 };

static int64_t wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What CLOCK_MONOTONIC, which the loop has, does not count. */
static int64_t suspended_ms(void) {
    struct timespec since_boot, awake;
    clock_gettime(CLOCK_MONOTONIC, &awake);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    int64_t suspended_ns = (int64_t)(since_boot.tv_sec - awake.tv_sec) * 1000000000 +
                           (since_boot.tv_nsec - awake.tv_nsec);
    return suspended_ns / 1000000;
}

void daemon_feed(struct daemon *daemon, struct agent_event event) {
    assert(!daemon->is_feeding);
    daemon->is_feeding = true;
    event.now_ms = loop_now_ms(daemon->loop);
    event.wall_ns = wall_ns();
    event.suspended_ms = suspended_ms();
    if (event.kind == AGENT_EVENT_MASTER_MESSAGE)
        stop_point(STOP_EVENT_HEARD);
    if (event.kind == AGENT_EVENT_EXECUTOR_CALL)
        stop_point(STOP_CALL_HEARD);
    daemon->outbox.arena = daemon->arena;
    agent_step(daemon->agent, &event, &daemon->outbox);
    if (event.kind == AGENT_EVENT_CONTAINER_ENDED)
        stop_point(STOP_END_TOLD);
    effects_carry_out(daemon);
    arena_reset(daemon->arena);
    daemon->is_feeding = false;
    loop_timer_arm(&daemon->timer, agent_deadline_ms(daemon->agent));
}

static void on_timer(void *self) {
    daemon_feed(self, (struct agent_event){.kind = AGENT_EVENT_TICK});
}

/* --- storage --- */

static void on_turn_end(void *self) {
    struct daemon *daemon = self;
    if (daemon->made_ticket == daemon->handed_ticket)
        return;
    daemon->handed_ticket = daemon->made_ticket;
    stop_point(STOP_COMMIT_BEGINS);
    storage_commit(daemon->storage, daemon->handed_ticket);
    stop_point(STOP_COMMIT_HANDED);
}

static void on_stored(void *self, uint64_t ticket) {
    struct daemon *daemon = self;
    daemon->stored_ticket = ticket;
    stop_point(STOP_COMMIT_DONE);
    effects_release(daemon);
    struct agent_event event = {.kind = AGENT_EVENT_STORED};
    event.stored_ticket = ticket;
    daemon_feed(daemon, event);
}

static void on_trouble(void *self, const struct error *error) {
    struct daemon *daemon = self;
    if (error != NULL)
        log_error(daemon->log, "storage_fails", KV("error", error),
                  KV("note", "nothing new is begun until it works again"));
    else
        log_info(daemon->log, "storage_works_again");
}

/* --- recovery --- */

struct loading {
    struct daemon *daemon;
    VEC_OF(struct agent_record) records;
    VEC_OF(struct text) keys;
    struct arena *arena;
};

static bool load_record(void *self, struct text key, struct text value, struct error *error) {
    struct loading *loading = self;
    struct wire wire = {.arena = loading->arena, .kinds = loading->daemon->kinds};
    struct agent_record record;
    struct text kept = arena_text(loading->arena, value);
    if (!agent_record_decode(&wire, kept, &record, error))
        return fail_context(error, "record '%.*s'", TEXT_ARGS(key));
    VEC_PUSH(&loading->records, record);
    VEC_PUSH(&loading->keys, arena_text(loading->arena, key));
    return true;
}

static bool is_same_boot(const struct loading *loading, struct text boot_id) {
    VEC_EACH(record, &loading->records) {
        if (record->kind == AGENT_RECORD_SELF)
            return text_equal(record->self.boot_id, boot_id);
    }
    return true;
}

static bool take_up(struct daemon *daemon, const struct loading *loading, struct text boot_id,
                    struct error *error) {
    struct agent_event event = {.kind = AGENT_EVENT_RECOVERED};
    event.recovered.records = loading->records.items;
    event.recovered.keys = loading->keys.items;
    event.recovered.count = loading->records.count;
    event.recovered.same_boot = is_same_boot(loading, boot_id);
    log_info(daemon->log, "recovered", KV("records", loading->records.count),
             KV("same_boot", event.recovered.same_boot));
    daemon_feed(daemon, event);
    if (daemon->exit_code != 0)
        return true; /* it stops, and has said why */
    sweep(daemon);
    /* A pid of another boot is somebody else's by now: the core has lost all that was. */
    size_t count = event.recovered.same_boot ? loading->records.count : 0;
    return containers_recover(daemon->containers, loading->records.items, count, error);
}

static bool recover(struct daemon *daemon, struct text boot_id, struct error *error) {
    struct loading loading = {.daemon = daemon, .arena = arena_new()};
    bool ok = storage_load(daemon->storage, load_record, &loading, error) &&
              take_up(daemon, &loading, boot_id, error);
    VEC_FINI(&loading.records);
    VEC_FINI(&loading.keys);
    arena_free(loading.arena);
    return ok;
}

/* --- the disk --- */

static void watch_disk(void *self) {
    struct daemon *daemon = self;
    uint64_t free_bytes, total_bytes;
    struct error error;
    int64_t next = loop_now_ms(daemon->loop) + daemon->flags.disk_watch_interval_ms;
    loop_timer_arm(&daemon->disk_timer, next);
    if (!disk_free(daemon->flags.work_dir, &free_bytes, &total_bytes, &error)) {
        log_warning(daemon->log, "disk_not_measured", KV("error", &error));
        return;
    }
    struct agent_event event = {.kind = AGENT_EVENT_DISK_FULL};
    uint64_t used_milli = total_bytes > 0 ? 1000 - free_bytes / (total_bytes / 1000 + 1) : 0;
    event.used_fraction_milli = (int64_t)used_milli;
    daemon_feed(daemon, event);
    containers_remove_orphans(daemon->containers);
    sweep(daemon);
}

/* --- HTTP --- */

static void answer_health(void *self, struct http_request *request) {
    (void)self;
    http_request_answer(request, (struct http_answer){.status = 200});
}

static void answer_version(void *self, struct http_request *request) {
    (void)self;
    static const char body[] = "{\"version\":\"" MESOS_VERSION "\"}";
    http_request_answer(request, (struct http_answer){.status = 200,
                                                      .content_type = "application/json",
                                                      .body = text_of(body)});
}

static void answer_upgrade(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (!http_request_wants_upgrade(request)) {
        http_request_answer_text(request, 400,
                                 "this path speaks mesos/1 alone: Upgrade is missing");
        return;
    }
    if (!text_equal(http_request_header(request, FRAME_ROLE_HEADER), TEXT("executor"))) {
        http_request_answer_text(request, 400, "an agent takes connections of Mesos-Role executor");
        return;
    }
    executors_accept(daemon->executors, request);
}

/* With --port=0 the kernel's choice is kept for the next start, for executors know no other. */
static bool listen_on_port(struct daemon *daemon, struct error *error) {
    AUTO_FINI(buf_fini) struct buf path = {0}, kept = {0};
    uint64_t port;
    struct error why;
    const char *ip = daemon->flags.ip;
    if (daemon->flags.port != 0)
        return http_server_listen(daemon->http, ip, (uint16_t)daemon->flags.port, error);
    buf_printf(&path, "%s/port", daemon->flags.work_dir);
    bool was_kept = file_read(buf_string(&path), PORT_FILE_BYTES, &kept, &why) &&
                    text_to_u64(buf_text(&kept), &port) && port > 0 && port <= UINT16_MAX;
    if (was_kept && http_server_listen(daemon->http, ip, (uint16_t)port, &why))
        return true;
    if (was_kept)
        log_warning(daemon->log, "port_not_kept", KV("error", &why),
                    KV("note", "executors of before will not find the agent"));
    if (!http_server_listen(daemon->http, ip, 0, error))
        return false;
    buf_clear(&kept);
    buf_printf(&kept, "%u", http_server_port(daemon->http));
    return file_write(buf_string(&path), buf_text(&kept), 0644, error);
}

static bool listen_http(struct daemon *daemon, struct error *error) {
    daemon->http = http_server_new(
        daemon->loop,
        (struct http_server_options){.on_backlog = http_server_log_backlog, .self = daemon->log});
    daemon->started_ms = loop_now_ms(daemon->loop);
    metrics_serve(daemon);
    daemon->log_toggle = log_toggle_new(daemon->loop, daemon->log, daemon->http);
    http_server_route(daemon->http, "/health", answer_health, daemon);
    http_server_route(daemon->http, "/version", answer_version, daemon);
    http_server_route(daemon->http, FRAME_UPGRADE_PATH, answer_upgrade, daemon);
    if (!listen_on_port(daemon, error))
        return false;
    if (!text_starts_with(text_of(daemon->flags.ip), TEXT("127.")))
        log_warning(daemon->log, "listening_without_authentication", KV("ip", daemon->flags.ip),
                    KV("note", "whoever reaches this address can talk to the agent"));
    return true;
}

/* --- life --- */

static void on_signal(void *self, int signal_number) {
    struct daemon *daemon = self;
    log_info(daemon->log, "agent_ends", KV("signal", signal_number),
             KV("note", "tasks go on and are found again"));
    loop_stop(daemon->loop);
}

static void on_gone(void *self) {
    struct daemon *daemon = self;
    log_info(daemon->log, "agent_ends", KV("note", "no container is left"));
    loop_stop(daemon->loop);
}

static void on_end_signal(void *self, int signal_number) {
    struct daemon *daemon = self;
    log_info(daemon->log, "agent_goes_for_good", KV("signal", signal_number),
             KV("note", "every task is killed"));
    containers_end(daemon->containers, on_gone, daemon);
}

static bool make_core(struct daemon *daemon, struct text boot_id, struct error *error) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(resources_fini) struct resources total = {0};
    struct agent_options options = agent_options_default();
    struct agent_flags *flags = &daemon->flags;
    char endpoint[ADDRESS_TEXT_SIZE];
    if (!detect_resources(daemon->kinds, flags, &total, error) ||
        !detect_attributes(flags->attributes, error) ||
        !domain_from_flag(arena, flags->domain, &options.info.region, &options.info.zone, error))
        return false;
    struct rng rng = random_rng();
    options.codec = codec_of_wire();
    options.info.hostname = text_of(flags->hostname);
    options.info.ip = text_of(flags->ip);
    options.info.port = http_server_port(daemon->http);
    options.info.resources = &total;
    options.info.attributes = text_of(flags->attributes);
    options.info.version = TEXT(MESOS_VERSION);
    options.work_dir = text_of(flags->work_dir);
    options.boot_id = boot_id;
    address_join(text_of(flags->ip), (uint16_t)options.info.port, endpoint);
    options.endpoint = text_of(endpoint);
    options.seed = rng_next(&rng);
    options.registration_backoff_ms = flags->registration_backoff_ms;
    options.executor_registration_timeout_ms = flags->executor_registration_timeout_ms;
    options.executor_reregistration_timeout_ms = flags->executor_reregistration_timeout_ms;
    options.executor_shutdown_grace_ms = flags->executor_shutdown_grace_ms;
    options.sandbox_age_ms = flags->gc_delay_ms;
    options.disk_headroom_milli = (int64_t)(flags->gc_disk_headroom * 1000);
    options.cpu_quota = flags->cgroups_enable_cfs;
    options.force_resources = flags->force_resources;
    AUTO_FINI(buf_fini) struct buf shown = {0};
    resources_print(&total, daemon->kinds, &shown);
    log_info(daemon->log, "agent_starts", KV("version", MESOS_VERSION),
             KV("hostname", flags->hostname), KV("port", options.info.port),
             KV("resources", buf_text(&shown)));
    daemon->agent = agent_new(&options, daemon->kinds);
    return true;
}

static bool open_storage(struct daemon *daemon, struct error *error) {
    char directory[4096];
    snprintf(directory, sizeof(directory), "%s/meta", daemon->flags.work_dir);
    struct storage_options options = {
        .directory = directory, .on_stored = on_stored, .on_trouble = on_trouble, .self = daemon};
    daemon->storage = storage_open(daemon->loop, &options, error);
    return daemon->storage != NULL || fail_context(error, "--work_dir");
}

static bool start(struct daemon *daemon, struct error *error) {
    char boot_id[64];
    daemon->loop = loop_new(error);
    if (daemon->loop == NULL || !detect_boot_id(boot_id, error))
        return false;
    loop_task_init(&daemon->turn_end, on_turn_end, daemon);
    loop_timer_init(&daemon->timer, daemon->loop, on_timer, daemon);
    loop_timer_init(&daemon->disk_timer, daemon->loop, watch_disk, daemon);
    static const int signals[SIGNALS] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < SIGNALS; i++) {
        if (!loop_on_signal(daemon->loop, signals[i], on_signal, daemon, error))
            return false;
    }
    if (!loop_on_signal(daemon->loop, SIGUSR1, on_end_signal, daemon, error))
        return false;
    daemon->master = master_link_new(daemon, error); /* before a wrong flag leaves files behind */
    if (daemon->master == NULL || !directory_make(daemon->flags.work_dir, 0755, error) ||
        !open_storage(daemon, error) || !listen_http(daemon, error) ||
        !make_core(daemon, text_of(boot_id), error))
        return false;
    daemon->executors = executors_new(daemon);
    daemon->remover = remover_new(daemon);
    daemon->volumes = volumes_new(daemon);
    daemon->outputs = outputs_new(daemon, error);
    daemon->containers = containers_new(daemon, error);
    if (daemon->outputs == NULL || daemon->containers == NULL)
        return false;
    loop_timer_arm(&daemon->disk_timer,
                   loop_now_ms(daemon->loop) + daemon->flags.disk_watch_interval_ms);
    return recover(daemon, text_of(boot_id), error);
}

static void end(struct daemon *daemon) {
    loop_timer_disarm(&daemon->timer);
    loop_timer_disarm(&daemon->disk_timer);
    loop_task_cancel(&daemon->turn_end);
    if (daemon->storage != NULL)
        on_turn_end(daemon);
    log_toggle_free(daemon->log_toggle);
    http_server_free(daemon->http);
    executors_free(daemon->executors);
    outputs_free(daemon->outputs);
    volumes_free(daemon->volumes);
    remover_free(daemon->remover);
    containers_free(daemon->containers);
    detect_forget_runtime_dir(&daemon->flags);
    master_link_free(daemon->master);
    storage_close(daemon->storage);
    effects_drop(daemon);
    agent_free(daemon->agent);
    VEC_FINI(&daemon->outbox.effects);
    arena_free(daemon->arena);
    kinds_free(daemon->kinds);
    loop_free(daemon->loop);
}

int daemon_run(struct daemon *daemon) {
    struct error error = {0};
    list_init(&daemon->held);
    daemon->arena = arena_new();
    daemon->kinds = kinds_new();
    if (start(daemon, &error)) {
        loop_run(daemon->loop);
    } else {
        log_error(daemon->log, "agent_cannot_start", KV("error", &error));
        daemon->exit_code = 1;
    }
    end(daemon);
    return daemon->exit_code;
}
