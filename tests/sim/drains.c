#include "tests/sim/drains.h"

#include "tests/sim/outages.h"
#include "tests/sim/shells.h"

#include <stdio.h>

enum { PATIENCE_MS = 3000, IDS_LIMIT = 64 };
#define FIRST_REQUEST (UINT64_C(1) << 40)

/* What the operator knows of an agent for certain; nothing, while an order is not answered. */
enum certainty { CERTAIN_OF_NOTHING, CERTAIN_ACTIVE, CERTAIN_INACTIVE };

struct known_agent {
    char id[100];
    enum certainty certain;
    uint64_t last_request;
    enum operator_call_kind last_call;
    bool may_be_gone;
};

struct drains {
    struct world *world;
    VEC_OF(struct known_agent *) agents;
    uint64_t last_request;
    bool is_ending;
};

struct drains *drains_new(struct world *world) {
    struct drains *drains = NEW(struct drains);
    drains->world = world;
    drains->last_request = FIRST_REQUEST;
    return drains;
}

void drains_free(struct drains *drains) {
    if (drains == NULL)
        return;
    VEC_EACH(agent, &drains->agents)
        mem_free(*agent);
    VEC_FINI(&drains->agents);
    mem_free(drains);
}

static struct known_agent *find(const struct drains *drains, struct text id) {
    VEC_EACH(agent, &drains->agents) {
        if (text_equal(text_of((*agent)->id), id))
            return *agent;
    }
    return NULL;
}

static struct known_agent *find_or_add(struct drains *drains, struct text id) {
    struct known_agent *agent = find(drains, id);
    if (agent != NULL)
        return agent;
    agent = NEW(struct known_agent);
    snprintf(agent->id, sizeof(agent->id), "%.*s", TEXT_ARGS(id));
    agent->certain = CERTAIN_ACTIVE;
    VEC_PUSH(&drains->agents, agent);
    return agent;
}

/* --- asking --- */

static const char *word_of(const struct operator_call *call) {
    if (call->kind == OPERATOR_DRAIN_AGENT)
        return call->drain.mark_gone ? "drain, gone" : "drain";
    if (call->kind == OPERATOR_DEACTIVATE_AGENT)
        return "deactivate";
    return call->kind == OPERATOR_REACTIVATE_AGENT ? "reactivate" : "mark gone";
}

static void ask(struct drains *drains, struct known_agent *agent, struct operator_call call) {
    struct world *world = drains->world;
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    if (!world->master->process.is_up)
        return;
    call.agent.text = text_of(agent->id);
    agent->last_request = ++drains->last_request;
    agent->last_call = call.kind;
    agent->certain = CERTAIN_OF_NOTHING;
    agent->may_be_gone = agent->may_be_gone || call.kind == OPERATOR_MARK_AGENT_GONE ||
                         (call.kind == OPERATOR_DRAIN_AGENT && call.drain.mark_gone);
    world_say(world, "ask     #%llu %s %s",
              (unsigned long long)(agent->last_request - FIRST_REQUEST), word_of(&call), agent->id);
    event.operator_call.request = agent->last_request;
    event.operator_call.call = call;
    master_node_feed(world->master, &event);
}

struct choice {
    char ids[IDS_LIMIT][100];
    size_t count;
};

static void collect(void *self, const struct agent_view *agent) {
    struct choice *choice = self;
    if (choice->count < IDS_LIMIT)
        snprintf(choice->ids[choice->count++], sizeof(choice->ids[0]), "%.*s",
                 TEXT_ARGS(agent->info->id.text));
}

static size_t count_staying(const struct drains *drains) {
    size_t count = 0;
    VEC_EACH(node, &drains->world->agents)
        count += !(*node)->has_left && !drains_may_be_gone(drains->world, *node);
    return count;
}

static struct operator_call any_call(struct drains *drains) {
    struct world *world = drains->world;
    bool may_go = count_staying(drains) > 1 && world_chance(world, 100);
    struct operator_call call = {.kind = OPERATOR_REACTIVATE_AGENT};
    switch (world_draw(world, 0, 5)) {
    case 0: call.kind = OPERATOR_DEACTIVATE_AGENT; break;
    case 1:
    case 2:
        call.kind = OPERATOR_DRAIN_AGENT;
        call.drain.has_max_grace = world_chance(world, 600);
        if (call.drain.has_max_grace)
            call.drain.max_grace_ns = world_draw(world, 0, 30000) * 1000000;
        call.drain.mark_gone = may_go && world_chance(world, 500);
        break;
    case 3:
        if (may_go)
            call.kind = OPERATOR_MARK_AGENT_GONE;
        break;
    default: break;
    }
    return call;
}

