/*
 * Everything below a directory goes through its fd, one name at a time, so nobody can turn a path
 * around under our hands.
 */
#include "common/runtime/files.h"

#include "common/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_STEP_BYTES = 64 << 10,
    TREE_DEPTH_LIMIT = 256,
    HOLDER_BYTES = 32,
    LOCK_STEP_NS = 5 * 1000 * 1000,
    LOCK_STEPS = 200,
};

static enum error_code code_of_errno(void) {
    return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
}

bool file_read_at(int directory_fd, const char *path, size_t limit_bytes, struct buf *out,
                  struct error *error) {
    AUTO_FD int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, code_of_errno(), "read %s: %m", path);
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    for (;;) {
        buf_reserve(&bytes, READ_STEP_BYTES);
        ssize_t got = read(fd, bytes.data + bytes.size, READ_STEP_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(error, ERROR_IO, "read %s: %m", path);
        if (got == 0)
            break;
        bytes.size += (size_t)got;
        bytes.data[bytes.size] = '\0';
        if (bytes.size > limit_bytes)
            return fail(error, ERROR_LIMIT, "%s has more than %zu bytes", path, limit_bytes);
    }
    buf_append_text(out, buf_text(&bytes));
    return true;
}

bool file_read(const char *path, size_t limit_bytes, struct buf *out, struct error *error) {
    return file_read_at(AT_FDCWD, path, limit_bytes, out, error);
}

bool fd_write_all(int fd, struct text bytes, struct error *error) {
    while (bytes.size > 0) {
        ssize_t put = write(fd, bytes.data, bytes.size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(error, ERROR_IO, "write: %m");
        bytes = text_sub(bytes, (size_t)put, bytes.size);
    }
    return true;
}

bool file_write(const char *path, struct text content, mode_t mode, struct error *error) {
    AUTO_FINI(buf_fini) struct buf other = {0};
    buf_printf(&other, "%s.XXXXXX", path);
    buf_string(&other);
    AUTO_FD int fd = mkostemp(other.data, O_CLOEXEC);
    if (fd < 0)
        return fail(error, ERROR_IO, "create a file beside %s: %m", path);
    if (!fd_write_all(fd, content, error)) {
        unlink(other.data);
        return fail_context(error, "%s", path);
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(other.data, path) != 0) {
        fail(error, ERROR_IO, "write %s: %m", path);
        unlink(other.data);
        return false;
    }
    return true;
}

/* Opens the directory `name`, which is made first when it is missing. */
static int enter(int parent_fd, const char *name, bool create, mode_t mode, bool follow) {
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int fd = openat(parent_fd, name, flags);
    if (fd >= 0 || errno != ENOENT || !create)
        return fd;
    if (mkdirat(parent_fd, name, mode) != 0 && errno != EEXIST)
        return -1;
    return openat(parent_fd, name, flags);
}

static int walk(int from_fd, const char *path, bool create, mode_t mode, bool below,
                struct error *error) {
    struct text rest = text_of(path), part;
    int fd = fcntl(from_fd, F_DUPFD_CLOEXEC, 3);
    while (fd >= 0 && text_split(&rest, '/', &part)) {
        if (part.size == 0 || text_equal(part, TEXT(".")))
            continue;
        if (below && text_equal(part, TEXT(".."))) {
            close(fd);
            fail(error, ERROR_REFUSED, "'%s' leads out of its directory", path);
            return -1;
        }
        char *name = text_dup(part);
        int next = enter(fd, name, create, mode, !below);
        int reason = errno;
        mem_free(name);
        close(fd);
        errno = reason;
        fd = next;
    }
    if (fd < 0)
        fail(error, code_of_errno(), "%s directory %s: %m", create ? "make" : "open", path);
    return fd;
}

bool directory_make(const char *path, mode_t mode, struct error *error) {
    AUTO_FD int start = open(path[0] == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (start < 0)
        return fail(error, ERROR_IO, "make directory %s: %m", path);
    AUTO_FD int fd = walk(start, path, true, mode, false, error);
    return fd >= 0;
}

int directory_open_below(int parent_fd, const char *relative, bool create, mode_t mode,
                         struct error *error) {
    return walk(parent_fd, relative, create, mode, true, error);
}

/* A mount point has another device, or (a bind mount of the same one) another mount id. */
static bool same_place(int fd, const struct statx *top) {
    struct statx here;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &here) != 0)
        return false;
    return here.stx_dev_major == top->stx_dev_major && here.stx_dev_minor == top->stx_dev_minor &&
           here.stx_mnt_id == top->stx_mnt_id;
}

