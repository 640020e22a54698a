/*
 * mesos.v1.scheduler: the master's ear and mouth. Calls come as protobuf and become values; what is
 * only handed on is cut out of the bytes of the call. Events are written straight from values.
 */
#include "common/wire/convert_demand.h"

#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <arpa/inet.h>

#define call_message Mesos__V1__Scheduler__Call

static struct text part_of(struct wire *wire, struct text bytes, uint32_t number,
                           const void *part) {
    return part != NULL ? slice_of(wire->arena, bytes, number, part) : (struct text){0};
}

static bool missing(struct error *error, const char *field) {
    return fail(error, ERROR_INVALID, "a scheduler call without its field %s", field);
}

static bool read_subscribe(struct wire *wire, const Mesos__V1__FrameworkInfo *info, char **roles,
                           size_t role_count,
                           const Mesos__V1__Scheduler__OfferConstraints *constraints,
                           struct text bytes, struct scheduler_call *out, struct error *error) {
    struct text encoded = part_of(wire, bytes, 1, info);
    out->subscribe.suppressed_roles = texts_convert(wire, roles, role_count);
    out->subscribe.suppressed_role_count = role_count;
    out->subscribe.constraints =
        offer_constraints_convert(wire, constraints, &out->subscribe.constraint_count);
    return framework_info_convert(wire, info, encoded, &out->subscribe.info, error);
}

static bool read_tasks(struct wire *wire, Mesos__V1__TaskInfo *const *from, size_t count,
                       struct text bytes, struct operation *out, struct error *error) {
    struct task_info *tasks = ARENA_ARRAY(wire->arena, struct task_info, count);
    for (size_t i = 0; i < count; i++) {
        if (!task_info_convert(wire, from[i], slice_find(&bytes, 1), &tasks[i], error))
            return false;
    }
    out->tasks = tasks;
    out->task_count = count;
    return true;
}

/* `bytes` are those of the Offer.Operation. */
static bool read_operation(struct wire *wire, const Mesos__V1__Offer__Operation *from,
                           struct text bytes, struct operation *out, struct error *error) {
    out->kind = from->has_type ? (enum operation_kind)from->type : OPERATION_UNKNOWN;
    out->id = ID_TEXT(from->id);
    out->encoded = bytes;
    if (out->kind == OPERATION_LAUNCH && from->launch != NULL)
        return read_tasks(wire, from->launch->task_infos, from->launch->n_task_infos,
                          part_of(wire, bytes, 2, from->launch), out, error);
    if (operation_is_conversion(out->kind))
        operation_convert(wire, from, out);
    if (out->kind != OPERATION_LAUNCH_GROUP || from->launch_group == NULL)
        return true;
    const Mesos__V1__Offer__Operation__LaunchGroup *group = from->launch_group;
    struct text inner = part_of(wire, bytes, 7, group);
    return executor_info_convert(wire, group->executor, part_of(wire, inner, 1, group->executor),
                                 &out->executor, error) &&
           read_tasks(wire, group->task_group->tasks, group->task_group->n_tasks,
                      part_of(wire, inner, 2, group->task_group), out, error);
}

static void read_offers(struct wire *wire, Mesos__V1__OfferID *const *ids, size_t count,
                        const Mesos__V1__Filters *filters, struct scheduler_call *out) {
    struct offer_id *offers = ARENA_ARRAY(wire->arena, struct offer_id, count);
    for (size_t i = 0; i < count; i++)
        offers[i] = offer_id_of(text_of(ids[i]->value));
    out->accept.offers = offers;
    out->accept.offer_count = count;
    out->accept.has_refuse_seconds = filters != NULL && filters->has_refuse_seconds;
    out->accept.refuse_seconds = filters != NULL ? filters->refuse_seconds : 0;
}

static bool makes_kinds(const Mesos__V1__Scheduler__Call__Accept *accept) {
    for (size_t i = 0; i < accept->n_operations; i++)
        if (accept->operations[i]->has_type &&
            operation_is_conversion((enum operation_kind)accept->operations[i]->type))
            return true;
    return false;
}

