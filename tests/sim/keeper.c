#include "tests/sim/keeper.h"

enum { VOLUME_MB = 64 };

struct operation_parts {
    Mesos__V1__Offer__Operation operation;
    Mesos__V1__OperationID id;
    char id_text[80];
    union {
        Mesos__V1__Offer__Operation__Reserve reserve;
        Mesos__V1__Offer__Operation__Unreserve unreserve;
        Mesos__V1__Offer__Operation__Create create;
        Mesos__V1__Offer__Operation__Destroy destroy;
    };
    Mesos__V1__Resource resource, *list[1];
    Mesos__V1__Value__Scalar amount;
    Mesos__V1__Resource__ReservationInfo reservation, *reservations[1];
    Mesos__V1__Resource__DiskInfo disk;
    Mesos__V1__Resource__DiskInfo__Persistence persistence;
    Mesos__V1__Volume volume;
};

static const char *volume_id(const struct workload *workload, char out[64]) {
    snprintf(out, 64, "%s-%u", workload->name, workload->keeper.attempt);
    return out;
}

static void fill_disk(struct operation_parts *parts, struct workload *workload, char *id) {
    mesos__v1__resource__disk_info__init(&parts->disk);
    mesos__v1__resource__disk_info__persistence__init(&parts->persistence);
    mesos__v1__volume__init(&parts->volume);
    parts->persistence.id = (char *)(uintptr_t)volume_id(workload, id);
    parts->volume.container_path = "data";
    parts->volume.mode = MESOS__V1__VOLUME__MODE__RW;
    parts->disk.persistence = &parts->persistence;
    parts->disk.volume = &parts->volume;
    parts->resource.disk = &parts->disk;
}

/* Reserved to the workload's role; with_volume: as the volume. */
static void fill_resource(struct operation_parts *parts, struct workload *workload,
                          bool with_volume, char *id) {
    mesos__v1__resource__init(&parts->resource);
    mesos__v1__value__scalar__init(&parts->amount);
    mesos__v1__resource__reservation_info__init(&parts->reservation);
    parts->amount.value = VOLUME_MB;
    parts->resource.name = "disk";
    parts->resource.type = MESOS__V1__VALUE__TYPE__SCALAR;
    parts->resource.scalar = &parts->amount;
    parts->reservation.has_type = true;
    parts->reservation.type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    parts->reservation.role = (char *)(uintptr_t)workload->options.role;
    parts->reservations[0] = &parts->reservation;
    parts->resource.reservations = parts->reservations;
    parts->resource.n_reservations = 1;
    parts->list[0] = &parts->resource;
    if (with_volume)
        fill_disk(parts, workload, id);
}

static void fill_operation(struct operation_parts *parts, struct workload *workload,
                           Mesos__V1__Offer__Operation__Type type, char *id) {
    bool with_volume = type == MESOS__V1__OFFER__OPERATION__TYPE__CREATE ||
                       type == MESOS__V1__OFFER__OPERATION__TYPE__DESTROY;
    mesos__v1__offer__operation__init(&parts->operation);
    mesos__v1__operation_id__init(&parts->id);
    fill_resource(parts, workload, with_volume, id);
    snprintf(parts->id_text, sizeof(parts->id_text), "%s.%u.%d", workload->name,
             workload->keeper.attempt, (int)type);
    parts->id.value = parts->id_text;
    parts->operation.id = &parts->id;
    parts->operation.has_type = true;
    parts->operation.type = type;
    if (type == MESOS__V1__OFFER__OPERATION__TYPE__RESERVE) {
        mesos__v1__offer__operation__reserve__init(&parts->reserve);
        parts->reserve.resources = parts->list;
        parts->reserve.n_resources = 1;
        parts->operation.reserve = &parts->reserve;
    } else if (type == MESOS__V1__OFFER__OPERATION__TYPE__UNRESERVE) {
        mesos__v1__offer__operation__unreserve__init(&parts->unreserve);
        parts->unreserve.resources = parts->list;
        parts->unreserve.n_resources = 1;
        parts->operation.unreserve = &parts->unreserve;
    } else if (type == MESOS__V1__OFFER__OPERATION__TYPE__CREATE) {
        mesos__v1__offer__operation__create__init(&parts->create);
        parts->create.volumes = parts->list;
        parts->create.n_volumes = 1;
        parts->operation.create = &parts->create;
    } else {
        mesos__v1__offer__operation__destroy__init(&parts->destroy);
        parts->destroy.volumes = parts->list;
        parts->destroy.n_volumes = 1;
        parts->operation.destroy = &parts->destroy;
    }
}

