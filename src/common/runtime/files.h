/*
 * Files as daemons need them: whole, atomic, bounded, and never through a link that somebody else
 * put there. Blocking calls: on a loop's thread only for what is small.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/* Appends the whole file to *out. ERROR_LIMIT when it has more bytes, ERROR_NOT_FOUND when missing.
 */
bool file_read(const char *path, size_t limit_bytes, struct buf *out, struct error *error);
bool file_read_at(int directory_fd, const char *path, size_t limit_bytes, struct buf *out,
                  struct error *error);

/* Under another name first, synced, then renamed: a reader finds the old content or the new. */
bool file_write(const char *path, struct text content, mode_t mode, struct error *error);
/* All bytes to an fd that blocks. */
bool fd_write_all(int fd, struct text bytes, struct error *error);

/* mkdir -p: missing parents too; what exists must be a directory. */
bool directory_make(const char *path, mode_t mode, struct error *error);
/* Below parent_fd and nowhere else: no link is followed, ".." is refused. Returns an fd, -1 on
 * failure. */
int directory_open_below(int parent_fd, const char *relative, bool create, mode_t mode,
                         struct error *error);

/* Removes a tree: no link is followed, nothing on another device or mount is touched
 * (ERROR_REFUSED, and the rest is gone). A path that is not there is fine. */
bool tree_remove(const char *path, struct error *error);
bool tree_remove_at(int directory_fd, const char *name, struct error *error);

/* Lets this process have `wanted` open files, or as many as it may: sockets are files too. */
void file_limit_raise(uint64_t wanted);

/* An exclusive lock for as long as the fd is open. -1: ERROR_EXISTS when somebody else has it.
 * Creates the file and writes our pid into it. When its holder is dead, waits up to a second for
 * what the holder left: a child that was killed with it between its birth and its exec. */
int file_lock(const char *path, struct error *error);

bool disk_free(const char *path, uint64_t *free_bytes, uint64_t *total_bytes, struct error *error);

static inline void fd_close_auto(int *fd) {
    if (*fd >= 0)
        close(*fd);
}
/* AUTO_FD int fd = open(...); */
#define AUTO_FD __attribute__((cleanup(fd_close_auto)))