static bool read_accept(struct wire *wire, const call_message *call, struct text bytes,
                        struct scheduler_call *out, struct error *error) {
    const Mesos__V1__Scheduler__Call__Accept *accept = call->accept;
    struct wire apart;
    if (accept == NULL)
        return missing(error, "accept");
    if (makes_kinds(accept)) {
        apart = wire_apart(wire);
        wire = &apart;
        out->accept.kinds = apart.kinds;
    }
    struct operation *operations = ARENA_ARRAY(wire->arena, struct operation, accept->n_operations);
    struct text rest = part_of(wire, bytes, 4, accept);
    for (size_t i = 0; i < accept->n_operations; i++) {
        if (!read_operation(wire, accept->operations[i], slice_find(&rest, 2), &operations[i],
                            error))
            return false;
    }
    read_offers(wire, accept->offer_ids, accept->n_offer_ids, accept->filters, out);
    out->accept.operations = operations;
    out->accept.operation_count = accept->n_operations;
    return true;
}

static bool read_reconcile(struct wire *wire, const call_message *call, struct scheduler_call *out,
                           struct error *error) {
    if (call->reconcile == NULL)
        return missing(error, "reconcile");
    size_t count = call->reconcile->n_tasks;
    struct task_reference *tasks = ARENA_ARRAY(wire->arena, struct task_reference, count);
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Scheduler__Call__Reconcile__Task *task = call->reconcile->tasks[i];
        tasks[i].task = task_id_of(text_of(task->task_id->value));
        tasks[i].agent = agent_id_of(ID_TEXT(task->agent_id));
    }
    out->reconcile.tasks = tasks;
    out->reconcile.task_count = count;
    return true;
}

/* Without its field it asks for all, as with none named. */
static void read_reconcile_operations(struct wire *wire, const call_message *call,
                                      struct scheduler_call *out) {
    size_t count =
        call->reconcile_operations != NULL ? call->reconcile_operations->n_operations : 0;
    struct operation_reference *list = ARENA_ARRAY(wire->arena, struct operation_reference, count);
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *one =
            call->reconcile_operations->operations[i];
        list[i].operation = text_of(one->operation_id->value);
        list[i].agent = agent_id_of(ID_TEXT(one->agent_id));
    }
    out->reconcile_operations.operations = list;
    out->reconcile_operations.operation_count = count;
}

static bool read_task_call(const call_message *call, struct scheduler_call *out,
                           struct error *error) {
    if (out->kind == SCHEDULER_CALL_KILL) {
        if (call->kill == NULL)
            return missing(error, "kill");
        out->kill.task = task_id_of(text_of(call->kill->task_id->value));
        out->kill.agent = agent_id_of(ID_TEXT(call->kill->agent_id));
        out->kill.has_grace = kill_grace_convert(call->kill->kill_policy, &out->kill.grace_ns);
        return true;
    }
    if (call->acknowledge == NULL)
        return missing(error, "acknowledge");
    out->acknowledge.agent = agent_id_of(text_of(call->acknowledge->agent_id->value));
    out->acknowledge.task = task_id_of(text_of(call->acknowledge->task_id->value));
    out->acknowledge.uuid = bytes_text(call->acknowledge->uuid);
    return true;
}

static bool read_executor_call(const call_message *call, struct scheduler_call *out,
                               struct error *error) {
    if (out->kind == SCHEDULER_CALL_SHUTDOWN) {
        if (call->shutdown == NULL)
            return missing(error, "shutdown");
        out->shutdown.executor = executor_id_of(text_of(call->shutdown->executor_id->value));
        out->shutdown.agent = agent_id_of(text_of(call->shutdown->agent_id->value));
        return true;
    }
    if (call->message == NULL)
        return missing(error, "message");
    out->message.agent = agent_id_of(text_of(call->message->agent_id->value));
    out->message.executor = executor_id_of(text_of(call->message->executor_id->value));
    out->message.data = bytes_text(call->message->data);
    return true;
}

/* Revive and suppress may come without their field: then they mean all roles. */
static void read_roles(struct wire *wire, char *const *roles, size_t count,
                       struct scheduler_call *out) {
    out->roles.roles = texts_convert(wire, roles, count);
    out->roles.role_count = count;
}

