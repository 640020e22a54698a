/*
 * What every command of `mesos` shares: the table of commands, the way to the master, exit codes.
 *
 * A command is one file and one row of the table in main.c. It gets its own words as argv (argv[0]
 * is its name) and returns an exit code.
 */
#pragma once

#include "common/base/error.h"
#include "common/runtime/flags.h"

/* Fixed and documented (docs/cli.md). `run` ends with the task's own code where there is one. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,            /* what was asked for did not work */
    CLI_USAGE = 2,             /* the command line makes no sense */
    CLI_UNREACHABLE = 3,       /* no master answered */
    CLI_NOT_FOUND = 4,         /* there is nothing of that id */
    CLI_AMBIGUOUS = 5,         /* the id's beginning fits more than one */
    CLI_SOME_FAILED = 123,     /* each: a command ended with another code than 0 */
    CLI_TASK_LOST = 125,       /* run: no exit code of the task is known */
    CLI_TASK_CANNOT_RUN = 126, /* run: the command could not be executed */
};

struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

int cli_agent(int argc, char **argv);
int cli_agents(int argc, char **argv);
int cli_dev(int argc, char **argv);
int cli_each(int argc, char **argv);
int cli_framework(int argc, char **argv);
int cli_frameworks(int argc, char **argv);
int cli_kill(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_maintenance(int argc, char **argv);
int cli_offers(int argc, char **argv);
int cli_registry(int argc, char **argv);
int cli_role(int argc, char **argv);
int cli_roles(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_share(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_state(int argc, char **argv);
int cli_task(int argc, char **argv);
int cli_tasks(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_why(int argc, char **argv);

/* What most commands are told. */
struct cli_common {
    char *master;
    bool json;
};

/* Rows for a command's flag table. */
#define CLI_FLAG_MASTER(common)                                                                    \
    {                                                                                              \
        .name = "master", .kind = FLAG_STRING, .string = &(common)->master,                        \
        .preset = "127.0.0.1:5050", .metavar = "HOST:PORT[,...]",                                  \
        .help = "The master; of several, the first that answers; zk://HOST:PORT[,...]/PATH or "    \
                "file://FILE with that in it: the one that leads. Also MESOS_MASTER."              \
    }
#define CLI_FLAG_JSON(common)                                                                      \
    {                                                                                              \
        .name = "json", .kind = FLAG_BOOL, .boolean = &(common)->json,                             \
        .help = "Print JSON, for programs."                                                        \
    }

/* A command that has no flags but --master and --json. */
struct cli_simple {
    const char *name;
    const char *usage; /* NULL: "[flags]" */
    const char *summary;
    size_t words; /* how many arguments it takes, no more and no less */
    int (*body)(const struct cli_common *common, const struct flag_arguments *arguments);
};
int cli_run_simple(const struct cli_simple *command, int argc, char **argv);

/* Parses, answers --help and --version; false: end with *exit_code. */
bool cli_parse(const struct flag_table *table, int argc, char **argv,
               struct flag_arguments *arguments, int *exit_code);

/* One line on stderr, "mesos NAME: ...", and the exit code that goes with the error. */
int cli_fail(const char *name, const struct error *error);
/* The exit code after a write to stdout that failed, errno being why. A reader that has seen enough
 * is no fault; anything else, as a full disk, gets its line. */
int cli_fail_write(const char *name);