static void accept_two(struct workload *workload, struct scheduler_node *node,
                       const Mesos__V1__Offer *offer, Mesos__V1__Offer__Operation__Type first,
                       Mesos__V1__Offer__Operation__Type second) {
    struct operation_parts parts[2];
    char ids[2][64];
    Mesos__V1__Offer__Operation *operations[] = {&parts[0].operation, &parts[1].operation};
    Mesos__V1__OfferID *offers[] = {offer->id};
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    fill_operation(&parts[0], workload, first, ids[0]);
    fill_operation(&parts[1], workload, second, ids[1]);
    accept.offer_ids = offers;
    accept.n_offer_ids = 1;
    accept.operations = operations;
    accept.n_operations = 2;
    call.has_type = true;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT;
    call.accept = &accept;
    scheduler_node_call(node, (int)call.type, &call.base);
}

/* --- offers --- */

static bool has_free_disk(const Mesos__V1__Offer *offer) {
    for (size_t i = 0; i < offer->n_resources; i++) {
        const Mesos__V1__Resource *one = offer->resources[i];
        bool is_reserved = one->n_reservations > 0 || one->reservation != NULL ||
                           (one->role != NULL && !text_equal(text_of(one->role), TEXT("*")));
        if (text_equal(text_of(one->name), TEXT("disk")) && !is_reserved && one->disk == NULL &&
            one->scalar->value >= VOLUME_MB)
            return true;
    }
    return false;
}

static bool has_volume(const Mesos__V1__Offer *offer, const char *id) {
    for (size_t i = 0; i < offer->n_resources; i++) {
        const Mesos__V1__Resource *one = offer->resources[i];
        if (one->disk != NULL && one->disk->persistence != NULL &&
            text_equal(text_of(one->disk->persistence->id), text_of(id)))
            return true;
    }
    return false;
}

bool keeper_take_offer(struct workload *workload, struct scheduler_node *node,
                       const Mesos__V1__Offer *offer) {
    struct keeper *keeper = &workload->keeper;
    struct world *world = workload->world;
    char id[64];
    if (!workload->options.keeps_volume || workload->is_leaving)
        return false;
    if (keeper->state == KEEPER_HAS_NONE && has_free_disk(offer) && !world->has_healed) {
        keeper->state = KEEPER_HAS_ASKED;
        snprintf(keeper->hostname, sizeof(keeper->hostname), "%s", offer->hostname);
        snprintf(keeper->agent, sizeof(keeper->agent), "%s", offer->agent_id->value);
        world_say(world, "volume  %s asks for %s on %s", workload->name, volume_id(workload, id),
                  offer->hostname);
        accept_two(workload, node, offer, MESOS__V1__OFFER__OPERATION__TYPE__RESERVE,
                   MESOS__V1__OFFER__OPERATION__TYPE__CREATE);
        return true;
    }
    if (keeper->state != KEEPER_HAS_IT || !has_volume(offer, volume_id(workload, id)) ||
        !world_chance(world, 100))
        return false;
    world_say(world, "volume  %s gives %s back", workload->name, id);
    accept_two(workload, node, offer, MESOS__V1__OFFER__OPERATION__TYPE__DESTROY,
               MESOS__V1__OFFER__OPERATION__TYPE__UNRESERVE);
    keeper->state = KEEPER_HAS_NONE;
    keeper->attempt++;
    return true;
}

/* --- news --- */

void keeper_operation_status(struct workload *workload, const Mesos__V1__OperationStatus *status) {
    struct keeper *keeper = &workload->keeper;
    char create[80];
    snprintf(create, sizeof(create), "%s.%u.%d", workload->name, keeper->attempt,
             (int)MESOS__V1__OFFER__OPERATION__TYPE__CREATE);
    if (status->operation_id == NULL || keeper->state != KEEPER_HAS_ASKED ||
        !text_equal(text_of(status->operation_id->value), text_of(create)))
        return;
    world_say(workload->world, "volume  %s hears %d %s", workload->name, (int)status->state,
              status->message != NULL ? status->message : "");
    switch ((int)status->state) {
    case MESOS__V1__OPERATION_STATE__OPERATION_PENDING:
    case MESOS__V1__OPERATION_STATE__OPERATION_RECOVERING:
    case MESOS__V1__OPERATION_STATE__OPERATION_UNREACHABLE: return;
    case MESOS__V1__OPERATION_STATE__OPERATION_FINISHED: keeper->state = KEEPER_HAS_IT; return;
    default: /* what is there now belongs to nobody */
        keeper->state = KEEPER_HAS_NONE;
        keeper->attempt++;
    }
}