static bool read_offer_call(struct wire *wire, const call_message *call, struct scheduler_call *out,
                            struct error *error) {
    const Mesos__V1__Scheduler__Call__Decline *decline = call->decline;
    const Mesos__V1__Scheduler__Call__AcceptInverseOffers *agree = call->accept_inverse_offers;
    const Mesos__V1__Scheduler__Call__DeclineInverseOffers *refuse = call->decline_inverse_offers;
    if (out->kind == SCHEDULER_CALL_DECLINE && decline != NULL)
        read_offers(wire, decline->offer_ids, decline->n_offer_ids, decline->filters, out);
    else if (out->kind == SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS && agree != NULL)
        read_offers(wire, agree->inverse_offer_ids, agree->n_inverse_offer_ids, agree->filters,
                    out);
    else if (out->kind == SCHEDULER_CALL_DECLINE_INVERSE_OFFERS && refuse != NULL)
        read_offers(wire, refuse->inverse_offer_ids, refuse->n_inverse_offer_ids, refuse->filters,
                    out);
    else
        return missing(error, "of the offers");
    return true;
}

static bool read_call(struct wire *wire, const call_message *call, struct text bytes,
                      struct scheduler_call *out, struct error *error) {
    switch (out->kind) {
    case SCHEDULER_CALL_SUBSCRIBE:
        if (call->subscribe == NULL)
            return missing(error, "subscribe");
        return read_subscribe(
            wire, call->subscribe->framework_info, call->subscribe->suppressed_roles,
            call->subscribe->n_suppressed_roles, call->subscribe->offer_constraints,
            part_of(wire, bytes, 3, call->subscribe), out, error);
    case SCHEDULER_CALL_UPDATE_FRAMEWORK:
        if (call->update_framework == NULL)
            return missing(error, "update_framework");
        return read_subscribe(
            wire, call->update_framework->framework_info, call->update_framework->suppressed_roles,
            call->update_framework->n_suppressed_roles, call->update_framework->offer_constraints,
            part_of(wire, bytes, 19, call->update_framework), out, error);
    case SCHEDULER_CALL_ACCEPT: return read_accept(wire, call, bytes, out, error);
    case SCHEDULER_CALL_DECLINE:
    case SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS:
    case SCHEDULER_CALL_DECLINE_INVERSE_OFFERS: return read_offer_call(wire, call, out, error);
    case SCHEDULER_CALL_REVIVE:
        if (call->revive != NULL)
            read_roles(wire, call->revive->roles, call->revive->n_roles, out);
        return true;
    case SCHEDULER_CALL_SUPPRESS:
        if (call->suppress != NULL)
            read_roles(wire, call->suppress->roles, call->suppress->n_roles, out);
        return true;
    case SCHEDULER_CALL_KILL:
    case SCHEDULER_CALL_ACKNOWLEDGE: return read_task_call(call, out, error);
    case SCHEDULER_CALL_SHUTDOWN:
    case SCHEDULER_CALL_MESSAGE: return read_executor_call(call, out, error);
    case SCHEDULER_CALL_RECONCILE: return read_reconcile(wire, call, out, error);
    case SCHEDULER_CALL_REQUEST:
        if (call->request == NULL)
            return missing(error, "request");
        out->request.requests =
            requests_convert(wire, call->request->requests, call->request->n_requests);
        out->request.request_count = call->request->n_requests;
        return true;
    case SCHEDULER_CALL_RECONCILE_OPERATIONS:
        read_reconcile_operations(wire, call, out);
        return true;
    case SCHEDULER_CALL_UNKNOWN:
    case SCHEDULER_CALL_TEARDOWN:
    case SCHEDULER_CALL_ACKNOWLEDGE_OPERATION_STATUS: return true;
    }
    return true;
}

bool scheduler_call_decode(struct wire *wire, struct text bytes, struct scheduler_call *out,
                           struct error *error) {
    call_message *message;
    if (!CONVERT_UNPACK(mesos__v1__scheduler__call, wire, bytes, &message, error))
        return false;
    struct scheduler_call call = {
        .kind =
            message->has_type ? (enum scheduler_call_kind)message->type : SCHEDULER_CALL_UNKNOWN,
        .framework = framework_id_of(ID_TEXT(message->framework_id)),
    };
    struct wire finding = *wire;
    finding.finds_only = true;
    if (!read_call(&finding, message, bytes, &call, error))
        return false;
    *out = call;
    return true;
}

/* The old field for an IPv4 address holds it in network byte order, read as a number of this
 * machine. */
static uint32_t ip_number(struct text ip) {
    char string[INET_ADDRSTRLEN] = "";
    struct in_addr address = {0};
    if (ip.size < sizeof(string))
        memcpy(string, ip.data != NULL ? ip.data : "", ip.size);
    return inet_pton(AF_INET, string, &address) == 1 ? address.s_addr : 0;
}

