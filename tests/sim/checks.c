#include "tests/sim/checks.h"

#include "common/wire/messages.h"
#include "tests/sim/drains.h"
#include "tests/sim/keeper.h"
#include "tests/sim/ledger.h"
#include "tests/sim/operator.h"
#include "tests/sim/outages.h"
#include "tests/sim/quota_checks.h"

/* --- the master: on each agent offered + used <= total, nothing twice --- */

struct share {
    const struct agent_view *agent;
    struct resources left;
    struct resources used;
    struct resources offered;
    struct world *world;
    bool has_ghost;
};

/* A ghost is a framework that a master has removed: another one, that does not remember, may hear
 * of it from an agent beside those who have been given its resources since. */
static bool is_ghost(const struct world *world, struct framework_id id) {
    return map_get_text(&world->removed, id.text) != NULL;
}

static void take(struct share *share, const struct resources *part, struct resources *sum,
                 const char *what, struct text id) {
    if (!resources_subtract(&share->left, part) && !share->has_ghost)
        world_fail(share->world, "%s %.*s on %.*s is made of resources that are not free", what,
                   TEXT_ARGS(id), TEXT_ARGS(share->agent->info->id.text));
    if (!resources_add(sum, part))
        world_fail(share->world, "the sum of resources overflows");
}

static void find_ghost(void *self, const struct task_view *task) {
    struct share *share = self;
    if (agent_id_equal(task->agent, share->agent->info->id) && !task->is_completed &&
        is_ghost(share->world, task->framework))
        share->has_ghost = true;
}

static void find_ghost_executor(void *self, const struct executor_view *executor) {
    struct share *share = self;
    if (agent_id_equal(executor->agent, share->agent->info->id) &&
        is_ghost(share->world, executor->framework))
        share->has_ghost = true;
}

static void take_task(void *self, const struct task_view *task) {
    struct share *share = self;
    if (agent_id_equal(task->agent, share->agent->info->id) && !task->is_completed &&
        !task->is_unreachable && !task_state_is_terminal(task->state))
        take(share, task->resources, &share->used, "task", task->id.text);
}

static void take_executor(void *self, const struct executor_view *executor) {
    struct share *share = self;
    if (agent_id_equal(executor->agent, share->agent->info->id))
        take(share, executor->resources, &share->used, "executor", executor->id.text);
}

static void take_offer(void *self, const struct offer_view *offer) {
    struct share *share = self;
    if (agent_id_equal(offer->agent, share->agent->info->id))
        take(share, offer->resources, &share->offered, "offer", offer->id.text);
}

static void check_share(void *self, const struct agent_view *agent) {
    struct master_node *node = self;
    struct world *world = node->process.world;
    if (agent->unreachable || agent->total == NULL || world->has_failed)
        return;
    /* One that is deposed and has not heard may know tasks that ended with the next, whose own it
     * hears of: it asks the agent about them. */
    struct share share = {.agent = agent,
                          .left = resources_copy(agent->total),
                          .world = world,
                          .has_ghost = node != world->master};
    master_each_task(node->core, NULL, find_ghost, &share);
    master_each_executor(node->core, find_ghost_executor, &share);
    master_each_task(node->core, NULL, take_task, &share);
    master_each_executor(node->core, take_executor, &share);
    master_each_offer(node->core, take_offer, &share);
    if (!share.has_ghost && (!resources_equal(&share.used, agent->used) ||
                             !resources_equal(&share.offered, agent->offered)))
        world_fail(world, "the master counts what is used or offered on %.*s wrongly",
                   TEXT_ARGS(agent->info->hostname));
    resources_fini(&share.left);
    resources_fini(&share.used);
    resources_fini(&share.offered);
}

static void check_offer_is_live(void *self, const struct offer_view *offer) {
    struct master_node *node = self;
    if (offer->deadline_ms < node->process.world->now_ms)
        world_fail(node->process.world, "offer %.*s outlives its deadline",
                   TEXT_ARGS(offer->id.text));
}

/* --- tasks that must not run twice --- */

static bool runs_alone(const struct container *container, const char *task) {
    char id[128];
    long long duration_ms;
    return container->state == CONTAINER_RUNNING &&
           sscanf(container->order->command, "run %127s %lld", id, &duration_ms) == 2 &&
           strcmp(id, task) == 0 && slot_is_bound(duration_ms);
}

/* Another may be begun now, so this one must be gone, whether its agent is there or not. */
static void check_is_alone(void *self, const struct task_view *task) {
    struct world *world = self;
    if (!task->is_unreachable || world->has_failed)
        return;
    char id[128];
    snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(task->id.text));
    VEC_EACH(agent, &world->agents) {
        const struct agent_node *node = *agent;
        VEC_EACH(at, &node->machine.containers) {
            if (runs_alone(*at, id))
                world_fail(world, "%s is unreachable and still runs on %s, in spite of its label",
                           id, node->process.name);
        }
    }
}

