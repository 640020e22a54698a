/*
 * What an operator sends is put as a framework would say it, so that both are read by one function;
 * the core checks it and answers.
 */
#include "master/shell/api_operations.h"

#include "common/runtime/http_server.h"
#include "common/wire/convert.h"
#include "common/wire/json.h"
#include "master/shell/daemon.h"
#include "master/shell/redirect.h"

typedef Mesos__V1__Master__Call call_message;
typedef Mesos__V1__Offer__Operation operation_message;

/* An operation as a framework says it; the messages in it borrow from the operator's. */
struct saying {
    enum operation_kind kind;
    const Mesos__V1__AgentID *agent; /* NULL: not given */
    Mesos__V1__Offer__Operation operation;
    Mesos__V1__Offer__Operation__Reserve reserve;
    Mesos__V1__Offer__Operation__Unreserve unreserve;
    Mesos__V1__Offer__Operation__Create create;
    Mesos__V1__Offer__Operation__Destroy destroy;
    Mesos__V1__Offer__Operation__GrowVolume grow;
    Mesos__V1__Offer__Operation__ShrinkVolume shrink;
};

static void begin(struct saying *saying) {
    *saying = (struct saying){
        .operation = MESOS__V1__OFFER__OPERATION__INIT,
        .reserve = MESOS__V1__OFFER__OPERATION__RESERVE__INIT,
        .unreserve = MESOS__V1__OFFER__OPERATION__UNRESERVE__INIT,
        .create = MESOS__V1__OFFER__OPERATION__CREATE__INIT,
        .destroy = MESOS__V1__OFFER__OPERATION__DESTROY__INIT,
        .grow = MESOS__V1__OFFER__OPERATION__GROW_VOLUME__INIT,
        .shrink = MESOS__V1__OFFER__OPERATION__SHRINK_VOLUME__INIT,
    };
}

static void say_reserve(struct saying *saying, Mesos__V1__Resource **resources, size_t count) {
    saying->kind = OPERATION_RESERVE;
    saying->reserve.resources = resources;
    saying->reserve.n_resources = count;
    saying->operation.reserve = &saying->reserve;
}

static void say_unreserve(struct saying *saying, Mesos__V1__Resource **resources, size_t count) {
    saying->kind = OPERATION_UNRESERVE;
    saying->unreserve.resources = resources;
    saying->unreserve.n_resources = count;
    saying->operation.unreserve = &saying->unreserve;
}

static void say_create(struct saying *saying, Mesos__V1__Resource **volumes, size_t count) {
    saying->kind = OPERATION_CREATE;
    saying->create.volumes = volumes;
    saying->create.n_volumes = count;
    saying->operation.create = &saying->create;
}

static void say_destroy(struct saying *saying, Mesos__V1__Resource **volumes, size_t count) {
    saying->kind = OPERATION_DESTROY;
    saying->destroy.volumes = volumes;
    saying->destroy.n_volumes = count;
    saying->operation.destroy = &saying->destroy;
}

static void say_grow(struct saying *saying, const Mesos__V1__Master__Call__GrowVolume *grow) {
    saying->kind = OPERATION_GROW_VOLUME;
    saying->agent = grow->agent_id;
    saying->grow.volume = grow->volume;
    saying->grow.addition = grow->addition;
    saying->operation.grow_volume = &saying->grow;
}

static void say_shrink(struct saying *saying, const Mesos__V1__Master__Call__ShrinkVolume *shrink) {
    saying->kind = OPERATION_SHRINK_VOLUME;
    saying->agent = shrink->agent_id;
    saying->shrink.volume = shrink->volume;
    saying->shrink.subtract = shrink->subtract;
    saying->operation.shrink_volume = &saying->shrink;
}

static void feed(struct daemon *daemon, struct http_request *request, const struct saying *saying) {
    struct wire wire = daemon_wire(daemon), apart = wire_apart(&wire);
    struct operator_call call = {.kind = OPERATOR_OPERATION,
                                 .agent = {ID_TEXT(saying->agent)},
                                 .operation = {.kind = saying->kind},
                                 .kinds = apart.kinds};
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    operation_convert(&apart, &saying->operation, &call.operation);
    event.operator_call.request = daemon_await_answer(daemon, request);
    event.operator_call.call = call;
    daemon_feed(daemon, &event);
}

/* NULL: it is said; else the field that is missing. */
static const char *say(struct saying *saying, const call_message *call) {
    switch ((int)call->type) {
    case MESOS__V1__MASTER__CALL__TYPE__RESERVE_RESOURCES:
        if (call->reserve_resources == NULL)
            return "reserve_resources";
        say_reserve(saying, call->reserve_resources->resources,
                    call->reserve_resources->n_resources);
        saying->reserve.source = call->reserve_resources->source;
        saying->reserve.n_source = call->reserve_resources->n_source;
        saying->agent = call->reserve_resources->agent_id;
        return NULL;
    case MESOS__V1__MASTER__CALL__TYPE__UNRESERVE_RESOURCES:
        if (call->unreserve_resources == NULL)
            return "unreserve_resources";
        say_unreserve(saying, call->unreserve_resources->resources,
                      call->unreserve_resources->n_resources);
        saying->agent = call->unreserve_resources->agent_id;
        return NULL;
    case MESOS__V1__MASTER__CALL__TYPE__CREATE_VOLUMES:
        if (call->create_volumes == NULL)
            return "create_volumes";
        say_create(saying, call->create_volumes->volumes, call->create_volumes->n_volumes);
        saying->agent = call->create_volumes->agent_id;
        return NULL;
    case MESOS__V1__MASTER__CALL__TYPE__DESTROY_VOLUMES:
        if (call->destroy_volumes == NULL)
            return "destroy_volumes";
        say_destroy(saying, call->destroy_volumes->volumes, call->destroy_volumes->n_volumes);
        saying->agent = call->destroy_volumes->agent_id;
        return NULL;
    case MESOS__V1__MASTER__CALL__TYPE__GROW_VOLUME:
        if (call->grow_volume == NULL)
            return "grow_volume";
        say_grow(saying, call->grow_volume);
        return NULL;
    case MESOS__V1__MASTER__CALL__TYPE__SHRINK_VOLUME:
        if (call->shrink_volume == NULL)
            return "shrink_volume";
        say_shrink(saying, call->shrink_volume);
        return NULL;
    }
    return NULL;
}

