/*
 * One table row a call. An answer is written as protobuf; a client that wants JSON gets the same
 * bytes read back and printed, so there is one implementation of each.
 *
 * The order of checks is that of Mesos: method, content type, body, call, what the client accepts.
 */
#include "master/shell/api.h"

#include "common/runtime/http_server.h"
#include "common/runtime/log_toggle.h"
#include "common/wire/convert.h"
#include "common/wire/json.h"
#include "common/wire/put.h"
#include "master/shell/api_agents.h"
#include "master/shell/api_maintenance.h"
#include "master/shell/api_operations.h"
#include "master/shell/api_roles.h"
#include "master/shell/api_insight.h"
#include "master/shell/api_views.h"
#include "master/shell/daemon.h"
#include "master/shell/master_info.h"
#include "master/shell/redirect.h"
#include "mesos/v1/master/master.pb-c.h"

#include <assert.h>

static const char json_type[] = "application/json";
static const char protobuf_type[] = "application/x-protobuf";

typedef Mesos__V1__Master__Call call_message;

/* --- the calls that read --- */

struct reading {
    struct daemon *daemon;
    struct wire wire;
    const call_message *call;
    struct buf *out; /* the Response */
    int refusal;     /* a status; 0: it is answered */
    const char *why;
};

static void put_health(struct reading *reading) {
    put_varint(reading->out, 1, true);
}

static void put_flag(void *self, const char *name, const char *value) {
    struct buf *out = self;
    size_t place = put_begin(out, 1);
    put_bytes(out, 1, text_of(name));
    put_bytes(out, 2, text_of(value));
    put_end(out, place);
}

static void put_flags(struct reading *reading) {
    struct flag_table table = master_flag_table(&reading->daemon->flags);
    flags_each(&table, put_flag, reading->out);
}

static void put_version(struct reading *reading) {
    size_t place = put_begin(reading->out, 1);
    put_bytes(reading->out, 1, TEXT(MESOS_VERSION));
    put_end(reading->out, place);
}

static void put_metric(void *self, const char *name, double value) {
    struct buf *out = self;
    size_t place = put_begin(out, 1);
    put_bytes(out, 1, text_of(name));
    put_double(out, 2, value);
    put_end(out, place);
}

static void put_metrics(struct reading *reading) {
    views_each_metric(reading->daemon->master, daemon_wall_ns(), put_metric, reading->out);
}

static void put_logging_level(struct reading *reading) {
    put_varint(reading->out, 1, log_level(reading->daemon->log) == LOG_LEVEL_DEBUG);
}

static void put_master(struct reading *reading) {
    struct daemon *daemon = reading->daemon;
    struct buf *out = reading->out;
    size_t place = put_begin(out, 1);
    master_info_put(daemon, out);
    put_end(out, place);
    put_double(out, 2, (double)daemon->started_ns / 1e9);
    put_double(out, 3, (double)daemon->started_ns / 1e9);
}

static void put_agents(struct reading *reading) {
    views_put_agents(&reading->wire, reading->daemon->master, reading->out);
}

static void put_frameworks(struct reading *reading) {
    views_put_frameworks(&reading->wire, reading->daemon->master, reading->out);
}

static void put_executors(struct reading *reading) {
    views_put_executors(&reading->wire, reading->daemon->master, reading->out);
}

static void put_tasks(struct reading *reading) {
    views_put_tasks(&reading->wire, reading->daemon->master, reading->out);
}

static void put_roles(struct reading *reading) {
    roles_put_roles(&reading->wire, reading->daemon->master, reading->out);
}

static void put_weights(struct reading *reading) {
    roles_put_weights(&reading->wire, reading->daemon->master, reading->out);
}

static void put_quota(struct reading *reading) {
    roles_put_quota(&reading->wire, reading->daemon->master, reading->out);
}

static void put_shares(struct reading *reading) {
    insight_put_shares(reading->daemon->master, reading->out);
}

static void put_offers(struct reading *reading) {
    insight_put_offers(&reading->wire, reading->daemon->master, reading->out);
}

static void put_explained(struct reading *reading) {
    const Mesos__V1__Master__Call__Explain *explain = reading->call->explain;
    size_t asked = 0;
    if (explain != NULL)
        asked = (size_t)(explain->framework != NULL) + (size_t)(explain->role != NULL) +
                (size_t)(explain->task != NULL);
    reading->refusal = asked == 1 ? 0 : 400;
    reading->why = "Expecting exactly one of 'framework', 'role' and 'task' in 'explain'";
    if (asked != 1)
        return;
    struct insight_question question = {.framework = text_of(explain->framework),
                                        .role = text_of(explain->role),
                                        .request = text_of(explain->task)};
    if (insight_put_explained(reading->daemon->master, &question, explain->agents, reading->out))
        return;
    reading->refusal = 404;
    reading->why = "nothing of that name wants resources here";
}

