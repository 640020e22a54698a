#include "tests/sim/calls.h"

static const double executor_cpus = 0.1, executor_mem = 32;

#define CALL(kind)                                                                                 \
    {                                                                                              \
        PROTOBUF_C_MESSAGE_INIT(&mesos__v1__scheduler__call__descriptor),                          \
            .has_type = true, .type = MESOS__V1__SCHEDULER__CALL__TYPE__##kind                     \
    }

static void push(struct scheduler_node *node, const Mesos__V1__Scheduler__Call *call) {
    scheduler_node_call(node, (int)call->type, &call->base);
}

/* --- offers --- */

void offer_budget_of(const Mesos__V1__Offer *offer, struct offer_budget *budget) {
    *budget = (struct offer_budget){.port = 1};
    for (size_t i = 0; i < offer->n_resources; i++) {
        const Mesos__V1__Resource *resource = offer->resources[i];
        if (text_equal(text_of(resource->name), TEXT("cpus")))
            budget->cpus += resource->scalar->value;
        else if (text_equal(text_of(resource->name), TEXT("mem")))
            budget->mem += resource->scalar->value;
        else if (resource->ranges != NULL && resource->ranges->n_range > 0) {
            budget->port = resource->ranges->range[0]->begin;
            budget->last_port = resource->ranges->range[0]->end;
        }
    }
}

bool offer_budget_take(struct offer_budget *budget, const struct slot *slot,
                       struct launch_plan *plan) {
    double cpus = (double)slot->cpu_milli / 1000, mem = (double)slot->mem_milli / 1000;
    bool with_executor = slot->in_executor && !plan->has_executor;
    if (with_executor) {
        cpus += executor_cpus;
        mem += executor_mem;
    }
    if (cpus > budget->cpus + 0.0005 || mem > budget->mem + 0.0005 ||
        (slot->wants_port && budget->port > budget->last_port))
        return false;
    budget->cpus -= cpus;
    budget->mem -= mem;
    plan->ports[plan->count] = slot->wants_port ? budget->port++ : 0;
    plan->has_executor = plan->has_executor || slot->in_executor;
    return true;
}

/* --- launching --- */

struct scalar {
    Mesos__V1__Resource resource;
    Mesos__V1__Value__Scalar value;
};

static Mesos__V1__Resource *fill_scalar(struct scalar *scalar, const char *name, double value) {
    mesos__v1__resource__init(&scalar->resource);
    mesos__v1__value__scalar__init(&scalar->value);
    scalar->value.value = value;
    scalar->resource.name = (char *)name;
    scalar->resource.type = MESOS__V1__VALUE__TYPE__SCALAR;
    scalar->resource.scalar = &scalar->value;
    return &scalar->resource;
}

struct executor_parts {
    Mesos__V1__ExecutorInfo info;
    Mesos__V1__ExecutorID id;
    Mesos__V1__CommandInfo command;
    struct scalar cpus, mem;
    Mesos__V1__Resource *resources[2];
};

static void fill_executor(struct executor_parts *parts) {
    mesos__v1__executor_info__init(&parts->info);
    mesos__v1__executor_id__init(&parts->id);
    mesos__v1__command_info__init(&parts->command);
    parts->id.value = "x";
    parts->command.value = "executor";
    parts->info.executor_id = &parts->id;
    parts->info.command = &parts->command;
    parts->resources[0] = fill_scalar(&parts->cpus, "cpus", executor_cpus);
    parts->resources[1] = fill_scalar(&parts->mem, "mem", executor_mem);
    parts->info.resources = parts->resources;
    parts->info.n_resources = 2;
}

struct task_parts {
    Mesos__V1__TaskInfo info;
    Mesos__V1__TaskID id;
    Mesos__V1__CommandInfo command;
    char text[128];
    Mesos__V1__Labels labels;
    Mesos__V1__Label label, *label_list[1];
    struct scalar cpus, mem;
    Mesos__V1__Resource port;
    Mesos__V1__Value__Ranges ranges;
    Mesos__V1__Value__Range range, *range_list[1];
    Mesos__V1__Resource *resources[3];
};

static void fill_port(struct task_parts *parts, uint64_t port) {
    mesos__v1__resource__init(&parts->port);
    mesos__v1__value__ranges__init(&parts->ranges);
    mesos__v1__value__range__init(&parts->range);
    parts->range.begin = parts->range.end = port;
    parts->range_list[0] = &parts->range;
    parts->ranges.range = parts->range_list;
    parts->ranges.n_range = 1;
    parts->port.name = "ports";
    parts->port.type = MESOS__V1__VALUE__TYPE__RANGES;
    parts->port.ranges = &parts->ranges;
    parts->resources[parts->info.n_resources++] = &parts->port;
}

enum { BOUND_MS = 60000 };

static void fill_label(struct task_parts *parts) {
    mesos__v1__labels__init(&parts->labels);
    mesos__v1__label__init(&parts->label);
    parts->label.key = TASK_LABEL_STOP_AFTER;
    parts->label.value = "12secs";
    parts->label_list[0] = &parts->label;
    parts->labels.labels = parts->label_list;
    parts->labels.n_labels = 1;
    parts->info.labels = &parts->labels;
}

