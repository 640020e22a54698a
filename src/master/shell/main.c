/*
 * mesos-master: reads its flags, then is struct daemon.
 */
#include "master/shell/daemon.h"
#include "common/runtime/files.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { OPEN_FILES = 400000 };

static bool fill_in_hostname(struct master_flags *flags, struct error *error) {
    char name[HOST_NAME_MAX + 1] = {0};
    if (flags->hostname != NULL)
        return true;
    if (gethostname(name, sizeof(name) - 1) != 0)
        return fail(error, ERROR_IO, "gethostname: %m");
    flags->hostname = mem_dup_string(name);
    return true;
}

int main(int argc, char **argv) {
    static struct daemon daemon; /* what it holds at the end stays within reach of a leak checker */
    struct flag_table table = master_flag_table(&daemon.flags);
    struct flag_arguments arguments = {0};
    struct error error;
    int exit_code;
    file_limit_raise(OPEN_FILES);
    if (!flags_main(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (!fill_in_hostname(&daemon.flags, &error) ||
        (daemon.log = log_flags_open(&daemon.flags.logging, "mesos-master", &error)) == NULL) {
        fprintf(stderr, "mesos-master: %s\n", error.message);
        exit_code = 1;
    } else {
        VEC_EACH(warning, &arguments.warnings)
            log_warning(daemon.log, "flag_deprecated", KV("flag", *warning));
        exit_code = daemon_run(&daemon);
    }
    log_free(daemon.log);
    flags_fini(&table, &arguments);
    return exit_code;
}
