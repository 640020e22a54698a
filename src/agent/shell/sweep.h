/*
 * At the start and now and then: what is on this machine below the agent's directories and nobody
 * owns. An agent that was killed between two steps leaves such things, and so does a disk or a
 * kernel that refused once.
 */
#pragma once

#include <stdint.h>

struct daemon;

/* Found so far. */
struct sweep_counts {
    uint64_t sandboxes; /* directories that no task, executor or kept sandbox has */
    uint64_t mounts;    /* in this namespace below sandboxes in which nothing runs */
    uint64_t volumes;   /* destroyed ones whose content was still there */
};

/* Begins to remove all of it; what goes on elsewhere at this moment is left alone. */
void sweep(struct daemon *daemon);
