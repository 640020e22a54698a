#include "master/shell/daemon.h"

#include "common/model/frame_type.h"
#include "common/runtime/files.h"
#include "common/runtime/http_server.h"
#include "common/runtime/log_toggle.h"
#include "common/runtime/random.h"
#include "master/shell/api.h"
#include "master/shell/connections.h"
#include "master/shell/effects.h"
#include "master/shell/leadership.h"
#include "master/shell/master_info.h"
#include "master/shell/redirect.h"
#include "master/shell/registry.h"
#include "master/shell/term.h"

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
    if (daemon->is_ending) { /* the next leader decides */
        arena_reset(daemon->arena);
        return;
    }
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

static void on_turn_end(void *self) {
    term_commit(self);
}

/* --- leading, or not --- */

static void stand(struct daemon *daemon) {
    AUTO_FINI(buf_fini) struct buf info = {0};
    uuid_format(uuid_random(&daemon->rng), daemon->id);
    master_info_json(daemon, &info);
    leadership_stand(daemon->leadership, buf_text(&info));
}

static void stop_with(struct daemon *daemon, const char *what, const struct error *error) {
    log_error(daemon->log, what, KV("error", error));
    daemon->exit_code = 1;
    daemon->is_ending = true;
    if (daemon->leadership != NULL)
        leadership_resign(daemon->leadership);
    else
        loop_stop(daemon->loop);
}

static void step_down(struct daemon *daemon) {
    log_warning(daemon->log, "master_deposed", KV("leader", leadership_leader(daemon->leadership)),
                KV("note", "tasks go on; agents and frameworks go to the next leader"));
    term_end(daemon, "this master leads no more");
    stand(daemon);
}

/* Each leader once. */
static void stand_by(struct daemon *daemon) {
    struct text leader = leadership_leader(daemon->leadership);
    if (daemon->stands_by && text_equal(leader, text_of(daemon->shown_leader)))
        return;
    daemon->stands_by = true;
    snprintf(daemon->shown_leader, sizeof(daemon->shown_leader), "%.*s", TEXT_ARGS(leader));
    log_info(daemon->log, "master_stands_by", KV("leader", leader));
}

static void review(void *self) {
    struct daemon *daemon = self;
    struct error error;
    bool leads = daemon->leadership == NULL ||
                 (leadership_role(daemon->leadership) == ELECTION_LEADER && !daemon->is_deposed);
    if (daemon->is_ending)
        return;
    if (daemon->term_error.code != ERROR_NONE) {
        error = daemon->term_error;
        term_end(daemon, "this master ends");
        stop_with(daemon, "master_cannot_lead", &error);
    } else if (daemon->master != NULL && !leads) {
        step_down(daemon);
    } else if (daemon->master == NULL && leads) {
        daemon->stands_by = false;
        log_info(daemon->log, "master_elected", KV("id", daemon->id));
        if (!term_begin(daemon, &error))
            stop_with(daemon, "master_cannot_lead", &error);
    } else if (daemon->master == NULL) {
        stand_by(daemon);
    }
    redirect_release(daemon);
}

void daemon_review(struct daemon *daemon) {
    loop_defer(daemon->loop, &daemon->review);
}

static void on_change(void *self) {
    daemon_review(self);
}

static void on_resigned(void *self) {
    struct daemon *daemon = self;
    loop_stop(daemon->loop);
}

static bool join(struct daemon *daemon, struct error *error) {
    struct leadership_options options = {.url = text_of(daemon->flags.zk),
                                         .session_timeout_ms = daemon->flags.zk_session_timeout_ms,
                                         .on_change = on_change,
                                         .on_resigned = on_resigned,
                                         .self = daemon};
    daemon->leadership = leadership_new(daemon->loop, daemon->log, &options, error);
    if (daemon->leadership == NULL)
        return fail_context(error, "--zk");
    stand(daemon);
    return true;
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
    daemon->http = http_server_new(
        daemon->loop,
        (struct http_server_options){.on_backlog = http_server_log_backlog, .self = daemon->log});
    redirect_route(daemon, FRAME_UPGRADE_PATH, answer_upgrade);
    redirect_serve(daemon);
    api_serve(daemon);
    if (!http_server_listen(daemon->http, daemon->flags.ip, (uint16_t)daemon->flags.port, error))
        return false;
    if (!text_starts_with(text_of(daemon->flags.ip), TEXT("127.")))
        log_warning(daemon->log, "listening_without_authentication", KV("ip", daemon->flags.ip),
                    KV("note", "whoever reaches this address can run commands on every agent"));
    return true;
}

/* A leader gives its place up first, so that the next one need not wait for the session to end. */
static void on_signal(void *self, int signal_number) {
    struct daemon *daemon = self;
    log_info(daemon->log, "master_ends", KV("signal", signal_number),
             KV("note", "tasks go on; agents and frameworks come back to the next master"));
    if (daemon->leadership == NULL || daemon->is_ending) {
        loop_stop(daemon->loop);
        return;
    }
    /* What was decided is on its way before the place is given up. */
    daemon->is_ending = true;
    term_leave(daemon);
    leadership_resign(daemon->leadership);
    registry_close(TAKE(daemon->registry)); /* one that is still read would begin to write */
}

static bool start(struct daemon *daemon, struct error *error) {
    static const int signals[SIGNALS] = {SIGTERM, SIGINT};
    daemon->loop = loop_new(error);
    if (daemon->loop == NULL)
        return false;
    loop_task_init(&daemon->turn_end, on_turn_end, daemon);
    loop_task_init(&daemon->review, review, daemon);
    loop_timer_init(&daemon->timer, daemon->loop, on_timer, daemon);
    for (size_t i = 0; i < SIGNALS; i++) {
        if (!loop_on_signal(daemon->loop, signals[i], on_signal, daemon, error))
            return false;
    }
    daemon->connections = connections_new(daemon);
    if (!listen_http(daemon, error))
        return false;
    if (daemon->flags.zk != NULL)
        return join(daemon, error);
    uuid_format(uuid_random(&daemon->rng), daemon->id);
    return directory_make(daemon->flags.work_dir, 0755, error) && term_begin(daemon, error);
}

/* What the registry and ZooKeeper must hear is said. The rest goes with the process: to take a term
 * of tens of thousands of agents apart would keep a processor for half a second, just when all of
 * them come to the next leader. */
static void end(struct daemon *daemon) {
    daemon->is_ending = true;
    term_leave(daemon);
    registry_close(TAKE(daemon->registry));
    leadership_free(TAKE(daemon->leadership));
    log_toggle_free(daemon->log_toggle);
}

int daemon_run(struct daemon *daemon) {
    struct error error = {0};
    list_init(&daemon->held);
    daemon->arena = arena_new();
    daemon->rng = random_rng();
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
