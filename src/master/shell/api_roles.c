/*
 * What an operator sends becomes a struct operator_call; the core checks it and answers.
 */
#include "master/shell/api_roles.h"

#include "common/model/value_fixed.h"
#include "common/runtime/http_server.h"
#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "master/shell/daemon.h"
#include "master/shell/legacy_json.h"
#include "master/shell/redirect.h"

enum { QUOTA_LINES_READ_LIMIT = 256 }; /* of one role; the core takes fewer */

typedef Mesos__V1__Master__Call call_message;

static void feed(struct daemon *daemon, struct http_request *request, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = daemon_await_answer(daemon, request);
    event.operator_call.call = call;
    daemon_feed(daemon, &event);
}

/* --- weights --- */

static void update_weights(struct daemon *daemon, struct http_request *request,
                           const Mesos__V1__Master__Call__UpdateWeights *update) {
    struct role_weight *weights =
        ARENA_ARRAY(daemon->arena, struct role_weight, update->n_weight_infos);
    for (size_t i = 0; i < update->n_weight_infos; i++)
        weights[i] = (struct role_weight){text_of(update->weight_infos[i]->role),
                                          update->weight_infos[i]->weight};
    feed(daemon, request,
         (struct operator_call){.kind = OPERATOR_UPDATE_WEIGHTS,
                                .weights = weights,
                                .weight_count = update->n_weight_infos});
}

/* --- quota --- */

static bool read_amount(const char *role, const char *name, const Mesos__V1__Value__Scalar *value,
                        int64_t *milli, struct error *error) {
    if (value != NULL && milli_from_double(value->value, milli))
        return true;
    return fail(error, ERROR_INVALID, "role '%.100s': %g of %.100s is no amount that can be set",
                role, value != NULL ? value->value : 0.0, name);
}

static const char *name_of(const char *key) {
    return key != NULL ? key : "";
}

/* The line of that name, added when it is not there. */
static struct quota_config_line *line_of(struct role_quota *quota, struct quota_config_line *lines,
                                         const char *name) {
    struct text wanted = text_of(name);
    for (size_t i = 0; i < quota->line_count; i++) {
        if (text_equal(lines[i].name, wanted))
            return &lines[i];
    }
    struct quota_config_line *line = &lines[quota->line_count++];
    *line = (struct quota_config_line){.name = wanted, .limit_milli = INT64_MAX};
    return line;
}

static bool read_config(struct daemon *daemon, const Mesos__V1__Quota__QuotaConfig *config,
                        struct role_quota *out, struct error *error) {
    size_t most = config->n_guarantees + config->n_limits;
    if (most > QUOTA_LINES_READ_LIMIT)
        return fail(error, ERROR_LIMIT, "role '%.100s': too many resources", config->role);
    struct quota_config_line *lines = ARENA_ARRAY(daemon->arena, struct quota_config_line, most);
    *out = (struct role_quota){.role = text_of(config->role), .lines = lines};
    for (size_t i = 0; i < config->n_guarantees; i++) {
        const char *name = name_of(config->guarantees[i]->key);
        if (!read_amount(config->role, name, config->guarantees[i]->value,
                         &line_of(out, lines, name)->guarantee_milli, error))
            return false;
    }
    for (size_t i = 0; i < config->n_limits; i++) {
        const char *name = name_of(config->limits[i]->key);
        if (!read_amount(config->role, name, config->limits[i]->value,
                         &line_of(out, lines, name)->limit_milli, error))
            return false;
    }
    return true;
}

static void update_quota(struct daemon *daemon, struct http_request *request,
                         const Mesos__V1__Master__Call__UpdateQuota *update) {
    struct role_quota *quotas =
        ARENA_ARRAY(daemon->arena, struct role_quota, update->n_quota_configs);
    struct error error;
    for (size_t i = 0; i < update->n_quota_configs; i++) {
        if (!read_config(daemon, update->quota_configs[i], &quotas[i], &error)) {
            http_request_answer_text(request, 400, "%s", error.message);
            return;
        }
    }
    feed(daemon, request,
         (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA,
                                .quotas = quotas,
                                .quota_count = update->n_quota_configs,
                                .force = update->has_force && update->force});
}

