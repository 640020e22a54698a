#include "cli/simulate_print.h"

#include "cli/query.h"
#include "cli/table.h"
#include "common/model/value_fixed.h"
#include "common/model/value_text.h"

#include <math.h>

static json_t *json_text(struct text text) {
    return json_stringn(text.data, text.size);
}

/* Whole numbers as such, for "12.0" is no number of tasks or cpus. */
static json_t *json_milli(int64_t milli) {
    return milli % 1000 == 0 ? json_integer(milli / 1000) : json_real(milli_to_double(milli));
}

static json_t *json_share(int64_t share) {
    double part = (double)share / (double)MESOS_ALLOCATOR_SHARE_ONE;
    return json_real(round(part * 1e6) / 1e6);
}

static json_t *json_amounts(const struct scenario *scenario, const struct quantities *amounts) {
    json_t *object = json_object();
    for (size_t i = 0; i < amounts->count; i++) {
        char *name = text_dup(kinds_name_text(scenario->kinds, amounts->items[i].name));
        json_object_set_new(object, name, json_milli(amounts->items[i].milli));
        mem_free(name);
    }
    return object;
}

static json_t *json_waits(const struct scenario *scenario,
                          const struct simulation_framework *framework) {
    json_t *array = json_array();
    VEC_EACH(wait, &framework->waits) {
        AUTO_FINI(buf_fini) struct buf why = {0};
        json_t *one = json_object();
        simulation_print_why(scenario, &wait->why, &why);
        json_object_set_new(one, "reason", json_text(buf_text(&why)));
        json_object_set_new(one, "agents", json_integer((json_int_t)wait->agents));
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *json_framework(const struct scenario *scenario, size_t index,
                              const struct simulation_framework *framework) {
    const struct scenario_framework *described = &scenario->frameworks.items[index];
    json_t *one = json_object();
    json_object_set_new(one, "name", json_string(described->name));
    json_object_set_new(one, "role", json_text(kinds_role_text(scenario->kinds, described->role)));
    json_object_set_new(one, "running", json_integer((json_int_t)framework->running));
    json_object_set_new(one, "resources", json_amounts(scenario, &framework->held));
    json_object_set_new(one, "dominant_share", json_share(framework->share));
    if (framework->waits.count > 0)
        json_object_set_new(one, "waiting_because", json_waits(scenario, framework));
    return one;
}

static json_t *json_role(const struct scenario *scenario, const struct simulation_role *role) {
    json_t *one = json_object();
    json_object_set_new(one, "name", json_text(kinds_role_text(scenario->kinds, role->role)));
    json_object_set_new(one, "dominant_share", json_share(role->share));
    json_object_set_new(one, "guaranteed_share", json_share(role->guaranteed));
    return one;
}

void simulate_print_json(const struct scenario *scenario, const struct simulation_result *result,
                         FILE *out) {
    AUTO(json_decref) json_t *whole = json_object();
    json_t *frameworks = json_array(), *roles = json_array();
    for (size_t i = 0; i < result->frameworks.count; i++)
        json_array_append_new(frameworks,
                              json_framework(scenario, i, &result->frameworks.items[i]));
    VEC_EACH(role, &result->roles)
        json_array_append_new(roles, json_role(scenario, role));
    json_object_set_new(whole, "frameworks", frameworks);
    json_object_set_new(whole, "roles", roles);
    json_object_set_new(whole, "decisions", json_integer((json_int_t)result->decisions));
    json_dumpf(whole, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    putc('\n', out);
}

static void cell_amounts(const struct scenario *scenario, const struct quantities *amounts,
                         struct table *table) {
    AUTO_FINI(buf_fini) struct buf text = {0};
    for (size_t i = 0; i < amounts->count; i++) {
        buf_printf(&text, "%s%.*s:", i > 0 ? ";" : "",
                   TEXT_ARGS(kinds_name_text(scenario->kinds, amounts->items[i].name)));
        milli_print(amounts->items[i].milli, &text);
    }
    table_cell(table, "%s", text.size > 0 ? buf_string(&text) : "-");
}

static void cell_share(int64_t share, struct table *table) {
    table_cell(table, "%.1f%%", (double)share * 100 / (double)MESOS_ALLOCATOR_SHARE_ONE);
}

static void cell_waits(const struct scenario *scenario,
                       const struct simulation_framework *framework, struct table *table) {
    AUTO_FINI(buf_fini) struct buf text = {0};
    VEC_EACH(wait, &framework->waits) {
        if (text.size > 0)
            buf_append_string(&text, "; ");
        simulation_print_why(scenario, &wait->why, &text);
        buf_printf(&text, " (%llu agent%s)", (unsigned long long)wait->agents,
                   wait->agents == 1 ? "" : "s");
    }
    table_cell(table, "%s", text.size > 0 ? buf_string(&text) : "-");
}

static void print_frameworks(const struct scenario *scenario,
                             const struct simulation_result *result, FILE *out) {
    static const char *const headings[] = {"FRAMEWORK",       "ROLE", "RUNNING", "HOLDS", "SHARE",
                                           "WAITING BECAUSE", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    for (size_t i = 0; i < result->frameworks.count; i++) {
        const struct scenario_framework *described = &scenario->frameworks.items[i];
        const struct simulation_framework *framework = &result->frameworks.items[i];
        table_cell(table, "%s", described->name);
        table_cell(table, "%.*s", TEXT_ARGS(kinds_role_text(scenario->kinds, described->role)));
        table_cell(table, "%llu", (unsigned long long)framework->running);
        cell_amounts(scenario, &framework->held, table);
        cell_share(framework->share, table);
        cell_waits(scenario, framework, table);
    }
    table_print(table, out);
}

static void print_roles(const struct scenario *scenario, const struct simulation_result *result,
                        FILE *out) {
    static const char *const headings[] = {"ROLE", "SHARE", "GUARANTEED", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    VEC_EACH(role, &result->roles) {
        table_cell(table, "%.*s", TEXT_ARGS(kinds_role_text(scenario->kinds, role->role)));
        cell_share(role->share, table);
        cell_share(role->guaranteed, table);
    }
    table_print(table, out);
}

void simulate_print_tables(const struct scenario *scenario, const struct simulation_result *result,
                           FILE *out) {
    print_frameworks(scenario, result, out);
    putc('\n', out);
    print_roles(scenario, result, out);
    fprintf(out, "\n%llu decisions\n", (unsigned long long)result->decisions);
}
