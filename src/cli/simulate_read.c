/*
 * A value is read together with the way to it, a chain of `struct at` on the stack, so that every
 * complaint can name its place.
 *
 * Amounts are rounded to thousandths, as Mesos does with what a framework says; weights are not,
 * for a weight that is not what was written would be a wrong answer to the question.
 */
#include "cli/simulate_read.h"

#include "cli/query.h"
#include "common/base/buf.h"
#include "common/model/roles.h"
#include "common/model/value_fixed.h"

#include <math.h>

enum { SHOWN_BYTES = 60 }; /* of a key or a string, in a complaint */

struct at {
    const struct at *above; /* NULL: the whole */
    const char *key;        /* NULL: an element of an array */
    size_t index;
    json_t *value; /* borrowed; NULL: not there */
};

struct member {
    const char *name;
    bool is_required;
    bool (*read)(struct scenario *scenario, const struct at *at, void *into, struct error *error);
};

/* Cut between two characters. */
static struct text shown(const char *string) {
    size_t size = strlen(string);
    if (size > SHOWN_BYTES) {
        size = SHOWN_BYTES;
        while (size > 0 && ((unsigned char)string[size] & 0xc0) == 0x80)
            size--;
    }
    return (struct text){string, size};
}

static void print_place(const struct at *at, struct buf *out) {
    if (at->above == NULL)
        return;
    print_place(at->above, out);
    if (at->key == NULL)
        buf_printf(out, "[%zu]", at->index);
    else
        buf_printf(out, "%s%.*s", out->size > 0 ? "." : "", TEXT_ARGS(shown(at->key)));
}

__attribute__((format(printf, 3, 4))) static bool refuse(const struct at *at, struct error *error,
                                                         const char *format, ...) {
    AUTO_FINI(buf_fini) struct buf place = {0};
    char reason[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    print_place(at, &place);
    return fail(error, ERROR_INVALID, "%s: %s", place.size > 0 ? buf_string(&place) : "all of it",
                reason);
}

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: break;
    }
    return "null";
}

static bool wrong_type(const struct at *at, const char *wanted, struct error *error) {
    return refuse(at, error, "%s is wanted, this is %s", wanted, type_name(at->value));
}

/* --- values --- */

static bool read_whole(const struct at *at, uint64_t *out, struct error *error) {
    if (!json_is_number(at->value))
        return wrong_type(at, "a whole number", error);
    if (!json_is_integer(at->value))
        return refuse(at, error, "a whole number is wanted");
    json_int_t number = json_integer_value(at->value);
    if (number < 0)
        return refuse(at, error, "it is negative");
    *out = (uint64_t)number;
    return true;
}

/* An amount of a resource. */
static bool read_milli(const struct at *at, int64_t *out, struct error *error) {
    if (!json_is_number(at->value))
        return wrong_type(at, "a number", error);
    double number = json_number_value(at->value);
    if (number < 0)
        return refuse(at, error, "it is negative");
    if (milli_from_double(number, out))
        return true;
    if (number < 1)
        return refuse(at, error, "it is less than a thousandth");
    return refuse(at, error, "it is more than %lld", (long long)(MILLI_LIMIT / 1000));
}

static bool read_weight(struct scenario *scenario, const struct at *at, void *into,
                        struct error *error) {
    int64_t *out = into, milli = 0;
    (void)scenario;
    if (!json_is_number(at->value))
        return wrong_type(at, "a number", error);
    double number = json_number_value(at->value);
    if (!(number >= 0.001 && number <= 1000000))
        return refuse(at, error, "it must be from 0.001 to 1000000");
    if (!milli_from_double(number, &milli) || (double)milli / 1000 != number)
        return refuse(at, error, "it has more than three decimals");
    *out = milli;
    return true;
}

static bool read_string(const struct at *at, const char **out, struct error *error) {
    if (!json_is_string(at->value))
        return wrong_type(at, "a string", error);
    *out = json_string_value(at->value);
    return true;
}