/* --- quota the old way: a guarantee is the limit too --- */

static bool is_plain(const Mesos__V1__Resource *resource) {
    bool is_unreserved = resource->role == NULL || text_equal(text_of(resource->role), TEXT("*"));
    return is_unreserved && resource->reservation == NULL && resource->n_reservations == 0 &&
           resource->disk == NULL && resource->revocable == NULL && resource->shared == NULL;
}

static bool read_guarantee(struct role_quota *out, struct quota_config_line *lines,
                           const Mesos__V1__Resource *resource, struct error *error) {
    const char *role = out->role.data != NULL ? out->role.data : "";
    if (resource->type != MESOS__V1__VALUE__TYPE__SCALAR || resource->scalar == NULL ||
        !is_plain(resource))
        return fail(error, ERROR_INVALID,
                    "role '%.100s': a guarantee is an amount of a resource and nothing else", role);
    size_t before = out->line_count;
    struct quota_config_line *line = line_of(out, lines, resource->name);
    if (out->line_count == before)
        return fail(error, ERROR_INVALID, "role '%.100s': %.100s comes twice", role,
                    resource->name);
    if (!read_amount(role, resource->name, resource->scalar, &line->guarantee_milli, error))
        return false;
    line->limit_milli = line->guarantee_milli;
    return true;
}

static bool read_quota_request(struct daemon *daemon, const Mesos__V1__Quota__QuotaRequest *from,
                               struct role_quota *out, struct error *error) {
    if (from->n_guarantee == 0)
        return fail(error, ERROR_INVALID, "the quota has no guarantee");
    if (from->n_guarantee > QUOTA_LINES_READ_LIMIT)
        return fail(error, ERROR_LIMIT, "the quota has too many resources");
    struct quota_config_line *lines =
        ARENA_ARRAY(daemon->arena, struct quota_config_line, from->n_guarantee);
    *out = (struct role_quota){.role = text_of(from->role), .lines = lines, .is_set_quota = true};
    for (size_t i = 0; i < from->n_guarantee; i++) {
        if (!read_guarantee(out, lines, from->guarantee[i], error))
            return false;
    }
    return true;
}

static void set_quota(struct daemon *daemon, struct http_request *request,
                      const Mesos__V1__Quota__QuotaRequest *from) {
    struct role_quota quota;
    struct error error;
    if (!read_quota_request(daemon, from, &quota, &error)) {
        http_request_answer_text(request, 400, "%s", error.message);
        return;
    }
    feed(daemon, request,
         (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA,
                                .quotas = &quota,
                                .quota_count = 1,
                                .force = from->has_force && from->force});
}

static void remove_quota(struct daemon *daemon, struct http_request *request, struct text role) {
    struct role_quota quota = {.role = role, .is_set_quota = true};
    feed(daemon, request,
         (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA, .quotas = &quota, .quota_count = 1});
}

/* --- the calls --- */

static void answer_missing(struct http_request *request, const char *name) {
    http_request_answer_text(request, 400, "Expecting '%s' to be present", name);
}

bool api_roles_answer(struct daemon *daemon, struct http_request *request,
                      const call_message *call) {
    if (call->type == MESOS__V1__MASTER__CALL__TYPE__UPDATE_WEIGHTS) {
        if (call->update_weights == NULL)
            answer_missing(request, "update_weights");
        else
            update_weights(daemon, request, call->update_weights);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__UPDATE_QUOTA) {
        if (call->update_quota == NULL)
            answer_missing(request, "update_quota");
        else
            update_quota(daemon, request, call->update_quota);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__SET_QUOTA) {
        if (call->set_quota == NULL)
            answer_missing(request, "set_quota");
        else
            set_quota(daemon, request, call->set_quota->quota_request);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__REMOVE_QUOTA) {
        if (call->remove_quota == NULL)
            answer_missing(request, "remove_quota");
        else
            remove_quota(daemon, request, text_of(call->remove_quota->role));
    } else {
        return false;
    }
    return true;
}

/* --- the older endpoints --- */

/* /weights: an array of WeightInfo. */
static void get_weights(struct daemon *daemon, struct http_request *request) {
    AUTO_FINI(buf_fini) struct buf json = {0};
    roles_print_weights(daemon->master, &json);
    legacy_answer_json(request, buf_text(&json));
}

