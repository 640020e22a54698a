/*
 * A framework that wants some tasks done. It is patient: what is lost is launched anew under a new
 * id, what it does not want any more is killed until it is dead, and every round it asks how its
 * tasks fare. What it knows of its tasks outlives its scheduler processes, as if it stored it.
 */
#include "tests/sim/calls.h"
#include "tests/sim/finder.h"
#include "tests/sim/keeper.h"
#include "tests/sim/ledger.h"
#include "tests/sim/print.h"
#include "tests/sim/shells.h"

enum { ROUND_MS = 20000 };

struct scheduler_node *workload_node(const struct workload *workload) {
    return workload->nodes.count > 0 ? workload->nodes.items[workload->nodes.count - 1] : NULL;
}

static struct scheduler_node *live_node(const struct workload *workload) {
    struct scheduler_node *node = workload_node(workload);
    return node != NULL && node->process.is_up ? node : NULL;
}

static const char *task_id(struct workload *workload, size_t slot, char out[64]) {
    snprintf(out, 64, "%s.%zu.%u", workload->name, slot, workload->slots.items[slot].attempt);
    return out;
}

/* "NAME.SLOT.ATTEMPT" */
static struct slot *slot_of(struct workload *workload, const char *id, bool *is_current) {
    struct text rest = text_of(id), name, slot, attempt;
    uint64_t number, which;
    if (!text_split(&rest, '.', &name) || !text_split(&rest, '.', &slot) ||
        !text_split(&rest, '.', &attempt) || !text_equal(name, text_of(workload->name)) ||
        !text_to_u64(slot, &number) || !text_to_u64(attempt, &which) ||
        number >= workload->slots.count) {
        world_fail(workload->world, "%s hears of task %s", workload->name, id);
        return NULL;
    }
    *is_current = workload->slots.items[number].attempt == which;
    return &workload->slots.items[number];
}

static bool is_over(Mesos__V1__TaskState state) {
    return task_state_is_terminal((enum task_state)state);
}

/* --- what it is told --- */

static void want_again(struct workload *workload, struct slot *slot) {
    slot->attempt++;
    slot->state = slot->kill_wanted ? SLOT_DONE : SLOT_WANTED;
    slot->last_state = -1;
    struct scheduler_node *node = live_node(workload);
    if (node == NULL || slot->state != SLOT_WANTED)
        return;
    if (workload->options.declares_demand)
        call_request(node);
    call_revive(node);
}

static void take_state(struct workload *workload, struct slot *slot, Mesos__V1__TaskState state,
                       const Mesos__V1__TaskStatus *status) {
    if (slot->state != SLOT_LAUNCHED)
        return;
    slot->last_state = (int)state;
    if (state == MESOS__V1__TASK_STATE__TASK_FINISHED ||
        (slot->kill_wanted && is_over(state) && state != MESOS__V1__TASK_STATE__TASK_LOST))
        slot->state = SLOT_DONE;
    else if (state == MESOS__V1__TASK_STATE__TASK_ERROR)
        world_fail(workload->world, "%s's task is an error: %s", workload->name, status->message);
    else if (is_over(state) || state == MESOS__V1__TASK_STATE__TASK_UNREACHABLE ||
             state == MESOS__V1__TASK_STATE__TASK_UNKNOWN)
        want_again(workload, slot);
}

static void acknowledge(void *self, uint64_t argument) {
    struct late_acknowledgement *late = self;
    (void)argument;
    if (late->node->process.is_up)
        call_acknowledge(late->node, late->status);
}

static void acknowledge_later(struct scheduler_node *node, const Mesos__V1__TaskStatus *status) {
    assert(node != NULL);
    struct world *world = node->process.world;
    uint8_t bytes[4096];
    if (mesos__v1__task_status__get_packed_size(status) > sizeof(bytes))
        return;
    size_t size = mesos__v1__task_status__pack(status, bytes);
    struct late_acknowledgement *late = NEW(struct late_acknowledgement);
    late->node = node;
    late->status = mesos__v1__task_status__unpack(NULL, size, bytes);
    int64_t delay_ms = world_chance(world, 50) && !world->has_healed ? 40000 : 200;
    VEC_PUSH(&node->late, late);
    world_after(world, world_draw(world, 0, delay_ms), acknowledge, late, 0);
}