static bool read_role_name(struct scenario *scenario, const struct at *at, void *into,
                           struct error *error) {
    uint32_t *out = into;
    const char *name = "", *why = "";
    struct error limit;
    if (!read_string(at, &name, error))
        return false;
    if (!role_is_valid(text_of(name), &why))
        return refuse(at, error, "role \"%.*s\" %s", TEXT_ARGS(shown(name)), why);
    return kinds_intern_role(scenario->kinds, text_of(name), out, &limit) ||
           refuse(at, error, "%s", limit.message);
}

/* --- objects --- */

static const struct member *find_member(const struct member *members, size_t count,
                                        const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].name, key) == 0)
            return &members[i];
    }
    return NULL;
}

/* Reads the members in the order of the table; any other is refused. */
static bool read_object(struct scenario *scenario, const struct at *at,
                        const struct member *members, size_t count, void *into,
                        struct error *error) {
    const char *key;
    json_t *value;
    if (!json_is_object(at->value))
        return wrong_type(at, "an object", error);
    json_object_foreach(at->value, key, value) {
        struct at inner = {.above = at, .key = key, .value = value};
        if (find_member(members, count, key) == NULL)
            return refuse(&inner, error, "there is no such key");
    }
    for (size_t i = 0; i < count; i++) {
        struct at inner = {.above = at, .key = members[i].name};
        inner.value = json_object_get(at->value, inner.key);
        if (inner.value == NULL && members[i].is_required)
            return refuse(&inner, error, "it is missing");
        if (inner.value != NULL && !members[i].read(scenario, &inner, into, error))
            return false;
    }
    return true;
}

#define READ_OBJECT(scenario, at, members, into, error)                                            \
    read_object((scenario), (at), (members), sizeof(members) / sizeof((members)[0]), (into),       \
                (error))

/* A name of a resource. Agents bring new ones; elsewhere a new one is a slip of the pen. */
static bool read_name(struct scenario *scenario, const struct at *at, bool is_new, uint32_t *out,
                      struct error *error) {
    struct text name = text_of(at->key);
    struct error why;
    if (text_equal(name, TEXT("ports")))
        return refuse(at, error, "ports are ranges; amounts only are simulated");
    if (name.size == 0 || name.size > KIND_NAME_BYTES_LIMIT)
        return refuse(at, error, "a name of a resource has 1 to %d bytes", KIND_NAME_BYTES_LIMIT);
    if (!is_new)
        return kinds_find_name(scenario->kinds, name, out) || refuse(at, error, "no agent has any");
    return kinds_intern_name(scenario->kinds, name, out, &why) ||
           refuse(at, error, "%s", why.message);
}

typedef void amount_fn(void *self, uint32_t name, int64_t milli);

static bool read_amounts(struct scenario *scenario, const struct at *at, bool is_new,
                         amount_fn *put, void *self, struct error *error) {
    const char *key;
    json_t *value;
    if (!json_is_object(at->value))
        return wrong_type(at, "an object of names and amounts", error);
    if (json_object_size(at->value) > SCENARIO_NAMES_LIMIT)
        return refuse(at, error, "more than %d names of resources", SCENARIO_NAMES_LIMIT);
    json_object_foreach(at->value, key, value) {
        struct at inner = {.above = at, .key = key, .value = value};
        uint32_t name = 0;
        int64_t milli = 0;
        if (!read_name(scenario, &inner, is_new, &name, error) ||
            !read_milli(&inner, &milli, error))
            return false;
        put(self, name, milli);
    }
    return true;
}

static void put_quantity(void *self, uint32_t name, int64_t milli) {
    quantities_add(self, name, milli);
}

typedef bool element_fn(struct scenario *scenario, const struct at *at, struct error *error);

static bool read_array(struct scenario *scenario, const struct at *at, size_t limit,
                       element_fn *read, struct error *error) {
    size_t index;
    json_t *value;
    if (!json_is_array(at->value))
        return wrong_type(at, "an array", error);
    if (json_array_size(at->value) > limit)
        return refuse(at, error, "more than %zu", limit);
    json_array_foreach(at->value, index, value) {
        struct at inner = {.above = at, .index = index, .value = value};
        if (!read(scenario, &inner, error))
            return false;
    }
    return true;
}

