#include "allocator/simulate/simulation.h"

#include "allocator/simulate/simulation_state.h"
#include "common/base/map.h"

#include <assert.h>

/* Of one call to the allocator: some more than the tasks that may run need, so that too many of
 * them are found out before all of a cluster was given to them. */
enum { LOOKS_A_CALL = 1 << 26 };

static const uint32_t every_framework_trait = FRAMEWORK_TAKES_GPUS | FRAMEWORK_HAS_MANY_ROLES;
static const uint32_t every_agent_trait = AGENT_SERVES_MANY_ROLES | AGENT_SERVES_ROLE_TREE;

static uint32_t kind_of_name(const struct scenario *scenario, uint32_t name) {
    const struct kind_info info = {.name = kinds_name_text(scenario->kinds, name),
                                   .type = VALUE_SCALAR};
    uint32_t kind = 0;
    bool ok = kinds_intern(scenario->kinds, &info, &kind, NULL);
    assert(ok); /* a plain scalar, and few of them */
    return kind;
}

static struct resources resources_from(const struct scenario *scenario,
                                       const struct quantities *amounts) {
    struct resources set = {0};
    for (size_t i = 0; i < amounts->count; i++) {
        bool ok = resources_put_scalar(&set, kind_of_name(scenario, amounts->items[i].name),
                                       amounts->items[i].milli, NULL);
        assert(ok);
    }
    return set;
}

static void add_agents(struct simulation *simulation) {
    const struct scenario *scenario = simulation->scenario;
    uint32_t number = 0;
    VEC_EACH(agents, &scenario->agents) {
        AUTO_FINI(resources_fini)
        struct resources total = resources_from(scenario, &agents->resources);
        for (uint64_t i = 0; i < agents->count; i++)
            allocator_add_agent(simulation->allocator, ++number, &total, every_agent_trait);
    }
    simulation->agent_count = number;
}

static void set_roles(struct simulation *simulation) {
    VEC_EACH(role, &simulation->scenario->roles) {
        allocator_set_weight(simulation->allocator, role->role, role->weight_milli);
        if (role->quota.count > 0)
            allocator_set_quota(simulation->allocator, role->role, role->quota.items,
                                role->quota.count);
    }
}

/* Says what the framework still wants; nothing before it has joined. */
static void declare(struct simulation *simulation, size_t index) {
    const struct scenario_framework *described = &simulation->scenario->frameworks.items[index];
    const struct client_state *client = &simulation->clients[index];
    const struct allocator_request request = {.shape = &described->task, .count = client->left};
    bool wants = client->has_joined && client->left > 0;
    allocator_set_demand(simulation->allocator, (uint32_t)index + 1, described->role, &request,
                         wants, true);
}

static void add_frameworks(struct simulation *simulation) {
    const struct scenario *scenario = simulation->scenario;
    for (size_t i = 0; i < scenario->frameworks.count; i++) {
        const struct scenario_framework *described = &scenario->frameworks.items[i];
        struct client_state *client = &simulation->clients[i];
        *client = (struct client_state){.task = resources_from(scenario, &described->task),
                                        .left = described->tasks,
                                        .has_joined = described->joins_at == 0};
        allocator_add_framework(simulation->allocator, (uint32_t)i + 1, &described->role, 1,
                                every_framework_trait);
        allocator_set_client_weight(simulation->allocator, (uint32_t)i + 1, described->role,
                                    described->weight_milli);
        if (!client->has_joined)
            heap_put(&simulation->latecomers, &client->arrival, (int64_t)described->joins_at);
        declare(simulation, i);
    }
}

struct simulation *simulation_new(const struct scenario *scenario) {
    struct simulation *simulation = NEW(struct simulation);
    simulation->scenario = scenario;
    simulation->rng = rng_of(scenario->seed);
    simulation->clients = NEW_ARRAY(struct client_state, scenario->frameworks.count);
    simulation->allocator = allocator_new(scenario->policy, scenario->kinds, scenario->seed);
    allocator_set_minima(simulation->allocator, NULL, 0);
    set_roles(simulation);
    add_agents(simulation);
    add_frameworks(simulation);
    return simulation;
}

void simulation_free(struct simulation *simulation) {
    if (simulation == NULL)
        return;
    for (size_t i = 0; i < simulation->scenario->frameworks.count; i++)
        resources_fini(&simulation->clients[i].task);
    VEC_EACH(offer, &simulation->offers)
        resources_fini(&offer->resources);
    VEC_FINI(&simulation->offers);
    VEC_FINI(&simulation->tasks);
    heap_fini(&simulation->latecomers);
    mem_free(simulation->clients);
    allocator_free(simulation->allocator);
    mem_free(simulation);
}

/* As one of its resources has it; a task needs something. */
static uint64_t tasks_in(const struct allocator_offer *offer, const struct resources *task) {
    uint32_t kind = task->entries[0].kind;
    return (uint64_t)(resources_scalar_milli(offer->resources, kind) /
                      resources_scalar_milli(task, kind));
}

static void note_offer(const struct allocator_offer *offer, void *self) {
    struct simulation *simulation = self;
    simulation->offered_tasks += tasks_in(offer, &simulation->clients[offer->framework - 1].task);
    VEC_PUSH(&simulation->offers, (struct kept_offer){offer->framework - 1, offer->agent,
                                                      resources_copy(offer->resources)});
}