static void take_status(struct workload *workload, struct scheduler_node *node,
                        const Mesos__V1__TaskStatus *status) {
    struct world *world = workload->world;
    struct uuid uuid;
    bool is_current;
    bool has_uuid =
        status->has_uuid &&
        uuid_from_bytes((struct text){(char *)status->uuid.data, status->uuid.len}, &uuid);
    world_say(world, "tell    %s status %s %s", node->process.name, status->task_id->value,
              task_state_name((enum task_state)status->state));
    struct slot *slot = slot_of(workload, status->task_id->value, &is_current);
    if (slot == NULL)
        return;
    if (has_uuid) {
        ledger_update_arrives(world->ledger, text_of(status->task_id->value), uuid, workload->name);
        if (workload->options.explicit_acks)
            acknowledge_later(node, status);
    }
    /* An older process acknowledges and knows no better. */
    if (node != workload_node(workload))
        return;
    ledger_state_told(world->ledger, text_of(status->task_id->value),
                      (enum task_state)status->state, workload->name);
    if (is_current && slot->state == SLOT_LAUNCHED)
        take_state(workload, slot, status->state, status);
    else if (!is_over(status->state) && status->state != MESOS__V1__TASK_STATE__TASK_UNKNOWN &&
             status->state != MESOS__V1__TASK_STATE__TASK_UNREACHABLE && status->agent_id != NULL)
        call_kill(node, status->task_id->value, status->agent_id->value);
}

/* --- offers --- */

static void take_offer(struct workload *workload, struct scheduler_node *node,
                       const Mesos__V1__Offer *offer) {
    struct world *world = workload->world;
    struct offer_budget budget;
    struct launch_plan plan = {.offer = offer};
    if (keeper_take_offer(workload, node, offer))
        return;
    offer_budget_of(offer, &budget);
    for (size_t i = 0; i < workload->slots.count && plan.count < LAUNCHES_LIMIT; i++) {
        struct slot *slot = &workload->slots.items[i];
        if (workload->is_leaving || slot->state != SLOT_WANTED ||
            !offer_budget_take(&budget, slot, &plan))
            continue;
        task_id(workload, i, plan.ids[plan.count]);
        plan.slots[plan.count++] = slot;
        slot->state = SLOT_LAUNCHED;
        snprintf(slot->agent, sizeof(slot->agent), "%s", offer->agent_id->value);
        world_say(world, "accept  %s %s on %s", workload->name, plan.ids[plan.count - 1],
                  offer->hostname);
    }
    if (plan.count > 0)
        call_accept(node, &plan);
    else
        call_decline(node, offer, world_chance(world, 300) ? (double)world_draw(world, 1, 60) : 5);
}

/* --- rounds --- */

static void each_launched(struct workload *workload, void (*fn)(struct workload *, size_t)) {
    for (size_t i = 0; i < workload->slots.count; i++) {
        if (workload->slots.items[i].state == SLOT_LAUNCHED)
            fn(workload, i);
    }
}

static void kill_again(struct workload *workload, size_t slot) {
    if (workload->slots.items[slot].kill_wanted)
        workload_kill(workload, slot);
}

void workload_reconcile(struct workload *workload, bool explicit_tasks) {
    struct scheduler_node *node = live_node(workload);
    struct reconciliation asked = {0};
    if (node == NULL)
        return;
    for (size_t i = 0; explicit_tasks && i < workload->slots.count; i++) {
        const struct slot *slot = &workload->slots.items[i];
        if (slot->state != SLOT_LAUNCHED || asked.count == LAUNCHES_LIMIT)
            continue;
        task_id(workload, i, asked.ids[asked.count]);
        asked.agents[asked.count++] = slot->agent;
    }
    if (asked.count > 0 || !explicit_tasks)
        call_reconcile(node, &asked);
}

/* What was launched in place of something else has lowered the wrong count. */
static void declare(struct workload *workload) {
    struct scheduler_node *node = live_node(workload);
    if (node != NULL && node->is_registered && workload->options.declares_demand)
        call_request(node);
}

