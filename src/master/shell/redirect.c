#include "master/shell/redirect.h"

#include "common/base/buf.h"
#include "common/runtime/http_server.h"
#include "common/wire/json.h"
#include "master/shell/daemon.h"
#include "master/shell/leadership.h"

#include <stdio.h>

enum { PLACE_BYTES = 4096 };

struct leader_route {
    struct daemon *daemon;
    void (*fn)(void *self, struct http_request *request);
};

static struct text leader(const struct daemon *daemon) {
    return daemon->leadership != NULL ? leadership_leader(daemon->leadership) : (struct text){0};
}

/* In the election, and not behind itself: it may be the leader and still read its registry. */
static bool has_other_leader(const struct daemon *daemon) {
    return leader(daemon).size > 0 && daemon->leadership != NULL &&
           leadership_role(daemon->leadership) != ELECTION_LEADER;
}

static void send_to(struct http_request *request, struct text address, struct text target) {
    char place[PLACE_BYTES];
    snprintf(place, sizeof(place), "//%.*s%.*s", TEXT_ARGS(address), TEXT_ARGS(target));
    const struct http_header location = {"Location", place};
    http_request_answer(
        request, (struct http_answer){.status = 307, .headers = &location, .header_count = 1});
}

bool redirect_is_ours(struct daemon *daemon, struct http_request *request) {
    if (daemon->is_leading)
        return true;
    struct text target = http_request_target(request);
    if (has_other_leader(daemon) && target.size < PLACE_BYTES - 300)
        send_to(request, leader(daemon), target);
    else
        http_request_answer_text(
            request, 503,
            daemon->master != NULL
                ? "this master has been elected and is still reading the registry"
                : "no leading master is known; the election goes on");
    return false;
}

static void serve_leading(void *self, struct http_request *request) {
    struct leader_route *route = self;
    if (redirect_is_ours(route->daemon, request))
        route->fn(route->daemon, request);
}

void redirect_route(struct daemon *daemon, const char *path,
                    void (*fn)(void *self, struct http_request *request)) {
    struct leader_route *route = NEW(struct leader_route);
    *route = (struct leader_route){daemon, fn};
    VEC_PUSH(&daemon->routes, route);
    http_server_route(daemon->http, path, serve_leading, route);
}

/* /redirect: to the leader, itself included. */
static void serve_redirect(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    char own[PLACE_BYTES];
    struct text address = leader(daemon);
    if (http_request_rest(request).size > 1) {
        http_request_answer_text(request, 404, "/redirect has nothing below it");
        return;
    }
    if (daemon->is_leading) {
        snprintf(own, sizeof(own), "%s:%d", daemon->flags.hostname,
                 (int)http_server_port(daemon->http));
        address = text_of(own);
    }
    if (address.size > 0)
        send_to(request, address, (struct text){0});
    else
        http_request_answer_text(request, 503, "No leading master elected");
}

static const char *state_word(const struct daemon *daemon) {
    if (daemon->is_leading)
        return "leader";
    if (daemon->master != NULL)
        return "recovering";
    return leader(daemon).size > 0 ? "standby" : "electing";
}

/* /ready: 200 when requests sent here are served, by itself or by whom it names. */
static void serve_ready(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    AUTO_FINI(buf_fini) struct buf body = {0};
    bool is_ready = daemon->is_leading || has_other_leader(daemon);
    buf_append_string(&body, "{\"state\":");
    json_print_string(&body, text_of(state_word(daemon)));
    if (has_other_leader(daemon)) {
        buf_append_string(&body, ",\"leader\":");
        json_print_string(&body, leader(daemon));
    }
    buf_append_byte(&body, '}');
    http_request_answer(request, (struct http_answer){.status = is_ready ? 200 : 503,
                                                      .content_type = "application/json",
                                                      .body = buf_text(&body)});
}

void redirect_serve(struct daemon *daemon) {
    http_server_route(daemon->http, "/redirect", serve_redirect, daemon);
    http_server_route(daemon->http, "/master/redirect", serve_redirect, daemon);
    http_server_route(daemon->http, "/ready", serve_ready, daemon);
}

void redirect_free(struct daemon *daemon) {
    VEC_EACH(route, &daemon->routes)
        mem_free(*route);
    VEC_FINI(&daemon->routes);
}
