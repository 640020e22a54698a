/*
 * mesos tasks: what runs, and with --all what ran.
 */
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/task_list.h"
#include "cli/when.h"
#include "common/base/buf.h"

static void print_row(struct table *table, const json_t *task) {
    AUTO_FINI(buf_fini) struct buf resources = {0};
    char since[WHEN_SIZE], span[WHEN_SIZE];
    query_resources(query_at(task, "resources"), &resources);
    when_print(task_status_time_ns(task, NULL), since);
    when_print_span(task_run_time_ns(task), span);
    const char *state = query_string(task, "state");
    table_cell(table, "%s", query_string(task, "task_id.value"));
    table_cell(table, "%s", query_string(task, "name"));
    table_cell(table, "%s", strncmp(state, "TASK_", 5) == 0 ? state + 5 : state);
    table_cell(table, "%s", since);
    table_cell(table, "%s", span);
    table_cell(table, "%s", buf_string(&resources));
    table_cell(table, "%s", query_string(task, "agent_id.value"));
    table_cell(table, "%s", task_why(task));
}

static void print_table(json_t *tasks) {
    static const char *const headings[] = {"ID",        "NAME",  "STATE", "SINCE", "RAN",
                                           "RESOURCES", "AGENT", "WHY",   NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index;
    json_t *task;
    json_array_foreach(tasks, index, task) print_row(table, task);
    table_print(table, stdout);
}

int cli_tasks(int argc, char **argv) {
    struct cli_common common = {0};
    bool all = false;
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&common),
        CLI_FLAG_JSON(&common),
        {.name = "all",
         .kind = FLAG_BOOL,
         .boolean = &all,
         .letter = 'a',
         .help = "Also those that have ended, as far as the master remembers them."},
    };
    struct flag_table table = {.program = "mesos tasks",
                               .summary = "Lists the tasks that run or wait to run.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0])};
    struct flag_arguments arguments = {0};
    struct error error;
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    json_t *tasks = NULL;
    unsigned parts = all ? TASK_LIST_ALL : TASK_LIST_ACTIVE | TASK_LIST_UNREACHABLE;
    if (!task_list_get(common.master, parts, &tasks, &error))
        exit_code = cli_fail("tasks", &error);
    else if (common.json)
        query_print(tasks);
    else
        print_table(tasks);
    json_decref(tasks);
    flags_fini(&table, &arguments);
    return exit_code;
}
