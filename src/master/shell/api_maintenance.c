/*
 * Messages to values and back; the core checks them.
 */
#include "master/shell/api_maintenance.h"

#include "common/runtime/http_server.h"
#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "common/wire/put.h"
#include "master/shell/daemon.h"
#include "master/shell/redirect.h"
#include "master/shell/legacy_json.h"

typedef Mesos__V1__Master__Call call_message;

/* --- reading what is in force --- */

static void put_id_of(struct buf *out, uint32_t number, const struct machine_id *id) {
    size_t place = put_begin(out, number);
    put_some(out, 1, id->hostname);
    put_some(out, 2, id->ip);
    put_end(out, place);
}

static void put_nanoseconds(struct buf *out, uint32_t number, int64_t ns) {
    size_t place = put_begin(out, number);
    put_int(out, 1, ns);
    put_end(out, place);
}

struct windows {
    struct buf *out;
    bool is_open;
    uint32_t window;
    size_t place;
    struct unavailability unavailability;
};

static void close_window(struct windows *windows) {
    if (!windows->is_open)
        return;
    size_t place = put_begin(windows->out, 2);
    put_nanoseconds(windows->out, 1, windows->unavailability.start_ns);
    if (windows->unavailability.duration_ns >= 0)
        put_nanoseconds(windows->out, 2, windows->unavailability.duration_ns);
    put_end(windows->out, place);
    put_end(windows->out, windows->place);
    windows->is_open = false;
}

static void put_scheduled(void *self, const struct machine_view *machine) {
    struct windows *windows = self;
    if (windows->window != machine->window)
        close_window(windows);
    if (!windows->is_open) {
        windows->place = put_begin(windows->out, 1);
        windows->window = machine->window;
        windows->unavailability = machine->unavailability;
        windows->is_open = true;
    }
    put_id_of(windows->out, 1, &machine->id);
}

static void put_schedule(const struct master *master, struct buf *out) {
    struct windows windows = {.out = out};
    master_each_machine(master, put_scheduled, &windows);
    close_window(&windows);
}

static void put_answer(struct buf *out, const struct inverse_view *answer) {
    size_t place = put_begin(out, 2);
    put_int(out, 1, answer->answer);
    put_id(out, 2, answer->framework.text);
    put_nanoseconds(out, 3, answer->answered_ns);
    put_end(out, place);
}

static void put_draining(void *self, const struct machine_view *machine) {
    struct buf *out = self;
    if (machine->is_down)
        return;
    size_t place = put_begin(out, 1);
    put_id_of(out, 1, &machine->id);
    for (size_t i = 0; i < machine->answer_count; i++)
        put_answer(out, &machine->answers[i]);
    put_end(out, place);
}

static void put_down(void *self, const struct machine_view *machine) {
    if (machine->is_down)
        put_id_of(self, 2, &machine->id);
}

static void put_status(const struct master *master, struct buf *out) {
    master_each_machine(master, put_draining, out);
    master_each_machine(master, put_down, out);
}

void api_maintenance_put_status(const struct master *master, struct buf *out) {
    size_t place = put_begin(out, 1);
    put_status(master, out);
    put_end(out, place);
}

void api_maintenance_put_schedule(const struct master *master, struct buf *out) {
    size_t place = put_begin(out, 1);
    put_schedule(master, out);
    put_end(out, place);
}

/* --- changing it --- */

static void feed(struct daemon *daemon, struct http_request *request, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = daemon_await_answer(daemon, request);
    event.operator_call.call = call;
    daemon_feed(daemon, &event);
}

static const struct machine_id *read_machines(struct daemon *daemon,
                                              Mesos__V1__MachineID *const *from, size_t count) {
    struct machine_id *machines = ARENA_ARRAY(daemon->arena, struct machine_id, count);
    for (size_t i = 0; i < count; i++)
        machines[i] = (struct machine_id){text_of(from[i]->hostname), text_of(from[i]->ip)};
    return machines;
}

static bool read_window(struct daemon *daemon, const Mesos__V1__Maintenance__Window *from,
                        struct maintenance_window *out, struct error *error) {
    const Mesos__V1__DurationInfo *duration = from->unavailability->duration;
    if (duration != NULL && duration->nanoseconds < 0)
        return fail(error, ERROR_INVALID, "the duration of an unavailability is negative");
    out->machines = read_machines(daemon, from->machine_ids, from->n_machine_ids);
    out->machine_count = from->n_machine_ids;
    out->unavailability = (struct unavailability){from->unavailability->start->nanoseconds,
                                                  duration != NULL ? duration->nanoseconds : -1};
    return true;
}

static void update_schedule(struct daemon *daemon, struct http_request *request,
                            const Mesos__V1__Maintenance__Schedule *from) {
    struct maintenance_window *windows =
        ARENA_ARRAY(daemon->arena, struct maintenance_window, from->n_windows);
    struct error error;
    for (size_t i = 0; i < from->n_windows; i++) {
        if (read_window(daemon, from->windows[i], &windows[i], &error))
            continue;
        http_request_answer_text(request, 400, "%s", error.message);
        return;
    }
    feed(daemon, request,
         (struct operator_call){.kind = OPERATOR_UPDATE_MAINTENANCE,
                                .windows = windows,
                                .window_count = from->n_windows});
}

