/*
 * The disk of one process: what is stored outlives it. A commit covers every ticket made before it
 * began, takes its time, and is there as a whole or not at all.
 */
#pragma once

#include "common/base/uuid.h"
#include "tests/sim/network.h"

struct drive_record {
    struct buf bytes;
    struct uuid uuid; /* of an update; nil else */
};

struct drive_change {
    uint64_t ticket;
    char *key;
    struct drive_record *record; /* NULL: the key goes */
};

struct drive {
    struct process *process;
    struct map records; /* key -> struct drive_record, owned */
    VEC_OF(struct drive_change) waiting;
    uint64_t made_ticket, handed_ticket, stored_ticket;
    int64_t slow_until_ms;
    void (*on_stored)(struct process *process, uint64_t ticket);
    void (*on_change)(struct process *process, struct text key, const struct drive_record *before,
                      const struct drive_record *after);
};

void drive_fini(struct drive *disk);
/* Takes the record. */
void drive_put(struct drive *disk, uint64_t ticket, struct text key, struct drive_record *record);
void drive_made(struct drive *disk, uint64_t ticket); /* all changes of the ticket are in */
/* The process died: of a commit that was under way nobody knows. */
void drive_crash(struct drive *disk);
