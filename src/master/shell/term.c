#include "master/shell/term.h"

#include "common/runtime/http_server.h"
#include "common/wire/flags_json.h"
#include "master/shell/allocation_options.h"
#include "master/shell/connections.h"
#include "master/shell/daemon.h"
#include "master/shell/effects.h"
#include "master/shell/leadership.h"
#include "master/shell/redirect.h"
#include "master/shell/registry.h"
#include "master/shell/removal_options.h"
#include "mesos/allocator.h"

#include <stdio.h>

/* --- the registry --- */

void term_commit(struct daemon *daemon) {
    if (daemon->registry == NULL || daemon->made_ticket == daemon->handed_ticket)
        return;
    daemon->handed_ticket = daemon->made_ticket;
    registry_commit(daemon->registry, daemon->handed_ticket);
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
    bool ok = registry_each(daemon->registry, load_record, &loading, error);
    if (ok) {
        struct master_event event = {.kind = MASTER_EVENT_RECOVERED};
        event.recovered.records = loading.records.items;
        event.recovered.keys = loading.keys.items;
        event.recovered.count = loading.records.count;
        log_info(daemon->log, "registry_read", KV("records", loading.records.count));
        daemon->is_leading = true;
        daemon_feed(daemon, &event);
        redirect_release(daemon);
    }
    VEC_FINI(&loading.records);
    VEC_FINI(&loading.keys);
    arena_free(loading.arena);
    return ok;
}

static void on_refused(void *self, const struct error *error) {
    struct daemon *daemon = self;
    daemon->term_error = *error;
    daemon_review(daemon);
}

static void on_loaded(void *self) {
    struct daemon *daemon = self;
    struct error error;
    if (!daemon->is_ending && !recover(daemon, &error))
        on_refused(daemon, &error);
}

static void on_deposed(void *self) {
    struct daemon *daemon = self;
    daemon->is_deposed = true;
    daemon_review(daemon);
}

static bool open_registry(struct daemon *daemon, struct error *error) {
    struct registry_events events = {.on_loaded = on_loaded,
                                     .on_refused = on_refused,
                                     .on_stored = on_stored,
                                     .on_deposed = on_deposed,
                                     .on_trouble = on_trouble,
                                     .self = daemon};
    char place[4096];
    if (daemon->leadership != NULL) {
        snprintf(place, sizeof(place), "%.*s/registry",
                 TEXT_ARGS(leadership_path(daemon->leadership)));
        daemon->registry =
            registry_open_shared(daemon->loop, leadership_share(daemon->leadership), text_of(place),
                                 leadership_node(daemon->leadership), &events);
        return true;
    }
    snprintf(place, sizeof(place), "%s/registry", daemon->flags.work_dir);
    daemon->registry = registry_open_local(daemon->loop, place, &events, error);
    return daemon->registry != NULL || fail_context(error, "--work_dir");
}

/* --- the core --- */

static bool make_core(struct daemon *daemon, struct error *error) {
    const struct master_flags *flags = &daemon->flags;
    struct master_options options = master_options_default();
    options.id = text_of(daemon->id);
    options.hostname = text_of(flags->hostname);
    options.ip = text_of(flags->ip);
    options.version = TEXT(MESOS_VERSION);
    options.port = http_server_port(daemon->http);
    options.seed = rng_next(&daemon->rng);
    options.offer_timeout_ms = flags->offer_timeout_ms;
    options.offer_gather_ms = flags->allocation_interval_ms;
    options.agent_ping_timeout_ms = flags->agent_ping_timeout_ms;
    options.max_agent_ping_timeouts = flags->max_agent_ping_timeouts;
    options.agent_reregister_timeout_ms = flags->agent_reregister_timeout_ms;
    options.registry_max_agent_age_ms = flags->registry_max_agent_age_ms;
    options.registry_max_agent_count = flags->registry_max_agent_count;
    options.registry_gc_interval_ms = flags->registry_gc_interval_ms;
    options.max_completed_frameworks = (size_t)flags->max_completed_frameworks;
    options.max_completed_tasks_per_framework = (size_t)flags->max_completed_tasks_per_framework;
    options.max_unreachable_tasks_per_framework =
        (size_t)flags->max_unreachable_tasks_per_framework;
    options.root_submissions = flags->root_submissions;
    options.require_agent_domain = flags->require_agent_domain;
    removal_options_read(flags, &options);
    daemon->kinds = kinds_new();
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

bool term_begin(struct daemon *daemon, struct error *error) {
    daemon->made_ticket = daemon->handed_ticket = daemon->stored_ticket = 0;
    daemon->term_error = (struct error){0};
    daemon->is_deposed = false;
    if (!make_core(daemon, error) || !open_registry(daemon, error))
        return false;
    registry_load(daemon->registry);
    if (daemon->term_error.code != ERROR_NONE)
        *error = daemon->term_error;
    return daemon->term_error.code == ERROR_NONE;
}

static void answer_busy(void *request) {
    http_request_answer_text(request, 503, "this master leads no more; ask the new leader");
}

void term_leave(struct daemon *daemon) {
    daemon->is_leading = false;
    loop_timer_disarm(&daemon->timer);
    loop_task_cancel(&daemon->turn_end);
    term_commit(daemon);
    map_fini(&daemon->requests, answer_busy);
}

void term_end(struct daemon *daemon, const char *why) {
    term_leave(daemon);
    connections_end_all(daemon->connections, why);
    registry_close(TAKE(daemon->registry));
    daemon->is_deposed = false; /* what the fence said was of this term: it may lead again */
    effects_drop(daemon);
    master_free(TAKE(daemon->master));
    kinds_free(TAKE(daemon->kinds));
}
