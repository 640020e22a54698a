#include "master/shell/daemon.h"

#include "common/model/frame_type.h"
#include "common/runtime/files.h"
#include "common/runtime/http_server.h"
#include "common/runtime/log_toggle.h"
#include "common/runtime/random.h"
#include "common/storage/storage.h"
#include "common/wire/flags_json.h"
#include "master/shell/allocation_options.h"
#include "master/shell/api.h"
#include "master/shell/connections.h"
#include "master/shell/effects.h"
#include "mesos/allocator.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { SIGNALS = 2 };

int64_t daemon_wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void daemon_feed(struct daemon *daemon, struct master_event *event) {
    assert(!daemon->is_feeding);
    daemon->is_feeding = true;
    event->now_ms = loop_now_ms(daemon->loop);
    event->wall_ns = daemon_wall_ns();
    daemon->outbox.arena = daemon->arena;
    master_step(daemon->master, event, &daemon->outbox);
    effects_carry_out(daemon);
    arena_reset(daemon->arena);
    daemon->is_feeding = false;
    loop_timer_arm(&daemon->timer, master_deadline_ms(daemon->master));
}

uint64_t daemon_await_answer(struct daemon *daemon, struct http_request *request) {
    map_put(&daemon->requests, ++daemon->last_request, request);
    return daemon->last_request;
}

static void on_timer(void *self) {
    struct master_event event = {.kind = MASTER_EVENT_TICK};
    daemon_feed(self, &event);
}

/* --- storage --- */

static void on_turn_end(void *self) {
    struct daemon *daemon = self;
    if (daemon->made_ticket == daemon->handed_ticket)
        return;
    daemon->handed_ticket = daemon->made_ticket;
    storage_commit(daemon->storage, daemon->handed_ticket);
}

static void on_stored(void *self, uint64_t ticket) {
    struct daemon *daemon = self;
    daemon->stored_ticket = ticket;
    effects_release(daemon);
    struct master_event event = {.kind = MASTER_EVENT_STORED};
    event.stored_ticket = ticket;
    daemon_feed(daemon, &event);
}

static void on_trouble(void *self, const struct error *error) {
    struct daemon *daemon = self;
    if (error != NULL)
        log_error(daemon->log, "registry_fails", KV("error", error),
                  KV("note", "what must be stored first waits until it works again"));
    else
        log_info(daemon->log, "registry_works_again");
}

struct loading {
    struct daemon *daemon;
    VEC_OF(struct registry_record) records;
    VEC_OF(struct text) keys;
    struct arena *arena;
};

static bool load_record(void *self, struct text key, struct text value, struct error *error) {
    struct loading *loading = self;
    struct wire wire = {.arena = loading->arena, .kinds = loading->daemon->kinds};
    struct registry_record record;
    struct text kept = arena_text(loading->arena, value);
    if (!registry_record_decode(&wire, kept, &record, error))
        return fail_context(error, "registry record '%.*s'", TEXT_ARGS(key));
    VEC_PUSH(&loading->records, record);
    VEC_PUSH(&loading->keys, arena_text(loading->arena, key));
    return true;
}

static bool recover(struct daemon *daemon, struct error *error) {
    struct loading loading = {.daemon = daemon, .arena = arena_new()};
    bool ok = storage_load(daemon->storage, load_record, &loading, error);
    if (ok) {
        struct master_event event = {.kind = MASTER_EVENT_RECOVERED};
        event.recovered.records = loading.records.items;
        event.recovered.keys = loading.keys.items;
        event.recovered.count = loading.records.count;
        log_info(daemon->log, "registry_read", KV("records", loading.records.count));
        daemon_feed(daemon, &event);
    }
    VEC_FINI(&loading.records);
    VEC_FINI(&loading.keys);
    arena_free(loading.arena);
    return ok;
}

static bool open_storage(struct daemon *daemon, struct error *error) {
    char directory[4096];
    snprintf(directory, sizeof(directory), "%s/registry", daemon->flags.work_dir);
    struct storage_options options = {
        .directory = directory, .on_stored = on_stored, .on_trouble = on_trouble, .self = daemon};
    daemon->storage = storage_open(daemon->loop, &options, error);
    return daemon->storage != NULL || fail_context(error, "--work_dir");
}

/* --- life --- */

static void answer_upgrade(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (http_request_wants_upgrade(request))
        connections_accept(daemon->connections, request);
    else
        http_request_answer_text(request, 400,
                                 "this path speaks mesos/1 alone: Upgrade is missing");
}

