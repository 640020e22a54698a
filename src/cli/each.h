/*
 * mesos each, in its parts. A line waits, is launched as a task, has ended (and its output is
 * read), is done, is printed. A task that is lost on the way gives its line back; what a line
 * leaves behind is what one task of it wrote, all of it, and it is printed when all lines before it
 * are.
 *
 *   each.c         flags, beginning and end, the progress line
 *   each_tasks.c   offers, launching, what the master says of tasks
 *   each_read.c    the outputs of tasks that have ended
 *   each_print.c   the journal's sync, acknowledgements, printing in order
 *   each_json.c    what --json prints of a line
 *   each_resume.c  what a journal says of a run before
 */
#pragma once

#include "cli/cli.h"
#include "cli/driver_loop.h"
#include "cli/each_input.h"
#include "cli/each_journal.h"
#include "cli/each_spool.h"
#include "cli/task_terms.h"
#include "common/base/list.h"
#include "common/base/map.h"

enum {
    EACH_AT_ONCE_LIMIT = 10000, /* tasks of one `each` */
    EACH_READERS_LIMIT = 32,    /* tasks whose output is being read */
    EACH_UNREAD_LIMIT = 2000,   /* ended tasks that wait for it, before no more are launched */
    EACH_LOST_LIMIT = 100,      /* times that a line's task may be lost */
    EACH_STREAMS = 2,
    EACH_ID_SIZE = 64,
};

enum each_line_state { LINE_WAITS, LINE_LAUNCHED, LINE_DONE };

/* What a line has come to. */
struct each_outcome {
    int exit_code; /* as a shell has it, CLI_TASK_LOST when the line was given up */
    struct task_end end;
    bool is_given_up;
    char *why; /* NULL, or what is worth saying of a failure */
    struct spooled output, errors;
};

struct each_line {
    enum each_line_state state;
    uint16_t failures, losses;
    uint32_t attempt;             /* the latest */
    struct each_outcome *outcome; /* LINE_DONE, until it is printed */
};

struct each_stream {
    struct spooled bytes;
    uint64_t channel, offset;
    bool is_complete;
};

struct each_task {
    struct link link; /* in each.unread or each.reading once it has ended */
    bool is_reading;
    size_t line; /* index */
    char id[EACH_ID_SIZE];
    char *agent_id;
    bool is_unsure; /* nothing was heard of it since it was launched or the connection was lost */
    int64_t launched_ms, asked_ms;
    int64_t away_since_ms;        /* unreachable or unknown; 0: not */
    Mesos__V1__TaskStatus *ended; /* a copy, not yet acknowledged; NULL: it goes on */
    struct each_stream streams[EACH_STREAMS];
    int64_t read_at_ms;       /* not before */
    int64_t trouble_since_ms; /* its output cannot be read; 0: it can */
};

struct each_offer {
    Mesos__V1__Offer *offer; /* a copy, owned */
    int64_t taken_ms;
};

struct each {
    struct cli_common common;
    struct task_terms terms;
    int64_t at_once, retries, patience_ms;
    char *input_path, *resume_path;
    bool shows_progress, hides_progress;
    struct flag_arguments arguments;

    struct loop *loop;
    struct driver_loop driver;
    struct loop_timer connect_timer, ask_timer, read_timer, progress_timer, restart_timer,
        offer_timer;
    struct loop_task settle_task;
    char framework_id[256];
    char prefix[9];
    char connect_why[256];
    bool is_registered, has_registered, is_suppressed;
    int restarts;

    struct input input;
    struct each_line *lines;
    size_t next_fresh;     /* no line from here on was ever launched */
    VEC_OF(size_t) again;  /* lines given back */
    size_t again_at;       /* the first of them that is left */
    struct map tasks;      /* id -> struct each_task, owned */
    size_t launched_count; /* of them those that have not ended */
    VEC_OF(struct each_offer) offers;
    struct buf largest;
    int64_t largest_cpu_milli, waits_since_ms;
    bool is_told_waiting;
    size_t requested; /* tasks that the master knows are wanted */
    bool has_requested;
    char infeasible[500]; /* what the master says of the request; "": it can be met */

    struct link unread, reading;
    size_t unread_count, reading_count;
    struct map channels; /* channel -> struct each_task */
    struct spool spool;

    struct each_journal *journal; /* NULL: without --resume */
    bool needs_sync;
    VEC_OF(Mesos__V1__TaskStatus *) acknowledge; /* at the end of the turn; owned */
    size_t print_line;                           /* the next to print */
    uint64_t print_offset;                       /* bytes of it that are printed */
    bool is_told_line;                           /* its stderr and its failure have been */
    struct buf json;                             /* --json: all of it; empty: not made yet */
    bool output_is_file;
    struct loop_watch *output_watch; /* of a stdout that may block; NULL: a file */
    bool output_is_stuck;

    size_t done_count, failed_count, lost_count, cluster_failures;
    bool progress_is_shown;
    bool is_over;
    int exit_code;
};

/* each.c */
void each_clear_progress(struct each *each); /* before anything else is written to stderr */
void each_say(struct each *each, const char *format, ...) __attribute__((format(printf, 2, 3)));
void each_finish(struct each *each, int exit_code);
void each_fail(struct each *each, const struct error *error); /* our own disk or pipe */

/* each_tasks.c */
bool each_start_driver(struct each *each, struct error *error);
void each_place(struct each *each); /* launches what fits into the offers at hand */
void each_return_offers(struct each *each, int64_t older_than_ms);
void each_ask(struct each *each, bool all); /* what became of tasks that nothing is heard of */
void each_again(struct each *each, struct each_task *task); /* frees it, and its line waits again */
/* It will not be heard of again, or its output will not: likewise, unless that came too often. */
void each_lose(struct each *each, struct each_task *task);
void each_task_free(struct each *each, struct each_task *task);
void each_on_ask_timer(void *self);
void each_on_offer_timer(void *self);
/* The name of a line's so manieth task. */
void each_task_id(const struct each *each, size_t line, uint32_t attempt, char out[EACH_ID_SIZE]);
struct each_task *each_add_task(struct each *each, size_t line, const char *agent_id);

/* each_read.c */
void each_read_soon(struct each *each, struct each_task *task);
void each_read(struct each *each);
void each_stop_reading(struct each *each, struct each_task *task);
void each_on_output(void *self, struct mesos_scheduler_driver *driver,
                    const struct mesos_output *output);
void each_on_read_timer(void *self);

/* each_print.c */
void each_complete(struct each *each,
                   struct each_task *task); /* takes it; its output has been read */
void each_settle(void *self);
bool each_start_output(struct each *each, struct error *error);
/* The line is done: into the journal with it, when there is one. */
void each_note_done(struct each *each, size_t line);
void each_outcome_free(struct each *each, struct each_outcome *outcome);

/* each_json.c */
/* Makes each->json the object of a line that is done: the same bytes whenever it is made. */
bool each_make_json(struct each *each, size_t line, struct error *error);

/* each_resume.c */
bool each_resume(struct each *each, struct error *error);
/* An outcome without its outputs, as a journal keeps it. */
uint64_t each_outcome_pack(const struct each_outcome *outcome);
