/*
 * Outputs that wait for their turn to be printed: in memory as long as all of them are small, else
 * in a temporary file that has no name.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/vec.h"

#include <stdint.h>
#include <sys/types.h>

enum { SPOOL_MEMORY_LIMIT_BYTES = 64 << 20, SPOOL_ONE_LIMIT_BYTES = 1 << 20 };

/* Zero-initialised is empty. */
struct spool {
    bool has_file;
    int fd;
    uint64_t file_bytes;
    size_t memory_bytes;
    size_t memory_limit_bytes; /* 0: SPOOL_MEMORY_LIMIT_BYTES */
};

void spool_fini(struct spool *spool);

struct spool_piece {
    uint64_t offset, size;
};

/* One output: pieces of a file, and behind them what is in memory. Zero-initialised is empty. */
struct spooled {
    int fd; /* of the pieces; not owned */
    VEC_OF(struct spool_piece) pieces;
    struct buf tail;
    uint64_t size;
};

void spooled_fini(struct spooled *spooled, struct spool *spool);
bool spooled_add(struct spooled *spooled, struct spool *spool, struct text bytes,
                 struct error *error);
/* It is `size` bytes at `offset` of a file that holds them as long as it is needed. */
void spooled_set(struct spooled *spooled, struct spool *spool, int fd, struct spool_piece piece);
/* Up to `size` bytes from `offset` on; 0 at the end, -1 on failure. */
ssize_t spooled_read(const struct spooled *spooled, uint64_t offset, void *out, size_t size,
                     struct error *error);
