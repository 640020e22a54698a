/*
 * mesos state: everything the master knows, for programs and for the curious.
 */
#include "cli/cli.h"
#include "cli/query.h"

static int print_state(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    (void)arguments;
    if (!query_get(common->master, "GET_STATE", &answer, &error))
        return cli_fail("state", &error);
    query_print(answer);
    return CLI_OK;
}

int cli_state(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "state",
        .summary = "Prints the master's whole state, which is JSON in any case.",
        .body = print_state};
    return cli_run_simple(&command, argc, argv);
}
