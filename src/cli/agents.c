/*
 * mesos agents: the machines, what they have and what of it is in use.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "common/base/buf.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 9 };

static double number(const json_t *agent, const char *which, const char *name) {
    return query_scalar(query_at(agent, which), name);
}

/* "draining", "drained", "deactivated"; "" for what is in use. */
static const char *drain_word(const json_t *agent) {
    const char *state = query_string(agent, "drain_info.state");
    if (strcmp(state, "DRAINING") == 0)
        return "draining";
    if (strcmp(state, "DRAINED") == 0)
        return "drained";
    return json_is_true(query_at(agent, "deactivated")) ? "deactivated" : "";
}

static const char *state_of(const json_t *agent) {
    const char *word = drain_word(agent);
    if (word[0] != '\0')
        return word;
    return json_is_true(query_at(agent, "active")) ? "active" : "disconnected";
}

/* Of one that is not there only its name is known. */
static void print_absent(struct table *table, const char *id, const char *hostname,
                         const char *state, const char *word) {
    table_cell(table, "%s", id);
    table_cell(table, "%s", hostname[0] != '\0' ? hostname : "-");
    table_cell(table, word[0] != '\0' ? "%s, %s" : "%s", state, word);
    for (int column = 3; column < COLUMNS; column++)
        table_cell(table, "-");
}

static void print_all_absent(struct table *table, const json_t *answer) {
    size_t index;
    json_t *agent;
    json_array_foreach(query_at(answer, "recovered_agents"), index, agent) print_absent(
        table, query_string(agent, "id.value"), query_string(agent, "hostname"), "awaited", "");
    json_array_foreach(query_at(answer, "unreachable_agents"), index, agent)
        print_absent(table, query_string(agent, "agent_id.value"), query_string(agent, "hostname"),
                     "unreachable", drain_word(agent));
}

static void print_table(const json_t *answer) {
    json_t *agents = query_at(answer, "agents");
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
    print_all_absent(table, answer);
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
        print_table(answer);
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
