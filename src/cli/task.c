/*
 * mesos task ID: everything about one task: what it is, where it is, its history, and how it ended.
 */
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/task_list.h"
#include "cli/when.h"
#include "common/base/buf.h"

#include <string.h>
#include <strings.h>

static void print_line(const char *name, const char *value) {
    if (value[0] != '\0')
        print_clean(stdout, "%-12s %s\n", name, value);
}

static void print_bytes(uint64_t bytes, char out[WHEN_SIZE]) {
    if (bytes >= 10u << 20)
        snprintf(out, WHEN_SIZE, "%llu MB", (unsigned long long)(bytes >> 20));
    else
        snprintf(out, WHEN_SIZE, "%llu KB", (unsigned long long)(bytes >> 10));
}

static void print_history(const json_t *task) {
    size_t index;
    json_t *status;
    printf("history\n");
    if (task_last_status(task) == NULL)
        printf("  -\n");
    json_array_foreach(query_at(task, "statuses"), index, status) {
        char when[WHEN_SIZE];
        when_print((int64_t)(json_number_value(query_at(status, "timestamp")) * 1e9), when);
        const char *reason = query_string(status, "reason");
        const char *message = query_string(status, "message");
        print_clean(stdout, "  %s  %-16s %s%s%s\n", when,
                    query_string(status, "state") + strlen("TASK_"), message,
                    message[0] != '\0' && reason[0] != '\0' ? "  " : "", reason);
    }
}

/* How it died, from the record that its agent attached to the last status. */
static void print_death(const json_t *task) {
    const json_t *death = query_at(task_last_status(task), "termination");
    char shown[WHEN_SIZE];
    if (death == NULL)
        return;
    printf("end\n");
    json_t *signal = query_at(death, "signal");
    if (signal != NULL)
        printf("  %-16s %s%s\n", "signal", strsignal((int)json_integer_value(signal)),
               json_is_true(query_at(death, "core_dumped")) ? " (core dumped)" : "");
    else if (query_at(death, "exit_code") != NULL)
        printf("  %-16s %d\n", "exit code", (int)json_integer_value(query_at(death, "exit_code")));
    if (json_is_true(query_at(death, "oom")))
        printf("  %-16s yes: it wanted more memory than its limit\n", "out of memory");
    uint64_t peak = (uint64_t)json_integer_value(query_at(death, "peak_memory_bytes"));
    print_bytes(peak, shown);
    if (peak > 0)
        printf("  %-16s %s\n", "peak memory", shown);
    when_print_span(json_integer_value(query_at(death, "cpu_time_ns")), shown);
    printf("  %-16s %s\n", "cpu time", shown);
    when_print_span(json_integer_value(query_at(death, "wall_time_ns")), shown);
    printf("  %-16s %s\n", "wall time", shown);
    if (query_string(death, "killed_by")[0] != '\0')
        print_clean(stdout, "  %-16s %s\n", "killed by", query_string(death, "killed_by"));
    if (query_string(death, "stderr_tail")[0] != '\0')
        printf("last words on stderr\n%s\n", query_string(death, "stderr_tail"));
}

static void print_task(const json_t *task) {
    AUTO_FINI(buf_fini) struct buf resources = {0};
    char span[WHEN_SIZE];
    query_resources(query_at(task, "resources"), &resources);
    when_print_span(task_run_time_ns(task), span);
    print_line("task", query_string(task, "task_id.value"));
    print_line("name", query_string(task, "name"));
    print_line("state", query_string(task, "state"));
    print_line("why", task_why(task));
    print_line("ran", span);
    print_line("resources", buf_string(&resources));
    print_line("framework", query_string(task, "framework_id.value"));
    print_line("agent", query_string(task, "agent_id.value"));
    print_line("executor", query_string(task, "executor_id.value"));
    print_history(task);
    print_death(task);
}

static int show_task(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *tasks = NULL;
    json_t *task;
    struct error error;
    if (!task_list_get(common->master, TASK_LIST_ALL, &tasks, &error) ||
        !query_by_prefix(tasks, "task_id.value", arguments->words.items[0], "task", &task, &error))
        return cli_fail("task", &error);
    if (common->json)
        query_print(task);
    else
        print_task(task);
    return CLI_OK;
}

int cli_task(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "task",
        .usage = "ID",
        .summary =
            "Prints everything about one task: its history and how it ended. The beginning of "
            "its id is enough.",
        .words = 1,
        .body = show_task};
    return cli_run_simple(&command, argc, argv);
}
