/*
 * mesos-agent: reads its flags, then is struct daemon.
 */
#include "agent/shell/daemon.h"
#include "agent/shell/detect.h"
#include "common/runtime/files.h"

#include <stdio.h>

enum { OPEN_FILES = 100000 };

int main(int argc, char **argv) {
    struct daemon daemon = {0};
    struct flag_table table = agent_flag_table(&daemon.flags);
    struct flag_arguments arguments = {0};
    struct error error;
    int exit_code;
    file_limit_raise(OPEN_FILES);
    if (!flags_main(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (!detect_defaults(&daemon.flags, &error) ||
        (daemon.log = log_flags_open(&daemon.flags.logging, "mesos-agent", &error)) == NULL) {
        fprintf(stderr, "mesos-agent: %s\n", error.message);
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
