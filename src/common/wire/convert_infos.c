/*
 * What frameworks, agents, tasks and executors say of themselves. The value has what somebody here
 * decides by; the whole goes along as bytes.
 */
#include "common/wire/convert_demand.h"

#include "common/base/units.h"
#include "common/model/value_fixed.h"

#include <math.h>

const struct text *texts_convert(struct wire *wire, char *const *from, size_t count) {
    struct text *texts = ARENA_ARRAY(wire->arena, struct text, count);
    for (size_t i = 0; i < count; i++)
        texts[i] = text_of(from[i]);
    return texts;
}

bool kill_grace_convert(const Mesos__V1__KillPolicy *policy, int64_t *grace_ns) {
    if (policy == NULL || policy->grace_period == NULL)
        return false;
    *grace_ns = policy->grace_period->nanoseconds;
    return true;
}

/* A string with a default is set when it is not the default's own storage. */
static struct text set_text(const char *value, const char *unset) {
    return value != unset ? text_of(value) : (struct text){0};
}

bool framework_info_convert(struct wire *wire, const Mesos__V1__FrameworkInfo *from,
                            struct text encoded, struct framework_info *out, struct error *error) {
    (void)error;
    *out = (struct framework_info){
        .id = framework_id_of(ID_TEXT(from->id)),
        .user = text_of(from->user),
        .name = text_of(from->name),
        .principal = text_of(from->principal),
        .hostname = text_of(from->hostname),
        .webui_url = text_of(from->webui_url),
        .role = set_text(from->role, mesos__v1__framework_info__role__default_value),
        .roles = texts_convert(wire, from->roles, from->n_roles),
        .role_count = from->n_roles,
        .failover_timeout_seconds = from->failover_timeout,
        .checkpoint = from->checkpoint,
        .encoded = encoded,
    };
    for (size_t i = 0; i < from->n_capabilities; i++) {
        int type = from->capabilities[i]->has_type ? (int)from->capabilities[i]->type : 0;
        if (type > 0 && type < 32)
            out->capabilities |= UINT32_C(1) << type;
    }
    offer_filters_convert(wire, from, out);
    return true;
}

bool framework_info_decode(struct wire *wire, struct text bytes, struct framework_info *out,
                           struct error *error) {
    Mesos__V1__FrameworkInfo *message;
    return CONVERT_UNPACK(mesos__v1__framework_info, wire, bytes, &message, error) &&
           framework_info_convert(wire, message, bytes, out, error);
}

void framework_info_with_id(struct wire *wire, struct text encoded, struct framework_id id,
                            struct buf *out) {
    (void)wire;
    struct slice slice;
    while (slice_next(&encoded, &slice)) {
        if (slice.number != 3)
            buf_append_text(out, slice.whole);
    }
    put_id(out, 3, id.text);
}

/* ip and version are not in mesos.v1.AgentInfo; whoever knows them sets them. */
bool agent_info_decode(struct wire *wire, struct text bytes, struct agent_info *out,
                       struct error *error) {
    Mesos__V1__AgentInfo *message;
    struct agent_info info = {.encoded = bytes};
    if (!CONVERT_UNPACK(mesos__v1__agent_info, wire, bytes, &message, error))
        return false;
    if (message->port < 0 || message->port > UINT16_MAX)
        return fail(error, ERROR_INVALID, "AgentInfo.port is %d", message->port);
    if (!resources_decode(wire, message->resources, message->n_resources, &info.resources, NULL,
                          NULL, error) ||
        !attributes_decode(wire, message->attributes, message->n_attributes, &info.attributes,
                           error))
        return fail_context(error, "AgentInfo");
    info.id = agent_id_of(ID_TEXT(message->id));
    info.hostname = text_of(message->hostname);
    info.port = (uint16_t)message->port;
    if (message->domain != NULL && message->domain->fault_domain != NULL) {
        info.region = text_of(message->domain->fault_domain->region->name);
        info.zone = text_of(message->domain->fault_domain->zone->name);
    }
    *out = info;
    return true;
}