static void change_machines(struct daemon *daemon, struct http_request *request,
                            enum operator_call_kind kind, Mesos__V1__MachineID *const *machines,
                            size_t count) {
    feed(daemon, request,
         (struct operator_call){.kind = kind,
                                .machines = read_machines(daemon, machines, count),
                                .machine_count = count});
}

static void answer_missing(struct http_request *request, const char *name) {
    http_request_answer_text(request, 400, "Expecting '%s' to be present", name);
}

bool api_maintenance_answer(struct daemon *daemon, struct http_request *request,
                            const call_message *call) {
    if (call->type == MESOS__V1__MASTER__CALL__TYPE__UPDATE_MAINTENANCE_SCHEDULE) {
        if (call->update_maintenance_schedule == NULL)
            answer_missing(request, "update_maintenance_schedule");
        else
            update_schedule(daemon, request, call->update_maintenance_schedule->schedule);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__START_MAINTENANCE) {
        if (call->start_maintenance == NULL)
            answer_missing(request, "start_maintenance");
        else
            change_machines(daemon, request, OPERATOR_START_MAINTENANCE,
                            call->start_maintenance->machines, call->start_maintenance->n_machines);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__STOP_MAINTENANCE) {
        if (call->stop_maintenance == NULL)
            answer_missing(request, "stop_maintenance");
        else
            change_machines(daemon, request, OPERATOR_STOP_MAINTENANCE,
                            call->stop_maintenance->machines, call->stop_maintenance->n_machines);
    } else {
        return false;
    }
    return true;
}

/* --- the older endpoints --- */

static void answer_message(struct daemon *daemon, struct http_request *request,
                           const ProtobufCMessageDescriptor *descriptor,
                           void (*put)(const struct master *, struct buf *)) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    AUTO_FINI(buf_fini) struct buf json = {0};
    ProtobufCMessage *message;
    struct error error;
    put(daemon->master, &bytes);
    if (!wire_unpack(descriptor, buf_text(&bytes), daemon->arena, &message, &error)) {
        http_request_answer_text(request, 500, "the answer could not be made: %s", error.message);
        return;
    }
    json_print(message, &json);
    legacy_answer_json(request, buf_text(&json));
}

static void post_schedule(struct daemon *daemon, struct http_request *request) {
    ProtobufCMessage *schedule;
    struct error error;
    if (json_parse(&mesos__v1__maintenance__schedule__descriptor, http_request_body(request),
                   daemon->arena, NULL, &schedule, &error))
        update_schedule(daemon, request, (const Mesos__V1__Maintenance__Schedule *)schedule);
    else
        http_request_answer_text(request, 400, "the body is no schedule: %s", error.message);
}

static bool is_reading(struct http_request *request) {
    return legacy_is_method(request, "GET") || legacy_is_method(request, "HEAD");
}

static void serve_schedule(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (is_reading(request))
        answer_message(daemon, request, &mesos__v1__maintenance__schedule__descriptor,
                       put_schedule);
    else if (legacy_is_method(request, "POST"))
        post_schedule(daemon, request);
    else
        legacy_answer_method(request, "GET, POST");
    arena_reset(daemon->arena);
}

static void serve_status(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (is_reading(request))
        answer_message(daemon, request, &mesos__v1__maintenance__cluster_status__descriptor,
                       put_status);
    else
        legacy_answer_method(request, "GET");
    arena_reset(daemon->arena);
}

/* An array of MachineID is read as the one field of a message. */
static void serve_machines(struct daemon *daemon, struct http_request *request,
                           enum operator_call_kind kind) {
    AUTO_FINI(buf_fini) struct buf wrapped = {0};
    ProtobufCMessage *message;
    struct error error;
    struct text body = text_trim(http_request_body(request));
    if (!legacy_is_method(request, "POST")) {
        legacy_answer_method(request, "POST");
        return;
    }
    if (!text_starts_with(body, TEXT("["))) {
        http_request_answer_text(request, 400, "the body is no array of machines");
        return;
    }
    buf_append_string(&wrapped, "{\"machines\":");
    buf_append_text(&wrapped, body);
    buf_append_byte(&wrapped, '}');
    if (!json_parse(&mesos__v1__master__call__start_maintenance__descriptor, buf_text(&wrapped),
                    daemon->arena, NULL, &message, &error)) {
        http_request_answer_text(request, 400, "the body is no array of machines: %s",
                                 error.message);
        return;
    }
    const Mesos__V1__Master__Call__StartMaintenance *list =
        (const Mesos__V1__Master__Call__StartMaintenance *)message;
    change_machines(daemon, request, kind, list->machines, list->n_machines);
}

static void serve_down(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    serve_machines(daemon, request, OPERATOR_START_MAINTENANCE);
    arena_reset(daemon->arena);
}

static void serve_up(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    serve_machines(daemon, request, OPERATOR_STOP_MAINTENANCE);
    arena_reset(daemon->arena);
}

void api_maintenance_serve(struct daemon *daemon) {
    static const struct {
        const char *path, *long_path;
        void (*serve)(void *self, struct http_request *request);
    } routes[] = {
        {"/maintenance/schedule", "/master/maintenance/schedule", serve_schedule},
        {"/maintenance/status", "/master/maintenance/status", serve_status},
        {"/machine/down", "/master/machine/down", serve_down},
        {"/machine/up", "/master/machine/up", serve_up},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        redirect_route(daemon, routes[i].path, routes[i].serve);
        redirect_route(daemon, routes[i].long_path, routes[i].serve);
    }
}