static void fill_task(struct task_parts *parts, const struct launch_plan *plan, size_t number,
                      struct executor_parts *executor, int code) {
    const struct slot *slot = plan->slots[number];
    mesos__v1__task_info__init(&parts->info);
    mesos__v1__task_id__init(&parts->id);
    mesos__v1__command_info__init(&parts->command);
    parts->id.value = (char *)plan->ids[number];
    parts->info.name = "task";
    parts->info.task_id = &parts->id;
    parts->info.agent_id = plan->offer->agent_id;
    parts->resources[0] = fill_scalar(&parts->cpus, "cpus", (double)slot->cpu_milli / 1000);
    parts->resources[1] = fill_scalar(&parts->mem, "mem", (double)slot->mem_milli / 1000);
    parts->info.resources = parts->resources;
    parts->info.n_resources = 2;
    if (plan->ports[number] != 0)
        fill_port(parts, plan->ports[number]);
    if (slot_is_bound(slot->duration_ms))
        fill_label(parts);
    if (slot->in_executor) {
        int size = snprintf(parts->text, sizeof(parts->text), "%lld %d",
                            (long long)slot->duration_ms, code);
        parts->info.executor = &executor->info;
        parts->info.has_data = true;
        parts->info.data = (ProtobufCBinaryData){(size_t)size, (uint8_t *)parts->text};
    } else {
        /* Long enough to outlive a partition, if its label did not end it. */
        int64_t longer_ms = slot_is_bound(slot->duration_ms) ? BOUND_MS : 0;
        snprintf(parts->text, sizeof(parts->text), "run %s %lld %d", plan->ids[number],
                 (long long)(slot->duration_ms + longer_ms), code);
        parts->command.value = parts->text;
        parts->info.command = &parts->command;
    }
}

void call_accept(struct scheduler_node *node, const struct launch_plan *plan) {
    struct world *world = node->process.world;
    struct task_parts *parts = NEW_ARRAY(struct task_parts, plan->count);
    struct executor_parts executor;
    Mesos__V1__TaskInfo *tasks[LAUNCHES_LIMIT];
    fill_executor(&executor);
    for (size_t i = 0; i < plan->count; i++) {
        fill_task(&parts[i], plan, i, &executor,
                  world_chance(world, 100) && !world->has_healed ? 7 : 0);
        tasks[i] = &parts[i].info;
    }
    Mesos__V1__Offer__Operation__Launch launch = MESOS__V1__OFFER__OPERATION__LAUNCH__INIT;
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation *operations[] = {&operation};
    Mesos__V1__OfferID *offers[] = {plan->offer->id};
    Mesos__V1__Scheduler__Call call = CALL(ACCEPT);
    Mesos__V1__Scheduler__Call__Accept accept = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    launch.task_infos = tasks;
    launch.n_task_infos = plan->count;
    operation.has_type = true;
    operation.type = MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH;
    operation.launch = &launch;
    accept.offer_ids = offers;
    accept.n_offer_ids = 1;
    accept.operations = operations;
    accept.n_operations = 1;
    call.accept = &accept;
    push(node, &call);
    mem_free(parts);
}

/* --- the rest --- */

void call_decline(struct scheduler_node *node, const Mesos__V1__Offer *offer, double seconds) {
    Mesos__V1__OfferID *offers[] = {offer->id};
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    Mesos__V1__Scheduler__Call call = CALL(DECLINE);
    Mesos__V1__Scheduler__Call__Decline decline = MESOS__V1__SCHEDULER__CALL__DECLINE__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = seconds;
    decline.offer_ids = offers;
    decline.n_offer_ids = 1;
    decline.filters = &filters;
    call.decline = &decline;
    push(node, &call);
}

void call_kill(struct scheduler_node *node, const char *task, const char *agent) {
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__Scheduler__Call call = CALL(KILL);
    Mesos__V1__Scheduler__Call__Kill kill = MESOS__V1__SCHEDULER__CALL__KILL__INIT;
    task_id.value = (char *)task;
    agent_id.value = (char *)agent;
    kill.task_id = &task_id;
    kill.agent_id = agent != NULL ? &agent_id : NULL;
    call.kill = &kill;
    push(node, &call);
}

void call_acknowledge(struct scheduler_node *node, const Mesos__V1__TaskStatus *status) {
    Mesos__V1__Scheduler__Call call = CALL(ACKNOWLEDGE);
    Mesos__V1__Scheduler__Call__Acknowledge acknowledge =
        MESOS__V1__SCHEDULER__CALL__ACKNOWLEDGE__INIT;
    if (status->agent_id == NULL)
        return;
    acknowledge.agent_id = status->agent_id;
    acknowledge.task_id = status->task_id;
    acknowledge.uuid = status->uuid;
    call.acknowledge = &acknowledge;
    push(node, &call);
}

