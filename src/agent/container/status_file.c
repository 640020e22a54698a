/* Status files are read whole or not at all, and what does not look like one is not there. */
#include "agent/container/status_file.h"

#include "agent/container/containerizer.h"
#include "agent/container/spec_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SUFFIX ".status"

enum {
    NAME_BYTES = CONTAINER_ID_LIMIT_BYTES + sizeof(SUFFIX),
    HEAD_LEAST_BYTES = offsetof(struct record_head, stop_at_ms), /* as older agents wrote it */
    STAT_BYTES = 1024,
    STAT_FIELDS_TO_START = 19, /* after the third, which follows the command's last ')' */
};

static const char *name_of(const char *id, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "%s%s", id, SUFFIX);
    return name;
}

int status_create(int directory, const char *id, struct error *error) {
    char name[NAME_BYTES];
    int file = openat(directory, name_of(id, name),
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        fail(error, ERROR_IO, "make status file %s: %m", name);
    return file;
}

/* The first digits of the kernel's boot id, which is chosen at random; 0: not known. */
static uint64_t boot_number(void) {
    static uint64_t number;
    char digits[9] = {0};
    if (number != 0)
        return number;
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    if (read(file, digits, sizeof(digits) - 1) == (ssize_t)sizeof(digits) - 1)
        number = strtoull(digits, NULL, 16);
    close(file);
    return number;
}

bool status_write_head(int file, const struct record_head *head) {
    struct record_head written = *head;
    if (written.boot == 0)
        written.boot = boot_number();
    return pwrite(file, &written, sizeof(written), 0) == (ssize_t)sizeof(written);
}

void status_update_head(int directory, const char *id, const struct record_head *head) {
    char name[NAME_BYTES];
    int file = openat(directory, name_of(id, name), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return;
    status_write_head(file, head);
    close(file);
}

bool status_write_stop_at(int directory, const char *id, int64_t stop_at_ms) {
    char name[NAME_BYTES];
    int file = openat(directory, name_of(id, name), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t written =
        pwrite(file, &stop_at_ms, sizeof(stop_at_ms), offsetof(struct record_head, stop_at_ms));
    close(file);
    return written == (ssize_t)sizeof(stop_at_ms);
}

bool status_read(int directory, const char *id, struct status *out) {
    char name[NAME_BYTES];
    int file = openat(directory, name_of(id, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return false;
    struct status status = {0};
    bool has_head = pread(file, &status.head, sizeof(status.head), 0) >= HEAD_LEAST_BYTES &&
                    status.head.magic == RECORD_MAGIC;
    if (pread(file, &status.record, sizeof(status.record), RECORD_OFFSET) !=
            (ssize_t)sizeof(status.record) ||
        status.record.magic != RECORD_MAGIC)
        memset(&status.record, 0, sizeof(status.record));
    close(file);
    if (status.head.boot != 0 && status.head.boot != boot_number()) {
        status.head.pid = 0;
        status.head.start_time = 0;
    }
    if (has_head)
        *out = status;
    return has_head;
}

void status_remove(int directory, const char *id) {
    char name[NAME_BYTES];
    unlinkat(directory, name_of(id, name), 0);
}

void status_each(int directory, void (*fn)(void *self, const char *id), void *self) {
    int opened = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = opened >= 0 ? fdopendir(opened) : NULL;
    struct dirent *entry;
    if (listing == NULL)
        return;
    while ((entry = readdir(listing)) != NULL) {
        struct text name = text_of(entry->d_name);
        if (!text_ends_with(name, TEXT(SUFFIX)))
            continue;
        char id[CONTAINER_ID_LIMIT_BYTES + 1];
        name.size -= sizeof(SUFFIX) - 1;
        if (!spec_is_id(name))
            continue;
        memcpy(id, name.data, name.size);
        id[name.size] = '\0';
        fn(self, id);
    }
    closedir(listing);
}

uint64_t process_start_time(pid_t pid) {
    char path[64], stat[STAT_BYTES];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t size = read(file, stat, sizeof(stat) - 1);
    close(file);
    if (size <= 0)
        return 0;
    stat[size] = '\0';
    char *at = strrchr(stat, ')');
    if (at == NULL)
        return 0;
    at++;
    for (int i = 0; i < STAT_FIELDS_TO_START && at != NULL; i++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtoull(at, NULL, 10) : 0;
}

int process_open(pid_t pid, uint64_t start_time) {
    if (pid <= 0 || start_time == 0)
        return -1;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -1;
    if (process_start_time(pid) == start_time)
        return pidfd;
    close(pidfd);
    return -1;
}