static void put_maintenance_status(struct reading *reading) {
    api_maintenance_put_status(reading->daemon->master, reading->out);
}

static void put_maintenance_schedule(struct reading *reading) {
    api_maintenance_put_schedule(reading->daemon->master, reading->out);
}

static void put_state(struct reading *reading) {
    views_put_state(&reading->wire, reading->daemon->master, reading->out);
}

static const struct {
    Mesos__V1__Master__Call__Type call;
    Mesos__V1__Master__Response__Type response;
    uint32_t field; /* of the Response */
    void (*put)(struct reading *reading);
    bool is_bare; /* nothing to say: the field is left out, as Mesos does */
} reads[] = {
    {MESOS__V1__MASTER__CALL__TYPE__GET_HEALTH, MESOS__V1__MASTER__RESPONSE__TYPE__GET_HEALTH, 2,
     put_health},
    {MESOS__V1__MASTER__CALL__TYPE__GET_FLAGS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_FLAGS, 3,
     put_flags},
    {MESOS__V1__MASTER__CALL__TYPE__GET_VERSION, MESOS__V1__MASTER__RESPONSE__TYPE__GET_VERSION, 4,
     put_version},
    {MESOS__V1__MASTER__CALL__TYPE__GET_METRICS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_METRICS, 5,
     put_metrics},
    {MESOS__V1__MASTER__CALL__TYPE__GET_LOGGING_LEVEL,
     MESOS__V1__MASTER__RESPONSE__TYPE__GET_LOGGING_LEVEL, 6, put_logging_level},
    {MESOS__V1__MASTER__CALL__TYPE__GET_STATE, MESOS__V1__MASTER__RESPONSE__TYPE__GET_STATE, 9,
     put_state},
    {MESOS__V1__MASTER__CALL__TYPE__GET_AGENTS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_AGENTS, 10,
     put_agents},
    {MESOS__V1__MASTER__CALL__TYPE__GET_FRAMEWORKS,
     MESOS__V1__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS, 11, put_frameworks},
    {MESOS__V1__MASTER__CALL__TYPE__GET_EXECUTORS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_EXECUTORS,
     12, put_executors},
    {MESOS__V1__MASTER__CALL__TYPE__GET_TASKS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_TASKS, 13,
     put_tasks},
    {MESOS__V1__MASTER__CALL__TYPE__GET_ROLES, MESOS__V1__MASTER__RESPONSE__TYPE__GET_ROLES, 14,
     put_roles},
    {MESOS__V1__MASTER__CALL__TYPE__GET_WEIGHTS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_WEIGHTS, 15,
     put_weights, .is_bare = true},
    {MESOS__V1__MASTER__CALL__TYPE__GET_QUOTA, MESOS__V1__MASTER__RESPONSE__TYPE__GET_QUOTA, 19,
     put_quota},
    {MESOS__V1__MASTER__CALL__TYPE__GET_SHARES, MESOS__V1__MASTER__RESPONSE__TYPE__GET_SHARES, 1001,
     put_shares},
    {MESOS__V1__MASTER__CALL__TYPE__EXPLAIN, MESOS__V1__MASTER__RESPONSE__TYPE__EXPLAIN, 1002,
     put_explained},
    {MESOS__V1__MASTER__CALL__TYPE__GET_OFFERS, MESOS__V1__MASTER__RESPONSE__TYPE__GET_OFFERS, 1003,
     put_offers},
    {MESOS__V1__MASTER__CALL__TYPE__GET_MASTER, MESOS__V1__MASTER__RESPONSE__TYPE__GET_MASTER, 16,
     put_master},
    {MESOS__V1__MASTER__CALL__TYPE__GET_MAINTENANCE_STATUS,
     MESOS__V1__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_STATUS, 17, put_maintenance_status},
    {MESOS__V1__MASTER__CALL__TYPE__GET_MAINTENANCE_SCHEDULE,
     MESOS__V1__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_SCHEDULE, 18, put_maintenance_schedule},
};

