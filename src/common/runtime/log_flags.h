/*
 * The logging flags of a daemon: where its log goes, and from which level.
 */
#pragma once

#include "common/runtime/flags.h"
#include "common/runtime/log.h"

struct log_flags {
    char *log;           /* "stderr" or "journal" */
    char *logging_level; /* as log_level_parse has it */
};

enum { LOG_FLAGS_COUNT = 2 };

/* Writes the rows of --log and --logging_level, which point into *flags. */
void log_flags_rows(struct log_flags *flags, struct flag rows[LOG_FLAGS_COUNT]);

/* The log that the flags ask for; NULL when there is no journal. */
struct log *log_flags_open(const struct log_flags *flags, const char *identifier,
                           struct error *error);