void domain_encode(struct text region, struct text zone, uint32_t number, struct buf *out) {
    if (region.size == 0)
        return;
    size_t domain = put_begin(out, number), fault_domain = put_begin(out, 1);
    put_id(out, 1, region);
    put_id(out, 2, zone);
    put_end(out, fault_domain);
    put_end(out, domain);
}

void agent_info_encode(struct wire *wire, const struct agent_info *info, struct buf *out) {
    put_bytes(out, 1, info->hostname);
    resources_encode(wire, info->resources, 3, (struct text){0}, RESERVATIONS_NEW, out);
    attributes_encode(info->attributes, 5, out);
    put_varint(out, 8, info->port);
    domain_encode(info->region, info->zone, 10, out);
    /* Last, where a master puts the one that it gives: the same agent has the same bytes then. */
    put_some_id(out, 6, info->id.text);
}

static struct command_info read_command(struct wire *wire, const Mesos__V1__CommandInfo *from) {
    if (from == NULL)
        return (struct command_info){0};
    struct command_info command = {
        .is_set = true,
        .shell = from->shell,
        .has_value = from->value != NULL,
        .value = text_of(from->value),
        .arguments = texts_convert(wire, from->arguments, from->n_arguments),
        .argument_count = from->n_arguments,
        .user = text_of(from->user),
        .uri_count = from->n_uris,
    };
    size_t count = from->environment != NULL ? from->environment->n_variables : 0;
    struct environment_variable *variables =
        ARENA_ARRAY(wire->arena, struct environment_variable, count);
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Environment__Variable *variable = from->environment->variables[i];
        variables[i] =
            (struct environment_variable){text_of(variable->name), text_of(variable->value)};
        command.has_secret = command.has_secret || variable->secret != NULL;
    }
    command.environment = variables;
    command.environment_count = count;
    return command;
}

static struct container_request read_container(const Mesos__V1__ContainerInfo *from) {
    if (from == NULL)
        return (struct container_request){0};
    return (struct container_request){
        .is_set = true,
        .is_docker = from->type == MESOS__V1__CONTAINER_INFO__TYPE__DOCKER,
        .has_image = from->docker != NULL || (from->mesos != NULL && from->mesos->image != NULL),
        .volume_count = from->n_volumes,
        .network_count = from->n_network_infos,
        .hostname = text_of(from->hostname),
    };
}

bool executor_info_convert(struct wire *wire, const Mesos__V1__ExecutorInfo *from,
                           struct text encoded, struct executor_info *out, struct error *error) {
    struct executor_info info = {
        .is_set = true,
        .id = executor_id_of(text_of(from->executor_id->value)),
        .framework = framework_id_of(ID_TEXT(from->framework_id)),
        .type = from->has_type ? (enum executor_type)from->type : EXECUTOR_TYPE_UNSET,
        .name = text_of(from->name),
        .source = text_of(from->source),
        .command = read_command(wire, from->command),
        .container = read_container(from->container),
        .has_shutdown_grace = from->shutdown_grace_period != NULL,
        .encoded = encoded,
    };
    if (from->shutdown_grace_period != NULL)
        info.shutdown_grace_ns = from->shutdown_grace_period->nanoseconds;
    if (!resources_decode(wire, from->resources, from->n_resources, &info.resources, NULL, NULL,
                          error))
        return fail_context(error, "ExecutorInfo %s", from->executor_id->value);
    *out = info;
    return true;
}

bool executor_info_decode(struct wire *wire, struct text bytes, struct executor_info *out,
                          struct error *error) {
    Mesos__V1__ExecutorInfo *message;
    return CONVERT_UNPACK(mesos__v1__executor_info, wire, bytes, &message, error) &&
           executor_info_convert(wire, message, bytes, out, error);
}

