/*
 * The kernel's floor for containers: for each, a group in the hierarchies that the agent uses, the
 * same new namespaces by clone3, exec of /bin/true, wait, the group removed. No setting up, no
 * supervisor, no report. Needs root.
 */
#pragma once

#include <stdint.h>

enum { BARE_PAUSE_US = 20000 }; /* between what is measured one at a time */

enum { BARE_WORKERS = 2 }; /* processes at once: we too have two cores */

/* How long `count` of them take, by so many processes at once that each run one after another; in
 * groups below ROOT-bare0 and so on. */
double bare_seconds(const char *root, int workers, int count);

/* The median of `count` of them, one after another, from its groups' making to its exit. */
int64_t bare_one_us(const char *root, int count);