static void put_address(struct buf *out, uint32_t number, struct text hostname, struct text ip,
                        uint16_t port) {
    size_t place = put_begin(out, number);
    put_some(out, 1, hostname);
    put_some(out, 2, ip);
    put_varint(out, 3, port);
    put_end(out, place);
}

static void put_master_info(const struct master_info *master, uint32_t number, struct buf *out) {
    size_t place = put_begin(out, number);
    put_bytes(out, 1, master->id);
    put_varint(out, 2, ip_number(master->ip));
    put_varint(out, 3, master->port);
    if (master->ip.size > 0) {
        AUTO_FINI(buf_fini) struct buf pid = {0};
        bool is_v6 = text_contains_byte(master->ip, ':');
        buf_printf(&pid, is_v6 ? "master@[%.*s]:%u" : "master@%.*s:%u", TEXT_ARGS(master->ip),
                   (unsigned)master->port);
        put_bytes(out, 4, buf_text(&pid));
    }
    put_some(out, 5, master->hostname);
    put_some(out, 6, master->version);
    put_address(out, 7, master->hostname, master->ip, master->port);
    domain_encode(master->region, master->zone, 8, out);
    put_end(out, place);
}

static void put_url(struct buf *out, struct text hostname, struct text ip, uint16_t port,
                    uint32_t number) {
    size_t url = put_begin(out, number);
    put_bytes(out, 1, TEXT("http"));
    put_address(out, 2, hostname, ip, port);
    put_bytes(out, 3, TEXT("/slave(1)"));
    put_end(out, url);
}

static void put_unavailability(const struct unavailability *from, uint32_t number,
                               struct buf *out) {
    size_t place = put_begin(out, number);
    size_t start = put_begin(out, 1);
    put_int(out, 1, from->start_ns);
    put_end(out, start);
    if (from->duration_ns >= 0) {
        size_t duration = put_begin(out, 2);
        put_int(out, 1, from->duration_ns);
        put_end(out, duration);
    }
    put_end(out, place);
}

static void put_inverse_offer(const struct inverse_offered *offer, struct buf *out) {
    size_t place = put_begin(out, 1);
    put_id(out, 1, offer->id.text);
    put_url(out, offer->hostname, offer->ip, offer->port, 2);
    put_id(out, 3, offer->framework.text);
    put_id(out, 4, offer->agent.text);
    put_unavailability(&offer->unavailability, 5, out);
    put_end(out, place);
}

static void put_offer(struct wire *wire, const struct offered *offer, uint32_t capabilities,
                      struct buf *out) {
    bool multi_role = (capabilities >> FRAMEWORK_MULTI_ROLE & 1) != 0;
    bool refined = (capabilities >> FRAMEWORK_RESERVATION_REFINEMENT & 1) != 0;
    struct text role = multi_role ? offer->role : (struct text){0};
    size_t place = put_begin(out, 1);
    put_id(out, 1, offer->id.text);
    put_id(out, 2, offer->framework.text);
    put_id(out, 3, offer->agent.text);
    put_bytes(out, 4, offer->hostname);
    resources_encode(wire, offer->resources, 5, role, refined ? RESERVATIONS_NEW : RESERVATIONS_OLD,
                     out);
    for (size_t i = 0; i < offer->executor_count; i++)
        put_id(out, 6, offer->executors[i].text);
    attributes_encode(offer->attributes, 7, out);
    put_url(out, offer->hostname, offer->ip, offer->port, 8);
    if (offer->unavailability != NULL)
        put_unavailability(offer->unavailability, 9, out);
    put_some_id(out, 10, role);
    domain_encode(offer->region, offer->zone, 11, out);
    put_end(out, place);
}

static void put_failure(const struct scheduler_event *event, struct buf *out) {
    put_some_id(out, 1, event->failure.agent.text);
    put_some_id(out, 2, event->failure.executor.text);
    if (event->failure.has_status)
        put_int(out, 3, event->failure.status);
}