static void on_round(void *self, uint64_t argument) {
    struct workload *workload = self;
    (void)argument;
    if (workload->is_over)
        return;
    workload->round++;
    workload_reconcile(workload, workload->round % 3 != 0);
    each_launched(workload, kill_again);
    declare(workload);
    if (live_node(workload) != NULL)
        keeper_round(workload, live_node(workload));
    world_after(workload->world, ROUND_MS, on_round, workload, 0);
}

/* --- life --- */

static void lose_id(struct workload *workload) {
    workload->id[0] = '\0';
    for (size_t i = 0; i < workload->slots.count; i++) {
        struct slot *slot = &workload->slots.items[i];
        if (slot->state == SLOT_LAUNCHED)
            want_again(workload, slot);
    }
}

static void begin_anew(void *self, uint64_t argument) {
    struct workload *workload = self;
    (void)argument;
    if (!workload->is_over && live_node(workload) == NULL)
        workload_start(workload);
}

static void take_error(struct workload *workload, struct scheduler_node *node,
                       const char *message) {
    world_say(workload->world, "tell    %s error: %s", node->process.name, message);
    if (node != workload_node(workload))
        return;
    if (text_equal(text_of(message), TEXT("Framework failed over"))) {
        /* An older process that never heard of this one took it back. */
        world_after(workload->world, 1000, begin_anew, workload, 0);
        return;
    }
    if (!workload->may_be_removed && workload->world->now_ms - workload->heard_ms <
                                         workload->options.failover_timeout_ms - 20000)
        world_fail(workload->world, "%s is refused: %s", workload->name, message);
    lose_id(workload);
    world_after(workload->world, 1000, begin_anew, workload, 0);
}

static void registered(struct workload *workload, struct scheduler_node *node,
                       const struct driver_callback *callback) {
    assert(node != NULL);
    node->is_registered = true;
    if (callback->kind == CALLBACK_REGISTERED) {
        const char *id = callback->event->subscribed->framework_id->value;
        if (workload->id[0] != '\0' && !text_equal(text_of(id), text_of(workload->id)))
            world_fail(workload->world, "%s is given another id", workload->name);
        snprintf(workload->id, sizeof(workload->id), "%s", id);
    }
    workload_reconcile(workload, true);
    declare(workload);
    if (workload->is_suppressed)
        call_suppress(node);
}

void workload_callback(struct workload *workload, struct scheduler_node *node,
                       const struct driver_callback *callback) {
    bool is_current = node == workload_node(workload);
    if (callback->kind == CALLBACK_STATUS_UPDATE) {
        take_status(workload, node, callback->status);
        return;
    }
    if (callback->kind == CALLBACK_ERROR) {
        take_error(workload, node, callback->message);
        return;
    }
    world_say(workload->world, "tell    %s %s", node->process.name, print_callback(callback->kind));
    if (!is_current)
        return;
    if (callback->kind == CALLBACK_REGISTERED || callback->kind == CALLBACK_REREGISTERED)
        registered(workload, node, callback);
    else if (callback->kind == CALLBACK_OFFERS)
        for (size_t i = 0; i < callback->event->offers->n_offers; i++)
            take_offer(workload, node, callback->event->offers->offers[i]);
    else if (callback->kind == CALLBACK_OPERATION_STATUS)
        keeper_operation_status(workload, callback->event->update_operation_status->status);
    else if (callback->kind == CALLBACK_OUTPUT && callback->output.end != MESOS_OUTPUT_OPEN)
        workload->channels_ended++;
}

void workload_ended(struct workload *workload, struct scheduler_node *node) {
    world_say(workload->world, "end     %s", node->process.name);
    workload->channels_ended = workload->channels_opened;
    if (node == workload_node(workload) && workload->is_leaving)
        workload->is_over = true;
}

static void on_found(void *self) {
    struct workload *workload = self;
    for (size_t i = 0; i < workload->nodes.count; i++)
        scheduler_node_found(workload->nodes.items[i], finder_leader(workload->finder));
}

static void fill_slots(struct workload *workload) {
    struct world *world = workload->world;
    const struct workload_options *options = &workload->options;
    for (size_t i = 0; i < options->tasks; i++) {
        struct slot slot = {.last_state = -1, .cpu_milli = 500, .mem_milli = 128000};
        slot.cpu_milli = world_draw(world, 1, 10) * 100;
        slot.mem_milli = world_draw(world, 32, 256) * 1000;
        slot.duration_ms =
            options->duration_ms > 0 ? options->duration_ms : world_draw(world, 10, 60000);
        slot.in_executor = options->in_executor;
        slot.wants_port = world_chance(world, 200);
        VEC_PUSH(&workload->slots, slot);
    }
}

