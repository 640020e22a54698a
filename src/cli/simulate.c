/*
 * mesos simulate SCENARIO.json: what the allocator would give to whom, without a cluster.
 */
#include "allocator/simulate/simulation.h"
#include "cli/cli.h"
#include "cli/simulate_print.h"
#include "cli/simulate_read.h"
#include "common/runtime/files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 << 10 };

static bool read_fd(int fd, struct buf *out, struct error *error) {
    for (;;) {
        buf_reserve(out, CHUNK_BYTES);
        ssize_t got = read(fd, out->data + out->size, CHUNK_BYTES);
        if (got < 0)
            return fail(error, ERROR_INVALID, "read it: %m");
        if (got == 0)
            return true;
        out->size += (size_t)got;
        if (out->size > SIMULATE_BYTES_LIMIT)
            return fail(error, ERROR_INVALID, "more than %d bytes", SIMULATE_BYTES_LIMIT);
    }
}

/* "-" is stdin. */
static bool read_all(const char *path, struct buf *out, struct error *error) {
    bool is_stdin = strcmp(path, "-") == 0;
    AUTO_FD int own = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!is_stdin && own < 0)
        return fail(error, ERROR_INVALID, "open it: %m");
    return read_fd(is_stdin ? STDIN_FILENO : own, out, error);
}

static int refuse(const char *path, const struct error *error) {
    fprintf(stderr, "mesos simulate: %s: %s\n", strcmp(path, "-") == 0 ? "stdin" : path,
            error->message);
    return CLI_USAGE;
}

static int simulate(const char *path, bool as_json) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    AUTO_FINI(scenario_fini) struct scenario scenario = {0};
    AUTO_FINI(simulation_result_fini) struct simulation_result result = {0};
    AUTO(simulation_free) struct simulation *simulation = NULL;
    struct error error;
    if (!read_all(path, &bytes, &error) || !simulate_read(buf_text(&bytes), &scenario, &error))
        return refuse(path, &error);
    simulation = simulation_new(&scenario);
    if (!simulation_run(simulation, &error))
        return refuse(path, &error);
    simulation_result(simulation, &result);
    if (as_json)
        simulate_print_json(&scenario, &result, stdout);
    else
        simulate_print_tables(&scenario, &result, stdout);
    return CLI_OK;
}

int cli_simulate(int argc, char **argv) {
    struct cli_common common = {0};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_USAGE;
    const struct flag flags[] = {CLI_FLAG_JSON(&common)};
    struct flag_table table = {
        .program = "mesos simulate",
        .usage = "[--json] SCENARIO.json",
        .summary = "Tells who would get what in a cluster that the file describes (\"-\": stdin), "
                   "with the master's own allocator and no cluster. docs/simulate.md has the form.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true};
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count == 1)
        exit_code = simulate(arguments.words.items[0], common.json);
    else
        fprintf(stderr,
                "mesos simulate: one scenario is wanted, %zu given; see mesos simulate "
                "--help\n",
                arguments.words.count);
    flags_fini(&table, &arguments);
    return exit_code;
}
