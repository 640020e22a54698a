/*
 * What `run` and `each` ask of the cluster for a task: how much of what, where, as whom; and how
 * that is cut out of an offer.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/vec.h"
#include "common/runtime/flags.h"
#include "mesos/scheduler.h"

struct task_terms {
    double cpus, mem_megabytes, disk_megabytes;
    char *name, *role;
    char *user; /* after task_terms_check never NULL */
    bool shell;
    int64_t timeout_ms;                          /* 0: none */
    int64_t stop_after_ms;                       /* without a master; 0: goes on */
    struct flag_strings environment, attributes; /* NAME=VALUE each */
};

/* Rows for the flag table of a command that has a `struct task_terms *t`. */
#define TASK_TERMS_FLAGS(t)                                                                        \
    {.name = "cpus",                                                                               \
     .kind = FLAG_DOUBLE,                                                                          \
     .number = &(t)->cpus,                                                                         \
     .preset = "0.1",                                                                              \
     .help = "Processors of each task; a share of them, unless the agent makes it a cap."},        \
        {.name = "mem",                                                                            \
         .kind = FLAG_DOUBLE,                                                                      \
         .number = &(t)->mem_megabytes,                                                            \
         .preset = "32",                                                                           \
         .metavar = "MB",                                                                          \
         .help = "Memory of each task, in MB. More than that kills it."},                          \
        {.name = "disk",                                                                           \
         .kind = FLAG_DOUBLE,                                                                      \
         .number = &(t)->disk_megabytes,                                                           \
         .metavar = "MB",                                                                          \
         .help = "Disk of each task, in MB."},                                                     \
        {.name = "env",                                                                            \
         .kind = FLAG_STRINGS,                                                                     \
         .strings = &(t)->environment,                                                             \
         .metavar = "NAME=VALUE",                                                                  \
         .help = "A variable for the task. May be given again."},                                  \
        {.name = "attribute",                                                                      \
         .kind = FLAG_STRINGS,                                                                     \
         .strings = &(t)->attributes,                                                              \
         .metavar = "NAME=VALUE",                                                                  \
         .help = "Only on agents that have this attribute. May be given again."},                  \
        {.name = "name",                                                                           \
         .kind = FLAG_STRING,                                                                      \
         .string = &(t)->name,                                                                     \
         .help = "What the framework is called; the command when not given."},                     \
        {.name = "user",                                                                           \
         .kind = FLAG_STRING,                                                                      \
         .string = &(t)->user,                                                                     \
         .help = "Who the tasks run as: you when not given, and nobody when you are root."},       \
        {.name = "role",                                                                           \
         .kind = FLAG_STRING,                                                                      \
         .string = &(t)->role,                                                                     \
         .preset = "*",                                                                            \
         .help = "The role whose share is used."},                                                 \
        {.name = "stop_after",                                                                     \
         .kind = FLAG_DURATION,                                                                    \
         .duration_ms = &(t)->stop_after_ms,                                                       \
         .help = "A task whose agent has had no master for so long is stopped there, so that no "  \
                 "second one runs beside it. At least 5secs."},                                    \
    {                                                                                              \
        .name = "timeout", .kind = FLAG_DURATION, .duration_ms = &(t)->timeout_ms,                 \
        .help = "A task that runs longer is killed."                                               \
    }

/* That the values make sense; fills in the user. */
bool task_terms_check(struct task_terms *terms, struct error *error);

/* "cpus 0.5, mem 64 MB, attribute rack=r1", into out. */
void task_terms_print(const struct task_terms *terms, struct buf *out);

/* The framework's description. `id` may be NULL. */
const Mesos__V1__FrameworkInfo *task_terms_framework(const struct task_terms *terms,
                                                     struct arena *arena, const char *command,
                                                     const char *id, double failover_seconds);

/* An offer from which tasks are cut. */
struct offer_stock {
    const Mesos__V1__Offer *offer; /* borrowed */
    int64_t *left_milli;           /* of each of its resources; in the arena */
    bool matches;                  /* its agent has the attributes */
};

struct offer_stock offer_stock_of(const Mesos__V1__Offer *offer, const struct task_terms *terms,
                                  struct arena *arena);
/* NULL when it does not fit. Lives in the arena; borrows words and terms. */
Mesos__V1__TaskInfo *offer_stock_cut(struct offer_stock *stock, const struct task_terms *terms,
                                     const char *task_id, const char *const *words,
                                     size_t word_count, struct arena *arena);
/* "cpus 2, mem 512 MB" of what is left. */
void offer_stock_print(const struct offer_stock *stock, struct buf *out);
int64_t offer_stock_left_milli(const struct offer_stock *stock, const char *name);

/* Ended before it was done, by others than its framework, whatever code its command then gave: an
 * operator empties its agent; no master was heard for --stop_after. */
bool task_was_drained(const Mesos__V1__TaskStatus *status);
bool task_was_cut_off(const Mesos__V1__TaskStatus *status);
/* What a shell would report of a task that has ended: its code, 128 and the signal,
 * CLI_TASK_CANNOT_RUN, or CLI_TASK_LOST. */
int task_exit_code(const Mesos__V1__TaskStatus *status);
/* Whether the exit code says all there is to say: not when memory ran out under a shell that went
 * on. */
bool task_end_is_plain(const Mesos__V1__TaskStatus *status);
/* What is known of its end. */
struct task_end {
    Mesos__V1__TaskState state;
    int exit_code; /* of its own; -1: none is known */
    int signal;    /* that ended it; 0: none */
};
struct task_end task_end_of(const Mesos__V1__TaskStatus *status);
bool task_state_has_ended(Mesos__V1__TaskState state);   /* nothing more comes */
const char *task_state_word(Mesos__V1__TaskState state); /* "TASK_RUNNING" */
