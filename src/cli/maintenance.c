/*
 * mesos maintenance show|set FILE|start HOST...|stop HOST...: machines that will be away, and when.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/when.h"
#include "common/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SCHEDULE_BYTES_LIMIT = 64 << 20 };

/* --- show --- */

static const char *name_of(const json_t *machine) {
    const char *hostname = query_string(machine, "hostname");
    return hostname[0] != '\0' ? hostname : query_string(machine, "ip");
}

static bool is_same_machine(const json_t *left, const json_t *right) {
    return strcmp(query_string(left, "hostname"), query_string(right, "hostname")) == 0 &&
           strcmp(query_string(left, "ip"), query_string(right, "ip")) == 0;
}

/* How many gave each answer; nothing for machines that nobody uses. */
static void count_answers(const json_t *statuses, struct buf *out) {
    static const char *const names[] = {"ACCEPT", "DECLINE", "UNKNOWN"};
    static const char *const words[] = {"accepted", "declined", "asked"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t index, count = 0;
        json_t *status;
        json_array_foreach((json_t *)(uintptr_t)statuses, index, status) count +=
            strcmp(query_string(status, "status"), names[i]) == 0;
        if (count > 0)
            buf_printf(out, "%s%zu %s", out->size > 0 ? ", " : "", count, words[i]);
    }
    if (out->size == 0)
        buf_append_byte(out, '-');
}

static bool is_down(const json_t *status, const json_t *machine) {
    size_t index;
    json_t *down;
    json_array_foreach(query_at(status, "status.down_machines"), index, down) {
        if (is_same_machine(down, machine))
            return true;
    }
    return false;
}

static const json_t *answers_about(const json_t *status, const json_t *machine) {
    size_t index;
    json_t *draining;
    json_array_foreach(query_at(status, "status.draining_machines"), index, draining) {
        if (is_same_machine(query_at(draining, "id"), machine))
            return query_at(draining, "statuses");
    }
    return NULL;
}

static void print_machine(struct table *table, const json_t *status, const json_t *machine,
                          const json_t *unavailability) {
    AUTO_FINI(buf_fini) struct buf answers = {0};
    const json_t *duration = query_at(unavailability, "duration.nanoseconds");
    char start[WHEN_SIZE], span[WHEN_SIZE] = "without end";
    const char *ip = query_string(machine, "ip");
    when_print(json_integer_value(query_at(unavailability, "start.nanoseconds")), start);
    if (duration != NULL)
        when_print_span(json_integer_value(duration), span);
    count_answers(answers_about(status, machine), &answers);
    table_cell(table, "%s", name_of(machine));
    table_cell(table, "%s", ip[0] != '\0' ? ip : "-");
    table_cell(table, "%s", is_down(status, machine) ? "down" : "scheduled");
    table_cell(table, "%s", start);
    table_cell(table, "%s", span);
    table_cell(table, "%s", buf_string(&answers));
}

static void print_schedule(const json_t *schedule, const json_t *status) {
    static const char *const headings[] = {"MACHINE", "IP",         "STATE", "FROM",
                                           "FOR",     "FRAMEWORKS", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index, place;
    json_t *window, *machine;
    json_array_foreach(query_at(schedule, "schedule.windows"), index, window) {
        json_array_foreach(query_at(window, "machine_ids"), place, machine)
            print_machine(table, status, machine, query_at(window, "unavailability"));
    }
    table_print(table, stdout);
}

static int show(const struct cli_common *common) {
    AUTO(json_decref) json_t *schedule = NULL, *status = NULL;
    struct error error;
    if (!query_get(common->master, "GET_MAINTENANCE_SCHEDULE", &schedule, &error) ||
        !query_get(common->master, "GET_MAINTENANCE_STATUS", &status, &error))
        return cli_fail("maintenance", &error);
    if (common->json) {
        AUTO(json_decref)
        json_t *both = json_pack("{s:O*,s:O*}", "schedule", query_at(schedule, "schedule"),
                                 "status", query_at(status, "status"));
        query_print(both);
    } else {
        print_schedule(schedule, status);
    }
    return CLI_OK;
}

/* --- set --- */

static json_t *read_schedule(const char *path, struct error *error) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    char block[8192];
    size_t got;
    if (file == NULL) {
        fail(error, ERROR_INVALID, "open %s: %s", path, strerror(errno));
        return NULL;
    }
    while (bytes.size <= SCHEDULE_BYTES_LIMIT && (got = fread(block, 1, sizeof(block), file)) > 0)
        buf_append(&bytes, block, got);
    bool is_whole = ferror(file) == 0 && bytes.size <= SCHEDULE_BYTES_LIMIT;
    if (file != stdin)
        fclose(file);
    if (!is_whole) {
        fail(error, ERROR_INVALID, "%s cannot be read, or is larger than 64 MB", path);
        return NULL;
    }
    json_error_t where;
    json_t *schedule = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(schedule)) {
        json_decref(schedule);
        fail(error, ERROR_INVALID, "%s, line %d: %s", path, where.line,
             where.text[0] != '\0' ? where.text : "an object with \"windows\" is wanted");
        return NULL;
    }
    return schedule;
}

