#include "cli/each_spool.h"

#include "common/runtime/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void spool_fini(struct spool *spool) {
    if (spool->has_file)
        close(spool->fd);
    *spool = (struct spool){0};
}

static bool make_file(struct spool *spool, struct error *error) {
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];
    if (spool->has_file)
        return true;
    snprintf(path, sizeof(path), "%s/mesos-each-XXXXXX", directory != NULL ? directory : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return fail(error, ERROR_IO, "make %s: %m", path);
    unlink(path);
    spool->fd = fd;
    spool->has_file = true;
    return true;
}

static void clear_tail(struct spooled *spooled, struct spool *spool) {
    spool->memory_bytes -= spooled->tail.size;
    buf_fini(&spooled->tail);
    spooled->tail = (struct buf){0};
}

void spooled_fini(struct spooled *spooled, struct spool *spool) {
    clear_tail(spooled, spool);
    VEC_FINI(&spooled->pieces);
    *spooled = (struct spooled){0};
}

static bool move_to_file(struct spooled *spooled, struct spool *spool, struct error *error) {
    if (!make_file(spool, error))
        return false;
    if (!fd_write_all(spool->fd, buf_text(&spooled->tail), error))
        return fail_context(error, "keep outputs in a temporary file");
    struct spool_piece piece = {spool->file_bytes, spooled->tail.size};
    spool->file_bytes += piece.size;
    spooled->fd = spool->fd;
    VEC_PUSH(&spooled->pieces, piece);
    clear_tail(spooled, spool);
    return true;
}

bool spooled_add(struct spooled *spooled, struct spool *spool, struct text bytes,
                 struct error *error) {
    size_t limit = spool->memory_limit_bytes != 0 ? spool->memory_limit_bytes
                                                  : (size_t)SPOOL_MEMORY_LIMIT_BYTES;
    buf_append_text(&spooled->tail, bytes);
    spooled->size += bytes.size;
    spool->memory_bytes += bytes.size;
    if (spooled->tail.size <= SPOOL_ONE_LIMIT_BYTES && spool->memory_bytes <= limit)
        return true;
    return move_to_file(spooled, spool, error);
}

void spooled_set(struct spooled *spooled, struct spool *spool, int fd, struct spool_piece piece) {
    spooled_fini(spooled, spool);
    spooled->fd = fd;
    spooled->size = piece.size;
    if (piece.size > 0)
        VEC_PUSH(&spooled->pieces, piece);
}

ssize_t spooled_read(const struct spooled *spooled, uint64_t offset, void *out, size_t size,
                     struct error *error) {
    VEC_EACH(piece, &spooled->pieces) {
        if (offset >= piece->size) {
            offset -= piece->size;
            continue;
        }
        uint64_t left = piece->size - offset;
        ssize_t got = pread(spooled->fd, out, left < size ? (size_t)left : size,
                            (off_t)(piece->offset + offset));
        if (got <= 0) {
            fail(error, ERROR_IO, got < 0 ? "read a kept output: %m" : "a kept output is cut off");
            return -1;
        }
        return got;
    }
    struct text rest = text_sub(buf_text(&spooled->tail), (size_t)offset, size);
    if (rest.size > 0)
        memcpy(out, rest.data, rest.size);
    return (ssize_t)rest.size;
}