/* --- agents --- */

static bool read_agent_count(struct scenario *scenario, const struct at *at, void *into,
                             struct error *error) {
    struct scenario_agents *agents = into;
    (void)scenario;
    return read_whole(at, &agents->count, error);
}

static bool read_agent_resources(struct scenario *scenario, const struct at *at, void *into,
                                 struct error *error) {
    struct scenario_agents *agents = into;
    return read_amounts(scenario, at, true, put_quantity, &agents->resources, error);
}

static bool read_agent(struct scenario *scenario, const struct at *at, struct error *error) {
    static const struct member members[] = {{"count", false, read_agent_count},
                                            {"resources", true, read_agent_resources}};
    VEC_PUSH(&scenario->agents, (struct scenario_agents){.count = 1});
    struct scenario_agents *agents = &scenario->agents.items[scenario->agents.count - 1];
    return READ_OBJECT(scenario, at, members, agents, error);
}

/* --- roles --- */

static bool read_role_role(struct scenario *scenario, const struct at *at, void *into,
                           struct error *error) {
    struct scenario_role *role = into;
    return read_role_name(scenario, at, &role->role, error);
}

static bool read_role_weight(struct scenario *scenario, const struct at *at, void *into,
                             struct error *error) {
    struct scenario_role *role = into;
    return read_weight(scenario, at, &role->weight_milli, error);
}

static struct quota_line *line_of(struct scenario_role *role, uint32_t name) {
    VEC_EACH(line, &role->quota) {
        if (line->name == name)
            return line;
    }
    VEC_PUSH(&role->quota, (struct quota_line){.name = name, .limit_milli = INT64_MAX});
    return &role->quota.items[role->quota.count - 1];
}

static void put_guarantee(void *self, uint32_t name, int64_t milli) {
    line_of(self, name)->guarantee_milli = milli;
}

static void put_limit(void *self, uint32_t name, int64_t milli) {
    line_of(self, name)->limit_milli = milli;
}

static bool read_guarantee(struct scenario *scenario, const struct at *at, void *into,
                           struct error *error) {
    return read_amounts(scenario, at, false, put_guarantee, into, error);
}

static bool read_limit(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    return read_amounts(scenario, at, false, put_limit, into, error);
}

static bool read_quota(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    static const struct member members[] = {{"guarantee", false, read_guarantee},
                                            {"limit", false, read_limit}};
    return READ_OBJECT(scenario, at, members, into, error);
}

static bool read_role(struct scenario *scenario, const struct at *at, struct error *error) {
    static const struct member members[] = {{"name", true, read_role_role},
                                            {"weight", false, read_role_weight},
                                            {"quota", false, read_quota}};
    VEC_PUSH(&scenario->roles, (struct scenario_role){.weight_milli = 1000});
    struct scenario_role *role = &scenario->roles.items[scenario->roles.count - 1];
    return READ_OBJECT(scenario, at, members, role, error);
}

/* --- frameworks --- */

static bool read_framework_name(struct scenario *scenario, const struct at *at, void *into,
                                struct error *error) {
    struct scenario_framework *framework = into;
    const char *name = "";
    (void)scenario;
    if (!read_string(at, &name, error))
        return false;
    framework->name = mem_dup_string(name);
    return true;
}

static bool read_framework_role(struct scenario *scenario, const struct at *at, void *into,
                                struct error *error) {
    struct scenario_framework *framework = into;
    return read_role_name(scenario, at, &framework->role, error);
}

static bool read_framework_weight(struct scenario *scenario, const struct at *at, void *into,
                                  struct error *error) {
    struct scenario_framework *framework = into;
    return read_weight(scenario, at, &framework->weight_milli, error);
}