static bool accepts(struct text accept, const char *type) {
    struct text one, name = text_of(type);
    if (accept.data == NULL)
        return text_equal(name, text_of(json_type));
    while (text_split(&accept, ',', &one)) {
        struct text wanted;
        text_split(&one, ';', &wanted);
        wanted = text_trim(wanted);
        if (text_equal(wanted, name) || text_equal(wanted, TEXT("*/*")) ||
            text_equal(wanted, TEXT("application/*")))
            return true;
    }
    return false;
}

static void answer_json(struct daemon *daemon, struct http_request *request, struct text response) {
    ProtobufCMessage *message;
    struct error error;
    AUTO_FINI(buf_fini) struct buf json = {0};
    if (!wire_unpack(&mesos__v1__master__response__descriptor, response, daemon->arena, &message,
                     &error)) {
        log_error(daemon->log, "response_not_readable", KV("error", &error));
        http_request_answer_text(request, 500, "the answer could not be made: %s", error.message);
        return;
    }
    json_print(message, &json);
    http_request_answer(
        request,
        (struct http_answer){.status = 200, .content_type = json_type, .body = buf_text(&json)});
}

static void answer_read(struct daemon *daemon, struct http_request *request,
                        const call_message *call, size_t row) {
    struct text accept = http_request_header(request, "Accept");
    bool json = accepts(accept, json_type);
    if (!json && !accepts(accept, protobuf_type)) {
        http_request_answer_text(request, 406, "Expecting 'Accept' to allow '%s' or '%s'",
                                 json_type, protobuf_type);
        return;
    }
    AUTO_FINI(buf_fini) struct buf response = {0};
    struct reading reading = {
        .daemon = daemon, .wire = daemon_wire(daemon), .call = call, .out = &response};
    put_varint(&response, 1, reads[row].response);
    size_t head = response.size, place = put_begin(&response, reads[row].field);
    size_t begin = response.size;
    reads[row].put(&reading);
    if (reading.refusal != 0) {
        http_request_answer_text(request, reading.refusal, "%s", reading.why);
        return;
    }
    if (reads[row].is_bare && response.size == begin)
        response.size = head;
    else
        put_end(&response, place);
    if (json)
        answer_json(daemon, request, buf_text(&response));
    else
        http_request_answer(request, (struct http_answer){.status = 200,
                                                          .content_type = protobuf_type,
                                                          .body = buf_text(&response)});
}

/* --- the calls that change something --- */

static void answer_operator(struct daemon *daemon, struct http_request *request,
                            struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = daemon_await_answer(daemon, request);
    event.operator_call.call = call;
    daemon_feed(daemon, &event);
}

static void answer_teardown(struct daemon *daemon, struct http_request *request,
                            const call_message *call) {
    if (call->teardown == NULL) {
        http_request_answer_text(request, 400, "Expecting 'teardown' to be present");
        return;
    }
    answer_operator(
        daemon, request,
        (struct operator_call){.kind = OPERATOR_TEARDOWN,
                               .framework = {text_of(call->teardown->framework_id->value)}});
}

static void answer_kill_task(struct daemon *daemon, struct http_request *request,
                             const call_message *call) {
    if (call->kill_task == NULL) {
        http_request_answer_text(request, 400, "Expecting 'kill_task' to be present");
        return;
    }
    struct operator_call kill = {.kind = OPERATOR_KILL_TASK,
                                 .framework = {text_of(call->kill_task->framework_id->value)},
                                 .task = {text_of(call->kill_task->task_id->value)}};
    kill.has_grace = kill_grace_convert(call->kill_task->kill_policy, &kill.grace_ns);
    answer_operator(daemon, request, kill);
}

static void answer_set_logging_level(struct daemon *daemon, struct http_request *request,
                                     const call_message *call) {
    if (call->set_logging_level == NULL) {
        http_request_answer_text(request, 400, "Expecting 'set_logging_level' to be present");
        return;
    }
    int64_t duration_ms = call->set_logging_level->duration->nanoseconds / 1000000;
    bool debug = call->set_logging_level->level > 0;
    struct error error;
    if (!log_toggle_set(daemon->log_toggle, debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, duration_ms,
                        &error)) {
        http_request_answer_text(request, 400, "%s", error.message);
        return;
    }
    http_request_answer(request, (struct http_answer){.status = 200});
}