/* However many masters there were before this one. */
static void check_has_history(void *self, const struct task_view *task) {
    if (task->state == TASK_STATE_RUNNING && task->past_count + task->status_count == 0)
        world_fail(self, "%.*s runs, and its master does not know since when",
                   TEXT_ARGS(task->id.text));
}

void check_master(struct master_node *node) {
    struct error why = {0};
    if (!master_check(node->core, &why))
        world_fail(node->process.world, "master_check: %s", why.message);
    master_each_agent(node->core, check_share, node);
    master_each_offer(node->core, check_offer_is_live, node);
    if (node == node->process.world->master) {
        master_each_task(node->core, NULL, check_is_alone, node->process.world);
        master_each_task(node->core, NULL, check_has_history, node->process.world);
        operator_check(node);
        drains_check(node);
        outages_check(node);
    }
    keeper_check(node->process.world);
    quota_watch_check(node->quota_watch, node);
}

/* --- agents --- */

struct known {
    struct agent_node *node;
    struct resources left;
    struct text container;
    bool found;
};

struct search {
    struct framework_id id;
    bool found;
};

static void find_framework(void *self, const struct framework_view *framework) {
    struct search *search = self;
    search->found =
        search->found || (!framework->completed && framework_id_equal(framework->id, search->id));
}

static bool is_known_to_master(const struct world *world, struct framework_id id) {
    struct search search = {.id = id};
    if (world->master->process.is_up)
        master_each_framework(world->master->core, find_framework, &search);
    return search.found;
}

/* What the master has removed is free for others while the agent still ends it. */
static bool is_counted(const struct world *world, const struct agent_task_view *task) {
    return !task->completed && !task_state_is_terminal(task->state) &&
           !is_ghost(world, task->framework) && is_known_to_master(world, task->framework);
}

static void take_agent_task(void *self, const struct agent_task_view *task) {
    struct known *known = self;
    if (!is_counted(known->node->process.world, task))
        return;
    if (!resources_subtract(&known->left, task->resources))
        world_fail(known->node->process.world, "%s runs more than it has",
                   known->node->process.name);
}

static void find_task(void *self, const struct agent_task_view *task) {
    struct known *known = self;
    known->found =
        known->found || (!task->completed && text_equal(task->container.text, known->container));
}

static bool is_stored_executor(const struct agent_node *node, const struct launch_order *order) {
    char key[300];
    snprintf(key, sizeof(key), "executor/%s/%s", order->framework, order->executor);
    return map_get_text(&node->disk.records, text_of(key)) != NULL;
}

/* What runs is known: a task's container to the core, an executor's by its record. */
static void check_containers(struct agent_node *node) {
    if (!node->is_recovered)
        return;
    VEC_EACH(at, &node->machine.containers) {
        const struct container *container = *at;
        struct known known = {.node = node, .container = text_of(container->order->id)};
        if (container->state != CONTAINER_RUNNING)
            continue;
        agent_each_task(node->core, find_task, &known);
        if (!known.found && !is_stored_executor(node, container->order))
            world_fail(node->process.world, "'%s' runs on %s, which does not know it",
                       container->order->command, node->process.name);
    }
}

void check_agent(struct agent_node *node) {
    struct world *world = node->process.world;
    struct error why = {0};
    const struct range ports = {31000, 31003};
    struct known known = {.node = node};
    if (!agent_check(node->core, &why))
        world_fail(world, "agent_check of %s: %s", node->process.name, why.message);
    if (!resources_put_scalar(&known.left, KIND_CPUS, node->cpu_milli, NULL) ||
        !resources_put_scalar(&known.left, KIND_MEM, node->mem_milli, NULL) ||
        !resources_put_ranges(&known.left, KIND_PORTS, &ports, 1, NULL))
        world_fail(world, "resources");
    agent_each_task(node->core, take_agent_task, &known);
    resources_fini(&known.left);
    check_containers(node);
}

/* --- updates --- */

static bool head_of(const struct agent_node *node, struct text framework, struct text task,
                    struct uuid *uuid) {
    char prefix[400];
    struct text least = {0};
    snprintf(prefix, sizeof(prefix), "update/%.*s/%.*s/", TEXT_ARGS(framework), TEXT_ARGS(task));
    MAP_EACH(entry, &node->disk.records) {
        struct text key = map_key_text(entry);
        if (!text_starts_with(key, text_of(prefix)) ||
            (least.data != NULL && text_compare(key, least) > 0))
            continue;
        least = key;
        *uuid = ((const struct drive_record *)map_value(entry))->uuid;
    }
    return least.data != NULL;
}

/* Of a task that the master speaks of and the agent has no record of, the answer is not stored
 * either. */
static bool is_of_unknown_task(const struct agent_node *node, struct text framework,
                               const struct task_status *status) {
    char key[400];
    snprintf(key, sizeof(key), "task/%.*s/%.*s", TEXT_ARGS(framework),
             TEXT_ARGS(status->task.text));
    return task_state_is_terminal(status->state) &&
           map_get_text(&node->disk.records, text_of(key)) == NULL;
}

