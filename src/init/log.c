/*
 * splice moves pages of the pipe without copying them through this process, which has no memory to
 * spare; where the file system cannot, or is full, a small buffer copies or drops.
 */
#include "init/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOVES_PER_TURN = 32,
    MOVE_LIMIT_BYTES = 1 << 20,
    COPY_BYTES = 4096,
};

static int open_file(const struct log *log, int flags) {
    return openat(log->directory, log->name,
                  O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0644);
}

void log_open(struct log *log) {
    struct stat stat;
    log->size_bytes = 0;
    log->file = open_file(log, 0);
    if (log->file < 0)
        return;
    if (fstat(log->file, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        close(log->file);
        log->file = -1;
        return;
    }
    log->size_bytes = stat.st_size;
}

/* A file that cannot be put aside is emptied instead: the half that is lost is the older one either
 * way. */
static void rotate(struct log *log) {
    log->rotations++;
    log->size_bytes = 0;
    if (renameat(log->directory, log->name, log->directory, log->older) == 0) {
        int next = open_file(log, O_EXCL);
        if (next >= 0) {
            close(log->file);
            log->file = next;
            return;
        }
        renameat(log->directory, log->older, log->directory, log->name);
    }
    if (ftruncate(log->file, 0) != 0) {
        close(log->file);
        log->file = -1;
    }
}

/* For what splice cannot do. Bytes that do not reach the file are dropped. */
static ssize_t copy(struct log *log, size_t room) {
    char bytes[COPY_BYTES];
    ssize_t size = read(log->pipe, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (size <= 0)
        return size;
    ssize_t written = 0;
    if (log->file >= 0)
        written = pwrite(log->file, bytes, (size_t)size, log->size_bytes);
    if (written < 0)
        written = 0;
    log->size_bytes += written;
    log->dropped_bytes += (uint64_t)(size - written);
    return size;
}

/* A full file is put aside when there is something for the next one, not before. 1: there is room
 * now; otherwise what reading would have said: 0 at the end, -1 and EAGAIN when nothing is there.
 */
static int make_room(struct log *log) {
    struct pollfd waiting = {.fd = log->pipe, .events = POLLIN};
    if (poll(&waiting, 1, 0) < 0)
        return -1;
    if ((waiting.revents & POLLIN) != 0) {
        rotate(log);
        return 1;
    }
    errno = EAGAIN;
    return (waiting.revents & POLLHUP) != 0 ? 0 : -1;
}

static ssize_t move(struct log *log) {
    if (log->file >= 0 && log->size_bytes >= log->half_bytes) {
        int room = make_room(log);
        if (room <= 0)
            return room;
    }
    if (log->file < 0)
        return copy(log, COPY_BYTES);

    int64_t left = log->half_bytes - log->size_bytes;
    size_t room = left < MOVE_LIMIT_BYTES ? (size_t)left : MOVE_LIMIT_BYTES;
    off_t offset = log->size_bytes;
    ssize_t moved =
        splice(log->pipe, NULL, log->file, &offset, room, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved > 0)
        log->size_bytes += moved;
    if (moved < 0 && errno != EAGAIN && errno != EINTR)
        return copy(log, room);
    return moved;
}

enum log_state log_pump(struct log *log) {
    for (int i = 0; i < MOVES_PER_TURN; i++) {
        ssize_t moved = move(log);
        if (moved > 0 || (moved < 0 && errno == EINTR))
            continue;
        if (moved < 0 && errno == EAGAIN)
            return LOG_DRAINED;
        close(log->pipe);
        log->pipe = -1;
        return LOG_ENDED;
    }
    return LOG_MORE;
}