/* A body that is no message by itself is read as the one field of a message. */
static void put_weights(struct daemon *daemon, struct http_request *request) {
    AUTO_FINI(buf_fini) struct buf wrapped = {0};
    struct error error;
    ProtobufCMessage *update;
    if (!text_starts_with(text_trim(http_request_body(request)), TEXT("["))) {
        http_request_answer_text(request, 400, "the body is no array of weights");
        return;
    }
    buf_append_string(&wrapped, "{\"weight_infos\":");
    buf_append_text(&wrapped, http_request_body(request));
    buf_append_byte(&wrapped, '}');
    if (json_parse(&mesos__v1__master__call__update_weights__descriptor, buf_text(&wrapped),
                   daemon->arena, NULL, &update, &error))
        update_weights(daemon, request, (const Mesos__V1__Master__Call__UpdateWeights *)update);
    else
        http_request_answer_text(request, 400, "the body is no array of weights: %s",
                                 error.message);
}

static void serve_weights(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (legacy_is_method(request, "GET") || legacy_is_method(request, "HEAD"))
        get_weights(daemon, request);
    else if (legacy_is_method(request, "PUT"))
        put_weights(daemon, request);
    else
        legacy_answer_method(request, "GET, PUT");
    arena_reset(daemon->arena);
}

/* /quota: QuotaStatus, as the call says it. */
static void get_quota(struct daemon *daemon, struct http_request *request) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    AUTO_FINI(buf_fini) struct buf json = {0};
    struct wire wire = daemon_wire(daemon);
    ProtobufCMessage *message;
    struct error error;
    roles_put_quota(&wire, daemon->master, &bytes);
    if (!wire_unpack(&mesos__v1__master__response__get_quota__descriptor, buf_text(&bytes),
                     daemon->arena, &message, &error)) {
        http_request_answer_text(request, 500, "the answer could not be made: %s", error.message);
        return;
    }
    json_print(&((Mesos__V1__Master__Response__GetQuota *)message)->status->base, &json);
    legacy_answer_json(request, buf_text(&json));
}

static void post_quota(struct daemon *daemon, struct http_request *request) {
    ProtobufCMessage *message;
    struct error error;
    if (json_parse(&mesos__v1__quota__quota_request__descriptor, http_request_body(request),
                   daemon->arena, NULL, &message, &error))
        set_quota(daemon, request, (const Mesos__V1__Quota__QuotaRequest *)message);
    else
        http_request_answer_text(request, 400, "the body is no quota: %s", error.message);
}

static void delete_quota(struct daemon *daemon, struct http_request *request) {
    struct text rest = http_request_rest(request);
    while (rest.size > 0 && rest.data[0] == '/')
        rest = text_sub(rest, 1, rest.size);
    if (rest.size == 0)
        http_request_answer_text(request, 400, "the path names no role: DELETE /quota/ROLE");
    else
        remove_quota(daemon, request, arena_text(daemon->arena, rest));
}

static void serve_quota(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    if (legacy_is_method(request, "GET") || legacy_is_method(request, "HEAD"))
        get_quota(daemon, request);
    else if (legacy_is_method(request, "POST"))
        post_quota(daemon, request);
    else if (legacy_is_method(request, "DELETE"))
        delete_quota(daemon, request);
    else
        legacy_answer_method(request, "GET, POST, DELETE");
    arena_reset(daemon->arena);
}

static void serve_roles(void *self, struct http_request *request) {
    struct daemon *daemon = self;
    AUTO_FINI(buf_fini) struct buf json = {0};
    roles_print_roles(daemon->kinds, daemon->master, &json);
    legacy_answer_json(request, buf_text(&json));
}

void api_roles_serve(struct daemon *daemon) {
    static const struct {
        const char *path, *long_path;
        void (*serve)(void *self, struct http_request *request);
    } routes[] = {
        {"/weights", "/master/weights", serve_weights},
        {"/quota", "/master/quota", serve_quota},
        {"/roles", "/master/roles", serve_roles},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        redirect_route(daemon, routes[i].path, routes[i].serve);
        redirect_route(daemon, routes[i].long_path, routes[i].serve);
    }
}