static bool read_task(struct scenario *scenario, const struct at *at, void *into,
                      struct error *error) {
    struct scenario_framework *framework = into;
    return read_amounts(scenario, at, false, put_quantity, &framework->task, error);
}

static bool read_tasks(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    struct scenario_framework *framework = into;
    (void)scenario;
    return read_whole(at, &framework->tasks, error);
}

static bool read_joins_at(struct scenario *scenario, const struct at *at, void *into,
                          struct error *error) {
    struct scenario_framework *framework = into;
    (void)scenario;
    return read_whole(at, &framework->joins_at, error);
}

static bool read_framework(struct scenario *scenario, const struct at *at, struct error *error) {
    static const struct member members[] = {{"name", true, read_framework_name},
                                            {"role", true, read_framework_role},
                                            {"weight", false, read_framework_weight},
                                            {"task", true, read_task},
                                            {"tasks", false, read_tasks},
                                            {"joins_at", false, read_joins_at}};
    VEC_PUSH(&scenario->frameworks,
             (struct scenario_framework){.weight_milli = 1000, .tasks = ALLOCATOR_COUNT_ENDLESS});
    struct scenario_framework *framework =
        &scenario->frameworks.items[scenario->frameworks.count - 1];
    return READ_OBJECT(scenario, at, members, framework, error);
}

/* --- the whole --- */

static bool read_policy(struct scenario *scenario, const struct at *at, void *into,
                        struct error *error) {
    static const struct mesos_allocator *const policies[] = {&allocator_hdrf, &allocator_drf,
                                                             &allocator_random};
    const char *name = "";
    (void)into;
    if (!read_string(at, &name, error))
        return false;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(policies[i]->name, name) != 0)
            continue;
        scenario->policy = policies[i];
        return true;
    }
    return refuse(at, error, "it is \"%.*s\"; hdrf, drf and random are known",
                  TEXT_ARGS(shown(name)));
}

static bool read_seed(struct scenario *scenario, const struct at *at, void *into,
                      struct error *error) {
    (void)into;
    return read_whole(at, &scenario->seed, error);
}

static bool read_agents(struct scenario *scenario, const struct at *at, void *into,
                        struct error *error) {
    (void)into;
    return read_array(scenario, at, SCENARIO_AGENTS_LIMIT, read_agent, error);
}

static bool read_roles(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    (void)into;
    return read_array(scenario, at, SCENARIO_ROLES_LIMIT, read_role, error);
}

static bool read_frameworks(struct scenario *scenario, const struct at *at, void *into,
                            struct error *error) {
    (void)into;
    return read_array(scenario, at, SCENARIO_FRAMEWORKS_LIMIT, read_framework, error);
}

static bool read_steps(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    (void)into;
    return read_whole(at, &scenario->churn_steps, error);
}

static bool read_churn(struct scenario *scenario, const struct at *at, void *into,
                       struct error *error) {
    static const struct member members[] = {{"steps", true, read_steps}};
    return READ_OBJECT(scenario, at, members, into, error);
}

/* What is told may hold names of the scenario's: nothing of them may break the line or move the
 * cursor. */
static bool clean(struct error *error) {
    for (char *at = error->message; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    return false;
}

bool simulate_read(struct text json, struct scenario *out, struct error *error) {
    static const struct member members[] = {
        {"policy", false, read_policy}, {"seed", false, read_seed},
        {"agents", true, read_agents},  {"roles", false, read_roles},
        {"churn", false, read_churn},   {"frameworks", true, read_frameworks}};
    AUTO(json_decref) json_t *value = NULL;
    json_error_t where;
    value =
        json_loadb(json.data != NULL ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &where);
    if (value == NULL) {
        fail(error, ERROR_INVALID, "line %d, column %d: %s", where.line, where.column, where.text);
        return clean(error);
    }
    struct at whole = {.value = value};
    scenario_init(out);
    if (READ_OBJECT(out, &whole, members, out, error) && scenario_check(out, error))
        return true;
    scenario_fini(out);
    return clean(error);
}
