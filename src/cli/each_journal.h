/*
 * The file of `each --resume`: what has been done, appended as it happens. Whoever opens it again
 * after a crash gets every record back but a last one that was cut off, which is removed.
 */
#pragma once

#include "cli/each_spool.h"

struct each_journal;

enum each_journal_kind {
    JOURNAL_BEGIN = 1, /* payload: what the run is of */
    JOURNAL_START =
        2, /* a process began: line, bytes: printed so far; offset of its stdout; payload: which */
    JOURNAL_FRAMEWORK = 3, /* payload: its id, empty when it is no more */
    JOURNAL_LAUNCH = 4,    /* line, attempt; payload: agent id */
    JOURNAL_DONE = 5,      /* line, how, size of stdout; payload: stdout, then stderr */
    JOURNAL_POSITION = 6,  /* line, bytes: printed so far */
};

struct each_journal_record {
    enum each_journal_kind kind;
    uint64_t line, value, extra;
    uint64_t payload_offset, payload_size; /* in each_journal_fd */
};

/*
 * Opens or makes it, locks it, and gives every record to visit. ERROR_EXISTS: another process has
 * it; ERROR_INVALID: it is no journal, or one of something else than `what`.
 */
struct each_journal *each_journal_open(const char *path, struct text what,
                                       void (*visit)(void *self,
                                                     const struct each_journal_record *record),
                                       void *self, struct error *error);
void each_journal_free(struct each_journal *journal);

int each_journal_fd(const struct each_journal *journal);
bool each_journal_read(const struct each_journal *journal, const struct each_journal_record *record,
                       struct buf *out, struct error *error);

/* Survives the death of this process; that of the machine only after each_journal_sync. */
bool each_journal_append(struct each_journal *journal, const struct each_journal_record *record,
                         struct text payload, struct error *error);
/* DONE with its outputs, which are in the journal from then on (each_journal_fd). */
bool each_journal_append_done(struct each_journal *journal, uint64_t line, uint64_t how,
                              struct spooled *output, struct spooled *errors, struct spool *spool,
                              struct error *error);
bool each_journal_sync(struct each_journal *journal, struct error *error);
