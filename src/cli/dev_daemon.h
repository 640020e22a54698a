/*
 * One daemon of `mesos dev`: started, and started again when it dies.
 */
#pragma once

#include "common/base/error.h"

#include <stdbool.h>
#include <stdio.h>

enum { DEV_DEATHS_LIMIT = 3, DEV_DEATHS_WINDOW_MS = 10000, DEV_TAIL_BYTES = 4096 };

struct dev_daemon;
struct loop;

struct dev_daemon_options {
    struct loop *loop;
    const char *program;          /* looked for beside the running program, in ../sbin, in PATH */
    const char *name;             /* NAME.log is its log */
    const char *const *arguments; /* without argv[0], NULL-terminated; copied */
    const char *directory;
    /* It will not be started again: it died too often (of itself, not by SIGKILL), or was told to
     * stop. */
    void (*on_over)(void *self, struct dev_daemon *daemon);
    void *self;
};

struct dev_daemon *dev_daemon_start(const struct dev_daemon_options *options, struct error *error);
void dev_daemon_free(struct dev_daemon *daemon); /* kills it when it still runs */

void dev_daemon_stop(struct dev_daemon *daemon, int signal_number); /* on_over follows if it runs */
bool dev_daemon_is_running(const struct dev_daemon *daemon);
const char *dev_daemon_name(const struct dev_daemon *daemon);
void dev_daemon_print_tail(const struct dev_daemon *daemon, FILE *out);
