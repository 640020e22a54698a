/*
 * Helper children: programs that a daemon or the CLI starts beside itself (not containers). Watched
 * through a pidfd, so that no signal handler and no other child can get in the way.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct child;

enum child_stream { CHILD_NULL, CHILD_INHERIT, CHILD_PIPE, CHILD_FD };

struct child_options {
    const char *const
        *argv; /* NULL-terminated; argv[0] with a slash is a path, else looked for in PATH */
    const char *const *environment; /* NULL: ours */
    const char *directory;          /* NULL: ours */
    enum child_stream input, output, errors;
    int output_fd, errors_fd; /* for CHILD_FD; stay the caller's */
    bool own_group;           /* a process group of its own: the terminal's ^C does not reach it */
    bool dies_with_us;        /* gets SIGKILL when the thread that started it ends */
};

struct child_exit {
    bool was_signalled;
    int code; /* exit code, or signal number */
};

/* Nothing but its stdio is inherited; signals are as after boot. A program that cannot be run is an
 * error here, not an exit code. on_exit is called once, out of the loop; it may free the child. */
struct child *child_start(struct loop *loop, const struct child_options *options,
                          void (*on_exit)(void *self, struct child_exit exit), void *self,
                          struct error *error);
/* A child that still runs is killed with SIGKILL (its group too, if it has one) and reaped. */
void child_free(struct child *child);
DEFINE_AUTO(struct child, child_free)

pid_t child_pid(const struct child *child);
bool child_signal(struct child *child, int signal_number, struct error *error); /* to it alone */
/* For CHILD_PIPE: our ends, non-blocking, the caller's from now on; -1 when there is none or it was
 * taken. */
int child_take_input(struct child *child);
int child_take_output(struct child *child);
int child_take_errors(struct child *child);

/* Starts, feeds nothing, gathers stdout and stderr (at most limit_bytes each) and waits: for tests
 * and tools. */
struct buf;
bool child_call(const struct child_options *options, int64_t timeout_ms, size_t limit_bytes,
                struct child_exit *exit, struct buf *output, struct buf *errors,
                struct error *error);