void call_reconcile(struct scheduler_node *node, const struct reconciliation *asked) {
    Mesos__V1__Scheduler__Call__Reconcile__Task tasks[LAUNCHES_LIMIT], *list[LAUNCHES_LIMIT];
    Mesos__V1__TaskID task_ids[LAUNCHES_LIMIT];
    Mesos__V1__AgentID agent_ids[LAUNCHES_LIMIT];
    Mesos__V1__Scheduler__Call call = CALL(RECONCILE);
    Mesos__V1__Scheduler__Call__Reconcile reconcile = MESOS__V1__SCHEDULER__CALL__RECONCILE__INIT;
    for (size_t i = 0; i < asked->count; i++) {
        mesos__v1__scheduler__call__reconcile__task__init(&tasks[i]);
        mesos__v1__task_id__init(&task_ids[i]);
        mesos__v1__agent_id__init(&agent_ids[i]);
        task_ids[i].value = (char *)asked->ids[i];
        agent_ids[i].value = (char *)asked->agents[i];
        tasks[i].task_id = &task_ids[i];
        tasks[i].agent_id = &agent_ids[i];
        list[i] = &tasks[i];
    }
    reconcile.tasks = list;
    reconcile.n_tasks = asked->count;
    call.reconcile = &reconcile;
    push(node, &call);
}

void call_revive(struct scheduler_node *node) {
    Mesos__V1__Scheduler__Call call = CALL(REVIVE);
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    call.revive = &revive;
    push(node, &call);
}

void call_suppress(struct scheduler_node *node) {
    Mesos__V1__Scheduler__Call call = CALL(SUPPRESS);
    Mesos__V1__Scheduler__Call__Suppress suppress = MESOS__V1__SCHEDULER__CALL__SUPPRESS__INIT;
    call.suppress = &suppress;
    push(node, &call);
}

struct request_parts {
    Mesos__V1__Request request;
    struct scalar cpus, mem;
    Mesos__V1__Resource port;
    Mesos__V1__Value__Ranges ranges;
    Mesos__V1__Value__Range range, *range_list[1];
    Mesos__V1__Resource *resources[3];
};

static void fill_request(struct request_parts *parts, const struct slot *slot) {
    double more_cpus = slot->in_executor ? executor_cpus : 0;
    double more_mem = slot->in_executor ? executor_mem : 0;
    mesos__v1__request__init(&parts->request);
    parts->resources[0] =
        fill_scalar(&parts->cpus, "cpus", (double)slot->cpu_milli / 1000 + more_cpus);
    parts->resources[1] =
        fill_scalar(&parts->mem, "mem", (double)slot->mem_milli / 1000 + more_mem);
    parts->request.resources = parts->resources;
    parts->request.n_resources = 2;
    parts->request.has_count = true;
    parts->request.count = 1;
    if (!slot->wants_port)
        return;
    mesos__v1__resource__init(&parts->port);
    mesos__v1__value__ranges__init(&parts->ranges);
    mesos__v1__value__range__init(&parts->range);
    parts->range_list[0] = &parts->range;
    parts->ranges.range = parts->range_list;
    parts->ranges.n_range = 1;
    parts->port.name = "ports";
    parts->port.type = MESOS__V1__VALUE__TYPE__RANGES;
    parts->port.ranges = &parts->ranges;
    parts->resources[parts->request.n_resources++] = &parts->port;
}

void call_request(struct scheduler_node *node) {
    const struct workload *workload = node->workload;
    size_t count = 0, limit = workload->slots.count;
    struct request_parts *parts = NEW_ARRAY(struct request_parts, limit + 1);
    Mesos__V1__Request **list = NEW_ARRAY(Mesos__V1__Request *, limit + 1);
    Mesos__V1__Scheduler__Call call = CALL(REQUEST);
    Mesos__V1__Scheduler__Call__Request request = MESOS__V1__SCHEDULER__CALL__REQUEST__INIT;
    for (size_t i = 0; i < limit; i++) {
        if (workload->slots.items[i].state != SLOT_WANTED)
            continue;
        fill_request(&parts[count], &workload->slots.items[i]);
        list[count] = &parts[count].request;
        count++;
    }
    request.requests = list;
    request.n_requests = count;
    call.request = &request;
    push(node, &call);
    mem_free(list);
    mem_free(parts);
}

void call_message(struct scheduler_node *node, const char *agent) {
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ExecutorID executor_id = MESOS__V1__EXECUTOR_ID__INIT;
    Mesos__V1__Scheduler__Call call = CALL(MESSAGE);
    Mesos__V1__Scheduler__Call__Message message = MESOS__V1__SCHEDULER__CALL__MESSAGE__INIT;
    agent_id.value = (char *)agent;
    executor_id.value = "x";
    message.agent_id = &agent_id;
    message.executor_id = &executor_id;
    message.data = (ProtobufCBinaryData){5, (uint8_t *)"hello"};
    call.message = &message;
    push(node, &call);
}