static bool launch(struct simulation *simulation, const struct kept_offer *offer,
                   struct error *error) {
    struct client_state *client = &simulation->clients[offer->framework];
    uint32_t role = simulation->scenario->frameworks.items[offer->framework].role;
    if (simulation->tasks.count >= SIMULATION_RUNNING_LIMIT)
        return fail(error, ERROR_LIMIT,
                    "frameworks[%u].task: so small that more than %d tasks run at once",
                    (unsigned)offer->framework, SIMULATION_RUNNING_LIMIT);
    allocator_note_launch(simulation->allocator, offer->framework + 1, role, offer->agent,
                          &client->task);
    if (client->left != ALLOCATOR_COUNT_ENDLESS)
        client->left--;
    client->running++;
    simulation->decisions++;
    VEC_PUSH(&simulation->tasks, (struct running_task){offer->framework, offer->agent});
    return true;
}

/* What was offered and is not used. A refusal keeps it from coming back in this very fill. */
static void decline(struct simulation *simulation, const struct kept_offer *offer) {
    uint32_t framework = offer->framework + 1;
    uint32_t role = simulation->scenario->frameworks.items[offer->framework].role;
    bool ok =
        allocator_recover(simulation->allocator, framework, role, offer->agent, &offer->resources);
    assert(ok);
    allocator_refuse(simulation->allocator, framework, role, offer->agent, &offer->resources,
                     simulation->now_ms + 1);
}

static bool answer(struct simulation *simulation, struct kept_offer *offer, struct error *error) {
    struct client_state *client = &simulation->clients[offer->framework];
    uint32_t role = simulation->scenario->frameworks.items[offer->framework].role;
    bool ok = true;
    while (ok && client->has_joined && client->left > 0 &&
           resources_contains(&offer->resources, &client->task)) {
        ok = launch(simulation, offer, error);
        bool is_there = !ok || resources_subtract(&offer->resources, &client->task);
        assert(is_there);
    }
    allocator_note_offer_end(simulation->allocator, offer->framework + 1, role, offer->agent,
                             ALLOCATOR_OFFER_ANSWERED);
    if (!resources_is_empty(&offer->resources))
        decline(simulation, offer);
    return ok;
}

static bool answer_all(struct simulation *simulation, struct error *error) {
    bool ok = true;
    VEC_EACH(offer, &simulation->offers) {
        ok = ok && answer(simulation, offer, error);
        resources_fini(&offer->resources);
    }
    simulation->offers.count = 0;
    simulation->offered_tasks = 0;
    return ok;
}

bool simulation_fill(struct simulation *simulation, struct error *error) {
    bool was_offered;
    do {
        while (allocator_allocate(simulation->allocator, simulation->now_ms, LOOKS_A_CALL,
                                  note_offer, simulation) &&
               simulation->offered_tasks <= SIMULATION_RUNNING_LIMIT)
            continue;
        was_offered = simulation->offers.count > 0;
        if (!answer_all(simulation, error))
            return false;
    } while (was_offered && allocator_deadline_ms(simulation->allocator) <= simulation->now_ms);
    return true;
}

static void join(struct simulation *simulation) {
    for (struct heap_node *next; (next = heap_least(&simulation->latecomers)) != NULL;) {
        if (next->key > (int64_t)simulation->steps)
            return;
        struct client_state *client = CONTAINER_OF(next, struct client_state, arrival);
        heap_remove(&simulation->latecomers, next);
        client->has_joined = true;
        declare(simulation, (size_t)(client - simulation->clients));
    }
}

static void end_one(struct simulation *simulation) {
    if (simulation->tasks.count == 0)
        return;
    size_t chosen = (size_t)rng_below(&simulation->rng, simulation->tasks.count);
    struct running_task task = simulation->tasks.items[chosen];
    simulation->tasks.items[chosen] = simulation->tasks.items[--simulation->tasks.count];
    struct client_state *client = &simulation->clients[task.framework];
    client->running--;
    if (client->left != ALLOCATOR_COUNT_ENDLESS)
        client->left++;
    bool ok = allocator_recover(simulation->allocator, task.framework + 1,
                                simulation->scenario->frameworks.items[task.framework].role,
                                task.agent, &client->task);
    assert(ok);
    if (client->left != ALLOCATOR_COUNT_ENDLESS)
        declare(simulation, task.framework);
}

/* One of n tasks ends n times as soon as a single one does. */
static void pass_time(struct simulation *simulation) {
    int64_t life_us = simulation->scenario->task_life_ms * 1000;
    int64_t tasks = (int64_t)simulation->tasks.count;
    simulation->now_us += life_us / (tasks > 0 ? tasks : 1);
    simulation->now_ms = simulation->now_us / 1000;
}

bool simulation_step(struct simulation *simulation, struct error *error) {
    simulation->steps++;
    pass_time(simulation);
    join(simulation);
    end_one(simulation);
    return simulation_fill(simulation, error);
}

bool simulation_run(struct simulation *simulation, struct error *error) {
    if (!simulation_fill(simulation, error))
        return false;
    while (simulation->steps < simulation->scenario->churn_steps) {
        if (!simulation_step(simulation, error))
            return false;
    }
    return true;
}

uint64_t simulation_running(const struct simulation *simulation, size_t framework) {
    return simulation->clients[framework].running;
}

bool simulation_wants(const struct simulation *simulation, size_t framework) {
    return simulation->clients[framework].has_joined && simulation->clients[framework].left > 0;
}

struct allocator *simulation_allocator(struct simulation *simulation) {
    return simulation->allocator;
}