static bool read_limits(struct wire *wire, const Mesos__V1__TaskInfo *from, struct task_info *info,
                        struct error *error) {
    struct task_limit *limits = ARENA_ARRAY(wire->arena, struct task_limit, from->n_limits);
    for (size_t i = 0; i < from->n_limits; i++) {
        const Mesos__V1__Value__Scalar *scalar = from->limits[i]->value;
        double value = scalar != NULL ? scalar->value : 0;
        limits[i].name = text_of(from->limits[i]->key);
        limits[i].is_infinite = isinf(value) && value > 0;
        if (!limits[i].is_infinite && !milli_from_double(value, &limits[i].milli))
            return fail(error, ERROR_INVALID, "limit %s is %g", from->limits[i]->key, value);
    }
    info->limits = limits;
    info->limit_count = from->n_limits;
    return true;
}

static bool read_labels(const Mesos__V1__Labels *labels, struct task_info *info,
                        struct error *error) {
    for (size_t i = 0; labels != NULL && i < labels->n_labels; i++) {
        const Mesos__V1__Label *label = labels->labels[i];
        int64_t duration_ns;
        if (strcmp(label->key, TASK_LABEL_STOP_AFTER) != 0)
            continue;
        if (!duration_parse_ns(text_of(label->value), &duration_ns) ||
            duration_ns < TASK_STOP_AFTER_LEAST_MS * INT64_C(1000000))
            return fail(error, ERROR_INVALID,
                        "label " TASK_LABEL_STOP_AFTER
                        "=%.40s is not a duration of at least %dsecs",
                        label->value != NULL ? label->value : "", TASK_STOP_AFTER_LEAST_MS / 1000);
        info->stop_after_ms = duration_ns / 1000000;
    }
    return true;
}

/* Amounts, labels and executor: what can be wrong with a task that is well formed. */
static bool read_amounts(struct wire *wire, const Mesos__V1__TaskInfo *from, struct text encoded,
                         struct task_info *info, struct error *error) {
    if (!resources_decode(wire, from->resources, from->n_resources, &info->resources,
                          &info->resource_role, &info->resources_name_two_roles, error) ||
        !read_limits(wire, from, info, error) || !read_labels(from->labels, info, error))
        return false;
    if (from->executor == NULL)
        return true;
    const ProtobufCMessage *executor = &from->executor->base;
    return executor_info_convert(wire, from->executor, slice_of(wire->arena, encoded, 5, executor),
                                 &info->executor, error);
}

bool task_info_convert(struct wire *wire, const Mesos__V1__TaskInfo *from, struct text encoded,
                       struct task_info *out, struct error *error) {
    static const struct resources none;
    struct task_info info = {
        .id = task_id_of(text_of(from->task_id->value)),
        .agent = agent_id_of(text_of(from->agent_id->value)),
        .name = text_of(from->name),
        .command = read_command(wire, from->command),
        .container = read_container(from->container),
        .has_max_completion = from->max_completion_time != NULL,
        .has_health_check = from->health_check != NULL,
        .has_check = from->check != NULL,
        .encoded = encoded,
    };
    struct error fault;
    (void)error;
    info.has_kill_grace = kill_grace_convert(from->kill_policy, &info.kill_grace_ns);
    if (from->max_completion_time != NULL)
        info.max_completion_ns = from->max_completion_time->nanoseconds;
    if (!read_amounts(wire, from, encoded, &info, &fault)) {
        info.resources = &none;
        info.fault = arena_text(wire->arena, text_of(fault.message));
    }
    *out = info;
    return true;
}

bool task_info_decode(struct wire *wire, struct text bytes, struct task_info *out,
                      struct error *error) {
    Mesos__V1__TaskInfo *message;
    return CONVERT_UNPACK(mesos__v1__task_info, wire, bytes, &message, error) &&
           task_info_convert(wire, message, bytes, out, error);
}
