/*
 * mesos framework teardown ID|NAME: ends a framework and all its tasks.
 */
#include "cli/cli.h"
#include "cli/query.h"

#include <stdio.h>
#include <string.h>

static void collect(const json_t *list, json_t *out) {
    size_t index;
    json_t *framework;
    json_array_foreach((json_t *)(uintptr_t)list, index, framework)
        json_array_append(out, query_at(framework, "framework_info"));
}

/* By name, else by id or the beginning of one. */
static bool find(json_t *all, const char *name, json_t **out, struct error *error) {
    size_t index, matches = 0;
    json_t *info;
    json_array_foreach(all, index, info) {
        if (strcmp(query_string(info, "name"), name) != 0)
            continue;
        *out = info;
        matches++;
    }
    if (matches > 1)
        return fail(error, ERROR_EXISTS,
                    "%zu frameworks are called %s; give the beginning of an id", matches, name);
    return matches == 1 || query_by_prefix(all, "id.value", name, "framework", out, error);
}

static bool tear_down(const struct cli_common *common, const char *name, struct error *error) {
    AUTO(json_decref) json_t *answer = NULL, *all = json_array();
    json_t *info;
    if (!query_get(common->master, "GET_FRAMEWORKS", &answer, error))
        return false;
    collect(query_at(answer, "frameworks"), all);
    if (!find(all, name, &info, error) ||
        !query_call(common->master, "TEARDOWN",
                    json_pack("{s:{s:O}}", "teardown", "framework_id", query_at(info, "id")), NULL,
                    error))
        return false;
    if (common->json)
        query_print(info);
    else
        printf("%s (%s) is torn down: its tasks are ended and it never comes back\n",
               query_string(info, "id.value"), query_string(info, "name"));
    return true;
}

static int run(const struct cli_common *common, const struct flag_arguments *arguments) {
    struct error error;
    if (strcmp(arguments->words.items[0], "teardown") != 0) {
        fprintf(stderr, "mesos framework: teardown is wanted, and one framework: "
                        "mesos framework teardown NAME\n");
        return CLI_USAGE;
    }
    return tear_down(common, arguments->words.items[1], &error) ? CLI_OK
                                                                : cli_fail("framework", &error);
}

int cli_framework(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "framework",
        .usage = "teardown NAME [flags]",
        .summary = "Ends a framework and all its tasks, whether it is connected or not. NAME is "
                   "its name, its id or the beginning of its id.",
        .words = 2,
        .body = run};
    return cli_run_simple(&command, argc, argv);
}
