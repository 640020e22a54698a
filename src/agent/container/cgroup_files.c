/*
 * Reading and writing the small files of a group. Names are made in a buffer and opened relative to
 * the root's descriptor, so that no path is walked from "/".
 */
#include "agent/container/cgroup_version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAME_BYTES = CONTAINER_ID_LIMIT_BYTES + 64,
    FILE_BYTES = 8192, /* more than the files of a group that we read, and some pids at a time */
};

static int open_file(const struct cgroup_at *at, const char *file, int flags) {
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "%s/%s", at->id, file);
    return openat(at->root, name, flags | O_CLOEXEC);
}

bool cgroup_write(const struct cgroup_at *at, const char *file, const char *value,
                  struct error *error) {
    int opened = open_file(at, file, O_WRONLY);
    if (opened < 0)
        return fail(error, ERROR_IO, "open %s of cgroup %s: %m", file, at->id);
    ssize_t written = write(opened, value, strlen(value));
    int why = errno;
    close(opened);
    errno = why;
    if (written < 0)
        return fail(error, ERROR_IO, "write %s to %s of cgroup %s: %m", value, file, at->id);
    return true;
}

bool cgroup_write_number(const struct cgroup_at *at, const char *file, int64_t value,
                         struct error *error) {
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return cgroup_write(at, file, text, error);
}

bool cgroup_has(const struct cgroup_at *at, const char *file) {
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "%s/%s", at->id, file);
    return faccessat(at->root, name, F_OK, 0) == 0;
}

/* False when there is no such file. */
static bool read_file(const struct cgroup_at *at, const char *file, char content[FILE_BYTES]) {
    int opened = open_file(at, file, O_RDONLY);
    if (opened < 0)
        return false;
    ssize_t size = read(opened, content, FILE_BYTES - 1);
    close(opened);
    if (size < 0)
        return false;
    content[size] = '\0';
    return true;
}

static int64_t to_number(const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return end == text || errno != 0 || value < 0 ? -1 : value;
}

int64_t cgroup_read_number(const struct cgroup_at *at, const char *file, const char *key) {
    char content[FILE_BYTES];
    if (!read_file(at, file, content))
        return -1;
    if (key == NULL)
        return to_number(content);
    size_t size = strlen(key);
    for (const char *line = content; line != NULL && *line != '\0';) {
        if (strncmp(line, key, size) == 0 && line[size] == ' ')
            return to_number(line + size + 1);
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return -1;
}

void cgroup_kill_each(const struct cgroup_at *at) {
    char content[FILE_BYTES];
    if (!read_file(at, "cgroup.procs", content))
        return;
    for (char *line = content; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end == NULL)
            return; /* cut: the next try gets it */
        int64_t pid = to_number(line);
        if (pid > 1)
            kill((pid_t)pid, SIGKILL);
        line = end + 1;
    }
}
