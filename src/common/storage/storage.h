/*
 * What must survive a crash: an LMDB environment and the one thread that commits to it.
 *
 * Changes gather in a batch on the loop's thread; storage_commit hands the batch over under a
 * ticket, and on_stored tells, on the loop's thread, up to which ticket everything is on the disk.
 * While one commit is on its way, later batches gather and share the next: a commit is two
 * synchronous writes, and many tickets cost no more than one.
 *
 * A commit that fails (the disk is full) is tried again every STORAGE_RETRY_MS until it works, so
 * nothing that waits for it is lost or done too early; on_trouble tells when that begins and when
 * it is over.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct storage;

enum {
    STORAGE_RETRY_MS = 500,
    STORAGE_KEY_LIMIT_BYTES = 511, /* LMDB's own; longer keys are stored under a digest */
};

struct storage_options {
    const char *directory;    /* made when missing; locked against a second process */
    uint64_t map_limit_bytes; /* how large the file may grow; 0: 4 GiB */
    void (*on_stored)(void *self, uint64_t ticket);
    void (*on_trouble)(void *self, const struct error *error); /* NULL: it works again */
    void *self;
};

/* ERROR_EXISTS: another process has it open. */
struct storage *storage_open(struct loop *loop, const struct storage_options *options,
                             struct error *error);
/* Commits what was handed over, then closes; a disk that is full is not waited for. Nothing is told
 * any more. */
void storage_close(struct storage *storage);
DEFINE_AUTO(struct storage, storage_close)

/* Every key and value, borrowed for the call, in order of the keys' bytes (as far as the first 503
 * of them tell, and where no key is the beginning of another); stops when fn is false, and then
 * returns false with the error fn has set. Before the first commit. */
bool storage_load(struct storage *storage,
                  bool (*fn)(void *self, struct text key, struct text value, struct error *error),
                  void *self, struct error *error);

/* Into the batch; both are copied. */
void storage_put(struct storage *storage, struct text key, struct text value);
void storage_remove(struct storage *storage, struct text key); /* fine when it is not there */

/* Hands the batch over. Tickets rise. */
void storage_commit(struct storage *storage, uint64_t ticket);
