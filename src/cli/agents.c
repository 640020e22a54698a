/*
 * mesos agents: the machines, what they have and what of it is in use.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "common/base/buf.h"

#include <stdlib.h>

static double number(const json_t *agent, const char *which, const char *name) {
    return query_scalar(query_at(agent, which), name);
}

static const char *state_of(const json_t *agent) {
    return json_is_true(query_at(agent, "active")) ? "active" : "disconnected";
}

static void print_table(json_t *agents) {
    static const char *const headings[] = {"ID",   "HOSTNAME", "STATE", "CPUS-USED", "OFFERED",
                                           "CPUS", "MEM-USED", "MEM",   "ADDRESS",   NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index;
    json_t *agent;
    json_array_foreach(agents, index, agent) {
        table_cell(table, "%s", query_string(agent, "agent_info.id.value"));
        table_cell(table, "%s", query_string(agent, "agent_info.hostname"));
        table_cell(table, "%s", state_of(agent));
        table_cell(table, "%.10g", number(agent, "allocated_resources", "cpus"));
        table_cell(table, "%.10g", number(agent, "offered_resources", "cpus"));
        table_cell(table, "%.10g", number(agent, "total_resources", "cpus"));
        table_cell(table, "%.10g", number(agent, "allocated_resources", "mem"));
        table_cell(table, "%.10g", number(agent, "total_resources", "mem"));
        const char *pid = query_string(agent, "pid");
        const char *at = strchr(pid, '@');
        table_cell(table, "%s", at != NULL ? at + 1 : pid);
    }
    table_print(table, stdout);
}

static int list_agents(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    (void)arguments;
    if (!query_get(common->master, "GET_AGENTS", &answer, &error))
        return cli_fail("agents", &error);
    json_t *agents = query_at(answer, "agents");
    if (!common->json)
        print_table(agents);
    else if (agents != NULL)
        query_print(agents);
    else
        printf("[]\n");
    return CLI_OK;
}

int cli_agents(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "agents", .summary = "Lists the agents that are registered.", .body = list_agents};
    return cli_run_simple(&command, argc, argv);
}