static bool remove_entry(int parent_fd, const char *name, const struct statx *top, int depth,
                         struct error *error);

/* Goes on after a failure, so that one stubborn file does not keep the rest. Takes the fd. */
static bool empty_directory(int fd, const struct statx *top, int depth, struct error *error) {
    DIR *entries = fdopendir(fd);
    bool is_fine = true;
    if (entries == NULL) {
        close(fd);
        return fail(error, ERROR_IO, "list a directory: %m");
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct error first;
        if (!remove_entry(dirfd(entries), entry->d_name, top, depth + 1, &first) && is_fine)
            is_fine = fail(error, first.code, "%s", first.message);
    }
    closedir(entries);
    return is_fine;
}

static bool remove_entry(int parent_fd, const char *name, const struct statx *top, int depth,
                         struct error *error) {
    if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return fail(error, ERROR_IO, "remove %s: %m", name);
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(error, ERROR_IO, "remove %s: %m", name);
    if (depth > TREE_DEPTH_LIMIT || !same_place(fd, top)) {
        close(fd);
        return fail(error, depth > TREE_DEPTH_LIMIT ? ERROR_LIMIT : ERROR_REFUSED,
                    depth > TREE_DEPTH_LIMIT ? "%s lies too deep to remove"
                                             : "%s is a mount point and stays",
                    name);
    }
    if (!empty_directory(fd, top, depth, error))
        return false;
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return fail(error, ERROR_IO, "remove directory %s: %m", name);
    return true;
}

bool tree_remove_at(int directory_fd, const char *name, struct error *error) {
    struct statx top;
    if (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &top) != 0)
        return errno == ENOENT ? true : fail(error, ERROR_IO, "remove %s: %m", name);
    return remove_entry(directory_fd, name, &top, 0, error);
}

bool tree_remove(const char *path, struct error *error) {
    return tree_remove_at(AT_FDCWD, path, error);
}

static struct text read_holder(int fd, char out[HOLDER_BYTES]) {
    ssize_t got = pread(fd, out, HOLDER_BYTES - 1, 0);
    out[got > 0 ? got : 0] = '\0';
    return text_trim(text_of(out));
}

/* A killed daemon may leave a child that has not yet executed anything and still shares the lock.
 */
static bool take_lock(int fd) {
    const struct timespec step = {.tv_nsec = LOCK_STEP_NS};
    char room[HOLDER_BYTES];
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        int64_t pid;
        if (i == LOCK_STEPS || !text_to_i64(read_holder(fd, room), &pid) || pid <= 0 ||
            pid > INT_MAX || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

int file_lock(const char *path, struct error *error) {
    char pid[HOLDER_BYTES];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        fail(error, ERROR_IO, "open %s: %m", path);
        return -1;
    }
    if (!take_lock(fd)) {
        struct text holder = read_holder(fd, pid);
        fail(error, ERROR_EXISTS, "%s is locked by another process%s%.*s", path,
             holder.size > 0 ? ": pid " : "", TEXT_ARGS(holder));
        close(fd);
        return -1;
    }
    int size = snprintf(pid, sizeof(pid), "%d\n", getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size) {
        fail(error, ERROR_IO, "write %s: %m", path);
        close(fd);
        return -1;
    }
    return fd;
}

bool disk_free(const char *path, uint64_t *free_bytes, uint64_t *total_bytes, struct error *error) {
    struct statvfs place;
    if (statvfs(path, &place) != 0)
        return fail(error, code_of_errno(), "free space of %s: %m", path);
    *free_bytes = (uint64_t)place.f_bavail * place.f_frsize;
    *total_bytes = (uint64_t)place.f_blocks * place.f_frsize;
    return true;
}

void file_limit_raise(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    struct rlimit raised = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}
