/*
 * mesos-agent: reads its flags, then is struct daemon.
 */
#include "agent/shell/daemon.h"
#include "agent/shell/detect.h"
#include "common/runtime/files.h"

#include <stdio.h>

enum { OPEN_FILES = 100000 };

static struct log *open_log(const struct agent_flags *flags, struct error *error) {
    enum log_level level = LOG_LEVEL_INFO;
    log_level_parse(text_of(flags->logging_level), &level);
    if (text_equal(text_of(flags->log), TEXT("journal")))
        return log_new_journal("mesos-agent", level, error);
    return log_new_stderr(level);
}

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
        (daemon.log = open_log(&daemon.flags, &error)) == NULL) {
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
