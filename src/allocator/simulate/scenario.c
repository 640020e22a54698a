#include "allocator/simulate/scenario.h"

#include "allocator/simulate/scenario_quota.h"
#include "common/base/map.h"
#include "common/model/roles.h"
#include "common/model/value_fixed.h"

enum { TASK_LIFE_MS = 30000 };

void scenario_init(struct scenario *scenario) {
    *scenario = (struct scenario){
        .policy = &allocator_hdrf, .seed = 1, .task_life_ms = TASK_LIFE_MS, .kinds = kinds_new()};
}

void scenario_fini(struct scenario *scenario) {
    VEC_EACH(agents, &scenario->agents)
        quantities_fini(&agents->resources);
    VEC_EACH(role, &scenario->roles)
        VEC_FINI(&role->quota);
    VEC_EACH(framework, &scenario->frameworks) {
        mem_free(framework->name);
        quantities_fini(&framework->task);
    }
    VEC_FINI(&scenario->agents);
    VEC_FINI(&scenario->roles);
    VEC_FINI(&scenario->frameworks);
    kinds_free(scenario->kinds);
    *scenario = (struct scenario){0};
}

/* a * b, or INT64_MAX for more. */
static int64_t times(uint64_t count, int64_t milli) {
    int64_t product;
    return count <= INT64_MAX && !__builtin_mul_overflow((int64_t)count, milli, &product)
               ? product
               : INT64_MAX;
}

void scenario_capacity(const struct scenario *scenario, struct quantities *out) {
    quantities_clear(out);
    VEC_EACH(agents, &scenario->agents) {
        for (size_t i = 0; i < agents->resources.count; i++) {
            const struct quantity *one = &agents->resources.items[i];
            quantities_add(out, one->name, times(agents->count, one->milli));
        }
    }
}

uint64_t scenario_agent_count(const struct scenario *scenario) {
    uint64_t count = 0;
    VEC_EACH(agents, &scenario->agents)
        count += agents->count;
    return count;
}

static bool check_agents(const struct scenario *scenario, struct error *error) {
    uint64_t count = 0;
    if (scenario->agents.count == 0)
        return fail(error, ERROR_INVALID, "agents: there are none");
    for (size_t i = 0; i < scenario->agents.count; i++) {
        const struct scenario_agents *agents = &scenario->agents.items[i];
        if (agents->count == 0)
            return fail(error, ERROR_INVALID, "agents[%zu].count: it is 0", i);
        if (agents->count > SCENARIO_AGENTS_LIMIT - count)
            return fail(error, ERROR_LIMIT, "agents[%zu].count: more than %d agents in all", i,
                        SCENARIO_AGENTS_LIMIT);
        if (agents->resources.count == 0)
            return fail(error, ERROR_INVALID, "agents[%zu].resources: such an agent has nothing",
                        i);
        count += agents->count;
    }
    return true;
}

static bool check_capacity(const struct scenario *scenario, const struct quantities *capacity,
                           struct error *error) {
    if (capacity->count > SCENARIO_NAMES_LIMIT)
        return fail(error, ERROR_LIMIT, "agents: more than %d names of resources",
                    SCENARIO_NAMES_LIMIT);
    for (size_t i = 0; i < capacity->count; i++) {
        struct text name = kinds_name_text(scenario->kinds, capacity->items[i].name);
        if (capacity->items[i].milli > MILLI_LIMIT)
            return fail(error, ERROR_LIMIT, "agents: more than %lld %.*s in all",
                        (long long)(MILLI_LIMIT / 1000), TEXT_ARGS(name));
    }
    return true;
}

static bool check_weight(int64_t weight_milli, const char *list, size_t index,
                         struct error *error) {
    if (weight_milli >= 1 && weight_milli <= SCENARIO_WEIGHT_LIMIT_MILLI)
        return true;
    return fail(error, ERROR_INVALID, "%s[%zu].weight: it must be from 0.001 to 1000000", list,
                index);
}

static bool check_depth(const struct scenario *scenario, uint32_t role, const char *list,
                        size_t index, struct error *error) {
    bool is_role = strcmp(list, "roles") == 0;
    int depth = 0;
    for (uint32_t at = role; at != ROLE_NONE; at = kinds_role_parent(scenario->kinds, at))
        depth++;
    if (depth <= SCENARIO_DEPTH_LIMIT)
        return true;
    return fail(error, ERROR_LIMIT, "%s[%zu].%s: more than %d levels", list, index,
                is_role ? "name" : "role", SCENARIO_DEPTH_LIMIT);
}

