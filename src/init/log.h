/*
 * One stream of the task's output, from a pipe into a file of the sandbox that never grows beyond
 * half the cap: then it becomes NAME.1, in place of the one before, and a new file begins. So the
 * file NAME starts at logical offset rotations * half. What cannot be written (a full disk) is read
 * all the same, and counted: a task never hangs on its own output.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct log {
    int pipe;          /* non-blocking; -1 at the end */
    int file;          /* -1 when it could not be opened */
    int directory;     /* borrowed */
    const char *name;  /* literal */
    const char *older; /* literal: where a full file goes */
    int64_t size_bytes;
    int64_t half_bytes;
    uint32_t rotations;
    uint64_t dropped_bytes;
};

/* Opens the file, which is created when missing and continued when there is one. Never follows a
 * link. */
void log_open(struct log *log);

enum log_state {
    LOG_DRAINED, /* nothing in the pipe now */
    LOG_MORE,    /* there may be more: the turn was long enough */
    LOG_ENDED,   /* all writers are gone; the pipe is closed */
};

/* Moves what is in the pipe, a bounded amount a turn. */
enum log_state log_pump(struct log *log);