static void answer_call(struct daemon *daemon, struct http_request *request,
                        const call_message *call) {
    if (!call->has_type) {
        http_request_answer_text(request, 400, "Expecting 'type' to be present");
        return;
    }
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        if (reads[i].call == call->type) {
            answer_read(daemon, request, call, i);
            return;
        }
    }
    if (api_roles_answer(daemon, request, call) || api_operations_answer(daemon, request, call) ||
        api_agents_answer(daemon, request, call) || api_maintenance_answer(daemon, request, call))
        return;
    if (call->type == MESOS__V1__MASTER__CALL__TYPE__TEARDOWN)
        answer_teardown(daemon, request, call);
    else if (call->type == MESOS__V1__MASTER__CALL__TYPE__KILL_TASK)
        answer_kill_task(daemon, request, call);
    else if (call->type == MESOS__V1__MASTER__CALL__TYPE__SET_LOGGING_LEVEL)
        answer_set_logging_level(daemon, request, call);
    else
        http_request_answer_text(request, 501, "this master does not serve calls of type %d",
                                 (int)call->type);
}

/* --- HTTP --- */

/* The call in the body, in the arena; false when the request has been answered. */
static bool read_call(struct daemon *daemon, struct http_request *request, ProtobufCMessage **out) {
    const ProtobufCMessageDescriptor *descriptor = &mesos__v1__master__call__descriptor;
    struct text type = http_request_header(request, "Content-Type");
    struct text body = http_request_body(request);
    struct error error;
    bool is_json = text_equal(type, text_of(json_type));
    if (!text_equal(text_of(http_request_method(request)), TEXT("POST"))) {
        static const struct http_header allow = {"Allow", "POST"};
        http_request_answer(request, (struct http_answer){.status = 405,
                                                          .body = TEXT("Expecting 'POST'"),
                                                          .headers = &allow,
                                                          .header_count = 1});
    } else if (type.data == NULL) {
        http_request_answer_text(request, 400, "Expecting 'Content-Type' to be present");
    } else if (!is_json && !text_equal(type, text_of(protobuf_type))) {
        http_request_answer_text(request, 415, "Expecting 'Content-Type' of %s or %s", json_type,
                                 protobuf_type);
    } else if (is_json ? json_parse(descriptor, body, daemon->arena, NULL, out, &error)
                       : wire_unpack(descriptor, body, daemon->arena, out, &error)) {
        return true;
    } else {
        http_request_answer_text(request, 400, "the body is no call: %s", error.message);
    }
    return false;
}

static void serve_call(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    ProtobufCMessage *message;
    if (read_call(daemon, request, &message))
        answer_call(daemon, request, (const call_message *)message);
    arena_reset(daemon->arena);
}

static void serve_health(void *self, struct http_request *request) {
    (void)self;
    http_request_answer(request, (struct http_answer){.status = 200});
}

static void serve_version(void *self, struct http_request *request) {
    (void)self;
    static const char body[] = "{\"version\":\"" MESOS_VERSION "\"}";
    http_request_answer(
        request,
        (struct http_answer){.status = 200, .content_type = json_type, .body = text_of(body)});
}

static void print_metric(void *self, const char *name, double value) {
    struct buf *out = self;
    buf_append_byte(out, out->size == 0 ? '{' : ',');
    json_print_string(out, text_of(name));
    buf_append_byte(out, ':');
    json_print_double(out, value);
}

static void print_standby(const struct daemon *daemon, struct buf *out) {
    double uptime = (double)(daemon_wall_ns() - daemon->started_ns) / 1e9;
    print_metric(out, "master/uptime_secs", uptime);
    print_metric(out, "master/elected", 0);
}

static void serve_metrics(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    AUTO_FINI(buf_fini) struct buf body = {0};
    if (daemon->is_leading)
        views_each_metric(daemon->master, daemon_wall_ns(), print_metric, &body);
    else
        print_standby(daemon, &body);
    buf_append_byte(&body, '}');
    http_request_answer(
        request,
        (struct http_answer){.status = 200, .content_type = json_type, .body = buf_text(&body)});
}

void api_serve(struct daemon *daemon) {
    daemon->log_toggle = log_toggle_new(daemon->loop, daemon->log, daemon->http);
    redirect_route(daemon, "/api/v1", serve_call);
    redirect_route(daemon, "/master/api/v1", serve_call);
    http_server_route(daemon->http, "/health", serve_health, daemon);
    http_server_route(daemon->http, "/master/health", serve_health, daemon);
    http_server_route(daemon->http, "/version", serve_version, daemon);
    http_server_route(daemon->http, "/metrics/snapshot", serve_metrics, daemon);
    api_roles_serve(daemon);
    api_maintenance_serve(daemon);
    api_operations_serve(daemon);
}