static void change_something(void *self, uint64_t argument) {
    struct drains *drains = self;
    struct world *world = drains->world;
    struct choice choice = {0};
    (void)argument;
    if (drains->is_ending)
        return;
    if (world->master->process.is_up)
        master_each_agent(world->master->core, collect, &choice);
    if (choice.count > 0) {
        const char *id = choice.ids[world_draw(world, 0, (int64_t)choice.count - 1)];
        ask(drains, find_or_add(drains, text_of(id)), any_call(drains));
    }
    world_after(world, world_draw(world, 500, 30000), change_something, drains, 0);
}

void drains_begin(struct world *world) {
    if (world_chance(world, 500))
        world_after(world, world_draw(world, 0, 20000), change_something, world->drains, 0);
}

/* --- answers --- */

static bool is_expected(enum operator_call_kind call, int status) {
    if (status == 200 || status == 409)
        return true;
    if (call == OPERATOR_MARK_AGENT_GONE)
        return status == 404 || status == 503;
    return status == 400;
}

bool drains_answered(struct world *world, uint64_t request, int status) {
    if (request < FIRST_REQUEST || request >= FIRST_REQUEST * 2)
        return false;
    world_say(world, "answer  #%llu %d", (unsigned long long)(request - FIRST_REQUEST), status);
    VEC_EACH(at, &world->drains->agents) {
        struct known_agent *agent = *at;
        if (agent->last_request != request)
            continue;
        if (!is_expected(agent->last_call, status))
            world_fail(world, "the operator is refused: %d", status);
        if (status == 200 && !agent->may_be_gone)
            agent->certain =
                agent->last_call == OPERATOR_REACTIVATE_AGENT ? CERTAIN_ACTIVE : CERTAIN_INACTIVE;
    }
    return true;
}

/* --- what is in force --- */

struct inspection {
    struct world *world;
    const struct agent_view *agent;
};

static void check_task(void *self, const struct task_view *task) {
    const struct inspection *inspection = self;
    if (agent_id_equal(task->agent, inspection->agent->info->id) && !task->is_completed &&
        !task->is_unreachable && !task_state_is_terminal(task->state))
        world_fail(inspection->world, "%.*s is on an agent that is drained",
                   TEXT_ARGS(task->id.text));
}

/* An agent that was removed with its machine comes back as a new one would. */
static bool was_removed(const struct world *world, struct text id) {
    VEC_EACH(node, &world->agents) {
        if (text_equal(text_of((*node)->id), id))
            return outages_may_have_hit(world, *node);
    }
    return false;
}

static void check_one(void *self, const struct agent_view *agent) {
    struct master_node *node = self;
    struct world *world = node->process.world;
    const struct known_agent *known = find(world->drains, agent->info->id.text);
    struct inspection inspection = {world, agent};
    bool is_inactive = agent->drain.is_deactivated;
    if (known != NULL && known->certain != CERTAIN_OF_NOTHING &&
        !was_removed(world, agent->info->id.text) &&
        is_inactive != (known->certain == CERTAIN_INACTIVE))
        world_fail(world, "%s is %sactive, and that is not what was answered", known->id,
                   is_inactive ? "in" : "");
    if (agent->drain.state == DRAIN_DRAINED)
        master_each_task(node->core, NULL, check_task, &inspection);
}

void drains_check(struct master_node *node) {
    master_each_agent(node->core, check_one, node);
}

bool drains_may_be_gone(const struct world *world, const struct agent_node *node) {
    const struct known_agent *known = find(world->drains, text_of(node->id));
    return known != NULL && known->may_be_gone;
}

/* --- the end --- */

struct rest {
    struct choice choice;
    size_t inactive;
    struct buf *why;
};

static void find_inactive(void *self, const struct agent_view *agent) {
    struct rest *rest = self;
    if (agent->unreachable || !agent->drain.is_deactivated)
        return;
    rest->inactive++;
    if (agent->drain.state != DRAIN_DRAINING)
        collect(&rest->choice, agent);
    if (rest->why != NULL)
        buf_printf(rest->why, "%s %.*s",
                   agent->drain.state == DRAIN_DRAINING ? "draining" : "inactive",
                   TEXT_ARGS(agent->info->id.text));
}

static void bring_back(void *self, uint64_t argument) {
    struct drains *drains = self;
    struct world *world = drains->world;
    struct rest rest = {0};
    (void)argument;
    if (world->master->process.is_up)
        master_each_agent(world->master->core, find_inactive, &rest);
    for (size_t i = 0; i < rest.choice.count; i++)
        ask(drains, find_or_add(drains, text_of(rest.choice.ids[i])),
            (struct operator_call){.kind = OPERATOR_REACTIVATE_AGENT});
    world_after(world, PATIENCE_MS, bring_back, drains, 0);
}

void drains_end(struct world *world) {
    world->drains->is_ending = true;
    bring_back(world->drains, 0);
}

bool drains_are_done(const struct world *world, struct buf *why) {
    struct rest rest = {.why = why};
    if (world->master->process.is_up)
        master_each_agent(world->master->core, find_inactive, &rest);
    return rest.inactive == 0;
}