void keeper_round(struct workload *workload, struct scheduler_node *node) {
    Mesos__V1__OperationID id = MESOS__V1__OPERATION_ID__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__Scheduler__Call__ReconcileOperations__Operation one, *list[] = {&one};
    Mesos__V1__Scheduler__Call__ReconcileOperations reconcile =
        MESOS__V1__SCHEDULER__CALL__RECONCILE_OPERATIONS__INIT;
    Mesos__V1__Scheduler__Call call = MESOS__V1__SCHEDULER__CALL__INIT;
    char create[80];
    if (workload->keeper.state != KEEPER_HAS_ASKED)
        return;
    snprintf(create, sizeof(create), "%s.%u.%d", workload->name, workload->keeper.attempt,
             (int)MESOS__V1__OFFER__OPERATION__TYPE__CREATE);
    mesos__v1__scheduler__call__reconcile_operations__operation__init(&one);
    id.value = create;
    agent.value = workload->keeper.agent;
    one.operation_id = &id;
    one.agent_id = &agent;
    reconcile.operations = list;
    reconcile.n_operations = 1;
    call.has_type = true;
    call.type = MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS;
    call.reconcile_operations = &reconcile;
    scheduler_node_call(node, (int)call.type, &call.base);
}

/* --- checks --- */

static struct agent_node *node_of(struct world *world, const char *hostname) {
    VEC_EACH(node, &world->agents)
        if (text_equal(text_of((*node)->process.name), text_of(hostname)))
            return *node;
    return NULL;
}

/* A slash in a role is a space on the disk. */
static void volume_path(const struct workload *workload, char *out, size_t size) {
    char id[64];
    snprintf(out, size, "/work/volumes/roles/%s/%s", workload->options.role,
             volume_id(workload, id));
    char *role = out + strlen("/work/volumes/roles/");
    for (size_t i = 0; i < strlen(workload->options.role); i++)
        if (role[i] == '/')
            role[i] = ' ';
}

void keeper_check(struct world *world) {
    VEC_EACH(at, &world->workloads) {
        const struct workload *workload = *at;
        char path[300];
        if (workload->keeper.state != KEEPER_HAS_IT)
            continue;
        const struct agent_node *node = node_of(world, workload->keeper.hostname);
        volume_path(workload, path, sizeof(path));
        if (node != NULL && !node->has_left && map_get_text(&node->volumes, text_of(path)) == NULL)
            world_fail(world, "the volume of %s is lost: %s has no %s", workload->name,
                       node->process.name, path);
    }
}

struct volume_search {
    struct world *world;
    const char *hostname, *id;
    size_t count;
};

static void count_volume(void *self, const struct agent_view *agent) {
    struct volume_search *search = self;
    const struct kinds *kinds = search->world->master->kinds;
    if (agent->total == NULL || agent->unreachable ||
        !text_equal(agent->info->hostname, text_of(search->hostname)))
        return;
    for (uint32_t i = 0; i < agent->total->count; i++) {
        const struct kind_info *info = kinds_info(kinds, agent->total->entries[i].kind);
        search->count += text_equal(info->disk.persistence_id, text_of(search->id));
    }
}

bool keeper_is_settled(struct world *world, struct buf *why) {
    VEC_EACH(at, &world->workloads) {
        const struct workload *workload = *at;
        char id[64];
        if (workload->keeper.state != KEEPER_HAS_IT)
            continue;
        const struct agent_node *node = node_of(world, workload->keeper.hostname);
        if (node == NULL || node->has_left)
            continue;
        struct volume_search search = {
            .world = world, .hostname = workload->keeper.hostname, .id = volume_id(workload, id)};
        master_each_agent(world->master->core, count_volume, &search);
        if (search.count == 1)
            continue;
        if (why != NULL)
            buf_printf(why, "the master counts volume %s %zu times", id, search.count);
        return false;
    }
    return true;
}
