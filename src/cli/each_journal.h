/*
 * The file of `each --resume`: what has been done, appended as it happens. Whoever opens it again
 * after a crash gets every record back but a last one that was cut off, which is removed.
 */
#pragma once

#include "cli/each_spool.h"

struct journal;

enum journal_kind {
    JOURNAL_BEGIN = 1, /* payload: what the run is of */
    JOURNAL_START =
        2, /* a process began: line, bytes: printed so far; offset of its stdout; payload: which */
    JOURNAL_FRAMEWORK = 3, /* payload: its id, empty when it is no more */
    JOURNAL_LAUNCH = 4,    /* line, attempt; payload: agent id */
    JOURNAL_DONE = 5,      /* line, how, size of stdout; payload: stdout, then stderr */
    JOURNAL_POSITION = 6,  /* line, bytes: printed so far */
};

struct journal_record {
    enum journal_kind kind;
    uint64_t line, value, extra;
    uint64_t payload_offset, payload_size; /* in journal_fd */
};

/*
 * Opens or makes it, locks it, and gives every record to visit. ERROR_EXISTS: another process has
 * it; ERROR_INVALID: it is no journal, or one of something else than `what`.
 */
struct journal *journal_open(const char *path, struct text what,
                             void (*visit)(void *self, const struct journal_record *record),
                             void *self, struct error *error);
void journal_free(struct journal *journal);

int journal_fd(const struct journal *journal);
bool journal_read(const struct journal *journal, const struct journal_record *record,
                  struct buf *out, struct error *error);

/* Survives the death of this process; that of the machine only after journal_sync. */
bool journal_append(struct journal *journal, const struct journal_record *record,
                    struct text payload, struct error *error);
/* DONE with its outputs, which are in the journal from then on (journal_fd). */
bool journal_append_done(struct journal *journal, uint64_t line, uint64_t how,
                         struct spooled *output, struct spooled *errors, struct spool *spool,
                         struct error *error);
bool journal_sync(struct journal *journal, struct error *error);