struct workload *workload_new(struct world *world, const struct workload_options *options) {
    struct workload *workload = NEW(struct workload);
    workload->world = world;
    workload->options = *options;
    /* A volume is reserved to a role, and what is sized to tasks has no disk for it. */
    workload->options.keeps_volume =
        options->keeps_volume && options->role != NULL && !options->declares_demand;
    snprintf(workload->name, sizeof(workload->name), "f%zu", world->workloads.count);
    VEC_PUSH(&world->workloads, workload);
    fill_slots(workload);
    if (world->ensemble != NULL && world_chance(world, 600))
        workload->finder = finder_new(world, workload->name, on_found, workload);
    world_after(world, ROUND_MS, on_round, workload, 0);
    return workload;
}

void workload_free(struct workload *workload) {
    VEC_EACH(node, &workload->nodes)
        scheduler_node_free(*node);
    VEC_FINI(&workload->nodes);
    finder_free(workload->finder);
    VEC_FINI(&workload->slots);
    mem_free(workload);
}

void workload_start(struct workload *workload) {
    struct scheduler_node *node = scheduler_node_new(workload, workload->nodes.count);
    world_say(workload->world, "start   %s", node->process.name);
    VEC_PUSH(&workload->nodes, node);
    workload->channels_ended = workload->channels_opened;
    if (workload->is_leaving)
        workload->is_leaving = false;
    scheduler_node_feed(node, (struct driver_event){.kind = DRIVER_EVENT_START});
    if (workload->finder != NULL && finder_leader(workload->finder) != NULL)
        scheduler_node_found(node, finder_leader(workload->finder));
}

void workload_crash(struct workload *workload) {
    struct scheduler_node *node = live_node(workload);
    if (node == NULL)
        return;
    scheduler_node_crash(node);
    workload->channels_ended = workload->channels_opened;
}

bool workload_has_all(const struct workload *workload) {
    VEC_EACH(slot, &workload->slots) {
        if (slot->state != SLOT_DONE)
            return false;
    }
    return true;
}

void workload_leave(struct workload *workload) {
    struct scheduler_node *node = live_node(workload);
    if (node == NULL || workload->is_leaving)
        return;
    workload->is_leaving = true;
    world_say(workload->world, "stop    %s", node->process.name);
    scheduler_node_feed(node, (struct driver_event){.kind = DRIVER_EVENT_STOP});
}

void workload_kill(struct workload *workload, size_t number) {
    struct scheduler_node *node = live_node(workload);
    struct slot *slot = &workload->slots.items[number];
    char id[64];
    slot->kill_wanted = true;
    if (slot->state == SLOT_WANTED)
        slot->state = SLOT_DONE;
    if (slot->state == SLOT_LAUNCHED && node != NULL)
        call_kill(node, task_id(workload, number, id), NULL);
}

void workload_suppress(struct workload *workload, bool suppress) {
    struct scheduler_node *node = live_node(workload);
    workload->is_suppressed = suppress;
    if (node != NULL && suppress)
        call_suppress(node);
    else if (node != NULL)
        call_revive(node);
}

void workload_read_output(struct workload *workload, size_t number) {
    struct scheduler_node *node = live_node(workload);
    char id[64];
    if (node == NULL || node->is_feeding)
        return;
    workload->channels_opened++;
    struct driver_event event = {.kind = DRIVER_EVENT_READ_OUTPUT};
    event.output = (struct output_request){.channel = ++workload->last_channel,
                                           .task_id = task_id(workload, number, id),
                                           .stream = MESOS_OUTPUT_STDOUT};
    scheduler_node_feed(node, event);
}

void workload_message(struct workload *workload, size_t number) {
    struct scheduler_node *node = live_node(workload);
    const struct slot *slot = &workload->slots.items[number];
    if (node != NULL && slot->in_executor && slot->state == SLOT_LAUNCHED)
        call_message(node, slot->agent);
}
