/*
 * A record is a header, the payload and a checksum over both. It is written behind the end that is
 * known to be good, so what a crash has cut off is found at the end of the file and nowhere else.
 */
#include "cli/each_journal.h"

#include "common/runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAGIC = 0x3145454d, CHUNK_BYTES = 64 << 10, WHAT_LIMIT_BYTES = 4096 };

struct header {
    uint32_t magic, kind;
    uint64_t line, value, extra, size;
};

struct each_journal {
    int fd;
    uint64_t end;
};

/* --- checksums: FNV-1a --- */

static const uint64_t sum_start = 14695981039346656037u, sum_prime = 1099511628211u;

static uint64_t sum_add(uint64_t sum, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * sum_prime;
    return sum;
}

/* --- reading --- */

static bool read_exactly(int fd, uint64_t offset, void *out, size_t size) {
    char *at = out;
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

static bool payload_is_whole(int fd, const struct header *header, uint64_t offset) {
    uint64_t sum = sum_add(sum_start, header, sizeof(*header)), stored;
    char chunk[CHUNK_BYTES];
    uint64_t left = header->size;
    while (left > 0) {
        size_t size = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        if (!read_exactly(fd, offset, chunk, size))
            return false;
        sum = sum_add(sum, chunk, size);
        offset += size;
        left -= size;
    }
    return read_exactly(fd, offset, &stored, sizeof(stored)) && stored == sum;
}

/* The record at *offset, which moves behind it; false at the good end. */
static bool read_record(int fd, uint64_t *offset, struct each_journal_record *out) {
    struct header header;
    if (!read_exactly(fd, *offset, &header, sizeof(header)) || header.magic != MAGIC ||
        !payload_is_whole(fd, &header, *offset + sizeof(header)))
        return false;
    *out = (struct each_journal_record){.kind = (enum each_journal_kind)header.kind,
                                        .line = header.line,
                                        .value = header.value,
                                        .extra = header.extra,
                                        .payload_offset = *offset + sizeof(header),
                                        .payload_size = header.size};
    *offset = out->payload_offset + header.size + sizeof(uint64_t);
    return true;
}

bool each_journal_read(const struct each_journal *journal, const struct each_journal_record *record,
                       struct buf *out, struct error *error) {
    buf_clear(out);
    buf_reserve(out, record->payload_size + 1);
    if (!read_exactly(journal->fd, record->payload_offset, out->data, record->payload_size))
        return fail(error, ERROR_IO, "read the journal: %m");
    out->size = record->payload_size;
    out->data[out->size] = '\0';
    return true;
}

/* --- opening --- */

static bool check_what(struct each_journal *journal, const char *path, struct text what,
                       struct error *error) {
    struct each_journal_record first;
    AUTO_FINI(buf_fini) struct buf found = {0};
    if (!read_record(journal->fd, &journal->end, &first)) {
        char magic[4];
        uint32_t value;
        /* Nothing, or a first record that was cut off: begin. Anything else is somebody's file. */
        if (!read_exactly(journal->fd, 0, magic, sizeof(magic)))
            value = MAGIC;
        else
            memcpy(&value, magic, sizeof(value));
        if (value != MAGIC)
            return fail(error, ERROR_INVALID, "%s is no journal of mesos each", path);
        struct each_journal_record begin = {.kind = JOURNAL_BEGIN};
        return each_journal_append(journal, &begin, what, error);
    }
    if (first.kind != JOURNAL_BEGIN || first.payload_size > WHAT_LIMIT_BYTES)
        return fail(error, ERROR_INVALID, "%s is no journal of mesos each", path);
    if (!each_journal_read(journal, &first, &found, error))
        return false;
    if (!text_equal(buf_text(&found), what))
        return fail(error, ERROR_INVALID, "%s is of another command or another input", path);
    return true;
}

static bool open_and_check(struct each_journal *journal, const char *path, struct text what,
                           struct error *error) {
    journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->fd < 0)
        return fail(error, ERROR_INVALID, "open %s: %m", path);
    if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0)
        return fail(error, ERROR_EXISTS, "%s is in use by another mesos each", path);
    return check_what(journal, path, what, error);
}