static bool listen_http(struct daemon *daemon, struct error *error) {
    daemon->http = http_server_new(daemon->loop, (struct http_server_options){0});
    http_server_route(daemon->http, FRAME_UPGRADE_PATH, answer_upgrade, daemon);
    api_serve(daemon);
    if (!http_server_listen(daemon->http, daemon->flags.ip, (uint16_t)daemon->flags.port, error))
        return false;
    if (!text_starts_with(text_of(daemon->flags.ip), TEXT("127.")))
        log_warning(daemon->log, "listening_without_authentication", KV("ip", daemon->flags.ip),
                    KV("note", "whoever reaches this address can run commands on every agent"));
    return true;
}

static void on_signal(void *self, int signal_number) {
    struct daemon *daemon = self;
    log_info(daemon->log, "master_ends", KV("signal", signal_number),
             KV("note", "tasks go on; agents and frameworks come back to the next master"));
    loop_stop(daemon->loop);
}

static bool make_core(struct daemon *daemon, struct error *error) {
    const struct master_flags *flags = &daemon->flags;
    struct master_options options = master_options_default();
    struct rng rng = random_rng();
    options.hostname = text_of(flags->hostname);
    options.ip = text_of(flags->ip);
    options.version = TEXT(MESOS_VERSION);
    options.port = http_server_port(daemon->http);
    options.seed = rng_next(&rng);
    options.offer_timeout_ms = flags->offer_timeout_ms;
    options.offer_gather_ms = flags->allocation_interval_ms;
    options.agent_ping_timeout_ms = flags->agent_ping_timeout_ms;
    options.max_agent_ping_timeouts = flags->max_agent_ping_timeouts;
    options.agent_reregister_timeout_ms = flags->agent_reregister_timeout_ms;
    options.max_completed_frameworks = (size_t)flags->max_completed_frameworks;
    options.max_completed_tasks_per_framework = (size_t)flags->max_completed_tasks_per_framework;
    options.max_unreachable_tasks_per_framework =
        (size_t)flags->max_unreachable_tasks_per_framework;
    options.root_submissions = flags->root_submissions;
    options.require_agent_domain = flags->require_agent_domain;
    if (!allocation_options_read(flags, daemon->kinds, daemon->arena, &options, error) ||
        !domain_from_flag(daemon->arena, flags->domain, &options.region, &options.zone, error))
        return false;
    daemon->master = master_new(&options, daemon->kinds);
    arena_reset(daemon->arena);
    log_info(daemon->log, "master_starts", KV("version", MESOS_VERSION),
             KV("id", master_id(daemon->master)), KV("ip", flags->ip), KV("port", options.port),
             KV("allocator", options.policy->name));
    return true;
}

static bool start(struct daemon *daemon, struct error *error) {
    static const int signals[SIGNALS] = {SIGTERM, SIGINT};
    daemon->loop = loop_new(error);
    if (daemon->loop == NULL)
        return false;
    loop_task_init(&daemon->turn_end, on_turn_end, daemon);
    loop_timer_init(&daemon->timer, daemon->loop, on_timer, daemon);
    for (size_t i = 0; i < SIGNALS; i++) {
        if (!loop_on_signal(daemon->loop, signals[i], on_signal, daemon, error))
            return false;
    }
    daemon->connections = connections_new(daemon);
    if (!directory_make(daemon->flags.work_dir, 0755, error) || !open_storage(daemon, error) ||
        !listen_http(daemon, error))
        return false;
    return make_core(daemon, error) && recover(daemon, error);
}

static void drop_request(void *request) {
    http_request_drop(request);
}

static void end(struct daemon *daemon) {
    loop_timer_disarm(&daemon->timer);
    loop_task_cancel(&daemon->turn_end);
    if (daemon->storage != NULL)
        on_turn_end(daemon);
    map_fini(&daemon->requests, drop_request);
    log_toggle_free(daemon->log_toggle);
    connections_free(daemon->connections);
    http_server_free(daemon->http);
    storage_close(daemon->storage);
    effects_drop(daemon);
    master_free(daemon->master);
    VEC_FINI(&daemon->outbox.effects);
    buf_fini(&daemon->encoded);
    arena_free(daemon->arena);
    kinds_free(daemon->kinds);
    loop_free(daemon->loop);
}

int daemon_run(struct daemon *daemon) {
    struct error error = {0};
    list_init(&daemon->held);
    daemon->arena = arena_new();
    daemon->kinds = kinds_new();
    daemon->started_ns = daemon_wall_ns();
    if (start(daemon, &error)) {
        loop_run(daemon->loop);
    } else {
        log_error(daemon->log, "master_cannot_start", KV("error", &error));
        daemon->exit_code = 1;
    }
    end(daemon);
    return daemon->exit_code;
}
