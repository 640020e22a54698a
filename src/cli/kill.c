/*
 * mesos kill ID: asks the master to end a task: SIGTERM, and SIGKILL when its grace is over.
 */
#include "cli/cli.h"
#include "cli/task_list.h"

#include <stdio.h>

static json_t *id_object(const json_t *task, const char *path) {
    return json_pack("{s:s}", "value", query_string(task, path));
}

static int kill_task(const struct cli_common *common, const char *id, int64_t grace_ms,
                     struct error *error) {
    AUTO(json_decref) json_t *tasks = NULL;
    json_t *task;
    if (!task_list_get(common->master, TASK_LIST_ACTIVE | TASK_LIST_UNREACHABLE, &tasks, error) ||
        !query_by_prefix(tasks, "task_id.value", id, "running task", &task, error))
        return cli_fail("kill", error);
    json_t *kill = json_pack("{s:o,s:o}", "framework_id", id_object(task, "framework_id.value"),
                             "task_id", id_object(task, "task_id.value"));
    if (grace_ms >= 0)
        json_object_set_new(
            kill, "kill_policy",
            json_pack("{s:{s:I}}", "grace_period", "nanoseconds", (json_int_t)grace_ms * 1000000));
    if (!query_call(common->master, "KILL_TASK", json_pack("{s:o}", "kill_task", kill), NULL,
                    error))
        return cli_fail("kill", error);
    if (common->json)
        query_print(task);
    else
        printf("%s is being killed\n", query_string(task, "task_id.value"));
    return CLI_OK;
}

int cli_kill(int argc, char **argv) {
    struct cli_common common = {0};
    int64_t grace_ms = -1;
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&common),
        CLI_FLAG_JSON(&common),
        {.name = "grace",
         .kind = FLAG_DURATION,
         .duration_ms = &grace_ms,
         .help = "Between SIGTERM and SIGKILL; what the task itself says when not given."},
    };
    struct flag_table table = {.program = "mesos kill",
                               .usage = "ID [flags]",
                               .summary = "Ends a task. The beginning of its id is enough.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = true};
    struct flag_arguments arguments = {0};
    struct error error;
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count == 1) {
        exit_code = kill_task(&common, arguments.words.items[0], grace_ms, &error);
    } else {
        fprintf(stderr, "mesos kill: one task id is wanted\n");
        exit_code = CLI_USAGE;
    }
    flags_fini(&table, &arguments);
    return exit_code;
}
