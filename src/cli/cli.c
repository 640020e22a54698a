#include "cli/cli.h"

#include "common/base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool cli_parse(const struct flag_table *table, int argc, char **argv,
               struct flag_arguments *arguments, int *exit_code) {
    struct error error;
    AUTO_FINI(buf_fini) struct buf shown = {0};
    switch (flags_parse(table, argc - 1, argv + 1, environ, arguments, &error)) {
    case FLAGS_RUN: return true;
    case FLAGS_HELP:
        flags_print_help(table, flags_terminal_width(STDOUT_FILENO), &shown);
        fputs(buf_string(&shown), stdout);
        *exit_code = CLI_OK;
        break;
    case FLAGS_VERSION:
        flags_print_version(table, &shown);
        fputs(buf_string(&shown), stdout);
        *exit_code = CLI_OK;
        break;
    case FLAGS_WRONG:
        fprintf(stderr, "%s: %s\n", table->program, error.message);
        *exit_code = CLI_USAGE;
        break;
    }
    flags_fini(table, arguments);
    return false;
}

int cli_run_simple(const struct cli_simple *command, int argc, char **argv) {
    struct cli_common common = {0};
    struct flag_arguments arguments = {0};
    char program[64];
    int exit_code = CLI_OK;
    snprintf(program, sizeof(program), "mesos %s", command->name);
    const struct flag flags[] = {CLI_FLAG_MASTER(&common), CLI_FLAG_JSON(&common)};
    struct flag_table table = {.program = program,
                               .usage = command->usage,
                               .summary = command->summary,
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = command->words > 0};
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count == command->words) {
        exit_code = command->body(&common, &arguments);
    } else {
        fprintf(stderr, "%s: %zu argument%s wanted, %zu given; see %s --help\n", program,
                command->words, command->words == 1 ? " is" : "s are", arguments.words.count,
                program);
        exit_code = CLI_USAGE;
    }
    flags_fini(&table, &arguments);
    return exit_code;
}

int cli_fail(const char *name, const struct error *error) {
    fprintf(stderr, "mesos %s: %s\n", name, error->message);
    switch (error->code) {
    case ERROR_INVALID: return CLI_USAGE;
    case ERROR_IO:
    case ERROR_CLOSED:
    case ERROR_TIMEOUT: return CLI_UNREACHABLE;
    case ERROR_NOT_FOUND: return CLI_NOT_FOUND;
    case ERROR_EXISTS: return CLI_AMBIGUOUS;
    case ERROR_NONE:
    case ERROR_LIMIT:
    case ERROR_REFUSED:
    case ERROR_UNSUPPORTED: break;
    }
    return CLI_FAILED;
}

int cli_fail_write(const char *name) {
    if (errno == EPIPE)
        return 128 + SIGPIPE;
    fprintf(stderr, "mesos %s: write the output: %s\n", name, strerror(errno));
    return CLI_FAILED;
}