static void put_operation_status(struct wire *wire, const struct scheduler_event *event,
                                 struct buf *out) {
    const struct operation_status *status = &event->operation;
    bool refined = (event->capabilities >> FRAMEWORK_RESERVATION_REFINEMENT & 1) != 0;
    size_t place = put_begin(out, 1);
    put_some_id(out, 1, status->operation);
    put_int(out, 2, status->state);
    put_some(out, 3, status->message);
    if (status->converted != NULL)
        resources_encode(wire, status->converted, 4, (struct text){0},
                         refined ? RESERVATIONS_NEW : RESERVATIONS_OLD, out);
    put_some_id(out, 6, status->agent.text);
    put_end(out, place);
}

static void put_request_status(const struct scheduler_event *event, struct buf *out) {
    put_some(out, 1, event->request_status.name);
    put_some(out, 2, event->request_status.role);
    put_varint(out, 3, event->request_status.is_feasible);
    put_some(out, 4, event->request_status.message);
    put_some_id(out, 5, event->request_status.nearest.text);
}

/* The number of the field that goes with the kind; 0 for none. */
static uint32_t event_field(enum scheduler_event_kind kind) {
    switch (kind) {
    case SCHEDULER_EVENT_SUBSCRIBED: return 2;
    case SCHEDULER_EVENT_OFFERS: return 3;
    case SCHEDULER_EVENT_RESCIND: return 4;
    case SCHEDULER_EVENT_UPDATE: return 5;
    case SCHEDULER_EVENT_MESSAGE: return 6;
    case SCHEDULER_EVENT_FAILURE: return 7;
    case SCHEDULER_EVENT_ERROR: return 8;
    case SCHEDULER_EVENT_INVERSE_OFFERS: return 9;
    case SCHEDULER_EVENT_RESCIND_INVERSE_OFFER: return 10;
    case SCHEDULER_EVENT_UPDATE_OPERATION_STATUS: return 11;
    case SCHEDULER_EVENT_REQUEST_STATUS: return 1000;
    case SCHEDULER_EVENT_CALL_REFUSED: return 1001;
    case SCHEDULER_EVENT_HEARTBEAT: return 0;
    }
    return 0;
}

static void put_event(struct wire *wire, const struct scheduler_event *event, struct buf *out) {
    size_t place;
    switch (event->kind) {
    case SCHEDULER_EVENT_SUBSCRIBED:
        put_id(out, 1, event->subscribed.framework.text);
        put_double(out, 2, event->subscribed.heartbeat_seconds);
        put_master_info(&event->subscribed.master, 3, out);
        return;
    case SCHEDULER_EVENT_OFFERS:
        for (size_t i = 0; i < event->offers.offer_count; i++)
            put_offer(wire, &event->offers.offers[i], event->capabilities, out);
        return;
    case SCHEDULER_EVENT_RESCIND:
    case SCHEDULER_EVENT_RESCIND_INVERSE_OFFER: put_id(out, 1, event->rescind.text); return;
    case SCHEDULER_EVENT_UPDATE:
        place = put_begin(out, 1);
        task_status_encode(&event->update, out);
        put_end(out, place);
        return;
    case SCHEDULER_EVENT_MESSAGE:
        put_id(out, 1, event->message.agent.text);
        put_id(out, 2, event->message.executor.text);
        put_bytes(out, 3, event->message.data);
        return;
    case SCHEDULER_EVENT_FAILURE: put_failure(event, out); return;
    case SCHEDULER_EVENT_ERROR: put_bytes(out, 1, event->error); return;
    case SCHEDULER_EVENT_UPDATE_OPERATION_STATUS: put_operation_status(wire, event, out); return;
    case SCHEDULER_EVENT_REQUEST_STATUS: put_request_status(event, out); return;
    case SCHEDULER_EVENT_CALL_REFUSED:
        put_bytes(out, 1, event->call_refused.call);
        put_int(out, 2, event->call_refused.status);
        put_bytes(out, 3, event->call_refused.message);
        return;
    case SCHEDULER_EVENT_INVERSE_OFFERS:
        for (size_t i = 0; i < event->inverse_offers.offer_count; i++)
            put_inverse_offer(&event->inverse_offers.offers[i], out);
        return;
    case SCHEDULER_EVENT_HEARTBEAT: return;
    }
}

void scheduler_event_encode(struct wire *wire, const struct scheduler_event *event,
                            struct buf *out) {
    uint32_t field = event_field(event->kind);
    put_int(out, 1, event->kind);
    if (field == 0)
        return;
    size_t place = put_begin(out, field);
    put_event(wire, event, out);
    put_end(out, place);
}