bool check_agent_update(struct agent_node *node, struct text message) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wire wire = {.arena = arena, .kinds = node->kinds};
    struct world *world = node->process.world;
    struct agent_message decoded;
    struct error error = {0};
    struct uuid head;
    if (!agent_message_decode(&wire, message, &decoded, &error)) {
        world_fail(world, "what %s sends is unreadable: %s", node->process.name, error.message);
        return false;
    }
    if (decoded.kind != AGENT_MESSAGE_UPDATE)
        return false;
    const struct task_status *status = &decoded.update.status;
    if (is_of_unknown_task(node, decoded.update.framework.text, status)) {
        ledger_update_made(world->ledger, status->uuid);
        return true;
    }
    /* Of what ends without a word, a framework or all on this agent, what was to be sent may go
     * although it is dropped by now. */
    if (!is_known_to_master(world, decoded.update.framework) || drains_may_be_gone(world, node) ||
        outages_may_have_hit(world, node))
        return true;
    if (!head_of(node, decoded.update.framework.text, status->task.text, &head))
        world_fail(world, "%s sends an update of %.*s of which none is stored", node->process.name,
                   TEXT_ARGS(status->task.text));
    else if (!uuid_equal(head, status->uuid))
        world_fail(world, "%s sends an update of %.*s that is not the oldest stored",
                   node->process.name, TEXT_ARGS(status->task.text));
    return true;
}

void check_update_dropped(struct world *world, struct text framework, struct text task,
                          struct uuid uuid) {
    if (ledger_is_acknowledged(world->ledger, uuid))
        return;
    VEC_EACH(at, &world->workloads) {
        const struct workload *workload = *at;
        if (!text_equal(text_of(workload->id), framework))
            continue;
        int64_t silent_ms = world->now_ms - workload->heard_ms;
        if (!workload->is_leaving && !workload->is_over && !workload->may_be_removed &&
            silent_ms < workload->options.failover_timeout_ms - 20000)
            world_fail(world, "an update of %.*s is dropped before %s has acknowledged it",
                       TEXT_ARGS(task), workload->name);
    }
}

/* --- in the end --- */

struct rest {
    struct world *world;
    struct buf *why;
    bool at_rest;
};

static void restless(struct rest *rest, const char *what, struct text which) {
    rest->at_rest = false;
    if (rest->why != NULL)
        buf_printf(rest->why, "%s%s %.*s", rest->why->size > 0 ? ", " : "", what, TEXT_ARGS(which));
}

static void rest_task(void *self, const struct task_view *task) {
    if (!task->is_completed && !task->is_unreachable)
        restless(self, "the master has task", task->id.text);
}

static void rest_agent(void *self, const struct agent_view *agent) {
    if (!agent->unreachable && agent->used != NULL && !resources_is_empty(agent->used))
        restless(self, "resources are in use on", agent->info->hostname);
}

static void rest_node(struct rest *rest, const struct agent_node *node) {
    if (node->has_left)
        return;
    if (!node->process.is_up || !node->is_connected)
        restless(rest, "without a master is", text_of(node->process.name));
    if (machine_running_count(&node->machine) > 0)
        restless(rest, "containers run on", text_of(node->process.name));
    if (node->disk.waiting.count > 0 || node->held.count > 0)
        restless(rest, "stores wait on", text_of(node->process.name));
    MAP_EACH(entry, &node->disk.records) {
        struct text key = map_key_text(entry);
        if (!text_equal(key, TEXT("self")) && !text_equal(key, TEXT("resources")) &&
            !text_equal(key, TEXT("configured")) && !text_starts_with(key, TEXT("sandbox/")))
            restless(rest, "stored is", key);
    }
}

bool check_is_settled(struct world *world, struct buf *why) {
    struct rest rest = {.world = world, .why = why, .at_rest = true};
    VEC_EACH(at, &world->workloads) {
        const struct workload *workload = *at;
        if (!workload_has_all(workload))
            restless(&rest, "there is work for", text_of(workload->name));
        if (!workload->is_over)
            restless(&rest, "has not left:", text_of(workload->name));
        if (workload->channels_ended != workload->channels_opened)
            restless(&rest, "a channel is open of", text_of(workload->name));
    }
    if (!operator_is_done(world, why) || !drains_are_done(world, why) ||
        !outages_are_over(world, why))
        rest.at_rest = false;
    if (world->master->process.is_up && !keeper_is_settled(world, why))
        rest.at_rest = false;
    if (!world->master->process.is_up) {
        restless(&rest, "there is no", TEXT("master"));
        return false;
    }
    if (world->master->disk.waiting.count > 0 || world->master->held.count > 0)
        restless(&rest, "stores wait on", TEXT("master"));
    master_each_task(world->master->core, NULL, rest_task, &rest);
    master_each_agent(world->master->core, rest_agent, &rest);
    VEC_EACH(node, &world->agents)
        rest_node(&rest, *node);
    return rest.at_rest;
}
