/*
 * mesos version: ours, and the master's when one answers.
 */
#include "cli/cli.h"
#include "cli/query.h"

#include "common/base/mem.h"

static void print(const struct cli_common *common, const char *master_version) {
    if (common->json) {
        AUTO(json_decref) json_t *both = json_object();
        json_object_set_new(both, "client", json_string(MESOS_VERSION));
        json_object_set_new(both, "master",
                            master_version != NULL ? json_string(master_version) : json_null());
        query_print(both);
        return;
    }
    printf("mesos %s\n", MESOS_VERSION);
    if (master_version != NULL)
        printf("master %s\n", master_version);
    if (master_version != NULL)
        return;
    AUTO(mem_free) char *shown = query_shown(common->master);
    printf("master: none answers at %s\n", shown);
}

static int print_versions(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    (void)arguments;
    bool answered = query_get(common->master, "GET_VERSION", &answer, &error);
    print(common, answered ? query_string(answer, "version_info.version") : NULL);
    return CLI_OK;
}

int cli_version(int argc, char **argv) {
    static const struct cli_simple command = {.name = "version",
                                              .summary =
                                                  "Prints this program's version and the master's.",
                                              .body = print_versions};
    return cli_run_simple(&command, argc, argv);
}
