#include "master/shell/redirect.h"

#include "common/base/buf.h"
#include "common/runtime/address.h"
#include "common/runtime/http_server.h"
#include "common/wire/json.h"
#include "master/shell/daemon.h"
#include "master/shell/leadership.h"
#include "master/shell/master_info.h"

#include <stdio.h>

enum { PLACE_BYTES = 4096, WAITING_LIMIT = 100000 };

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

/* --- those that come while this master may be about to lead --- */

/* A whole cluster comes as soon as it sees a leader, which has then yet to read its registry. To be
 * refused would cost each of them its back-off. Out of reach of ZooKeeper nobody is about to lead,
 * and who comes has other masters to ask. */
static bool must_wait(const struct daemon *daemon) {
    return !daemon->is_leading && !daemon->is_ending && daemon->leadership != NULL &&
           leadership_is_connected(daemon->leadership) && !has_other_leader(daemon);
}

static void drop_gone(struct daemon *daemon) {
    size_t kept = 0;
    VEC_EACH(waiting, &daemon->waiting) {
        if (http_request_is_gone(waiting->request))
            http_request_drop(waiting->request);
        else
            daemon->waiting.items[kept++] = *waiting;
    }
    daemon->waiting.count = kept;
}

static bool may_wait(struct daemon *daemon, const struct http_request *request) {
    if (!http_request_wants_upgrade(request) || !must_wait(daemon))
        return false;
    if (daemon->waiting.count == WAITING_LIMIT)
        drop_gone(daemon);
    return daemon->waiting.count < WAITING_LIMIT;
}

void redirect_release(struct daemon *daemon) {
    if (must_wait(daemon))
        return;
    struct waiting_request *items = daemon->waiting.items;
    size_t count = daemon->waiting.count;
    daemon->waiting.items = NULL;
    daemon->waiting.count = daemon->waiting.capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (redirect_is_ours(daemon, items[i].request))
            items[i].route->fn(daemon, items[i].request);
    }
    mem_free(items);
}

static void serve_leading(void *self, struct http_request *request) {
    struct leader_route *route = self;
    if (may_wait(route->daemon, request))
        VEC_PUSH(&route->daemon->waiting, (struct waiting_request){route, request});
    else if (redirect_is_ours(route->daemon, request))
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
    char own[ADDRESS_TEXT_SIZE];
    struct text address = leader(daemon);
    if (http_request_rest(request).size > 1) {
        http_request_answer_text(request, 404, "/redirect has nothing below it");
        return;
    }
    if (daemon->is_leading) {
        address_join(text_of(daemon->flags.hostname), master_info_port(daemon), own);
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