struct each_journal *each_journal_open(const char *path, struct text what,
                                       void (*visit)(void *self,
                                                     const struct each_journal_record *record),
                                       void *self, struct error *error) {
    struct each_journal *journal = NEW(struct each_journal);
    struct each_journal_record record;
    if (!open_and_check(journal, path, what, error)) {
        each_journal_free(journal);
        return NULL;
    }
    while (read_record(journal->fd, &journal->end, &record))
        visit(self, &record);
    if (ftruncate(journal->fd, (off_t)journal->end) == 0)
        return journal;
    fail(error, ERROR_IO, "cut the torn end off %s: %m", path);
    each_journal_free(journal);
    return NULL;
}

void each_journal_free(struct each_journal *journal) {
    if (journal == NULL)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    mem_free(journal);
}

int each_journal_fd(const struct each_journal *journal) {
    return journal->fd;
}

/* --- appending --- */

static bool write_exactly(struct each_journal *journal, uint64_t *offset, const void *data,
                          size_t size, struct error *error) {
    const char *at = data;
    while (size > 0) {
        ssize_t put = pwrite(journal->fd, at, size, (off_t)*offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(error, ERROR_LIMIT, "write the journal: %m");
        at += put;
        *offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return true;
}

static struct header header_of(const struct each_journal_record *record, uint64_t size) {
    return (struct header){.magic = MAGIC,
                           .kind = (uint32_t)record->kind,
                           .line = record->line,
                           .value = record->value,
                           .extra = record->extra,
                           .size = size};
}

bool each_journal_append(struct each_journal *journal, const struct each_journal_record *record,
                         struct text payload, struct error *error) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct header header = header_of(record, payload.size);
    buf_append(&bytes, &header, sizeof(header));
    buf_append_text(&bytes, payload);
    uint64_t sum = sum_add(sum_start, bytes.data, bytes.size), at = journal->end;
    buf_append(&bytes, &sum, sizeof(sum));
    if (!write_exactly(journal, &at, bytes.data, bytes.size, error))
        return false;
    journal->end = at;
    return true;
}

static bool copy_output(struct each_journal *journal, uint64_t *at, uint64_t *sum,
                        const struct spooled *output, struct error *error) {
    char chunk[CHUNK_BYTES];
    for (uint64_t done = 0; done < output->size;) {
        ssize_t got = spooled_read(output, done, chunk, sizeof(chunk), error);
        if (got <= 0 || !write_exactly(journal, at, chunk, (size_t)got, error))
            return false;
        *sum = sum_add(*sum, chunk, (size_t)got);
        done += (uint64_t)got;
    }
    return true;
}

bool each_journal_append_done(struct each_journal *journal, uint64_t line, uint64_t how,
                              struct spooled *output, struct spooled *errors, struct spool *spool,
                              struct error *error) {
    struct each_journal_record record = {
        .kind = JOURNAL_DONE, .line = line, .value = how, .extra = output->size};
    struct header header = header_of(&record, output->size + errors->size);
    uint64_t sum = sum_add(sum_start, &header, sizeof(header)), at = journal->end;
    if (!write_exactly(journal, &at, &header, sizeof(header), error))
        return false;
    uint64_t payload = at;
    if (!copy_output(journal, &at, &sum, output, error) ||
        !copy_output(journal, &at, &sum, errors, error) ||
        !write_exactly(journal, &at, &sum, sizeof(sum), error))
        return false;
    uint64_t output_size = output->size, errors_size = errors->size;
    journal->end = at;
    spooled_set(output, spool, journal->fd, (struct spool_piece){payload, output_size});
    spooled_set(errors, spool, journal->fd,
                (struct spool_piece){payload + output_size, errors_size});
    return true;
}

bool each_journal_sync(struct each_journal *journal, struct error *error) {
    return fdatasync(journal->fd) == 0 || fail(error, ERROR_LIMIT, "sync the journal: %m");
}