/* The first of the fields on the way to `path` that is not there. */
static bool check_field(const json_t *window, size_t index, const char *path, struct error *error) {
    for (const char *end = path; *end != '\0';) {
        char part[64];
        end = strchrnul(*end == '.' ? end + 1 : end, '.');
        snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
        if (query_at(window, part) == NULL)
            return fail(error, ERROR_INVALID, "windows[%zu].%s is missing", index, part);
    }
    return true;
}

/* The master refuses these too, and cannot say where they are; a typo in the first name would be an
 * empty schedule to it. The rest is its to check. */
static bool check_schedule(const json_t *schedule, struct error *error) {
    const json_t *windows = json_object_get(schedule, "windows");
    size_t index;
    json_t *window;
    if (!json_is_array(windows))
        return fail(error, ERROR_INVALID,
                    "windows is missing, or no array; an empty one empties the schedule");
    json_array_foreach(windows, index, window) {
        if (!check_field(window, index, "machine_ids", error) ||
            !check_field(window, index, "unavailability.start.nanoseconds", error))
            return false;
    }
    return true;
}

static int set(const struct cli_common *common, const char *path) {
    struct error error;
    json_t *schedule = read_schedule(path, &error);
    if (schedule == NULL)
        return cli_fail("maintenance", &error);
    if (!check_schedule(schedule, &error)) {
        json_decref(schedule);
        fail_context(&error, "%s", path);
        return cli_fail("maintenance", &error);
    }
    size_t windows = json_array_size(json_object_get(schedule, "windows"));
    json_t *fields = json_pack("{s:{s:o}}", "update_maintenance_schedule", "schedule", schedule);
    if (!query_repeat(common->master, "UPDATE_MAINTENANCE_SCHEDULE", fields, NULL, &error)) {
        if (error.code == ERROR_INVALID)
            fail_context(&error, "%s", path);
        return cli_fail("maintenance", &error);
    }
    if (common->json)
        printf("{}\n");
    else
        printf("the schedule has %zu window%s; mesos maintenance show shows it\n", windows,
               windows == 1 ? "" : "s");
    return CLI_OK;
}

/* --- start, stop --- */

/* The machine of the schedule that is meant, by hostname or ip; NULL: none. Borrowed. */
static json_t *find_machine(const json_t *schedule, const char *name) {
    size_t index, place;
    json_t *window, *machine;
    json_array_foreach(query_at(schedule, "schedule.windows"), index, window) {
        json_array_foreach(query_at(window, "machine_ids"), place, machine) {
            if (strcasecmp(query_string(machine, "hostname"), name) == 0 ||
                strcmp(query_string(machine, "ip"), name) == 0)
                return machine;
        }
    }
    return NULL;
}

static bool change(const struct cli_common *common, bool is_start,
                   const struct flag_arguments *arguments, struct error *error) {
    AUTO(json_decref) json_t *schedule = NULL, *machines = json_array();
    if (!query_get(common->master, "GET_MAINTENANCE_SCHEDULE", &schedule, error))
        return false;
    for (size_t i = 1; i < arguments->words.count; i++) {
        json_t *machine = find_machine(schedule, arguments->words.items[i]);
        if (machine == NULL)
            return fail(error, ERROR_NOT_FOUND, "there is no machine '%s' in the schedule",
                        arguments->words.items[i]);
        json_array_append(machines, machine);
    }
    return query_call(common->master, is_start ? "START_MAINTENANCE" : "STOP_MAINTENANCE",
                      json_pack("{s:{s:O}}", is_start ? "start_maintenance" : "stop_maintenance",
                                "machines", machines),
                      NULL, error);
}

static int start_or_stop(const struct cli_common *common, bool is_start,
                         const struct flag_arguments *arguments) {
    struct error error;
    if (!change(common, is_start, arguments, &error))
        return cli_fail("maintenance", &error);
    if (common->json) {
        printf("{}\n");
        return CLI_OK;
    }
    for (size_t i = 1; i < arguments->words.count; i++)
        printf("%s is %s\n", arguments->words.items[i],
               is_start ? "down: its agents end their tasks and are removed"
                        : "up, and no longer in the schedule");
    return CLI_OK;
}

static int run(const struct cli_common *common, const struct flag_arguments *arguments) {
    size_t count = arguments->words.count;
    const char *verb = count > 0 ? arguments->words.items[0] : "";
    if (strcmp(verb, "show") == 0 && count == 1)
        return show(common);
    if (strcmp(verb, "set") == 0 && count == 2)
        return set(common, arguments->words.items[1]);
    bool is_start = strcmp(verb, "start") == 0;
    if ((is_start || strcmp(verb, "stop") == 0) && count >= 2)
        return start_or_stop(common, is_start, arguments);
    fprintf(stderr, "mesos maintenance: show, set FILE, start HOST... or stop HOST... is wanted\n");
    return CLI_USAGE;
}

int cli_maintenance(int argc, char **argv) {
    struct cli_common common = {0};
    const struct flag flags[] = {CLI_FLAG_MASTER(&common), CLI_FLAG_JSON(&common)};
    struct flag_table table = {
        .program = "mesos maintenance",
        .usage = "show|set FILE|start HOST...|stop HOST... [flags]",
        .summary = "Machines that will be away. set replaces the whole schedule by that of a file "
                   "(- for stdin); start takes machines of it down, stop brings them up.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    exit_code = run(&common, &arguments);
    flags_fini(&table, &arguments);
    return exit_code;
}