static bool check_roles(const struct scenario *scenario, struct error *error) {
    struct map seen = {0};
    bool ok = scenario->roles.count <= SCENARIO_ROLES_LIMIT ||
              fail(error, ERROR_LIMIT, "roles: more than %d", SCENARIO_ROLES_LIMIT);
    for (size_t i = 0; ok && i < scenario->roles.count; i++) {
        const struct scenario_role *role = &scenario->roles.items[i];
        struct text name = kinds_role_text(scenario->kinds, role->role);
        ok = check_weight(role->weight_milli, "roles", i, error) &&
             check_depth(scenario, role->role, "roles", i, error);
        if (ok && map_put(&seen, role->role, &seen) != NULL)
            ok = fail(error, ERROR_INVALID, "roles[%zu].name: role \"%.*s\" is there already", i,
                      TEXT_ARGS(name));
    }
    map_fini(&seen, NULL);
    return ok;
}

static bool check_task(const struct scenario *scenario, size_t index,
                       const struct quantities *capacity, struct error *error) {
    const struct quantities *task = &scenario->frameworks.items[index].task;
    if (task->count == 0)
        return fail(error, ERROR_INVALID, "frameworks[%zu].task: it needs nothing", index);
    for (size_t i = 0; i < task->count; i++) {
        struct text name = kinds_name_text(scenario->kinds, task->items[i].name);
        if (quantities_milli(capacity, task->items[i].name) == 0)
            return fail(error, ERROR_INVALID, "frameworks[%zu].task.%.*s: no agent has any", index,
                        TEXT_ARGS(name));
    }
    return true;
}

static bool check_framework(const struct scenario *scenario, size_t index,
                            const struct quantities *capacity, struct error *error) {
    const struct scenario_framework *framework = &scenario->frameworks.items[index];
    if (framework->name == NULL || framework->name[0] == '\0')
        return fail(error, ERROR_INVALID, "frameworks[%zu].name: it is empty", index);
    if (strlen(framework->name) > SCENARIO_NAME_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "frameworks[%zu].name: more than %d bytes", index,
                    SCENARIO_NAME_BYTES_LIMIT);
    if (framework->tasks != ALLOCATOR_COUNT_ENDLESS && framework->tasks > SCENARIO_TASKS_LIMIT)
        return fail(error, ERROR_LIMIT, "frameworks[%zu].tasks: more than %llu", index,
                    (unsigned long long)SCENARIO_TASKS_LIMIT);
    if (framework->joins_at > scenario->churn_steps)
        return fail(error, ERROR_INVALID,
                    "frameworks[%zu].joins_at: it is %llu, after the last of %llu churn steps",
                    index, (unsigned long long)framework->joins_at,
                    (unsigned long long)scenario->churn_steps);
    return check_weight(framework->weight_milli, "frameworks", index, error) &&
           check_depth(scenario, framework->role, "frameworks", index, error) &&
           check_task(scenario, index, capacity, error);
}

static bool check_frameworks(const struct scenario *scenario, const struct quantities *capacity,
                             struct error *error) {
    struct map seen = {0};
    size_t count = scenario->frameworks.count;
    bool ok = true;
    if (count == 0)
        return fail(error, ERROR_INVALID, "frameworks: there are none");
    if (count > SCENARIO_FRAMEWORKS_LIMIT)
        return fail(error, ERROR_LIMIT, "frameworks: more than %d", SCENARIO_FRAMEWORKS_LIMIT);
    if (count * scenario_agent_count(scenario) > SCENARIO_PAIRS_LIMIT)
        return fail(error, ERROR_LIMIT, "frameworks: %zu of them times %llu agents is more than %d",
                    count, (unsigned long long)scenario_agent_count(scenario),
                    SCENARIO_PAIRS_LIMIT);
    for (size_t i = 0; ok && i < count; i++) {
        const char *name = scenario->frameworks.items[i].name;
        ok = check_framework(scenario, i, capacity, error);
        if (ok && map_put_text(&seen, text_of(name), &seen) != NULL)
            ok = fail(error, ERROR_INVALID, "frameworks[%zu].name: \"%s\" is there already", i,
                      name);
    }
    map_fini(&seen, NULL);
    return ok;
}

bool scenario_check(const struct scenario *scenario, struct error *error) {
    AUTO_FINI(quantities_fini) struct quantities capacity = {0};
    if (!check_agents(scenario, error))
        return false;
    scenario_capacity(scenario, &capacity);
    if (!check_capacity(scenario, &capacity, error) || !check_roles(scenario, error) ||
        !scenario_check_quota(scenario, &capacity, error) ||
        !check_frameworks(scenario, &capacity, error))
        return false;
    if (scenario->churn_steps > SCENARIO_CHURN_LIMIT)
        return fail(error, ERROR_LIMIT, "churn.steps: more than %d", SCENARIO_CHURN_LIMIT);
    return true;
}
