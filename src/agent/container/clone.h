/*
 * The birth of a container: one clone3 into new namespaces and, on v2, into the group, and one exec
 * of mesos-init. The caller stands still until that exec has happened, and copies nothing for it.
 */
#pragma once

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CLONE_FILES_LIMIT = 16 };

struct clone_plan {
    int image;                    /* mesos-init */
    const char *name;             /* its argv[1], for whoever reads `ps` */
    int null;                     /* becomes 0, 1 and 2 */
    int files[CLONE_FILES_LIMIT]; /* become 3, 4, ... */
    size_t file_count;
    int cgroup;    /* directory of a v2 group, or -1 */
    bool rootless; /* in a user namespace of its own as well */
};

/* Needs every descriptor of the plan to be CLONE_FD_LEAST or more. Sets pid and pidfd
 * (close-on-exec). */
bool clone_container(const struct clone_plan *plan, pid_t *pid, int *pidfd, struct error *error);

/* The least number a descriptor of the plan may have, for it must not lie where another one goes.
 */
enum { CLONE_FD_LEAST = 3 + CLONE_FILES_LIMIT + 1 };
/* Takes fd and gives the same open file at a number that a plan can use; -1 with errno set. */
int clone_raise_fd(int fd);

/* Puts a program into a sealed memfd, which nobody can change any more; -1 with errno set. */
int clone_image(const void *bytes, size_t size);