bool api_operations_answer(struct daemon *daemon, struct http_request *request,
                           const Mesos__V1__Master__Call *call) {
    struct saying saying;
    begin(&saying);
    const char *missing = say(&saying, call);
    if (missing != NULL)
        http_request_answer_text(request, 400, "Expecting '%s' to be present", missing);
    else if (saying.kind == OPERATION_UNKNOWN)
        return false;
    else
        feed(daemon, request, &saying);
    return true;
}

/* --- the older endpoints: slaveId=ID&resources=[...] as a form --- */

static int digit(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* In the arena; what is no escape is left as it is. */
static struct text unescape(struct arena *arena, struct text text) {
    char *out = arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool is_escape = text.data[i] == '%' && i + 2 < text.size && digit(text.data[i + 1]) >= 0 &&
                         digit(text.data[i + 2]) >= 0;
        if (is_escape) {
            out[size++] = (char)(digit(text.data[i + 1]) * 16 + digit(text.data[i + 2]));
            i += 2;
        } else {
            out[size++] = text.data[i] == '+' ? ' ' : text.data[i];
        }
    }
    out[size] = '\0';
    return (struct text){out, size};
}

/* {NULL, 0}: the form has no such field. */
static struct text form_field(struct arena *arena, struct text form, struct text name) {
    struct text field, key;
    while (text_split(&form, '&', &field)) {
        text_split(&field, '=', &key);
        if (text_equal(unescape(arena, key), name))
            return unescape(arena, field);
    }
    return (struct text){0};
}

typedef void sayer(struct saying *saying, Mesos__V1__Resource **resources, size_t count);

/* An array is read as the one field of a message. */
static bool read_array(struct arena *arena, struct text array,
                       Mesos__V1__Offer__Operation__Unreserve **out, struct error *error) {
    AUTO_FINI(buf_fini) struct buf wrapped = {0};
    buf_append_string(&wrapped, "{\"resources\":");
    buf_append_text(&wrapped, array);
    buf_append_byte(&wrapped, '}');
    return json_parse(&mesos__v1__offer__operation__unreserve__descriptor, buf_text(&wrapped),
                      arena, NULL, (ProtobufCMessage **)out, error);
}

static void serve(struct daemon *daemon, struct http_request *request, const char *field,
                  sayer *say_it) {
    struct text form = http_request_body(request);
    struct text id = form_field(daemon->arena, form, TEXT("slaveId"));
    struct text array = form_field(daemon->arena, form, text_of(field));
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__Offer__Operation__Unreserve *read;
    struct saying saying;
    struct error error;
    begin(&saying);
    if (!text_equal(text_of(http_request_method(request)), TEXT("POST"))) {
        static const struct http_header allow = {"Allow", "POST"};
        http_request_answer(request, (struct http_answer){.status = 405,
                                                          .body = TEXT("Expecting 'POST'"),
                                                          .headers = &allow,
                                                          .header_count = 1});
    } else if (id.data == NULL) {
        http_request_answer_text(request, 400, "Missing 'slaveId' in the form");
    } else if (array.data == NULL) {
        http_request_answer_text(request, 400, "Missing '%s' in the form", field);
    } else if (!read_array(daemon->arena, array, &read, &error)) {
        http_request_answer_text(request, 400, "'%s' cannot be read: %s", field, error.message);
    } else {
        agent.value = (char *)id.data;
        saying.agent = &agent;
        say_it(&saying, read->resources, read->n_resources);
        feed(daemon, request, &saying);
    }
    arena_reset(daemon->arena);
}

static void serve_reserve(void *self, struct http_request *request) {
    serve(self, request, "resources", say_reserve);
}

static void serve_unreserve(void *self, struct http_request *request) {
    serve(self, request, "resources", say_unreserve);
}

static void serve_create(void *self, struct http_request *request) {
    serve(self, request, "volumes", say_create);
}

static void serve_destroy(void *self, struct http_request *request) {
    serve(self, request, "volumes", say_destroy);
}

void api_operations_serve(struct daemon *daemon) {
    static const struct {
        const char *path;
        void (*fn)(void *self, struct http_request *request);
    } routes[] = {
        {"/reserve", serve_reserve},         {"/master/reserve", serve_reserve},
        {"/unreserve", serve_unreserve},     {"/master/unreserve", serve_unreserve},
        {"/create-volumes", serve_create},   {"/master/create-volumes", serve_create},
        {"/destroy-volumes", serve_destroy}, {"/master/destroy-volumes", serve_destroy},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        redirect_route(daemon, routes[i].path, routes[i].fn);
}
