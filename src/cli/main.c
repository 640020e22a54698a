/*
 * mesos: the operator's and the user's command line.
 */
#include "cli/cli.h"

#include "common/base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct cli_command commands[] = {
    {"dev", "a cluster on this machine, until it is stopped", cli_dev},
    {"run", "run one command on the cluster, with its output and exit code", cli_run},
    {"each", "run a command for every line of input, over the cluster", cli_each},
    {"tasks", "list tasks", cli_tasks},
    {"task", "everything about one task", cli_task},
    {"logs", "what a task wrote", cli_logs},
    {"kill", "end a task", cli_kill},
    {"agents", "list agents", cli_agents},
    {"agent", "drain, deactivate, reactivate an agent, or mark it gone", cli_agent},
    {"maintenance", "machines that will be away", cli_maintenance},
    {"framework", "end a framework and all its tasks", cli_framework},
    {"frameworks", "list frameworks", cli_frameworks},
    {"offers", "list the offers that are out", cli_offers},
    {"why", "why a framework, a role or a task waits", cli_why},
    {"share", "how roles and frameworks stand", cli_share},
    {"roles", "list roles with weights and quota", cli_roles},
    {"role", "set a role's weight and quota", cli_role},
    {"registry", "what masters keep: dump, restore, check, move it", cli_registry},
    {"simulate", "who would get what in a cluster that a file describes", cli_simulate},
    {"state", "the master's whole state, as JSON", cli_state},
    {"version", "versions of this program and of the master", cli_version},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out) {
    fprintf(out, "usage: mesos COMMAND [flags]\n\nRuns work on a cluster and shows what happens "
                 "there.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(out,
            "\nmesos COMMAND --help tells the flags of a command. The master is found by --master "
            "or\nMESOS_MASTER, else at 127.0.0.1:5050. Start with: mesos dev\n");
}

static const struct cli_command *find(struct text name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (text_equal(name, text_of(commands[i].name)))
            return &commands[i];
    }
    return NULL;
}

/* A full disk must not pass for success; a reader that has seen enough needs no line about it. */
static int flush_output(const char *name, int exit_code) {
    errno = 0;
    bool is_whole = fflush(stdout) == 0;
    bool is_closed = errno == EPIPE;
    if (is_whole && !ferror(stdout))
        return exit_code;
    if (is_closed)
        return 128 + SIGPIPE;
    fprintf(stderr, "mesos %s: write to stdout: %s\n", name,
            is_whole ? "some of it was lost" : strerror(errno));
    return exit_code != CLI_OK ? exit_code : CLI_FAILED;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    struct text name = text_of(argv[1]);
    if (text_equal(name, TEXT("--help")) || text_equal(name, TEXT("-h")) ||
        text_equal(name, TEXT("help"))) {
        print_help(stdout);
        return CLI_OK;
    }
    if (text_equal(name, TEXT("--version")))
        return cli_version(1, argv + 1);
    const struct cli_command *command = find(name);
    if (command == NULL) {
        bool is_flag = text_starts_with(name, TEXT("--"));
        fprintf(stderr, "mesos: there is no command '%s'; %smesos --help lists them\n", argv[1],
                is_flag ? "flags come behind the command, and " : "");
        return CLI_USAGE;
    }
    return flush_output(argv[1], command->run(argc - 1, argv + 1));
}
