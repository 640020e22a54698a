/*
 * mesos frameworks: who runs tasks here, and who did.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/when.h"
#include "common/base/buf.h"

static const char *state_of(const json_t *framework, bool completed) {
    if (completed)
        return "completed";
    if (json_is_true(query_at(framework, "recovered")))
        return "recovered";
    if (!json_is_true(query_at(framework, "connected")))
        return "disconnected";
    return json_is_true(query_at(framework, "active")) ? "active" : "inactive";
}

static void print_roles(const json_t *framework, struct buf *out) {
    json_t *roles = query_at(framework, "framework_info.roles");
    size_t index;
    json_t *role;
    json_array_foreach(roles, index, role)
        buf_printf(out, "%s%s", index > 0 ? "," : "", json_string_value(role));
    if (out->size == 0)
        buf_append_string(out, query_string(framework, "framework_info.role"));
    if (out->size == 0)
        buf_append_byte(out, '*'); /* who names none is in that one */
}

static void print_rows(struct table *table, json_t *frameworks, bool completed) {
    size_t index;
    json_t *framework;
    json_array_foreach(frameworks, index, framework) {
        AUTO_FINI(buf_fini) struct buf roles = {0}, used = {0};
        char since[WHEN_SIZE];
        print_roles(framework, &roles);
        query_resources(query_at(framework, "allocated_resources"), &used);
        when_print(json_integer_value(query_at(framework, "registered_time.nanoseconds")), since);
        table_cell(table, "%s", query_string(framework, "framework_info.id.value"));
        table_cell(table, "%s", query_string(framework, "framework_info.name"));
        table_cell(table, "%s", query_string(framework, "framework_info.user"));
        table_cell(table, "%s", buf_string(&roles));
        table_cell(table, "%s", state_of(framework, completed));
        table_cell(table, "%s", since);
        table_cell(table, "%s", used.size > 0 ? buf_string(&used) : "-");
    }
}

static void print_table(const json_t *answer) {
    static const char *const headings[] = {"ID",    "NAME",  "USER", "ROLES",
                                           "STATE", "SINCE", "USES", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    print_rows(table, query_at(answer, "frameworks"), false);
    print_rows(table, query_at(answer, "completed_frameworks"), true);
    table_print(table, stdout);
}

static int list_frameworks(const struct cli_common *common,
                           const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    (void)arguments;
    if (!query_get(common->master, "GET_FRAMEWORKS", &answer, &error))
        return cli_fail("frameworks", &error);
    if (common->json)
        query_print(answer);
    else
        print_table(answer);
    return CLI_OK;
}

int cli_frameworks(int argc, char **argv) {
    static const struct cli_simple command = {.name = "frameworks",
                                              .summary =
                                                  "Lists frameworks, those that have ended last.",
                                              .body = list_frameworks};
    return cli_run_simple(&command, argc, argv);
}
